//! Taking back what a run made.

use super::runs::{SERVICE, answers, service};
use super::*;
use crate::forge::testing::{new_commit, tree};

/// What can be undone, as `id: sentence`, with obstacles behind.
async fn undoable(world: &World, id: Uuid) -> Vec<String> {
    let shown = |item: Undoing| {
        let obstacle = item.obstacle.map(|obstacle| format!(" ({obstacle})")).unwrap_or_default();
        format!("{}: {}{obstacle}", item.id, item.sentence)
    };
    world.scaffolder.undoable(&world.who, id).await.unwrap().into_iter().map(shown).collect()
}

const UNREGISTER: &str =
    "register/registered: unregister http://localhost:7007/repositories/acme/pay/tree/main/catalog-info.yaml";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_made_is_taken_back_newest_first_and_can_be_made_again() {
    let world = service().await;
    let id = world.begin("service", answers("pay"), json!({})).await;
    assert_eq!(world.end(id).await.0, "completed");
    assert_eq!(undoable(&world, id).await, [UNREGISTER, "publish/created: delete repository acme/pay"]);
    let entity = "component:default/pay".parse().unwrap();
    assert!(world.catalog.entity(&world.who, &entity).is_some());

    let all = ["publish/created".to_owned(), "register/registered".to_owned()];
    let undone = world.scaffolder.undo(&world.who, id, &all).await.unwrap();
    let sentences: Vec<_> = undone.iter().map(|undone| (undone.id.as_str(), undone.error.clone())).collect();
    assert_eq!(sentences, [("register/registered", None), ("publish/created", None)]);
    assert!(world.catalog.entity(&world.who, &entity).is_none());
    assert!(world.forge.find(&"acme/pay".parse().unwrap()).await.is_err());
    assert_eq!(undoable(&world, id).await, Vec::<String>::new());
    assert_eq!(world.scaffolder.made(&world.who, id).await.unwrap(), Vec::<String>::new());
    let (_, events) = world.end(id).await;
    assert_eq!(
        messages(&events).last().unwrap(),
        "Undone: delete repository acme/pay (user:default/guest)",
        "the log tells who did it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_undone_and_tried_again() {
    let failing = SERVICE.replace(
        "  output:",
        "    - id: late\n      action: catalog:fetch\n      input: { entityRef: 'component:default/none' }\n  output:",
    );
    let mut files = runs::files();
    files[0].1 = template("service", &failing);
    let world = World::new(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>()).await;
    let id = world.begin("service", answers("pay"), json!({})).await;
    assert_eq!(world.end(id).await.0, "failed");
    let first = world.catalog.entity(&world.who, &"component:default/pay".parse().unwrap()).unwrap().uid;
    let all = ["publish/created".to_owned(), "register/registered".to_owned()];
    world.scaffolder.undo(&world.who, id, &all).await.unwrap();
    world.scaffolder.retry(&world.who, id, Map::new()).await.unwrap();
    assert_eq!(world.end(id).await.0, "failed");
    assert_eq!(world.files("acme/pay").await.len(), 3, "it is made again");
    assert_ne!(world.catalog.entity(&world.who, &"component:default/pay".parse().unwrap()).unwrap().uid, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_need_is_not_taken_back() {
    let world = service().await;
    let id = world.begin("service", answers("pay"), json!({})).await;
    assert_eq!(world.end(id).await.0, "completed");
    let repository: RepositoryId = "acme/pay".parse().unwrap();
    let head = world.forge.resolve(&repository, "main").await.unwrap();
    let commit = new_commit("main", crate::forge::Parent::Tip(head), tree(&[("a.txt", "a")]), "Work for weeks");
    world.forge.commit(&repository, commit).await.unwrap();
    let obstacle = "there are later commits in it (\"Work for weeks\"); delete it by hand if nobody needs them";
    let shown = undoable(&world, id).await;
    assert_eq!(shown[1], format!("publish/created: delete repository acme/pay ({obstacle})"));
    let undone = world.scaffolder.undo(&world.who, id, &["publish/created".to_owned()]).await.unwrap();
    assert_eq!(undone[0].error.as_deref(), Some(obstacle));
    assert!(world.forge.find(&repository).await.is_ok());
    let (_, events) = world.end(id).await;
    assert!(messages(&events).last().unwrap().starts_with("Not undone: delete repository acme/pay"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_started_a_run_that_is_over_undoes_what_it_made() {
    let world = service().await;
    let id = world.begin("service", answers("pay"), json!({})).await;
    let id_of = |id: &str| [id.to_owned()];
    assert_eq!(world.end(id).await.0, "completed");
    let somebody = Credentials::user("user:default/somebody".parse().unwrap(), Vec::new());
    let refused = world.scaffolder.undo(&somebody, id, &id_of("publish/created")).await.unwrap_err();
    assert_eq!(refused.to_string(), "only user:default/guest can undo this run, who started it");
    let unknown = world.scaffolder.undo(&world.who, id, &id_of("x/y")).await.unwrap_err();
    assert_eq!(unknown.to_string(), format!("run {id} made nothing called \"x/y\", or it is undone"));

    let waiting = World::at_rest(&[], Limits::default()).await;
    let missing = waiting.scaffolder.undo(&world.who, id, &[]).await.unwrap_err();
    assert!(matches!(missing, ScaffolderError::NotFound(_)), "{missing}");
    sqlx::query("UPDATE scaffolder_task SET status = 'processing'").execute(world.database.pool()).await.unwrap();
    let early = world.scaffolder.undo(&world.who, id, &id_of("publish/created")).await.unwrap_err();
    assert_eq!(early.to_string(), format!("run {id} is under way: cancel it, then undo it"));
}
