//! Logs of a real cluster: the last lines, and those to come, of which none is lost or told twice.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::json;

use super::running;
use crate::cluster::testing::{self, Plane, clusters, follow};
use crate::cluster::{ClusterError, LogLine, LogLines, LogWanted};

const NAMESPACE: &str = "logged";

fn wanted(pod: &str, lines: LogLines) -> LogWanted {
    LogWanted { namespace: NAMESPACE.to_owned(), pod: pod.to_owned(), container: None, previous: false, lines }
}

async fn write(plane: &Plane, line: &str) {
    plane.order("pod-log", json!({"text": format!("{line}\n")})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_log_is_followed_and_what_came_meanwhile_is_in_it() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let _following = follow(&all);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "main", "image": "x"}]}});
    running(&all, NAMESPACE, pod).await;
    let east = all.find("east").unwrap();
    write(plane, "one").await;
    write(plane, "two").await;
    let lines: Vec<LogLine> = east.log(wanted("api", LogLines::Last(2))).await.unwrap().try_collect().await.unwrap();
    assert_eq!(lines.iter().map(|line| &*line.text).collect::<Vec<_>>(), ["one", "two"]);

    // Nothing is written yet: the stream is there all the same, and has no end.
    let after = lines.last().and_then(|line| line.at).unwrap();
    let mut quiet = Box::pin(east.log(wanted("api", LogLines::After(after))).await.unwrap());
    assert!(tokio::time::timeout(Duration::from_millis(200), quiet.next()).await.is_err());
    write(plane, "three").await;
    assert_eq!(quiet.next().await.unwrap().unwrap().text, "three");

    // Who comes later gets what was written since, once.
    let mut late = Box::pin(east.log(wanted("api", LogLines::After(after))).await.unwrap());
    let three = late.next().await.unwrap().unwrap();
    assert_eq!(three.text, "three");
    write(plane, "four").await;
    assert_eq!(late.next().await.unwrap().unwrap().text, "four");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prevents_following_is_told_by_the_stream() {
    let Some(plane) = testing::shared() else { return };
    let east = clusters(&[plane.entry("east")]).await.find("east").unwrap();
    let mut lines = Box::pin(east.log(wanted("nobody", LogLines::After(chrono::DateTime::UNIX_EPOCH))).await.unwrap());
    assert!(matches!(lines.next().await, Some(Err(ClusterError::NotFound { .. }))));
    assert!(lines.next().await.is_none());
}
