//! `/.backstage/health/v1/{readiness,liveness}`.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;
use sqlx::PgPool;

use super::reply;
use crate::web::AppState;
use crate::web::error::Error;

/// The probes of orchestrators.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/.backstage/health/v1/liveness", get(alive))
        .route("/.backstage/health/v1/readiness", get(ready))
}

/// The process answers.
async fn alive() -> Response {
    reply::ok(&json!({ "status": "ok" }))
}

/// Postgres answers too.
async fn ready(State(pool): State<PgPool>) -> Result<Response, Error> {
    match pool.acquire().await {
        Ok(_) => Ok(reply::ok(&json!({ "status": "ok" }))),
        Err(error) => {
            tracing::warn!(%error, "not ready: the database cannot be reached");
            Err(Error::Unavailable("the database cannot be reached".to_owned()))
        }
    }
}
