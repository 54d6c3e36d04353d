//! Commits: the same tree as on the local forge, by few requests, and never over somebody else's work.

use bytes::Bytes;
use serde_json::json;
use url::Url;

use crate::forge::github::testing::World;
use crate::forge::testing::{new_commit, new_repository, tree, written};
use crate::forge::{
    Contents, FileMode, Forge, ForgeError, LocalForge, LogQuery, MergeMethod, NewCommit, NewFile, NewMerge,
    NewPullRequest, Parent, RepositoryId, SnapshotLimits,
};

const LIMITS: SnapshotLimits = SnapshotLimits { files: 10_000, bytes: 100_000_000 };

fn id(text: &str) -> RepositoryId {
    text.parse().unwrap()
}

/// Text, a program, a link, bytes that are no text, an empty file, a name with spaces.
fn mixed() -> Contents {
    Contents::Tree(vec![
        NewFile::regular("README.md", "# pay\n"),
        NewFile::executable("bin/run", "#!/bin/sh\n"),
        NewFile::symlink("docs/index.md", "../README.md"),
        NewFile::regular("logo.png", Bytes::from_static(&[0x89, b'P', 0, 0xff])),
        NewFile::regular("src/empty", ""),
        NewFile::regular("src/ümläut and space.txt", "ä\r\nb"),
    ])
}

async fn committed(forge: &dyn Forge, contents: Contents) -> String {
    let pay = id("acme/pay");
    forge.create(new_repository(&pay)).await.unwrap();
    let commit = forge.commit(&pay, new_commit("main", Parent::Root, contents, "Begin")).await.unwrap();
    assert!(commit.parents.is_empty());
    commit.tree
}

#[tokio::test]
async fn the_same_files_are_the_same_tree_on_every_forge() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    let folder = tempfile::tempdir().unwrap();
    let local = LocalForge::open(folder.path(), Url::parse("http://localhost:7007").unwrap()).unwrap();
    let on_github = committed(&github, mixed()).await;
    assert_eq!(on_github, committed(&local, mixed()).await);
    let pay = id("acme/pay");
    // Nothing of the commit that GitHub began with is left.
    let query = LogQuery { revision: "HEAD".to_owned(), path: None, skip: 0, limit: 5 };
    assert_eq!(github.log(&pay, query).await.unwrap().len(), 1);
    let commit = github.resolve(&pay, "main").await.unwrap();
    let files = github.snapshot(&pay, &commit, "", LIMITS).await.unwrap().files;
    let local_commit = local.resolve(&pay, "main").await.unwrap();
    assert_eq!(files, local.snapshot(&pay, &local_commit, "", LIMITS).await.unwrap().files);
    let walked = github.walk(&pay, "main", "").await.unwrap();
    assert_eq!(walked, local.walk(&pay, "main", "").await.unwrap());
    let read = github.read(&pay, "main", "bin/run").await.unwrap();
    assert_eq!((read.mode, &read.bytes[..]), (FileMode::Executable, &b"#!/bin/sh\n"[..]));
    world.assert_lawful().await;
}

#[tokio::test]
async fn two_thousand_files_are_a_few_requests() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    let files = (0..2000).map(|at| NewFile::regular(format!("src/{}/{at}.txt", at % 40), format!("file {at}\n")));
    github.create(new_repository(&id("acme/pay"))).await.unwrap();
    world.requests().await;
    let contents = Contents::Tree(files.collect());
    github.commit(&id("acme/pay"), new_commit("main", Parent::Root, contents, "Begin")).await.unwrap();
    let asked = world.requests().await;
    assert!(asked.len() <= 8, "{asked:#?}");
    assert_eq!(github.walk(&id("acme/pay"), "main", "").await.unwrap().len(), 2000);
    world.assert_lawful().await;
}

#[tokio::test]
async fn a_commit_names_where_the_branch_is() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    let pay = id("acme/pay");
    committed(&github, tree(&[("a", "1"), ("docs/b", "1"), ("docs/c", "1")])).await;
    let tip = github.resolve(&pay, "main").await.unwrap();
    let second =
        github.commit(&pay, new_commit("main", Parent::Tip(tip.clone()), written("a", "2"), "Change")).await.unwrap();
    let late = github.commit(&pay, new_commit("main", Parent::Tip(tip.clone()), written("a", "3"), "Late")).await;
    assert!(matches!(late, Err(ForgeError::Conflict { .. })), "{late:?}");
    let root = github.commit(&pay, new_commit("main", Parent::Root, tree(&[("x", "1")]), "Root")).await;
    assert!(matches!(root, Err(ForgeError::Conflict { .. })), "{root:?}");
    let gone = Contents::Change { write: Vec::new(), delete: vec!["docs".to_owned()] };
    let forked =
        github.commit(&pay, new_commit("feature/x", Parent::Fork(second.id.clone()), gone, "Tidy")).await.unwrap();
    assert_eq!(forked.parents, std::slice::from_ref(&second.id));
    let left: Vec<String> =
        github.walk(&pay, "feature/x", "").await.unwrap().into_iter().map(|entry| entry.path).collect();
    assert_eq!(left, ["a"]);
    let missing = Contents::Change { write: Vec::new(), delete: vec!["nowhere".to_owned()] };
    let error = github.commit(&pay, new_commit("main", Parent::Tip(second.id), missing, "x")).await.unwrap_err();
    assert!(matches!(error, ForgeError::NotFound(_)), "{error}");
    // A branch with a slash, as people write its address.
    let url = Url::parse(&format!("http://{}/acme/pay/blob/feature/x/a", world.host())).unwrap();
    let location = github.settle(github.locate(&url).unwrap()).await.unwrap();
    assert_eq!((location.revision.as_str(), location.path.as_str()), ("feature/x", "a"));
    let changes = github.changes(&pay, "feature/x").await.unwrap();
    assert_eq!(changes.changes.len(), 2);
    world.assert_lawful().await;
}

