//! What of a service is on the clusters: workloads with their pods, and what is wrong with them.
//!
//! Read from the pictures of the clusters. An object belongs to a service by its labels; pods and replica sets belong to
//! the workload that controls them, whatever their labels say.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ties::ObjectsWanted;
use crate::cluster::{
    Advice, Cluster, ClusterError, Clusters, Detail, Picture, Selector, Thing, ThingKind, WatchState, advice, is_about,
};

/// Warnings that are shown of one cluster.
const WARNINGS: usize = 20;

/// What of a service is on one cluster.
#[derive(Debug)]
pub(crate) struct OnCluster {
    /// Which cluster.
    pub(crate) cluster: Cluster,
    /// Why what is shown may be old.
    pub(crate) trouble: Option<(ClusterError, DateTime<Utc>)>,
    /// Whether the first list is still under way.
    pub(crate) is_connecting: bool,
    /// What keeps pods.
    pub(crate) workloads: Vec<WorkloadTree>,
    /// Services, ingresses and autoscalers.
    pub(crate) others: Vec<Arc<Thing>>,
    /// Warnings about any of it, newest first.
    pub(crate) warnings: Vec<Arc<Thing>>,
}

/// A workload with its pods.
#[derive(Debug)]
pub(crate) struct WorkloadTree {
    /// A deployment, stateful set, daemon set, job, cron job, or a pod by itself.
    pub(crate) workload: Arc<Thing>,
    /// What is wrong with it or with one of its pods, without repetition.
    pub(crate) advice: Vec<Advice>,
    /// Its pods, newest first.
    pub(crate) pods: Vec<Arc<Thing>>,
}

/// What of a service is on every cluster.
pub(crate) fn on_clusters(clusters: &Clusters, wanted: &ObjectsWanted) -> Vec<OnCluster> {
    let mut all = clusters.all();
    all.retain(|cluster| wanted.cluster.as_deref().is_none_or(|name| name == cluster.name()));
    let found = all.into_iter().map(|cluster| on_cluster(cluster, wanted));
    found.filter(|one| !one.workloads.is_empty() || !one.others.is_empty() || one.trouble.is_some()).collect()
}

fn on_cluster(cluster: Cluster, wanted: &ObjectsWanted) -> OnCluster {
    let ObjectsWanted { selector, namespace, .. } = wanted;
    let picture = cluster.picture();
    let select = |kind| picture.select(kind, namespace.as_deref(), |thing: &Thing| selector.matches(thing));
    let keepers =
        [ThingKind::Deployment, ThingKind::StatefulSet, ThingKind::DaemonSet, ThingKind::Job, ThingKind::CronJob];
    let mut keepers: Vec<Arc<Thing>> = keepers.into_iter().flat_map(select).collect();
    // A job of a cron job stands with it.
    keepers.retain(|keeper| keeper.kind != ThingKind::Job || keeper.owner.is_none());
    let mut pods = Pods::of(picture, namespace.as_deref(), selector, &keepers);
    let alone = std::mem::take(&mut pods.alone);
    let events = events(picture, namespace.as_deref(), keepers.iter().chain(pods.all()).chain(&alone));
    let mut warnings = Vec::new();
    let mut workloads: Vec<WorkloadTree> =
        keepers.into_iter().chain(alone).map(|workload| tree(workload, &mut pods, &events, &mut warnings)).collect();
    workloads.sort_by(|a, b| {
        (a.advice.is_empty(), &a.workload.namespace, &a.workload.name).cmp(&(
            b.advice.is_empty(),
            &b.workload.namespace,
            &b.workload.name,
        ))
    });
    let others = [ThingKind::Service, ThingKind::Ingress, ThingKind::HorizontalPodAutoscaler];
    warnings.sort_by_key(|event: &Arc<Thing>| std::cmp::Reverse(when(event)));
    warnings.dedup_by(|a, b| a.uid == b.uid);
    warnings.truncate(WARNINGS);
    OnCluster {
        trouble: picture.trouble(),
        is_connecting: picture.state(ThingKind::Pod) == WatchState::Connecting,
        others: others.into_iter().flat_map(select).collect(),
        workloads,
        warnings,
        cluster,
    }
}

