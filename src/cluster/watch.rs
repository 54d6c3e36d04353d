//! The watches of a cluster: one for each kind, for the whole portal.
//!
//! Each is a list and then a stream of changes, which kube takes up again where the server ended it. After an error it
//! begins anew with a list, later each time it fails: only a complete list says that nothing was missed. A kind that the
//! cluster does not know is looked for again now and then.
//!
//! Every object is read without what nobody keeps (`lean`) and trimmed as it comes (`object`), so a list costs what a page
//! of it weighs; and of one cluster a few kinds at a time are listed.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use kube::Api;
use kube::runtime::watcher::{self, Event};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lean::Lean;
use super::object::{Thing, ThingKind};
use super::{Cluster, ClusterError, WatchState};

/// Objects of one page of a list.
const PAGE: u32 = 100;
/// Kinds of one cluster that are listed at the same time.
pub(super) const LISTS_AT_ONCE: usize = 3;
/// How soon a watch begins again after an error, and at the latest; a kind that the cluster did not know as well.
const SOONEST: Duration = Duration::from_millis(500);
const LATEST: Duration = Duration::from_secs(30);
/// What an API server answers to a place in the past that it no longer knows.
const GONE: u16 = 410;

impl Cluster {
    /// Follows every kind until `shutdown`, or until the cluster is no longer wanted.
    pub(crate) fn watch(&self, tasks: &TaskTracker, shutdown: &CancellationToken) {
        for kind in ThingKind::ALL {
            let (cluster, shutdown) = (self.clone(), shutdown.clone());
            tasks.spawn(async move {
                let closed = cluster.picture().closed().clone();
                tokio::select! {
                    () = cluster.follow(kind) => {}
                    () = shutdown.cancelled() => {}
                    () = closed.cancelled() => {}
                }
            });
        }
    }

    async fn follow(&self, kind: ThingKind) {
        let client = match self.client() {
            Ok(client) => client,
            Err(error) => return self.broken(kind, error),
        };
        let resource = kind.resource();
        let mut config = watcher::Config::default().page_size(PAGE);
        if let Some(fields) = kind.field_selector() {
            config = config.fields(fields);
        }
        let mut pause = SOONEST;
        loop {
            let mut turn = self.0.listing.acquire().await.ok();
            let api: Api<Lean> = Api::all_with(client.clone(), &resource);
            let mut changes = watcher::watcher(api, config.clone()).boxed();
            let error = loop {
                match changes.try_next().await {
                    Ok(Some(event)) => {
                        if matches!(event, Event::InitDone) {
                            pause = SOONEST;
                            turn = None;
                        }
                        self.seen(kind, event);
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            drop(turn);
            match error {
                Some(error) if is_absent(&error) => {
                    self.picture().tell(kind, WatchState::Absent);
                    pause = LATEST;
                }
                // The server has forgotten the place where the watch broke off: nothing is wrong with it.
                Some(watcher::Error::WatchError(status)) if status.code == GONE => continue,
                Some(error) => self.broken(kind, self.reason(kind, &error)),
                None => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LATEST);
        }
    }

    fn seen(&self, kind: ThingKind, event: Event<Lean>) {
        let picture = self.picture();
        match event {
            Event::Init => picture.begin(kind),
            Event::InitApply(object) => picture.list(Thing::of(kind, object.0)),
            Event::InitDone => {
                picture.complete(kind);
                tracing::debug!(
                    cluster = self.name(),
                    kind = kind.name(),
                    count = picture.count(kind),
                    "follows a kind"
                );
            }
            Event::Apply(object) => picture.put(Thing::of(kind, object.0)),
            Event::Delete(object) => picture.remove(&Thing::of(kind, object.0)),
        }
    }

    fn broken(&self, kind: ThingKind, error: ClusterError) {
        let since = if let WatchState::Broken { since, .. } = self.picture().state(kind) {
            since
        } else {
            tracing::warn!(cluster = self.name(), kind = kind.name(), %error, "a cluster cannot be followed");
            chrono::Utc::now()
        };
        self.picture().tell(kind, WatchState::Broken { error, since });
    }

    fn reason(&self, kind: ThingKind, error: &watcher::Error) -> ClusterError {
        let told = |error: &kube::Error| ClusterError::of(self.name(), kind.resource().plural.as_str(), error);
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => told(error),
            watcher::Error::WatchError(status) => told(&kube::Error::Api(status.clone())),
            watcher::Error::NoResourceVersion => {
                let reason = format!("{} cannot be watched", kind.resource().plural);
                ClusterError::Failed { cluster: self.name().to_owned(), reason }
            }
        }
    }
}

/// Whether the server does not know the kind at all.
fn is_absent(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404)
}
