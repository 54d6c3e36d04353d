//! Everything that has documentation.

use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::catalog::{Catalog, Record};
use crate::techdocs::TechDocs;
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Rows of one page.
const ROWS: usize = 200;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    owner: String,
}

/// The list.
#[derive(Template)]
#[template(path = "docs/index.html")]
pub(super) struct IndexPage {
    chrome: Chrome,
    q: String,
    mine: bool,
    total: usize,
    own: usize,
    found: usize,
    rows: Vec<Row>,
}

struct Row {
    title: String,
    kind: String,
    kind_name: String,
    link: String,
    entity: String,
    about: String,
    owner: Option<EntityLink>,
}

/// `GET /docs`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    State(techdocs): State<TechDocs>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<IndexPage> {
    let documented = techdocs.entities();
    let seen = documented.all.iter().filter_map(|entity| catalog.entity(&viewer.credentials, entity));
    let mut all: Vec<Arc<Record>> = seen.collect();
    let (total, mine) = (all.len(), asked.owner == "me");
    let owned: HashSet<String> = viewer.credentials.ownership().iter().map(ToString::to_string).collect();
    let is_own = |record: &Record| {
        let relations = record.relations();
        relations.iter().any(|relation| relation.kind == "ownedBy" && owned.contains(&*relation.target))
    };
    let own = all.iter().filter(|record| is_own(record)).count();
    let words: Vec<String> = asked.q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    all.retain(|record| {
        let fits = || {
            let entity = record.entity();
            let text = format!("{} {} {}", record.title, record.reference, entity.description().unwrap_or_default());
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        (!mine || is_own(record)) && (words.is_empty() || fits())
    });
    all.sort_by_cached_key(|record| record.title.to_lowercase());
    let rows = all.iter().take(ROWS).map(|record| Row::new(&catalog, &viewer, record));
    let rows = rows.collect();
    let chrome = viewer.chrome(Area::Docs, "Docs");
    Ok(Page(IndexPage { chrome, mine, total, own, found: all.len(), q: asked.q, rows }))
}

impl Row {
    fn new(catalog: &Catalog, viewer: &Viewer, record: &Record) -> Self {
        let entity = record.entity();
        Self {
            title: record.title.to_string(),
            kind: record.reference.kind().to_owned(),
            kind_name: shown::kind_name(record.reference.kind()),
            link: link::docs_page(&record.reference, ""),
            entity: link::entity(&record.reference),
            about: entity.description().unwrap_or_default().to_owned(),
            owner: shown::owner(catalog, viewer, &entity),
        }
    }
}

/// A link to this list with other filters.
fn filtered(q: &str, mine: bool) -> String {
    let mut filters = Vec::new();
    if !q.is_empty() {
        filters.push(("q", q));
    }
    if mine {
        filters.push(("owner", "me"));
    }
    link::catalog_where(&filters).replacen(&link::catalog(), &link::docs(), 1)
}
