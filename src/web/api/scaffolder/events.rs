//! The events of a run: all at once, or as they happen.

use std::convert::Infallible;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;

use super::tasks::task_id;
use crate::scaffolder::{Event, Scaffolder};
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::{Caller, reply};
use crate::web::error::Error;
use crate::web::extract::Path;

/// `GET /v2/tasks/{id}/events?after=…`
pub(super) async fn list(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let after = after(query.as_deref())?;
    let id = task_id(&id)?;
    scaffolder.task(&who, id).await?;
    Ok(reply::ok(&scaffolder.events(&who, id, after).await?))
}

/// `GET /v2/tasks/{id}/eventstream?after=…`: what happened so far, then what happens, until the run is over.
///
/// A browser that was cut off names the last event it saw in a header.
pub(super) async fn stream(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let after = after(query.as_deref())?;
    let id = task_id(&id)?;
    scaffolder.task(&who, id).await?;
    let events = scaffolder.follow(&who, id, last_seen(&headers).or(after)).map(|event| Ok::<_, Infallible>(message(&event)));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn after(query: Option<&str>) -> Result<Option<i64>, Error> {
    let parameters = Parameters::read(query, &[Parameter::integer("after")])?;
    Ok(parameters.integer("after"))
}

/// `Last-Event-ID`, which a browser sends when it connects again.
pub(crate) fn last_seen(headers: &HeaderMap) -> Option<i64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

fn message(event: &Event) -> Message {
    // Texts and JSON values always serialise.
    let data = serde_json::to_string(event).unwrap_or_default();
    Message::default().event(event.kind()).data(data)
}
