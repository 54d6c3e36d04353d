//! Values in a repository of their own: promotions read, compare and propose there, and go back to what it said.

use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::application;
use crate::db::testing;
use crate::delivery::{Application, Cell, Delivery, DeliveryConfig, Environment, NewPromotion, Row, Service};
use crate::entity::EntityRef;
use crate::forge::testing::{new_commit, new_repository, tree};
use crate::forge::{Forge, Forges, LocalForge, Parent, RepositoryId, Signature};
use crate::permission::Credentials;
use crate::pipeline::Pipelines;

const CHART: [(&str, &str); 3] = [
    ("chart/Chart.yaml", "apiVersion: v2\nname: orders\nversion: 1.0.0\n"),
    ("chart/values.yaml", "replicas: 1\nimage:\n  tag: \"\"\n  digest: \"\"\n"),
    (
        "chart/templates/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: orders }\ndata: { tag: \"{{ .Values.image.tag }}\" }\n",
    ),
];

fn who() -> Signature {
    Signature { name: "Jo".to_owned(), email: "jo@acme.example".to_owned(), time: Utc::now().fixed_offset() }
}

fn values(tag: &str) -> String {
    format!("# What runs there.\nimage:\n  tag: \"{tag}\"\n  digest: \"\"\n")
}

async fn repository(forge: &LocalForge, name: &str, files: &[(&str, &str)]) -> String {
    let id = RepositoryId::new("acme", name).unwrap();
    forge.create(new_repository(&id)).await.unwrap();
    forge.commit(&id, new_commit("main", Parent::Root, tree(files), "Begin")).await.unwrap().id
}

/// An application whose values are in the other repository.
fn declared(environment: &str) -> Application {
    Application {
        name: format!("orders-{environment}"),
        environment: environment.to_owned(),
        value_files: vec!["values.yaml".to_owned(), format!("$values/apps/orders/envs/{environment}/values.yaml")],
        values_repository: Some("local/acme/gitops".to_owned()),
        ..application(Uuid::now_v7())
    }
}

fn service() -> Service {
    Service {
        reference: EntityRef::new("component", "default", "orders"),
        title: "orders".to_owned(),
        repository: Some("local/acme/orders".to_owned()),
        app_name: None,
        app_selector: None,
        objects: None,
    }
}

#[tokio::test]
async fn a_promotion_is_proposed_where_the_values_are_and_goes_back_to_what_was_said_there() {
    let (database, folder) = (testing::database().await, tempfile::tempdir().unwrap());
    let base = Url::parse("http://localhost:7007").unwrap();
    let forge = Arc::new(LocalForge::open(folder.path().join("repositories"), base).unwrap());
    let forges = Forges::new([Arc::clone(&forge) as Arc<dyn Forge>]);
    repository(&forge, "orders", &CHART).await;
    let (dev, staging) = ("apps/orders/envs/dev/values.yaml", "apps/orders/envs/staging/values.yaml");
    let first = repository(&forge, "gitops", &[(dev, &values("1.0.0")), (staging, &values("1.0.0"))]).await;
    let gitops = RepositoryId::new("acme", "gitops").unwrap();
    let second = tree(&[(dev, &values("2.0.0")), (staging, &values("1.1.0"))]);
    forge.commit(&gitops, new_commit("main", Parent::Tip(first.clone()), second, "Deliver")).await.unwrap();

    let environments: Vec<Environment> = serde_json::from_value(json!([{"name": "dev"}, {"name": "staging"}])).unwrap();
    let mut delivery = Delivery::new(database.pool().clone(), environments).unwrap();
    let helm = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/cluster/bin/helm");
    if helm.exists() {
        delivery.config = Arc::new(DeliveryConfig { helm: Some(helm.clone()) });
    }
    for environment in ["dev", "staging"] {
        delivery.declare(&declared(environment)).await.unwrap();
    }
    let stored = delivery.applications("local/acme/orders").await.unwrap();
    assert_eq!(stored[1].values_repository.as_deref(), Some("local/acme/gitops"));
    let cell = |one: &Application| Cell {
        environment: one.environment.clone(),
        declared: Some(one.clone()),
        ..Cell::default()
    };
    let row = Row { service: Arc::new(service()), cells: stored.iter().map(cell).collect() };
    let pipelines = Pipelines::new(forges.clone());
    let environment = delivery.environment("staging").unwrap().clone();

    let wanted = NewPromotion::From("dev".to_owned());
    let proposal = delivery.proposal(&forges, &pipelines, &row, &environment, &wanted).await.unwrap();
    assert_eq!((proposal.repository.as_str(), proposal.path.as_str()), ("local/acme/gitops", staging));
    assert_eq!((proposal.before.tag.as_str(), proposal.after.tag.as_str()), ("1.1.0", "2.0.0"));
    assert!(proposal.values.contains("-  tag: \"1.1.0\"\n+  tag: \"2.0.0\""), "{}", proposal.values);
    if helm.exists() {
        let manifests = proposal.manifests.as_ref().unwrap();
        assert!(manifests.contains("-data: { tag: \"1.1.0\" }\n+data: { tag: \"2.0.0\" }"), "{manifests}");
    }
    let guest = Credentials::user("user:default/guest".parse().unwrap(), Vec::new());
    let promotion = delivery.propose(&forges, &guest, &row, &proposal, who()).await.unwrap();
    let pull = forge.pull_request(&gitops, 1).await.unwrap();
    assert!(pull.is_open());
    assert_eq!((promotion.repository.as_str(), promotion.pull_request), ("local/acme/gitops", 1));
    let proposed = forge.read(&gitops, &promotion.branch, staging).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&proposed.bytes), values("2.0.0"));

    let back = NewPromotion::Back(first);
    let proposal = delivery.proposal(&forges, &pipelines, &row, &environment, &back).await.unwrap();
    assert_eq!((proposal.after.tag.as_str(), proposal.repository.as_str()), ("1.0.0", "local/acme/gitops"));
}
