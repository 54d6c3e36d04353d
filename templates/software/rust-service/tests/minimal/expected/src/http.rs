//! Routes and what surrounds them. Every answer of the API carries a request id, is logged and counted, and every
//! failure is a problem document ([`problem`]). Probes and metrics stay outside of that: they would drown the rest.

mod allocations;
pub(crate) mod health;
mod problem;
#[cfg(test)]
mod tests;

use std::{
    any::Any,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::{DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};

use self::{health::Readiness, problem::Problem};
use crate::metrics::Metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All of the service's routes.
pub(crate) fn router(readiness: Readiness, timeout: Duration) -> Router {
    let metrics = Metrics::new();
    let api = Router::new()
        .route("/v1/allocations", post(allocations::create))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not answer that method")
        });
    let operations = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .with_state(readiness)
        .route("/metrics", get(scrape))
        .with_state(metrics.clone());
    surround(api, metrics, timeout).merge(operations)
}

/// The middleware, innermost first.
fn surround(api: Router, metrics: Metrics, timeout: Duration) -> Router {
    let trace =
        TraceLayer::new_for_http().make_span_with(span).on_response(DefaultOnResponse::new().level(Level::INFO));
    api.layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(timeout, limit))
        .layer(from_fn_with_state(metrics, count))
        .layer(trace)
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
}

fn span(request: &Request) -> Span {
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}

async fn limit(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::timeout(timeout, next.run(request)).await.unwrap_or_else(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the answer took too long; try again later").into_response()
    })
}

async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let start = Instant::now();
    let response = next.run(request).await;
    metrics.record(&method, route.as_ref().map(MatchedPath::as_str), response.status(), start.elapsed());
    response
}

/// The panic's own message goes to the log, never to the client.
#[expect(clippy::needless_pass_by_value, reason = "`CatchPanicLayer` hands it over by value")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(message = message.unwrap_or("unknown"), "panic");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed; the log has the reason").into_response()
}

async fn scrape(State(metrics): State<Metrics>) -> Result<impl IntoResponse, StatusCode> {
    let text = metrics.text().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}
