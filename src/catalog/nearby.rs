//! Forges in this process, such as the local one, tell of every change at once: what came from a repository that changed
//! is read again then, not only when its time comes.
//!
//! Many changes come together (a run makes a repository, commits to it and registers it), so they are gathered for a
//! moment, and for longer while looking is dear. What was read since the change is left alone. If changes are lost, the
//! schedule reads them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio_util::sync::CancellationToken;

use super::{Catalog, CatalogError, store};
use crate::forge::{FileLocation, Forge, RepositoryId};

/// How long changes are gathered at least.
const SETTLING: Duration = Duration::from_millis(50);
/// Looking takes at most one part of so many of the time.
const SHARE: u32 = 10;
/// Sources that are read at the same time.
const AT_ONCE: usize = 8;

/// Repositories that changed, and when that was noticed last.
type Changed = BTreeMap<RepositoryId, DateTime<Utc>>;

impl Catalog {
    /// Follows the forges of this process until `shutdown`.
    pub(super) async fn follow_forges(self, shutdown: CancellationToken) {
        let follow = |forge: &Arc<dyn Forge>| {
            let (catalog, forge) = (self.clone(), Arc::clone(forge));
            async move {
                if let Some(changes) = forge.follow() {
                    catalog.follow_forge(&*forge, changes).await;
                }
            }
        };
        let followed = join_all(self.reader().forges().iter().map(follow));
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = followed => shutdown.cancelled().await,
        }
    }

    async fn follow_forge(&self, forge: &dyn Forge, mut changes: broadcast::Receiver<RepositoryId>) {
        let mut pause = SETTLING;
        loop {
            let mut changed = Changed::new();
            match changes.recv().await {
                Ok(repository) => _ = changed.insert(repository, Utc::now()),
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            }
            tokio::time::sleep(pause).await;
            loop {
                match changes.try_recv() {
                    // A source must be newer than the last change to be left alone.
                    Ok(repository) => _ = changed.insert(repository, Utc::now()),
                    Err(TryRecvError::Lagged(_)) => {}
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            let started = Instant::now();
            if let Err(error) = self.read_changed(forge, &changed).await {
                tracing::warn!(%error, host = forge.host(), "cannot read what changed; the schedule will");
            }
            pause = SETTLING.max(started.elapsed() * SHARE);
        }
    }

    /// Reads the sources that lead to files of the repositories, unless they were read since.
    async fn read_changed(&self, forge: &dyn Forge, changed: &Changed) -> Result<(), CatalogError> {
        let pool = &self.inner.pool;
        let Some(since) = changed.values().max() else { return Ok(()) };
        let prefixes: Vec<String> = changed.keys().map(|repository| prefix(forge, repository)).collect();
        let leading: HashSet<String> =
            store::leading_below(pool, &prefixes).await?.into_iter().map(|(source, _)| source).collect();
        if leading.is_empty() {
            return Ok(());
        }
        let leading: Vec<String> = leading.into_iter().collect();
        let stale = store::read_before(pool, &leading, *since).await?;
        let read = stream::iter(stale).map(|source| {
            let catalog = self.clone();
            async move { catalog.read_source_anew(&source).await }
        });
        read.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
    }
}

/// What the references of all files of a repository begin with.
fn prefix(forge: &dyn Forge, repository: &RepositoryId) -> String {
    let root = forge.canonical_url(&FileLocation::tree(repository.clone(), "HEAD", ""));
    let root = root.as_str().split_once("/tree/HEAD").map_or(root.as_str(), |(root, _)| root);
    format!("url:{root}/")
}
