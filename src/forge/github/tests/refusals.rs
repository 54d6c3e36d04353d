//! Limits and broken connections.

use std::time::Duration;

use serde_json::json;

use crate::forge::github::testing::{World, acme};
use crate::forge::testing::new_repository;
use crate::forge::{Forge as _, ForgeError, RepositoryId};

fn id(text: &str) -> RepositoryId {
    text.parse().unwrap()
}

#[tokio::test]
async fn what_may_be_asked_again_is_and_what_may_not_is_told() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    github.create(new_repository(&id("acme/pay"))).await.unwrap();
    for kind in ["500", "502", "cut-before", "cut-after", "401"] {
        world.fault(json!({"method": "GET", "path": "/repos/acme/pay$", "kind": kind})).await;
        github.find(&id("acme/pay")).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        world.no_faults().await;
    }
    world.fault(json!({"method": "GET", "path": "/repos/acme/pay$", "kind": "403-secondary", "retryAfter": 1})).await;
    github.find(&id("acme/pay")).await.unwrap();
    world.fault(json!({"method": "GET", "path": "/repos/acme/pay$", "kind": "502", "times": 9})).await;
    let error = github.find(&id("acme/pay")).await.unwrap_err();
    assert!(matches!(error, ForgeError::Unavailable { .. }) && error.to_string().contains("502"), "{error}");
}

#[tokio::test]
async fn an_unchanged_answer_costs_nothing() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    github.create(new_repository(&id("acme/pay"))).await.unwrap();
    let tip = github.resolve(&id("acme/pay"), "main").await.unwrap();
    world.requests().await;
    let left = |github: &crate::forge::GitHub| {
        let all = github.allowances();
        let acme = all.iter().find(|one| one.who.starts_with("acme")).unwrap();
        acme.budgets.iter().find(|(resource, _)| resource == "core").unwrap().1.remaining
    };
    let before = left(&github);
    for _ in 0..3 {
        assert_eq!(github.resolve(&id("acme/pay"), "main").await.unwrap(), tip);
    }
    assert_eq!(left(&github), before);
    let asked = world.requests().await;
    assert!(asked.iter().all(|line| line.ends_with(" 304")), "{asked:#?}");
}

#[tokio::test]
async fn a_reader_does_not_wait_for_an_hour() {
    let mut wanted = acme();
    wanted["limits"] = json!({"enforce": true, "primaryPerHour": 5});
    let Some(world) = World::new(wanted).await else { return };
    let github = World::github(&world.with_app());
    let mut last = None;
    for at in 0..8 {
        if let Err(error) = github.find(&id(&format!("acme/x{at}"))).await
            && matches!(error, ForgeError::Unavailable { .. })
        {
            last = Some(error);
        }
    }
    let Some(ForgeError::Unavailable { what, retry_after }) = last else { panic!("{last:?}") };
    assert!(what.contains("its rate limit is used up"), "{what}");
    assert!(retry_after.is_some_and(|wait| wait > Duration::from_mins(1)), "{retry_after:?}");
}

#[tokio::test]
async fn a_budget_of_graphql_that_is_used_up_closes_only_graphql_and_is_not_hammered() {
    let mut wanted = acme();
    wanted["limits"] = json!({"enforce": true, "graphqlPerHour": 2});
    wanted["repositories"] = json!([{"owner": "acme", "name": "pay", "files": {"a": "b"}}]);
    let Some(world) = World::new(wanted).await else { return };
    let github = World::github(&world.with_app());
    let look = crate::forge::Look::default();
    for _ in 0..2 {
        github.discover("acme", &look).await.unwrap();
    }
    world.requests().await;
    for _ in 0..3 {
        let error = github.discover("acme", &look).await.unwrap_err();
        let ForgeError::Unavailable { what, retry_after } = error else { panic!("{error}") };
        assert!(what.contains("its rate limit is used up"), "{what}");
        assert!(retry_after.is_some_and(|wait| wait > Duration::from_mins(1)), "{retry_after:?}");
    }
    assert_eq!(world.requests().await, [""; 0], "what was told to be refused is not asked");
    github.find(&id("acme/pay")).await.unwrap();
    let told = github.allowances();
    let acme = told.iter().find(|one| one.who.starts_with("acme")).unwrap();
    let left: Vec<(&str, u64)> = acme.budgets.iter().map(|(name, budget)| (name.as_str(), budget.remaining)).collect();
    assert!(matches!(left[..], [("core", 4900..), ("graphql", 0)]), "{left:?}");
    world.assert_lawful().await;
}
