//! Clusters: the Kubernetes API servers that services run on.
//!
//! [`Clusters`] knows each one by name: those of the configuration (`config`) and those that a catalog told
//! ([`Clusters::learn`]). A [`Cluster`] is asked and changed through its API server (`apply`, `live`), and followed by
//! one watch for each kind (`watch`) whose trimmed objects stand in its [`Picture`]: pages read that, never the server. Only
//! what pods use cannot be watched (`usage`).
//!
//! Invariants: one cluster that is away delays nobody but those who ask it; every call has a time limit; tokens stand in
//! no message. What a cluster refuses is a sentence that says what to change where (`error`).

mod access;
mod application;
mod apply;
mod config;
mod diagnosis;
mod difference;
mod error;
mod lean;
mod live;
mod manifest;
mod object;
mod picture;
mod quantity;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod usage;
mod watch;
mod word;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use kube::Client;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use kube::discovery::{ApiCapabilities, Discovery, Scope};

pub(crate) use self::access::Origin;
pub(crate) use self::apply::{Applied, Change, ObjectId, Options, Rehearsed, Remark};
pub(crate) use self::config::{ClusterConfig, CustomResource, KubernetesConfig, Locator};
pub(crate) use self::diagnosis::{Advice, advice, is_about};
pub(crate) use self::error::ClusterError;
pub(crate) use self::live::{LogLine, LogLines, LogWanted};
pub(crate) use self::manifest::{Manifest, read as manifests};
pub(crate) use self::object::{Container, ContainerState, Detail, Pod, Thing, ThingKind};
pub(crate) use self::picture::{Picture, Selector, SelectorError, WatchState};
pub(crate) use self::usage::{Amount, Usage};

/// How long an API server may take to answer.
const LIMIT: Duration = Duration::from_secs(15);
/// How long the kinds of a cluster are taken for true; a kind that is not among them is looked for at once.
const KINDS_AGE: Duration = Duration::from_mins(5);
/// Who the portal is to API servers, as a field manager.
pub(crate) const MANAGER: &str = "greenroom";

/// Every cluster. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Clusters(Arc<Known>);

#[derive(Default)]
struct Known {
    configured: Vec<Cluster>,
    learnt: ArcSwap<Vec<Cluster>>,
    from_catalog: bool,
    custom: Vec<CustomResource>,
}

/// One cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Inner>);

struct Inner {
    facts: ClusterFacts,
    client: Result<Client, ClusterError>,
    kinds: tokio::sync::Mutex<Option<(Instant, Arc<Discovery>)>>,
    custom: Vec<CustomResource>,
    picture: Picture,
    usages: usage::Usages,
    /// Whose turn it is to be listed.
    listing: tokio::sync::Semaphore,
}

/// What is told about a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterFacts {
    /// What environments, annotations and pages call it.
    pub(crate) name: String,
    /// What people read.
    pub(crate) title: Option<String>,
    /// The address of its API server.
    pub(crate) url: String,
    /// A dashboard.
    pub(crate) dashboard: Option<String>,
    /// How the portal signs in, in Backstage's words.
    pub(crate) auth_provider: String,
    /// Whether what pods use is not asked for.
    pub(crate) skip_metrics: bool,
    /// Where it was named.
    pub(crate) origin: Origin,
}

impl Clusters {
    /// Those of the configuration. A cluster that cannot be used is kept, with its reason.
    pub(crate) async fn open(config: &KubernetesConfig) -> Self {
        let custom = &config.custom_resources;
        let mut configured: Vec<Cluster> = Vec::new();
        for locator in &config.cluster_locator_methods {
            for found in access::located(locator).await {
                if configured.iter().any(|one| one.name() == found.facts.name) {
                    tracing::warn!(cluster = found.facts.name, "a cluster is configured twice; the first one is used");
                } else {
                    configured.push(Cluster::new(found, custom));
                }
            }
        }
        let methods = &config.cluster_locator_methods;
        let from_catalog = methods.iter().any(|method| matches!(method, Locator::Catalog {}));
        Self(Arc::new(Known { configured, learnt: ArcSwap::default(), from_catalog, custom: custom.clone() }))
    }

    /// Whether the catalog may name clusters.
    pub(crate) fn are_in_catalog(&self) -> bool {
        self.0.from_catalog
    }

    /// Replaces the clusters that the catalog names; those that are as they were are kept with what they know.
    /// Answers those that are new, for [`Cluster::watch`].
    pub(crate) async fn learn(&self, wanted: Vec<ClusterConfig>) -> Vec<Cluster> {
        let before = self.0.learnt.load_full();
        let (mut now, mut new) = (Vec::new(), Vec::new());
        for config in wanted {
            let name_is_taken = |list: &[Cluster]| list.iter().any(|one| one.name() == config.name);
            if name_is_taken(&self.0.configured) || name_is_taken(&now) {
                continue;
            }
            let origin = Origin::Catalog;
            let same = before.iter().find(|one| one.name() == config.name && one.facts().url == config.url);
            if let Some(same) = same {
                now.push(same.clone());
                continue;
            }
            let cluster = Cluster::new(access::written(&config, origin).await, &self.0.custom);
            new.push(cluster.clone());
            now.push(cluster);
        }
        for gone in before.iter().filter(|one| !now.iter().any(|kept| kept.name() == one.name())) {
            gone.picture().close();
        }
        self.0.learnt.store(Arc::new(now));
        new
    }

