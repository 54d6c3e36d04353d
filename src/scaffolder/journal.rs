//! Keeps what a run says: events go to the database in their order, in batches.
//!
//! A batch gathers for a moment that no reader notices, and while the one before it is being written; so a step that says
//! much costs few statements, and of a run that is quickly done everything is written with its end. The ledger is written
//! at once: an outside effect must not be forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::action::{ActionError, Ledger};
use super::bulletin::{Bulletin, Notice};
use super::log::{Entry, EventKind, NewEvent};
use super::store;

/// Most entries of one batch.
const BATCH: usize = 512;
/// How long a batch gathers.
const GATHERING: Duration = Duration::from_millis(5);
/// How often a batch is tried, and how long between.
const ATTEMPTS: u32 = 5;
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// The right to write for one run.
#[derive(Debug, Clone)]
pub(super) struct Pen {
    pub(super) pool: PgPool,
    pub(super) bulletin: Bulletin,
    pub(super) task: Uuid,
    pub(super) worker: Uuid,
    /// Fires when the run was given to somebody else, or cannot be written.
    pub(super) lost: CancellationToken,
    /// Whether anything was noted in the ledger here.
    pub(super) has_noted: Arc<AtomicBool>,
}

impl Pen {
    /// Writes everything that comes, until nobody can say anything any more.
    pub(super) async fn keep(self, mut entries: UnboundedReceiver<Entry>) {
        let mut batch = Vec::new();
        while let Some(entry) = entries.recv().await {
            let until = Instant::now() + GATHERING;
            let mut next = Some(entry);
            while let Some(entry) = next.take() {
                match entry {
                    Entry::Event(event) => batch.push(event),
                    // Whoever asked may have been dropped.
                    Entry::Unwritten(asker) => _ = asker.send(std::mem::take(&mut batch)),
                }
                if !batch.is_empty() && batch.len() < BATCH {
                    next = tokio::time::timeout_at(until, entries.recv()).await.ok().flatten();
                }
            }
            self.write(&std::mem::take(&mut batch)).await;
        }
    }

    /// Adds events to the log of the run, if it is still ours.
    pub(super) async fn write(&self, events: &[NewEvent]) {
        if events.is_empty() || self.lost.is_cancelled() {
            return;
        }
        for attempt in 1..=ATTEMPTS {
            match self.append(events).await {
                Ok(true) => return self.bulletin.tell(Notice::Said(self.task)),
                Ok(false) => break,
                Err(error) => tracing::warn!(task.id = %self.task, %error, attempt, "cannot write a run's log"),
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        self.lost.cancel();
    }

    async fn append(&self, events: &[NewEvent]) -> Result<bool, sqlx::Error> {
        store::append(&self.pool, self.task, self.worker, events).await
    }

    /// Ends the run with its last events; whether it was still ours. If nothing was made outside, the commit does not wait
    /// for the disk: should it be lost, the run is done again.
    pub(super) async fn finish(&self, events: &[NewEvent], status: &str) -> Result<bool, sqlx::Error> {
        #[cfg(test)]
        super::tests::killed::moment();
        let end = store::End { status, events, is_repeatable: !self.has_noted.load(Ordering::Relaxed) };
        let mut attempt = 1;
        let is_ours = loop {
            match store::finish(&self.pool, self.task, self.worker, &end, Utc::now()).await {
                Ok(is_ours) => break is_ours,
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => tracing::warn!(task.id = %self.task, %error, attempt, "cannot write a run's end"),
            }
            attempt += 1;
            tokio::time::sleep(AGAIN_AFTER).await;
        };
        self.bulletin.tell(Notice::Said(self.task));
        Ok(is_ours)
    }

    /// Gives the run back for the next worker; whether it was still ours.
    pub(super) async fn release(&self) -> Result<bool, sqlx::Error> {
        let message = "The server is stopping. The run goes on as soon as one takes it up.";
        let event = NewEvent::new(EventKind::Log, json!({ "message": message }));
        let mut transaction = self.pool.begin().await?;
        let is_ours = store::append(&mut *transaction, self.task, self.worker, &[event]).await?
            && store::release(&mut *transaction, self.task, self.worker).await?;
        transaction.commit().await?;
        self.bulletin.tell(Notice::Said(self.task));
        self.bulletin.tell(Notice::Opened(self.task));
        Ok(is_ours)
    }

    /// Lets go of the run until it is woken, or until a time; whether it was still ours.
    pub(super) async fn park(&self, wake_at: Option<DateTime<Utc>>) -> Result<bool, sqlx::Error> {
        let is_ours = store::park(&self.pool, self.task, self.worker, wake_at).await?;
        // It may have been woken meanwhile.
        self.bulletin.tell(Notice::Opened(self.task));
        self.bulletin.tell(Notice::Said(self.task));
        Ok(is_ours)
    }

    /// The run's ledger.
    pub(super) fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::new(self.clone())
    }
}

impl Pen {
    /// Somebody else has the run: nothing more is done for it here.
    fn taken(&self) -> ActionError {
        self.lost.cancel();
        ActionError::failed("this run was taken over by another worker")
    }
}

impl Ledger for Pen {
    fn get<'a>(&'a self, step: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Value>, ActionError>> {
        Box::pin(async move {
            let noted = store::noted(&self.pool, self.task, self.worker, step, key).await.map_err(unwritten)?;
            noted.ok_or_else(|| self.taken())
        })
    }

    fn put<'a>(
        &'a self,
        step: &'a str,
        key: &'a str,
        value: Value,
        made: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move {
            let note = store::Note { step, key, value: &value, made };
            self.has_noted.store(true, Ordering::Relaxed);
            #[cfg(test)]
            super::tests::killed::moment();
            let noted = store::note(&self.pool, self.task, self.worker, note, Utc::now()).await;
            #[cfg(test)]
            super::tests::killed::moment();
            match noted {
                Ok(true) => Ok(()),
                Ok(false) => Err(self.taken()),
                Err(error) => Err(unwritten(error)),
            }
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unwritten(error: sqlx::Error) -> ActionError {
    ActionError::failed(format!("what the step made cannot be recorded: {error}"))
}
