//! Who the portal is on GitHub.

use serde_json::json;

use crate::forge::github::testing::{World, acme};
use crate::forge::testing::{new_commit, new_repository, written};
use crate::forge::{Forge as _, ForgeError, Look, Parent, RepositoryId};

fn id(text: &str) -> RepositoryId {
    text.parse().unwrap()
}

#[tokio::test]
async fn an_app_works_through_its_installation_and_renews_its_token() {
    let Some(world) = World::acme().await else { return };
    let mut config = world.with_app();
    // As an environment variable may have it.
    let key = config["apps"][0]["privateKey"].as_str().unwrap().replace('\n', "\\n");
    config["apps"][0]["privateKey"] = json!(key);
    let github = World::github(&config);
    github.create(new_repository(&id("acme/one"))).await.unwrap();
    let asked = world.requests().await;
    let tokens = |asked: &[String]| asked.iter().filter(|line| line.contains("/access_tokens")).count();
    assert_eq!(tokens(&asked), 1, "{asked:#?}");
    github.find(&id("acme/one")).await.unwrap();
    assert_eq!(tokens(&world.requests().await), 0);
    // Expired on the way: one new token, and the request again.
    world.fault(json!({"method": "GET", "path": "/repos/acme/one$", "kind": "401"})).await;
    github.find(&id("acme/one")).await.unwrap();
    assert_eq!(tokens(&world.requests().await), 1);
    world.assert_lawful().await;
}

#[tokio::test]
async fn nobody_to_be_is_a_sentence_that_says_what_to_configure() {
    let Some(world) = World::acme().await else { return };
    let told = async |config: serde_json::Value, repository: &str| {
        World::github(&config).create(new_repository(&id(repository))).await.unwrap_err().to_string()
    };
    let nobody = told(json!({"host": world.host(), "apiBaseUrl": world.with_app()["apiBaseUrl"]}), "acme/one").await;
    assert!(nobody.contains("add a `token` or `apps` to its entry in `integrations.github`"), "{nobody}");
    let elsewhere = told(world.with_app(), "other/one").await;
    assert!(elsewhere.contains("is not installed on other; install it at "), "{elsewhere}");
    assert!(elsewhere.contains("/installations/new"), "{elsewhere}");
    let wrong = told(world.with_token("ghp_wrong"), "acme/one").await;
    assert!(wrong.contains("says \"Bad credentials\"") && wrong.contains("`integrations.github`"), "{wrong}");
    let weak = told(world.with_token("ghp_weak"), "acme/one").await;
    assert!(weak.contains("the token has the scopes read:user and needs one of"), "{weak}");
    let mut limited = world.with_app();
    limited["apps"][0]["allowedInstallationOwners"] = json!(["other"]);
    let limited = told(limited, "acme/one").await;
    assert!(limited.contains("`allowedInstallationOwners`"), "{limited}");
    let error = super::super::GitHub::new(
        &serde_json::from_value(json!({"host": "github.com", "apps": [{"appId": 1, "privateKey": "x"}]})).unwrap(),
    );
    assert!(error.unwrap_err().contains("is not a PEM private key"));
}

#[tokio::test]
async fn an_installation_that_lacks_a_permission_or_is_suspended_says_so() {
    let mut wanted = acme();
    wanted["app"]["installations"] =
        json!([{"account": "acme", "repositories": "all", "permissions": {"metadata": "read", "contents": "read"}}]);
    let Some(world) = World::new(wanted.clone()).await else { return };
    let error = World::github(&world.with_app()).create(new_repository(&id("acme/one"))).await.unwrap_err().to_string();
    assert!(error.contains("it needs the permission administration write"), "{error}");
    wanted["app"]["installations"] = json!([{"account": "acme", "repositories": "all", "suspended": true}]);
    let Some(world) = World::new(wanted).await else { return };
    let error = World::github(&world.with_app()).create(new_repository(&id("acme/one"))).await.unwrap_err().to_string();
    assert!(error.contains("on acme is suspended; an owner of acme can lift that"), "{error}");
}

#[tokio::test]
async fn single_sign_on_says_where_to_authorise_the_token() {
    let mut wanted = acme();
    wanted["organizations"][0]["requiresSso"] = json!(true);
    let Some(world) = World::new(wanted).await else { return };
    let error = World::github(&world.with_token("ghp_ada")).create(new_repository(&id("acme/one"))).await.unwrap_err();
    assert!(error.to_string().contains("requires single sign-on for this token; authorise it at "), "{error}");
}

