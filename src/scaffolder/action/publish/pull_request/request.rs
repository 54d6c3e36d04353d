//! What a step asks for, beside what the repository has.

use std::sync::Arc;

use serde_json::json;

use super::super::super::{ActionError, Outputs, flag, outputs};
use super::super::author::newest;
use super::super::differences::Ground;
use super::super::{addressed, given};
use crate::forge::{Forge, Forges, PullRequest, Repository, RepositoryId};

/// A step's input, understood, beside what is there.
pub(super) struct Request {
    pub(super) forge: Arc<dyn Forge>,
    pub(super) repository: Repository,
    /// Where the branch is: the repository itself, or somebody's fork of it.
    pub(super) from: RepositoryId,
    pub(super) head: String,
    pub(super) base: String,
    pub(super) title: String,
    /// Id and message of the branch's newest commit, if it exists.
    pub(super) tip: Option<(String, String)>,
}

impl Request {
    /// Understands an input; a repository that is not there is an error.
    pub(super) async fn of(forges: &Forges, input: &Outputs) -> Result<Self, ActionError> {
        let (forge, id) = addressed(forges, input)?;
        let needed = |key: &str| {
            given(input, key)
                .map(str::to_owned)
                .ok_or_else(|| ActionError::input(format!("`{key}` is empty; fill it in")))
        };
        let (head, title) = (needed("branchName")?, needed("title")?);
        let repository = forge.find(&id).await?;
        let base = given(input, "targetBranchName").unwrap_or(&repository.default_branch).to_owned();
        if head == base {
            let told = format!("`branchName` and `targetBranchName` are both `{base}`; choose another branchName");
            return Err(ActionError::input(told));
        }
        let from = match forge.github() {
            Some(github) if flag(input, "forceFork") || !github.may_push(&repository.id).await? => {
                github.fork_name(&repository.id).await?
            }
            _ => repository.id.clone(),
        };
        let tip = newest(forge.as_ref(), &from, &format!("refs/heads/{head}")).await?;
        Ok(Self { forge, repository, from, head, base, title, tip })
    }

    /// The repository.
    pub(super) fn id(&self) -> &RepositoryId {
        &self.repository.id
    }

    /// Whether the branch is in a fork.
    pub(super) fn is_forked(&self) -> bool {
        self.from != self.repository.id
    }

    /// The branch as the pull request names it.
    pub(super) fn proposed(&self) -> String {
        if self.is_forked() { format!("{}:{}", self.from.owner(), self.head) } else { self.head.clone() }
    }

    /// What the files are compared with: the branch, or what it will begin at.
    pub(super) fn ground(&self) -> Ground<'_> {
        let (repository, revision) = match &self.tip {
            Some((id, _)) => (&self.from, id.clone()),
            None => (&self.repository.id, format!("refs/heads/{}", self.base)),
        };
        Ground { forge: self.forge.as_ref(), repository, revision: Some(revision) }
    }

    /// What later steps see of the pull request.
    pub(super) fn outputs(&self, number: u64) -> Outputs {
        shown(self.forge.as_ref(), self.id(), &self.base, number)
    }

    /// Why the branch cannot be begun.
    pub(super) fn taken(&self) -> String {
        format!(
            "branch `{}` of {} exists already; choose another branchName, or set `update: true` to commit on top of it",
            self.head, self.from
        )
    }

    /// The open pull request of the branch.
    pub(super) async fn open(&self) -> Result<Option<PullRequest>, ActionError> {
        if let Some(github) = self.forge.github() {
            return Ok(github.proposed(self.id(), &self.proposed(), &self.base).await?);
        }
        let all = self.forge.pull_requests(self.id()).await?;
        Ok(all.into_iter().find(|pull| pull.is_open() && pull.head == self.head && pull.base == self.base))
    }
}

/// What later steps see of a pull request.
pub(super) fn shown(forge: &dyn Forge, id: &RepositoryId, base: &str, number: u64) -> Outputs {
    outputs([
        ("targetBranchName", json!(base)),
        ("remoteUrl", json!(forge.pull_request_url(id, number).as_str())),
        ("pullRequestNumber", json!(number)),
    ])
}
