//! One entity: the overview of every kind, and its tabs.

pub(super) mod ci;
mod estate;
mod hints;
mod origin;
mod relations;

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;

use self::estate::EstateCard;
use self::hints::{Hint, Offered};
use self::origin::Origin;
pub(super) use self::origin::located;
pub(in crate::web::pages) use self::origin::named;
use self::relations::{RelationGroup, grouped};
use super::claim::Contest;
use super::tab::Tab;
use crate::catalog::{Catalog, Record};
use crate::delivery::Delivery;
use crate::entity::{EntityRef, Link};
use crate::forge::Forges;
use crate::ownership::Ownership;
use crate::pipeline::Pipelines;
use crate::preference::Preferences;
use crate::techdocs;
use crate::web::Site;
use crate::web::error::Error;
use crate::web::extract::{Answer, EntityPath, Form, Path};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::graph;
use crate::web::pages::graph::picture::Picture;
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Lines of a definition that are shown.
pub(super) const LINES: usize = 3000;

/// Annotations that name the images of a component: ours first, then those of Backstage's plugins.
pub(super) const IMAGE_ANNOTATIONS: [&str; 3] =
    ["greenroom.dev/image", "goharbor.io/repository-slug", "quay.io/repository-slug"];

/// What stands at the top of every tab.
pub(super) struct Head {
    pub(super) reference: EntityRef,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) kind_of: Option<String>,
    pub(super) lifecycle: Option<String>,
    pub(super) owners: Vec<EntityLink>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) tabs: Vec<TabLink>,
    pub(super) refresh: String,
    /// Whether whoever looks starred it.
    pub(super) starred: bool,
    /// Where the star's form posts to.
    pub(super) star: String,
}

/// One tab in the row of them.
pub(super) struct TabLink {
    pub(super) label: &'static str,
    pub(super) icon: &'static str,
    pub(super) link: String,
    pub(super) current: bool,
}

impl Head {
    /// The head with one tab marked.
    pub(super) fn new(
        catalog: &Catalog,
        pipelines: &Pipelines,
        viewer: &Viewer,
        record: &Record,
        current: &str,
    ) -> Self {
        let entity = &record.outline();
        let kind = record.reference.kind();
        let has = Has {
            definition: entity.at(&["spec", "definition"]).is_some(),
            pipelines: pipelines.place(record).is_some(),
            docs: techdocs::is_documented(entity),
            image: IMAGE_ANNOTATIONS.iter().any(|name| entity.annotation(name).is_some()),
        };
        let owned = entity.relations().into_iter().filter(|relation| relation.kind == "ownedBy");
        let tag = |tag: &str| (tag.to_owned(), link::catalog_where(&[("tag", tag)]));
        Self {
            title: entity.title().to_owned(),
            kind: kind.to_owned(),
            kind_of: entity.text(&["spec", "type"]).map(str::to_owned),
            lifecycle: super::lifecycle_of(entity),
            owners: owned.filter_map(|relation| EntityLink::read(catalog, viewer, &relation.target)).collect(),
            tags: entity.tags().map(tag).collect(),
            tabs: tabs(&record.reference, &has, current),
            refresh: link::entity_refresh(&record.reference),
            starred: false,
            star: link::entity_star(&record.reference),
            reference: record.reference.clone(),
        }
    }

    /// The chrome of a tab.
    pub(super) fn chrome(&self, viewer: &Viewer) -> Chrome {
        viewer.chrome(Area::Catalog, self.title.clone())
    }

    pub(super) fn kind_name(&self) -> String {
        shown::kind_name(&self.kind)
    }

    pub(super) fn crumbs(&self) -> Vec<(String, String)> {
        let list = link::catalog_where(&[("kind", &self.kind)]);
        vec![("Catalog".to_owned(), link::catalog()), (shown::kind_plural(&self.kind), list)]
    }
}

/// What there is a tab for.
struct Has {
    definition: bool,
    docs: bool,
    pipelines: bool,
    image: bool,
}

