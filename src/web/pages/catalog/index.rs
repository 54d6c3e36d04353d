//! `GET /catalog`: the list. Every choice is in its address, so a list is saved and sent as a link.

mod column;
mod facets;

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;

use self::column::{Cell, Column, Heading};
use self::facets::{FacetList, Facets, KindTab};
use super::query::{Asked, Facet, Known};
use crate::catalog::{Catalog, Cursor, EntityQuery, Record};
use crate::entity::Entity;
use crate::ownership::Ownership;
use crate::preference::Preferences;
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;
use crate::web::url as link;
use crate::web::{AppState, Site};

const PAGE: usize = 50;

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
    /// What the form that chooses columns keeps of it.
    kept_by_columns: Vec<(&'static str, String)>,
    kinds: Vec<KindTab>,
    facets: Vec<FacetList>,
    chosen: Vec<(String, String)>,
    clear: String,
    headings: Vec<Heading>,
    /// Every column: its name, its label, and whether it is shown.
    columns: Vec<(&'static str, &'static str, bool)>,
    rows: Vec<Row>,
    total: usize,
    newer: Option<String>,
    older: Option<String>,
    /// Whether the catalog has anything at all.
    empty: bool,
    /// The whole list as a file.
    csv: String,
    json: String,
    /// This page of the list.
    here: String,
}

struct Row {
    entity: EntityLink,
    about: String,
    cells: Vec<Cell>,
    broken: bool,
    orphan: bool,
    starred: bool,
}

/// Shows the list that the address asks for.
pub(super) async fn show(
    State(catalog): State<Catalog>,
    asker: Asker,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<IndexPage> {
    let known = asker.known(&viewer, &asked).await?;
    let cursor = (!asked.cursor.is_empty()).then(|| Cursor::decode(&asked.cursor)).transpose()?;
    let query = EntityQuery { limit: Some(PAGE), cursor, ..query(&asked, &known) };
    let page = catalog.query(&viewer.credentials, &query);
    let turned =
        |cursor: Option<Cursor>| cursor.map(|cursor| Asked { cursor: cursor.encode(), ..asked.clone() }.link());
    let facets = Facets::new(&catalog, &viewer, &asked, &known);
    let title = asked.kind().map_or_else(|| "Everything".to_owned(), shown::kind_plural);
    let columns = Column::chosen(&asked.columns);
    let kept = |but: &[&str]| asked.whole().pairs().into_iter().filter(|(name, _)| !but.contains(name)).collect();
    Ok(Page(IndexPage {
        chrome: viewer.chrome(Area::Catalog, title.clone()),
        title,
        q: asked.q.clone(),
        kept: kept(&["q"]),
        kept_by_columns: kept(&["column"]),
        empty: catalog.index().is_empty(),
        kinds: facets.kinds(),
        facets: Facet::BESIDE.into_iter().filter_map(|facet| facets.list(facet)).collect(),
        chosen: facets.chosen(),
        clear: Asked {
            kind: asked.kind.clone(),
            sort: asked.sort.clone(),
            columns: asked.columns.clone(),
            ..Asked::default()
        }
        .link(),
        headings: Heading::of(&columns, &asked),
        columns: Column::ALL.map(|column| (column.name(), column.label(), columns.contains(&column))).into(),
        rows: page.items.iter().map(|record| row(&catalog, &viewer, &asked, &known, &columns, record)).collect(),
        total: page.total,
        newer: turned(page.previous),
        older: turned(page.next),
        csv: link::catalog_export("csv", &asked.whole().link()),
        json: link::catalog_export("json", &asked.whole().link()),
        here: asked.link(),
    }))
}

/// What is asked to find out what filters need to know.
pub(super) struct Asker {
    catalog: Catalog,
    ownership: Ownership,
    preferences: Preferences,
    site: Arc<Site>,
}

impl FromRequestParts<AppState> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self {
            catalog: state.catalog.clone(),
            ownership: state.ownership.clone(),
            preferences: state.preferences.clone(),
            site: Arc::clone(&state.site),
        })
    }
}

impl Asker {
    pub(super) async fn known(&self, viewer: &Viewer, asked: &Asked) -> Result<Known, Error> {
        let who = &viewer.credentials;
        Ok(Known {
            ownership: who.ownership().to_vec(),
            starred: self.site.at_hand(self.preferences.starred(who)).await?,
            lost: self.catalog.lost_owners(who),
            under: asked.under().map(|owner| self.ownership.under(who, &owner)).unwrap_or_default(),
        })
    }

    /// Everything that the address asks for, on all pages.
    pub(super) async fn all(&self, viewer: &Viewer, asked: &Asked) -> Result<Vec<Arc<Record>>, Error> {
        let known = self.known(viewer, asked).await?;
        Ok(self.catalog.query(&viewer.credentials, &query(asked, &known)).items)
    }
}

/// What the address asks for, without a page of it.
fn query(asked: &Asked, known: &Known) -> EntityQuery {
    EntityQuery {
        filter: asked.filter(None, known),
        search: (!asked.q.is_empty()).then(|| asked.q.clone()),
        order: asked.order(),
        keep_missing: true,
        ..EntityQuery::default()
    }
}

fn row(
    catalog: &Catalog,
    viewer: &Viewer,
    asked: &Asked,
    known: &Known,
    columns: &[Column],
    record: &Arc<Record>,
) -> Row {
    let entity = &record.entity();
    Row {
        entity: EntityLink::titled(&record.reference, entity.title()),
        about: entity.description().unwrap_or_default().to_owned(),
        cells: columns.iter().map(|column| Cell::new(*column, catalog, viewer, asked, entity)).collect(),
        broken: record.is_broken(),
        orphan: entity.annotation("backstage.io/orphan") == Some("true"),
        starred: known.starred.contains(&record.reference),
    }
}

/// `spec.lifecycle`
pub(in crate::web::pages) fn lifecycle_of(entity: &Entity) -> Option<String> {
    entity.text(&["spec", "lifecycle"]).map(str::to_owned)
}
