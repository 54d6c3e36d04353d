//! Runs and plans of small templates.

use super::*;

/// A template that publishes a small service.
pub(super) const SERVICE: &str = "  parameters:
    - title: Service
      required: [name, repoUrl]
      properties:
        name: { type: string, title: Name, pattern: '^[a-z-]+$' }
        colour: { type: string, default: green }
        repoUrl: { type: string, ui:field: RepoUrlPicker }
  steps:
    - id: fetch
      name: Fetch
      action: fetch:template
      input:
        url: ./skeleton
        values:
          name: ${{ parameters.name }}
          colour: ${{ parameters.colour or 'green' }}
    - id: provenance
      action: provenance:write
    - id: publish
      name: Publish
      action: publish:repository
      input:
        repoUrl: ${{ parameters.repoUrl }}
    - id: register
      name: Register
      action: catalog:register
      input:
        repoContentsUrl: ${{ steps.publish.output.repoContentsUrl }}
  output:
    links:
      - title: Repository
        url: ${{ steps.publish.output.remoteUrl }}
      - title: Entity
        entityRef: ${{ steps.register.output.entityRef }}
";

const CATALOG_INFO: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: ${{ values.name }}\nspec:\n  type: service\n  lifecycle: experimental\n  owner: payments\n";

pub(super) async fn service() -> World {
    World::new(&files().iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>()).await
}

pub(super) fn files() -> Vec<(&'static str, String)> {
    vec![
        ("service/template.yaml", template("service", SERVICE)),
        ("service/skeleton/catalog-info.yaml", CATALOG_INFO.to_owned()),
        ("service/skeleton/src/${{ values.name }}.txt", "I am ${{ values.name }}, ${{ values.colour }}".to_owned()),
    ]
}

