//! What every request passes around its route, in one layer: each layer of its own costs allocations for every request.
//!
//! From the outside in, and why in this order:
//!
//! 1. the request's id and span, so that everything below can log it;
//! 2. security headers, so that every answer has them, also a refusal;
//! 3. limits of address and headers, and the portal's own names, before anything costly;
//! 4. CORS, since a preflight carries no credentials;
//! 5. a net that catches the panics of what is inside.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::cors::{CorsConfig, Listed};
use super::observe::{Figures, RequestId, Seen};
use super::page::Site;
use super::{cors, security};

/// What the layer needs.
pub(super) struct Edge {
    pub(super) site: Arc<Site>,
    pub(super) cors: CorsConfig,
    /// Whether the portal answers to its own names only.
    pub(super) own_names: bool,
    pub(super) figures: Figures,
}

/// The layer.
pub(super) async fn around(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    let seen = Seen::new(&request, &id);
    let inside = AssertUnwindSafe(edge.pass(request, next).instrument(seen.span.clone()));
    let mut response = inside.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(parent: &seen.span, "a layer panicked");
        (StatusCode::INTERNAL_SERVER_ERROR, "the portal could not answer\n").into_response()
    });
    security::headers(&edge.site, response.headers_mut());
    id.repeat(response.headers_mut());
    edge.figures.count(&seen, response.status());
    response
}

impl Edge {
    async fn pass(&self, mut request: Request, next: Next) -> Response {
        if let Some(refusal) = security::refusal(&request, self.own_names.then_some(&*self.site)) {
            return refusal;
        }
        let Some(origin) = cors::listed_origin(&self.cors, &request) else {
            return next.run(request).await;
        };
        let preflight = cors::Preflight::of(&request);
        request.extensions_mut().insert(Listed);
        let is_preflight = request.method() == Method::OPTIONS;
        let mut response = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
        cors::allow(&self.cors, origin, preflight, response.headers_mut());
        response
    }
}
