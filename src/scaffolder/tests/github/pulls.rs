//! Pull requests on GitHub: everything one can ask for, and proposals from a fork.

use super::*;

const PROPOSAL: &str = "  parameters:
    - properties:
        host: { type: string }
        name: { type: string }
  steps:
    - id: write
      action: roadiehq:utils:fs:write
      input: { path: docs/index.md, content: Words }
    - id: propose
      action: publish:github:pull-request
      input:
        repoUrl: ${{ parameters.host }}?owner=acme&repo=${{ parameters.name }}
        branchName: docs
        title: Add documentation
        description: So that people know.
";
const ASKED: &str = "        draft: true
        filesToDelete: [old, nowhere.txt]
        reviewers: [bob]
        teamReviewers: [platform]
        assignees: [bob]
        gitAuthorName: Ada
        gitAuthorEmail: ada@acme.example
        update: ${{ parameters.name === 'again' }}
";
const OWN: &str = "        token: ${{ secrets.token }}\n";
const OUTPUT: &str = "  output:
    links:
      - { title: Pull request, url: '${{ steps.propose.output.remoteUrl }}' }
";

/// `acme/pay`, public, and Eve, who is not in the organisation.
fn wanted() -> Value {
    let mut wanted = crate::forge::github::testing::acme();
    let files = json!({"README.md": "# Pay\n", "old/a.txt": "a", "old/b.txt": "b"});
    wanted["repositories"] = json!([
        {"owner": "acme", "name": "pay", "visibility": "public", "files": files, "teams": {"platform": "push"}},
    ]);
    wanted["tokens"].as_array_mut().unwrap().extend([
        json!({"token": "ghp_eve", "user": "eve", "scopes": ["repo", "workflow"]}),
        json!({"token": "ghp_late", "user": "eve", "scopes": ["repo"], "expiresAt": "2020-01-01T00:00:00Z"}),
    ]);
    wanted
}

async fn stage(steps: &[&str]) -> Option<(Model, World)> {
    let model = Model::new(wanted()).await?;
    let world = portal(&model, &steps.concat()).await;
    Some((model, world))
}

