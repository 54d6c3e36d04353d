//! `GET /create/tasks/{id}`: one run, as far as it is.

use axum::extract::State as From;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::progress::Progress;
use super::{Output, OutputText, RunError, RunPage, State, StepRow, approval, index};
use crate::catalog::Catalog;
use crate::scaffolder::{Scaffolder, Task};
use crate::web::extract::{Answer, Form, Path};
use crate::web::page::{Area, Page, PageResult};
use crate::web::pages::markdown;
use crate::web::pages::shown::{EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Shows the run.
pub(super) async fn show(
    From(catalog): From<Catalog>,
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
) -> PageResult<RunPage> {
    // The events first: what happens between the two questions is then not taken for the end of the story.
    let events = scaffolder.events(&viewer.credentials, id, None).await?;
    let task = scaffolder.task(&viewer.credentials, id).await?;
    let made = scaffolder.made(&viewer.credentials, id).await?;
    let asked = scaffolder.approvals(&viewer.credentials, id).await?;
    let progress = Progress::of(&events);
    let state = State::of(&task);
    let steps = steps(&task, &progress, State::parse(&task.status));
    let steps_done = steps.iter().filter(|step| step.state.is_over()).count();
    let title = task.subject();
    let template = task.template();
    Ok(Page(RunPage {
        chrome: viewer.chrome(Area::Runs, title.clone()),
        crumbs: vec![("Runs".to_owned(), link::tasks())],
        title,
        state,
        running: !state.is_over(),
        by: task.created_by.as_deref().and_then(|by| EntityLink::read(&catalog, &viewer, by)),
        created: Moment(task.created_at),
        took: index::took(&task),
        cancel: link::task_cancellation(id),
        retry: matches!(state, State::Failed | State::Cancelled).then(|| link::task_attempts(id)),
        undo: (state.is_over() && !made.is_empty()).then(|| link::task_undo(id)),
        again: template.as_ref().map(link::create_from),
        template: template.map(|template| EntityLink::find(&catalog, &viewer, &template)),
        events: link::task_events(id),
        last_event: progress.last_event,
        error: error(state, &progress, &steps, &made)
            .map(|error| RunError { action: failed_action(&scaffolder, &task, &progress), ..error }),
        approvals: approval::open(&catalog, &viewer, id, asked),
        outputs: outputs(&progress.output),
        texts: texts(&progress.output),
        progress_text: format!("{steps_done} of {}", steps.len()),
        steps,
        steps_done,
        effects: made,
        answers: answers(&task),
        log: progress.log,
    }))
}

fn steps(task: &Task, progress: &Progress, run: State) -> Vec<StepRow> {
    let steps = task.spec.get("steps").and_then(Value::as_array);
    let row = |step: &Value| {
        let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text("id");
        StepRow { name: text("name"), state: progress.state(&id, run), took: progress.took(&id), id }
    };
    steps.into_iter().flatten().map(row).collect()
}

fn error(state: State, progress: &Progress, steps: &[StepRow], made: &[String]) -> Option<RunError> {
    let title = match state {
        State::Failed => {
            let step = progress.failed_step.as_ref().and_then(|id| steps.iter().find(|step| step.id == *id));
            step.map_or_else(|| "The run did not finish".to_owned(), |step| format!("“{}” failed", step.name))
        }
        State::Cancelled => "The run was cancelled".to_owned(),
        _ => return None,
    };
    let message = progress.error.clone().unwrap_or_else(|| "The log says more.".to_owned());
    Some(RunError { title, message, action: None, made: made.to_vec() })
}

/// The action of the step that failed, where there is one of that id.
fn failed_action(scaffolder: &Scaffolder, task: &Task, progress: &Progress) -> Option<(String, String)> {
    let failed = progress.failed_step.as_deref()?;
    let steps = task.spec.get("steps").and_then(Value::as_array)?;
    let step = steps.iter().find(|step| step.get("id").and_then(Value::as_str) == Some(failed))?;
    let action = step.get("action").and_then(Value::as_str)?;
    scaffolder.action_effect(action).map(|_| (action.to_owned(), link::action(action)))
}

/// `output.links`, those that lead somewhere.
fn outputs(output: &Value) -> Vec<Output> {
    let links = output.get("links").and_then(Value::as_array);
    let shown = |entry: &Value| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let link = match (text("url"), text("entityRef")) {
            (Some(url), _) if url.starts_with("http://") || url.starts_with("https://") || url.starts_with('/') => {
                url.to_owned()
            }
            (_, Some(reference)) => link::entity(&reference.parse().ok()?),
            _ => return None,
        };
        let title = text("title").or_else(|| text("entityRef")).unwrap_or(&link).to_owned();
        Some(Output { title, icon: icon(text("icon").unwrap_or_default(), text("entityRef").is_some()), link })
    };
    links.into_iter().flatten().filter_map(shown).collect()
}

fn icon(name: &str, entity: bool) -> &'static str {
    match name {
        "code" | "github" | "gitlab" | "repository" => "repository",
        "catalog" => "catalog",
        "pipeline" | "ci" => "pipeline",
        "environment" | "deploy" | "kubernetes" => "deploy",
        "docs" => "docs",
        "dashboard" => "dashboard",
        _ if entity => "component",
        _ => "link",
    }
}

/// `output.text`, as Markdown.
fn texts(output: &Value) -> Vec<OutputText> {
    let texts = output.get("text").and_then(Value::as_array);
    let shown = |entry: &Value| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        OutputText { title: text("title").to_owned(), html: markdown::note(text("content")) }
    };
    texts.into_iter().flatten().map(shown).collect()
}

fn answers(task: &Task) -> Vec<(String, String)> {
    let parameters = task.spec.get("parameters").and_then(Value::as_object);
    let shown = |(key, value): (&String, &Value)| (key.clone(), shortened(crate::scaffolder::form::text_of(value)));
    parameters.into_iter().flatten().map(shown).collect()
}

/// An answer as far as a page shows it; the API has all of it.
fn shortened(text: String) -> String {
    const SHOWN: usize = 2000;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}

#[derive(Deserialize)]
pub(super) struct Pressed {}

/// `POST …/cancellation`
pub(super) async fn cancel(
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    _: Form<Pressed>,
) -> Answer {
    scaffolder.cancel(&viewer.credentials, id).await?;
    Ok(Redirect::to(&link::task(id)).into_response())
}

/// `POST …/attempts`: runs what failed again; what was made stays.
pub(super) async fn retry(
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    _: Form<Pressed>,
) -> Answer {
    scaffolder.retry(&viewer.credentials, id, Map::new()).await?;
    Ok(Redirect::to(&link::task(id)).into_response())
}
