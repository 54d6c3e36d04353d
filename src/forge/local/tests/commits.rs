//! Writing commits and reading them back.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::forge::{EntryKind, FileMode, NameError};

fn change(write: &[(&str, &str)], delete: &[&str]) -> Contents {
    let Contents::Tree(write) = tree(write) else { unreachable!() };
    Contents::Change { write, delete: delete.iter().copied().map(str::to_owned).collect() }
}

#[tokio::test]
async fn files_are_read_back_with_their_modes() {
    let (fixture, api) = Fixture::with_repository().await;
    let files = vec![
        NewFile::regular("README.md", "# Api\n"),
        NewFile::executable("bin/run", "#!/bin/sh\n"),
        NewFile::symlink("bin/up", "../README.md"),
        NewFile::regular("data/empty", ""),
    ];
    let commit = fixture.commit(&api, Contents::Tree(files.clone())).await;
    assert_eq!(fixture.files(&api, "main").await, files);
    assert_eq!(fixture.files(&api, &commit.id).await, files);
    assert_eq!(fixture.files(&api, commit.short_id()).await, files);
    let entries = fixture.forge.tree(&api, "HEAD", "").await.unwrap();
    let listed: Vec<_> = entries.iter().map(|entry| (entry.name(), entry.kind, entry.size)).collect();
    let file = EntryKind::File(FileMode::Regular);
    assert_eq!(
        listed,
        [("bin", EntryKind::Folder, None), ("data", EntryKind::Folder, None), ("README.md", file, Some(6))]
    );
    assert_eq!(fixture.forge.tree(&api, "HEAD", "bin").await.unwrap()[1].path, "bin/up");
    assert_eq!(fixture.forge.blob(&api, &entries[2].object_id).await.unwrap(), "# Api\n");
    let listing = git(&fixture.path(&api), &["ls-tree", "-r", "--format=%(objectmode) %(path)", "main"]);
    assert_eq!(listing, "100644 README.md\n100755 bin/run\n120000 bin/up\n100644 data/empty\n");
    fixture.fsck(&api);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let (fixture, api) = Fixture::with_repository().await;
    fixture.commit(&api, tree(&[("docs/a.md", "1")])).await;
    let forge = &fixture.forge;
    let cases = [
        (forge.read(&api, "main", "b").await.map(|_| ()), "file `b` in `acme/api` at `main` not found"),
        (forge.read(&api, "main", "docs").await.map(|_| ()), "file `docs` in `acme/api` at `main` not found"),
        (
            forge.read(&api, "main", "docs/a.md/x").await.map(|_| ()),
            "file `docs/a.md/x` in `acme/api` at `main` not found",
        ),
        (
            forge.tree(&api, "main", "docs/a.md").await.map(|_| ()),
            "folder `docs/a.md` in `acme/api` at `main` not found",
        ),
        (forge.read(&api, "dev", "b").await.map(|_| ()), "revision `dev` in `acme/api` not found"),
        (forge.read(&api, "../../config", "b").await.map(|_| ()), "revision `../../config` in `acme/api` not found"),
        (forge.read(&id("acme/web"), "dev", "b").await.map(|_| ()), "repository `acme/web` not found"),
        (forge.blob(&api, "x").await.map(|_| ()), "object `x` in `acme/api` not found"),
        (
            forge.blob(&api, &"0".repeat(39)).await.map(|_| ()),
            "object `000000000000000000000000000000000000000` in `acme/api` not found",
        ),
    ];
    for (answer, expected) in cases {
        assert_eq!(answer.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_change_keeps_the_other_files() {
    let (fixture, api) = Fixture::with_repository().await;
    fixture.commit(&api, tree(&[("a", "1"), ("b/c", "2"), ("b/d", "3"), ("e/f/g", "4")])).await;
    let second = fixture.commit(&api, change(&[("a", "5"), ("b", "now a file")], &["b", "e/f"])).await;
    let Contents::Tree(expected) = tree(&[("a", "5"), ("b", "now a file")]) else { unreachable!() };
    assert_eq!(fixture.files(&api, "main").await, expected);

    let changes = fixture.forge.changes(&api, &second.id).await.unwrap();
    assert_eq!(changes.commit, second);
    let summary: Vec<_> = changes.changes.iter().map(|c| (c.path.as_str(), c.old.is_some(), c.new.is_some())).collect();
    let expected =
        [("a", true, true), ("b", false, true), ("b/c", true, false), ("b/d", true, false), ("e/f/g", true, false)];
    assert_eq!(summary, expected);
    let old = changes.changes[0].old.clone().unwrap();
    assert_eq!(fixture.forge.blob(&api, &old.object_id).await.unwrap(), "1");
    fixture.fsck(&api);
}

#[tokio::test]
async fn the_log_is_newest_first_and_by_path() {
    let (fixture, api) = Fixture::with_repository().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let path = if n % 2 == 0 { "even" } else { "odd/x" };
        let mut new = new_commit(Parent::Root, change(&[(path, &n.to_string())], &[]));
        new.message = format!("Commit {n}");
        new.committer.time += chrono::Duration::seconds(n);
        if let Some(tip) = ids.last() {
            new.parent = Parent::Tip(String::clone(tip));
        }
        ids.push(fixture.forge.commit(&api, new).await.unwrap().id);
    }
    let log = async |path: Option<&str>, skip, limit| {
        let query = LogQuery { revision: "main".to_owned(), path: path.map(str::to_owned), skip, limit };
        let commits = fixture.forge.log(&api, query).await.unwrap();
        commits.iter().map(|commit| commit.title().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(log(None, 0, 3).await, ["Commit 4", "Commit 3", "Commit 2"]);
    assert_eq!(log(None, 3, 9).await, ["Commit 1", "Commit 0"]);
    assert_eq!(log(Some("odd"), 0, 9).await, ["Commit 3", "Commit 1"]);
    assert_eq!(log(Some("even"), 1, 1).await, ["Commit 2"]);
    assert!(log(Some("none"), 0, 9).await.is_empty());
    let commit = &fixture
        .forge
        .log(&api, LogQuery { revision: "main".to_owned(), path: None, skip: 0, limit: 1 })
        .await
        .unwrap()[0];
    assert_eq!((commit.message.as_str(), commit.author.name.as_str()), ("Commit 4\n", "Ada"));
    assert_eq!(commit.author.time.to_rfc3339(), "2026-03-01T10:00:00+02:00");
    assert_eq!(commit.parents, [ids[3].clone()]);
}

#[tokio::test]
async fn a_commit_for_another_state_is_refused() {
    let (fixture, api) = Fixture::with_repository().await;
    let first = fixture.commit(&api, tree(&[("a", "1")])).await.id;
    let second = fixture.commit(&api, tree(&[("a", "2")])).await.id;
    for parent in [Parent::Root, Parent::Tip(first.clone()), Parent::Fork(first.clone())] {
        let error = fixture.forge.commit(&api, new_commit(parent.clone(), tree(&[("a", "3")]))).await.unwrap_err();
        assert!(
            matches!(&error, ForgeError::Conflict { found: Some(found), .. } if *found == second),
            "{parent:?}: {error}"
        );
    }
    let on_missing = NewCommit { branch: "other".to_owned(), ..new_commit(Parent::Tip(first.clone()), tree(&[])) };
    assert!(matches!(fixture.forge.commit(&api, on_missing).await, Err(ForgeError::Conflict { found: None, .. })));
    let from_nowhere = NewCommit { branch: "other".to_owned(), ..new_commit(Parent::Fork("1".repeat(40)), tree(&[])) };
    assert!(matches!(fixture.forge.commit(&api, from_nowhere).await, Err(ForgeError::NotFound(_))));
    let below = NewCommit { branch: "main/below".to_owned(), ..new_commit(Parent::Fork(first), tree(&[])) };
    assert!(fixture.forge.commit(&api, below).await.is_err());
    assert_eq!(fixture.forge.resolve(&api, "main").await.unwrap(), second);
    fixture.fsck(&api);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_committers_lose_nothing() {
    let (fixture, api) = Fixture::with_repository().await;
    fixture.commit(&api, tree(&[("start", "")])).await;
    let committers: Vec<_> = (0..8)
        .map(|n| {
            let (forge, api) = (fixture.forge.clone(), api.clone());
            tokio::spawn(async move {
                loop {
                    let tip = forge.resolve(&api, "main").await.unwrap();
                    let new = new_commit(Parent::Tip(tip), change(&[(&format!("file{n}"), "x")], &[]));
                    match forge.commit(&api, new).await {
                        Ok(_) => break,
                        Err(error) => assert!(matches!(error, ForgeError::Conflict { .. }), "{error}"),
                    }
                }
            })
        })
        .collect();
    for committer in committers {
        committer.await.unwrap();
    }
    assert_eq!(fixture.forge.walk(&api, "main", "").await.unwrap().len(), 9);
    assert_eq!(git(&fixture.path(&api), &["rev-list", "--count", "main"]).trim(), "9");
    fixture.fsck(&api);
}

#[tokio::test]
async fn bad_files_are_refused_and_named() {
    let (fixture, api) = Fixture::with_repository().await;
    let base = vec![NewFile::regular("a/b", "1"), NewFile::symlink("link", "a")];
    let tip = fixture.commit(&api, Contents::Tree(base)).await.id;
    let cases = [
        (Contents::Tree(vec![NewFile::symlink("x", "../../etc/passwd")]), "symlink \"x\" has a target outside"),
        (Contents::Tree(vec![NewFile::symlink("x", "/etc/passwd")]), "symlink \"x\" has a target that is absolute"),
        (Contents::Tree(vec![NewFile::symlink("x", "link/../..")]), "`..` after a name"),
        (tree(&[("../x", "")]), "file path \"../x\""),
        (tree(&[(".git/hooks/x", "")]), "`.git`"),
        (tree(&[("x", "1"), ("x", "2")]), "given twice"),
        (tree(&[("x", "1"), ("x/y/z", "2")]), "lies below \"x\""),
        (change(&[("link/x", "1")], &[]), "lies below \"link\", which is a file or symlink"),
        (change(&[("a/b/c", "1")], &[]), "lies below \"a/b\""),
        (change(&[("a", "1")], &[]), "is a folder"),
        (change(&[], &["none"]), "is not in the repository"),
        (change(&[], &["a/b", "a"]), "is not in the repository"),
        (change(&[], &["../x"]), "`..`"),
    ];
    for (contents, expected) in cases {
        let error = fixture.forge.commit(&api, new_commit(Parent::Tip(tip.clone()), contents)).await.unwrap_err();
        assert!(matches!(&error, ForgeError::InvalidName(NameError { .. })), "{error}");
        assert!(error.to_string().contains(expected), "{error} / {expected}");
    }
    let mut new = new_commit(Parent::Tip(tip.clone()), tree(&[]));
    new.author.name = "Ada <x>\nparent".to_owned();
    assert!(fixture.forge.commit(&api, new).await.is_err());
    let new = NewCommit { message: " \n".to_owned(), ..new_commit(Parent::Tip(tip.clone()), tree(&[])) };
    assert!(fixture.forge.commit(&api, new).await.is_err());
    assert_eq!(fixture.forge.resolve(&api, "main").await.unwrap(), tip);
}

#[tokio::test]
async fn limits_are_kept() {
    let (fixture, api) = Fixture::with_repository().await;
    let large = vec![0; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
    let new = new_commit(Parent::Root, Contents::Tree(vec![NewFile::regular("large", large)]));
    let error = fixture.forge.commit(&api, new).await.unwrap_err();
    assert_eq!(error.to_string(), "`large` is too large: 52428800 bytes at most");
    let many = (0..=MAX_FILES).map(|n| NewFile::regular(format!("f{n}"), "")).collect();
    let error = fixture.forge.commit(&api, new_commit(Parent::Root, Contents::Tree(many))).await.unwrap_err();
    assert_eq!(error.to_string(), "the commit is too large: 20000 files at most");
}

#[tokio::test]
async fn a_repository_that_git_packed_is_read_and_written() {
    let (fixture, api) = Fixture::with_repository().await;
    for n in 0..30 {
        let files: Vec<_> = (0..12).map(|m| (format!("f{m}"), format!("{n} {m}"))).collect();
        fixture.commit(&api, Contents::Tree(files.into_iter().map(|(p, t)| NewFile::regular(p, t)).collect())).await;
    }
    let before = fixture.files(&api, "main").await;
    git(&fixture.path(&api), &["gc", "--aggressive", "--prune=now"]);
    git(&fixture.path(&api), &["pack-refs", "--all"]);
    assert_eq!(fixture.files(&api, "main").await, before);
    fixture.commit(&api, change(&[("new", "1")], &[])).await;
    assert_eq!(fixture.forge.walk(&api, "main", "").await.unwrap().len(), 13);
    git(&fixture.path(&api), &["tag", "-a", "-m", "One", "v1"]);
    let tip = fixture.forge.resolve(&api, "main").await.unwrap();
    assert_eq!(fixture.forge.resolve(&api, "v1").await.unwrap(), tip);
    fixture.fsck(&api);
}

fn any_file() -> impl Strategy<Value = (String, FileMode, Vec<u8>)> {
    let path = proptest::collection::vec("[a-zA-Z0-9_ü-]{1,3}", 1..4).prop_map(|segments| segments.join("/"));
    let mode = prop_oneof![Just(FileMode::Regular), Just(FileMode::Executable)];
    (path, mode, proptest::collection::vec(any::<u8>(), 0..200))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn trees_are_read_back_as_written(files in proptest::collection::vec(any_file(), 0..30), more in proptest::collection::vec(any_file(), 0..5)) {
        let mut kept = BTreeMap::<String, NewFile>::new();
        let conflicts = |kept: &BTreeMap<String, NewFile>, path: &str| {
            kept.keys().any(|other| other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/")))
        };
        for (path, mode, bytes) in files {
            if !conflicts(&kept, &path) {
                kept.insert(path.clone(), NewFile { path, mode, bytes: bytes.into() });
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (fixture, api) = Fixture::with_repository().await;
            fixture.commit(&api, Contents::Tree(kept.values().cloned().collect())).await;
            assert_eq!(fixture.files(&api, "main").await, kept.values().cloned().collect::<Vec<_>>());
            let delete: Vec<String> = kept.keys().take(2).cloned().collect();
            kept.retain(|path, _| !delete.contains(path));
            let mut write = BTreeMap::new();
            for (path, mode, bytes) in more {
                if !conflicts(&kept, &path) && !conflicts(&write, &path) {
                    write.insert(path.clone(), NewFile { path, mode, bytes: bytes.into() });
                }
            }
            kept.extend(write.clone());
            fixture.commit(&api, Contents::Change { write: write.into_values().collect(), delete }).await;
            assert_eq!(fixture.files(&api, "main").await, kept.values().cloned().collect::<Vec<_>>());
            fixture.fsck(&api);
        });
    }
}
