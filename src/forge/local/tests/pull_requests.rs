//! Proposals, and what merging them leaves.

use super::*;
use crate::forge::{MergeMethod, testing::written};

const LINES: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";

fn proposal(head: &str) -> NewPullRequest {
    NewPullRequest {
        title: format!("Bring {head}"),
        body: "Because.".to_owned(),
        head: head.to_owned(),
        base: "main".to_owned(),
        draft: false,
        created_by: Some("user:default/ada".to_owned()),
    }
}

fn new_merge(method: MergeMethod) -> NewMerge {
    let time = DateTime::parse_from_rfc3339("2026-03-02T10:00:00+02:00").unwrap();
    let who = Signature { name: "Bo".to_owned(), email: "bo@acme.example".to_owned(), time };
    NewMerge { method, who, by: Some("user:default/bo".to_owned()), seen: None, delete_branch: true }
}

impl Fixture {
    /// `acme/api` with a text on `main` and branches that change it.
    async fn with_branches(branches: &[(&str, Contents)]) -> (Self, RepositoryId) {
        let (fixture, id) = Self::with_repository().await;
        let first = fixture.commit(&id, tree(&[("text", LINES), ("other", "same\n")])).await;
        for (branch, contents) in branches {
            fixture.on_branch(&id, branch, Parent::Fork(first.id.clone()), contents.clone()).await;
        }
        (fixture, id)
    }

    async fn on_branch(&self, id: &RepositoryId, branch: &str, parent: Parent, contents: Contents) -> Commit {
        let new = NewCommit { branch: branch.to_owned(), ..new_commit(parent, contents) };
        self.forge.commit(id, new).await.unwrap()
    }

    async fn text(&self, id: &RepositoryId, path: &str) -> String {
        String::from_utf8(self.forge.read(id, "main", path).await.unwrap().bytes.to_vec()).unwrap()
    }
}

#[tokio::test]
async fn a_proposal_is_looked_at_and_merged() {
    let (fixture, id) = Fixture::with_branches(&[("fix", written("text", &LINES.replace("two", "TWO")))]).await;
    let forge = &fixture.forge;
    let opened = forge.propose(&id, proposal("fix")).await.unwrap();
    assert_eq!((opened.number, opened.is_open()), (1, true));
    assert_eq!(forge.pull_request(&id, 1).await.unwrap(), opened);
    let again = forge.propose(&id, proposal("fix")).await.unwrap_err();
    assert_eq!(again.to_string(), "pull request #1 from `fix` into `main` is open already");

    let compared = forge.compare(&id, "main", "fix", 10).await.unwrap();
    assert_eq!(compared.commits.iter().map(Commit::title).collect::<Vec<_>>(), ["Change things"]);
    assert_eq!(compared.changes.iter().map(|change| &change.path).collect::<Vec<_>>(), ["text"]);
    assert!(compared.conflicts.is_empty());

    let tip = forge.resolve(&id, "fix").await.unwrap();
    let stale = NewMerge { seen: Some("0".repeat(40)), ..new_merge(MergeMethod::Merge) };
    assert!(matches!(forge.merge(&id, 1, stale).await, Err(ForgeError::Conflict { .. })));
    let merged = forge.merge(&id, 1, new_merge(MergeMethod::Merge)).await.unwrap();
    let end = merged.end.clone().unwrap();
    let commit = forge.changes(&id, &end.merged.unwrap()).await.unwrap().commit;
    assert_eq!(commit.message, "Merge pull request #1 from fix\n\nBring fix\n");
    assert_eq!(commit.parents[1], tip);
    assert_eq!(fixture.text(&id, "text").await, LINES.replace("two", "TWO"));
    assert_eq!(forge.merge(&id, 1, new_merge(MergeMethod::Squash)).await.unwrap(), merged, "merged once");
    assert!(forge.resolve(&id, "fix").await.is_err(), "the branch is gone");
    let (common, head) = end.between.unwrap();
    assert_eq!(forge.compare(&id, &common, &head, 10).await.unwrap().changes, compared.changes);
    fixture.fsck(&id);
    assert_eq!(git(&fixture.path(&id), &["rev-parse", "refs/pull/1/head"]).trim(), tip);
}

