//! What GitHub answers, as far as it is read.

use chrono::{DateTime, FixedOffset, Utc};
use serde::Deserialize;

use crate::forge::{self, RepositoryId, Signature, Visibility};

/// `full-repository` and `minimal-repository`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    pub(super) visibility: Option<String>,
    #[serde(default)]
    pub(super) private: bool,
    #[serde(default)]
    pub(super) created_at: Option<DateTime<Utc>>,
}

impl Repository {
    pub(super) fn read(self, asked: &RepositoryId) -> forge::Repository {
        let visibility = self.visibility.as_deref().and_then(|word| word.parse().ok());
        let description = self.description.unwrap_or_default();
        forge::Repository {
            id: self.full_name.parse().unwrap_or_else(|_| asked.clone()),
            mark: forge::github::repository::mark_in(&description).map(str::to_owned),
            description,
            default_branch: self.default_branch.unwrap_or_else(|| "main".to_owned()),
            visibility: visibility.unwrap_or(if self.private { Visibility::Private } else { Visibility::Public }),
            created_at: self.created_at,
            created_by: None,
        }
    }
}

/// `git-commit`, and the `commit` of a `commit`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct GitCommit {
    #[serde(default)]
    pub(super) sha: String,
    pub(super) tree: Sha,
    #[serde(default)]
    pub(super) parents: Vec<Sha>,
    pub(super) author: Person,
    pub(super) committer: Person,
    pub(super) message: String,
}

/// `commit`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Commit {
    pub(super) sha: String,
    pub(super) commit: GitCommit,
    #[serde(default)]
    pub(super) parents: Vec<Sha>,
}

/// Anything with a `sha`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Sha {
    pub(super) sha: String,
}

/// Who, and when.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Person {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    date: DateTime<FixedOffset>,
}

impl From<Person> for Signature {
    fn from(person: Person) -> Self {
        Self { name: person.name, email: person.email, time: person.date }
    }
}

impl From<GitCommit> for forge::Commit {
    fn from(commit: GitCommit) -> Self {
        Self {
            id: commit.sha,
            tree: commit.tree.sha,
            parents: commit.parents.into_iter().map(|parent| parent.sha).collect(),
            author: commit.author.into(),
            committer: commit.committer.into(),
            message: commit.message,
        }
    }
}

impl From<Commit> for forge::Commit {
    fn from(commit: Commit) -> Self {
        GitCommit { sha: commit.sha, parents: commit.parents, ..commit.commit }.into()
    }
}

/// `git-ref`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Reference {
    pub(super) object: Sha,
}

/// `git-tree`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tree {
    #[serde(default)]
    pub(super) truncated: bool,
    pub(super) tree: Vec<Entry>,
}

/// An entry of a `git-tree`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) mode: String,
    pub(super) sha: String,
    #[serde(default)]
    pub(super) size: Option<u64>,
}

/// `blob`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Blob {
    pub(super) content: String,
    pub(super) encoding: String,
}

/// `short-branch`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ShortBranch {
    pub(super) name: String,
    pub(super) commit: Sha,
}

/// `commit-comparison`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Comparison {
    pub(super) merge_base_commit: Commit,
    pub(super) commits: Vec<Commit>,
}

/// `pull-request` and `pull-request-simple`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: u64,
    pub(super) node_id: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) draft: Option<bool>,
    pub(super) head: End,
    pub(super) base: End,
    #[serde(default)]
    pub(super) user: Option<User>,
    pub(super) created_at: DateTime<Utc>,
    #[serde(default)]
    pub(super) closed_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) merged_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) merge_commit_sha: Option<String>,
}

/// One end of a pull request.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct End {
    #[serde(rename = "ref")]
    pub(super) branch: String,
    pub(super) sha: String,
}

/// `simple-user`
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub(super) login: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
}

impl PullRequest {
    pub(super) fn read(self) -> forge::PullRequest {
        let merged = self.merged_at.is_some();
        let end = (self.state != "open").then(|| forge::Ending {
            merged: merged.then_some(self.merge_commit_sha).flatten(),
            by: None,
            at: self.merged_at.or(self.closed_at).unwrap_or(self.created_at),
            between: Some((self.head.sha, self.base.sha)),
        });
        forge::PullRequest {
            number: self.number,
            title: self.title,
            body: self.body.unwrap_or_default(),
            head: self.head.branch,
            base: self.base.branch,
            draft: self.draft.unwrap_or(false),
            created_by: self.user.map(|user| user.login),
            created_at: self.created_at,
            end,
        }
    }
}
