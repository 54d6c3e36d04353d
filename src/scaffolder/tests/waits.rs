//! Runs that wait for somebody or something, and keep no worker meanwhile.

use super::*;

const ASKING: &str = "  steps:
    - id: write
      action: roadiehq:utils:fs:write
      input: { path: a.txt, content: A }
    - id: ask
      name: Ask
      action: wait:approval
      input:
        message: May it be?
        approvers: [payments, 'user:default/ada']
    - id: publish
      action: publish:repository
      input: { repoUrl: local?owner=acme&repo=asked }
  output:
    text: [{ content: '${{ steps.ask.output.approvedBy }} said ${{ steps.ask.output.comment }}' }]
";

async fn asking() -> (World, Uuid) {
    let world = World::new(&[("asking/template.yaml", &template("asking", ASKING))]).await;
    let id = world.begin("asking", json!({}), json!({ "token": "x-secret" })).await;
    waiting(&world, id).await;
    (world, id)
}

/// Until nobody works on the run.
async fn waiting(world: &World, id: Uuid) {
    let mut notices = world.scaffolder.bulletin().subscribe();
    while !world.scaffolder.task(&world.who, id).await.unwrap().waiting {
        notices.recv().await.unwrap();
    }
}

fn ada() -> Credentials {
    Credentials::user("user:default/ada".parse().unwrap(), Vec::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_when_somebody_approves() {
    let (world, id) = asking().await;
    let task = world.scaffolder.task(&world.who, id).await.unwrap();
    assert_eq!(task.status, "processing", "Backstage's clients know no other word");
    let processing = TaskQuery { status: vec!["processing".to_owned()], limit: Some(9), ..TaskQuery::default() };
    assert_eq!(world.scaffolder.tasks(&world.who, processing).await.unwrap().1, 1);
    assert_eq!(world.scaffolder.queue(&world.who).await.unwrap(), Queue { waiting: 1, ..Queue::default() });
    let asked = world.scaffolder.approvals(&ada(), id).await.unwrap();
    assert_eq!((asked[0].step.as_str(), asked[0].message.as_str(), &asked[0].obstacle), ("ask", "May it be?", &None));
    assert!(world.forge.list(None).await.unwrap().is_empty());

    world.scaffolder.decide(&ada(), id, "ask", (true, " fine ")).await.unwrap();
    let (status, events) = world.end(id).await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    assert_eq!(events.last().unwrap()["output"]["text"][0]["content"], "user:default/ada said fine");
    assert_eq!(world.files("acme/asked").await.len(), 1, "what was written before the wait is there");
    let said = messages(&events);
    let asked = "info: Waiting for group:default/payments, user:default/ada to decide: May it be?";
    let told: Vec<_> = said.iter().filter(|line| asked.ends_with(line.as_str()) || *line == asked).collect();
    assert_eq!(told.len(), 1, "{said:#?}");
    assert!(said.contains(&"Approved by user:default/ada: fine".to_owned()), "{said:#?}");
    let decided = world.scaffolder.decide(&ada(), id, "ask", (false, "")).await.unwrap_err();
    assert_eq!(decided.to_string(), format!("run {id} is over, so there is nothing to decide"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_run_fails_and_asks_again_when_it_is_tried_again() {
    let (world, id) = asking().await;
    world.scaffolder.decide(&ada(), id, "ask", (false, "not now")).await.unwrap();
    let (status, events) = world.end(id).await;
    let error = json!({"name": "NotAllowedError", "message": "rejected by user:default/ada: not now"});
    assert_eq!((status.as_str(), &events.last().unwrap()["error"]), ("failed", &error));
    assert_eq!(world.scaffolder.queue(&world.who).await.unwrap(), Queue { ended: 1, failed: 1, ..Queue::default() });
    world.scaffolder.retry(&world.who, id, Map::new()).await.unwrap();
    waiting(&world, id).await;
    world.scaffolder.decide(&ada(), id, "ask", (true, "")).await.unwrap();
    assert_eq!(world.end(id).await.0, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_approvers_other_than_who_started_it_decide_and_only_once() {
    let (world, id) = asking().await;
    let somebody = Credentials::user("user:default/somebody".parse().unwrap(), Vec::new());
    for (who, words) in [
        (&somebody, "only group:default/payments, user:default/ada can decide this"),
        (&world.who, "who started a run cannot approve it; ask another approver"),
    ] {
        assert_eq!(world.scaffolder.approvals(who, id).await.unwrap()[0].obstacle.as_deref(), Some(words));
        let refused = world.scaffolder.decide(who, id, "ask", (true, "")).await.unwrap_err();
        assert!(matches!(&refused, ScaffolderError::NotAllowed(told) if told == words), "{refused}");
    }
    let none = world.scaffolder.decide(&ada(), id, "write", (true, "")).await.unwrap_err();
    assert_eq!(none.to_string(), format!("step \"write\" of run {id} asked for no approval"));
    // Two at the same moment.
    let ada = ada();
    let (one, two) = tokio::join!(
        world.scaffolder.decide(&ada, id, "ask", (true, "")),
        world.scaffolder.decide(&ada, id, "ask", (false, ""))
    );
    assert_eq!([&one, &two].iter().filter(|decided| decided.is_ok()).count(), 1, "{one:?} {two:?}");
    world.end(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_run_is_cancelled_and_its_secrets_go() {
    let (world, id) = asking().await;
    let kept = "SELECT secrets::text FROM scaffolder_task";
    let secrets: Option<String> = sqlx::query_scalar(kept).fetch_one(world.database.pool()).await.unwrap();
    assert!(secrets.unwrap().contains("x-secret"), "it needs them later");
    world.scaffolder.cancel(&world.who, id).await.unwrap();
    let (status, events) = world.end(id).await;
    assert_eq!(status, "cancelled");
    assert_eq!(events.last().unwrap()["error"]["message"], "The run was cancelled while it was waiting.");
    let secrets: Option<String> = sqlx::query_scalar(kept).fetch_one(world.database.pool()).await.unwrap();
    assert_eq!(secrets, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_comes_before_the_worker_lets_go_is_not_lost() {
    let world = World::at_rest(&[("asking/template.yaml", &template("asking", ASKING))], Limits::default()).await;
    let id = world.begin("asking", json!({}), json!({})).await;
    let request = json!({"message": "May it be?", "approvers": ["user:default/ada"], "allowSelf": false});
    durable::die(&world, &[("ask", "approval", request, None)]).await;
    let worker: Uuid =
        sqlx::query_scalar("SELECT worker FROM scaffolder_task").fetch_one(world.database.pool()).await.unwrap();
    world.scaffolder.decide(&ada(), id, "ask", (true, "")).await.unwrap();
    assert!(store::park(world.database.pool(), id, worker, None).await.unwrap());
    world.start();
    assert_eq!(world.end(id).await.0, "completed");
}

fn until(interval: u32, rest: &str) -> String {
    format!(
        "  steps:\n    - id: wait\n      action: wait:until\n      input:\n        action: catalog:fetch\n        input: {{ entityRef: 'component:default/late', optional: true }}\n        condition: result.entity and result.entity.spec.type == 'service'\n        interval: {interval}\n{rest}  output:\n    text: [{{ content: '${{{{ steps.wait.output.result.entity.metadata.name }}}}' }}]\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_wait_for_a_condition_keeps_no_worker() {
    let world = World::new(&[("until/template.yaml", &template("until", &until(3600, "")))]).await;
    let id = world.begin("until", json!({}), json!({})).await;
    waiting(&world, id).await;
    assert_eq!(world.scaffolder.wake_due().await.unwrap(), 0, "it is not time yet");
    let late = ORGANISATION.replace("checkout-api", "late");
    write(world.folder.path(), "organisation.yaml", &late);
    world.catalog.read_due().await.unwrap();
    let organisation = "user:default/guest".parse().unwrap();
    world.catalog.refresh(&Credentials::service("test"), &organisation).await.unwrap();
    sqlx::query("UPDATE scaffolder_task SET wake_at = now()").execute(world.database.pool()).await.unwrap();
    assert_eq!(world.scaffolder.wake_due().await.unwrap(), 1);
    let (status, events) = world.end(id).await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    assert_eq!(events.last().unwrap()["output"]["text"][0]["content"], "late");
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_that_cannot_end_well_say_why() {
    let changing = until(1, "").replace("catalog:fetch", "publish:repository");
    let wrong = until(1, "").replace("result.entity and", "result.entity ) and");
    let files = [
        ("late/template.yaml", template("late", &until(1, "        timeout: 0.01\n"))),
        ("changing/template.yaml", template("changing", &changing)),
        ("wrong/template.yaml", template("wrong", &wrong)),
        ("nobody/template.yaml", template("nobody", &ASKING.replace("[payments, 'user:default/ada']", "['a:b:c']"))),
    ];
    let world = World::new(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>()).await;
    for (name, words) in [
        ("late", "`result.entity and result.entity.spec.type == 'service'` did not hold within 0.01 minutes"),
        ("changing", "`action`: publish:repository changes things, so it cannot be repeated until a condition holds"),
        ("wrong", "`condition`: "),
        ("nobody", "approvers: entity reference \"a:b:c\""),
    ] {
        let (status, events) = world.run(name, json!({})).await;
        let message = events.last().unwrap()["error"]["message"].as_str().unwrap().to_owned();
        assert!(status == "failed" && message.starts_with(words), "{name}: {message}");
    }
}
