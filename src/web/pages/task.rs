//! `/create/tasks`: the list of runs, one run, and what a run's page needs to follow it live.

mod approval;
mod follow;
mod index;
mod progress;
mod show;
mod state;
mod undo;
mod waiting;

use askama::Template;
use axum::Router;
use axum::routing::{get, post};

pub(crate) use self::index::{listed, newest_of};
pub(crate) use self::progress::without_colours;
pub(crate) use self::state::{State, StepState};
pub(crate) use self::waiting::count as waiting_count;
use super::shown::{EntityLink, Moment};
use crate::web::AppState;
use crate::web::page::Chrome;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/create/tasks", get(index::show))
        .route("/create/approvals", get(waiting::show))
        .route("/create/tasks/{id}", get(show::show))
        .route("/create/tasks/{id}/events", get(follow::stream))
        .route("/create/tasks/{id}/cancellation", post(show::cancel))
        .route("/create/tasks/{id}/attempts", post(show::retry))
        .route("/create/tasks/{id}/approvals/{step}", post(approval::decide))
        .route("/create/tasks/{id}/undo", get(undo::show).post(undo::undo))
}

/// One run in a list.
#[derive(Debug, Clone)]
pub(crate) struct RunRow {
    pub(crate) link: String,
    /// What it is about: the name it was given, or the template's.
    pub(crate) title: String,
    pub(crate) template: Option<EntityLink>,
    pub(crate) template_title: String,
    pub(crate) state: State,
    pub(crate) by: Option<EntityLink>,
    pub(crate) created: Moment,
    /// How long it took; empty while it runs.
    pub(crate) took: String,
}

/// One choice of a row of links.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) link: String,
    pub(crate) current: bool,
}

/// The list.
#[derive(Template)]
#[template(path = "task/index.html")]
pub(crate) struct RunsPage {
    pub(crate) chrome: Chrome,
    pub(crate) whose: Vec<Choice>,
    pub(crate) states: Vec<Choice>,
    /// How many questions wait for the viewer.
    pub(crate) waiting: usize,
    pub(crate) filtered: bool,
    pub(crate) runs: Vec<RunRow>,
    /// `1–50 of 120 runs`
    pub(crate) shown: String,
    pub(crate) newer: Option<String>,
    pub(crate) older: Option<String>,
}

/// One run.
#[derive(Template)]
#[template(path = "task/show.html")]
pub(crate) struct RunPage {
    pub(crate) chrome: Chrome,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) title: String,
    pub(crate) state: State,
    pub(crate) running: bool,
    pub(crate) template: Option<EntityLink>,
    pub(crate) by: Option<EntityLink>,
    pub(crate) created: Moment,
    pub(crate) took: String,
    /// Where the cancel form posts to.
    pub(crate) cancel: String,
    /// Where the retry form posts to, when it can be tried again.
    pub(crate) retry: Option<String>,
    /// What it made, to be taken back.
    pub(crate) undo: Option<String>,
    /// The template's form, to start over.
    pub(crate) again: Option<String>,
    /// The stream of events.
    pub(crate) events: String,
    /// The newest event on the page.
    pub(crate) last_event: i64,
    /// What waits for somebody to decide it.
    approvals: Vec<approval::Asked>,
    pub(crate) error: Option<RunError>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) texts: Vec<OutputText>,
    pub(crate) steps: Vec<StepRow>,
    pub(crate) steps_done: usize,
    pub(crate) progress_text: String,
    /// What was made outside, in words.
    pub(crate) effects: Vec<String>,
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) log: Vec<LogLine>,
}

/// Why a run did not finish.
pub(crate) struct RunError {
    pub(crate) title: String,
    pub(crate) message: String,
    /// The action of the step that failed, and where it is described.
    pub(crate) action: Option<(String, String)>,
    /// What was made before.
    pub(crate) made: Vec<String>,
}

/// One link of a run's output.
pub(crate) struct Output {
    pub(crate) title: String,
    pub(crate) link: String,
    pub(crate) icon: &'static str,
}

/// One text of a run's output.
pub(crate) struct OutputText {
    pub(crate) title: String,
    /// Sanitised.
    pub(crate) html: String,
}

/// One step of a run.
pub(crate) struct StepRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: StepState,
    pub(crate) took: String,
}

/// One line of a run's log.
pub(crate) struct LogLine {
    pub(crate) time: String,
    pub(crate) text: String,
    /// A step begins.
    pub(crate) head: bool,
    /// An error.
    pub(crate) bad: bool,
}