pub(super) fn answers(name: &str) -> Value {
    json!({"name": name, "repoUrl": format!("local?owner=acme&repo={name}")})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_makes_the_repository_and_the_catalog_entry() {
    let world = service().await;
    let (status, events) = world.run("service", answers("pay")).await;
    assert_eq!(status, "completed", "{events:#?}");
    let output = &events.last().unwrap()["output"];
    assert_eq!(output["links"][0], json!({"title": "Repository", "url": "http://localhost:7007/git/acme/pay.git"}));
    assert_eq!(output["links"][1], json!({"title": "Entity", "entityRef": "component:default/pay"}));
    let files = world.files("acme/pay").await;
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, [".greenroom/template.yaml", "catalog-info.yaml", "src/pay.txt"]);
    assert_eq!(files[2].1, "I am pay, green");
    let provenance: Value = serde_yaml::from_str(&files[0].1).unwrap();
    assert_eq!(provenance["template"], "template:default/service");
    assert_eq!(provenance["answers"]["colour"], "green");
    assert_eq!(provenance["createdBy"], "user:default/guest");
    let entity = world.catalog.entity(&world.who, &"component:default/pay".parse().unwrap());
    assert!(entity.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_what_the_run_makes_and_makes_nothing() {
    let world = service().await;
    let plan = world.plan("service", answers("pay")).await.unwrap();
    assert!(plan.is_clear(), "{plan:#?}");
    let sentences: Vec<&str> = plan.effects.iter().map(|effect| effect.sentence.as_str()).collect();
    assert_eq!(sentences, ["create repository acme/pay", "push 3 files to main", "register component:default/pay"]);
    assert!(world.forge.list(None).await.unwrap().is_empty());
    world.run("service", answers("pay")).await;
    let made = world.files("acme/pay").await;
    for (file, (path, text)) in plan.files.iter().zip(&made) {
        assert_eq!(&file.path, path);
        if path != ".greenroom/template.yaml" {
            assert_eq!(file.content, text.as_bytes());
        }
    }
    assert_eq!(plan.files.len(), made.len());
    let again = world.plan("service", answers("pay")).await.unwrap();
    let conflicts: Vec<&str> = again.effects.iter().filter_map(|effect| effect.conflict.as_deref()).collect();
    assert_eq!(conflicts.len(), 2, "{again:#?}");
    assert_eq!(conflicts[0], "repository acme/pay already exists");
    assert!(conflicts[1].starts_with("component:default/pay exists already, from url:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_for_one_repository_one_wins() {
    let world = service().await;
    let (first, second) = tokio::join!(
        world.begin("service", answers("pay"), json!({})),
        world.begin("service", answers("pay"), json!({}))
    );
    let ends = [world.end(first).await, world.end(second).await];
    let mut statuses: Vec<&str> = ends.iter().map(|(status, _)| status.as_str()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["completed", "failed"]);
    let (_, lost) = ends.iter().find(|(status, _)| status == "failed").unwrap();
    let error = &lost.last().unwrap()["error"];
    assert_eq!(
        *error,
        json!({"name": "ConflictError", "message": "repository acme/pay already exists; choose another name, or delete it first"})
    );
    assert_eq!(world.forge.list(None).await.unwrap().len(), 1);
    let log = crate::forge::LogQuery { revision: "main".to_owned(), path: None, skip: 0, limit: 10 };
    assert_eq!(world.forge.log(&"acme/pay".parse().unwrap(), log).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_checked_before_anything_is_stored() {
    let world = service().await;
    let cases = [
        (json!({}), "Name is required; fill it in; repoUrl is required; fill it in"),
        (json!({"name": "NOT", "repoUrl": "local?owner=a&repo=b"}), "Name must match the pattern ^[a-z-]+$"),
        (
            json!({"name": "a", "repoUrl": "github.com?owner=a&repo=b"}),
            "repoUrl names the host `github.com`, which is not configured here; choose local",
        ),
    ];
    for (values, expected) in cases {
        let refused = world.try_begin("service", values, json!({})).await.unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
    assert_eq!(world.scaffolder.tasks(&world.who, TaskQuery::default()).await.unwrap().1, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_templates_are_listed_and_refused() {
    let steps = "  steps:\n    - id: a\n      action: debug:log\n      input:\n        message: \"${{ steps.b. }}\"\n";
    let world = World::new(&[
        ("broken/template.yaml", &template("broken", steps)),
        (
            "unknown/template.yaml",
            &template(
                "unknown",
                "  steps:\n    - id: a\n      action: debug:log\n    - id: b\n      action: nope:nope\n",
            ),
        ),
    ])
    .await;
    world.scaffolder.place().await;
    let templates = world.scaffolder.templates(&world.who);
    let problem = &templates[0].problems[0];
    assert_eq!((problem.line, problem.column), (Some(12), Some(31)), "{problem:?}");
    let refused = world.try_begin("broken", json!({}), json!({})).await.unwrap_err();
    assert!(matches!(refused, ScaffolderError::Broken { .. }), "{refused}");
    assert!(refused.to_string().contains("(line 12, column 31)"), "{refused}");
    assert!(world.plan("unknown", json!({})).await.is_err());
    let (status, events) = world.run("unknown", json!({})).await;
    assert_eq!(status, "failed");
    assert_eq!(messages(&events)[1], "Skipping step a because a later step cannot run");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_catalog_could_not_take_in_is_listed_with_its_place() {
    let yaml = template("yaml", "  steps:\n    - id: [a\n");
    let field = template("field", "").replace("  type: service\n", "");
    let world = World::new(&[("y/template.yaml", &yaml), ("f/template.yaml", &field)]).await;
    assert!(world.scaffolder.templates(&world.who).is_empty());
    let listed = world.scaffolder.gallery(&world.who).await.unwrap();
    let mut told: Vec<_> =
        listed.iter().map(|one| (one.entity.title(), one.problems[0].line, one.problems[0].column)).collect();
    told.sort_unstable();
    assert_eq!(told, [("field", Some(5), Some(1)), ("yaml", Some(9), Some(11))], "{:?}", listed[0].problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_keep_answers_and_become_one_run() {
    let world = service().await;
    let reference = EntityRef::new("template", "default", "service");
    let draft = world.scaffolder.draft_create(&world.who, &reference, map(json!({"name": "pre"}))).await.unwrap();
    assert_eq!(draft.values, map(json!({"name": "pre", "colour": "green"})));
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let wrong = world
        .scaffolder
        .draft_answer(&world.who, draft.id, 0, &pairs(&[("name", "NO"), ("colour", "")]))
        .await
        .unwrap();
    let told: Vec<&str> = wrong.errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(told, ["/name", "/repoUrl"]);
    // What was cleared stays clear, and the wrong answer is still there to be mended.
    assert_eq!(world.scaffolder.draft(&world.who, draft.id).await.unwrap().values, map(json!({"name": "NO"})));
    assert!(world.scaffolder.draft_plan(&world.who, draft.id).await.is_err());
    let right = [
        ("name", "pay"),
        ("colour", "red"),
        ("repoUrl.host", "local"),
        ("repoUrl.owner", "acme"),
        ("repoUrl.repo", "pay"),
    ];
    let answered = world.scaffolder.draft_answer(&world.who, draft.id, 0, &pairs(&right)).await.unwrap();
    assert!(answered.errors.is_empty(), "{:?}", answered.errors);
    let plan = world.scaffolder.draft_plan(&world.who, draft.id).await.unwrap();
    let id = world.scaffolder.draft_submit(&world.who, draft.id).await.unwrap();
    assert_eq!(world.scaffolder.draft_submit(&world.who, draft.id).await.unwrap(), id);
    assert_eq!(world.end(id).await.0, "completed");
    // The plan's provenance names the very run.
    let made = world.files("acme/pay").await;
    let without_time =
        |text: &str| text.lines().filter(|line| !line.starts_with("createdAt")).collect::<Vec<_>>().join("\n");
    assert_eq!(without_time(std::str::from_utf8(&plan.files[0].content).unwrap()), without_time(&made[0].1));
    let other = Credentials::user("user:default/other".parse().unwrap(), Vec::new());
    assert!(matches!(world.scaffolder.draft(&other, draft.id).await, Err(ScaffolderError::NotFound(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_shown_nowhere() {
    let steps = "  steps:\n    - id: a\n      action: debug:log\n      input:\n        message: 'secret is ${{ secrets.hush }}'\n    - id: b\n      action: debug:log\n      input:\n        message: \"${{ 'plain' }} ${{ secrets.missing.deep }}\"\n";
    let world = World::new(&[("s/template.yaml", &template("s", steps))]).await;
    let id = world.begin("s", json!({}), json!({"hush": "very-secret"})).await;
    let (_, events) = world.end(id).await;
    assert_eq!(messages(&events)[2..4], ["info: {\n  \"message\": \"***\"\n}", "info: ***"]);
    let everything: String =
        sqlx::query_scalar("SELECT COALESCE(string_agg(body::text, ''), '') FROM scaffolder_event")
            .fetch_one(world.database.pool())
            .await
            .unwrap();
    assert!(!everything.contains("very-secret"));
    let kept: Option<String> =
        sqlx::query_scalar("SELECT secrets::text FROM scaffolder_task").fetch_one(world.database.pool()).await.unwrap();
    assert_eq!(kept, None);
    let task = serde_json::to_string(&world.scaffolder.task(&world.who, id).await.unwrap()).unwrap();
    assert!(!task.contains("very-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_fails_is_an_error_with_its_place() {
    let steps = "  steps:\n    - id: a\n      action: debug:log\n      input:\n        message: 'x ${{ parameters.missing | parseRepoUrl }}'\n";
    let world = World::new(&[("s/template.yaml", &template("s", steps))]).await;
    let (status, events) = world.run("s", json!({})).await;
    assert_eq!(status, "failed");
    let message = events.last().unwrap()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("input.message: ") && message.contains("line 1, column"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_for_github_runs_on_the_local_forge() {
    let github = SERVICE.replace("publish:repository", "publish:github").replace(
        "repoUrl: ${{ parameters.repoUrl }}",
        "repoUrl: ${{ parameters.repoUrl }}\n        allowedHosts: [github.com]\n        protectDefaultBranch: true\n        topics: []\n        secrets: { TOKEN: x }",
    );
    let mut files = files();
    files[0].1 = template("service", &github);
    let world = World::new(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>()).await;
    let warning = "the forge local has nothing like protectDefaultBranch, secrets, so that is left out";
    let plan = world.plan("service", answers("pay")).await.unwrap();
    assert_eq!(plan.warnings, [warning]);
    let (status, events) = world.run("service", answers("pay")).await;
    assert_eq!(status, "completed");
    assert!(messages(&events).contains(&format!("warn: {warning}")), "{:#?}", messages(&events));
    assert_eq!(world.files("acme/pay").await.len(), 3);
}