fn tabs(reference: &EntityRef, has: &Has, current: &str) -> Vec<TabLink> {
    let tab = |name: &'static str, label, icon| TabLink {
        label,
        icon,
        link: if name.is_empty() { link::entity(reference) } else { link::entity_tab(reference, name) },
        current: name == current,
    };
    let mut tabs = vec![tab("", "Overview", "info")];
    if has.definition {
        tabs.push(tab("api", "Definition", "api"));
    }
    if has.docs {
        tabs.push(tab("docs", "Docs", "docs"));
    }
    if has.pipelines {
        tabs.push(tab("ci", "CI", "pipeline"));
    }
    if super::dependencies::KINDS.contains(&reference.kind()) {
        tabs.push(tab("dependencies", "Dependencies", "branch"));
    }
    if reference.kind() == "component" {
        tabs.push(tab("environments", "Environments", "deploy"));
        tabs.push(tab("kubernetes", "Kubernetes", "status"));
    }
    if has.image || current == "image" {
        tabs.push(tab("image", "Image", "catalog"));
    }
    tabs.push(tab("history", "History", "history"));
    tabs.push(tab("raw", "Source", "file"));
    tabs
}

/// The record of an address, or the page that says it is not there.
pub(super) fn record(catalog: &Catalog, viewer: &Viewer, reference: &EntityRef) -> Result<Arc<Record>, Error> {
    catalog.entity(&viewer.credentials, reference).ok_or_else(|| {
        Error::NotFound(format!("the catalog has no {reference}; it may have been unregistered, or its file has an error (see the catalog's problems)"))
    })
}

/// The overview.
#[derive(Template)]
#[template(path = "catalog/entity.html")]
pub(super) struct OverviewPage {
    chrome: Chrome,
    head: Head,
    about: Option<String>,
    facts: Vec<Fact>,
    links: Vec<Link>,
    contacts: Vec<(String, String)>,
    relations: Vec<RelationGroup>,
    /// Its neighbours, drawn.
    picture: Option<Picture>,
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
    origin: Origin,
    problems: Vec<ProblemLine>,
    /// What others claim of it.
    contest: Option<Contest>,
    orphan: bool,
    /// Starts the form, of a template.
    create: Option<String>,
    /// Where the newest pipelines are, and all of them.
    ci: Option<(String, String)>,
    /// What a group or a person owns.
    estate: Option<EstateCard>,
    /// What could be here too.
    hints: Vec<Hint>,
    /// Hands it over.
    owner: Option<String>,
    /// Tells that the catalog changed.
    events: String,
}

/// One line of the About card.
enum Fact {
    Entities(&'static str, Vec<EntityLink>),
    Text(&'static str, String),
    Link(&'static str, &'static str, String, String),
}

struct ProblemLine {
    message: String,
    hint: &'static str,
}

/// `GET /catalog/{namespace}/{kind}/{name}`
pub(super) async fn overview(
    tab: Tab,
    State(pipelines): State<Pipelines>,
    State(forges): State<Forges>,
    State(preferences): State<Preferences>,
    State(ownership): State<Ownership>,
    State(delivery): State<Delivery>,
    State(site): State<Arc<Site>>,
) -> PageResult<OverviewPage> {
    let chrome = tab.chrome();
    let Tab { catalog, viewer, record, head } = tab;
    let reference = record.reference.clone();
    preferences.visited(&viewer.credentials, &reference);
    let origin = Origin::load(&catalog, &forges, &viewer, &record).await;
    let entity = &record.entity();
    let is_template = reference.kind() == "template";
    Ok(Page(OverviewPage {
        chrome,
        about: entity.description().map(str::to_owned),
        facts: facts(&catalog, &viewer, &record, &origin),
        links: entity.links().into_iter().filter(|link| is_web(&link.url)).collect(),
        contacts: contacts(&record),
        relations: grouped(&catalog, &viewer, entity),
        picture: graph::small(&catalog, &viewer, &reference),
        labels: texts(&record, "labels"),
        annotations: texts(&record, "annotations"),
        problems: problems(&record),
        contest: Contest::load(&catalog, &forges, &site, &viewer, &record).await,
        orphan: entity.annotation("backstage.io/orphan") == Some("true"),
        create: is_template.then(|| link::create_from(&reference)),
        ci: pipelines
            .place(&record)
            .map(|_| (link::entity_ci_latest(&reference), link::entity_ci(&reference, None, false))),
        estate: EstateCard::load(&ownership, &viewer, &record),
        hints: hints::of(entity, reference.kind(), &offered(&forges, &delivery)),
        owner: entity.text(&["spec", "owner"]).map(|_| link::entity_owner(&reference, None)),
        events: link::catalog_changes(Some(&reference)),
        origin,
        head,
    }))
}

/// `GET /catalog/{namespace}/{kind}/{name}/docs`: where Backstage has documentation too.
pub(super) async fn docs(EntityPath(reference): EntityPath) -> Redirect {
    Redirect::temporary(&link::docs_page(&reference, ""))
}

/// `GET /catalog/{namespace}/{kind}/{name}/docs/{page}`
pub(super) async fn docs_page(
    EntityPath(reference): EntityPath,
    Path(place): Path<HashMap<String, String>>,
) -> Redirect {
    Redirect::temporary(&link::docs_page(&reference, place.get("page").map_or("", String::as_str)))
}

fn offered(forges: &Forges, delivery: &Delivery) -> Offered {
    Offered {
        github: forges.iter().any(|forge| forge.github().is_some()),
        clusters: !delivery.clusters().all().is_empty(),
        registries: !delivery.registries().is_empty(),
    }
}

fn facts(catalog: &Catalog, viewer: &Viewer, record: &Record, origin: &Origin) -> Vec<Fact> {
    let entity = &record.entity();
    let related = |kind: &str| -> Vec<EntityLink> {
        let found = entity.relations().into_iter().filter(|relation| relation.kind == kind);
        found.filter_map(|relation| EntityLink::read(catalog, viewer, &relation.target)).collect()
    };
    let mut facts = Vec::new();
    let mut entities = |label, kind| {
        let links = related(kind);
        if !links.is_empty() {
            facts.push(Fact::Entities(label, links));
        }
    };
    entities("Owner", "ownedBy");
    entities("Part of", "partOf");
    entities("Parent", "childOf");
    let mut text = |label, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push(Fact::Text(label, value.to_owned()));
        }
    };
    text("Type", entity.text(&["spec", "type"]));
    text("Lifecycle", entity.text(&["spec", "lifecycle"]));
    text("Namespace", Some(record.reference.namespace()).filter(|namespace| *namespace != "default"));
    if let Some(source) = &origin.source {
        facts.push(Fact::Link("Source", "repository", source.0.clone(), source.1.clone()));
    }
    if let Some(docs) = &origin.docs {
        facts.push(Fact::Link("Docs", "docs", "Read the docs".to_owned(), docs.clone()));
    }
    facts
}

