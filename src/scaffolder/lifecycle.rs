//! A run from outside: started, looked at, cancelled, tried again. What happens in between is the worker's.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use tracing::Instrument as _;
use uuid::Uuid;

use super::approval::{DECISION, REQUEST};
use super::bulletin::Notice;
use super::error::no_task;
use super::log::{EventKind, NewEvent};
use super::run::BEGAN;
use super::store::{self, Claimed, NewTask, Queue, Tally, TaskQuery};
use super::task::{self, Event, JobRecord, Task};
use super::template::Template;
use super::{Scaffolder, ScaffolderError, form};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// A run to be started.
#[derive(Debug, Clone)]
pub(crate) struct StartRun {
    /// Of which template.
    pub(crate) template: EntityRef,
    /// The answers; defaults are the caller's business, as with Backstage.
    pub(crate) values: Map<String, Value>,
    /// Texts that are shown nowhere.
    pub(crate) secrets: Map<String, Value>,
}

impl Scaffolder {
    /// Starts a run.
    pub(crate) async fn start(&self, who: &Credentials, run: StartRun) -> Result<Uuid, ScaffolderError> {
        let template = self.template(who, &run.template)?;
        // As with Backstage, an unknown action is a run that fails at its step; nothing before that step is run.
        Self::refuse_broken(&template, true)?;
        let id = Uuid::now_v7();
        let answered = BTreeSet::new();
        let flags = self.flags(who, &template).await?;
        let settled = self.settled(who, &template, &run.values, &answered, &flags);
        let values = form::with_computed(&settled.pages, &run.values);
        self.launch(who, id, &template, (values, &answered), &run.secrets).await?;
        Ok(id)
    }

    /// One run.
    pub(crate) async fn task(&self, _who: &Credentials, id: Uuid) -> Result<Task, ScaffolderError> {
        let row = store::task(self.pool(), id).await?.ok_or_else(|| no_task(id))?;
        Ok(Task::of(row)?)
    }

    /// One page of runs, newest first, and how many there are.
    pub(crate) async fn tasks(
        &self,
        _who: &Credentials,
        mut query: TaskQuery,
    ) -> Result<(Vec<Task>, i64), ScaffolderError> {
        if query.status.iter().any(|status| status == "processing") {
            query.status.push(task::WAITING.to_owned());
        }
        let (rows, total) = store::tasks(self.pool(), &query).await?;
        Ok((rows.into_iter().map(Task::of).collect::<Result<_, _>>()?, total))
    }