#[tokio::test]
async fn what_an_app_commits_in_no_ones_name_is_signed() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    let pay = id("acme/pay");
    github.create(new_repository(&pay)).await.unwrap();
    let begin = new_commit("main", Parent::Root, tree(&[("a", "1")]), "Begin");
    let first = github.commit(&pay, NewCommit { any_author: true, ..begin }).await.unwrap();
    assert!(first.author.name.contains("[bot]"), "{}", first.author.name);
    let named = new_commit("main", Parent::Tip(first.id), written("a", "2"), "Change");
    assert_eq!(github.commit(&pay, named).await.unwrap().author.name, "Jo");
    world.assert_lawful().await;
}

#[tokio::test]
async fn an_empty_repository_of_somebody_else_takes_a_first_commit() {
    let mut wanted = crate::forge::github::testing::acme();
    wanted["repositories"] = json!([{"owner": "acme", "name": "empty"}]);
    let Some(world) = World::new(wanted).await else { return };
    let github = World::github(&world.with_app());
    let empty = id("acme/empty");
    let query = LogQuery { revision: "main".to_owned(), path: None, skip: 0, limit: 1 };
    assert!(matches!(github.log(&empty, query).await, Err(ForgeError::NotFound(_))));
    github.commit(&empty, new_commit("main", Parent::Root, tree(&[("a", "1")]), "Begin")).await.unwrap();
    assert_eq!(github.walk(&empty, "main", "").await.unwrap().len(), 1);
    world.assert_lawful().await;
}

#[tokio::test]
async fn a_pull_request_is_opened_once_and_merged() {
    let Some(world) = World::acme().await else { return };
    let github = World::github(&world.with_app());
    let pay = id("acme/pay");
    committed(&github, tree(&[("a", "1")])).await;
    let tip = github.resolve(&pay, "main").await.unwrap();
    github.commit(&pay, new_commit("change", Parent::Fork(tip), written("a", "2"), "Change a")).await.unwrap();
    let new = NewPullRequest {
        title: "Change a".to_owned(),
        body: "Because".to_owned(),
        head: "change".to_owned(),
        base: "main".to_owned(),
        draft: true,
        created_by: None,
    };
    world.fault(json!({"method": "POST", "path": "/pulls$", "kind": "cut-after"})).await;
    let pull = github.propose(&pay, new.clone()).await.unwrap();
    assert!(matches!(github.propose(&pay, new).await, Err(ForgeError::Refused(_))));
    assert_eq!(github.pull_requests(&pay).await.unwrap().len(), 1);
    let compared = github.compare(&pay, "main", "change", 10).await.unwrap();
    assert_eq!((compared.commits.len(), compared.changes.len()), (1, 1));
    assert!(!github.ready(&pay, pull.number).await.unwrap().draft);
    let merge = NewMerge {
        method: MergeMethod::Squash,
        who: new_commit("x", Parent::Root, tree(&[]), "x").author,
        by: None,
        seen: None,
        delete_branch: true,
    };
    let merged = github.merge(&pay, pull.number, merge).await.unwrap();
    assert!(merged.is_merged());
    assert_eq!(github.branches(&pay).await.unwrap().len(), 1);
    assert_eq!(&github.read(&pay, "main", "a").await.unwrap().bytes[..], b"2");
    world.assert_lawful().await;
}

#[tokio::test]
async fn a_tree_that_is_too_large_to_be_listed_is_gone_down_folder_by_folder() {
    let mut wanted = crate::forge::github::testing::acme();
    let mut files: serde_json::Map<String, serde_json::Value> =
        (0..40).map(|at| (format!("many/{at:02}.txt"), json!("x"))).collect();
    files.extend([
        ("zz/service/catalog-info.yaml".to_owned(), json!("kind: Component")),
        ("zz/service/src/main.rs".to_owned(), json!("fn main() {}")),
        ("zzz.yaml".to_owned(), json!("last")),
    ]);
    wanted["repositories"] = json!([{"owner": "acme", "name": "mono", "files": files}]);
    wanted["limits"] = json!({"treeEntries": 20});
    let Some(world) = World::new(wanted).await else { return };
    let (github, mono) = (World::github(&world.with_app()), id("acme/mono"));
    for (path, text) in [("zz/service/catalog-info.yaml", "kind: Component"), ("zzz.yaml", "last")] {
        assert_eq!(github.read(&mono, "main", path).await.unwrap().bytes, text, "{path}");
    }
    let missing = github.read(&mono, "main", "zz/none/x.yaml").await.unwrap_err();
    assert!(matches!(missing, ForgeError::NotFound(_)), "{missing}");
    let paths = |entries: Vec<crate::forge::TreeEntry>| entries.into_iter().map(|one| one.path).collect::<Vec<_>>();
    assert_eq!(paths(github.tree(&mono, "main", "").await.unwrap()), ["many", "zz", "zzz.yaml"]);
    let walked = paths(github.walk(&mono, "main", "zz").await.unwrap());
    assert_eq!(walked, ["zz/service/catalog-info.yaml", "zz/service/src/main.rs"]);
    let all = github.walk(&mono, "main", "").await.unwrap_err().to_string();
    assert!(all.contains("the list of files of acme/mono is too large"), "{all}");
    let lists = world.requests().await.into_iter().filter(|line| line.contains("/git/trees/")).count();
    assert!(lists <= 12, "the whole list is asked for once, not each time: {lists}");
    world.assert_lawful().await;
}
