//! The first hits while somebody types: what the palette puts into its list.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::row::Row;
use crate::catalog::Catalog;
use crate::search::{Asked, Filter, Query, Search, Sort};
use crate::web::extract;
use crate::web::page::{Page, PageResult};
use crate::web::session::Viewer;

/// Hits that fit on the palette.
const MOST: usize = 10;

#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    q: String,
    #[serde(default, rename = "type")]
    sort: String,
}

/// The options of the palette's list.
#[derive(Template)]
#[template(path = "search/quick.html")]
pub(super) struct Quick {
    rows: Vec<Row>,
    /// What was searched instead, where nothing has the words.
    meant: Option<String>,
    is_early: bool,
}

/// `GET /search/quick`
pub(super) async fn show(
    State(search): State<Search>,
    State(catalog): State<Catalog>,
    viewer: Viewer,
    extract::Query(typed): extract::Query<Typed>,
) -> PageResult<Quick> {
    let mut query = Query::read(&typed.q);
    if let Some(sort) = Sort::named(&typed.sort) {
        query = query.and(Filter::sorts(&[sort]));
    }
    let found = search.find(&viewer.credentials, Asked::first(query, MOST)).await;
    let meant: Vec<&str> = found.corrected.iter().map(|(_, meant)| meant.as_str()).collect();
    Ok(Page(Quick {
        rows: found.items.iter().map(|item| Row::new(&catalog, &viewer, item, &found.marker)).collect(),
        meant: Some(meant.join(" ")).filter(|meant| !meant.is_empty()),
        is_early: found.is_early,
    }))
}