    /// All of them: the configured ones first.
    pub(crate) fn all(&self) -> Vec<Cluster> {
        self.0.configured.iter().cloned().chain(self.0.learnt.load().iter().cloned()).collect()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.configured.is_empty() && self.0.learnt.load().is_empty()
    }

    /// One by name.
    pub(crate) fn get(&self, name: &str) -> Result<Cluster, ClusterError> {
        self.find(name).ok_or_else(|| {
            let names: Vec<String> = self.all().iter().map(|one| format!("`{}`", one.name())).collect();
            let known =
                if names.is_empty() { "there is none".into() } else { format!("there are {}", names.join(", ")) };
            ClusterError::Unknown { name: name.to_owned(), known }
        })
    }

    /// One by name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<Cluster> {
        let learnt = self.0.learnt.load();
        self.0.configured.iter().chain(learnt.iter()).find(|one| one.name() == name).cloned()
    }

    /// A number that grows with everything that is seen to change on any cluster.
    pub(crate) fn revision(&self) -> u64 {
        self.all().iter().map(|cluster| cluster.picture().revision()).sum()
    }
}

impl Cluster {
    fn new(found: access::Found, custom: &[CustomResource]) -> Self {
        let mut kinds = found.custom;
        kinds.extend(custom.iter().filter(|one| !kinds.contains(one)).cloned().collect::<Vec<_>>());
        Self(Arc::new(Inner {
            facts: found.facts,
            client: found.client,
            kinds: tokio::sync::Mutex::default(),
            custom: kinds,
            picture: Picture::default(),
            usages: usage::Usages::default(),
            listing: tokio::sync::Semaphore::new(watch::LISTS_AT_ONCE),
        }))
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.0.facts.name
    }

    /// What is told about it.
    pub(crate) fn facts(&self) -> &ClusterFacts {
        &self.0.facts
    }

    /// What people read.
    pub(crate) fn title(&self) -> &str {
        self.0.facts.title.as_deref().unwrap_or(&self.0.facts.name)
    }

    /// What its watches have seen.
    pub(crate) fn picture(&self) -> &Picture {
        &self.0.picture
    }

    /// Kinds of other groups that are shown.
    pub(crate) fn custom_resources(&self) -> &[CustomResource] {
        &self.0.custom
    }

    fn client(&self) -> Result<Client, ClusterError> {
        self.0.client.clone()
    }

    /// Waits for an answer about `object`, not longer than the limit.
    async fn answer<T>(
        &self,
        object: &str,
        work: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, ClusterError> {
        let answer = match tokio::time::timeout(LIMIT, work).await {
            Ok(answer) => answer.map_err(|error| ClusterError::of(self.name(), object, &error)),
            Err(_) => Err(ClusterError::late(self.name(), LIMIT)),
        };
        let outcome = if answer.is_ok() { "ok" } else { "error" };
        metrics::counter!("greenroom_cluster_requests_total", "cluster" => self.name().to_owned(), "outcome" => outcome)
            .increment(1);
        answer
    }

    /// The version of its API server: `v1.33.1`.
    pub(crate) async fn version(&self) -> Result<String, ClusterError> {
        let client = self.client()?;
        Ok(self.answer("", client.apiserver_version()).await?.git_version)
    }

    /// How a kind is asked for, and whether its objects are in namespaces.
    async fn kind(&self, api_version: &str, kind: &str) -> Result<(ApiResource, bool), ClusterError> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let wanted = GroupVersionKind::gvk(group, version, kind);
        let namespaced = |(resource, capabilities): (ApiResource, ApiCapabilities)| {
            (resource, capabilities.scope == Scope::Namespaced)
        };
        for fresh in [false, true] {
            if let Some(found) = self.kinds(fresh).await?.resolve_gvk(&wanted) {
                return Ok(namespaced(found));
            }
        }
        Err(ClusterError::UnknownKind {
            cluster: self.name().to_owned(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        })
    }

    /// The kinds the server knows; asked once by however many want to know.
    async fn kinds(&self, fresh: bool) -> Result<Arc<Discovery>, ClusterError> {
        let client = self.client()?;
        let asked = Instant::now();
        let mut kinds = self.0.kinds.lock().await;
        if let Some((read, known)) = &*kinds {
            // What somebody else read while this one waited is fresh enough.
            if *read > asked || (!fresh && read.elapsed() < KINDS_AGE) {
                return Ok(Arc::clone(known));
            }
        }
        let found = match self.answer("", Discovery::new(client.clone()).run_aggregated()).await {
            Ok(found) => found,
            // A server older than 1.30 lists its kinds group by group.
            Err(ClusterError::Failed { .. } | ClusterError::Invalid { .. } | ClusterError::NotFound { .. }) => {
                self.answer("", Discovery::new(client).run()).await?
            }
            Err(error) => return Err(error),
        };
        let found = Arc::new(found);
        *kinds = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("facts", &self.0.facts).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Clusters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}
