//! One run: its jobs, and the forms that repeat and stop it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::super::{Head, record};
use super::lines::{JobLine, RunLine};
use super::{Asked, place, sentence};
use crate::catalog::{Catalog, Record};
use crate::entity::EntityRef;
use crate::forge::RunOrder;
use crate::pipeline::{Pipelines, Place, RunDetails};
use crate::web::error::Error;
use crate::web::extract::{Answer, EntityPath, Form, Path, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::session::Viewer;
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
    State(catalog): State<Catalog>,
    State(pipelines): State<Pipelines>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Path(Number { run }): Path<Number>,
    Query(asked): Query<Asked>,
) -> PageResult<RunPage> {
    let asker = Asker::new(&catalog, &pipelines, &viewer, &reference)?;
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
    State(catalog): State<Catalog>,
    State(pipelines): State<Pipelines>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Path(Number { run }): Path<Number>,
    Form(form): Form<Repeating>,
) -> Answer {
    let order = if form.only == "failed" { RunOrder::FailedAgain } else { RunOrder::Again };
    Asker::new(&catalog, &pipelines, &viewer, &reference)?.order(run, order).await
}

#[derive(Deserialize)]
pub(super) struct Pressed {}

/// `POST …/ci/runs/{run}/cancellation`
pub(super) async fn cancel(
    State(catalog): State<Catalog>,
    State(pipelines): State<Pipelines>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Path(Number { run }): Path<Number>,
    _: Form<Pressed>,
) -> Answer {
    Asker::new(&catalog, &pipelines, &viewer, &reference)?.order(run, RunOrder::Cancel).await
}

/// Somebody who looks at the runs of an entity.
struct Asker<'a> {
    catalog: &'a Catalog,
    pipelines: &'a Pipelines,
    viewer: &'a Viewer,
    record: Arc<Record>,
    place: Place,
}

impl<'a> Asker<'a> {
    fn new(
        catalog: &'a Catalog,
        pipelines: &'a Pipelines,
        viewer: &'a Viewer,
        reference: &EntityRef,
    ) -> Result<Self, Error> {
        let record = record(catalog, viewer, reference)?;
        let place = place(pipelines, &record)?;
        Ok(Self { catalog, pipelines, viewer, record, place })
    }

    fn may_order(&self) -> bool {
        self.pipelines.may_order(self.catalog, &self.viewer.credentials, &self.record)
    }

    async fn run(&self, run: u64) -> Result<Result<Shown, String>, Error> {
        Ok(match self.pipelines.run(&self.place, run).await {
            Ok(details) => Ok(self.shown(&details)),
            Err(error) => Err(sentence(&error)?),
        })
    }

    fn shown(&self, RunDetails { run, jobs }: &RunDetails) -> Shown {
        let reference = &self.record.reference;
        Shown {
            line: RunLine::new(self.pipelines, &self.place, reference, run),
            jobs: jobs.iter().map(JobLine::new).collect(),
            may_order: self.may_order(),
            attempts: link::entity_run_attempts(reference, run.id),
            cancellation: link::entity_run_cancellation(reference, run.id),
        }
    }

    /// Does it, and leads to the run; a refusal is told on the run's page.
    async fn order(&self, run: u64, order: RunOrder) -> Result<Response, Error> {
        let reference = &self.record.reference;
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

    fn page(&self, run: u64, told: Option<Result<Shown, String>>, refusal: Option<String>) -> RunPage {
        let reference = &self.record.reference;
        let head = Head::new(self.catalog, self.pipelines, self.viewer, &self.record, "ci");
        RunPage {
            chrome: head.chrome(self.viewer),
            number: run,
            all: link::entity_ci(reference, None, false),
            now: link::entity_run(reference, run, true),
            told,
            refusal,
            head,
        }
    }
}
