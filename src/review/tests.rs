//! Pull requests on the model of GitHub.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::catalog::ReadingRules;
use crate::forge::github::testing::{World, acme};

const GOOD: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pay\nspec:\n  type: service\n  lifecycle: production\n  owner: platform\n";
const TEMPLATE: &str = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata:\n  name: made\nspec:\n  owner: platform\n  type: service\n  parameters: []\n  steps:\n    - id: say\n      action: debug:lag\n      input:\n        message: hello\n";
const SECRET: &str = "a secret of acme";

/// A GitHub with two repositories, and a review of it.
async fn stage() -> Option<(World, Review)> {
    // The program does this once at its start; a second time is not an error that matters here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut wanted = acme();
    wanted["repositories"] = json!([
        {"owner": "acme", "name": "pay", "files": {"catalog-info.yaml": GOOD, "src/main.rs": "fn main() {}\n"}},
        {"owner": "acme", "name": "private", "files": {"secret.txt": SECRET}},
    ]);
    let world = World::new(wanted).await?;
    let forges = Forges::new([Arc::new(World::github(&world.with_app())) as Arc<dyn crate::forge::Forge>]);
    let reader = Reader::new(forges.clone(), ReadingRules::default());
    let actions = crate::app::known_actions().unwrap();
    let review = Review::new(forges, reader, actions, Model::default(), Subjects::new(["/entity.yaml"]).unwrap());
    Some((world, review))
}

/// Opens a pull request with these files; gives it.
async fn proposed(world: &World, branch: &str, files: Value) -> Proposal {
    let commit = json!({"kind": "commit", "repository": "acme/pay", "branch": branch, "files": files});
    let head = world.event(commit).await["sha"].as_str().unwrap().to_owned();
    let pull = world.event(json!({"kind": "pull", "repository": "acme/pay", "head": branch})).await;
    let number = pull["number"].as_u64().unwrap();
    Proposal { host: world.host(), repository: "acme/pay".parse().unwrap(), number, head }
}

