//! Objects of a cluster, trimmed to what the portal shows.
//!
//! An API server tells a pod in five to ten kilobytes; a [`Thing`] keeps less than one. Shapes are those of the
//! Kubernetes API (<https://kubernetes.io/docs/reference/kubernetes-api/>); what is missing or of another shape is
//! taken as not said, since a newer server may say more.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use kube::api::{ApiResource, DynamicObject};
use serde_json::Value;

use super::application;
use super::usage::Amount;
use super::word::word;

/// The kinds that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ThingKind {
    /// `v1`
    Pod,
    /// `apps/v1`
    Deployment,
    /// `apps/v1`
    ReplicaSet,
    /// `apps/v1`
    StatefulSet,
    /// `apps/v1`
    DaemonSet,
    /// `batch/v1`
    Job,
    /// `batch/v1`
    CronJob,
    /// `v1`
    Service,
    /// `networking.k8s.io/v1`
    Ingress,
    /// `autoscaling/v2`
    HorizontalPodAutoscaler,
    /// `v1`, only those that warn
    Event,
    /// `argoproj.io/v1alpha1`
    Application,
}

impl ThingKind {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Pod,
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::CronJob,
        Self::Service,
        Self::Ingress,
        Self::HorizontalPodAutoscaler,
        Self::Event,
        Self::Application,
    ];

    /// As manifests name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::Service => "Service",
            Self::Ingress => "Ingress",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::Event => "Event",
            Self::Application => "Application",
        }
    }

    /// Group, version and plural.
    fn place(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Pod => ("", "v1", "pods"),
            Self::Deployment => ("apps", "v1", "deployments"),
            Self::ReplicaSet => ("apps", "v1", "replicasets"),
            Self::StatefulSet => ("apps", "v1", "statefulsets"),
            Self::DaemonSet => ("apps", "v1", "daemonsets"),
            Self::Job => ("batch", "v1", "jobs"),
            Self::CronJob => ("batch", "v1", "cronjobs"),
            Self::Service => ("", "v1", "services"),
            Self::Ingress => ("networking.k8s.io", "v1", "ingresses"),
            Self::HorizontalPodAutoscaler => ("autoscaling", "v2", "horizontalpodautoscalers"),
            Self::Event => ("", "v1", "events"),
            Self::Application => ("argoproj.io", "v1alpha1", "applications"),
        }
    }

    /// `apps/v1`
    pub(crate) fn api_version(self) -> String {
        let (group, version, _) = self.place();
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
    }

    /// How it is asked for.
    pub(super) fn resource(self) -> ApiResource {
        let (group, version, plural) = self.place();
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.api_version(),
            kind: self.name().to_owned(),
            plural: plural.to_owned(),
        }
    }

    /// Which of its objects are followed.
    pub(super) fn field_selector(self) -> Option<&'static str> {
        (self == Self::Event).then_some("type=Warning")
    }
}

/// An object of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thing {
    /// Its kind.
    pub(crate) kind: ThingKind,
    /// Its namespace.
    pub(crate) namespace: Box<str>,
    /// Its name.
    pub(crate) name: Box<str>,
    /// The server's name for this very object.
    pub(crate) uid: Box<str>,
    /// Its labels.
    pub(crate) labels: Box<[(Arc<str>, Arc<str>)]>,
    /// The uid of what controls it.
    pub(crate) owner: Option<Box<str>>,
    /// When it was made.
    pub(crate) created: Option<DateTime<Utc>>,
    /// Whether it is being deleted.
    pub(crate) deleting: bool,
    /// What is particular to its kind.
    pub(crate) detail: Detail,
}

