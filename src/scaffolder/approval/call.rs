//! Calls approvers: who may decide is told when a run begins to wait, and sees everything that waits for them.
//!
//! A question is one notification however often the run is taken up, and gone once it is decided.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::log::TaskLog;
use super::super::task::Task;
use super::super::{Scaffolder, ScaffolderError, store};
use super::{Approval, DECISION, REQUEST, Request, obstacle};
use crate::notification::{Message, NotificationError, Notifications, Severity};
use crate::permission::Credentials;

/// Who says it, as with other notifications of runs.
const ORIGIN: &str = "plugin:scaffolder";
/// The longest part of a question that a notification repeats, in characters.
const LONGEST: usize = 1000;
/// Most questions that somebody is shown.
const MANY: i64 = 500;

impl Scaffolder {
    /// The questions of runs that somebody may answer, oldest first.
    pub(crate) async fn waiting_for(&self, who: &Credentials) -> Result<Vec<(Task, Approval)>, ScaffolderError> {
        let mut waiting = Vec::new();
        for row in store::waiting(self.pool(), (REQUEST, DECISION), MANY).await? {
            let store::WaitingRow { task, step, request, asked_at } = row;
            let Request { message, approvers, allow_self } = store::json(&request)?;
            let request = Request { message, approvers, allow_self };
            if obstacle(who, &request, task.created_by.as_deref()).is_some() {
                continue;
            }
            let Request { message, approvers, .. } = request;
            let approval = Approval { step, message, approvers, asked_at, decision: None, obstacle: None };
            waiting.push((Task::of(task)?, approval));
        }
        Ok(waiting)
    }

    /// Tells approvers of a run's open questions. That somebody cannot be told stops no run.
    pub(in super::super) async fn call_approvers(&self, run: Uuid, log: &TaskLog) {
        if let Err(error) = self.try_call(run, log).await {
            tracing::warn!(task.id = %run, %error, "the approvers of a run cannot be told");
        }
    }

    async fn try_call(&self, run: Uuid, log: &TaskLog) -> Result<(), NotificationError> {
        let Some(task) = store::task(self.pool(), run).await? else { return Ok(()) };
        let task = Task::of(task)?;
        let title = task.spec.pointer("/templateInfo/entity/metadata/title").and_then(serde_json::Value::as_str);
        let template = task.template().map(|template| template.name().to_owned()).unwrap_or_default();
        for row in store::asked(self.pool(), run, (REQUEST, DECISION)).await? {
            if row.decision.is_some() {
                continue;
            }
            let request: Request = store::json(&row.request)?;
            let question: String = log.masked(&request.message).chars().take(LONGEST).collect();
            let message = Message {
                id: id(run, &row.step),
                recipients: Some(request.approvers),
                origin: ORIGIN.to_owned(),
                title: format!("A run of {} waits for your approval", title.unwrap_or(&template)),
                description: Some(question).filter(|question| !question.is_empty()),
                link: Some(format!("/create/tasks/{run}")),
                severity: Severity::High,
                scope: None,
            };
            self.notifications().send(&message).await?;
        }
        Ok(())
    }

    /// Takes back what approvers were told of these questions.
    pub(in super::super) async fn recall_approvers(&self, run: Uuid, steps: &[&str]) {
        let ids: Vec<Uuid> = steps.iter().map(|step| id(run, step)).collect();
        if let Err(error) = self.notifications().withdraw(&ids).await {
            tracing::warn!(task.id = %run, %error, "a notification of what is decided stays");
        }
    }

    fn notifications(&self) -> Notifications {
        Notifications::new(self.pool().clone())
    }
}

/// The notification of a question, the same whoever sends it.
fn id(run: Uuid, step: &str) -> Uuid {
    let digest = Sha256::new().chain_update("approval").chain_update(run).chain_update(step).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
