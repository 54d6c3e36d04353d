//! The events of a run: all at once, or as they happen.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::response::sse::Event as Message;
use futures_util::StreamExt as _;

use super::tasks::task_id;
use crate::scaffolder::{Event, Scaffolder};
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::{Caller, reply};
use crate::web::error::Error;
use crate::web::extract::Path;
use crate::web::sse::Follower;

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
    follower: Follower,
) -> Result<Response, Error> {
    let after = after(query.as_deref())?;
    let id = task_id(&id)?;
    scaffolder.task(&who, id).await?;
    let events = scaffolder.follow(&who, id, follower.last_seen().or(after));
    Ok(follower.follow(events.map(|event| message(&event))))
}

fn after(query: Option<&str>) -> Result<Option<i64>, Error> {
    let parameters = Parameters::read(query, &[Parameter::integer("after")])?;
    Ok(parameters.integer("after"))
}

fn message(event: &Event) -> Message {
    // Texts and JSON values always serialise.
    let data = serde_json::to_string(event).unwrap_or_default();
    Message::default().event(event.kind()).data(data)
}
