//! Backstage's JSON face of an [`Error`](crate::web::error::Error), and conditional requests.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::reply;
use crate::web::error::Failure;
use crate::web::observe::{self, Route};

/// What must be known of a request to give its answer a face.
pub(super) struct Asked {
    method: Method,
    uri: Uri,
    known: Option<HeaderValue>,
    route: Option<MatchedPath>,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let known = request.headers().get(header::IF_NONE_MATCH).cloned();
        let route = request.extensions().get::<MatchedPath>().cloned();
        Self { method: request.method().clone(), uri: request.uri().clone(), known, route }
    }

    /// Writes `{"error":{name,message},"request":{method,url},"response":{statusCode}}` for an error without a face;
    /// `url` is the path inside the plugin. Answers 304 where the client has the answer already.
    pub(super) fn face(mut self, response: Response) -> Response {
        let route = self.route.take();
        let mut response = self.faced(response);
        observe::tell(route.map(Route::Matched), &mut response);
        response
    }

    fn faced(self, mut response: Response) -> Response {
        if let Some(failure) = response.extensions_mut().remove::<Failure>() {
            let status = failure.error.status();
            let url = self.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            let body = json!({
                "error": { "name": failure.error.name(), "message": failure.message() },
                "request": { "method": self.method.as_str(), "url": url },
                "response": { "statusCode": status.as_u16() },
            });
            return failure.mark((failure.headers(), reply::json(status, &body)).into_response());
        }
        let is_safe = matches!(self.method, Method::GET | Method::HEAD) && response.status() == StatusCode::OK;
        match self.known.filter(|_| is_safe) {
            Some(known) if matches(known.to_str().unwrap_or_default(), response.headers()) => {
                let etag = response.headers_mut().remove(header::ETAG);
                etag.map_or_else(|| StatusCode::NOT_MODIFIED.into_response(), reply::not_modified)
            }
            _ => response,
        }
    }
}

/// The face as a layer of its own.
pub(crate) async fn face(request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    asked.face(next.run(request).await)
}

/// Weak comparison: `W/` does not count.
fn matches(known: &str, headers: &HeaderMap) -> bool {
    headers.get(header::ETAG).and_then(|etag| etag.to_str().ok()).is_some_and(|etag| is_among(etag, known))
}

/// Whether a tag is among those of an `If-None-Match`.
pub(super) fn is_among(etag: &str, known: &str) -> bool {
    fn bare(tag: &str) -> &str {
        tag.trim().trim_start_matches("W/")
    }
    known.trim() == "*" || known.split(',').any(|one| bare(one) == bare(etag))
}
