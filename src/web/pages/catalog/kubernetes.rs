//! The Kubernetes tab: the workloads of a component on every cluster, what is wrong with them and what to do next.
//!
//! Read from what the watches saw. Logs, restarting and scaling ask the cluster, and only for workloads that are known to
//! be the component's: an annotation is a claim that anybody can write into a file of their own.

mod acts;
mod log;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use chrono::Utc;

use super::entity::Head;
use super::tab::Tab;
use crate::catalog::{Catalog, Record};
use crate::cluster::{Advice, Amount, Cluster, Container, ContainerState, Detail, Pod, Thing, ThingKind, Usage};
use crate::delivery::{self, Delivery, KUBERNETES_ID, OnCluster, Service, Trust, WorkloadTree};
use crate::entity::EntityRef;
use crate::forge::Forges;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::shown::{self, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Pods of one workload that are listed.
const PODS: usize = 50;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/catalog/{namespace}/{kind}/{name}/kubernetes", get(show))
        .route("/catalog/{namespace}/{kind}/{name}/kubernetes/logs/{cluster}/{space}/{pod}", get(log::show))
        .route("/catalog/{namespace}/{kind}/{name}/kubernetes/logs/{cluster}/{space}/{pod}/lines", get(log::follow))
        .route(
            "/catalog/{namespace}/{kind}/{name}/kubernetes/workloads/{cluster}/{space}/{sort}/{workload}/{act}",
            post(acts::order),
        )
}

/// What runs of a component.
#[derive(Template)]
#[template(path = "catalog/kubernetes/index.html")]
pub(super) struct KubernetesPage {
    chrome: Chrome,
    head: Head,
    /// Why nothing can be shown.
    problem: Option<String>,
    /// The annotation that is missing, with a value that would do.
    missing: Option<String>,
    clusters: Vec<ClusterView>,
    /// Names of clusters that have nothing of it.
    others: Vec<String>,
    now: String,
}

struct ClusterView {
    name: String,
    title: String,
    dashboard: Option<String>,
    away: Option<String>,
    is_connecting: bool,
    workloads: Vec<WorkloadView>,
    things: Vec<(&'static str, String, String)>,
    warnings: Vec<WarningView>,
}

struct WorkloadView {
    kind: &'static str,
    name: String,
    namespace: String,
    summary: String,
    hue: &'static str,
    images: Vec<String>,
    advice: Vec<Advice>,
    pods: Vec<PodView>,
    more_pods: usize,
    /// Whether the cluster tells what pods use.
    is_measured: bool,
    /// Where restarting and scaling post to, and how many pods are wanted; for owners.
    acts: Option<(String, Option<(String, u32)>)>,
}

struct PodView {
    name: String,
    hue: &'static str,
    word: String,
    node: String,
    created: Option<Moment>,
    restarts: u32,
    cpu: Option<Used>,
    memory: Option<Used>,
    containers: Vec<ContainerView>,
}

/// What a pod uses beside what it asked for: "100m" and "of 200m, at most 1".
struct Used {
    now: String,
    asked: String,
}

struct ContainerView {
    name: String,
    hue: &'static str,
    word: String,
    log: Option<String>,
}

struct WarningView {
    about: String,
    reason: String,
    message: String,
    count: u32,
    last: Option<Moment>,
}

/// What ties workloads to whoever looks.
struct Asker {
    service: Service,
    trust: Trust,
    is_owner: bool,
}

impl Asker {
    async fn new(
        catalog: &Catalog,
        delivery: &Delivery,
        forges: &Forges,
        viewer: &Viewer,
        record: &Record,
    ) -> Result<Self, Error> {
        let service = Service::of(forges, record);
        let trust = delivery.trust(catalog, &service, record).await.map_err(Error::internal)?;
        Ok(Self { service, trust, is_owner: record.is_owned_by(&viewer.credentials) })
    }

    /// Whether a namespace is known to be the service's, so that its pods may be looked into.
    fn is_trusted(&self, namespace: &str) -> bool {
        self.trust.holds(namespace)
    }

