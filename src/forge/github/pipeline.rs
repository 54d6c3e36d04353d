//! Pipelines: the runs of a repository's workflows, their jobs, and starting, repeating and stopping them.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitHub;
use super::client::{Call, Client};
use super::error::Failure;
use super::model::User;
use crate::forge::{ForgeError, RepositoryId};

/// By how much GitHub's clock may be behind ours; it counts in whole seconds.
const SKEW: TimeDelta = TimeDelta::seconds(5);

/// A run of a workflow.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Run {
    /// Its number in GitHub.
    pub(crate) id: u64,
    /// The workflow's name.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// What it is about: the commit's or pull request's first line.
    #[serde(default)]
    pub(crate) display_title: String,
    /// The file of the workflow.
    #[serde(default)]
    pub(crate) path: String,
    /// Counted within the workflow.
    #[serde(default)]
    pub(crate) run_number: u64,
    /// Counted within the run: more than one where it was repeated.
    #[serde(default)]
    pub(crate) run_attempt: Option<u64>,
    /// `push`, `pull_request`, `workflow_dispatch`, …
    #[serde(default)]
    pub(crate) event: String,
    /// `queued`, `in_progress`, `completed`, …
    #[serde(default)]
    pub(crate) status: Option<String>,
    /// `success`, `failure`, `cancelled`, …; none before the end.
    #[serde(default)]
    pub(crate) conclusion: Option<String>,
    /// The branch.
    #[serde(default)]
    pub(crate) head_branch: Option<String>,
    /// The commit.
    pub(crate) head_sha: String,
    /// Its page.
    pub(crate) html_url: String,
    /// When it was asked for.
    pub(crate) created_at: DateTime<Utc>,
    /// When this attempt began.
    #[serde(default)]
    pub(crate) run_started_at: Option<DateTime<Utc>>,
    /// The last change.
    pub(crate) updated_at: DateTime<Utc>,
    #[serde(default)]
    actor: Option<User>,
}

impl Run {
    /// The login of who made it run.
    pub(crate) fn actor(&self) -> Option<&str> {
        self.actor.as_ref().map(|actor| actor.login.as_str())
    }

    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        self.status.as_deref() == Some("completed")
    }
}

/// A job of a run.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Job {
    /// Its number in GitHub.
    pub(crate) id: u64,
    /// Its name.
    pub(crate) name: String,
    /// As of a run.
    pub(crate) status: String,
    /// As of a run.
    #[serde(default)]
    pub(crate) conclusion: Option<String>,
    /// Its page, with the log.
    #[serde(default)]
    pub(crate) html_url: Option<String>,
    /// When it began.
    #[serde(default)]
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default)]
    pub(crate) completed_at: Option<DateTime<Utc>>,
}

/// A run that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dispatched {
    /// Its number in GitHub.
    pub(crate) id: u64,
    /// Its address in the API.
    pub(crate) url: String,
    /// Its page.
    pub(crate) html_url: String,
}

/// What is done to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunOrder {
    /// All of it again.
    Again,
    /// What failed again.
    FailedAgain,
    /// No more of it.
    Cancel,
}

