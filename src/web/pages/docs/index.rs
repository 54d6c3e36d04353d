//! Everything that has documentation.

use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::catalog::{Catalog, EntityFilter, EntityQuery, Record};
use crate::entity::EntityRef;
use crate::preference::Preferences;
use crate::techdocs::TechDocs;
use crate::web::Site;
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Rows of one page.
const ROWS: usize = 100;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    /// `me` or nothing.
    #[serde(default)]
    owner: String,
    /// `yes` or nothing.
    #[serde(default)]
    starred: String,
}

/// Which documentation is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Mine,
    Starred,
}

/// The list.
#[derive(Template)]
#[template(path = "docs/index.html")]
pub(super) struct IndexPage {
    chrome: Chrome,
    q: String,
    /// Each choice: its name, its link, how many there are, whether it is made.
    choices: [(&'static str, String, usize, bool); 3],
    which: Which,
    total: usize,
    /// This page, for whoever comes back to it.
    here: String,
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
    /// Where the form that stars it posts to.
    star: String,
    starred: bool,
}

/// `GET /docs`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    State(techdocs): State<TechDocs>,
    State(preferences): State<Preferences>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<IndexPage> {
    let documented = techdocs.entities();
    let seen = documented.all.iter().filter_map(|entity| catalog.entity(&viewer.credentials, entity));
    let mut all: Vec<Arc<Record>> = seen.collect();
    let which = match (&*asked.owner, &*asked.starred) {
        ("me", _) => Which::Mine,
        (_, "yes") => Which::Starred,
        _ => Which::All,
    };
    let total = all.len();
    let stars: HashSet<EntityRef> = site.at_hand(preferences.starred(&viewer.credentials)).await?.into_iter().collect();
    let starred = all.iter().filter(|record| stars.contains(&record.reference)).count();
    // The index knows what is whose; to read it off thousands of documents would take longer than the page may.
    let owners = viewer.credentials.ownership().iter().map(ToString::to_string).collect();
    let filter = EntityFilter::In("relations.ownedby".to_owned(), owners);
    let owned = catalog.query(&viewer.credentials, &EntityQuery { filter, ..EntityQuery::default() }).items;
    let owned: HashSet<&EntityRef> = owned.iter().map(|record| &record.reference).collect();
    let own = all.iter().filter(|record| owned.contains(&record.reference)).count();
    let words: Vec<String> = asked.q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    all.retain(|record| {
        let fits = || {
            let entity = record.entity();
            let text = format!("{} {} {}", record.title, record.reference, entity.description().unwrap_or_default());
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let is_wanted = match which {
            Which::All => true,
            Which::Mine => owned.contains(&record.reference),
            Which::Starred => stars.contains(&record.reference),
        };
        is_wanted && (words.is_empty() || fits())
    });
    all.sort_by_cached_key(|record| record.title.to_lowercase());
    let rows = all.iter().take(ROWS).map(|record| Row::new(&catalog, &viewer, &stars, record));
    let rows = rows.collect();
    let chrome = viewer.chrome(Area::Docs, "Docs");
    let here = filtered(&asked.q, which);
    let choice = |one: Which, name, count| (name, filtered(&asked.q, one), count, one == which);
    let choices = [
        choice(Which::All, "All", total),
        choice(Which::Mine, "Mine", own),
        choice(Which::Starred, "Starred", starred),
    ];
    Ok(Page(IndexPage { chrome, choices, which, total, here, found: all.len(), q: asked.q, rows }))
}

impl Row {
    fn new(catalog: &Catalog, viewer: &Viewer, stars: &HashSet<EntityRef>, record: &Record) -> Self {
        let entity = record.entity();
        Self {
            title: record.title.to_string(),
            kind: record.reference.kind().to_owned(),
            kind_name: shown::kind_name(record.reference.kind()),
            link: link::docs_page(&record.reference, ""),
            entity: link::entity(&record.reference),
            about: entity.description().unwrap_or_default().to_owned(),
            owner: shown::owner(catalog, viewer, &entity),
            star: link::entity_star(&record.reference),
            starred: stars.contains(&record.reference),
        }
    }
}

/// A link to this list with other filters.
fn filtered(q: &str, which: Which) -> String {
    let mut filters = Vec::new();
    if !q.is_empty() {
        filters.push(("q", q));
    }
    match which {
        Which::All => {}
        Which::Mine => filters.push(("owner", "me")),
        Which::Starred => filters.push(("starred", "yes")),
    }
    link::catalog_where(&filters).replacen(&link::catalog(), &link::docs(), 1)
}
