//! `argocd:sync` against a real API server; what Argo CD's controller would write is written here.

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::clusters::{World, sentences};
use crate::cluster::testing::{self, clusters, follow, until};
use crate::cluster::{Clusters, Detail, Manifest, ObjectId, Options, Thing, ThingKind};
use crate::delivery::Report;

const NAMESPACE: &str = "argocd";

fn id(name: &str) -> ObjectId {
    ObjectId {
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Application".to_owned(),
        namespace: Some(NAMESPACE.to_owned()),
        name: name.to_owned(),
    }
}

async fn put(all: &Clusters, name: &str) {
    let application = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"project": "default", "source": {"repoURL": "http://localhost/none.git", "path": "chart"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name}},
    });
    let east = all.find("east").unwrap();
    east.apply(&[Manifest::made(application)], Options::default()).await.unwrap();
}

/// Does what is asked of an application once, as the controller does; answers what was asked.
fn controller(all: &Clusters, name: &'static str, phase: &'static str, message: &'static str) -> JoinHandle<Value> {
    let all = all.clone();
    tokio::spawn(async move {
        let asked = until(&all, "a sync is asked for", || {
            let thing = all.find("east")?.picture().find(ThingKind::Application, NAMESPACE, name)?;
            let Detail::Application(object) = &thing.detail else { return None };
            object["operation"].is_object().then(|| object["operation"].clone())
        })
        .await;
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let done = json!({"operation": null, "status": {
            "sync": {"status": "Synced", "revision": "abc", "comparedTo": {"source": {"repoURL": "x"}, "destination": {}}},
            "health": {"status": "Healthy"},
            "summary": {"images": ["r.acme.example/api:2"]},
            "operationState": {"phase": phase, "message": message, "startedAt": now, "finishedAt": now, "operation": asked},
        }});
        all.find("east").unwrap().merge(&id(name), &done).await.unwrap();
        asked
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_is_asked_for_once_and_waited_for() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let _following = follow(&all);
    let steps = "    - id: sync\n      action: argocd:sync\n      input: { environment: dev, application: synced-dev, revision: v2, prune: false, timeout: 1 }\n    - id: told\n      action: debug:log\n      input: { message: 'runs ${{ steps.sync.output.images | first }}, ${{ steps.sync.output.health }}' }\n";
    let world = World::new(all.clone(), json!([{"name": "dev", "cluster": "east"}]), steps).await;
    put(&all, "synced-dev").await;
    assert_eq!(sentences(&world.plan(json!({})).await), ["sync Argo CD application synced-dev of Argo CD east"]);
    let controller = controller(&all, "synced-dev", "Succeeded", "all tasks run");
    let (_, status, log) = world.run(json!({})).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains("runs r.acme.example/api:2, Healthy"), "{log}");
    let asked = controller.await.unwrap();
    assert_eq!((&asked["sync"]["revision"], &asked["sync"]["prune"]), (&json!("v2"), &json!(false)));
    assert_eq!(asked["initiatedBy"]["username"], "user:default/guest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_fails_or_has_no_application_fails_the_run_with_its_reason() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let _following = follow(&all);
    let steps = "    - id: sync\n      action: argocd:sync\n      input: { environment: dev, application: '${{ parameters.name }}', timeout: 1 }\n";
    let world = World::new(all.clone(), json!([{"name": "dev", "cluster": "east"}]), steps).await;
    put(&all, "unsynced-dev").await;
    let controller = controller(&all, "unsynced-dev", "Failed", "one or more objects failed to apply");
    let (_, status, log) = world.run(json!({"name": "unsynced-dev"})).await;
    assert_eq!(status, "failed", "{log}");
    assert!(log.contains("Argo CD could not sync unsynced-dev: one or more objects failed to apply (Failed)"), "{log}");
    controller.await.unwrap();
    let (_, status, log) = world.run(json!({"name": "none-dev"})).await;
    assert_eq!(status, "failed", "{log}");
    assert!(log.contains("none-dev"), "{log}");
}

#[test]
fn what_is_kept_of_an_application_tells_as_much_as_the_whole() {
    let source = json!({"repoURL": "https://git.acme.example/api.git", "path": "chart", "targetRevision": "main",
        "helm": {"releaseName": "api", "valueFiles": ["values.yaml", "values-dev.yaml"]}});
    let whole = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "api-dev", "namespace": NAMESPACE, "labels": {"environment": "dev"}},
        "spec": {"project": "api", "source": source, "syncPolicy": {"automated": {"prune": true}},
            "destination": {"server": "https://dev.acme.example", "namespace": "api-dev"}},
        "operation": {"sync": {"prune": true}},
        "status": {
            "sync": {"status": "OutOfSync", "revision": "abc", "comparedTo": {"source": source}},
            "health": {"status": "Degraded", "message": "too few", "lastTransitionTime": "2026-01-02T03:04:05Z"},
            "conditions": [{"type": "SyncError", "message": "cannot be compared"}],
            "resources": [{"kind": "Deployment", "name": "api", "status": "OutOfSync"}],
            "summary": {"images": ["r.acme.example/api:2"]},
            "operationState": {"phase": "Failed", "message": "no", "finishedAt": "2026-01-02T03:04:05Z",
                "syncResult": {"resources": [{"kind": "Deployment"}]}},
            "history": [{"id": 3, "revision": "abc", "deployedAt": "2026-01-02T03:04:05Z", "source": source,
                "initiatedBy": {"username": "ada"}}],
        },
    });
    let thing = Thing::of(ThingKind::Application, serde_json::from_value(whole.clone()).unwrap());
    assert_eq!(Report::of(&thing).unwrap(), Report::read(&whole));
    // The same of an application whose values are in a repository of their own.
    let mut several = whole;
    let sources = json!([{"repoURL": "https://git.acme.example/gitops.git", "ref": "values"},
        {"repoURL": "https://git.acme.example/api.git", "path": "chart", "helm": {"valueFiles": ["values.yaml", "$values/apps/api/envs/dev/values.yaml"]}}]);
    several["spec"] =
        json!({"sources": sources, "destination": {"server": "https://dev.acme.example", "namespace": "api-dev"}});
    several["status"]["sync"] = json!({"status": "Synced", "revisions": ["v-now", "c-now"]});
    several["status"]["history"] = json!([{"id": 3, "revisions": ["v-then", "c-then"], "sources": sources}]);
    let thing = Thing::of(ThingKind::Application, serde_json::from_value(several.clone()).unwrap());
    let report = Report::of(&thing).unwrap();
    assert_eq!(report, Report::read(&several));
    assert_eq!((report.revision.as_str(), report.source.path.as_str()), ("c-now", "chart"));
    assert_eq!(report.source.values_url.as_deref(), Some("https://git.acme.example/gitops.git"));
    assert_eq!((report.history[0].revision.as_str(), report.history[0].values_revision.as_str()), ("c-then", "v-then"));
    assert!(!format!("{thing:?}").contains("syncResult") && !format!("{thing:?}").contains("comparedTo"), "{thing:?}");
}
