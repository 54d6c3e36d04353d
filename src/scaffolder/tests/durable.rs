//! Runs that are cut off, cancelled, tried again.

use super::runs::{SERVICE, answers, files};
use super::*;
use crate::forge::testing::{new_commit, new_repository, tree};

async fn at_rest() -> World {
    let files = files();
    World::at_rest(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>(), Limits::default())
        .await
}

/// The repository `acme/pay` with one file on a branch.
pub(super) async fn repository(world: &World, branch: &str) {
    create(world, Uuid::now_v7()).await;
    let commit = new_commit(branch, crate::forge::Parent::Root, tree(&[("a.txt", "a")]), "Begin");
    world.forge.commit(&"acme/pay".parse().unwrap(), commit).await.unwrap();
}

/// Takes the run as a worker that then dies, after noting and saying this much.
pub(super) async fn die(world: &World, made: &[(&str, &str, Value, Option<&str>)]) -> Uuid {
    let worker = Uuid::now_v7();
    let claimed = store::claim(world.database.pool(), worker, Utc::now()).await.unwrap().unwrap();
    let event = |body| NewEvent::new(EventKind::Log, body);
    let said = [
        event(json!({"message": "Starting up task with 4 steps"})),
        event(json!({"message": "Beginning step Publish", "stepId": "publish", "status": "processing"})),
    ];
    store::append(world.database.pool(), claimed.id, worker, &said).await.unwrap();
    for (step, key, value, made) in made {
        let note = store::Note { step, key, value, made: *made };
        assert!(store::note(world.database.pool(), claimed.id, worker, note, Utc::now()).await.unwrap());
    }
    claimed.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_every_server_is_given_up() {
    let world = at_rest().await;
    let id = world.begin("service", answers("pay"), json!({"hush": "x-secret"})).await;
    for attempt in 1..=worker::ATTEMPTS {
        die(&world, &[("publish", "created", json!({}), Some("repository acme/pay"))]).await;
        assert_eq!(world.scaffolder.settle_abandoned(Duration::ZERO).await.unwrap(), 1);
        let status = world.scaffolder.task(&world.who, id).await.unwrap().status;
        assert_eq!(status, if attempt < worker::ATTEMPTS { "open" } else { "failed" }, "attempt {attempt}");
    }
    let (_, events) = world.end(id).await;
    let goes_on = "The server stopped, or lost its database, while the run was under way, in step publish. It goes on.";
    assert_eq!(events.iter().filter(|event| event["message"] == goes_on).count(), 4);
    let [.., step, run] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        *step,
        json!({"message": "InterruptedError: The server stopped, or lost its database, while this step ran.", "stepId": "publish", "status": "failed"})
    );
    let message = "The server stopped, or lost its database, 5 times while the run was under way. Made so far: repository acme/pay. Retry it to go on.";
    assert_eq!(
        *run,
        json!({"message": "Run completed with status: failed", "error": {"name": "InterruptedError", "message": message}})
    );
    assert_eq!(world.scaffolder.made(&world.who, id).await.unwrap(), ["repository acme/pay"]);
    assert_eq!(world.scaffolder.settle_abandoned(Duration::ZERO).await.unwrap(), 0);
    // Somebody looks and tries again: then it may take as many servers again.
    create(&world, id).await;
    world.scaffolder.retry(&world.who, id, Map::new()).await.unwrap();
    world.start();
    assert_eq!(world.end(id).await.0, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_given_up_can_write_no_more() {
    let world = at_rest().await;
    let id = world.begin("service", answers("pay"), json!({})).await;
    let worker = Uuid::now_v7();
    store::claim(world.database.pool(), worker, Utc::now()).await.unwrap().unwrap();
    world.scaffolder.settle_abandoned(Duration::ZERO).await.unwrap();
    let event = NewEvent::new(EventKind::Log, json!({"message": "late"}));
    assert!(!store::append(world.database.pool(), id, worker, &[event]).await.unwrap());
    let note = store::Note { step: "a", key: "b", value: &json!(1), made: None };
    let end = store::End { status: "completed", events: &[], is_repeatable: true };
    assert!(!store::note(world.database.pool(), id, worker, note, Utc::now()).await.unwrap());
    assert!(!store::finish(world.database.pool(), id, worker, &end, Utc::now()).await.unwrap());
    assert_eq!(store::beat(world.database.pool(), id, worker, Utc::now()).await.unwrap(), None);
}

/// The repository as the step `publish` of a run would have created it.
async fn create(world: &World, run: Uuid) {
    let id = "acme/pay".parse().unwrap();
    let new =
        crate::forge::NewRepository { mark: Some(format!("Greenroom-Run: {run} publish")), ..new_repository(&id) };
    world.forge.create(new).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_attempt_takes_what_the_run_itself_had_made() {
    for noted in [true, false] {
        let world = at_rest().await;
        let id = world.begin("service", answers("pay"), json!({})).await;
        let created = ("publish", "created", json!({}), Some("repository acme/pay"));
        // Killed right after the forge created it: before or after that could be noted.
        let notes = if noted { vec![created] } else { vec![] };
        die(&world, &notes).await;
        create(&world, id).await;
        world.scaffolder.settle_abandoned(Duration::ZERO).await.unwrap();
        world.start();
        let (status, events) = world.end(id).await;
        assert_eq!(status, "completed", "noted {noted}: {:#?}", messages(&events));
        assert_eq!(world.files("acme/pay").await.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_attempt_refuses_what_somebody_else_made() {
    let world = at_rest().await;
    let id = world.begin("service", answers("pay"), json!({})).await;
    die(&world, &[]).await;
    create(&world, Uuid::now_v7()).await;
    world.scaffolder.settle_abandoned(Duration::ZERO).await.unwrap();
    world.start();
    let (status, events) = world.end(id).await;
    assert_eq!(
        (status.as_str(), events.last().unwrap()["error"]["name"].as_str().unwrap()),
        ("failed", "ConflictError")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_steps_that_are_done_are_not_repeated() {
    let failing = SERVICE.replace("  output:", "    - id: late\n      action: catalog:fetch\n      input:\n        entityRef: component:default/${{ parameters.colour }}\n  output:");
    let files = [("s/template.yaml", template("s", &failing)), ("s/skeleton/catalog-info.yaml", files()[1].1.clone())];
    let world = World::new(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>()).await;
    let mut values = answers("pay");
    values["colour"] = json!("later");
    let id = world.begin("s", values, json!({})).await;
    assert_eq!(world.end(id).await.0, "failed");
    assert_eq!(
        world.scaffolder.made(&world.who, id).await.unwrap(),
        ["repository acme/pay", "catalog entry component:default/pay"]
    );
    let seen = world.scaffolder.events(&world.who, id, None).await.unwrap().last().unwrap().id;
    write(world.folder.path(), "organisation.yaml", &ORGANISATION.replace("checkout-api", "later"));
    world.catalog.refresh(&world.who, &"component:default/checkout-api".parse().unwrap()).await.unwrap();
    world.scaffolder.retry(&world.who, id, Map::new()).await.unwrap();
    let again: Vec<Event> = world.scaffolder.follow(&world.who, id, Some(seen)).collect().await;
    let told = messages(&again.iter().map(|event| event.body.clone()).collect::<Vec<_>>());
    let kept = told.iter().filter(|message| message.contains("Done by an earlier attempt")).count();
    assert_eq!((kept, told.last().unwrap().as_str()), (2, "Run completed with status: completed"), "{told:#?}");
}

const WAITS: &str = "  steps:\n    - id: wait\n      name: Wait\n      action: debug:wait\n      input: { minutes: 9 }\n    - id: after\n      action: debug:log\n      input: { message: unreachable }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_in_the_middle() {
    let world = World::new(&[("w/template.yaml", &template("waits", WAITS))]).await;
    let id = world.begin("waits", json!({}), json!({})).await;
    let mut events = Box::pin(world.scaffolder.follow(&world.who, id, None));
    while let Some(event) = events.next().await {
        if event.body["message"].as_str().unwrap().contains("Waiting for 540 seconds") {
            break;
        }
    }
    world.scaffolder.cancel(&world.who, id).await.unwrap();
    let rest: Vec<Value> = events.map(|event| json!({"kind": event.kind(), "body": event.body})).collect().await;
    let error = format!("Step wait (Wait) of task {id} has been cancelled.");
    assert_eq!(
        rest,
        [
            json!({"kind": "cancelled", "body": {"message": "Step wait has been cancelled.", "stepId": "wait", "status": "cancelled"}}),
            json!({"kind": "log", "body": {"message": format!("Error: {error}"), "stepId": "wait", "status": "failed"}}),
            json!({"kind": "log", "body": {"message": "Skipping step after because a previous step failed", "stepId": "after", "status": "skipped"}}),
            json!({"kind": "completion", "body": {"message": "Run completed with status: cancelled", "error": {"name": "Error", "message": error}}}),
        ]
    );
    assert_eq!(world.scaffolder.task(&world.who, id).await.unwrap().status, "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_took_is_cancelled_at_once() {
    let world = World::at_rest(&[("w/template.yaml", &template("waits", WAITS))], Limits::default()).await;
    let id = world.begin("waits", json!({}), json!({})).await;
    world.scaffolder.cancel(&world.who, id).await.unwrap();
    let (status, events) = world.end(id).await;
    assert_eq!(
        (status.as_str(), messages(&events)),
        ("cancelled", vec!["Run completed with status: cancelled".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_gives_its_runs_to_the_next() {
    let steps = "  steps:\n    - id: wait\n      name: Wait\n      action: debug:wait\n      input: { minutes: 9 }\n    - id: second\n      name: Second\n      action: debug:log\n      input: { message: 'hello ${{ secrets.hush }}' }\n";
    let world = World::at_rest(&[("w/template.yaml", &template("w", steps))], Limits::default()).await;
    let shutdown = CancellationToken::new();
    let working = tokio::spawn(world.scaffolder.clone().work(shutdown.clone()));
    let id = world.begin("w", json!({}), json!({"hush": "x-secret"})).await;
    let mut events = Box::pin(world.scaffolder.follow(&world.who, id, None));
    while let Some(event) = events.next().await {
        if event.body["message"].as_str().unwrap().contains("Waiting for 540 seconds") {
            break;
        }
    }
    shutdown.cancel();
    working.await.unwrap();
    assert_eq!(world.scaffolder.task(&world.who, id).await.unwrap().status, "open");
    let said = events.next().await.unwrap().body;
    assert_eq!(said, json!({"message": "The server is stopping. The run goes on as soon as one takes it up."}));
    // Most of the waiting is over when the next server takes it.
    let sql =
        "UPDATE scaffolder_ledger SET value = to_json(now() - interval '1 second') WHERE task = $1 AND key = 'until'";
    assert_eq!(sqlx::query(sql).bind(id).execute(world.database.pool()).await.unwrap().rows_affected(), 1);
    world.start();
    let (status, events) = world.end(id).await;
    assert_eq!(status, "completed");
    assert!(messages(&events).contains(&"info: ***".to_owned()), "it still has its secrets: {:#?}", messages(&events));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_takes_too_long_is_given_up() {
    let mut world = World::at_rest(&[("w/template.yaml", &template("waits", WAITS))], Limits::default()).await;
    let inner = Arc::get_mut(&mut world.scaffolder.inner).unwrap();
    inner.config.step_timeout = Interval(Duration::from_millis(20));
    world.start();
    let (status, events) = world.run("waits", json!({})).await;
    let error = &events.last().unwrap()["error"];
    let message = "it took longer than 20ms, which `scaffolder.stepTimeout` allows";
    assert_eq!((status.as_str(), error), ("failed", &json!({"name": "TimeoutError", "message": message})));
}
