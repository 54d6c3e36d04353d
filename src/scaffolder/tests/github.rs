//! Runs that work on GitHub: everything a template can ask for, few requests, and every call failing once.

mod faults;

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

/// A portal whose templates work on a model of GitHub.
async fn portal(model: &Model) -> World {
    let github = GitHub::with_tempo(
        &serde_json::from_value(model.with_app()).unwrap(),
        // Waiting for a limit takes a fiftieth of the time.
        Tempo { second: Duration::from_millis(20) },
    );
    let text = template("everything", EVERYTHING);
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
    let names = |key: &str, name: &str| -> Vec<Value> {
        match &repository[key] {
            Value::Array(list) => {
                list.iter().map(|entry| entry.get(name).cloned().unwrap_or_else(|| entry.clone())).collect()
            }
            Value::Object(map) => map.keys().map(|key| json!(key)).collect(),
            _ => Vec::new(),
        }
    };
    json!({
        "description": repository["description"], "homepage": repository["homepage"], "visibility": repository["visibility"],
        "topics": repository["topics"], "tree": repository["branches"],
        "protection": names("protection", "branch"), "rulesets": names("rulesets", "name"),
        "environments": repository["environments"], "hooks": repository["hooks"].as_array().map(Vec::len),
        "autolinks": names("autolinks", "key_prefix"), "issues": repository["issues"].as_array().map(Vec::len),
        "runs": repository["runs"].as_array().map(Vec::len),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_gets_everything_it_needs_by_few_requests_and_is_undone() {
    let Some(model) = Model::acme().await else { return };
    let world = portal(&model).await;
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
    let pay = model.repository("acme/pay").await;
    println!("{pay:#}");
    assert_eq!(world.scaffolder.made(&world.who, id).await.unwrap().len(), 11);
    let again = world.make(&model, "pay").await;
    assert_eq!(again.1, "failed");
    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    assert!(undoable.iter().any(|one| one.sentence == "delete repository acme/pay"), "{undoable:#?}");
}
