//! Backstage's JSON face of an [`Error`](crate::web::error::Error), and conditional requests.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::reply;
use crate::web::error::Failure;

/// Writes `{"error":{name,message},"request":{method,url},"response":{statusCode}}` for an error without a face;
/// `url` is the path inside the plugin. Answers 304 where the client has the answer already.
pub(crate) async fn face(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let url = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let status = failure.error.status();
        let body = json!({
            "error": { "name": failure.error.name(), "message": failure.message() },
            "request": { "method": method.as_str(), "url": url },
            "response": { "statusCode": status.as_u16() },
        });
        return reply::json(status, &body);
    }
    let safe = matches!(method, Method::GET | Method::HEAD) && response.status() == StatusCode::OK;
    match known.filter(|_| safe) {
        Some(known) if matches(known.to_str().unwrap_or_default(), response.headers()) => {
            let mut headers = HeaderMap::new();
            headers.extend(response.headers().get(header::ETAG).cloned().map(|etag| (header::ETAG, etag)));
            (StatusCode::NOT_MODIFIED, headers).into_response()
        }
        _ => response,
    }
}

/// Weak comparison: `W/` does not count.
fn matches(known: &str, headers: &HeaderMap) -> bool {
    let Some(etag) = headers.get(header::ETAG).and_then(|etag| etag.to_str().ok()) else {
        return false;
    };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|one| bare(one) == bare(etag))
}
