//! Against a real API server: applying, refusals in words, watches over everything that ends them.

use serde_json::{Value, json};

use crate::cluster::testing::{self, Plane, clusters, follow, until};
use crate::cluster::{
    Change, Cluster, ClusterError, Detail, Manifest, Options, Remark, ThingKind, WatchState, manifests,
};

fn parsed(text: &str) -> Vec<Manifest> {
    manifests("all.yaml", text).unwrap()
}

fn namespace(name: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")
}

fn config_map(name: &str, value: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: '{value}'}}\n")
}

fn deployment(name: &str, replicas: u32, image: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  labels: {{app: {name}}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{containers: [{{name: main, image: '{image}'}}]}}\n"
    )
}

async fn east() -> Option<Cluster> {
    let plane = testing::shared()?;
    clusters(&[plane.entry("east")]).await.find("east")
}

/// Objects that go to a namespace of the test's own.
fn within(namespace: &str) -> Options<'_> {
    Options { namespace: Some(namespace), force: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_rehearsed_applied_and_the_same_the_second_time() {
    let Some(east) = east().await else { return };
    let mut text = deployment("api", 2, "r.acme.example/api:1");
    for number in 0..38 {
        text.push_str(&config_map(&format!("settings-{number}"), "one"));
    }
    text.push_str("---\n");
    text.push_str(&namespace("apply"));
    let set = parsed(&text);
    assert_eq!(set.len(), 40);
    let begun = std::time::Instant::now();
    let planned = east.rehearse(&set, within("apply")).await.unwrap();
    println!("plan of 40 new objects: {:?}", begun.elapsed());
    assert_eq!(planned[0].id.to_string(), "Namespace apply");
    assert_eq!(planned[0].remark, None);
    assert!(planned.iter().all(|one| one.change == Change::New));
    let unchecked = planned.iter().filter(|one| matches!(one.remark, Some(Remark::Unchecked(_)))).count();
    assert_eq!(unchecked, 39, "their namespace is not there yet");

    let begun = std::time::Instant::now();
    let applied = east.apply(&set, within("apply")).await.unwrap();
    println!("apply of 40 objects: {:?}", begun.elapsed());
    assert!(applied.iter().all(|one| one.change == Change::New && !one.uid.is_empty()));

    let begun = std::time::Instant::now();
    let planned = east.rehearse(&set, within("apply")).await.unwrap();
    println!("plan of 40 objects that are there: {:?}", begun.elapsed());
    assert!(planned.iter().all(|one| one.change == Change::Same && one.remark.is_none()), "{planned:?}");
    let again = east.apply(&set, within("apply")).await.unwrap();
    assert!(again.iter().all(|one| one.change == Change::Same));

    let other = parsed(&deployment("api", 3, "r.acme.example/api:2"));
    let planned = east.rehearse(&other, within("apply")).await.unwrap();
    assert_eq!(planned[0].change, Change::Changed);
    let diff = &planned[0].diff;
    assert!(diff.contains("-  replicas: 2\n+  replicas: 3"), "{diff}");
    assert!(diff.contains("+      - image: r.acme.example/api:2"), "{diff}");
    assert!(!diff.contains("managedFields") && !diff.contains("resourceVersion"), "{diff}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_and_its_objects_go_in_one_set() {
    let Some(east) = east().await else { return };
    let set = parsed(
        "apiVersion: shop.acme.example/v1\nkind: Widget\nmetadata: {name: one, namespace: default}\nspec: {size: 3}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.shop.acme.example}\nspec:\n  group: shop.acme.example\n  names: {kind: Widget, plural: widgets, singular: widget}\n  scope: Namespaced\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}\n",
    );
    let planned = east.rehearse(&set, Options::default()).await.unwrap();
    assert!(matches!(&planned[1].remark, Some(Remark::Unchecked(why)) if why.contains("same step")), "{planned:?}");
    let applied = east.apply(&set, Options::default()).await.unwrap();
    assert_eq!(applied[1].id.to_string(), "Widget default/one");
    assert!(east.delete(&applied[1].id, &applied[1].uid).await.unwrap());
    assert!(!east.delete(&applied[1].id, &applied[1].uid).await.unwrap(), "it is gone");
    let unknown = parsed("apiVersion: none.acme.example/v1\nkind: Nothing\nmetadata: {name: x}\n");
    let error = east.apply(&unknown, Options::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cluster `east` does not know Nothing of none.acme.example/v1; install its CustomResourceDefinition first"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_manager_holds_is_named_and_can_be_taken_over() {
    let Some(plane) = testing::shared() else { return };
    let both = clusters(&[plane.entry("east")]).await;
    let east = both.find("east").unwrap();
    let set = parsed(&format!("{}{}", namespace("held"), deployment("api", 1, "r.acme.example/api:1")));
    east.apply(&set, within("held")).await.unwrap();
    let deployment_id = &east.present(&set, within("held")).await.unwrap()[1].0.clone();
    // Another manager, as `kubectl scale` is one.
    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    let token = plane.token("other", "held", json!("cluster-admin"), 600).await;
    let url = format!("{}/apis/apps/v1/namespaces/held/deployments/api?fieldManager=kubectl&force=true", plane.url());
    let body =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": {"replicas": 5}});
    let answer = client
        .patch(url)
        .bearer_auth(token)
        .header("content-type", "application/apply-patch+yaml")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());

    let planned = east.rehearse(&set, within("held")).await.unwrap();
    let Some(Remark::Refused(why)) = &planned[1].remark else { panic!("{planned:?}") };
    assert_eq!(
        why,
        "Deployment held/api on cluster `east` is held by kubectl: .spec.replicas. Leave these fields out, or set `force` to take them over"
    );
    let error = east.apply(&set, within("held")).await.unwrap_err();
    assert!(matches!(error, ClusterError::Held { .. }), "{error}");
    let forced = Options { namespace: Some("held"), force: true };
    east.apply(&set, forced).await.unwrap();
    assert_eq!(east.read(deployment_id).await.unwrap().unwrap()["spec"]["replicas"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_says_what_to_change_where() {
    let Some(plane) = testing::shared() else { return };
    let admin = clusters(&[plane.entry("east")]).await.find("east").unwrap();
    admin.apply(&parsed(&namespace("refused")), Options::default()).await.unwrap();
    let reader =
        json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}], "namespaces": ["refused"]});
    let weak = plane.token("weak", "refused", reader, 600).await;
    let old = plane.token("old", "refused", json!("cluster-admin"), 0).await;
    let mut untrusted = plane.entry("untrusted");
    untrusted["caData"] = Value::Null;
    let mut away = plane.entry("away");
    away["url"] = json!("https://127.0.0.1:1");
    let cloud = json!({"name": "cloud", "url": plane.url(), "authProvider": "aws"});
    let mut tokenless = plane.entry("tokenless");
    tokenless["serviceAccountToken"] = Value::Null;
    let entries = [plane.entry_with("weak", &weak), plane.entry_with("old", &old), untrusted, away, cloud, tokenless];
    let all = clusters(&entries).await;
    let set = parsed(&config_map("settings", "one"));
    let refused = |name: &'static str| {
        let cluster = all.find(name).unwrap();
        let set = set.clone();
        async move { cluster.apply(&set, within("refused")).await.unwrap_err().to_string() }
    };
    let told = refused("weak").await;
    assert!(told.starts_with("cluster `weak` forbids it: "), "{told}");
    assert!(told.contains("cannot") && told.contains("configmaps") && told.ends_with("allow it"), "{told}");
    assert_eq!(
        refused("old").await,
        "cluster `old` does not accept the portal's token: it is wrong or has expired; make a new one for its service account"
    );
    let told = refused("untrusted").await;
    assert!(
        told.starts_with("the certificate of cluster `untrusted` is not trusted (") && told.contains("caData"),
        "{told}"
    );
    let told = refused("away").await;
    assert!(told.starts_with("cluster `away` cannot be reached: "), "{told}");
    let told = refused("cloud").await;
    assert!(told.contains("auth provider `aws` is not spoken here") && told.contains("kubeconfig"), "{told}");
    assert!(refused("tokenless").await.contains("no `serviceAccountToken`"));
    let error = all.get("none").unwrap_err().to_string();
    assert!(error.contains("`weak`, `old`, `untrusted`"), "{error}");
    let invalid = parsed(&deployment("Bad_Name", 1, "x"));
    let told = admin.apply(&invalid, within("refused")).await.unwrap_err().to_string();
    assert!(told.starts_with("cluster `east` refuses Deployment refused/Bad_Name: "), "{told}");
    let quota =
        parsed("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {count/configmaps: '1'}}\n");
    admin.apply(&quota, within("refused")).await.unwrap();
    let mut told = String::new();
    // The quota counts what is there first.
    for number in 0..50 {
        let set = parsed(&config_map(&format!("more-{number}"), "x"));
        match admin.apply(&set, within("refused")).await {
            Ok(_) => {}
            Err(error) => {
                told = error.to_string();
                break;
            }
        }
    }
    assert!(told.starts_with("a quota of cluster `east` does not allow it: "), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_followed_over_a_killed_server_and_a_forgotten_place() {
    let Some(plane) = Plane::start("hard") else { return };
    let all = clusters(&[plane.entry("hard")]).await;
    let hard = all.find("hard").unwrap();
    let _following = follow(&all);
    let set = parsed(&format!("{}{}", namespace("shop"), deployment("api", 3, "r.acme.example/api:1")));
    hard.apply(&set, within("shop")).await.unwrap();
    let ready = |count: usize| {
        let pods = hard.picture().select(ThingKind::Pod, Some("shop"), |pod| {
            !pod.deleting && matches!(&pod.detail, Detail::Pod(pod) if pod.ready)
        });
        (pods.len() == count).then_some(pods)
    };
    let pods = until(&all, "three pods are ready", || ready(3)).await;
    let Detail::Pod(detail) = &pods[0].detail else { panic!() };
    assert!(detail.node.is_some());
    assert!(detail.containers[0].digest.is_some(), "{detail:?}");
    assert!(hard.picture().find(ThingKind::Deployment, "shop", "api").is_some());
    // A server that has just begun may put a watch off.
    let is_live = || (hard.picture().state(ThingKind::Application) == WatchState::Live).then_some(());
    until(&all, "applications are followed", is_live).await;

    plane.order("server/kill", json!({})).await;
    until(&all, "the loss is seen", || hard.picture().trouble()).await;
    assert_eq!(ready(3).map(|pods| pods.len()), Some(3), "what was seen is kept");
    let error = hard.apply(&set, within("shop")).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    plane.order("server/start", json!({})).await;
    until(&all, "it is followed again", || hard.picture().trouble().is_none().then_some(())).await;

    plane.order("compact", json!({})).await;
    let mut one = set.clone();
    one[1].object["spec"]["replicas"] = json!(1);
    hard.apply(&one, within("shop")).await.unwrap();
    until(&all, "one pod is left", || ready(1)).await;
    let mut crashing = set;
    crashing[1].object["spec"]["template"]["metadata"]["annotations"] = json!({"acme.test/fault": "crash-loop"});
    crashing[1].object["spec"]["replicas"] = json!(1);
    hard.apply(&crashing, within("shop")).await.unwrap();
    let advice = until(&all, "a crash loop is explained", || {
        let pods = hard.picture().select(ThingKind::Pod, Some("shop"), |_| true);
        let said = pods.iter().flat_map(|pod| crate::cluster::advice(pod, &[])).next();
        said.filter(|one| one.reason == "CrashLoopBackOff")
    })
    .await;
    assert!(advice.what.contains("exit code 1"), "{advice:?}");
}
