//! `/api/scaffolder`: Backstage's scaffolder API, version 2.

mod approvals;
mod events;
mod tasks;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::{Body, Shape};
use super::{Caller, reply};
use crate::entity::EntityRef;
use crate::scaffolder::{ActionDescription, Scaffolder};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::Path;

/// Routes of the plugin `scaffolder` that answer at once.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/v2/templates/{namespace}/{kind}/{name}/parameter-schema", get(parameter_schema))
        .route("/v2/actions", get(actions))
        .route("/v2/templating-extensions", get(extensions))
        .route("/v2/tasks", get(tasks::list).post(tasks::create))
        .route("/v2/tasks/{id}", get(tasks::show))
        .route("/v2/tasks/{id}/cancel", post(tasks::cancel))
        .route("/v2/tasks/{id}/retry", post(tasks::retry))
        .route("/v2/approvals", get(approvals::waiting))
        .route("/v2/tasks/{id}/approvals", get(approvals::list))
        .route("/v2/tasks/{id}/approvals/{step}", post(approvals::decide))
        .route("/v2/tasks/{id}/undo", get(tasks::undoable).post(tasks::undo))
        .route("/v2/tasks/{id}/events", get(events::list))
        .route("/v2/tasks/{id}/eventstream", get(events::stream))
        .route("/v2/dry-run", post(tasks::dry_run))
        .route("/v2/autocomplete/{provider}/{resource}", post(autocomplete))
}

#[derive(Deserialize)]
struct TemplateName {
    namespace: String,
    kind: String,
    name: String,
}

/// `GET /v2/templates/{namespace}/{kind}/{name}/parameter-schema`: the pages of the form.
async fn parameter_schema(
    State(scaffolder): State<Scaffolder>,
    Caller(who): Caller,
    Path(name): Path<TemplateName>,
) -> Result<Response, Error> {
    let reference = EntityRef::new(&name.kind, &name.namespace, &name.name);
    let template = scaffolder.template(&who, &template_only(reference)?)?;
    Ok(reply::ok(&template.parameter_schema()))
}

/// Refuses references of other kinds.
fn template_only(reference: EntityRef) -> Result<EntityRef, Error> {
    if reference.kind() == "template" { Ok(reference) } else { Err(not_a_template()) }
}

fn not_a_template() -> Error {
    Error::Input("Invalid kind, only 'Template' kind is supported".to_owned())
}

/// `GET /v2/actions`
async fn actions(State(scaffolder): State<Scaffolder>, Caller(_): Caller) -> Response {
    let actions = scaffolder.actions();
    reply::ok(&actions.iter().map(ActionDescription::backstage).collect::<Vec<_>>())
}

/// `GET /v2/templating-extensions`: what expressions can call beside Nunjucks' own.
async fn extensions(State(scaffolder): State<Scaffolder>, Caller(_): Caller) -> Response {
    let mut extensions = scaffolder.templating_extensions();
    for place in ["/filters", "/globals/functions", "/globals/values"] {
        if let Some(names) = extensions.pointer_mut(place) {
            let named = names.as_array().into_iter().flatten().filter_map(Value::as_str);
            *names = named.map(|name| (name.to_owned(), json!({}))).collect::<Map<_, _>>().into();
        }
    }
    reply::ok(&extensions)
}

/// `POST /v2/autocomplete/{provider}/{resource}`: no provider is installed.
async fn autocomplete(
    Caller(_): Caller,
    Path((provider, _)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Error> {
    body.check(&["context", "token"], &[("token", Shape::Text), ("context", Shape::TextMap)])?;
    Err(Error::Input(format!("Unsupported provider: {provider}")))
}
