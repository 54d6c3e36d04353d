//! Runs that work on GitHub: everything a template can ask for, few requests, and every call failing once.

mod faults;
mod fetching;
mod pulls;
mod same;

use super::*;
use crate::forge::GitHub;
use crate::forge::github::Tempo;
use crate::forge::github::testing::World as Model;

/// A service with all that belongs to one.
const EVERYTHING: &str = "  parameters:
    - properties:
        host: { type: string }
        name: { type: string }
  steps:
    - id: write
      each: ${{ range(30) }}
      action: roadiehq:utils:fs:write
      input: { path: 'src/${{ each.value }}.txt', content: 'file ${{ each.value }}' }
    - id: pipeline
      action: roadiehq:utils:fs:write
      input: { path: .github/workflows/ci.yaml, content: \"name: ci\\non: { workflow_dispatch: {} }\\njobs: {}\\n\" }
    - id: publish
      action: publish:github
      input:
        repoUrl: ${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}
        description: Takes payments
        homepage: https://pay.acme.example
        repoVisibility: internal
        topics: [Payments]
        access: acme/platform
        collaborators: [{ user: 'user:default/bob', access: push }]
        deleteBranchOnMerge: true
        repoVariables: { REGION: eu }
        secrets: { REGISTRY_TOKEN: '${{ secrets.registry }}' }
        requireCodeOwnerReviews: true
        requiredStatusCheckContexts: [ci]
    - id: environment
      each: [dev, staging, prod]
      action: github:environment:create
      input:
        repoUrl: ${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}
        name: ${{ each.value }}
        waitTimer: ${{ 10 if each.value === 'prod' else 0 }}
        reviewers: ['group:default/platform']
        secrets: { KEY: 'key of ${{ each.value }}' }
        environmentVariables: { STAGE: '${{ each.value }}' }
    - id: hook
      action: github:webhook
      input:
        repoUrl: ${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}
        webhookUrl: https://hooks.acme.example/github
        webhookSecret: very-secret
        events: [push, pull_request]
        contentType: json
    - id: issue
      action: github:issues:create
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}', title: Say who is on call, labels: [ops] }
    - id: label
      action: github:issues:label
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}', number: '${{ steps.issue.output.issueNumber }}', labels: [ops, service] }
    - id: link
      action: github:autolinks:create
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}', keyPrefix: PAY-, urlTemplate: 'https://tickets.acme.example/PAY-<num>' }
    - id: rules
      action: github:ruleset:create
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}', name: tags, target: tag, include: ['~ALL'], rules: [{ type: deletion }] }
    - id: dispatch
      action: github:actions:dispatch
      input: { repoUrl: '${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}', workflowId: ci.yaml, branchOrTagName: main }
  output:
    links:
      - { title: Repository, url: '${{ steps.publish.output.remoteUrl }}' }
    text:
      - { content: 'issue ${{ steps.issue.output.issueNumber }}, run ${{ steps.dispatch.output.workflowRunId }}' }
";

/// A portal with a template that works on a model of GitHub.
async fn portal(model: &Model, steps: &str) -> World {
    let github = GitHub::with_tempo(
        &serde_json::from_value(model.with_app()).unwrap(),
        // Waiting for a limit takes a fiftieth of the time.
        Tempo { second: Duration::from_millis(20) },
    );
    let text = template("everything", steps);
    let (folder, config) = World::laid_out(&[("everything/template.yaml", &text)]);
    let world = World::beside(folder, config, Limits::default(), vec![Arc::new(github.unwrap())]).await;
    world.start();
    world
}

impl World {
    async fn make(&self, model: &Model, name: &str) -> (Uuid, String, Vec<Value>) {
        let values = json!({"host": model.host(), "name": name});
        let id = self.begin("everything", values, json!({"registry": "hunter2"})).await;
        let (status, events) = self.end(id).await;
        (id, status, events)
    }
}