    /// The newest runs that began or ended at a moment or later, or are not over; of what was asked they have only the
    /// answers and what the template is called.
    pub(crate) async fn tasks_since(
        &self,
        _who: &Credentials,
        since: Option<DateTime<Utc>>,
        limit: usize,
    ) -> Result<Vec<Task>, ScaffolderError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = store::tasks_since(self.pool(), since, limit).await?;
        Ok(rows.into_iter().map(Task::of).collect::<Result<_, _>>()?)
    }

    /// How the runs of a template went.
    pub(crate) async fn tally(&self, _who: &Credentials, template: &EntityRef) -> Result<Tally, ScaffolderError> {
        Ok(store::tally(self.pool(), &template.to_string()).await?)
    }

    /// What the workers of all processes have before them, and how the runs of the last day ended.
    pub(crate) async fn queue(&self, _who: &Credentials) -> Result<Queue, ScaffolderError> {
        Ok(store::queue(self.pool(), Utc::now() - TimeDelta::days(1)).await?)
    }

    /// The entities that runs of a template registered, newest first; some may be gone.
    pub(crate) async fn registered(
        &self,
        _who: &Credentials,
        template: &EntityRef,
        limit: usize,
    ) -> Result<Vec<String>, ScaffolderError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(store::registered(self.pool(), &template.to_string(), limit).await?)
    }

    /// The events of a run after one of them.
    pub(crate) async fn events(
        &self,
        _who: &Credentials,
        id: Uuid,
        after: Option<i64>,
    ) -> Result<Vec<Event>, ScaffolderError> {
        let rows = store::events(self.pool(), id, after.unwrap_or(0)).await?;
        Ok(rows.iter().map(|row| Event::of(id, row)).collect::<Result<_, _>>()?)
    }

    /// What a run made outside, in words, oldest first.
    pub(crate) async fn made(&self, _who: &Credentials, id: Uuid) -> Result<Vec<String>, ScaffolderError> {
        Ok(store::made(self.pool(), id).await?)
    }

    /// Cancels a run; one that is over stays as it is.
    pub(crate) async fn cancel(&self, _who: &Credentials, id: Uuid) -> Result<(), ScaffolderError> {
        let mut transaction = self.pool().begin().await?;
        let now = Utc::now();
        let idle = if store::cancel_idle(&mut *transaction, id, "open", now).await? {
            Some("The run was cancelled before it began.")
        } else if store::cancel_idle(&mut *transaction, id, task::WAITING, now).await? {
            Some("The run was cancelled while it was waiting.")
        } else {
            None
        };
        let notice = if let Some(message) = idle {
            let error = json!({"name": "Error", "message": message});
            let body = json!({"message": "Run completed with status: cancelled", "error": error});
            store::add_event(&mut *transaction, id, &NewEvent::new(EventKind::Completion, body)).await?;
            Notice::Said(id)
        } else if store::request_cancel(&mut *transaction, id).await? {
            Notice::Cancel(id)
        } else {
            return store::task(self.pool(), id).await?.map(drop).ok_or_else(|| no_task(id));
        };
        transaction.commit().await?;
        self.bulletin().tell(notice);
        if idle.is_some() {
            let asked = store::asked(self.pool(), id, (REQUEST, DECISION)).await?;
            let steps: Vec<&str> = asked.iter().map(|row| row.step.as_str()).collect();
            self.recall_approvers(id, &steps).await;
        }
        Ok(())
    }

    /// Runs a failed or cancelled run again: steps on the workspace are repeated, what was made outside is kept. A run
    /// that completed, or is under way, stays as it is.
    pub(crate) async fn retry(
        &self,
        _who: &Credentials,
        id: Uuid,
        secrets: Map<String, Value>,
    ) -> Result<(), ScaffolderError> {
        let mut transaction = self.pool().begin().await?;
        if !store::reopen(&mut *transaction, id, &secrets, Utc::now()).await? {
            return store::task(self.pool(), id).await?.map(drop).ok_or_else(|| no_task(id));
        }
        store::forget(&mut *transaction, id, BEGAN).await?;
        store::forget_refusals(&mut *transaction, id, DECISION).await?;
        transaction.commit().await?;
        self.bulletin().tell(Notice::Opened(id));
        Ok(())
    }

    /// Stores a run and wakes a worker. A run of that id that is there already stays as it is. The answers come with the
    /// pages where nothing means nothing.
    pub(super) async fn launch(
        &self,
        who: &Credentials,
        id: Uuid,
        template: &Template,
        (values, answered): (Map<String, Value>, &BTreeSet<usize>),
        secrets: &Map<String, Value>,
    ) -> Result<(), ScaffolderError> {
        let flags = self.flags(who, template).await?;
        let settled = self.settled(who, template, &values, answered, &flags);
        self.refuse_invalid(who, template, &settled.pages, &values, secrets)?;
        let answers = form::filled(&settled.pages, &values);
        let record = JobRecord::new(who, template, answers);
        let spec = task::spec(template, &values, &self.user(who));
        let task = Claimed {
            id,
            spec: store::text(&spec),
            job: store::text(&record),
            secrets: Some(store::text(secrets)),
            // As the database keeps it.
            created_at: Utc::now().trunc_subsecs(6),
            cancel_requested: false,
        };
        let created_by = who.user_ref().map(ToString::to_string);
        let (scaffolder, template) = (self.clone(), template.reference.to_string());
        // Whoever asks may go away meanwhile: a run that is stored is begun all the same.
        let begin = async move { scaffolder.begin(task, &template, created_by.as_deref()).await };
        let begun = tokio::spawn(begin.in_current_span());
        Ok(begun.await.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))?)
    }

    /// Stores a run and begins it, here if there is a free place.
    async fn begin(&self, task: Claimed, template: &str, created_by: Option<&str>) -> Result<(), sqlx::Error> {
        let place = self.desk().place();
        let worker = place.as_ref().map(|place| place.worker);
        if !store::add_task(self.pool(), NewTask { template, created_by, task: &task, worker }).await? {
            return Ok(());
        }
        match place {
            Some(place) => self.take(task, place),
            None => self.bulletin().tell(Notice::Opened(task.id)),
        }
        Ok(())
    }
}