#[tokio::test]
async fn many_requests_at_once_ask_for_one_token() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    let asked = (0..8).map(|at| {
        let (github, repository) = (github.clone(), id(&format!("acme/none{at}")));
        async move { github.find(&repository).await.unwrap_err() }
    });
    futures_util::future::join_all(asked).await;
    let asked = world.requests().await;
    assert_eq!(asked.iter().filter(|line| line.contains("/access_tokens")).count(), 1, "{asked:#?}");
    assert_eq!(asked.iter().filter(|line| line.contains("/app/installations 200")).count(), 1, "{asked:#?}");
}

#[tokio::test]
async fn the_key_of_another_app_and_what_is_archived_or_gone_are_sentences() {
    let mut wanted = acme();
    wanted["app"]["ownKey"] = json!(true);
    let (Some(world), Some(other)) = (World::acme().await, World::new(wanted).await) else { return };
    let mut wrong = world.with_app();
    wrong["apps"][0]["privateKey"] = other.with_app()["apps"][0]["privateKey"].clone();
    let told = World::github(&wrong).create(new_repository(&id("acme/one"))).await.unwrap_err().to_string();
    assert!(told.contains("says \"A JSON web token could not be decoded\""), "{told}");
    assert!(told.contains("`appId` and `privateKey` in `integrations.github`"), "{told}");
    let github = World::github(&world.with_app());
    world.event(json!({"kind": "create", "repository": "acme/old", "files": {"a": "b"}})).await;
    world.event(json!({"kind": "archive", "repository": "acme/old"})).await;
    let tip = github.resolve(&id("acme/old"), "main").await.unwrap();
    let commit = new_commit("main", Parent::Tip(tip), written("a", "c"), "Change");
    let told = github.commit(&id("acme/old"), commit).await.unwrap_err().to_string();
    assert!(told.contains("archived") && told.contains("acme/old"), "{told}");
    world.event(json!({"kind": "renameOrganization", "organization": "acme", "login": "umbrella"})).await;
    github.forget_installations().await;
    let told = github.discover("acme", &Look::default()).await.unwrap_err().to_string();
    assert!(told.contains("is not installed on acme; install it at "), "{told}");
    world.assert_lawful().await;
}

#[tokio::test]
async fn what_is_public_is_read_by_nobody_within_the_limit_of_an_address_and_nothing_is_written() {
    let mut wanted = acme();
    wanted["limits"] = json!({"anonymousPerHour": 8});
    let files = json!({"catalog-info.yaml": "kind: Component"});
    wanted["repositories"] = json!([
        {"owner": "acme", "name": "open", "visibility": "public", "files": files},
        {"owner": "acme", "name": "closed", "visibility": "private", "files": files},
    ]);
    let Some(world) = World::new(wanted).await else { return };
    // An environment without the variable gives an empty token.
    let github = World::github(&world.with_token(""));
    assert_eq!(github.allowances(), []);
    let file = github.read(&id("acme/open"), "main", "catalog-info.yaml").await.unwrap();
    assert_eq!(&file.bytes[..], b"kind: Component");
    let closed = github.read(&id("acme/closed"), "main", "catalog-info.yaml").await.unwrap_err().to_string();
    assert!(closed.contains("it is not public or not there, and there are no credentials for"), "{closed}");
    assert!(closed.contains("add a `token` or `apps` to its entry in `integrations.github`"), "{closed}");
    world.requests().await;
    let tip = file.commit.clone();
    let commit = new_commit("main", Parent::Tip(tip), written("a", "b"), "Change");
    for told in [
        github.create(new_repository(&id("acme/one"))).await.unwrap_err().to_string(),
        github.commit(&id("acme/open"), commit).await.unwrap_err().to_string(),
        github.delete(&id("acme/open")).await.unwrap_err().to_string(),
        github.discover("acme", &Look::default()).await.unwrap_err().to_string(),
    ] {
        assert!(told.contains("there are no credentials for"), "{told}");
    }
    assert_eq!(world.requests().await, [""; 0], "nothing is tried as nobody but to read");
    let mut last = None;
    for at in 0..8 {
        if let Err(error @ ForgeError::Unavailable { .. }) = github.resolve(&id(&format!("acme/x{at}")), "main").await {
            last = Some(error);
        }
    }
    let Some(ForgeError::Unavailable { what, retry_after: Some(wait) }) = last else { panic!("{last:?}") };
    assert!(what.contains("takes no more requests without credentials for"), "{what}");
    assert!(what.contains("add a `token` or `apps` to its entry in `integrations.github`"), "{what}");
    assert!(wait.as_secs() > 60, "{wait:?}");
    let told = github.allowances();
    assert_eq!(told[0].who, "without credentials");
    assert_eq!((told[0].budgets[0].1.limit, told[0].budgets[0].1.remaining), (8, 0));
    world.assert_lawful().await;
}
