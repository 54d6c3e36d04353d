//! The pages, one file per area; templates in `templates/portal/<area>/`.

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::AppState;
use super::error::Error;

/// Pages for signed-in people; anybody else is sent to the sign-in page.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
}

/// Pages for everybody: the sign-in page.
pub(crate) fn open_router() -> Router<AppState> {
    Router::new()
}

/// Everything that no route answers.
pub(crate) async fn nowhere(OriginalUri(uri): OriginalUri) -> Response {
    let path = uri.path();
    if path.starts_with("/api/") || path.starts_with("/.backstage/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    if path.len() > 1 && path.ends_with('/') && !path.starts_with("//") {
        let path = path.trim_end_matches('/');
        return Redirect::permanent(&uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
            .into_response();
    }
    Error::NotFound("there is no page at this address".to_owned()).into_response()
}