#[tokio::test]
async fn changes_of_both_sides_are_put_together_line_by_line() {
    let (fixture, id) = Fixture::with_branches(&[
        ("one", written("text", &LINES.replace("one", "ONE"))),
        ("nine", written("text", &LINES.replace("nine", "NINE"))),
        ("against", written("text", &LINES.replace("one", "uno"))),
    ])
    .await;
    let forge = &fixture.forge;
    for head in ["one", "nine", "against"] {
        forge.propose(&id, proposal(head)).await.unwrap();
    }
    forge.merge(&id, 1, new_merge(MergeMethod::Merge)).await.unwrap();
    let squashed = forge.merge(&id, 2, new_merge(MergeMethod::Squash)).await.unwrap();
    let commit = forge.changes(&id, &squashed.end.unwrap().merged.unwrap()).await.unwrap().commit;
    assert_eq!((commit.message.as_str(), commit.parents.len()), ("Bring nine (#2)\n\nBecause.\n", 1));
    assert_eq!(fixture.text(&id, "text").await, LINES.replace("one", "ONE").replace("nine", "NINE"));

    assert_eq!(forge.compare(&id, "main", "against", 1).await.unwrap().conflicts, ["text"]);
    let refused = forge.merge(&id, 3, new_merge(MergeMethod::Merge)).await.unwrap_err();
    let words = "pull request #3 cannot be merged: `against` and `main` changed text in ways that do not go together; \
                 commit to `against` what both should become";
    assert_eq!(refused.to_string(), words);
    assert_eq!(forge.pull_requests(&id).await.unwrap().iter().map(|pull| pull.number).collect::<Vec<_>>(), [3, 2, 1]);
    fixture.fsck(&id);
}

#[tokio::test]
async fn a_merge_that_was_cut_off_after_its_commit_is_only_noted() {
    let (fixture, id) = Fixture::with_branches(&[("fix", written("other", "new\n"))]).await;
    let forge = &fixture.forge;
    let opened = forge.propose(&id, proposal("fix")).await.unwrap();
    forge.merge(&id, 1, NewMerge { delete_branch: false, ..new_merge(MergeMethod::Squash) }).await.unwrap();
    let tip = forge.resolve(&id, "main").await.unwrap();
    // As it was before its end was written.
    let file = fixture.path(&id).join("pulls/1.json");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, serde_json::to_vec(&opened).unwrap()).unwrap();
    let merged = forge.merge(&id, 1, new_merge(MergeMethod::Squash)).await.unwrap();
    assert_eq!(merged.end.unwrap().merged, Some(tip.clone()));
    assert_eq!(forge.resolve(&id, "main").await.unwrap(), tip);
}

#[tokio::test]
async fn drafts_wait_and_closed_ones_stay_closed() {
    let (fixture, id) = Fixture::with_branches(&[("fix", written("other", "new\n"))]).await;
    let forge = &fixture.forge;
    forge.propose(&id, NewPullRequest { draft: true, ..proposal("fix") }).await.unwrap();
    let refused = forge.merge(&id, 1, new_merge(MergeMethod::Merge)).await.unwrap_err();
    assert_eq!(refused.to_string(), "pull request #1 cannot be merged: it is a draft; mark it as ready first");
    assert!(!forge.ready(&id, 1).await.unwrap().draft);
    let closed = forge.close(&id, 1, Some("user:default/bo")).await.unwrap();
    assert_eq!(closed.end.as_ref().unwrap().by.as_deref(), Some("user:default/bo"));
    assert_eq!(forge.close(&id, 1, None).await.unwrap(), closed);
    let refused = forge.merge(&id, 1, new_merge(MergeMethod::Merge)).await.unwrap_err();
    assert_eq!(refused.to_string(), "pull request #1 cannot be merged: it was closed; open a new one");

    assert_eq!(forge.propose(&id, proposal("fix")).await.unwrap().number, 2);
    let tip = forge.resolve(&id, "fix").await.unwrap();
    assert!(matches!(forge.delete_branch(&id, "fix", &"0".repeat(40)).await, Err(ForgeError::Conflict { .. })));
    forge.delete_branch(&id, "fix", &tip).await.unwrap();
    assert!(forge.close(&id, 2, None).await.unwrap().end.unwrap().between.is_none());
}

#[tokio::test]
async fn what_cannot_be_proposed_says_why() {
    let (fixture, id) = Fixture::with_branches(&[("fix", written("other", "new\n"))]).await;
    let forge = &fixture.forge;
    let same = NewPullRequest { head: "main".to_owned(), ..proposal("fix") };
    let nameless = NewPullRequest { title: " ".to_owned(), ..proposal("fix") };
    for (new, words) in [
        (same, "`main` has no commit that `main` has not; commit to it first"),
        (nameless, "pull request title \"\" is empty; say what changes"),
        (proposal("none"), "revision `refs/heads/none` in `acme/api` not found"),
    ] {
        assert_eq!(forge.propose(&id, new).await.unwrap_err().to_string(), words);
    }
    let missing = forge.pull_request(&id, 7).await.unwrap_err();
    assert_eq!(missing.to_string(), "pull request #7 of `acme/api` not found");
    assert!(forge.pull_requests(&id).await.unwrap().is_empty());
}
