//! `GET /catalog`: the list.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use super::query::{Asked, Facet};
use crate::catalog::{Catalog, Cursor, EntityQuery, Record};
use crate::entity::Entity;
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;

const PAGE: usize = 50;
/// Values of one facet that are listed; the chosen one always is.
const VALUES: usize = 12;

/// The list.
#[derive(Template)]
#[template(path = "catalog/index.html")]
pub(super) struct IndexPage {
    chrome: Chrome,
    /// `Components`, `Everything`.
    title: String,
    q: String,
    /// What the search form keeps of the address.
    kept: Vec<(&'static str, String)>,
    kinds: Vec<KindTab>,
    facets: Vec<FacetList>,
    chosen: Vec<(String, String)>,
    clear: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
    total: usize,
    newer: Option<String>,
    older: Option<String>,
    /// Whether the catalog has anything at all.
    empty: bool,
}

struct KindTab {
    label: String,
    count: usize,
    link: String,
    current: bool,
}

struct FacetList {
    title: &'static str,
    items: Vec<FacetItem>,
    open: bool,
}

struct FacetItem {
    label: String,
    count: usize,
    link: String,
    current: bool,
}

/// A column that the list can be ordered by.
struct Column {
    label: &'static str,
    link: String,
    direction: Option<&'static str>,
}

struct Row {
    entity: EntityLink,
    about: String,
    kind_of: String,
    owner: Option<EntityLink>,
    lifecycle: Option<String>,
    tags: Vec<(String, String)>,
    broken: bool,
    orphan: bool,
}

/// Shows the list that the address asks for.
pub(super) async fn show(
    State(catalog): State<Catalog>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<IndexPage> {
    let cursor = (!asked.cursor.is_empty()).then(|| Cursor::decode(&asked.cursor)).transpose()?;
    let query = EntityQuery {
        filter: asked.filter(None, viewer.credentials.ownership()),
        search: (!asked.q.is_empty()).then(|| asked.q.clone()),
        order: asked.order(),
        keep_missing: true,
        limit: Some(PAGE),
        cursor,
        ..EntityQuery::default()
    };
    let page = catalog.query(&viewer.credentials, &query);
    let turned =
        |cursor: Option<Cursor>| cursor.map(|cursor| Asked { cursor: cursor.encode(), ..asked.clone() }.link());
    let listing = Listing { catalog: &catalog, viewer: &viewer, asked: &asked };
    let title = asked.kind().map_or_else(|| "Everything".to_owned(), shown::kind_plural);
    let tabs = listing.kinds();
    Ok(Page(IndexPage {
        chrome: viewer.chrome(Area::Catalog, title.clone()),
        title,
        q: asked.q.clone(),
        kept: asked.pairs().into_iter().filter(|(name, _)| !matches!(*name, "q" | "cursor")).collect(),
        empty: catalog.index().is_empty(),
        kinds: tabs,
        facets: Facet::BESIDE.into_iter().filter_map(|facet| listing.facet(facet)).collect(),
        chosen: listing.chosen(),
        clear: Asked { kind: asked.kind.clone(), sort: asked.sort.clone(), ..Asked::default() }.link(),
        columns: listing.columns(),
        rows: page.items.iter().map(|record| listing.row(record)).collect(),
        total: page.total,
        newer: turned(page.previous),
        older: turned(page.next),
    }))
}

struct Listing<'a> {
    catalog: &'a Catalog,
    viewer: &'a Viewer,
    asked: &'a Asked,
}

impl Listing<'_> {
    /// How many entities have each value of a facet, with every other filter applied.
    fn counts(&self, facet: Facet) -> Vec<(String, usize)> {
        let credentials = &self.viewer.credentials;
        let filter = self.asked.filter(Some(facet), credentials.ownership());
        if self.asked.q.is_empty() {
            let found = self.catalog.facets(credentials, &filter, &[facet.field().to_owned()]);
            return found.into_iter().flat_map(|(_, values)| values).collect();
        }
        let query = EntityQuery { filter, search: Some(self.asked.q.clone()), ..EntityQuery::default() };
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for record in self.catalog.query(credentials, &query).items {
            for value in values(&record.entity(), facet) {
                *counts.entry(value).or_default() += 1;
            }
        }
        counts.into_iter().collect()
    }

