//! Repositories: made, found again, listed, renamed, deleted.

use serde_json::json;

use crate::forge::github::testing::{World, acme};
use crate::forge::testing::new_repository;
use crate::forge::{Forge as _, ForgeError, NewRepository, RepositoryId, Visibility};

fn id(text: &str) -> RepositoryId {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_repository_is_made_with_its_branch_and_visibility() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    let new = NewRepository {
        description: "Takes payments".to_owned(),
        default_branch: "trunk".to_owned(),
        visibility: Visibility::Internal,
        ..new_repository(&id("acme/pay"))
    };
    let made = github.create(new.clone()).await.unwrap();
    assert_eq!((made.default_branch.as_str(), made.visibility), ("trunk", Visibility::Internal));
    let again = github.create(new).await.unwrap_err();
    assert!(matches!(again, ForgeError::AlreadyExists(_)), "{again}");
    let found = github.find(&id("acme/PAY")).await.unwrap();
    assert_eq!(found.id, id("acme/pay"));
    assert_eq!(found.description, "Takes payments");
    assert_eq!(github.branches(&found.id).await.unwrap().len(), 1);
    let listed = github.list(Some("acme")).await.unwrap();
    assert_eq!(listed.len(), 1);
    github.delete(&found.id).await.unwrap();
    assert!(matches!(github.find(&found.id).await, Err(ForgeError::NotFound(_))));
    world.assert_lawful().await;
}

#[tokio::test]
async fn a_person_makes_repositories_of_their_own_only() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_token("ghp_ada"));
    github.create(new_repository(&id("ada/notes"))).await.unwrap();
    let error = github.create(new_repository(&id("bob/notes"))).await.unwrap_err().to_string();
    assert!(error.contains("the token belongs to ada, which cannot make repositories for the person bob"), "{error}");
    let internal = NewRepository { visibility: Visibility::Internal, ..new_repository(&id("ada/secret")) };
    let error = github.create(internal).await.unwrap_err().to_string();
    assert!(error.contains("`internal` is for organisations"), "{error}");
    let error = github.create(new_repository(&id("nobody/notes"))).await.unwrap_err().to_string();
    assert!(error.contains("has no organisation or person `nobody`"), "{error}");
    world.assert_lawful().await;
}

#[tokio::test]
async fn what_carries_the_same_mark_is_adopted_and_what_does_not_is_refused() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    let new = NewRepository { mark: Some("run 1".to_owned()), ..new_repository(&id("acme/pay")) };
    github.create(new.clone()).await.unwrap();
    // An attempt that was cut off before it gave the repository its description.
    assert_eq!(github.create(new.clone()).await.unwrap().id, new.id);
    let other = NewRepository { mark: Some("run 2".to_owned()), ..new.clone() };
    assert!(matches!(github.create(other).await, Err(ForgeError::AlreadyExists(_))));
    github.describe(&new.id, "Takes payments").await.unwrap();
    assert!(matches!(github.create(new.clone()).await, Err(ForgeError::AlreadyExists(_))));
    assert_eq!(github.find(&new.id).await.unwrap().description, "Takes payments");
    // The answer got lost, the repository is there.
    let lost = NewRepository { id: id("acme/lost"), ..new };
    world.fault(json!({"method": "POST", "path": "/orgs/acme/repos$", "kind": "cut-after"})).await;
    assert_eq!(github.create(lost.clone()).await.unwrap().id, lost.id);
    world.assert_lawful().await;
}

#[tokio::test]
async fn a_visibility_that_the_organisation_forbids_says_who_can_allow_it() {
    let mut wanted = acme();
    wanted["organizations"][0]["forbids"] = json!(["public"]);
    let Some(world) = World::new(wanted).await else { return };
    let new = NewRepository { visibility: Visibility::Public, ..new_repository(&id("acme/pay")) };
    let error = World::github(&world.with_app()).create(new).await.unwrap_err().to_string();
    assert!(error.contains("choose another visibility, or have an owner allow this one"), "{error}");
}

#[tokio::test]
async fn a_renamed_repository_is_followed() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    github.create(new_repository(&id("acme/old"))).await.unwrap();
    world.event(json!({"kind": "rename", "repository": "acme/old", "name": "new"})).await;
    assert_eq!(github.find(&id("acme/old")).await.unwrap().id, id("acme/new"));
}
