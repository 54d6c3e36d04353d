//! Backstage's JSON face of an [`Error`], and the answers every API route makes.

use axum::Json;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::web::error::Failure;

/// Writes `{"error":{name,message},"request":{method,url},"response":{statusCode}}` for an error without a face.
/// `url` is the path inside the plugin.
pub(super) async fn face(request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let url = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    let status = failure.error.status();
    let body = json!({
        "error": { "name": failure.error.name(), "message": failure.message() },
        "request": { "method": method, "url": url },
        "response": { "statusCode": status.as_u16() },
    });
    (status, Json(body)).into_response()
}
