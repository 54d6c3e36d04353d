//! `GET /create/approvals`: the questions of runs that the viewer may answer.

use askama::Template;
use axum::extract::State as From;

use crate::catalog::Catalog;
use crate::scaffolder::{Approval, Scaffolder, Task};
use crate::web::error::Error;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::markdown;
use crate::web::pages::shown::{EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// The list.
#[derive(Template)]
#[template(path = "task/waiting.html")]
pub(crate) struct WaitingPage {
    chrome: Chrome,
    crumbs: Vec<(String, String)>,
    questions: Vec<Question>,
}

/// One question.
struct Question {
    run: String,
    link: String,
    template: String,
    by: Option<EntityLink>,
    since: Moment,
    /// Sanitised.
    html: String,
    /// Where the form posts to.
    decide: String,
}

impl Question {
    fn new(catalog: &Catalog, viewer: &Viewer, (task, approval): (&Task, &Approval)) -> Self {
        Self {
            run: task.subject(),
            link: link::task(task.id),
            template: task.template_title(),
            by: task.created_by.as_deref().and_then(|by| EntityLink::read(catalog, viewer, by)),
            since: Moment(approval.asked_at),
            html: markdown::note(&approval.message),
            decide: link::task_approval(task.id, &approval.step),
        }
    }
}

/// Shows what waits for the viewer.
pub(super) async fn show(
    From(catalog): From<Catalog>,
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
) -> PageResult<WaitingPage> {
    let waiting = scaffolder.waiting_for(&viewer.credentials).await?;
    let question = |(task, approval): &(Task, Approval)| Question::new(&catalog, &viewer, (task, approval));
    Ok(Page(WaitingPage {
        chrome: viewer.chrome(Area::Runs, "Waiting for me"),
        crumbs: vec![("Runs".to_owned(), link::tasks())],
        questions: waiting.iter().map(question).collect(),
    }))
}

/// How many questions wait for the viewer.
pub(crate) async fn count(scaffolder: &Scaffolder, viewer: &Viewer) -> Result<usize, Error> {
    Ok(scaffolder.waiting_for(&viewer.credentials).await?.len())
}