impl World {
    /// A run with a token among its secrets; its id, how it ended and what it said.
    async fn propose(&self, model: &Model, token: &str) -> (Uuid, String, Vec<String>) {
        let values = json!({"host": model.host(), "name": "pay"});
        let id = self.begin("everything", values, json!({"token": token})).await;
        let (status, events) = self.end(id).await;
        let mut said = messages(&events);
        said.push(events.last().unwrap()["error"]["message"].as_str().unwrap_or_default().to_owned());
        (id, status, said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_a_pull_request_can_have_is_there_and_is_taken_back() {
    let Some((model, world)) = stage(&[PROPOSAL, ASKED, OUTPUT]).await else { return };
    let (id, status, said) = world.propose(&model, "").await;
    assert_eq!(status, "completed", "{said:#?}");
    let pay = model.repository("acme/pay").await;
    let pull = &pay["pulls"][0];
    let expected = json!({"number": 1, "title": "Add documentation", "body": "So that people know.", "draft": true,
        "state": "open", "assignees": ["bob"], "reviewers": ["bob"], "teams": ["platform"]});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&pull[key], value, "{key}: {pull:#}");
    }
    let branches = pay["branches"].as_array().unwrap();
    let docs = branches.iter().find(|one| one["name"] == "docs").unwrap();
    assert_eq!((&docs["files"], &docs["author"]["name"]), (&json!(2), &json!("Ada")), "{docs:#}");
    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    assert_eq!(undoable[0].sentence, "close pull request #1 of acme/pay and delete its branch docs");
    world.scaffolder.undo(&world.who, id, &["propose/opened".to_owned()]).await.unwrap();
    let pay = model.repository("acme/pay").await;
    assert_eq!((&pay["pulls"][0]["state"], pay["branches"].as_array().unwrap().len()), (&json!("closed"), 1));
    model.assert_lawful().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_push_proposes_from_a_fork() {
    let Some((model, world)) = stage(&[PROPOSAL, OWN, OUTPUT]).await else { return };
    // The fork is made in the background, and the answer to the first request for it is lost.
    model.fault(json!({"method": "POST", "path": "/repos/acme/pay/forks$", "kind": "cut-after"})).await;
    let (id, status, said) = world.propose(&model, "ghp_eve").await;
    assert_eq!(status, "completed", "{said:#?}");
    assert!(said.iter().any(|line| line.contains("Committed to docs of eve/pay, files: 1 added")), "{said:#?}");
    let fork = model.repository("eve/pay").await;
    assert_eq!((&fork["fork"], &fork["parent"]), (&json!(true), &json!("acme/pay")));
    let pay = model.repository("acme/pay").await;
    assert_eq!(pay["branches"].as_array().unwrap().len(), 1, "nothing is written to the repository itself");
    let pull = &pay["pulls"][0];
    assert_eq!((&pull["head"]["repository"], &pull["user"]), (&json!("eve/pay"), &json!("eve")), "{pull:#}");
    // The same again: the branch is there.
    let (_, status, said) = world.propose(&model, "ghp_eve").await;
    assert_eq!(status, "failed");
    assert!(said.last().unwrap().starts_with("branch `docs` of eve/pay exists already"), "{said:#?}");
    let undoable = world.scaffolder.undoable(&world.who, id).await.unwrap();
    assert_eq!(undoable[0].sentence, "close pull request #1 of acme/pay; its branch docs stays in the fork eve/pay");
    world.scaffolder.undo(&world.who, id, &["propose/opened".to_owned()]).await.unwrap();
    assert_eq!(model.repository("acme/pay").await["pulls"][0]["state"], "closed");
    model.assert_lawful().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_can_be_asked_for_and_a_namesake_is_in_its_way() {
    let force = "        forceFork: true\n";
    let Some((model, world)) = stage(&[PROPOSAL, OWN, force, OUTPUT]).await else { return };
    // Ada could push.
    let (_, status, said) = world.propose(&model, "ghp_ada").await;
    assert_eq!(status, "completed", "{said:#?}");
    assert_eq!(model.repository("acme/pay").await["pulls"][0]["head"]["repository"], "ada/pay");
    model.event(json!({"kind": "create", "repository": "eve/pay", "files": {"a": "b"}})).await;
    let (_, status, said) = world.propose(&model, "ghp_eve").await;
    let namesake = "eve/pay is there and is no fork of acme/pay; rename it, so that the fork can have its name";
    assert_eq!((status.as_str(), said.last().unwrap().as_str()), ("failed", namesake));
    let (_, status, said) = world.propose(&model, "ghp_late").await;
    assert_eq!(status, "failed");
    let expired =
        "does not take the `token` of the step, it is wrong or has expired; sign in again, or give the step another";
    assert!(said.last().unwrap().ends_with(expired), "{said:#?}");
    model.assert_lawful().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_review_is_left_out_as_in_backstage() {
    let Some((model, world)) = stage(&[PROPOSAL, "        reviewers: [eve]\n", OUTPUT]).await else { return };
    let (_, status, said) = world.propose(&model, "").await;
    assert_eq!(status, "completed", "{said:#?}");
    let told = "warn: Skipping the reviewers, cannot set the reviewers of #1 of acme/pay";
    assert!(said.iter().any(|line| line.starts_with(told)), "{said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_no_forks() {
    let Some((model, world)) = stage(&[PROPOSAL, "        forceFork: true\n", OUTPUT]).await else { return };
    let (_, status, said) = world.propose(&model, "").await;
    assert_eq!(status, "failed");
    assert!(
        said.last().unwrap().contains("a GitHub App has no forks; give the step the `token` of a person"),
        "{said:#?}"
    );
}

/// Where GitHub lists only a part of all files, the folders that are concerned are read.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_too_large_to_be_listed_takes_a_pull_request() {
    let mut wanted = wanted();
    let many = (0..40).map(|at| (format!("many/{at:02}.txt"), json!("x")));
    let mut files: Map<String, Value> = many.collect();
    files.extend(map(json!({"docs/index.md": "Words", "docs/old.md": "o", "old/a.txt": "a", "old/deep/b.txt": "b"})));
    wanted["repositories"][0]["files"] = json!(files);
    wanted["limits"] = json!({"treeEntries": 20});
    let Some(model) = Model::new(wanted).await else { return };
    let more = "    - id: more
      action: roadiehq:utils:fs:write
      input: { path: new/folder/file.txt, content: New }
";
    let (before, after) = PROPOSAL.split_once("    - id: propose").unwrap();
    let gone = "        filesToDelete: [old, docs/old.md, nowhere/at/all.txt]\n";
    let world = portal(&model, &[before, more, "    - id: propose", after, gone, OUTPUT].concat()).await;
    let (_, status, said) = world.propose(&model, "").await;
    assert_eq!(status, "completed", "{said:#?}");
    // `docs/index.md` is there already, as it is.
    assert!(said.iter().any(|line| line.contains("files: 1 added, 2 deleted")), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("`nowhere/at/all.txt` is to be deleted, but is not in")), "{said:#?}");
    let pay = model.repository("acme/pay").await;
    let branches = pay["branches"].as_array().unwrap();
    let docs = branches.iter().find(|one| one["name"] == "docs").unwrap();
    assert_eq!(docs["files"], 42, "{docs:#}");
    let listed = model.requests().await.into_iter().filter(|line| line.contains("/git/trees/")).count();
    assert!(listed <= 12, "{listed}");
    model.assert_lawful().await;
}