fn of<'a>(id: &'a RepositoryId, rest: &[&'a str]) -> Vec<&'a str> {
    ["repos", id.owner(), id.name(), "actions"].into_iter().chain(rest.iter().copied()).collect()
}

impl GitHub {
    /// The newest runs, of every branch or of one.
    pub(crate) async fn runs(
        &self,
        id: &RepositoryId,
        branch: Option<&str>,
        many: usize,
    ) -> Result<Vec<Run>, ForgeError> {
        let doing = format!("list the pipelines of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let many = many.to_string();
        let mut call = Call::get(of(id, &["runs"])).query([("per_page", many.as_str())]);
        if let Some(branch) = branch {
            call = call.query([("branch", branch)]);
        }
        listed(&client, call).await.map_err(|failure| super::repository::absent(failure, id, &failed))
    }

    /// One run.
    pub(crate) async fn run(&self, id: &RepositoryId, run: u64) -> Result<Run, ForgeError> {
        let doing = format!("read pipeline {run} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        client.ask(Call::get(of(id, &["runs", &run.to_string()]))).await.map_err(failed)
    }

    /// The jobs of a run's last attempt.
    pub(crate) async fn jobs(&self, id: &RepositoryId, run: u64) -> Result<Vec<Job>, ForgeError> {
        let doing = format!("list the jobs of pipeline {run} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        client.all(Call::get(of(id, &["runs", &run.to_string(), "jobs"])), Some("jobs")).await.map_err(failed)
    }

    /// Repeats or stops a run.
    pub(crate) async fn order(&self, id: &RepositoryId, run: u64, order: RunOrder) -> Result<(), ForgeError> {
        let doing = match order {
            RunOrder::Again | RunOrder::FailedAgain => format!("repeat pipeline {run} of {id}"),
            RunOrder::Cancel => format!("cancel pipeline {run} of {id}"),
        };
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let word = match order {
            RunOrder::Again => "rerun",
            RunOrder::FailedAgain => "rerun-failed-jobs",
            RunOrder::Cancel => "cancel",
        };
        let call = Call::new(http::Method::POST, of(id, &["runs", &run.to_string(), word]));
        match client.tell(call).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => Err(ForgeError::Refused(failed(failure).to_string())),
            other => other.map_err(failed),
        }
    }

    /// Makes a workflow run on a branch or tag.
    pub(crate) async fn dispatch(
        &self,
        id: &RepositoryId,
        workflow: &str,
        branch: &str,
        inputs: &Value,
        since: DateTime<Utc>,
    ) -> Result<Dispatched, ForgeError> {
        #[derive(Deserialize)]
        struct Told {
            workflow_run_id: u64,
            run_url: String,
            html_url: String,
        }
        let doing = format!("dispatch {workflow} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let mut body = json!({"ref": branch, "return_run_details": true});
        if inputs.is_object() {
            body["inputs"] = inputs.clone();
        }
        match client.send(Call::post(of(id, &["workflows", workflow, "dispatches"]), body)).await {
            Ok(answer) if answer.status == StatusCode::OK => {
                let told: Told = answer.read().map_err(&failed)?;
                Ok(Dispatched { id: told.workflow_run_id, url: told.run_url, html_url: told.html_url })
            }
            // An older server does not say which run it is.
            Ok(_) => {
                let found = self.dispatched(id, workflow, branch, since).await?;
                found.ok_or_else(|| failed(Failure::Unreadable("the run is not in the list yet".to_owned())))
            }
            Err(failure) if failure.is_uncertain() => {
                let found = self.dispatched(id, workflow, branch, since).await?;
                found.ok_or_else(|| failed(failure))
            }
            Err(failure) => Err(failed(failure)),
        }
    }

    /// The newest run of a workflow that somebody asked for since a moment.
    pub(crate) async fn dispatched(
        &self,
        id: &RepositoryId,
        workflow: &str,
        branch: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<Dispatched>, ForgeError> {
        let doing = format!("look for the run of {workflow} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let call = Call::get(of(id, &["workflows", workflow, "runs"]))
            .query([("event", "workflow_dispatch"), ("branch", branch)]);
        let runs = listed(&client, call).await.map_err(failed)?;
        let found = runs.into_iter().find(|run| run.created_at >= since - SKEW);
        Ok(found.map(|run| Dispatched {
            id: run.id,
            url: format!(
                "{}/repos/{id}/actions/runs/{}",
                self.site.endpoints.api.as_str().trim_end_matches('/'),
                run.id
            ),
            html_url: run.html_url,
        }))
    }
}

async fn listed(client: &Client, call: Call) -> Result<Vec<Run>, Failure> {
    #[derive(Deserialize)]
    struct Page {
        workflow_runs: Vec<Run>,
    }
    Ok(client.ask::<Page>(call).await?.workflow_runs)
}
