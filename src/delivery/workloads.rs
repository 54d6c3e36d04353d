//! What of a service is on the clusters: workloads with their pods, and what is wrong with them.
//!
//! Read from the pictures of the clusters. An object belongs to a service by its labels; pods and replica sets belong to
//! the workload that controls them, whatever their labels say.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ties::ObjectsWanted;
use crate::cluster::{
    Advice, Cluster, ClusterError, Clusters, Detail, Selector, Thing, ThingKind, WatchState, advice, is_about,
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
    let pods = Pods::of(&cluster, namespace.as_deref(), selector);
    let keepers =
        [ThingKind::Deployment, ThingKind::StatefulSet, ThingKind::DaemonSet, ThingKind::Job, ThingKind::CronJob];
    let mut events: Vec<Arc<Thing>> = picture.select(ThingKind::Event, namespace.as_deref(), |_| true);
    events.sort_by_key(|event| std::cmp::Reverse(when(event)));
    let mut workloads = Vec::new();
    let mut warnings = Vec::new();
    for kind in keepers {
        for workload in select(kind) {
            // A job of a cron job stands with it.
            if kind == ThingKind::Job && workload.owner.is_some() {
                continue;
            }
            workloads.push(tree(workload, &pods, &events, &mut warnings));
        }
    }
    for pod in pods.alone() {
        workloads.push(tree(pod, &pods, &events, &mut warnings));
    }
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

fn tree(workload: Arc<Thing>, pods: &Pods, events: &[Arc<Thing>], warnings: &mut Vec<Arc<Thing>>) -> WorkloadTree {
    let mut own =
        if workload.kind == ThingKind::Pod { vec![Arc::clone(&workload)] } else { pods.controlled_by(&workload) };
    own.sort_by_key(|pod| std::cmp::Reverse(pod.created));
    let mut all = Vec::new();
    let is_pod = workload.kind == ThingKind::Pod;
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

/// Pods by who controls them, over replica sets and jobs.
struct Pods {
    by_controller: BTreeMap<Box<str>, Vec<Arc<Thing>>>,
    alone: Vec<Arc<Thing>>,
}

impl Pods {
    fn of(cluster: &Cluster, namespace: Option<&str>, selector: &Selector) -> Self {
        let picture = cluster.picture();
        let between: BTreeMap<Box<str>, Box<str>> = [ThingKind::ReplicaSet, ThingKind::Job]
            .into_iter()
            .flat_map(|kind| picture.select(kind, namespace, |thing| thing.owner.is_some()))
            .filter_map(|thing| Some((thing.uid.clone(), thing.owner.clone()?)))
            .collect();
        let mut pods = Self { by_controller: BTreeMap::new(), alone: Vec::new() };
        for pod in picture.select(ThingKind::Pod, namespace, |_| true) {
            match &pod.owner {
                Some(owner) => {
                    let controller = between.get(owner).unwrap_or(owner).clone();
                    pods.by_controller.entry(controller).or_default().push(pod);
                }
                None if selector.matches(&pod) => pods.alone.push(pod),
                None => {}
            }
        }
        pods
    }

    fn controlled_by(&self, workload: &Thing) -> Vec<Arc<Thing>> {
        self.by_controller.get(&workload.uid).cloned().unwrap_or_default()
    }

    fn alone(&self) -> Vec<Arc<Thing>> {
        self.alone.clone()
    }
}
