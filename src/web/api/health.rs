//! `/.backstage/health/v1/{readiness,liveness}`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::reply;
use crate::web::{AppState, Site};

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

/// Requests are answered. While the database is away that is said, but it is no reason to send requests elsewhere:
/// reads go on from memory, and no other replica could do more.
async fn ready(State(site): State<Arc<Site>>) -> Response {
    match site.reach.lost_since() {
        None => reply::ok(&json!({ "status": "ok" })),
        Some(since) => {
            let database = json!({ "status": "unreachable", "since": since });
            reply::ok(&json!({ "status": "ok", "degraded": { "database": database } }))
        }
    }
}
