//! The Dependencies tab: what breaks if this is down, what it needs, and what it is made of.
//!
//! Both are walks along relations, as far as they go. What is down takes with it whatever depends on it, the APIs it
//! provides, and whoever consumes those; of a system or domain, all its parts are down with it.

use askama::Template;
use serde::Deserialize;

use super::entity::Head;
use super::tab::Tab;
use crate::catalog::{Catalog, EntityFilter, Neighbour, Neighbourhood, Walk};
use crate::entity::EntityRef;
use crate::web::extract::Query;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::graph::picture::{Picture, Towards};
use crate::web::pages::graph::strands::Strands;
use crate::web::pages::graph::{entity_link, owner_of};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Kinds that have this tab.
pub(super) const KINDS: [&str; 5] = ["component", "api", "resource", "system", "domain"];

/// What depends, as the one that is depended on shows it.
const DEPENDENTS: [&str; 3] = ["dependencyOf", "providesApi", "apiConsumedBy"];
/// What is needed.
const NEEDS: [&str; 3] = ["dependsOn", "consumesApi", "apiProvidedBy"];
/// Both, for the drawing.
const DRAWN: [&str; 6] = ["dependsOn", "dependencyOf", "consumesApi", "apiConsumedBy", "providesApi", "apiProvidedBy"];

/// Steps of a walk: further than any chain that means something.
const DEPTH: usize = 30;
/// Entities that are looked for.
const LISTED: usize = 500;
/// Entities of one list that are shown before somebody asks for all.
const SHOWN: usize = 40;
/// Entities of the drawing.
const DRAWN_LIMIT: usize = 40;

/// The tab.
#[derive(Template)]
#[template(path = "catalog/dependencies.html")]
pub(super) struct DependenciesPage {
    chrome: Chrome,
    head: Head,
    breaks: Side,
    needs: Side,
    /// Parts of a system or domain by kind.
    parts: Vec<(String, Vec<EntityLink>)>,
    picture: Option<Picture>,
    /// This page with all that was found.
    all: String,
    /// The whole graph along these relations.
    graph: String,
}

/// One of the two lists.
struct Side {
    /// `7 entities of 3 owners`
    summary: String,
    direct: usize,
    /// The nearest.
    items: Vec<Item>,
    /// How many were found besides.
    more: usize,
    is_cut: bool,
}

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// `yes`: all that was found, not just the nearest.
    #[serde(default)]
    all: String,
}

/// One entity of a list.
struct Item {
    entity: EntityLink,
    owner: Option<EntityLink>,
    /// How it is met: `depends on Ledger`.
    why: String,
    through: Option<EntityLink>,
    distance: usize,
}

/// `GET …/dependencies`
pub(super) async fn show(tab: Tab, Query(asked): Query<Asked>) -> PageResult<DependenciesPage> {
    let chrome = tab.chrome();
    let Tab { catalog, viewer, record, head } = tab;
    let reference = record.reference.clone();
    let whole = with_parts(&catalog, &viewer, &reference);
    let starts: Vec<EntityRef> = whole.met.iter().map(|met| met.reference.clone()).collect();
    let shown = if asked.all == "yes" { LISTED } else { SHOWN };
    let side = |relations: &[&str]| {
        let walk = Walk { depth: DEPTH, limit: LISTED + starts.len(), kinds: Vec::new(), relations: owned(relations) };
        Side::of(&catalog, &viewer, shown, &catalog.neighbourhood(&viewer.credentials, &starts, &walk))
    };
    let relations: Vec<(&str, String)> = DRAWN.iter().map(|relation| ("relation", (*relation).to_owned())).collect();
    let root = ("root", reference.to_string());
    Ok(Page(DependenciesPage {
        chrome,
        breaks: side(&DEPENDENTS),
        needs: side(&NEEDS),
        parts: parts(&whole),
        picture: drawn(&catalog, &viewer, &reference),
        all: format!("{}?all=yes", link::entity_tab(&reference, "dependencies")),
        graph: link::graph_where(&[&[root, ("depth", "3".to_owned())], &relations[..]].concat()),
        head,
    }))
}

