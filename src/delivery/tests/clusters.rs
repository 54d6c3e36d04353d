//! Runs that put things on clusters, against a real API server: planned, applied, repeated, refused, taken back.

use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use uuid::Uuid;

use crate::catalog::{Catalog, CatalogConfig};
use crate::cluster::testing::{self, clusters, follow, until};
use crate::cluster::{Clusters, ObjectId};
use crate::db::testing::{TestDatabase, database};
use crate::delivery::promotion::DeliveryConfig;
use crate::delivery::{ArgoConfig, Delivery, Environment, Promotion, PromotionState, Version};
use crate::entity::EntityRef;
use crate::forge::{Forge, Forges, GitHub, LocalForge};
use crate::permission::Credentials;
use crate::registry::Registries;
use crate::scaffolder::{ActionRegistry, Author, Event, Plan, Scaffolder, ScaffolderConfig, StartRun};

/// A scaffolder with the actions of delivery.
pub(super) struct World {
    pub(super) scaffolder: Scaffolder,
    delivery: Delivery,
    clusters: Clusters,
    forges: Forges,
    pub(super) who: Credentials,
    database: TestDatabase,
    _folder: TempDir,
    _running: DropGuard,
}

impl World {
    pub(super) async fn new(clusters: Clusters, environments: Value, steps: &str) -> Self {
        Self::beside(clusters, Registries::default(), Vec::new(), environments, steps).await
    }

    /// The same with registries, and with other forges beside the local one.
    pub(super) async fn beside(
        clusters: Clusters,
        registries: Registries,
        github: Vec<GitHub>,
        environments: Value,
        steps: &str,
    ) -> Self {
        let database = database().await;
        let folder = tempfile::tempdir().unwrap();
        let base = Url::parse("http://localhost:7007").unwrap();
        let forge = Arc::new(LocalForge::open(folder.path().join("repositories"), base).unwrap());
        let others = github.into_iter().map(|one| Arc::new(one) as Arc<dyn Forge>);
        let forges = Forges::new([forge as Arc<dyn Forge>].into_iter().chain(others));
        let template = format!(
            "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {{name: it}}\nspec:\n  type: service\n  owner: team\n  parameters: {{properties: {{name: {{type: string}}, owner: {{type: string}}}}}}\n  steps:\n{steps}"
        );
        let file = folder.path().join("template.yaml");
        std::fs::write(&file, template).unwrap();
        let location = json!({"type": "file", "target": file, "rules": [{"allow": ["Template"]}]});
        let config =
            CatalogConfig { locations: vec![serde_json::from_value(location).unwrap()], ..CatalogConfig::default() };
        let catalog = Catalog::open(database.pool().clone(), forges.clone(), config).await.unwrap();
        catalog.read_due().await.unwrap();
        let environments: Vec<Environment> = serde_json::from_value(environments).unwrap();
        let delivery = Delivery::new(database.pool().clone(), environments).unwrap();
        let delivery =
            delivery.on(clusters.clone(), &ArgoConfig::default(), &DeliveryConfig::default()).with(registries);
        let mut registry = ActionRegistry::builtin(&catalog, &forges, &Author::default());
        for action in crate::delivery::action::all(&delivery, &forges) {
            registry.register(action);
        }
        let config = ScaffolderConfig::default();
        let scaffolder = Scaffolder::new(database.pool().clone(), catalog, forges.clone(), registry, config, json!([]));
        let shutdown = CancellationToken::new();
        tokio::spawn(scaffolder.clone().work(shutdown.clone()));
        let who = Credentials::user("user:default/guest".parse().unwrap(), vec!["group:default/team".parse().unwrap()]);
        let running = shutdown.drop_guard();
        Self { scaffolder, delivery, clusters, forges, who, database, _folder: folder, _running: running }
    }

    fn template() -> EntityRef {
        EntityRef::new("template", "default", "it")
    }

    pub(super) async fn plan(&self, values: Value) -> Plan {
        self.scaffolder.plan(&self.who, &Self::template(), map(values), Map::new()).await.unwrap()
    }