    fn kinds(&self) -> Vec<KindTab> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (kind, count) in self.counts(Facet::Kind) {
            *counts.entry(kind.to_lowercase()).or_default() += count;
        }
        let all = counts.values().sum();
        let current = self.asked.kind();
        if let Some(kind) = current {
            counts.entry(kind.to_owned()).or_default();
        }
        let tab = |(kind, count): (String, usize)| KindTab {
            label: shown::kind_plural(&kind),
            count,
            link: self.asked.with(Facet::Kind, &kind).link(),
            current: current == Some(kind.as_str()),
        };
        let mut tabs: Vec<KindTab> = {
            let mut kinds: Vec<(String, usize)> = counts.into_iter().collect();
            kinds.sort_by_key(|(kind, _)| rank(kind));
            // Locations have a page of their own; as entities they are only for the curious.
            kinds.retain(|(kind, _)| kind != "location" || current == Some("location"));
            kinds.into_iter().map(tab).collect()
        };
        let link = self.asked.with(Facet::Kind, "all").link();
        tabs.push(KindTab { label: "Everything".to_owned(), count: all, link, current: current.is_none() });
        tabs
    }

    fn facet(&self, facet: Facet) -> Option<FacetList> {
        let current = self.asked.value(facet);
        let mut counts = self.counts(facet);
        if facet == Facet::Namespace && counts.len() < 2 && current.is_empty() {
            return None;
        }
        counts.sort_by(|(a_value, a), (b_value, b)| b.cmp(a).then_with(|| a_value.cmp(b_value)));
        let is_current = |value: &str| value.eq_ignore_ascii_case(current);
        let mut items: Vec<FacetItem> = counts
            .into_iter()
            .enumerate()
            .filter(|(index, (value, _))| *index < VALUES || is_current(value))
            .map(|(_, (value, count))| FacetItem {
                label: self.label(facet, &value),
                count,
                // A second click takes the filter away.
                link: self.asked.with(facet, if is_current(&value) { "" } else { &value }).link(),
                current: is_current(&value),
            })
            .collect();
        if facet == Facet::Owner {
            items.insert(0, self.mine());
        }
        (!items.is_empty()).then_some(FacetList {
            title: facet.title(),
            items,
            open: facet != Facet::Namespace || !current.is_empty(),
        })
    }

    /// The choice of what the viewer owns.
    fn mine(&self) -> FacetItem {
        let current = self.asked.owner == "me";
        let mine = Asked { owner: "me".to_owned(), ..self.asked.clone() };
        let credentials = &self.viewer.credentials;
        let query = EntityQuery {
            filter: Asked { kind: self.asked.kind().unwrap_or("all").to_owned(), ..mine }
                .filter(None, credentials.ownership()),
            search: (!self.asked.q.is_empty()).then(|| self.asked.q.clone()),
            limit: Some(0),
            ..EntityQuery::default()
        };
        FacetItem {
            label: "Me and my groups".to_owned(),
            count: self.catalog.query(credentials, &query).total,
            link: self.asked.with(Facet::Owner, if current { "" } else { "me" }).link(),
            current,
        }
    }

    fn label(&self, facet: Facet, value: &str) -> String {
        match (facet, value) {
            (Facet::Owner, "me") => "me and my groups".to_owned(),
            (Facet::Owner, "none") => "nobody".to_owned(),
            (Facet::Owner, value) => {
                EntityLink::read(self.catalog, self.viewer, value).map_or_else(|| value.to_owned(), |link| link.name)
            }
            _ => value.to_owned(),
        }
    }

    /// The filters that are set: label, and the address without.
    fn chosen(&self) -> Vec<(String, String)> {
        let set = Facet::BESIDE.into_iter().filter(|facet| !self.asked.value(*facet).is_empty());
        let one = |facet: Facet| {
            let label = format!("{}: {}", facet.title(), self.label(facet, self.asked.value(facet)));
            (label, self.asked.with(facet, "").link())
        };
        let text = (!self.asked.q.is_empty()).then(|| {
            (
                format!("Text: {}", self.asked.q),
                Asked { q: String::new(), cursor: String::new(), ..self.asked.clone() }.link(),
            )
        });
        set.map(one).chain(text).collect()
    }

    fn columns(&self) -> Vec<Column> {
        let column = |(name, label)| Column {
            label,
            link: self.asked.sorted_by(name).link(),
            direction: self.asked.direction(name),
        };
        [("name", "Name"), ("type", "Type"), ("owner", "Owner"), ("lifecycle", "Lifecycle")].map(column).into()
    }

    fn row(&self, record: &Arc<Record>) -> Row {
        let entity = &record.entity();
        Row {
            entity: EntityLink::titled(&record.reference, entity.title()),
            about: entity.description().unwrap_or_default().to_owned(),
            kind_of: entity.text(&["spec", "type"]).unwrap_or_default().to_owned(),
            owner: shown::owner(self.catalog, self.viewer, entity),
            lifecycle: lifecycle_of(entity),
            tags: entity.tags().take(2).map(|tag| (tag.to_owned(), self.asked.with(Facet::Tag, tag).link())).collect(),
            broken: entity.at(&["status", "items"]).is_some(),
            orphan: entity.annotation("backstage.io/orphan") == Some("true"),
        }
    }
}

/// The values an entity has in a facet.
fn values(entity: &Entity, facet: Facet) -> Vec<String> {
    let one = |text: Option<&str>| text.map(str::to_owned).into_iter().collect();
    match facet {
        Facet::Kind => one(Some(entity.kind())),
        Facet::Type => one(entity.text(&["spec", "type"])),
        Facet::Lifecycle => one(entity.text(&["spec", "lifecycle"])),
        Facet::Namespace => one(Some(entity.namespace())),
        Facet::Tag => entity.tags().map(str::to_owned).collect(),
        Facet::Owner => {
            let relations = entity.relations().into_iter().filter(|relation| relation.kind == "ownedBy");
            relations.map(|relation| relation.target).collect()
        }
    }
}

/// `spec.lifecycle`
pub(in crate::web::pages) fn lifecycle_of(entity: &Entity) -> Option<String> {
    entity.text(&["spec", "lifecycle"]).map(str::to_owned)
}

/// Kinds in the order people look for them.
fn rank(kind: &str) -> (usize, String) {
    const ORDER: [&str; 9] =
        ["component", "api", "resource", "system", "domain", "group", "user", "template", "location"];
    (ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len()), kind.to_owned())
}
