//! Following the catalog: every change as it becomes visible, from any place of the log on.
//!
//! Nothing is collected for a reader: the next changes are read from the log when the ones before are taken, so a slow
//! reader costs no memory. One that does not take what is there for a while is let go, and comes back with the number
//! of the last change it saw. What the log no longer has cannot be followed: the reader is told to read everything anew.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::index::{Changed, UID};
use super::record::Row;
use super::{Catalog, CatalogError, Change, EntityFilter, Index, Operation, store};
use crate::entity::Entity;
use crate::permission::Credentials;

/// Changes that are read from the log at once.
const BATCH: i64 = 100;
/// How long a reader may leave what is there.
const PATIENCE: Duration = Duration::from_secs(30);
/// After the database failed.
const RETRY: Duration = Duration::from_secs(2);

/// What somebody who follows is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FeedEvent {
    /// Something changed.
    Change(Box<Change>),
    /// What is between the place asked for and now is not known any more: read everything, then follow from here. The
    /// last event.
    Reload(i64),
    /// The reader took too long; it may follow on from the last change it saw. The last event.
    Slow(i64),
}

/// Where to begin, and what to tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Following {
    /// The last change that is known; without, what is now.
    pub(crate) after: Option<i64>,
    /// Only changes of entities that are meant, or were before the change.
    pub(crate) filter: EntityFilter,
}

impl Catalog {
    /// Every change from a place on, in order, for as long as somebody listens.
    pub(crate) fn feed(&self, who: &Credentials, following: Following) -> impl Stream<Item = FeedEvent> + use<> {
        self.feed_with(who, following, PATIENCE)
    }

    pub(super) fn feed_with(
        &self,
        _who: &Credentials,
        following: Following,
        patience: Duration,
    ) -> impl Stream<Item = FeedEvent> + use<> {
        let now = self.index().sequence;
        let reader = Reader {
            is_checked: following.after.is_none(),
            at: following.after.unwrap_or(now),
            advanced: self.watch(),
            filter: following.filter,
            waiting: VecDeque::new(),
            taken: Instant::now(),
            is_over: false,
            patience,
            catalog: self.clone(),
        };
        stream::unfold(reader, |mut reader| async move {
            let event = reader.next().await?;
            reader.taken = Instant::now();
            Some((event, reader))
        })
    }
}

struct Reader {
    catalog: Catalog,
    advanced: watch::Receiver<i64>,
    filter: EntityFilter,
    /// The last change that was told, or passed over.
    at: i64,
    waiting: VecDeque<Change>,
    /// Whether the log is known to reach back to the place.
    is_checked: bool,
    /// When the reader took the last event.
    taken: Instant,
    patience: Duration,
    is_over: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<FeedEvent> {
        if self.is_over {
            return None;
        }
        if self.taken.elapsed() > self.patience {
            return Some(self.end(FeedEvent::Slow(self.at)));
        }
        loop {
            match self.step().await {
                Ok(Step::Event(event)) => return Some(event),
                Ok(Step::On) => {}
                Ok(Step::Stop) => return None,
                Err(error) => {
                    tracing::debug!(%error, "the change log cannot be read; those who follow it wait");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Step, CatalogError> {
        if !self.is_checked {
            if let Some(newest) = self.catalog.lost(self.at).await? {
                return Ok(Step::Event(self.end(FeedEvent::Reload(newest))));
            }
            self.is_checked = true;
        }
        if let Some(change) = self.waiting.front() {
            let is_meant = self.is_meant(change).await?;
            self.at = change.sequence;
            let change = self.waiting.pop_front().filter(|_| is_meant);
            return Ok(change.map_or(Step::On, |change| Step::Event(FeedEvent::Change(Box::new(change)))));
        }
        let newest = *self.advanced.borrow_and_update();
        if newest <= self.at {
            return Ok(if self.advanced.changed().await.is_ok() { Step::On } else { Step::Stop });
        }
        // Only what is visible in the index: who asks for the entity after the event sees it.
        self.waiting = store::changes_after(&self.catalog.inner.pool, self.at, newest, BATCH).await?.into();
        if self.waiting.is_empty() {
            self.at = newest;
        }
        Ok(Step::On)
    }

    fn end(&mut self, event: FeedEvent) -> FeedEvent {
        self.is_over = true;
        event
    }

    /// Whether the entity is meant as it is now, as the change left it, or as it was before.
    async fn is_meant(&self, change: &Change) -> Result<bool, CatalogError> {
        if self.filter == EntityFilter::default() {
            return Ok(true);
        }
        let own = EntityFilter::In(UID.to_owned(), vec![change.uid.to_string()]);
        if !own.and(self.filter.clone()).select(&self.catalog.index()).is_empty() {
            return Ok(true);
        }
        if change.document.as_ref().is_some_and(|document| self.means(change, document)) {
            return Ok(true);
        }
        if change.operation == Operation::Insert {
            return Ok(false);
        }
        let before = store::document_before(&self.catalog.inner.pool, &change.reference, change.sequence).await?;
        Ok(before.is_some_and(|document| self.means(change, &document)))
    }

    /// Whether a document alone is meant.
    fn means(&self, change: &Change, document: &serde_json::Value) -> bool {
        let Ok(entity) = serde_json::from_value::<Entity>(document.clone()) else {
            return false;
        };
        let row = Row::alone(change.uid, &change.source, &entity);
        let mut index = Index::default();
        index.apply(vec![Changed { reference: change.reference.as_str().into(), row: Some(row) }]);
        !self.filter.select(&index).is_empty()
    }
}

enum Step {
    Event(FeedEvent),
    On,
    Stop,
}

impl Catalog {
    /// The newest change, if those after a place are not all known: removed since, or never made here.
    async fn lost(&self, after: i64) -> Result<Option<i64>, CatalogError> {
        let (floor, last) = store::extent(&self.inner.pool).await?;
        let newest = last.unwrap_or_default().max(self.index().sequence);
        let is_known = (floor.unwrap_or(newest)..=newest).contains(&after);
        Ok((!is_known).then_some(newest))
    }
}

#[cfg(test)]
impl Catalog {
    /// Forgets every change before one, as time does.
    pub(crate) async fn forget_changes_before(&self, sequence: i64) {
        store::forget_before(&self.inner.pool, sequence).await.unwrap();
    }
}
