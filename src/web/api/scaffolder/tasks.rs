//! Runs: started, listed, cancelled, tried again; and tried without effect.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{not_a_template, template_only};
use crate::entity::{EntityRef, RefDefaults};
use crate::scaffolder::{DryRun, Scaffolder, ScaffolderError, StartRun, TaskQuery};
use crate::web::api::body::{Body, Shape};
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::{Caller, reply};
use crate::web::error::Error;
use crate::web::extract::Path;

const LIST: &[Parameter] = &[
    Parameter::texts("createdBy"),
    Parameter::natural("limit"),
    Parameter::natural("offset"),
    Parameter::texts("order"),
    Parameter::texts("status"),
];

/// The id of a path; what is no id names no task.
pub(super) fn task_id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::NotFound(format!("No task with id '{text}' found")))
}

/// `GET /v2/tasks`
pub(super) async fn list(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let parameters = Parameters::read(query.as_deref(), LIST)?;
    check_order(&parameters.texts("order"))?;
    let query = TaskQuery {
        created_by: parameters.texts("createdBy"),
        status: parameters.texts("status"),
        limit: parameters.natural("limit"),
        offset: parameters.natural("offset").unwrap_or_default(),
        ..TaskQuery::default()
    };
    let (tasks, total) = scaffolder.tasks(&who, query).await?;
    Ok(reply::ok(&json!({ "tasks": tasks, "totalTasks": total })))
}

/// Runs are listed newest first, and in no other order.
fn check_order(order: &[String]) -> Result<(), Error> {
    for text in order {
        match text.split_once(':') {
            Some(("desc", "created_at" | "createdAt")) => {}
            Some(("asc" | "desc", field)) if !field.is_empty() => {
                return Err(Error::NotImplemented(
                    "runs are listed newest first; no other order is offered".to_owned(),
                ));
            }
            _ => {
                let message = format!("Invalid order parameter \"{text}\", expected \"<asc or desc>:<field name>\"");
                return Err(Error::Input(message));
            }
        }
    }
    Ok(())
}

/// `POST /v2/tasks`
pub(super) async fn create(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    let shapes = [("templateRef", Shape::Text), ("values", Shape::Object), ("secrets", Shape::TextMap)];
    body.check(&["templateRef", "values"], &shapes)?;
    let defaults = RefDefaults { kind: Some("template"), namespace: None };
    let template = EntityRef::parse(body.text("templateRef").unwrap_or_default(), defaults);
    let template = template_only(template.map_err(|_| not_a_template())?)?;
    let run = StartRun { template, values: object(&body, "values"), secrets: object(&body, "secrets") };
    match scaffolder.start(&who, run).await {
        Ok(id) => Ok(reply::json(StatusCode::CREATED, &json!({ "id": id }))),
        Err(error) => refused(error),
    }
}

/// Invalid answers have a form of their own.
fn refused(error: ScaffolderError) -> Result<Response, Error> {
    let ScaffolderError::Values(faults) = error else { return Err(error.into()) };
    let faults: Vec<_> = faults.into_iter().map(|fault| fault.backstage).collect();
    Ok(reply::json(StatusCode::BAD_REQUEST, &json!({ "errors": faults })))
}

fn object(body: &Body, name: &str) -> Map<String, Value> {
    body.object(name).cloned().unwrap_or_default()
}

/// `GET /v2/tasks/{id}`
pub(super) async fn show(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    Ok(reply::ok(&scaffolder.task(&who, task_id(&id)?).await?))
}

/// `POST /v2/tasks/{id}/cancel`
pub(super) async fn cancel(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    scaffolder.cancel(&who, task_id(&id)?).await?;
    Ok(reply::ok(&json!({ "status": "cancelled" })))
}

/// `POST /v2/tasks/{id}/retry`
pub(super) async fn retry(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Error> {
    body.check(&[], &[("secrets", Shape::TextMap)])?;
    let id = task_id(&id)?;
    scaffolder.retry(&who, id, object(&body, "secrets")).await?;
    Ok(reply::json(StatusCode::CREATED, &json!({ "id": id })))
}

/// `GET /v2/tasks/{id}/undo`: what the run made, and what taking it back would do; newest first. Ours.
pub(super) async fn undoable(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    Ok(reply::ok(&json!({ "items": scaffolder.undoable(&who, task_id(&id)?).await? })))
}

/// `POST /v2/tasks/{id}/undo`: takes back those of the list that are named. Ours.
pub(super) async fn undo(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Error> {
    body.check(&["ids"], &[("ids", Shape::Texts)])?;
    let ids = body.texts("ids").unwrap_or_default();
    Ok(reply::ok(&json!({ "items": scaffolder.undo(&who, task_id(&id)?, &ids).await? })))
}

/// `POST /v2/dry-run`
pub(super) async fn dry_run(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    body.check(
        &["template", "values", "directoryContents"],
        &[
            ("template", Shape::Object),
            ("values", Shape::Object),
            ("secrets", Shape::TextMap),
            ("directoryContents", Shape::Objects),
            ("templateFolder", Shape::Text),
        ],
    )?;
    let run = DryRun {
        template: body.0.get("template").cloned().unwrap_or_default(),
        values: object(&body, "values"),
        secrets: object(&body, "secrets"),
        directory_contents: body.0.get("directoryContents").cloned().unwrap_or_default(),
        folder: body.text("templateFolder").map(str::to_owned),
        flags: None,
    };
    match scaffolder.dry_run(&who, run).await {
        Ok(done) => Ok(reply::ok(&done)),
        Err(error) => refused(error),
    }
}
