//! One run: its jobs, and the forms that repeat and stop it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::super::super::tab::Tab;
use super::super::Head;
use super::lines::{JobLine, RunLine};
use super::{Asked, place, sentence};
use crate::entity::EntityRef;
use crate::forge::RunOrder;
use crate::pipeline::{Pipelines, Place, RunDetails};
use crate::web::error::Error;
use crate::web::extract::{Answer, Form, Path, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::url as link;

/// A run.
#[derive(Template)]
#[template(path = "catalog/ci/run.html")]
pub(super) struct RunPage {
    chrome: Chrome,
    head: Head,
    number: u64,
    all: String,
    /// This page with the run on it.
    now: String,
    told: Option<Result<Shown, String>>,
    /// Why something that was asked for was not done.
    refusal: Option<String>,
}

/// A run that GitHub told of.
struct Shown {
    line: RunLine,
    jobs: Vec<JobLine>,
    may_order: bool,
    attempts: String,
    cancellation: String,
}

#[derive(Deserialize)]
pub(super) struct Number {
    run: u64,
}

/// `GET …/ci/runs/{run}`
pub(super) async fn show(
    tab: Tab,
    State(pipelines): State<Pipelines>,
    Path(Number { run }): Path<Number>,
    Query(asked): Query<Asked>,
) -> PageResult<RunPage> {
    let asker = Asker::new(tab, pipelines)?;
    let told = if asked.now == "yes" { Some(asker.run(run).await?) } else { None };
    Ok(Page(asker.page(run, told, None)))
}

#[derive(Deserialize)]
pub(super) struct Repeating {
    /// `failed`: only the jobs that did.
    #[serde(default)]
    only: String,
}

/// `POST …/ci/runs/{run}/attempts`
pub(super) async fn repeat(
    tab: Tab,
    State(pipelines): State<Pipelines>,
    Path(Number { run }): Path<Number>,
    Form(form): Form<Repeating>,
) -> Answer {
    let order = if form.only == "failed" { RunOrder::FailedAgain } else { RunOrder::Again };
    Asker::new(tab, pipelines)?.order(run, order).await
}

#[derive(Deserialize)]
pub(super) struct Pressed {}

/// `POST …/ci/runs/{run}/cancellation`
pub(super) async fn cancel(
    tab: Tab,
    State(pipelines): State<Pipelines>,
    Path(Number { run }): Path<Number>,
    _: Form<Pressed>,
) -> Answer {
    Asker::new(tab, pipelines)?.order(run, RunOrder::Cancel).await
}

/// Somebody who looks at the runs of an entity.
struct Asker {
    tab: Tab,
    pipelines: Pipelines,
    place: Place,
}

impl Asker {
    fn new(tab: Tab, pipelines: Pipelines) -> Result<Self, Error> {
        let place = place(&pipelines, &tab.record)?;
        Ok(Self { tab, pipelines, place })
    }

    fn reference(&self) -> &EntityRef {
        &self.tab.record.reference
    }

    fn may_order(&self) -> bool {
        self.pipelines.may_order(&self.tab.catalog, &self.tab.viewer.credentials, &self.tab.record)
    }

    async fn run(&self, run: u64) -> Result<Result<Shown, String>, Error> {
        Ok(match self.pipelines.run(&self.place, run).await {
            Ok(details) => Ok(self.shown(&details)),
            Err(error) => Err(sentence(&error)?),
        })
    }

    fn shown(&self, RunDetails { run, jobs }: &RunDetails) -> Shown {
        let reference = self.reference();
        Shown {
            line: RunLine::new(&self.pipelines, &self.place, reference, run),
            jobs: jobs.iter().map(JobLine::new).collect(),
            may_order: self.may_order(),
            attempts: link::entity_run_attempts(reference, run.id),
            cancellation: link::entity_run_cancellation(reference, run.id),
        }
    }

    /// Does it, and leads to the run; a refusal is told on the run's page.
    async fn order(self, run: u64, order: RunOrder) -> Result<Response, Error> {
        let reference = self.reference();
        if !self.may_order() {
            return Err(Error::NotAllowed(format!(
                "only the owners of {reference} can repeat and stop its runs, and only where its file is in the repository itself"
            )));
        }
        match self.pipelines.order(&self.place, run, order).await {
            Ok(()) => Ok(Redirect::to(&link::entity_run(reference, run, false)).into_response()),
            Err(error) => {
                let refusal = sentence(&Arc::new(error))?;
                let told = self.run(run).await?;
                Ok(Page(self.page(run, Some(told), Some(refusal))).into_response())
            }
        }
    }

    fn page(self, run: u64, told: Option<Result<Shown, String>>, refusal: Option<String>) -> RunPage {
        let reference = self.reference();
        RunPage {
            chrome: self.tab.chrome(),
            number: run,
            all: link::entity_ci(reference, None, false),
            now: link::entity_run(reference, run, true),
            told,
            refusal,
            head: self.tab.head,
        }
    }
}
