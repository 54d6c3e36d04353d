//! HTTP: pages, Backstage's API, assets, Git. The only room that knows axum and askama.
//!
//! A handler takes what it needs from the request (extractors), asks a context, and shows the answer: 5 to 15
//! lines. Errors have two faces (see [`error`]); links come from [`url`]; who is asking from [`session`] for pages
//! and from [`api`] for API clients.
//!
//! What a request passes, outermost first, and why in this order:
//!
//! 1. a net that catches panics of the layers themselves;
//! 2. security headers, so that every answer has them, also a refusal;
//! 3. the request's id, so that everything below can log it;
//! 4. compression, outside of whatever writes a body; never for event streams;
//! 5. limits of address and headers, and the portal's own names, before anything costly;
//! 6. CORS, since a preflight carries no credentials;
//! 7. trailing slashes of the API, before routing;
//! 8. — routing —
//! 9. span and metrics, which name the route;
//! 10. the face: errors become pages, or Backstage's JSON;
//! 11. the session or the token, since a 401 needs a face;
//! 12. refusal of other sites' posts, a deadline, the panic catcher and the body limit, closest to the handler.
//!
//! Git and event streams have no deadline: they last as long as they take.

pub(crate) mod api;
pub(crate) mod assets;
mod cors;
pub(crate) mod error;
pub(crate) mod extract;
mod git;
mod observe;
pub(crate) mod page;
mod pages;
mod security;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod sse;
pub(crate) mod url;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::{StatusCode, Uri, uri::PathAndQuery};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_request};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::PgPool;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

pub(crate) use cors::CorsConfig;
pub(crate) use page::Site;

use crate::auth::Auth;
use crate::catalog::Catalog;
use crate::delivery::Delivery;
use crate::forge::{Forges, LocalForge};
use crate::scaffolder::Scaffolder;
use error::Error;

/// What handlers can ask for; each names only the parts it uses, as `State<Part>`.
#[derive(Clone, FromRef)]
pub(crate) struct AppState {
    /// Entities, locations, problems.
    pub(crate) catalog: Catalog,
    /// Templates, drafts, plans, runs.
    pub(crate) scaffolder: Scaffolder,
    /// Environments, and what is declared in them.
    pub(crate) delivery: Delivery,
    /// All forges, by host.
    pub(crate) forges: Forges,
    /// The one that Git clients and the pages of repositories read.
    pub(crate) forge: LocalForge,
    /// Sessions and tokens.
    pub(crate) auth: Auth,
    /// What the portal says about itself.
    pub(crate) site: Arc<Site>,
    /// The figures of `/metrics`.
    pub(crate) metrics: PrometheusHandle,
    /// For the readiness probe.
    pub(crate) pool: PgPool,
}

/// What the HTTP side can be told.
#[derive(Debug, Clone)]
pub(crate) struct WebConfig {
    /// `backend.cors`
    pub(crate) cors: CorsConfig,
    /// Whether the portal listens on loopback only.
    pub(crate) loopback: bool,
    /// How long a page or an API call may take.
    pub(crate) deadline: Duration,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self { cors: CorsConfig::default(), loopback: true, deadline: Duration::from_mins(1) }
    }
}

/// What Git sends is compressed already.
const PACKS: NotForContentType = NotForContentType::const_new("application/x-git");

/// A posted form is at most this large.
const LARGEST_FORM: usize = 1024 * 1024;

/// The whole HTTP side.
pub(crate) fn router(state: AppState, config: WebConfig) -> Router {
    let site = Arc::clone(&state.site);
    let loopback = config.loopback;
    let inner = Router::new()
        .merge(page_routes(&state, config.deadline))
        .merge(api::router(&state, config.deadline))
        .merge(git::router())
        .merge(assets::router())
        .route("/metrics", get(figures))
        .layer(from_fn(observe::measure))
        .with_state(state);
    let outer = Router::new()
        .fallback_service(inner)
        .layer(map_request(without_trailing_slash))
        .layer(from_fn_with_state(Arc::new(config.cors), cors::apply));
    let outer = if loopback { outer.layer(from_fn_with_state(Arc::clone(&site), security::own_names)) } else { outer };
    outer
        .layer(from_fn(security::limits))
        .layer(
            CompressionLayer::new().gzip(true).br(true).compress_when(
                SizeAbove::new(1024).and(NotForContentType::SSE).and(NotForContentType::IMAGES).and(PACKS),
            ),
        )
        .layer(from_fn(observe::request_id))
        .layer(from_fn_with_state(site, security::headers))
        .layer(CatchPanicLayer::new())
}

fn page_routes(state: &AppState, deadline: Duration) -> Router<AppState> {
    let guarded = pages::router().layer(from_fn(session::require));
    Router::new()
        .merge(guarded)
        .merge(pages::open_router())
        .merge(session::router())
        .fallback(pages::nowhere)
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(CatchPanicLayer::custom(caught))
        .layer(from_fn_with_state(deadline, within))
        .layer(from_fn_with_state(Arc::clone(&state.site), security::refuse_cross_site))
        .layer(from_fn_with_state(state.clone(), session::load))
        .layer(from_fn_with_state(state.clone(), page::face))
}

/// A handler's panic as an internal error; the process goes on.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn caught(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("(no message)"))).into_response()
}

/// Ends a handler that takes too long. The body of an answer may take longer: streams are not cut.
async fn within(State(deadline): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(deadline, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::Unavailable("this took too long and was given up; try again".to_owned()).into_response(),
    }
}

/// `/api/catalog/entities/` is `/api/catalog/entities`, as in Backstage. Pages redirect instead, see `pages::nowhere`.
async fn without_trailing_slash<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    let uri = request.uri();
    let path = uri.path();
    if path.starts_with("/api/") && path.len() > "/api/".len() && path.ends_with('/') {
        let path = path.strip_suffix('/').unwrap_or(path);
        let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        if let Ok(target) = PathAndQuery::try_from(target) {
            *request.uri_mut() = Uri::from(target);
        }
    }
    request
}

/// `GET /metrics`
async fn figures(State(metrics): State<PrometheusHandle>) -> impl IntoResponse {
    ([(axum::http::header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}

/// 404 with nothing in it, as Backstage answers unknown routes.
async fn empty_not_found() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// Everything below `/api/` that no plugin answers.
fn unknown_plugins() -> Router<AppState> {
    Router::new().route("/api", any(empty_not_found)).route("/api/{*rest}", any(empty_not_found))
}

#[cfg(test)]
pub(crate) mod tests;
