//! What runs wait for somebody to decide. Ours: Backstage has nothing like it.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::tasks::task_id;
use crate::scaffolder::Scaffolder;
use crate::web::api::body::{Body, Shape};
use crate::web::api::{Caller, reply};
use crate::web::error::Error;
use crate::web::extract::Path;

/// `GET /v2/tasks/{id}/approvals`: what the run asked for, oldest first, with the decisions.
pub(super) async fn list(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    Ok(reply::ok(&json!({ "items": scaffolder.approvals(&who, task_id(&id)?).await? })))
}

/// `GET /v2/approvals`: what waits for the caller, oldest first, with the runs' ids.
pub(super) async fn waiting(State(scaffolder): State<Scaffolder>, Caller(who): Caller) -> Result<Response, Error> {
    let waiting = scaffolder.waiting_for(&who).await?;
    let item = |(task, approval): &(crate::scaffolder::Task, crate::scaffolder::Approval)| {
        let mut item = json!(approval);
        item["taskId"] = json!(task.id);
        item
    };
    Ok(reply::ok(&json!({ "items": waiting.iter().map(item).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
pub(super) struct Question {
    id: String,
    step: String,
}

/// `POST /v2/tasks/{id}/approvals/{step}`: `{"decision": "approve" | "reject", "comment"}`.
pub(super) async fn decide(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(Question { id, step }): Path<Question>,
    body: Body,
) -> Result<Response, Error> {
    body.check(&["decision"], &[("decision", Shape::OneOf(&["approve", "reject"])), ("comment", Shape::Text)])?;
    let approved = body.text("decision") == Some("approve");
    let id = task_id(&id)?;
    scaffolder.decide(&who, id, &step, (approved, body.text("comment").unwrap_or_default())).await?;
    Ok(reply::ok(&json!({ "items": scaffolder.approvals(&who, id).await? })))
}
