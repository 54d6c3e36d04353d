//! What is kept of objects, what is said about them, selectors; and the portal against a real API server.

mod log;
mod objects;
mod server;
mod usage;

use serde_json::{Value, json};

use super::object::Pod;
use super::testing::until;
use super::{Clusters, Detail, Manifest, ObjectId, Options, ThingKind};

/// A pod on the cluster `east` in a namespace of its own, once it runs; somebody follows the clusters.
async fn running(all: &Clusters, namespace: &str, pod: Value) -> Pod {
    let east = all.find("east").unwrap();
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    let home = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    east.apply(&[Manifest::made(home)], Options::default()).await.unwrap();
    let account = ObjectId {
        api_version: "v1".to_owned(),
        kind: "ServiceAccount".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: "default".to_owned(),
    };
    // Pods are refused until the namespace has its account, which nobody follows.
    while east.read(&account).await.unwrap().is_none() {}
    east.apply(&[Manifest::made(pod)], Options::default()).await.unwrap();
    until(all, "the pod runs", || {
        let thing = east.picture().find(ThingKind::Pod, namespace, &name)?;
        let Detail::Pod(pod) = &thing.detail else { return None };
        (*pod.phase == *"Running").then(|| pod.clone())
    })
    .await
}
