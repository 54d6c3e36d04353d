//! What pods use, from the metrics API of a real cluster.

use serde_json::json;

use super::running;
use crate::cluster::Amount;
use crate::cluster::testing::{self, clusters, follow, until};

const NAMESPACE: &str = "measured";

#[tokio::test(flavor = "multi_thread")]
async fn what_pods_use_comes_after_it_was_asked_for_and_whoever_follows_is_told() {
    let Some(plane) = testing::shared() else { return };
    let mut silent = plane.entry("silent");
    silent["skipMetricsLookup"] = json!(true);
    let all = clusters(&[plane.entry("east"), silent]).await;
    let _following = follow(&all);
    let east = all.find("east").unwrap();
    let resources = json!({"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "api", "namespace": NAMESPACE, "annotations": {"acme.test/cpu": "1500m"}},
        "spec": {"containers": [{"name": "one", "image": "x", "resources": resources}, {"name": "two", "image": "x"}]}});
    let pod = running(&all, NAMESPACE, pod).await;
    let mebibyte = 1 << 20;
    let main = &pod.containers[0];
    assert_eq!(main.requests, Amount { cpu: 100, memory: 128 * mebibyte });
    assert_eq!(main.limits, Amount { cpu: 0, memory: 1024 * mebibyte });
    assert_eq!(pod.containers[1].requests, Amount::default());

    let first = east.usage(NAMESPACE);
    assert_eq!(first.of_pod("api"), None, "nobody waits for it");
    let used = until(&all, "what it uses is told", || east.usage(NAMESPACE).of_pod("api")).await;
    assert_eq!(used, Amount { cpu: 3000, memory: 128 * mebibyte });
    let usage = east.usage_now(NAMESPACE).await;
    assert_eq!(usage.of("api", "one"), Some(Amount { cpu: 1500, memory: 64 * mebibyte }));
    assert_eq!((usage.of("api", "none"), usage.of_pod("none")), (None, None));
    assert_eq!(all.find("silent").unwrap().usage_now(NAMESPACE).await.of_pod("api"), None);
}
