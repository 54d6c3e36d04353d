//! Placement of services, and declarations by concurrent runs.

mod clusters;
mod gitops;
mod registry;
mod sets;
mod sync;

use chrono::Utc;
use proptest::prelude::*;
use uuid::Uuid;

use super::environment::Subject;
use super::{Application, Delivery, DeliveryError, Environment};
use crate::db::testing;

fn environment(name: &str, rule: &str) -> Environment {
    let mut environment = Environment::defaults().remove(0);
    environment.name = name.to_owned();
    environment.namespace = rule.to_owned();
    environment
}

fn application(task: Uuid) -> Application {
    Application {
        name: "orders-dev".to_owned(),
        environment: "dev".to_owned(),
        cluster: "local".to_owned(),
        namespace: "shop-dev".to_owned(),
        project: "orders".to_owned(),
        repository: "local/acme/orders".to_owned(),
        path: "chart".to_owned(),
        value_files: vec!["values.yaml".to_owned(), "values-dev.yaml".to_owned()],
        values_repository: None,
        manifest: Some("deploy/argocd/dev.yaml".to_owned()),
        automated: true,
        task,
        declared_at: Utc::now(),
    }
}

#[test]
fn namespaces_follow_the_rule() {
    let subject = Subject { service: "payments-api", owner: "payments", system: "checkout" };
    let cases = [
        ("{owner}-{environment}", "payments-dev"),
        ("{system}-{service}", "checkout-payments-api"),
        ("shared", "shared"),
    ];
    for (rule, expected) in cases {
        let placement = environment("dev", rule).place(0, subject).unwrap();
        assert_eq!(placement.namespace, expected);
        assert_eq!(placement.application, "payments-api-dev");
    }
    let without_system = environment("dev", "{system}").place(0, Subject { system: "", ..subject }).unwrap();
    assert_eq!(without_system.namespace, "payments-api");
    let dotted = environment("dev", "{owner}").place(0, Subject { owner: "Team.A_b", ..subject }).unwrap();
    assert_eq!(dotted.namespace, "team-a-b");
}

#[test]
fn impossible_environments_are_refused_with_the_reason() {
    let check = |environments: &[Environment]| super::environment::check(environments).unwrap_err().to_string();
    assert!(check(&[environment("Dev", "x")]).contains("`Dev`"));
    assert!(check(&[environment("dev", "x"), environment("dev", "x")]).contains("twice"));
    assert!(check(&[environment("dev", "{team}")]).contains("{team}"));
    let long = "a".repeat(64);
    let placed = environment("dev", "{service}").place(0, Subject { service: &long, owner: "o", system: "" });
    assert!(placed.unwrap_err().to_string().contains("DNS label"));
}

proptest! {
    #[test]
    fn a_placement_is_always_a_dns_label(service in "[a-z][a-z0-9-]{0,20}", owner in "[A-Za-z0-9._-]{1,20}") {
        let subject = Subject { service: &service, owner: &owner, system: "" };
        if let Ok(placement) = environment("dev", "{owner}-{environment}").place(0, subject) {
            prop_assert!(placement.namespace.len() <= 63);
            prop_assert!(!placement.namespace.starts_with('-') && !placement.namespace.ends_with('-'));
        }
    }
}

#[tokio::test]
async fn declaring_is_repeatable_for_one_run_and_refused_for_another() {
    let database = testing::database().await;
    let delivery = Delivery::new(database.pool().clone(), Environment::defaults()).unwrap();
    let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
    delivery.declare(&application(mine)).await.unwrap();
    delivery.declare(&Application { namespace: "moved".to_owned(), ..application(mine) }).await.unwrap();
    let refused = delivery.declare(&application(other)).await.unwrap_err();
    assert!(matches!(refused, DeliveryError::Taken { .. }), "{refused}");
    let declared = delivery.declared("local", "orders-dev").await.unwrap().unwrap();
    assert_eq!((declared.namespace.as_str(), declared.task), ("moved", mine));

    delivery.withdraw("local", "orders-dev", other).await.unwrap();
    assert!(delivery.declared("local", "orders-dev").await.unwrap().is_some());
    delivery.withdraw("local", "orders-dev", mine).await.unwrap();
    assert!(delivery.declared("local", "orders-dev").await.unwrap().is_none());
}

#[tokio::test]
async fn applications_come_in_the_order_of_promotion() {
    let database = testing::database().await;
    let delivery = Delivery::new(database.pool().clone(), Environment::defaults()).unwrap();
    for name in ["prod", "dev", "staging"] {
        let declared =
            Application { name: format!("orders-{name}"), environment: name.to_owned(), ..application(Uuid::now_v7()) };
        delivery.declare(&declared).await.unwrap();
    }
    let found = delivery.applications("local/acme/orders").await.unwrap();
    let names: Vec<&str> = found.iter().map(|one| one.environment.as_str()).collect();
    assert_eq!(names, ["dev", "staging", "prod"]);
    assert!(delivery.applications("local/acme/other").await.unwrap().is_empty());
}
