//! `GET /create/tasks/{id}/events`: what `run-log.js` puts on the page, as it happens.

use axum::extract::State as From;
use axum::response::Response;
use axum::response::sse::Event as Sent;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::progress::{line, step_change};
use crate::scaffolder::{Event, Scaffolder};
use crate::web::error::Error;
use crate::web::extract::{Path, Query};
use crate::web::session::Viewer;
use crate::web::sse::Follower;

/// One event, ready to be shown.
#[derive(Serialize)]
struct Shown {
    time: String,
    text: String,
    head: bool,
    bad: bool,
    /// The step whose state changes, and to what.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<StepChange>,
    /// Whether the run begins or ends to wait for somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<bool>,
    /// Milliseconds since 1970, for durations.
    at: i64,
}

#[derive(Serialize)]
struct StepChange {
    id: String,
    word: &'static str,
    icon: &'static str,
    label: &'static str,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    after: Option<i64>,
}

/// The stream; it begins after what the page has, and ends with the run.
pub(super) async fn stream(
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
    follower: Follower,
) -> Result<Response, Error> {
    scaffolder.task(&viewer.credentials, id).await?;
    let after = follower.last_seen().or(asked.after);
    Ok(follower.follow(scaffolder.follow(&viewer.credentials, id, after).map(|event| sent(&event))))
}

fn sent(event: &Event) -> Sent {
    let shown = line(event);
    let step = step_change(event).map(|(id, state)| StepChange {
        id,
        word: state.word(),
        icon: state.icon(),
        label: state.label(),
    });
    let body = Shown {
        time: shown.time,
        text: shown.text,
        head: shown.head,
        bad: shown.bad,
        step,
        waiting: event.body.get("waiting").and_then(serde_json::Value::as_bool),
        at: event.created_at.timestamp_millis(),
    };
    let kind = if event.kind() == "completion" { "completion" } else { "log" };
    // Texts and numbers always serialise.
    Sent::default().id(event.id.to_string()).event(kind).data(serde_json::to_string(&body).unwrap_or_default())
}
