//! `GET /create/entities`: the entities of a picker that have some words, as the options of a select.
//!
//! A picker of more entities than its page lists asks here while somebody types (`combobox.js`).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::field::OptionView;
use super::offers::offered;
use crate::catalog::Catalog;
use crate::scaffolder::form::{EntityChoice, Own};
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Page, PageResult};
use crate::web::session::Viewer;

/// Options of one answer.
const MANY: usize = 100;

/// The options.
#[derive(Template)]
#[template(path = "create/entities.html")]
pub(crate) struct EntityOptions {
    options: Vec<OptionView>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// The words.
    #[serde(default)]
    q: String,
    /// The picker's filter, as JSON.
    #[serde(default)]
    filter: String,
    /// `owned` or `groups`: only the person's own.
    #[serde(default)]
    own: String,
}

/// Gives what fits.
pub(super) async fn show(
    State(catalog): State<Catalog>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<EntityOptions> {
    let wrong = |error| Error::Input(format!("the filter is no list of conditions: {error}"));
    let filter =
        if asked.filter.is_empty() { Vec::new() } else { serde_json::from_str(&asked.filter).map_err(wrong)? };
    let own = match asked.own.as_str() {
        "owned" => Own::Owned,
        "groups" => Own::Groups,
        _ => Own::Anyone,
    };
    let choice = EntityChoice { filter, own, ..EntityChoice::default() };
    Ok(Page(EntityOptions { options: offered(&catalog, &viewer, &choice, &asked.q, MANY).options }))
}
