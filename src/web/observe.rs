//! What the operators see of a request: its id, its span, its figures.
//!
//! The span names the route, never the address: query values can be tokens or cursors. A client may send its
//! own `x-request-id`; it is repeated in the answer and stands in every log line of the request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use uuid::Uuid;

const REQUEST_ID: &str = "x-request-id";

#[derive(Debug, Clone)]
struct RequestId(HeaderValue);

/// Takes or makes the request's id and repeats it in the answer.
pub(crate) async fn request_id(mut request: Request, next: Next) -> Response {
    let sent = request.headers().get(REQUEST_ID).filter(|sent| is_plain(sent)).cloned();
    let id = sent.unwrap_or_else(|| {
        let id = Uuid::now_v7().simple().to_string();
        HeaderValue::try_from(id).expect("hexadecimal digits make a header")
    });
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Ids that can stand in a log as they are.
fn is_plain(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// The span and the metrics of a routed request.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let id = request.extensions().get::<RequestId>().and_then(|id| id.0.to_str().ok()).unwrap_or_default();
    let span = tracing::info_span!("http.request", request.id = id, http.method = %method, http.route = route);
    let response = next.run(request).instrument(span.clone()).await;
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    span.in_scope(|| {
        let duration_ms = elapsed.as_secs_f64() * 1000.0;
        tracing::debug!(http.status = status, duration_ms, "{method} {route} answered {status}");
    });
    let labels = [("method", method.to_string()), ("route", route), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    response
}
