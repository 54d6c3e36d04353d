//! Failures as `application/problem+json` (RFC 9457): one shape for every error of the API.

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// An error as clients see it.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// What is wrong with one part of the request's body.
#[derive(Debug, Serialize)]
pub(crate) struct FieldError {
    /// A JSON pointer into the body.
    pub(crate) pointer: &'static str,
    /// Continues the field's name: "must be …".
    pub(crate) detail: String,
}

impl Problem {
    /// A failure that the status describes well enough.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), errors: Vec::new() }
    }

    /// A body that was understood and cannot be accepted.
    pub(crate) fn invalid(detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self {
            kind: "urn:problem-type:invalid-input",
            title: "Invalid input",
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self)).into_response()
    }
}

/// A JSON body whose refusal is a [`Problem`].
pub(crate) struct Body<T>(pub(crate) T);

impl<S, T> FromRequest<S> for Body<T>
where
    Json<T>: FromRequest<S, Rejection = JsonRejection>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(error)) => Err(Problem::invalid(error.body_text(), Vec::new())),
            Err(error) => Err(Problem::new(error.status(), error.body_text())),
        }
    }
}
