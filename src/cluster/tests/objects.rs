//! Objects as API servers tell them: what is kept, and what is said about them.

use serde_json::{Value, json};

use crate::cluster::{Detail, Picture, Selector, Thing, ThingKind, WatchState, advice};

fn thing(kind: ThingKind, object: Value) -> Thing {
    Thing::of(kind, serde_json::from_value(object).unwrap())
}

fn pod(status: &Value) -> Thing {
    thing(
        ThingKind::Pod,
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "api-1", "namespace": "pay", "uid": "u", "labels": {"app": "api", "tier": "web"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api", "uid": "rs", "controller": true}],
                "creationTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {"nodeName": "n1", "containers": [{"name": "api", "image": "r/api:1"}]},
            "status": status,
        }),
    )
}

#[test]
fn each_trouble_is_explained_with_a_next_step() {
    let waiting = |reason: &str| {
        json!({"phase": "Running", "containerStatuses": [{"name": "api", "restartCount": 4, "ready": false,
            "state": {"waiting": {"reason": reason, "message": "told"}},
            "lastState": {"terminated": {"reason": "Error", "exitCode": 3}}}]})
    };
    let table = [
        (waiting("CrashLoopBackOff"), "CrashLoopBackOff", "exit code 3"),
        (waiting("ImagePullBackOff"), "ImagePullBackOff", "r/api:1"),
        (waiting("ErrImagePull"), "ImagePullBackOff", "r/api:1"),
        (waiting("InvalidImageName"), "InvalidImageName", "r/api:1"),
        (waiting("CreateContainerConfigError"), "CreateContainerConfigError", "told"),
        (
            json!({"phase": "Running", "containerStatuses": [{"name": "api", "restartCount": 1,
                "state": {"running": {}}, "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]}),
            "OOMKilled",
            "more memory",
        ),
        (
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]}),
            "Unschedulable",
            "0/3 nodes",
        ),
        (json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}), "Evicted", "low on memory"),
    ];
    for (status, reason, words) in table {
        let said = advice(&pod(&status), &[]);
        assert_eq!(said.len(), 1, "{reason}: {said:?}");
        assert_eq!(said[0].reason, reason);
        assert!(said[0].what.contains(words), "{said:?}");
        assert!(!said[0].next.is_empty());
    }
    let well = pod(&json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "api", "ready": true, "state": {"running": {}}}]}));
    assert_eq!(advice(&well, &[]), []);
}

#[test]
fn a_failing_probe_is_told_from_the_warning() {
    let unready = pod(&json!({"phase": "Running", "containerStatuses": [{"name": "api", "state": {"running": {}}}]}));
    let warning = thing(
        ThingKind::Event,
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "pay"},
            "involvedObject": {"kind": "Pod", "name": "api-1"}, "reason": "Unhealthy",
            "message": "Readiness probe failed: 503", "count": 7, "lastTimestamp": "2026-01-02T03:04:05Z"}),
    );
    assert!(crate::cluster::is_about(&warning, &unready));
    let said = advice(&unready, &[&warning]);
    assert!(said[0].what.contains("Readiness probe failed: 503"), "{said:?}");
}

#[test]
fn quota_of_a_workload() {
    let deployment = thing(
        ThingKind::Deployment,
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "pay"},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "api", "image": "r/api:1"}]}}},
            "status": {"readyReplicas": 1, "conditions": [{"type": "ReplicaFailure", "status": "True",
                "reason": "FailedCreate", "message": "pods is forbidden: exceeded quota: small"}]}}),
    );
    let Detail::Workload(workload) = &deployment.detail else { panic!("{deployment:?}") };
    assert_eq!((workload.desired, workload.ready, &*workload.images[0]), (3, 1, "r/api:1"));
    assert_eq!(advice(&deployment, &[])[0].reason, "Quota");
}

#[test]
fn selectors() {
    let pod = pod(&json!({}));
    for (text, matches) in [
        ("app=api", true),
        ("app==api,tier=web", true),
        ("app!=api", false),
        ("tier in (db, web)", true),
        ("tier notin (db)", true),
        ("app,!canary", true),
        ("canary", false),
    ] {
        assert_eq!(Selector::parse(text).unwrap().matches(&pod), matches, "{text}");
    }
    for wrong in ["", "a b=c", "x in y", "=v"] {
        assert!(Selector::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_new_list_replaces_the_old_one_when_it_is_complete() {
    let picture = Picture::default();
    let other = |name: &str| {
        let mut pod = pod(&json!({}));
        pod.name = name.into();
        pod
    };
    picture.begin(ThingKind::Pod);
    picture.list(other("a"));
    picture.list(other("b"));
    assert_eq!(picture.count(ThingKind::Pod), 0);
    picture.complete(ThingKind::Pod);
    assert_eq!(picture.state(ThingKind::Pod), WatchState::Live);
    let before = picture.revision();
    picture.put(other("c"));
    picture.remove(&other("a"));
    assert_eq!(picture.revision(), before + 2);
    let names = |namespace| {
        let found = picture.select(ThingKind::Pod, namespace, |_| true);
        found.iter().map(|pod| pod.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(Some("pay")), ["b", "c"]);
    assert_eq!(names(Some("pa")), Vec::<String>::new());
    picture.begin(ThingKind::Pod);
    picture.list(other("d"));
    assert_eq!(names(None), ["b", "c"]);
    picture.complete(ThingKind::Pod);
    assert_eq!(names(None), ["d"]);
}
