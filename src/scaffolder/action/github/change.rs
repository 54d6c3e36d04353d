//! What is changed without a thing coming to be: labels, archiving, and pipelines that are made to run.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::{ActionContext, ActionError, Outputs, outputs, text};
use crate::forge::{GitHub, Removal, RepositoryId};

/// A change.
pub(super) enum Change {
    /// Labels of an issue or pull request.
    Label { number: u64, labels: Vec<String> },
    /// Nobody can write to the repository any more.
    Archive,
    /// A workflow runs.
    Dispatch { workflow: String, branch: String, inputs: Value },
}

/// What a change did.
pub(super) struct Changed {
    /// "labels of #1"
    pub(super) what: String,
    pub(super) outputs: Outputs,
    pub(super) removals: Vec<Removal>,
    /// Why it cannot be taken back.
    pub(super) obstacle: Option<&'static str>,
}

impl Change {
    pub(super) fn dispatch(input: &Outputs) -> Result<Self, ActionError> {
        let needed = |key: &str| {
            let given = text(input, key).filter(|text| !text.trim().is_empty());
            given.map(str::to_owned).ok_or_else(|| ActionError::input(format!("`{key}` is empty; fill it in")))
        };
        Ok(Self::Dispatch {
            workflow: needed("workflowId")?,
            branch: needed("branchOrTagName")?,
            inputs: input.get("workflowInputs").cloned().unwrap_or_default(),
        })
    }

    /// What it would do.
    pub(super) fn sentence(&self, id: &RepositoryId) -> String {
        match self {
            Self::Label { number, labels } => format!("label #{number} of {id} with {}", labels.join(", ")),
            Self::Archive => format!("archive {id}"),
            Self::Dispatch { workflow, branch, .. } => format!("run workflow {workflow} of {id} on {branch}"),
        }
    }

    /// What later steps of a plan see.
    pub(super) fn foreseen(&self) -> Outputs {
        match self {
            Self::Label { .. } | Self::Archive => Outputs::new(),
            Self::Dispatch { .. } => {
                outputs([("workflowRunId", json!(1)), ("workflowRunUrl", json!("")), ("workflowRunHtmlUrl", json!(""))])
            }
        }
    }

    /// Does it.
    pub(super) async fn make(
        &self,
        github: &GitHub,
        ctx: &ActionContext,
        id: &RepositoryId,
    ) -> Result<Changed, ActionError> {
        let changed =
            |what: String, removals: Vec<Removal>| Changed { what, outputs: Outputs::new(), removals, obstacle: None };
        match self {
            Self::Label { number, labels } => {
                let added = github.label(id, *number, labels).await?;
                let removals = added.iter().map(|label| Removal::label(id, *number, label)).collect();
                Ok(changed(format!("labels of #{number}"), removals))
            }
            Self::Archive => {
                github.configure(id, json!({"archived": true})).await?;
                Ok(changed("archiving".to_owned(), vec![Removal::archive(id)]))
            }
            Self::Dispatch { workflow, branch, inputs } => {
                let began: Option<DateTime<Utc>> =
                    ctx.noted("dispatching").await?.and_then(|noted| serde_json::from_value(noted).ok());
                let run = match began {
                    // An attempt that was cut off may have done it.
                    Some(since) => github.dispatched(id, workflow, branch, since).await?,
                    None => None,
                };
                let run = if let Some(run) = run {
                    run
                } else {
                    let since = began.unwrap_or_else(Utc::now);
                    ctx.note("dispatching", json!(since)).await?;
                    github.dispatch(id, workflow, branch, inputs, since).await?
                };
                let outputs = outputs([
                    ("workflowRunId", json!(run.id)),
                    ("workflowRunUrl", json!(run.url)),
                    ("workflowRunHtmlUrl", json!(run.html_url)),
                ]);
                let obstacle =
                    Some("a pipeline that ran cannot be taken back; what it did is undone where it was done");
                Ok(Changed {
                    outputs,
                    obstacle,
                    ..changed(format!("run {} of workflow {workflow}", run.id), Vec::new())
                })
            }
        }
    }
}
