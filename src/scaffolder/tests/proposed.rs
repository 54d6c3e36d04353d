//! Runs that propose changes to a repository that is there, and what of GitHub the local forge leaves out.

use super::runs::{answers, files};
use super::*;
use crate::forge::testing::{new_commit, written};
use crate::forge::{LogQuery, Parent, PullRequest};

const DOCS: &str = "  parameters:
    - properties:
        branch: { type: string, default: docs }
        update: { type: boolean, default: false }
        gone: { type: array, items: { type: string }, default: [] }
        text: { type: string, default: Words }
        whenEmpty: { type: boolean, default: true }
  steps:
    - id: write
      action: roadiehq:utils:fs:write
      input: { path: docs/index.md, content: '${{ parameters.text }}' }
    - id: propose
      action: publish:github:pull-request
      input:
        repoUrl: local?owner=acme&repo=pay
        branchName: ${{ parameters.branch }}
        title: Add documentation
        description: So that people know.
        update: ${{ parameters.update }}
        filesToDelete: ${{ parameters.gone }}
        createWhenEmpty: ${{ parameters.whenEmpty }}
        reviewers: [ada]
  output:
    links:
      - { title: Pull request, url: '${{ steps.propose.output.remoteUrl }}' }
    text:
      - { content: '${{ steps.propose.output.pullRequestNumber }} into ${{ steps.propose.output.targetBranchName }}' }
";

/// With the repository `acme/pay`, and the template `docs`.
async fn world() -> World {
    let mut files = files();
    files.push(("docs/template.yaml", template("docs", DOCS)));
    let world = World::at_rest(&named(&files), Limits::default()).await;
    world.start();
    assert_eq!(world.run("service", answers("pay")).await.0, "completed");
    world
}

fn named<'a>(files: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    files.iter().map(|(name, text)| (*name, text.as_str())).collect()
}

/// The answers, with what is different: defaults are the caller's business.
fn asked(different: Value) -> Value {
    let mut values = json!({"branch": "docs", "text": "Words", "update": false, "gone": [], "whenEmpty": true});
    values.as_object_mut().unwrap().extend(map(different));
    values
}

fn pay() -> RepositoryId {
    "acme/pay".parse().unwrap()
}

impl World {
    async fn pulls(&self) -> Vec<PullRequest> {
        self.forge.pull_requests(&pay()).await.unwrap()
    }