/// The checks of the repository, as the model keeps them.
async fn checks(world: &World) -> Vec<Value> {
    let repository = world.repository("acme/pay").await;
    let all = repository["checkRuns"].as_array().or_else(|| repository["check_runs"].as_array());
    all.unwrap_or_else(|| panic!("no checks in {repository:#}")).clone()
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_line_and_is_said_once() {
    let Some((world, review)) = stage().await else { return };
    let files = json!({
        "catalog-info.yaml": GOOD.replace("  owner: platform\n", ""),
        "templates/made/template.yaml": TEMPLATE,
        "entity.yaml": "kind: [",
        "skeleton/catalog-info.yaml": GOOD.replace("pay", "${{ values.name }}"),
        "src/main.rs": "fn main() { panic!() }\n",
    });
    let proposal = proposed(&world, "change", files).await;
    let verdict = review.check(&proposal).await.unwrap().unwrap();
    assert_eq!(verdict.files, ["catalog-info.yaml", "entity.yaml", "templates/made/template.yaml"]);
    let shown: Vec<String> =
        verdict.findings.iter().map(|found| format!("{}:{}", found.file.display(), found.line)).collect();
    assert_eq!(
        shown,
        ["catalog-info.yaml:5", "entity.yaml:1", "templates/made/template.yaml:11"],
        "{:#?}",
        verdict.findings
    );

    let written = checks(&world).await;
    assert_eq!(written.len(), 1, "{written:#?}");
    assert_eq!((&written[0]["name"], &written[0]["conclusion"]), (&json!("Greenroom"), &json!("failure")));
    let annotations = written[0]["annotations"].as_array().unwrap();
    assert_eq!(annotations.len(), 3);
    assert_eq!(annotations[2]["start_line"], 11);
    assert!(annotations[2]["message"].as_str().unwrap().contains("debug:log"), "{}", annotations[2]);

    // Delivered again, nothing is written again.
    world.requests().await;
    review.check(&proposal).await.unwrap();
    let writes = world.requests().await.into_iter().filter(|line| !line.starts_with("GET")).collect::<Vec<_>>();
    assert_eq!(writes, Vec::<String>::new());
    assert_eq!(checks(&world).await.len(), 1);
    world.assert_lawful().await;
}

#[tokio::test]
async fn what_is_right_is_said_too_and_what_is_no_descriptor_is_nobodys_business() {
    let Some((world, review)) = stage().await else { return };
    let right =
        proposed(&world, "right", json!({"catalog-info.yaml": GOOD.replace("production", "experimental")})).await;
    assert_eq!(review.check(&right).await.unwrap().unwrap().findings, Vec::new());
    assert_eq!(checks(&world).await[0]["conclusion"], "success");
    let other = proposed(&world, "other", json!({"src/main.rs": "fn main() { todo!() }\n"})).await;
    assert_eq!(review.check(&other).await.unwrap(), None);
    assert_eq!(checks(&world).await.len(), 1);
    world.assert_lawful().await;
}

#[tokio::test]
async fn more_remarks_than_one_request_takes_go_up_in_parts_also_when_one_is_cut() {
    let Some((world, review)) = stage().await else { return };
    let one = |number: usize| format!("---\nkind: Component\nmetadata: {{ name: n{number} }}\n");
    let many = (0..120).map(one).collect::<Vec<_>>().concat();
    let proposal = proposed(&world, "many", json!({"catalog-info.yaml": many})).await;
    world.fault(json!({"method": "PATCH", "path": "/check-runs/", "kind": "cut-after", "times": 9})).await;
    assert!(review.check(&proposal).await.is_err());
    let halfway = checks(&world).await;
    assert_eq!((halfway.len(), &halfway[0]["status"]), (1, &json!("in_progress")));
    world.no_faults().await;
    review.check(&proposal).await.unwrap();
    let written = checks(&world).await;
    assert_eq!((written.len(), &written[0]["status"]), (1, &json!("completed")));
    let lines: Vec<_> =
        written[0]["annotations"].as_array().unwrap().iter().map(|one| one["start_line"].clone()).collect();
    let mut once = lines.clone();
    once.dedup();
    assert_eq!((lines.len(), once.len()), (120, 120), "every remark once");
    world.assert_lawful().await;
}

#[tokio::test]
async fn a_proposal_cannot_bring_in_what_only_the_portal_may_see() {
    let Some((world, review)) = stage().await else { return };
    let secret = format!("http://{}/acme/private/blob/main/secret.txt", world.host());
    let thief = GOOD.replace("type: service", &format!("type: {{ $text: \"{secret}\" }}"));
    let api = GOOD
        .replace("kind: Component", "kind: API")
        .replace("type: service", "type: openapi\n  definition:\n    $text: ./api.yaml");
    let files = json!({"catalog-info.yaml": format!("{thief}---\n{api}"), "api.yaml": "openapi: 3.1.0\n"});
    let proposal = proposed(&world, "thief", files).await;
    world.requests().await;
    let verdict = review.check(&proposal).await.unwrap().unwrap();
    assert!(!world.requests().await.iter().any(|line| line.contains("/acme/private")));
    let told = format!("{:?}", (verdict.findings, checks(&world).await));
    assert!(!told.contains(SECRET), "{told}");
    assert!(told.contains("is outside of the repository that is looked at"), "{told}");
    assert!(told.contains("\"neutral\""), "{told}");
}

#[tokio::test]
async fn a_token_cannot_write_checks_and_says_so() {
    let Some((world, _)) = stage().await else { return };
    let forges = Forges::new([Arc::new(World::github(&world.with_token("ghp_ada"))) as Arc<dyn crate::forge::Forge>]);
    let reader = Reader::new(forges.clone(), ReadingRules::default());
    let review = Review::new(forges, reader, ActionRegistry::default(), Model::default(), Subjects::new([]).unwrap());
    let proposal =
        proposed(&world, "right", json!({"catalog-info.yaml": GOOD.replace("production", "experimental")})).await;
    let error = review.check(&proposal).await.unwrap_err().to_string();
    assert!(error.contains("You must authenticate via a GitHub App"), "{error}");
}
