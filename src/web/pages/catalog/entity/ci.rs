//! The CI tab: the runs of the workflows in an entity's repository.
//!
//! GitHub may take its time, so each page comes at once and without what only GitHub knows; a small module then fetches
//! the same address with `now=yes`, which waits, and puts its part in place (`late-part.js`). Without a script that
//! address is a page like any other.

mod lines;
mod run;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde::Deserialize;

use self::lines::{RunLine, RunState};
use super::super::tab::Tab;
use super::Head;
use crate::catalog::Record;
use crate::entity::EntityRef;
use crate::forge::{ForgeError, Run};
use crate::pipeline::{Pipelines, Place};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::url as link;

/// Runs on an entity's overview.
const FEW: usize = 5;

/// The routes.
pub(in crate::web::pages::catalog) fn router() -> Router<AppState> {
    Router::new()
        .route("/catalog/{namespace}/{kind}/{name}/ci", get(show))
        .route("/catalog/{namespace}/{kind}/{name}/ci/latest", get(latest))
        .route("/catalog/{namespace}/{kind}/{name}/ci/runs/{run}", get(run::show))
        .route("/catalog/{namespace}/{kind}/{name}/ci/runs/{run}/attempts", post(run::repeat))
        .route("/catalog/{namespace}/{kind}/{name}/ci/runs/{run}/cancellation", post(run::cancel))
}

/// All runs.
#[derive(Template)]
#[template(path = "catalog/ci/index.html")]
pub(super) struct RunsPage {
    chrome: Chrome,
    head: Head,
    repository: String,
    /// The form that filters goes here.
    all: String,
    branch: String,
    /// This page with the runs on it.
    now: String,
    runs: Option<Runs>,
}

/// The newest runs, for the overview.
#[derive(Template)]
#[template(path = "catalog/ci/latest.html")]
pub(super) struct LatestPage {
    chrome: Chrome,
    head: Head,
    runs: Runs,
}

/// How the newest run of an entity's pipelines stands.
pub(in crate::web::pages) struct PipelineGlance {
    /// Of the design.
    pub(in crate::web::pages) word: &'static str,
    pub(in crate::web::pages) icon: &'static str,
    pub(in crate::web::pages) label: String,
    pub(in crate::web::pages) link: String,
}

/// The newest run; none where there is none, or GitHub does not tell.
pub(in crate::web::pages) async fn newest(pipelines: &Pipelines, record: &Record) -> Option<PipelineGlance> {
    let place = pipelines.place(record)?;
    let runs = pipelines.runs(&place, None).await.ok()?;
    let line = RunLine::new(pipelines, &place, &record.reference, runs.first()?);
    let RunState { word, icon, label, .. } = line.state;
    Some(PipelineGlance { word, icon, label, link: link::entity_ci(&record.reference, None, false) })
}

/// The runs that GitHub told of, or why it did not.
#[derive(Default)]
struct Runs {
    lines: Vec<RunLine>,
    /// The branches that are seen in them.
    branches: Vec<String>,
    problem: Option<String>,
}

impl Runs {
    /// Whether something will change soon.
    fn is_moving(&self) -> bool {
        self.lines.iter().any(|line| !line.state.is_over)
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    branch: String,
    #[serde(default)]
    now: String,
}

/// `GET …/ci`
async fn show(tab: Tab, State(pipelines): State<Pipelines>, Query(asked): Query<Asked>) -> PageResult<RunsPage> {
    let Tab { record, .. } = &tab;
    let (reference, place) = (&record.reference, place(&pipelines, record)?);
    let branch = Some(asked.branch.trim()).filter(|branch| !branch.is_empty());
    let runs = match asked.now.as_str() {
        "yes" => Some(runs(&pipelines, &place, reference, branch).await?),
        _ => None,
    };
    Ok(Page(RunsPage {
        chrome: tab.chrome(),
        repository: place.repository.to_string(),
        all: link::entity_ci(reference, None, false),
        now: link::entity_ci(reference, branch, true),
        branch: branch.unwrap_or_default().to_owned(),
        runs,
        head: tab.head,
    }))
}

/// `GET …/ci/latest`
async fn latest(tab: Tab, State(pipelines): State<Pipelines>) -> PageResult<LatestPage> {
    let place = place(&pipelines, &tab.record)?;
    let mut runs = runs(&pipelines, &place, &tab.record.reference, None).await?;
    runs.lines.truncate(FEW);
    Ok(Page(LatestPage { chrome: tab.chrome(), runs, head: tab.head }))
}

/// The repository, or what is missing for one.
fn place(pipelines: &Pipelines, record: &Record) -> Result<Place, Error> {
    pipelines.place(record).ok_or_else(|| {
        Error::NotFound(format!(
            "no repository on a configured GitHub is known of {}; its file would have to be in one, or name one in `github.com/project-slug`, and the host needs an entry in `integrations.github`",
            record.reference
        ))
    })
}

async fn runs(
    pipelines: &Pipelines,
    place: &Place,
    reference: &EntityRef,
    branch: Option<&str>,
) -> Result<Runs, Error> {
    match pipelines.runs(place, branch).await {
        Ok(told) => Ok(Runs {
            lines: told.iter().map(|run| RunLine::new(pipelines, place, reference, run)).collect(),
            branches: branches(&told),
            problem: None,
        }),
        Err(error) => Ok(Runs { problem: Some(sentence(&error)?), ..Runs::default() }),
    }
}

fn branches(runs: &[Run]) -> Vec<String> {
    let mut branches: Vec<String> = runs.iter().filter_map(|run| run.head_branch.clone()).collect();
    branches.sort();
    branches.dedup();
    branches
}

/// What is said in place of what GitHub did not tell; only what is our own fault is an error of the page.
fn sentence(error: &Arc<ForgeError>) -> Result<String, Error> {
    match &**error {
        ForgeError::Io { .. } | ForgeError::Git { .. } => Err(Error::internal(error.to_string())),
        told => Ok(told.to_string()),
    }
}
