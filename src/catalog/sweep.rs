//! Old changes leave the log, in the background and a few at a time.
//!
//! The newest change of an entity that is there stays, so an index that follows the log misses nothing by what is
//! swept. Only the end of an entity may be swept although nothing newer tells of it; how far that went is noted in the
//! same transaction, and an index that is older than that loads everything anew (see `Catalog::advance`).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{Catalog, CatalogError, store};

/// Rows of one transaction.
const BATCH: i64 = 1000;
/// Time between two rounds, and between two batches of one.
const ROUND: Duration = Duration::from_hours(1);
const BREATH: Duration = Duration::from_millis(100);

impl Catalog {
    /// Removes changes when they are too old, until told to stop.
    pub(super) async fn sweep_forever(self, shutdown: CancellationToken) {
        let Some(retention) = self.inner.config.history.retention else {
            return;
        };
        // A length that reaches back beyond the calendar keeps everything.
        let Ok(retention) = TimeDelta::from_std(retention.0) else {
            return;
        };
        loop {
            let pause = match Utc::now().checked_sub_signed(retention) {
                Some(border) => self.sweep_batch(border).await.map_or(ROUND, |removed| match removed {
                    removed if removed < BATCH.unsigned_abs() => ROUND,
                    _ => BREATH,
                }),
                None => ROUND,
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Removes some changes that are older; gives how many.
    pub(super) async fn sweep_batch(&self, border: DateTime<Utc>) -> Result<u64, CatalogError> {
        let removed = store::sweep(&self.inner.pool, border, BATCH).await;
        if let Err(error) = &removed {
            tracing::warn!(%error, "cannot sweep the catalog's change log");
        }
        Ok(removed?)
    }
}
