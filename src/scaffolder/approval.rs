//! Approvals: a step asks, the run waits without a worker, somebody decides, and the run goes on.
//!
//! Question and decision stand in the run's ledger under the step, so they outlive every server. Of two decisions the
//! first counts. Approvers are told (`call`).

mod call;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::bulletin::Notice;
use super::error::no_task;
use super::log::{EventKind, NewEvent};
use super::{Scaffolder, ScaffolderError, store};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// Where a step notes what it asks, and where the decision is noted.
pub(super) const REQUEST: &str = "approval";
pub(super) const DECISION: &str = "decision";

/// What a step asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    pub(super) message: String,
    /// Users, and groups whose members may decide.
    pub(super) approvers: Vec<EntityRef>,
    /// Whether who started the run may decide, if among them.
    pub(super) allow_self: bool,
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Decision {
    /// Yes or no.
    pub(crate) approved: bool,
    /// The person's entity; none for a service.
    pub(crate) by: Option<EntityRef>,
    /// Why; may be empty.
    pub(crate) comment: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

impl Decision {
    /// `user:default/ada: looks good`
    pub(super) fn told(&self) -> String {
        let by = self.by.as_ref().map_or_else(|| "a service".to_owned(), ToString::to_string);
        if self.comment.is_empty() { by } else { format!("{by}: {}", self.comment) }
    }
}

/// An approval that a run asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Approval {
    /// The step that asks, with the key of its round.
    pub(crate) step: String,
    /// What is asked.
    pub(crate) message: String,
    /// Users, and groups whose members may decide.
    pub(crate) approvers: Vec<EntityRef>,
    /// Since when.
    pub(crate) asked_at: DateTime<Utc>,
    /// What was decided.
    pub(crate) decision: Option<Decision>,
    /// Why whoever looks may not decide.
    pub(crate) obstacle: Option<String>,
}

impl Scaffolder {
    /// The approvals that a run asked for, oldest first.
    pub(crate) async fn approvals(&self, who: &Credentials, run: Uuid) -> Result<Vec<Approval>, ScaffolderError> {
        let task = store::task(self.pool(), run).await?.ok_or_else(|| no_task(run))?;
        let rows = store::asked(self.pool(), run, (REQUEST, DECISION)).await?;
        let approval = |row: store::AskedRow| {
            let request: Request = store::json(&row.request)?;
            let decision: Option<Decision> = row.decision.as_deref().map(store::json).transpose()?;
            let obstacle = if decision.is_some() { None } else { obstacle(who, &request, task.created_by.as_deref()) };
            let Request { message, approvers, .. } = request;
            Ok(Approval { step: row.step, message, approvers, asked_at: row.asked_at, decision, obstacle })
        };
        rows.into_iter().map(approval).collect()
    }

    /// Decides what a step asked, and lets the run go on.
    pub(crate) async fn decide(
        &self,
        who: &Credentials,
        run: Uuid,
        step: &str,
        (approved, comment): (bool, &str),
    ) -> Result<(), ScaffolderError> {
        const LONGEST_COMMENT: usize = 2000;
        if comment.chars().count() > LONGEST_COMMENT {
            return Err(ScaffolderError::Invalid(format!(
                "the comment is longer than {LONGEST_COMMENT} characters; shorten it"
            )));
        }
        let mut transaction = self.pool().begin().await?;
        let task = store::lock_task(&mut *transaction, run).await?.ok_or_else(|| no_task(run))?;
        let asked = store::asked(&mut *transaction, run, (REQUEST, DECISION)).await?;
        let Some(row) = asked.into_iter().find(|row| row.step == step) else {
            return Err(ScaffolderError::NotFound(format!("step \"{step}\" of run {run} asked for no approval")));
        };
        if task.finished_at.is_some() {
            return Err(ScaffolderError::Invalid(format!("run {run} is over, so there is nothing to decide")));
        }
        if let Some(obstacle) = obstacle(who, &store::json(&row.request)?, task.created_by.as_deref()) {
            return Err(ScaffolderError::NotAllowed(obstacle));
        }
        let now = Utc::now();
        let decision = Decision { approved, by: who.user_ref().cloned(), comment: comment.trim().to_owned(), at: now };
        if !store::decide(&mut *transaction, run, (step, DECISION), &store::text(&decision), now).await? {
            let earlier: Option<Decision> = row.decision.as_deref().map(store::json).transpose()?;
            let by = earlier.map(|earlier| format!(" by {}", earlier.told())).unwrap_or_default();
            return Err(ScaffolderError::Invalid(format!("that was decided already{by}")));
        }
        let word = if approved { "Approved" } else { "Rejected" };
        let body = json!({"message": format!("{word} by {}", decision.told()), "stepId": step, "waiting": false});
        store::add_event(&mut *transaction, run, &NewEvent::new(EventKind::Log, body)).await?;
        store::wake(&mut *transaction, run).await?;
        transaction.commit().await?;
        self.bulletin().tell(Notice::Said(run));
        self.bulletin().tell(Notice::Opened(run));
        self.recall_approvers(run, &[step]).await;
        Ok(())
    }

    /// Opens the runs that waited long enough; how many.
    pub(super) async fn wake_due(&self) -> Result<usize, sqlx::Error> {
        let due = store::wake_due(self.pool(), Utc::now()).await?;
        for run in &due {
            self.bulletin().tell(Notice::Opened(*run));
        }
        Ok(due.len())
    }
}

/// Why somebody may not decide.
fn obstacle(who: &Credentials, request: &Request, created_by: Option<&str>) -> Option<String> {
    // A service decides for everybody.
    let user = who.user_ref()?;
    let is_named = request.approvers.iter().any(|approver| approver == user || who.ownership().contains(approver));
    if !is_named {
        let names: Vec<String> = request.approvers.iter().map(ToString::to_string).collect();
        return Some(format!("only {} can decide this", names.join(", ")));
    }
    let is_own = created_by == Some(user.as_str());
    (is_own && !request.allow_self).then(|| "who started a run cannot approve it; ask another approver".to_owned())
}
