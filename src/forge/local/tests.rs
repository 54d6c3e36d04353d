//! The local forge against its promises, judged by real Git where Git has an opinion.

mod clone;
mod commits;
mod pull_requests;
mod repositories;

use std::{path::Path, process::Command};

use chrono::DateTime;
use tempfile::TempDir;
use url::Url;

use super::*;
use crate::forge::{Contents, NewFile, Parent, Signature, Visibility};

/// A forge in a folder of its own.
struct Fixture {
    forge: LocalForge,
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let forge = LocalForge::open(folder.path(), Url::parse("http://portal.example:7007/base").unwrap()).unwrap();
        Self { forge, folder }
    }

    /// A forge with the empty repository `acme/api`.
    async fn with_repository() -> (Self, RepositoryId) {
        let fixture = Self::new();
        let id = id("acme/api");
        fixture.forge.create(new_repository("acme/api")).await.unwrap();
        (fixture, id)
    }

    fn path(&self, id: &RepositoryId) -> PathBuf {
        self.folder.path().join(id.owner()).join(format!("{}.git", id.name()))
    }

    /// Commits to `main`, on top of whatever is there.
    async fn commit(&self, id: &RepositoryId, contents: Contents) -> Commit {
        let parent = match self.forge.resolve(id, "main").await {
            Ok(tip) => Parent::Tip(tip),
            Err(_) => Parent::Root,
        };
        self.forge.commit(id, new_commit(parent, contents)).await.unwrap()
    }

    /// All files at a revision, as they would be written.
    async fn files(&self, id: &RepositoryId, revision: &str) -> Vec<NewFile> {
        let mut files = Vec::new();
        for entry in self.forge.walk(id, revision, "").await.unwrap() {
            let file = self.forge.read(id, revision, &entry.path).await.unwrap();
            assert_eq!(entry.size, Some(file.bytes.len() as u64));
            assert_eq!(entry.object_id, file.object_id);
            files.push(NewFile { path: file.path, mode: file.mode, bytes: file.bytes });
        }
        files
    }

    fn fsck(&self, id: &RepositoryId) {
        git(&self.path(id), &["fsck", "--strict", "--full"]);
    }
}

fn id(text: &str) -> RepositoryId {
    text.parse().unwrap()
}

fn new_repository(name: &str) -> NewRepository {
    NewRepository {
        id: id(name),
        description: "Takes payments".to_owned(),
        default_branch: "main".to_owned(),
        visibility: Visibility::Internal,
        created_by: Some("user:default/ada".to_owned()),
        mark: None,
    }
}

fn new_commit(parent: Parent, contents: Contents) -> NewCommit {
    let signature = Signature {
        name: "Ada".to_owned(),
        email: "ada@acme.example".to_owned(),
        time: DateTime::parse_from_rfc3339("2026-03-01T10:00:00+02:00").unwrap(),
    };
    NewCommit {
        branch: "main".to_owned(),
        parent,
        contents,
        message: "Change things\n\nFor a reason.".to_owned(),
        author: signature.clone(),
        committer: signature,
        any_author: false,
    }
}

fn tree(files: &[(&str, &str)]) -> Contents {
    Contents::Tree(files.iter().map(|(path, text)| NewFile::regular(*path, text.to_string())).collect())
}

/// Runs Git without anybody's configuration; its output, or a panic with what it said.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = git_output(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn git_output(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new("git")
        .args(["-c", "safe.directory=*", "-c", "gc.auto=0", "-c", "core.fsync=none"])
        .args(arguments)
        .current_dir(folder)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null"), ("GIT_TERMINAL_PROMPT", "0")])
        .envs([("GIT_AUTHOR_NAME", "Bo"), ("GIT_AUTHOR_EMAIL", "bo@acme.example")])
        .envs([("GIT_COMMITTER_NAME", "Bo"), ("GIT_COMMITTER_EMAIL", "bo@acme.example")])
        .env("NO_PROXY", "*")
        .output()
        .unwrap()
}
