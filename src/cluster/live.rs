//! What is asked of a cluster while somebody waits: logs, lists for other programs, and the acts of owners.

use chrono::{DateTime, Utc};
use futures_util::future::ready;
use futures_util::{AsyncBufReadExt as _, Stream, StreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams, LogParams};
use serde_json::{Value, json};

use super::{Cluster, ClusterError, CustomResource, ObjectId};

/// The longest line of a log that is passed on.
const MAX_LINE: usize = 16 * 1024;
/// Objects of one list for another program.
const MAX_LISTED: u32 = 500;

/// Which log.
#[derive(Debug, Clone)]
pub(crate) struct LogWanted {
    /// Namespace of the pod.
    pub(crate) namespace: String,
    /// The pod.
    pub(crate) pod: String,
    /// The container; the only one without it.
    pub(crate) container: Option<String>,
    /// That of the container before the last restart.
    pub(crate) previous: bool,
    /// Which lines.
    pub(crate) lines: LogLines,
}

/// Which lines of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LogLines {
    /// Those at the end that are there now, at most so many.
    Last(u32),
    /// All that were written after a moment, as they come.
    After(DateTime<Utc>),
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// When it was written, by the node's clock; lines of a log are in this order.
    pub(crate) at: Option<DateTime<Utc>>,
    /// What was written, cut where it is very long.
    pub(crate) text: String,
}

impl Cluster {
    /// The lines of a container's log. Those to come may be long in coming, and a node may answer with the first of them
    /// only: they are waited for without a limit, and what prevents them is told by the stream.
    pub(crate) async fn log(
        &self,
        wanted: LogWanted,
    ) -> Result<impl Stream<Item = Result<LogLine, ClusterError>> + use<>, ClusterError> {
        let LogWanted { namespace, pod, container, previous, lines } = wanted;
        let object = format!("Pod {namespace}/{pod}");
        let pods: Api<Pod> = Api::namespaced(self.client()?, &namespace);
        let params = LogParams { container, previous, timestamps: true, ..LogParams::default() };
        let (streamed, after) = match lines {
            LogLines::Last(most) => {
                let params = LogParams { tail_lines: Some(i64::from(most)), ..params };
                let answered = self.answer(&object, pods.log_stream(&pod, &params)).await?;
                (read(answered.lines(), self.name()).boxed(), DateTime::UNIX_EPOCH)
            }
            LogLines::After(moment) => {
                // Servers know whole seconds, and the client would round them up.
                let second = Timestamp::from_second(moment.timestamp()).ok();
                let params = LogParams { follow: true, since_time: second, ..params };
                let name = self.name().to_owned();
                let opened = async move {
                    match pods.log_stream(&pod, &params).await {
                        Ok(lines) => read(lines.lines(), &name).boxed(),
                        Err(error) => stream::iter([Err(ClusterError::of(&name, &object, &error))]).boxed(),
                    }
                };
                (stream::once(opened).flatten().boxed(), moment)
            }
        };
        Ok(streamed.filter(move |line| ready(line.as_ref().map_or(true, |line| line.at.is_none_or(|at| at > after)))))
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
        let now = Utc::now().to_rfc3339();
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": now});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        self.merge(id, &patch).await.map(drop)
    }

    /// Sets how many pods a workload keeps.
    pub(crate) async fn scale(&self, id: &ObjectId, replicas: u32) -> Result<(), ClusterError> {
        self.merge(id, &json!({"spec": {"replicas": replicas}})).await.map(drop)
    }
}

/// What a server sends as lines; each begins with its time.
fn read<S: Stream<Item = std::io::Result<String>>>(
    lines: S,
    cluster: &str,
) -> impl Stream<Item = Result<LogLine, ClusterError>> + use<S> {
    let cluster = cluster.to_owned();
    lines.map(move |line| match line {
        Ok(line) => Ok(timed(line)),
        Err(error) => Err(ClusterError::Away { cluster: cluster.clone(), reason: error.to_string() }),
    })
}

/// `2026-01-31T12:00:00.000000001Z what was written`
fn timed(line: String) -> LogLine {
    let (time, text) = line.split_once(' ').unwrap_or((&line, ""));
    match time.parse() {
        Ok(at) => LogLine { at: Some(at), text: cut(text.to_owned()) },
        Err(_) => LogLine { at: None, text: cut(line) },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_time_and_is_cut() {
        let line = |text: &str| timed(text.to_owned());
        let at = "2026-01-31T12:00:00.000000001Z".parse().ok();
        for (sent, expected) in [
            ("2026-01-31T12:00:00.000000001Z two  words", LogLine { at, text: "two  words".to_owned() }),
            ("2026-01-31T12:00:00.000000001Z ", LogLine { at, text: String::new() }),
            ("2026-01-31T14:00:00.000000001+02:00 x", LogLine { at, text: "x".to_owned() }),
            (
                "unable to retrieve container logs",
                LogLine { at: None, text: "unable to retrieve container logs".to_owned() },
            ),
            ("", LogLine { at: None, text: String::new() }),
        ] {
            assert_eq!(line(sent), expected, "{sent:?}");
        }
        let long = line(&format!("2026-01-31T12:00:00Z {}", "é".repeat(MAX_LINE))).text;
        assert!(long.len() <= MAX_LINE + '…'.len_utf8() && long.ends_with("é…"));
    }
}