    /// Whether whoever looks may change what runs there.
    fn may_change(&self, namespace: &str) -> bool {
        self.is_owner && self.is_trusted(namespace)
    }
}

/// `GET …/kubernetes`
async fn show(tab: Tab, State(delivery): State<Delivery>, State(forges): State<Forges>) -> PageResult<KubernetesPage> {
    let chrome = tab.chrome();
    let Tab { catalog, viewer, record, head } = tab;
    let reference = record.reference.clone();
    let asker = Asker::new(&catalog, &delivery, &forges, &viewer, &record).await?;
    let (found, problem, missing) = match &asker.service.objects {
        None => (Vec::new(), None, Some(format!("{KUBERNETES_ID}: {}", reference.name()))),
        Some(Err(error)) => (Vec::new(), Some(error.to_string()), None),
        Some(Ok(wanted)) => (delivery::on_clusters(delivery.clusters(), wanted), None, None),
    };
    let others = delivery.clusters().all().into_iter().map(|cluster| cluster.title().to_owned());
    let shown: Vec<String> = found.iter().map(|one| one.cluster.title().to_owned()).collect();
    Ok(Page(KubernetesPage {
        chrome,
        others: others.filter(|title| !shown.contains(title)).collect(),
        clusters: found.iter().map(|one| ClusterView::new(&asker, &reference, one)).collect(),
        now: link::entity_tab(&reference, "kubernetes"),
        problem,
        missing,
        head,
    }))
}

impl ClusterView {
    fn new(asker: &Asker, reference: &EntityRef, on: &OnCluster) -> Self {
        let away = on.trouble.as_ref().map(|(error, since)| format!("{error} (since {})", Moment(*since).exact()));
        Self {
            name: on.cluster.name().to_owned(),
            title: on.cluster.title().to_owned(),
            dashboard: on.cluster.facts().dashboard.clone(),
            away,
            is_connecting: on.is_connecting,
            workloads: on.workloads.iter().map(|tree| WorkloadView::new(asker, reference, &on.cluster, tree)).collect(),
            things: on.others.iter().map(|thing| other(thing)).collect(),
            warnings: on.warnings.iter().filter_map(|event| WarningView::new(event)).collect(),
        }
    }
}

impl WorkloadView {
    fn new(asker: &Asker, reference: &EntityRef, cluster: &Cluster, tree: &WorkloadTree) -> Self {
        let WorkloadTree { workload, advice, pods } = tree;
        let (summary, well, replicas) = summary(workload, pods);
        let kind = workload.kind.name();
        let act = |act: &str| {
            link::entity_workload(reference, cluster.name(), &workload.namespace, kind, &workload.name, act)
        };
        let can_restart =
            matches!(workload.kind, ThingKind::Deployment | ThingKind::StatefulSet | ThingKind::DaemonSet);
        let acts = (can_restart && asker.may_change(&workload.namespace))
            .then(|| (act("restart"), replicas.map(|count| (act("scale"), count))));
        let hue = match (advice.is_empty(), well) {
            (false, _) => "red",
            (true, true) => "green",
            (true, false) => "amber",
        };
        let trusted = asker.is_trusted(&workload.namespace);
        let usage = cluster.usage(&workload.namespace);
        let pods_shown: Vec<PodView> =
            pods.iter().take(PODS).map(|pod| PodView::new(reference, cluster, pod, &usage, trusted)).collect();
        Self {
            kind,
            name: workload.name.to_string(),
            namespace: workload.namespace.to_string(),
            summary,
            hue,
            images: images(workload),
            advice: advice.clone(),
            is_measured: pods_shown.iter().any(|pod| pod.cpu.is_some()),
            pods: pods_shown,
            more_pods: pods.len().saturating_sub(PODS),
            acts,
        }
    }
}

/// A workload in words, whether that is well, and how many pods can be asked for.
fn summary(workload: &Thing, pods: &[Arc<Thing>]) -> (String, bool, Option<u32>) {
    match &workload.detail {
        Detail::Workload(one) => {
            let scales = matches!(workload.kind, ThingKind::Deployment | ThingKind::StatefulSet);
            let newest = if one.updated < one.desired {
                format!(", {} of the newest version", one.updated)
            } else {
                String::new()
            };
            let words = format!("{} of {} ready{newest}", one.ready, one.desired);
            (words, one.ready >= one.desired && one.updated >= one.desired, scales.then_some(one.desired))
        }
        Detail::Job { active, succeeded, failed, .. } => {
            (format!("{active} at work, {succeeded} succeeded, {failed} failed"), *failed == 0, None)
        }
        Detail::CronJob { schedule, suspended, last } => {
            let last = last.map(|last| format!(", last begun {}", Moment(last).exact())).unwrap_or_default();
            let halted = if *suspended { ", halted" } else { "" };
            (format!("{schedule}{halted}{last}"), !suspended, None)
        }
        _ => {
            let ready = pods.iter().filter(|pod| matches!(&pod.detail, Detail::Pod(pod) if pod.ready)).count();
            (format!("{ready} of {} ready", pods.len()), ready == pods.len(), None)
        }
    }
}

fn images(workload: &Thing) -> Vec<String> {
    match &workload.detail {
        Detail::Workload(one) => one.images.iter().map(ToString::to_string).collect(),
        Detail::Pod(pod) => pod.containers.iter().map(|one| one.image.to_string()).collect(),
        _ => Vec::new(),
    }
}

impl PodView {
    fn new(reference: &EntityRef, cluster: &Cluster, pod: &Thing, usage: &Usage, trusted: bool) -> Self {
        let Detail::Pod(detail) = &pod.detail else {
            return Self {
                name: pod.name.to_string(),
                hue: "grey",
                word: String::new(),
                node: String::new(),
                created: pod.created.map(Moment),
                restarts: 0,
                cpu: None,
                memory: None,
                containers: Vec::new(),
            };
        };
        let (word, hue) = match &*detail.phase {
            _ if pod.deleting => ("Ending", "grey"),
            "Running" if detail.ready => ("Ready", "green"),
            "Running" => ("Not ready", "amber"),
            "Succeeded" => ("Succeeded", "green"),
            "Failed" => ("Failed", "red"),
            other => (other, "amber"),
        };
        let log = |container: &Container| {
            trusted.then(|| link::entity_log(reference, cluster.name(), &pod.namespace, &pod.name, &container.name))
        };
        Self {
            name: pod.name.to_string(),
            hue,
            word: word.to_owned(),
            node: detail.node.as_deref().unwrap_or_default().to_owned(),
            created: pod.created.map(Moment),
            restarts: detail.containers.iter().map(|one| one.restarts).sum(),
            cpu: usage.of_pod(&pod.name).map(|used| Used::cpu(used, detail)),
            memory: usage.of_pod(&pod.name).map(|used| Used::memory(used, detail)),
            containers: detail.containers.iter().map(|one| ContainerView::new(one, log(one))).collect(),
        }
    }
}

impl Used {
    fn cpu(used: Amount, pod: &Pod) -> Self {
        Self::new(used.cpu, pod, |amount| amount.cpu, cores)
    }

