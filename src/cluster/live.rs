//! What is asked of a cluster while somebody waits: logs, lists for other programs, and the acts of owners.

use futures_util::{AsyncBufReadExt as _, Stream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams, LogParams};
use serde_json::{Value, json};

use super::{Cluster, ClusterError, CustomResource, ObjectId};

/// The longest line of a log that is passed on.
const MAX_LINE: usize = 16 * 1024;
/// Objects of one list for another program.
const MAX_LISTED: u32 = 500;

/// Which log.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogWanted {
    /// Namespace of the pod.
    pub(crate) namespace: String,
    /// The pod.
    pub(crate) pod: String,
    /// The container; the only one without it.
    pub(crate) container: Option<String>,
    /// That of the container before the last restart.
    pub(crate) previous: bool,
    /// Lines from the end.
    pub(crate) tail: u32,
    /// Whether new lines are waited for.
    pub(crate) follow: bool,
}

impl Cluster {
    /// The lines of a container's log, cut where they are very long.
    pub(crate) async fn log(
        &self,
        wanted: &LogWanted,
    ) -> Result<impl Stream<Item = Result<String, ClusterError>> + use<>, ClusterError> {
        let pods: Api<Pod> = Api::namespaced(self.client()?, &wanted.namespace);
        let params = LogParams {
            container: wanted.container.clone(),
            follow: wanted.follow,
            previous: wanted.previous,
            tail_lines: Some(i64::from(wanted.tail)),
            ..LogParams::default()
        };
        let object = format!("Pod {}/{}", wanted.namespace, wanted.pod);
        let lines = self.answer(&object, pods.log_stream(&wanted.pod, &params)).await?.lines();
        let cluster = self.name().to_owned();
        Ok(lines.map(move |line| {
            line.map(cut).map_err(|error| ClusterError::Away { cluster: cluster.clone(), reason: error.to_string() })
        }))
    }

    /// Objects of a kind by labels, as the server tells them, for programs that expect that.
    pub(crate) async fn list(
        &self,
        kind: &CustomResource,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Value>, ClusterError> {
        let api_version = if kind.group.is_empty() {
            kind.api_version.clone()
        } else {
            format!("{}/{}", kind.group, kind.api_version)
        };
        let resource = ApiResource {
            group: kind.group.clone(),
            version: kind.api_version.clone(),
            api_version,
            kind: kind.plural.clone(),
            plural: kind.plural.clone(),
        };
        let client = self.client()?;
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let params = ListParams::default().labels(selector).limit(MAX_LISTED);
        let list = self.answer(&kind.plural, api.list(&params)).await?;
        Ok(list.items.into_iter().map(|object| serde_json::to_value(object).unwrap_or_default()).collect())
    }

    /// Begins every pod of a workload anew, as `kubectl rollout restart` does.
    pub(crate) async fn restart(&self, id: &ObjectId) -> Result<(), ClusterError> {
        let now = chrono::Utc::now().to_rfc3339();
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": now});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        self.merge(id, &patch).await.map(drop)
    }

    /// Sets how many pods a workload keeps.
    pub(crate) async fn scale(&self, id: &ObjectId, replicas: u32) -> Result<(), ClusterError> {
        self.merge(id, &json!({"spec": {"replicas": replicas}})).await.map(drop)
    }
}

fn cut(mut line: String) -> String {
    if line.len() > MAX_LINE {
        let end = (0..=MAX_LINE).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}
