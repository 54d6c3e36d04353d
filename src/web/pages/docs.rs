//! `/docs`: documentation of entities, all of it and page by page.
//!
//! Addresses are Backstage's: `/docs/{namespace}/{kind}/{name}/{page}`, and the address of a page ends with a slash, so that
//! its relative links lead to the same places as on a site that MkDocs wrote.

mod file;
mod index;
mod lines;
mod read;
mod whole;

use axum::Router;
use axum::routing::get;

pub(in crate::web) use self::file::answer as docs_file;
pub(crate) use self::whole::{page as whole_docs_page, stylesheet as docs_stylesheet};
use crate::web::AppState;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/docs", get(index::show))
        .route("/docs/{namespace}/{kind}/{name}", get(read::first))
        .route("/docs/{namespace}/{kind}/{name}/", get(read::show))
        .route("/docs/{namespace}/{kind}/{name}/{*page}", get(read::show))
}