/// What is particular to a kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Detail {
    /// Of a pod.
    Pod(Pod),
    /// Of what keeps a number of pods.
    Workload(Workload),
    /// Of a job.
    Job {
        /// Pods at work.
        active: u32,
        /// Pods that ended well.
        succeeded: u32,
        /// Pods that ended badly.
        failed: u32,
        /// Why it failed.
        failure: Option<Box<str>>,
    },
    /// Of a cron job.
    CronJob {
        /// `*/5 * * * *`
        schedule: Box<str>,
        /// Whether it is halted.
        suspended: bool,
        /// When it last began.
        last: Option<DateTime<Utc>>,
    },
    /// Of a service.
    Service {
        /// `ClusterIP`
        kind: Box<str>,
        /// `80→http/TCP`
        ports: Box<str>,
    },
    /// Of an ingress: its hosts.
    Ingress(Box<[Box<str>]>),
    /// Of an autoscaler.
    Autoscaler {
        /// Fewest.
        min: u32,
        /// Most.
        max: u32,
        /// Now.
        current: u32,
        /// Wanted.
        desired: u32,
        /// `Deployment/api`
        target: Box<str>,
        /// What keeps it from scaling.
        trouble: Option<Box<str>>,
    },
    /// Of a warning.
    Event {
        /// `Pod`
        about_kind: Box<str>,
        /// The name of what it is about.
        about_name: Box<str>,
        /// `BackOff`
        reason: Box<str>,
        /// What happened.
        message: Box<str>,
        /// How often.
        count: u32,
        /// When last.
        last: Option<DateTime<Utc>>,
    },
    /// Of an Argo CD application: `spec` and `status` as they are, of the keys that are read.
    Application(Box<Value>),
}

/// What keeps a number of pods.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Workload {
    /// How many there should be.
    pub(crate) desired: u32,
    /// How many are ready.
    pub(crate) ready: u32,
    /// How many are of the newest template.
    pub(crate) updated: u32,
    /// How many can be used.
    pub(crate) available: u32,
    /// The images of its template.
    pub(crate) images: Box<[Box<str>]>,
    /// Conditions that tell of trouble: reason and message.
    pub(crate) troubles: Box<[(Box<str>, Box<str>)]>,
}

/// What is particular to a pod.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Pod {
    /// `Running`
    pub(crate) phase: Box<str>,
    /// Where it runs.
    pub(crate) node: Option<Arc<str>>,
    /// Whether it takes traffic.
    pub(crate) ready: bool,
    /// Why it cannot be placed, or was put out: reason and message.
    pub(crate) trouble: Option<(Box<str>, Box<str>)>,
    /// Its containers, those that run before the others first.
    pub(crate) containers: Box<[Container]>,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Container {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// As the template has it.
    pub(crate) image: Arc<str>,
    /// `registry/name@sha256:…`, once it was pulled.
    pub(crate) digest: Option<Arc<str>>,
    /// Whether it runs before the others.
    pub(crate) first: bool,
    /// Whether its readiness probe succeeds.
    pub(crate) ready: bool,
    /// How often it was begun again.
    pub(crate) restarts: u32,
    /// What it does now.
    pub(crate) state: ContainerState,
    /// How it ended the last time: reason and exit code.
    pub(crate) last_end: Option<(Box<str>, i32)>,
    /// What it asks for; nothing is zero.
    pub(crate) requests: Amount,
    /// What it may use at most; without bounds is zero.
    pub(crate) limits: Amount,
}

/// What a container does.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum ContainerState {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// It runs.
    Running,
    /// It waits: reason and message.
    Waiting(Box<str>, Box<str>),
    /// It has ended: reason, message and exit code.
    Ended(Box<str>, Box<str>, i32),
}

impl Thing {
    /// What is kept of an object.
    pub(crate) fn of(kind: ThingKind, object: DynamicObject) -> Self {
        let metadata = object.metadata;
        let controller = metadata.owner_references.into_iter().flatten().find(|owner| owner.controller == Some(true));
        let labels = metadata.labels.unwrap_or_default();
        let created = metadata.creation_timestamp.and_then(|time| DateTime::from_timestamp(time.0.as_second(), 0));
        Self {
            kind,
            namespace: metadata.namespace.unwrap_or_default().into(),
            name: metadata.name.unwrap_or_default().into(),
            uid: metadata.uid.unwrap_or_default().into(),
            labels: labels.into_iter().map(|(key, value)| (word(&key), word(&value))).collect(),
            owner: controller.map(|owner| owner.uid.into()),
            created,
            deleting: metadata.deletion_timestamp.is_some(),
            detail: Detail::of(kind, object.data),
        }
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| &**name == key).map(|(_, value)| &**value)
    }
}

