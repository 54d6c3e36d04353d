//! What pods use, as the metrics server of a cluster tells it (`metrics.k8s.io`).
//!
//! Such figures can be listed and not watched, so they are asked for where somebody looks: [`Cluster::usage`] answers at
//! once with what is known of a namespace, and where that is old, asks in the background. What comes is told by the
//! cluster's picture, so an open page fetches itself again. Nobody looks, nobody asks.
//!
//! Source: <https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/>.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams};
use serde_json::Value;

use super::quantity;
use super::{Cluster, ClusterError};

/// How long figures are taken for new: the metrics server itself measures every fifteen seconds.
const AGE: Duration = Duration::from_secs(15);
/// How long a cluster without a metrics server is not asked again.
const ABSENT: Duration = Duration::from_mins(5);
/// Namespaces that are remembered.
const REMEMBERED: usize = 256;

/// CPU and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount {
    /// In thousandths of a CPU.
    pub(crate) cpu: u64,
    /// In bytes.
    pub(crate) memory: u64,
}

/// What the containers of a namespace's pods use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Usage(HashMap<Box<str>, Vec<(Box<str>, Amount)>>);

/// What is known of the namespaces of a cluster.
#[derive(Default)]
pub(super) struct Usages(Mutex<HashMap<String, Known>>);

#[derive(Default)]
struct Known {
    usage: Arc<Usage>,
    asked: Option<Instant>,
    absent: bool,
}

impl Known {
    fn is_new(&self) -> bool {
        let age = if self.absent { ABSENT } else { AGE };
        self.asked.is_some_and(|asked| asked.elapsed() < age)
    }
}

impl Amount {
    /// CPU and memory as the API writes them, of `requests`, `limits` or `usage`; what is not said is zero.
    pub(crate) fn of(value: &Value) -> Self {
        let read = |key: &str| value[key].as_str().and_then(quantity::thousandths).unwrap_or_default();
        Self { cpu: read("cpu"), memory: read("memory") / 1000 }
    }
}

impl std::ops::Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, memory: self.memory + other.memory }
    }
}

impl Usage {
    /// What a container of a pod uses.
    pub(crate) fn of(&self, pod: &str, container: &str) -> Option<Amount> {
        self.0.get(pod)?.iter().find(|(name, _)| **name == *container).map(|(_, amount)| *amount)
    }

    /// What all containers of a pod use together.
    pub(crate) fn of_pod(&self, pod: &str) -> Option<Amount> {
        self.0.get(pod)?.iter().map(|(_, amount)| *amount).reduce(|sum, one| sum + one)
    }

    fn read(items: Vec<DynamicObject>) -> Self {
        let pod = |object: DynamicObject| {
            let name: Box<str> = object.metadata.name?.into();
            let containers = object.data["containers"].as_array()?;
            let container = |one: &Value| Some((one["name"].as_str()?.into(), Amount::of(&one["usage"])));
            Some((name, containers.iter().filter_map(container).collect()))
        };
        Self(items.into_iter().filter_map(pod).collect())
    }
}

impl Cluster {
    /// What is known of what the pods of a namespace use; asks in the background where that is old.
    pub(crate) fn usage(&self, namespace: &str) -> Arc<Usage> {
        if self.facts().skip_metrics {
            return Arc::default();
        }
        let mut all = self.0.usages.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.retain(|_, known| known.is_new());
        }
        let known = all.entry(namespace.to_owned()).or_default();
        let usage = Arc::clone(&known.usage);
        if !known.is_new() {
            // Whoever asks in the meantime takes what there is.
            known.asked = Some(Instant::now());
            let (cluster, namespace) = (self.clone(), namespace.to_owned());
            tokio::spawn(async move { cluster.measure(&namespace).await });
        }
        usage
    }

    /// The same, asked for now where what is known is old.
    pub(crate) async fn usage_now(&self, namespace: &str) -> Arc<Usage> {
        let is_new = |known: &Known| known.is_new().then(|| Arc::clone(&known.usage));
        let known = self.0.usages.0.lock().unwrap_or_else(PoisonError::into_inner).get(namespace).and_then(is_new);
        if self.facts().skip_metrics {
            return Arc::default();
        }
        if let Some(known) = known { known } else { self.measure(namespace).await }
    }

    async fn measure(&self, namespace: &str) -> Arc<Usage> {
        let found = self.measured(namespace).await;
        let absent = matches!(found, Err(ClusterError::NotFound { .. } | ClusterError::Forbidden { .. }));
        let usage = Arc::new(found.unwrap_or_else(|error| {
            tracing::debug!(cluster = self.name(), namespace, %error, "no figures of pods");
            Usage::default()
        }));
        let mut all = self.0.usages.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(namespace.to_owned()).or_default();
        let is_other = *known.usage != *usage;
        *known = Known { usage: Arc::clone(&usage), asked: Some(Instant::now()), absent };
        drop(all);
        if is_other {
            self.picture().touch();
        }
        usage
    }

    async fn measured(&self, namespace: &str) -> Result<Usage, ClusterError> {
        let resource = ApiResource {
            group: "metrics.k8s.io".to_owned(),
            version: "v1beta1".to_owned(),
            api_version: "metrics.k8s.io/v1beta1".to_owned(),
            kind: "PodMetrics".to_owned(),
            plural: "pods".to_owned(),
        };
        let api: Api<DynamicObject> = Api::namespaced_with(self.client()?, namespace, &resource);
        let list = self.answer("pods of metrics.k8s.io", api.list(&ListParams::default())).await?;
        Ok(Usage::read(list.items))
    }
}
