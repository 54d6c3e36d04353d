//! The small card that a reference shows when one points at it: a part of a page, without what stands around one.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse as _};

use super::entity::record;
use crate::catalog::Catalog;
use crate::web::error::Error;
use crate::web::extract::{Answer, EntityPath};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;

/// Seconds that a browser may show the same card again.
const KEPT: &str = "private, max-age=30";

/// The card.
#[derive(Template)]
#[template(path = "catalog/card.html")]
struct Card {
    title: String,
    reference: String,
    kind: String,
    kind_name: String,
    kind_of: Option<String>,
    about: Option<String>,
    lifecycle: Option<String>,
    owner: Option<EntityLink>,
    system: Option<EntityLink>,
    tags: Vec<String>,
    broken: bool,
}

/// `GET …/card`
pub(super) async fn show(State(catalog): State<Catalog>, viewer: Viewer, EntityPath(reference): EntityPath) -> Answer {
    let record = record(&catalog, &viewer, &reference)?;
    let entity = &record.entity();
    let card = Card {
        title: record.title.to_string(),
        reference: reference.to_string(),
        kind: reference.kind().to_owned(),
        kind_name: shown::kind_name(reference.kind()),
        kind_of: entity.text(&["spec", "type"]).map(str::to_owned),
        about: entity.description().map(str::to_owned),
        lifecycle: super::lifecycle_of(entity),
        owner: shown::owner(&catalog, &viewer, entity),
        system: shown::system(&catalog, &viewer, entity),
        tags: entity.tags().take(4).map(str::to_owned).collect(),
        broken: record.is_broken(),
    };
    let html = card.render().map_err(Error::internal)?;
    Ok(([(header::CACHE_CONTROL, KEPT)], Html(html)).into_response())
}
