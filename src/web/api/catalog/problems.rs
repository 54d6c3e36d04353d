//! What is broken: `/problems` as it is, `/entities/unprocessed/…` in the form of Backstage's module for it.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get};
use serde_json::{Value, json};

use crate::catalog::{Catalog, Unprocessed};
use crate::web::AppState;
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::{Caller, reply};
use crate::web::error::Error;
use crate::web::extract::Path;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/problems", get(list))
        .route("/entities/unprocessed/failed", get(failed))
        .route("/entities/unprocessed/pending", get(pending))
        .route("/entities/unprocessed/delete/{id}", delete(forget))
}

/// `GET /problems`: everything that is wrong, where, since when.
async fn list(State(catalog): State<Catalog>, Caller(who): Caller) -> Result<Response, Error> {
    let problems = catalog.problems(&who).await?;
    Ok(reply::ok(&json!({ "totalItems": problems.len(), "items": problems })))
}

/// `GET /entities/unprocessed/failed`
async fn failed(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let found = catalog.failed(&who).await?;
    answer("failed", &found, query.as_deref())
}

/// `GET /entities/unprocessed/pending`
async fn pending(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let found = catalog.pending(&who).await?;
    answer("pending", &found, query.as_deref())
}

fn answer(kind: &str, found: &[Unprocessed], query: Option<&str>) -> Result<Response, Error> {
    let parameters = Parameters::read(query, &[Parameter::text("owner")])?;
    let owner = parameters.text("owner");
    let owned = found.iter().filter(|one| owner.is_none() || one.entity["spec"]["owner"].as_str() == owner);
    let entities: Vec<_> = owned.map(wire).collect();
    Ok(reply::ok(&json!({ "type": kind, "entities": entities })))
}

fn wire(one: &Unprocessed) -> Value {
    let error = |(name, message): &(String, String)| json!({ "name": name, "message": message, "cause": { "name": name, "message": message, "stack": "" } });
    json!({
        "entity_id": one.id,
        "entity_ref": one.reference,
        "unprocessed_entity": one.entity,
        "next_update_at": one.next_read,
        "last_discovery_at": one.since,
        "errors": one.errors.iter().map(error).collect::<Vec<_>>(),
        "location_key": one.location,
    })
}

/// `DELETE /entities/unprocessed/delete/{id}`: also 204 for one that is not there.
async fn forget(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    if let Ok(id) = id.parse() {
        catalog.forget_failed(&who, id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