    /// The paths that a branch changes.
    async fn changed(&self, branch: &str) -> Vec<String> {
        let compared = self.forge.compare(&pay(), "main", branch, 10).await.unwrap();
        compared.changes.into_iter().map(|change| change.path).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_proposed_and_the_proposal_is_taken_back() {
    let world = world().await;
    let values = asked(json!({"gone": ["src", "nowhere.txt"]}));
    let plan = world.plan("docs", values.clone()).await.unwrap();
    let effect = &plan.effects[0];
    let sentence = "open a pull request in acme/pay from docs into main (files: 1 added, 1 deleted)";
    assert_eq!((effect.sentence.as_str(), effect.conflict.as_deref()), (sentence, None));
    let left_out = "the forge local has nothing like reviewers, so that is left out";
    assert_eq!(plan.warnings, [left_out]);
    assert!(world.pulls().await.is_empty());

    let id = world.begin("docs", values, json!({})).await;
    let (status, events) = world.end(id).await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    let output = &events.last().unwrap()["output"];
    assert_eq!(output["links"][0]["url"], "http://localhost:7007/repositories/acme/pay/pulls/1");
    assert_eq!(output["text"][0]["content"], "1 into main");
    let said = messages(&events);
    assert!(said.contains(&format!("warn: {left_out}")), "{said:#?}");
    assert!(said.contains(&"warn: `nowhere.txt` is to be deleted, but is not in acme/pay".to_owned()), "{said:#?}");
    let pull = &world.pulls().await[0];
    assert_eq!((pull.title.as_str(), pull.body.as_str()), ("Add documentation", "So that people know."));
    assert_eq!(pull.created_by.as_deref(), Some("user:default/guest"));
    assert_eq!(world.changed("docs").await, ["docs/index.md", "src/pay.txt"]);

    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    assert_eq!(undoable[0].sentence, "close pull request #1 of acme/pay and delete its branch docs");
    world.scaffolder.undo(&world.who, id, &["propose/opened".to_owned()]).await.unwrap();
    assert!(!world.pulls().await[0].is_open());
    assert!(world.forge.resolve(&pay(), "docs").await.is_err(), "the branch is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_an_earlier_step_creates_is_no_obstacle_to_a_plan() {
    let files = [("docs/template.yaml", template("docs", DOCS))];
    let world = World::at_rest(&named(&files), Limits::default()).await;
    let plan = world.plan("docs", asked(json!({}))).await.unwrap();
    assert!(plan.is_clear(), "{plan:#?}");
    assert_eq!(plan.effects[0].sentence, "open a pull request in acme/pay from docs");
    assert_eq!(plan.warnings, ["acme/pay is not there yet, so what docs changes in it is not known"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_there_is_only_committed_to_when_asked() {
    let world = world().await;
    assert_eq!(world.run("docs", asked(json!({}))).await.0, "completed");
    let taken = "branch `docs` of acme/pay exists already; choose another branchName, or set `update: true` to commit on top of it";
    let plan = world.plan("docs", asked(json!({}))).await.unwrap();
    assert_eq!(plan.effects[0].conflict.as_deref(), Some(taken));
    let (status, events) = world.run("docs", asked(json!({}))).await;
    assert_eq!(
        (status.as_str(), &events.last().unwrap()["error"]),
        ("failed", &json!({"name": "ConflictError", "message": taken}))
    );
    assert_eq!(world.run("docs", asked(json!({"update": true, "text": "Better"}))).await.0, "completed");
    assert_eq!(world.pulls().await.len(), 1);
    let compared = world.forge.compare(&pay(), "main", "docs", 10).await.unwrap();
    assert_eq!(compared.commits.len(), 2);
    let file = world.forge.read(&pay(), "docs", "docs/index.md").await.unwrap();
    assert_eq!(file.bytes, "Better");

    let same = asked(json!({"update": true, "text": "Better", "whenEmpty": false}));
    let (status, events) = world.run("docs", same).await;
    assert_eq!(status, "completed");
    let told = "info: acme/pay has all of this already, so no pull request is opened";
    assert!(messages(&events).contains(&told.to_owned()), "{:#?}", messages(&events));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_cut_off_proposes_nothing_twice() {
    let mut files = files();
    files.push(("docs/template.yaml", template("docs", DOCS)));
    let world = World::at_rest(&named(&files), Limits::default()).await;
    durable::repository(&world, "main").await;
    let id = world.begin("docs", asked(json!({})), json!({})).await;
    durable::die(&world, &[("propose", "pushing", json!(""), None)]).await;
    // It had committed, and died before it could note that.
    let parent = Parent::Fork(world.forge.resolve(&pay(), "main").await.unwrap());
    let message = format!("Add documentation\n\nGreenroom-Run: {id}");
    let commit = new_commit("docs", parent, written("docs/index.md", "Words"), message);
    world.forge.commit(&pay(), commit).await.unwrap();
    world.scaffolder.settle_abandoned(Duration::ZERO).await.unwrap();
    world.start();
    let (status, events) = world.end(id).await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    assert_eq!(world.pulls().await.len(), 1);
    assert_eq!(world.forge.compare(&pay(), "main", "docs", 10).await.unwrap().commits.len(), 1);
    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    assert_eq!(undoable[0].sentence, "close pull request #1 of acme/pay and delete its branch docs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_created_filled_and_set_up_step_by_step() {
    let steps = "  steps:
    - id: create
      action: github:repo:create
      input: { repoUrl: local?owner=acme&repo=pay, description: Pays, requiredLinearHistory: true }
    - id: write
      action: roadiehq:utils:fs:write
      input: { path: a.txt, content: A }
    - id: push
      action: github:repo:push
      input: { repoUrl: local?owner=acme&repo=pay, gitCommitMessage: Begin }
    - id: more
      action: roadiehq:utils:fs:write
      input: { path: b.txt, content: B }
    - id: again
      action: github:repo:push
      input: { repoUrl: local?owner=acme&repo=pay, gitCommitMessage: Go on }
    - id: environment
      action: github:environment:create
      input: { repoUrl: local?owner=acme&repo=pay, name: production }
    - id: nowhere
      if: ${{ failure() }}
      action: github:issues:create
      input: { repoUrl: local?owner=acme&repo=none, title: Lost }
";
    let world = World::new(&[("steps/template.yaml", &template("steps", steps))]).await;
    let plan = world.plan("steps", json!({})).await.unwrap();
    let sentences: Vec<&str> = plan.effects.iter().map(|effect| effect.sentence.as_str()).collect();
    assert_eq!(sentences, ["create repository acme/pay", "push 1 file to main", "push 2 files to main"]);
    let (status, events) = world.run("steps", json!({})).await;
    assert_eq!(status, "completed", "{:#?}", messages(&events));
    let log = LogQuery { revision: "main".to_owned(), path: None, skip: 0, limit: 10 };
    let commits = world.forge.log(&pay(), log).await.unwrap();
    assert_eq!(commits.iter().map(crate::forge::Commit::title).collect::<Vec<_>>(), ["Go on", "Begin"]);
    assert_eq!(world.files("acme/pay").await.len(), 2);
    let told =
        "warn: the forge local has no deployment environments, so github:environment:create is left out for acme/pay";
    assert!(messages(&events).contains(&told.to_owned()), "{:#?}", messages(&events));
}