    pub(super) async fn run(&self, values: Value) -> (Uuid, String, String) {
        let start = StartRun { template: Self::template(), values: map(values), secrets: Map::new() };
        let id = self.scaffolder.start(&self.who, start).await.unwrap();
        let (status, log) = self.end(id).await;
        (id, status, log)
    }

    pub(super) async fn end(&self, id: Uuid) -> (String, String) {
        let events: Vec<Event> = self.scaffolder.follow(&self.who, id, None).collect().await;
        let log: Vec<&str> = events.iter().filter_map(|event| event.body["message"].as_str()).collect();
        (self.scaffolder.task(&self.who, id).await.unwrap().status, log.join("\n"))
    }

    pub(super) async fn object(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<Value> {
        let id = ObjectId {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        let found = self.clusters.all()[0].read(&id).await.unwrap();
        found.filter(|object| object["metadata"]["deletionTimestamp"].is_null())
    }
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

pub(super) fn sentences(plan: &Plan) -> Vec<&str> {
    plan.effects.iter().map(|effect| effect.sentence.as_str()).collect()
}

const SERVICE: &str = r#"    - id: environments
      action: delivery:environments
      input: { service: '${{ parameters.name }}', owner: '${{ parameters.owner }}' }
    - id: namespace
      each: ${{ steps.environments.output.environments }}
      action: kubernetes:namespace
      input:
        environment: ${{ each.value.name }}
        name: ${{ each.value.namespace }}
        quota: { pods: 20, requests.cpu: 4 }
        limits: { default: { memory: 256Mi }, defaultRequest: { cpu: 50m } }
    - id: pull
      action: kubernetes:secret
      input: { environment: dev, namespace: '${{ steps.environments.output.environments[0].namespace }}', name: registry, registry: r.acme.example, username: ci, password: hunter2 }
    - id: write
      action: roadiehq:utils:fs:write
      input: { path: deploy/config.yaml, content: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {stage: dev}\n" }
    - id: apply
      action: kubernetes:apply
      input: { environment: dev, manifestPath: deploy, namespace: '${{ steps.environments.output.environments[0].namespace }}' }
    - id: application
      action: argocd:application
      input: { name: '${{ parameters.name }}-dev', environment: dev, repoUrl: 'http://localhost:7007/git/acme/${{ parameters.name }}.git', path: chart, valueFiles: [values.yaml, values-dev.yaml] }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_puts_what_was_planned_on_the_cluster_and_takes_back_what_it_made() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let environments =
        json!([{"name": "dev", "cluster": "east", "namespace": "{service}-{environment}", "sync": "automated"}]);
    let world = World::new(all, environments, SERVICE).await;
    let values = json!({"name": "billing", "owner": "group:default/team"});
    let plan = world.plan(values.clone()).await;
    assert_eq!(
        sentences(&plan),
        [
            "create Namespace billing-dev on cluster east",
            "create NetworkPolicy billing-dev/default-deny on cluster east (not checked by it: namespace billing-dev is not there yet)",
            "create ResourceQuota billing-dev/default on cluster east (not checked by it: namespace billing-dev is not there yet)",
            "create LimitRange billing-dev/default on cluster east (not checked by it: namespace billing-dev is not there yet)",
            "create Secret billing-dev/registry on cluster east (not checked by it: namespace billing-dev is not there yet)",
            "create ConfigMap billing-dev/settings on cluster east (not checked by it: namespace billing-dev is not there yet)",
            "Argo CD application billing-dev → cluster east, namespace billing-dev",
        ]
    );
    let told = plan.effects.iter().filter_map(|effect| effect.diff.as_deref()).collect::<String>();
    assert!(told.contains("+    pod-security.kubernetes.io/enforce: restricted"), "{told}");
    assert!(!told.contains("hunter2") && told.contains("<secret "), "{told}");

    let (id, status, log) = world.run(values.clone()).await;
    assert_eq!(status, "completed", "{log}");
    assert!(!log.contains("hunter2"), "{log}");
    let secret = world.object("v1", "Secret", Some("billing-dev"), "registry").await.unwrap();
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    let application = world.object("argoproj.io/v1alpha1", "Application", Some("argocd"), "billing-dev").await.unwrap();
    assert_eq!(application["spec"]["source"]["helm"]["valueFiles"], json!(["values.yaml", "values-dev.yaml"]));
    assert_eq!(application["spec"]["syncPolicy"]["automated"], json!({"prune": true, "selfHeal": true}));

    let again = world.plan(values).await;
    let conflicts: Vec<_> = again.effects.iter().filter_map(|effect| effect.conflict.as_deref()).collect();
    assert_eq!(sentences(&again).len(), 1, "all but the application are there as written: {:?}", sentences(&again));
    assert!(conflicts[0].contains("was declared by another run"), "{conflicts:?}");

    // Nobody takes the finalizer off here, as Argo CD would.
    let id_of = ObjectId {
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Application".to_owned(),
        namespace: Some("argocd".to_owned()),
        name: "billing-dev".to_owned(),
    };
    world.clusters.all()[0].merge(&id_of, &json!({"metadata": {"finalizers": []}})).await.unwrap();
    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    let told: Vec<&str> = undoable.iter().map(|one| one.sentence.as_str()).collect();
    assert!(
        told.iter()
            .any(|told| told.starts_with("delete Namespace billing-dev, ") && told.ends_with("with everything in it")),
        "{told:?}"
    );
    let ids: Vec<String> = undoable.iter().map(|one| one.id.clone()).collect();
    let undone = world.scaffolder.undo(&world.who, id, &ids).await.unwrap();
    assert!(
        undone.iter().all(|one| one.error.is_none()),
        "{:?}",
        undone.iter().map(|one| &one.error).collect::<Vec<_>>()
    );
    assert!(world.object("v1", "Namespace", None, "billing-dev").await.is_none());
    assert!(world.object("argoproj.io/v1alpha1", "Application", Some("argocd"), "billing-dev").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_stays_when_a_run_is_undone() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let steps = "    - id: apply\n      action: kube:apply\n      input:\n        clusterName: east\n        namespaced: false\n        manifest: |\n          apiVersion: v1\n          kind: Namespace\n          metadata: { name: kept-by-others, labels: { team: '${{ parameters.name }}' } }\n";
    let world = World::new(all, json!([]), steps).await;
    let (_, status, log) = world.run(json!({"name": "one"})).await;
    assert_eq!(status, "completed", "{log}");
    let plan = world.plan(json!({"name": "two"})).await;
    assert_eq!(sentences(&plan), ["change Namespace kept-by-others on cluster east"]);
    assert!(
        plan.effects[0].diff.as_deref().unwrap().contains("-    team: one\n+    team: two"),
        "{:?}",
        plan.effects[0].diff
    );
    let (second, status, _) = world.run(json!({"name": "two"})).await;
    assert_eq!(status, "completed");
    assert_eq!(world.scaffolder.undoable(&world.who, second).await.unwrap().len(), 0, "it made nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_clusters_environments_are_left_out_and_clusters_are_an_error() {
    let environments = json!([{"name": "dev", "cluster": "local"}]);
    let steps = "    - id: namespace\n      action: kubernetes:namespace\n      input: { environment: dev, name: shop }\n    - id: app\n      action: argocd:application\n      input: { name: shop-dev, environment: dev, repoUrl: 'http://localhost:7007/git/acme/shop.git', namespace: shop }\n";
    let world = World::new(Clusters::default(), environments.clone(), steps).await;
    let plan = world.plan(json!({})).await;
    assert_eq!(sentences(&plan), ["Argo CD application shop-dev → cluster local, namespace shop"]);
    let left_out = "Left out: cluster local of environment dev is not connected to this portal";
    // Two steps say so.
    assert_eq!(plan.warnings.iter().filter(|warning| warning.contains(left_out)).count(), 1, "{:?}", plan.warnings);
    let (_, status, log) = world.run(json!({})).await;
    assert_eq!(status, "completed", "{log}");
    assert!(log.contains(left_out), "{log}");
    let steps = "    - id: namespace\n      action: kubernetes:namespace\n      input: { cluster: east, name: shop }\n";
    let world = World::new(Clusters::default(), environments, steps).await;
    let (_, status, log) = world.run(json!({})).await;
    assert_eq!(status, "failed");
    assert!(log.contains("cluster `east` is not configured; there is none"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_refused_goes_on_once_it_may() {
    let Some(plane) = testing::shared() else { return };
    let steps = "    - id: apply\n      action: kubernetes:apply\n      input:\n        cluster: east\n        namespace: refused-run\n        manifest:\n          - { apiVersion: v1, kind: Namespace, metadata: { name: refused-run } }\n          - { apiVersion: v1, kind: ConfigMap, metadata: { name: one } }\n          - { apiVersion: v1, kind: Secret, metadata: { name: two } }\n";
    let rules = json!({"rules": [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    ]});
    let weak = plane.token("run-weak", "default", rules, 600).await;
    let all = clusters(&[plane.entry_with("east", &weak)]).await;
    let world = World::new(all, json!([]), steps).await;
    let (id, status, log) = world.run(json!({})).await;
    assert_eq!(status, "failed");
    assert!(log.contains("cluster `east` forbids it: ") && log.contains("secrets"), "{log}");
    let rules =
        json!({"rules": [{"apiGroups": [""], "resources": ["namespaces", "configmaps", "secrets"], "verbs": ["*"]}]});
    plane.token("run-weak", "default", rules, 600).await;
    world.scaffolder.retry(&world.who, id, Map::new()).await.unwrap();
    let (status, log) = world.end(id).await;
    assert_eq!(status, "completed", "{log}");
    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    assert_eq!(undoable.len(), 1);
    assert!(undoable[0].sentence.starts_with("delete Namespace refused-run, "), "{}", undoable[0].sentence);
    world.scaffolder.undo(&world.who, id, &[undoable[0].id.clone()]).await.unwrap();
    assert!(world.object("v1", "Namespace", None, "refused-run").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_see_a_rollout_and_a_condition() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let steps = "    - id: apply\n      action: kubernetes:apply\n      input:\n        cluster: east\n        namespace: waiting\n        manifest:\n          - { apiVersion: v1, kind: Namespace, metadata: { name: waiting } }\n          - { apiVersion: apps/v1, kind: Deployment, metadata: { name: api }, spec: { replicas: 2, selector: { matchLabels: { app: api } }, template: { metadata: { labels: { app: api } }, spec: { containers: [{ name: a, image: x }] } } } }\n    - id: rollout\n      action: kubernetes:wait\n      input: { cluster: east, kind: Deployment, name: api, namespace: waiting, timeout: 1 }\n    - id: condition\n      action: kubernetes:wait\n      input: { cluster: east, kind: Deployment, name: api, namespace: waiting, for: Available }\n    - id: never\n      action: kubernetes:wait\n      input: { cluster: east, kind: Deployment, name: none, namespace: waiting, for: exists, timeout: 0.02 }\n";
    let world = World::new(all, json!([]), steps).await;
    let (_, status, log) = world.run(json!({})).await;
    assert_eq!(status, "failed", "{log}");
    assert_eq!(log.matches("Finished step kubernetes:wait").count(), 2, "{log}");
    assert!(
        log.contains(
            "Deployment waiting/none is there was not so within 0.02 minutes: Deployment waiting/none is not there"
        ),
        "{log}"
    );
}

/// A promotion to staging whose pull request was merged, of image `…1…` by `…2…`.
fn merged(name: &str) -> Promotion {
    let version = |digit: &str| Version {
        image: format!("r.acme.example/{name}"),
        tag: String::new(),
        digest: format!("sha256:{}", digit.repeat(64)),
    };
    Promotion {
        id: Uuid::now_v7(),
        entity: format!("component:default/{name}"),
        application: format!("{name}-staging"),
        environment: "staging".to_owned(),
        from_environment: Some("dev".to_owned()),
        before: version("1"),
        after: version("2"),
        repository: format!("local/acme/{name}"),
        path: "chart/values-staging.yaml".to_owned(),
        branch: "greenroom/staging-1".to_owned(),
        pull_request: 1,
        state: PromotionState::Merged,
        message: None,
        created_by: "user:default/guest".to_owned(),
        created_at: chrono::Utc::now(),
        approved_by: None,
        approved_at: None,
        merged_at: Some(chrono::Utc::now()),
        asked_at: None,
        settled_at: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_promotion_is_followed_until_argo_cd_says_it_is_healthy() {
    let Some(plane) = testing::shared() else { return };
    let all = clusters(&[plane.entry("east")]).await;
    let environments = json!([{"name": "staging", "cluster": "east", "sync": "pull-request", "promotion": {"approvers": ["group:default/leads"]}}]);
    let world = World::new(all.clone(), environments, "    - { id: log, action: 'debug:log' }\n").await;
    let _following = follow(&all);
    let east = all.find("east").unwrap();
    let application = super::super::argocd::application(
        &super::super::argocd::NewApplication {
            name: "followed-staging",
            project: "default",
            repo_url: "http://localhost/none.git",
            path: "chart",
            revision: "main",
            release: None,
            value_files: &[],
            values_url: None,
            server: "https://kubernetes.default.svc",
            namespace: "followed",
            automated: false,
            labels: json!({}),
        },
        "argocd",
    );
    let manifests = [crate::cluster::Manifest::made(application)];
    let applied = east.apply(&manifests, crate::cluster::Options::default()).await.unwrap();
    let mut promotion = merged("followed");
    super::super::promotion::store::insert(world.database.pool(), &promotion).await.unwrap();
    let seen = |wanted: fn(&Value) -> bool| {
        let thing = east.picture().find(crate::cluster::ThingKind::Application, "argocd", "followed-staging")?;
        let crate::cluster::Detail::Application(object) = &thing.detail else { return None };
        wanted(object).then_some(())
    };
    until(&all, "the application is seen", || seen(|_| true)).await;
    world.delivery.look_at(&world.forges, &promotion).await.unwrap();
    promotion = world.delivery.promotion(promotion.id).await.unwrap();
    assert_eq!((promotion.state, promotion.asked_at.is_some()), (PromotionState::Merged, true), "{promotion:?}");
    let object = east.read(&applied[0].id).await.unwrap().unwrap();
    assert_eq!(object["operation"]["initiatedBy"]["username"], "user:default/guest");

    // What Argo CD would write.
    let status = |digit: &str, health: &str| {
        json!({"operation": null, "status": {
            "sync": {"status": "Synced", "revision": "abc", "comparedTo": {"source": {"repoURL": "x"}, "destination": {}}},
            "health": {"status": health},
            "summary": {"images": [format!("r.acme.example/followed@sha256:{}", digit.repeat(64))]},
        }})
    };
    for (digit, health, state) in [
        ("1", "Healthy", PromotionState::Merged),
        ("2", "Progressing", PromotionState::Merged),
        ("2", "Healthy", PromotionState::Healthy),
    ] {
        let before = all.revision();
        east.merge(&applied[0].id, &status(digit, health)).await.unwrap();
        until(&all, "the status is seen", || (all.revision() > before).then_some(())).await;
        let thing = east.picture().find(crate::cluster::ThingKind::Application, "argocd", "followed-staging").unwrap();
        assert!(format!("{:?}", thing.detail).contains(health), "another test's change came between");
        world.delivery.look_at(&world.forges, &promotion).await.unwrap();
        promotion = world.delivery.promotion(promotion.id).await.unwrap();
        assert_eq!(promotion.state, state, "{digit} {health}: {:?}", promotion.message);
    }
    assert!(promotion.settled_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_approver_agrees_and_not_to_their_own() {
    let environments =
        json!([{"name": "staging", "cluster": "east", "promotion": {"approvers": ["group:default/leads"]}}]);
    let world = World::new(Clusters::default(), environments, "    - { id: log, action: 'debug:log' }\n").await;
    let promotion = merged("agreed");
    let error = world.delivery.approve(&world.who, &promotion).await.unwrap_err();
    assert_eq!(error.to_string(), "only group:default/leads may agree to a promotion to staging");
    let lead = |user: &str| Credentials::user(user.parse().unwrap(), vec!["group:default/leads".parse().unwrap()]);
    let error = world.delivery.approve(&lead("user:default/guest"), &promotion).await.unwrap_err();
    assert_eq!(error.to_string(), "whoever proposed it cannot agree to it; ask somebody else");
    world.delivery.approve(&lead("user:default/ada"), &promotion).await.unwrap();
}
