//! The index of what is being written, made while the database writes it.
//!
//! Whoever holds the lock of the catalog's writers knows what comes next: nothing of others comes between the newest
//! change and what is written now. So what a reading brings is taken into a copy of the index beside the writing, and
//! shown once that is committed, instead of being read back from the log. What is not shown is found there all the same.

use std::ops::RangeInclusive;

use sqlx::PgConnection;
use tokio::sync::MutexGuard;
use tokio::task::JoinHandle;

use super::index::{Changed, Index};
use super::{Catalog, CatalogError, known, store};

/// For so many changes it is worth it; more of them would lie in memory twice for long.
const WORTH_IT: RangeInclusive<usize> = 50..=20_000;

/// An index that is ahead of the database. While there is one, nobody else moves the index forward.
pub(super) struct Ahead<'c> {
    catalog: &'c Catalog,
    making: JoinHandle<Result<Index, sqlx::Error>>,
    /// The last of the changes, once they are written.
    sequence: Option<i64>,
    _advancing: MutexGuard<'c, ()>,
}

impl Catalog {
    /// Begins to take in what is about to be written, where that is worth it. To be called under the writers' lock, with
    /// its transaction, and before anything is logged in that.
    pub(super) async fn look_ahead<'c>(
        &'c self,
        db: &mut PgConnection,
        source: &str,
        writes: &[store::Write<'_>],
    ) -> Result<Option<Ahead<'c>>, CatalogError> {
        if !WORTH_IT.contains(&writes.len()) {
            return Ok(None);
        }
        let advancing = self.inner.advancing.lock().await;
        self.advance_by(&advancing, db).await?;
        let index = known(&self.index()).await;
        let rows: Vec<store::EntityRow> = writes.iter().map(|write| write.row(source)).collect();
        let making = tokio::task::spawn_blocking(move || {
            let changed: Result<Vec<Changed>, sqlx::Error> = rows.into_iter().map(store::EntityRow::changed).collect();
            let mut index = index;
            index.apply(changed?);
            index.fields();
            Ok(index)
        });
        Ok(Some(Ahead { catalog: self, making, sequence: None, _advancing: advancing }))
    }
}

impl Ahead<'_> {
    /// Notes that everything is written and nothing else will be, in the same transaction.
    pub(super) async fn written(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.sequence = Some(store::last_change(db).await?);
        Ok(())
    }

    /// Shows what was written; after the commit.
    pub(super) async fn show(self) {
        let made = self.making.await.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()));
        match (made, self.sequence) {
            (Ok(mut index), Some(sequence)) => {
                index.sequence = sequence;
                self.catalog.publish(index);
            }
            (Err(error), _) => tracing::warn!(%error, "what is written cannot be shown before it is read back"),
            (Ok(_), None) => {}
        }
    }
}