impl Detail {
    fn of(kind: ThingKind, mut data: Value) -> Self {
        let (spec, status) = (data["spec"].take(), data["status"].take());
        match kind {
            ThingKind::Pod => Self::Pod(pod(&spec, &status)),
            ThingKind::Deployment | ThingKind::ReplicaSet | ThingKind::StatefulSet => {
                Self::Workload(workload(&spec, &status, number(&spec, "replicas").unwrap_or(1)))
            }
            ThingKind::DaemonSet => {
                let desired = number(&status, "desiredNumberScheduled").unwrap_or(0);
                let ready = number(&status, "numberReady").unwrap_or(0);
                let available = number(&status, "numberAvailable").unwrap_or(0);
                let updated = number(&status, "updatedNumberScheduled").unwrap_or(0);
                Self::Workload(Workload { ready, updated, available, ..workload(&spec, &status, desired) })
            }
            ThingKind::Job => Self::Job {
                active: number(&status, "active").unwrap_or(0),
                succeeded: number(&status, "succeeded").unwrap_or(0),
                failed: number(&status, "failed").unwrap_or(0),
                failure: conditions(&status)
                    .find(|(kind, holds, ..)| *kind == "Failed" && *holds)
                    .map(|(_, _, reason, message)| format!("{reason}: {message}").into()),
            },
            ThingKind::CronJob => Self::CronJob {
                schedule: text(&spec, "schedule").into(),
                suspended: spec["suspend"].as_bool().unwrap_or(false),
                last: time(&status, "lastScheduleTime"),
            },
            ThingKind::Service => {
                let port = |port: &Value| {
                    let target = match &port["targetPort"] {
                        Value::String(name) => name.clone(),
                        other => other.to_string(),
                    };
                    format!("{}→{target}/{}", port["port"], text(port, "protocol"))
                };
                let ports: Vec<String> = spec["ports"].as_array().into_iter().flatten().map(port).collect();
                Self::Service { kind: text(&spec, "type").into(), ports: ports.join(", ").into() }
            }
            ThingKind::Ingress => {
                let rules = spec["rules"].as_array().into_iter().flatten();
                Self::Ingress(rules.map(|rule| text(rule, "host").into()).collect())
            }
            ThingKind::HorizontalPodAutoscaler => autoscaler(&spec, &status),
            ThingKind::Event => event(&data),
            ThingKind::Application => {
                Self::Application(Box::new(application::kept(spec, status, data["operation"].take())))
            }
        }
    }
}

fn autoscaler(spec: &Value, status: &Value) -> Detail {
    let target = &spec["scaleTargetRef"];
    let kept = |kind: &str, holds: bool| !holds && matches!(kind, "AbleToScale" | "ScalingActive");
    Detail::Autoscaler {
        min: number(spec, "minReplicas").unwrap_or(1),
        max: number(spec, "maxReplicas").unwrap_or(0),
        current: number(status, "currentReplicas").unwrap_or(0),
        desired: number(status, "desiredReplicas").unwrap_or(0),
        target: format!("{}/{}", text(target, "kind"), text(target, "name")).into(),
        trouble: conditions(status)
            .find(|(kind, holds, ..)| kept(kind, *holds))
            .map(|(_, _, reason, message)| format!("{reason}: {message}").into()),
    }
}

fn event(data: &Value) -> Detail {
    let about = &data["involvedObject"];
    Detail::Event {
        about_kind: text(about, "kind").into(),
        about_name: text(about, "name").into(),
        reason: text(data, "reason").into(),
        message: text(data, "message").into(),
        count: number(data, "count").or_else(|| number(&data["series"], "count")).unwrap_or(1),
        last: time(data, "lastTimestamp")
            .or_else(|| time(&data["series"], "lastObservedTime"))
            .or_else(|| time(data, "eventTime")),
    }
}

