//! Keeping up with the catalog: the index is built a moment after the start, or as soon as somebody searches, and then
//! every change of the catalog is taken into it. Never on the way of a request.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::reading::Stock;
use super::{Search, aside, collate};
use crate::catalog::Index;

/// The start is over by then.
const BUILT_AFTER: Duration = Duration::from_millis(400);
/// Changes come in groups.
const GATHERED_FOR: Duration = Duration::from_millis(20);

impl Search {
    /// Keeps the index as the catalog is, until `shutdown`.
    pub(crate) async fn work(self, shutdown: CancellationToken) {
        tokio::select! {
            () = tokio::time::sleep(BUILT_AFTER) => {}
            () = self.inner.wanted.notified() => {}
            () = shutdown.cancelled() => return,
        }
        let mut changes = self.inner.catalog.watch();
        let mut known = Arc::new(Index::default());
        loop {
            changes.mark_unchanged();
            known = self.keep_up(known).await;
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = shutdown.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(GATHERED_FOR) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Takes in what the catalog has changed since an index that is known.
    async fn keep_up(&self, known: Arc<Index>) -> Arc<Index> {
        let index = self.inner.catalog.index();
        let _writing = self.inner.writing.lock().await;
        let before = self.inner.reading.load_full();
        let now = Arc::clone(&index);
        let reading = aside(move || {
            let changed = now.changed_since(&known);
            let names: Vec<&str> = changed.iter().map(|(reference, _)| &**reference).collect();
            let records = changed.iter().filter_map(|(_, record)| record.as_deref());
            (!names.is_empty()).then(|| before.replaced(Stock::Catalog, &names, records.map(collate::entity)))
        })
        .await;
        if let Some(reading) = reading {
            self.inner.reading.store(Arc::new(reading));
        }
        self.inner.known.send_replace(Some(index.sequence()));
        index
    }
}