/// What GitHub holds of a repository in the end, without what differs from one to the next.
fn essence(repository: &Value) -> Value {
    let parts = |list: &str, keys: &[&str]| -> Vec<Value> {
        let entries = repository[list].as_array().into_iter().flatten();
        entries.map(|entry| keys.iter().map(|key| ((*key).to_owned(), entry[*key].clone())).collect()).collect()
    };
    let plain = [
        "description",
        "homepage",
        "visibility",
        "topics",
        "settings",
        "collaborators",
        "teams",
        "variables",
        "secrets",
        "protection",
    ];
    let mut essence: Map<String, Value> =
        plain.iter().map(|key| ((*key).to_owned(), repository[*key].clone())).collect();
    essence.extend([
        ("branches".to_owned(), json!(parts("branches", &["name", "tree", "commits", "files"]))),
        ("rulesets".to_owned(), json!(parts("rulesets", &["name", "target", "rules"]))),
        (
            "environments".to_owned(),
            json!(parts("environments", &["name", "reviewers", "waitTimer", "variables", "secrets"])),
        ),
        ("hooks".to_owned(), json!(parts("hooks", &["active", "events", "config"]))),
        ("autolinks".to_owned(), json!(parts("autolinks", &["keyPrefix", "urlTemplate"]))),
        ("issues".to_owned(), json!(parts("issues", &["title", "state", "labels"]))),
        ("runs".to_owned(), json!(repository["runs"].as_array().map(Vec::len))),
    ]);
    Value::Object(essence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_gets_everything_it_needs_by_few_requests_and_is_undone() {
    let Some(model) = Model::acme().await else { return };
    let world = portal(&model, EVERYTHING).await;
    let values = json!({"host": model.host(), "name": "pay"});
    let (everything, secrets) =
        (EntityRef::new("template", "default", "everything"), map(json!({"registry": "hunter2"})));
    let plan = world.scaffolder.plan(&world.who, &everything, map(values), secrets).await.unwrap();
    assert!(plan.is_clear(), "{plan:#?}");
    let told: Vec<&str> = plan.effects.iter().map(|effect| effect.sentence.as_str()).collect();
    for sentence in [
        "create repository acme/pay",
        "set secrets of acme/pay: REGISTRY_TOKEN",
        "protect branch main of acme/pay",
        "set up environment prod in acme/pay",
        "set up webhook https://hooks.acme.example/github in acme/pay",
        "run workflow ci.yaml of acme/pay on main",
    ] {
        assert!(told.contains(&sentence), "{sentence}: {told:#?}");
    }
    model.requests().await;
    let (id, status, events) = world.make(&model, "pay").await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    let asked = model.requests().await;
    println!("requests of a service with everything: {}\n{}", asked.len(), asked.join("\n"));
    model.assert_lawful().await;
    let pay = essence(&model.repository("acme/pay").await);
    let expected = json!({
        "description": "Takes payments", "homepage": "https://pay.acme.example", "visibility": "internal",
        "topics": ["payments"], "teams": {"platform": "admin"}, "collaborators": {"bob": "write"},
        "variables": {"REGION": "eu"}, "secrets": {"REGISTRY_TOKEN": "hunter2"}, "runs": 1,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&pay[key], value, "{key}");
    }
    assert_eq!((&pay["branches"][0]["files"], &pay["branches"][0]["commits"]), (&json!(31), &json!(1)));
    assert_eq!(pay["protection"]["main"]["required_status_checks"]["contexts"], json!(["ci"]));
    let environments: Vec<_> =
        pay["environments"].as_array().unwrap().iter().map(|one| &one["secrets"]["KEY"]).collect();
    assert_eq!(environments, ["key of dev", "key of staging", "key of prod"]);
    assert_eq!(pay["hooks"][0]["config"]["secret"], "very-secret");
    assert_eq!(world.scaffolder.made(&world.who, id).await.unwrap().len(), 10);
    let again = world.make(&model, "pay").await;
    assert_eq!(again.1, "failed");
    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    assert!(undoable.iter().any(|one| one.sentence == "delete repository acme/pay"), "{undoable:#?}");
    let hook: Vec<String> =
        undoable.iter().filter(|one| one.sentence.contains("webhook")).map(|one| one.id.clone()).collect();
    world.scaffolder.undo(&world.who, id, &hook).await.unwrap();
    assert_eq!(model.repository("acme/pay").await["hooks"], json!([]));
}

/// What the field calls a service: 31 files, three environments with two secrets each, protection.
#[tokio::test(flavor = "multi_thread")]
async fn a_protected_repository_with_three_environments_is_at_most_forty_requests() {
    let Some(model) = Model::acme().await else { return };
    let until = EVERYTHING.find("    - id: hook\n").unwrap();
    let environments = EVERYTHING[..until]
        .replace("        reviewers: ['group:default/platform']\n", "")
        .replace("        environmentVariables: { STAGE: '${{ each.value }}' }\n", "")
        .replace("{ KEY: 'key of ${{ each.value }}' }", "{ KEY: 'key of ${{ each.value }}', TOKEN: token }")
        .replace(
            "        repoVariables: { REGION: eu }\n        secrets: { REGISTRY_TOKEN: '${{ secrets.registry }}' }\n",
            "",
        );
    let world = portal(&model, &environments).await;
    model.requests().await;
    let (_, status, events) = world.make(&model, "pay").await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    let log = model.request_log().await;
    let mut kinds: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for entry in &log {
        *kinds.entry(entry["kind"].as_str().unwrap_or("other").to_owned()).or_default() += 1;
    }
    println!("31 files, 3 environments, 6 secrets, protection: {} requests, {kinds:?}", log.len());
    assert!(log.len() <= 40, "{:#?}", model.requests().await);
    model.assert_lawful().await;
}