fn workload(spec: &Value, status: &Value, desired: u32) -> Workload {
    let count = |key: &str| number(status, key).unwrap_or(0);
    let containers = spec.pointer("/template/spec/containers").and_then(Value::as_array);
    let is_trouble = |kind: &str, holds: bool, reason: &str| {
        (kind == "ReplicaFailure" && holds) || (kind == "Progressing" && !holds) || reason == "FailedCreate"
    };
    Workload {
        desired,
        ready: count("readyReplicas"),
        updated: count("updatedReplicas"),
        available: count("availableReplicas"),
        images: containers.into_iter().flatten().map(|one| text(one, "image").into()).collect(),
        troubles: conditions(status)
            .filter(|(kind, holds, reason, _)| is_trouble(kind, *holds, reason))
            .map(|(_, _, reason, message)| (reason.into(), message.into()))
            .collect(),
    }
}

fn pod(spec: &Value, status: &Value) -> Pod {
    let mut containers = Vec::new();
    for (list, states, first) in
        [("initContainers", "initContainerStatuses", true), ("containers", "containerStatuses", false)]
    {
        let told = status[states].as_array();
        for written in spec[list].as_array().into_iter().flatten() {
            let name = text(written, "name");
            let state = told.into_iter().flatten().find(|one| text(one, "name") == name);
            let state = state.unwrap_or(&Value::Null);
            let last = &state["lastState"]["terminated"];
            containers.push(Container {
                name: word(name),
                image: word(text(written, "image")),
                digest: state["imageID"]
                    .as_str()
                    .filter(|id| id.contains("@sha256:"))
                    .map(|id| word(id.trim_start_matches("docker-pullable://"))),
                first,
                ready: state["ready"].as_bool().unwrap_or(false),
                restarts: number(state, "restartCount").unwrap_or(0),
                state: container_state(&state["state"]),
                last_end: last.is_object().then(|| (text(last, "reason").into(), exit_code(last))),
                requests: Amount::of(&written["resources"]["requests"]),
                limits: Amount::of(&written["resources"]["limits"]),
            });
        }
    }
    let condition = |wanted: &str| conditions(status).find(|(kind, ..)| *kind == wanted);
    let unplaced = condition("PodScheduled").filter(|(_, holds, ..)| !holds);
    let put_out = status["reason"].as_str().map(|reason| (reason, text(status, "message")));
    Pod {
        phase: text(status, "phase").into(),
        node: spec["nodeName"].as_str().map(word),
        ready: condition("Ready").is_some_and(|(_, holds, ..)| holds),
        trouble: unplaced
            .map(|(_, _, reason, message)| (reason, message))
            .or(put_out)
            .map(|(reason, message)| (reason.into(), message.into())),
        containers: containers.into(),
    }
}

fn container_state(state: &Value) -> ContainerState {
    if state["running"].is_object() {
        return ContainerState::Running;
    }
    let (waiting, ended) = (&state["waiting"], &state["terminated"]);
    if waiting.is_object() {
        return ContainerState::Waiting(text(waiting, "reason").into(), text(waiting, "message").into());
    }
    if ended.is_object() {
        return ContainerState::Ended(text(ended, "reason").into(), text(ended, "message").into(), exit_code(ended));
    }
    ContainerState::Unknown
}

fn exit_code(ended: &Value) -> i32 {
    ended["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(-1)
}

/// Type, whether it holds, reason and message of every condition.
fn conditions(status: &Value) -> impl Iterator<Item = (&str, bool, &str, &str)> {
    let all = status["conditions"].as_array();
    all.into_iter()
        .flatten()
        .map(|one| (text(one, "type"), text(one, "status") == "True", text(one, "reason"), text(one, "message")))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn number(value: &Value, key: &str) -> Option<u32> {
    value[key].as_u64().and_then(|number| u32::try_from(number).ok())
}

fn time(value: &Value, key: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value[key].as_str()?).ok().map(|time| time.to_utc())
}
