//! `/.backstage/health/v1/{readiness,liveness}`.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::web::AppState;
use crate::web::error::Error;

/// The probes of orchestrators.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/.backstage/health/v1/liveness", get(alive))
        .route("/.backstage/health/v1/readiness", get(ready))
}

/// The process answers.
async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Postgres answers too.
async fn ready(State(pool): State<PgPool>) -> Result<Json<Value>, Error> {
    match pool.acquire().await {
        Ok(_) => Ok(Json(json!({ "status": "ok" }))),
        Err(error) => {
            tracing::warn!(%error, "not ready: the database cannot be reached");
            Err(Error::Unavailable("the database cannot be reached".to_owned()))
        }
    }
}
