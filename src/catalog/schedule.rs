//! When sources are read: each has its own next time, kept in the database, so any process may do it.
//!
//! A source is claimed (`SKIP LOCKED`) before it is read; a claim ends by itself should the process die. The next time
//! is the interval with a little chance in it, and twice, four times… as long after failures. Changes that other
//! processes make arrive by `NOTIFY`; a slow poll catches what a lost connection missed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::location::LocationRef;
use super::{Catalog, CatalogError, ingest, store, walk};

/// How long a process may take to read a source before another tries.
const CLAIM: Duration = Duration::from_mins(2);
/// Sources read by one process at the same time.
const AT_ONCE: i64 = 4;
/// Files on disk are cheap to look at, and people who edit them wait for it.
const FILE_INTERVAL: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// Without any notification, how often the change log is looked at.
const POLL: Duration = Duration::from_secs(15);
/// After the database failed.
const RETRY: Duration = Duration::from_secs(2);

impl Catalog {
    /// Reads sources when they are due and follows the change log, until told to stop.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let follow = self.clone().follow(shutdown.clone());
        let read = self.read_forever(shutdown);
        tokio::join!(follow, read);
    }

    /// Reads every source that is due now, and tells how many.
    pub(crate) async fn read_due(&self) -> Result<usize, CatalogError> {
        let mut total = 0;
        loop {
            let now = Utc::now();
            let due = store::claim_due(&self.inner.pool, now, now + CLAIM, AT_ONCE).await?;
            if due.is_empty() {
                return Ok(total);
            }
            total += due.len();
            try_join_all(due.iter().map(|reference| self.read_source(reference))).await?;
        }
    }

    /// Reads one source, writes what changed, and brings the index up to it.
    pub(super) async fn read_source(&self, reference: &str) -> Result<(), CatalogError> {
        let reading = self.reading(reference);
        let _reading = reading.lock().await;
        let Some(source) = store::source(&self.inner.pool, reference).await? else {
            return Ok(());
        };
        let root = source.root();
        let walk = walk::walk(self.reader(), &self.inner.config, &root).await;
        let digest = ingest::digest_of(&walk);
        let now = Utc::now();
        let failures = if walk.is_failed() { source.failures.saturating_add(1) } else { 0 };
        let next = now + self.pause(&root, failures);
        let mut transaction = self.inner.pool.begin().await?;
        if source.digest.as_deref() != Some(&*digest) {
            store::lock(&mut *transaction).await?;
            // It may have been unregistered while it was read.
            if store::source(&mut *transaction, reference).await?.is_none() {
                return Ok(());
            }
            ingest::apply(&mut transaction, reference, &walk, self.inner.config.orphan_strategy, now).await?;
        }
        store::set_read(&mut *transaction, reference, Some(&digest), failures, now, next).await?;
        transaction.commit().await?;
        self.advance().await?;
        self.inner.due.notify_one();
        tracing::debug!(source = reference, entities = walk.declared.len(), problems = walk.troubles.len(), "read");
        Ok(())
    }

    async fn read_forever(&self, shutdown: CancellationToken) {
        loop {
            let pause = match self.read_due().await {
                Ok(_) => self.until_due().await,
                Err(error) => {
                    tracing::warn!(%error, "cannot read the catalog's sources");
                    RETRY
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.inner.due.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn until_due(&self) -> Duration {
        let next: Option<DateTime<Utc>> = store::next_due(&self.inner.pool).await.ok().flatten();
        let pause = next.map_or(POLL, |next| (next - Utc::now()).to_std().unwrap_or_default());
        // Other processes add sources too. Not at once either: what is due may be claimed by somebody else.
        pause.clamp(Duration::from_millis(100), POLL)
    }

    async fn follow(self, shutdown: CancellationToken) {
        loop {
            let followed = tokio::select! {
                () = shutdown.cancelled() => return,
                followed = self.listen() => followed,
            };
            if let Err(error) = followed {
                tracing::warn!(%error, "cannot follow the catalog's changes");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Applies changes as they are told; ends with an error when the connection does.
    async fn listen(&self) -> Result<(), CatalogError> {
        let mut listener = PgListener::connect_with(&self.inner.pool).await?;
        listener.listen(store::CHANNEL).await?;
        loop {
            self.advance().await?;
            // Nothing told and a lost connection both mean: look.
            if let Ok(told) = tokio::time::timeout(POLL, listener.try_recv()).await {
                told?;
            }
        }
    }

    /// How long to wait before a source is read again: the interval, longer after failures, a tenth more or less.
    fn pause(&self, root: &LocationRef, failures: i32) -> Duration {
        let interval = self.inner.config.read_interval();
        let interval = if root.is_file() { interval.min(FILE_INTERVAL) } else { interval };
        let doubled = interval.saturating_mul(1 << failures.clamp(0, 6)).min(LONGEST_WAIT.max(interval));
        let chance = u32::try_from(Uuid::new_v4().as_u128() % 200).unwrap_or_default();
        doubled * (900 + chance) / 1000
    }
}