    fn memory(used: Amount, pod: &Pod) -> Self {
        Self::new(used.memory, pod, |amount| amount.memory, mebibytes)
    }

    fn new(used: u64, pod: &Pod, read: fn(&Amount) -> u64, write: fn(u64) -> String) -> Self {
        // Containers that ran before the others are over.
        let running = || pod.containers.iter().filter(|one| !one.first);
        let requested: u64 = running().map(|one| read(&one.requests)).sum();
        // One container without a limit is a pod without one.
        let is_limited = running().all(|one| read(&one.limits) > 0);
        let limit: u64 = running().map(|one| read(&one.limits)).sum();
        let mut asked = Vec::new();
        if requested > 0 {
            asked.push(format!("of {}", write(requested)));
        }
        if is_limited && limit > 0 {
            asked.push(format!("at most {}", write(limit)));
        }
        Self { now: write(used), asked: asked.join(", ") }
    }
}

/// Thousandths of a CPU as manifests write them: `250m`, `2`.
fn cores(thousandths: u64) -> String {
    if thousandths.is_multiple_of(1000) { (thousandths / 1000).to_string() } else { format!("{thousandths}m") }
}

/// Bytes as manifests write them: `64Mi`, `1.5Gi`.
fn mebibytes(bytes: u64) -> String {
    let mebibytes = bytes.div_ceil(1 << 20);
    let tenths = mebibytes * 10 / 1024;
    match mebibytes {
        0..1024 => format!("{mebibytes}Mi"),
        _ if tenths.is_multiple_of(10) => format!("{}Gi", tenths / 10),
        _ => format!("{}.{}Gi", tenths / 10, tenths % 10),
    }
}

impl ContainerView {
    fn new(container: &Container, log: Option<String>) -> Self {
        let (word, hue) = match &container.state {
            ContainerState::Running if container.ready => ("running".to_owned(), "green"),
            ContainerState::Running => ("running, not ready".to_owned(), "amber"),
            ContainerState::Waiting(reason, _) => (reason.to_string(), "amber"),
            ContainerState::Ended(_, _, 0) => ("done".to_owned(), "green"),
            ContainerState::Ended(reason, _, code) => (format!("{reason} ({code})"), "red"),
            ContainerState::Unknown => ("not begun".to_owned(), "grey"),
        };
        Self { name: container.name.to_string(), hue, word, log }
    }
}

fn other(thing: &Thing) -> (&'static str, String, String) {
    let facts = match &thing.detail {
        Detail::Service { kind, ports } => format!("{kind} {ports}"),
        Detail::Ingress(hosts) => hosts.join(", "),
        Detail::Autoscaler { min, max, current, desired, target, .. } => {
            format!("{target}: {current} now, {desired} wanted, {min} to {max}")
        }
        _ => String::new(),
    };
    (thing.kind.name(), format!("{}/{}", thing.namespace, thing.name), facts)
}

impl WarningView {
    fn new(event: &Thing) -> Option<Self> {
        let Detail::Event { about_kind, about_name, reason, message, count, last } = &event.detail else { return None };
        Some(Self {
            about: format!("{about_kind} {about_name}"),
            reason: reason.to_string(),
            message: message.to_string(),
            count: *count,
            last: last.or(event.created).or(Some(Utc::now())).map(Moment),
        })
    }
}

/// "3 pods"
pub(crate) fn many_pods(count: usize) -> String {
    shown::count(count, "pod", "pods")
}