/// How to reach a group or a user.
fn contacts(record: &Record) -> Vec<(String, String)> {
    let entity = record.entity();
    let email = entity.text(&["spec", "profile", "email"]).filter(|email| !email.is_empty());
    email.map(|email| (email.to_owned(), format!("mailto:{email}"))).into_iter().collect()
}

fn texts(record: &Record, what: &str) -> Vec<(String, String)> {
    let entity = record.entity();
    let map = entity.at(&["metadata", what]).and_then(serde_json::Value::as_object);
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// What is wrong with the entity, with what to do about it.
fn problems(record: &Record) -> Vec<ProblemLine> {
    let entity = record.entity();
    let items = entity.at(&["status", "items"]).and_then(serde_json::Value::as_array);
    let line = |item: &serde_json::Value| {
        let message = item.get("message").and_then(serde_json::Value::as_str).unwrap_or("it has an error").to_owned();
        let hint = if message.contains("not found") || message.contains("NotFound") {
            "Put the file back, or unregister the location that names it."
        } else {
            "This page shows the last version that was right. Correct the file and press Refresh."
        };
        ProblemLine { message: super::problems::plain(&message).to_owned(), hint }
    };
    items.into_iter().flatten().map(line).collect()
}

/// Whether a link of a descriptor may be shown as one.
fn is_web(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme))
}

/// The symbol of a link's `icon`.
fn link_icon(link: &Link) -> &'static str {
    match link.icon.as_deref().unwrap_or_default() {
        "dashboard" => "dashboard",
        "chat" => "chat",
        "docs" | "techdocs" => "docs",
        "github" | "code" | "scaffolder" => "repository",
        "email" | "mail" => "mail",
        "group" => "group",
        "user" => "user",
        "catalog" => "catalog",
        "alert" | "warning" => "alert",
        "help" => "info",
        _ => "link",
    }
}

#[derive(Deserialize)]
pub(super) struct Pressed {}

/// `POST …/refresh`: reads the source now.
pub(super) async fn refresh(
    State(catalog): State<Catalog>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    _: Form<Pressed>,
) -> Answer {
    catalog.refresh(&viewer.credentials, &reference).await?;
    Ok(Redirect::to(&link::entity(&reference)).into_response())
}
