//! `/catalog`: the list of entities, their pages, what is broken, where everything comes from.

mod ancestry;
mod bulk;
mod card;
mod changes;
mod claim;
mod definition;
mod dependencies;
mod entity;
mod environments;
mod export;
mod history;
mod image;
mod index;
mod kubernetes;
mod locations;
mod organisation;
mod owner;
mod problems;
mod query;
mod raw;
mod star;
mod tab;

use axum::Router;
use axum::routing::{get, post};

use crate::web::AppState;

pub(super) use self::entity::ci::{PipelineGlance, newest as newest_pipeline};
pub(super) use self::entity::named;
pub(super) use self::index::lifecycle_of;
pub(crate) use self::kubernetes::many_pods;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/catalog", get(index::show))
        .route("/catalog/export.csv", get(export::csv))
        .route("/catalog/export.json", get(export::json))
        .route("/catalog/changes", get(changes::events))
        .route("/catalog/bulk", post(bulk::order))
        .route("/catalog/problems", get(problems::show))
        .route("/catalog/locations", get(locations::list).post(locations::register))
        .route("/catalog/provider-runs", post(locations::run_provider))
        .route("/catalog/locations/{id}", get(locations::show))
        .route("/catalog/locations/{id}/removal", post(locations::remove))
        .route("/catalog/{namespace}/{kind}/{name}", get(entity::overview))
        .merge(definition::router())
        .merge(entity::ci::router())
        .merge(kubernetes::router())
        .merge(image::router())
        .route("/catalog/{namespace}/{kind}/{name}/dependencies", get(dependencies::show))
        .route("/catalog/{namespace}/{kind}/{name}/environments", get(environments::show))
        .route("/catalog/{namespace}/{kind}/{name}/docs", get(entity::docs))
        .route("/catalog/{namespace}/{kind}/{name}/docs/{*page}", get(entity::docs_page))
        .route("/catalog/{namespace}/{kind}/{name}/history", get(history::show))
        .route("/catalog/{namespace}/{kind}/{name}/raw", get(raw::show))
        .route("/catalog/{namespace}/{kind}/{name}/refresh", post(entity::refresh))
        .route("/organisation", get(organisation::show))
        .route("/catalog/{namespace}/{kind}/{name}/owner", get(owner::show).post(owner::propose))
        .route("/catalog/{namespace}/{kind}/{name}/card", get(card::show))
        .route("/catalog/{namespace}/{kind}/{name}/star", post(star::one))
}