/// The warnings about some things, newest first. Of thousands on a cluster a few are.
fn events<'a>(
    picture: &Picture,
    namespace: Option<&str>,
    things: impl Iterator<Item = &'a Arc<Thing>>,
) -> Vec<Arc<Thing>> {
    let about: HashSet<(&str, &str)> = things.map(|thing| (&*thing.namespace, &*thing.name)).collect();
    let is_meant = |event: &Thing| match &event.detail {
        Detail::Event { about_name, .. } => about.contains(&(&*event.namespace, &**about_name)),
        _ => false,
    };
    let mut events = picture.select(ThingKind::Event, namespace, is_meant);
    events.sort_by_key(|event| std::cmp::Reverse(when(event)));
    events
}

fn tree(workload: Arc<Thing>, pods: &mut Pods, events: &[Arc<Thing>], warnings: &mut Vec<Arc<Thing>>) -> WorkloadTree {
    let is_pod = workload.kind == ThingKind::Pod;
    let mut own = if is_pod { vec![Arc::clone(&workload)] } else { pods.of_keeper(&workload) };
    own.sort_by_key(|pod| std::cmp::Reverse(pod.created));
    let mut all = Vec::new();
    for thing in own.iter().chain((!is_pod).then_some(&workload)) {
        let about: Vec<&Arc<Thing>> = events.iter().filter(|event| is_about(event, thing)).collect();
        let told: Vec<&Thing> = about.iter().map(|event| &***event).collect();
        all.extend(advice(thing, &told));
        warnings.extend(about.into_iter().cloned());
    }
    all.sort();
    // Ten pods with one trouble have one trouble.
    all.dedup_by(|a, b| a.reason == b.reason);
    WorkloadTree { workload, advice: all, pods: own }
}

fn when(event: &Thing) -> Option<DateTime<Utc>> {
    match &event.detail {
        Detail::Event { last, .. } => last.or(event.created),
        _ => None,
    }
}

/// Pods by the workload that keeps them, over replica sets and jobs.
struct Pods {
    by_keeper: HashMap<Box<str>, Vec<Arc<Thing>>>,
    alone: Vec<Arc<Thing>>,
}

impl Pods {
    /// Those of some workloads, and those that nothing keeps. What belongs to other services is passed over.
    fn of(picture: &Picture, namespace: Option<&str>, selector: &Selector, keepers: &[Arc<Thing>]) -> Self {
        let mut keeper_of: HashMap<Box<str>, Box<str>> =
            keepers.iter().map(|keeper| (keeper.uid.clone(), keeper.uid.clone())).collect();
        let between: Vec<Arc<Thing>> = [ThingKind::ReplicaSet, ThingKind::Job]
            .into_iter()
            .flat_map(|kind| {
                let is_kept = |thing: &Thing| thing.owner.as_ref().is_some_and(|owner| keeper_of.contains_key(owner));
                picture.select(kind, namespace, is_kept)
            })
            .collect();
        keeper_of.extend(between.iter().filter_map(|thing| Some((thing.uid.clone(), thing.owner.clone()?))));
        let is_own = |pod: &Thing| match &pod.owner {
            Some(owner) => keeper_of.contains_key(owner),
            None => selector.matches(pod),
        };
        let mut pods = Self { by_keeper: HashMap::new(), alone: Vec::new() };
        for pod in picture.select(ThingKind::Pod, namespace, is_own) {
            match pod.owner.as_ref().and_then(|owner| keeper_of.get(owner)) {
                Some(keeper) => pods.by_keeper.entry(keeper.clone()).or_default().push(pod),
                None => pods.alone.push(pod),
            }
        }
        pods
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Thing>> {
        self.by_keeper.values().flatten()
    }

    fn of_keeper(&mut self, workload: &Thing) -> Vec<Arc<Thing>> {
        self.by_keeper.remove(&workload.uid).unwrap_or_default()
    }
}