/// The entity, and of a system or domain all that is in it.
fn with_parts(catalog: &Catalog, viewer: &Viewer, reference: &EntityRef) -> Neighbourhood {
    let is_made_of_parts = matches!(reference.kind(), "system" | "domain");
    let depth = if is_made_of_parts { DEPTH } else { 0 };
    let walk = Walk { depth, limit: LISTED, kinds: Vec::new(), relations: owned(&["hasPart"]) };
    catalog.neighbourhood(&viewer.credentials, std::slice::from_ref(reference), &walk)
}

fn parts(whole: &Neighbourhood) -> Vec<(String, Vec<EntityLink>)> {
    let mut kinds: Vec<(String, Vec<EntityLink>)> = Vec::new();
    for met in whole.met.iter().filter(|met| met.distance > 0) {
        let kind = shown::kind_plural(met.reference.kind());
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, links)) => links.push(entity_link(met)),
            None => kinds.push((kind, vec![entity_link(met)])),
        }
    }
    for (_, links) in &mut kinds {
        links.sort();
    }
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    kinds
}

fn drawn(catalog: &Catalog, viewer: &Viewer, reference: &EntityRef) -> Option<Picture> {
    let walk = Walk { depth: 1, limit: DRAWN_LIMIT, kinds: Vec::new(), relations: owned(&DRAWN) };
    let found = catalog.neighbourhood(&viewer.credentials, std::slice::from_ref(reference), &walk);
    let strands = Strands::of(&found, true, true);
    let draw =
        || Picture::draw(&found, &strands, Towards::Right, &|other| link::entity_tab(other, "dependencies")).plain();
    (found.met.len() > 1).then(draw)
}

impl Side {
    /// What was met besides the starts.
    fn of(catalog: &Catalog, viewer: &Viewer, shown: usize, found: &Neighbourhood) -> Self {
        let met: Vec<(usize, &Neighbour)> = found.met.iter().enumerate().filter(|(_, met)| met.distance > 0).collect();
        let nearest = met.iter().take(shown);
        let items = nearest.map(|(number, met)| Item::of(catalog, viewer, found, *number, met)).collect();
        let filter = EntityFilter::Any(met.iter().map(|(_, met)| EntityFilter::entity(&met.reference)).collect());
        let owners = catalog.counts(&viewer.credentials, "").values(&filter, "relations.ownedby");
        let summary = format!(
            "{} of {}",
            shown::count(met.len(), "entity", "entities"),
            shown::count(owners.len(), "owner", "owners")
        );
        let direct = met.iter().filter(|(_, met)| met.distance == 1).count();
        Self { summary, direct, items, more: met.len().saturating_sub(shown), is_cut: found.is_cut }
    }
}

impl Item {
    fn of(catalog: &Catalog, viewer: &Viewer, found: &Neighbourhood, number: usize, met: &Neighbour) -> Self {
        let through = met.through.and_then(|through| found.met.get(through));
        let relation = found.links.iter().find(|link| link.to == number && Some(link.from) == met.through);
        let why = match relation.map(|link| &*link.relation) {
            Some("dependencyOf") => "depends on",
            Some("providesApi") => "is provided by",
            Some("apiConsumedBy") => "consumes",
            Some("dependsOn") => "needed by",
            Some("consumesApi") => "consumed by",
            Some("apiProvidedBy") => "provides",
            _ => "",
        };
        Self {
            entity: entity_link(met),
            owner: met.record.as_deref().and_then(|record| owner_of(catalog, viewer, record)),
            why: why.to_owned(),
            through: through.map(entity_link),
            distance: met.distance,
        }
    }
}

fn owned(relations: &[&str]) -> Vec<String> {
    relations.iter().map(|relation| (*relation).to_owned()).collect()
}
