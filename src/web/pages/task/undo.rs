//! `/create/tasks/{id}/undo`: what a run made, and taking some of it back.

use askama::Template;
use axum::extract::State as From;
use axum::response::{IntoResponse as _, Redirect};
use uuid::Uuid;

use crate::scaffolder::{Scaffolder, Undoing};
use crate::web::error::Error;
use crate::web::extract::{Answer, Form, Path};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

/// What can be taken back.
#[derive(Template)]
#[template(path = "task/undo.html")]
pub(crate) struct UndoPage {
    chrome: Chrome,
    crumbs: Vec<(String, String)>,
    /// The run's page.
    run: String,
    /// Where the form posts to.
    undo: String,
    /// Newest first.
    items: Vec<Undoing>,
    /// Whether any of them can be taken back.
    is_possible: bool,
}

/// Shows it.
pub(super) async fn show(
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
) -> PageResult<UndoPage> {
    let task = scaffolder.task(&viewer.credentials, id).await?;
    let items = scaffolder.undoable(&viewer.credentials, id).await?;
    let title = task.subject();
    Ok(Page(UndoPage {
        chrome: viewer.chrome(Area::Runs, format!("Undo {title}")),
        crumbs: vec![("Runs".to_owned(), link::tasks()), (title, link::task(id))],
        run: link::task(id),
        undo: link::task_undo(id),
        is_possible: items.iter().any(|item| item.obstacle.is_none()),
        items,
    }))
}

/// Takes back what was ticked, newest first; the run's log says how it went.
pub(super) async fn undo(
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let ids: Vec<String> = pairs.into_iter().filter(|(name, _)| name == "id").map(|(_, id)| id).collect();
    if ids.is_empty() {
        return Err(Error::Input(
            "nothing was ticked, so nothing was undone; go back and tick what is to go".to_owned(),
        ));
    }
    scaffolder.undo(&viewer.credentials, id, &ids).await?;
    Ok(Redirect::to(&link::task(id)).into_response())
}
