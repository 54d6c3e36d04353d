//! `/api/events`: where GitHub delivers its webhooks.
//!
//! Nobody signs in here: a webhook is known by its signature. Bodies are large, so only a few are read at once.

use std::borrow::Cow;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use serde_json::json;
use tokio::sync::Semaphore;

use super::reply;
use crate::event::{Delivered, EventError, Events, Receipt};
use crate::web::AppState;
use crate::web::error::Error;

/// GitHub sends no larger ones.
pub(super) const LARGEST: usize = 25 * 1024 * 1024;
/// Bodies that are read at the same time.
static READING: Semaphore = Semaphore::const_new(8);

/// Routes of the plugin `events`.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/http/github", post(github))
}

/// `POST /http/github`
async fn github(State(events): State<Events>, request: Request) -> Result<Response, Error> {
    let _reading = READING.try_acquire().map_err(|_| busy())?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST)
        .await
        .map_err(|_| Error::Input(format!("a webhook has at most {} MiB", LARGEST / 1024 / 1024)))?;
    let delivered = Delivered {
        kind: text(&parts.headers, "x-github-event").unwrap_or_default(),
        id: text(&parts.headers, "x-github-delivery").unwrap_or_default(),
        signature: text(&parts.headers, "x-hub-signature-256"),
        body: &body,
        payload: &payload(&parts.headers, &body),
    };
    Ok(match events.take(delivered).await? {
        Receipt::Pong => reply::ok(&json!({ "status": "ok" })),
        Receipt::Taken => reply::json(StatusCode::ACCEPTED, &json!({ "status": "accepted" })),
        Receipt::Known => reply::json(StatusCode::ACCEPTED, &json!({ "status": "known" })),
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The JSON of a body, which may be a form with it as its `payload`.
fn payload<'a>(headers: &HeaderMap, body: &'a [u8]) -> Cow<'a, [u8]> {
    let is_form = text(headers, header::CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Cow::Borrowed(body);
    }
    let payload = url::form_urlencoded::parse(body).find(|(key, _)| key == "payload");
    Cow::Owned(payload.map(|(_, value)| value.into_owned().into_bytes()).unwrap_or_default())
}

fn busy() -> Error {
    Error::Unavailable("too many webhooks come in at once; deliver this one again later".to_owned())
}

impl From<EventError> for Error {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Unsigned(_) => Self::Authentication(error.to_string()),
            EventError::WrongSignature(_) | EventError::NoSecret(_) => Self::NotAllowed(error.to_string()),
            EventError::Invalid(message) => Self::Input(message),
            EventError::Full => Self::Unavailable(error.to_string()),
            EventError::Store(error) => Self::store(error),
        }
    }
}
