//! Runs that commit to a repository that is there, beside what others put into it.

use super::*;
use crate::forge::testing::{new_commit, new_repository, tree};
use crate::forge::{Contents, NewFile, Parent};

const VALUES: &str = "  parameters:
    - properties:
        name: { type: string }
        repo: { type: string, default: gitops }
  steps:
    - id: write
      action: roadiehq:utils:fs:write
      input: { path: 'gitops/apps/${{ parameters.name }}/values.yaml', content: 'replicas: 1' }
    - id: own
      action: roadiehq:utils:fs:write
      input: { path: README.md, content: 'Read me' }
    - id: values
      action: publish:commit
      input:
        repoUrl: local?owner=acme&repo=${{ parameters.repo }}
        sourcePath: gitops
        commitMessage: Add ${{ parameters.name }}
    - id: publish
      action: publish:repository
      input:
        repoUrl: local?owner=acme&repo=${{ parameters.name }}
        exclude: [gitops]
";

async fn world() -> World {
    let world = World::at_rest(&[("values/template.yaml", &template("values", VALUES))], Limits::default()).await;
    world.start();
    world
}

fn gitops() -> RepositoryId {
    "acme/gitops".parse().unwrap()
}

fn answers(name: &str) -> Value {
    json!({"name": name, "repo": "gitops"})
}

async fn begin(world: &World) {
    world.forge.create(new_repository(&gitops())).await.unwrap();
    let first = new_commit("main", Parent::Root, tree(&[("README.md", "What runs where")]), "Begin");
    world.forge.commit(&gitops(), first).await.unwrap();
}

async fn paths(world: &World, repository: &str) -> Vec<String> {
    world.files(repository).await.into_iter().map(|(path, _)| path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_committed_beside_others_and_taken_back() {
    let world = world().await;
    begin(&world).await;
    let plan = world.plan("values", answers("pay")).await.unwrap();
    assert!(plan.is_clear(), "{plan:#?}");
    let sentences: Vec<&str> = plan.effects.iter().map(|effect| effect.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        ["commit to main of acme/gitops (files: 1 added)", "create repository acme/pay", "push 1 file to main"]
    );
    let id = world.begin("values", answers("pay"), json!({})).await;
    let (status, events) = world.end(id).await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    assert_eq!(paths(&world, "acme/gitops").await, ["README.md", "apps/pay/values.yaml"]);
    assert_eq!(paths(&world, "acme/pay").await, ["README.md"]);
    assert_eq!(world.run("values", answers("ledger")).await.0, "completed");

    // What is there goes, whatever it says by now.
    let tip = world.forge.resolve(&gitops(), "main").await.unwrap();
    let write = vec![NewFile::regular("apps/pay/values.yaml", "replicas: 2")];
    let change = Contents::Change { write, delete: Vec::new() };
    world.forge.commit(&gitops(), new_commit("main", Parent::Tip(tip), change, "Scale")).await.unwrap();
    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    let sentences: Vec<&str> = undoable.iter().map(|one| one.sentence.as_str()).collect();
    assert_eq!(sentences, ["delete repository acme/pay", "delete apps/pay/values.yaml from acme/gitops"]);
    world.scaffolder.undo(&world.who, id, &["values/committed".to_owned()]).await.unwrap();
    assert_eq!(paths(&world, "acme/gitops").await, ["README.md", "apps/ledger/values.yaml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_is_not_committed() {
    let world = world().await;
    begin(&world).await;
    let tip = world.forge.resolve(&gitops(), "main").await.unwrap();
    let write = vec![NewFile::regular("apps/pay/values.yaml", "replicas: 1")];
    let change = Contents::Change { write, delete: Vec::new() };
    let there = world.forge.commit(&gitops(), new_commit("main", Parent::Tip(tip), change, "Add")).await.unwrap();
    let (status, events) = world.run("values", answers("pay")).await;
    let said = messages(&events);
    assert_eq!(status, "completed", "{said:#?}");
    assert!(
        said.contains(&"info: acme/gitops has all of this already, so nothing is committed".to_owned()),
        "{said:#?}"
    );
    assert_eq!(world.forge.resolve(&gitops(), "main").await.unwrap(), there.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_not_there_stops_it_before_anything_is_made() {
    let world = world().await;
    let plan = world.plan("values", json!({"name": "pay", "repo": "nowhere"})).await.unwrap();
    let conflict = "repository acme/nowhere is not there; create it first, or choose another";
    assert_eq!(plan.effects[0].conflict.as_deref(), Some(conflict));
    let (status, _) = world.run("values", json!({"name": "pay", "repo": "nowhere"})).await;
    assert_eq!(status, "failed");
    assert!(world.forge.find(&"acme/pay".parse().unwrap()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_commits_gets_its_first() {
    let world = world().await;
    world.forge.create(new_repository(&gitops())).await.unwrap();
    assert_eq!(world.run("values", answers("pay")).await.0, "completed");
    assert_eq!(paths(&world, "acme/gitops").await, ["apps/pay/values.yaml"]);
}
