//! Pull requests: a branch whose changes are proposed for another.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Change, Commit, Signature};

/// A pull request to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewPullRequest {
    /// One line.
    pub(crate) title: String,
    /// Why, as Markdown; may be empty.
    pub(crate) body: String,
    /// The branch with the changes.
    pub(crate) head: String,
    /// The branch they are for.
    pub(crate) base: String,
    /// Not ready to be merged.
    pub(crate) draft: bool,
    /// The entity reference of whoever asks.
    pub(crate) created_by: Option<String>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PullRequest {
    /// Counted within its repository, from one.
    pub(crate) number: u64,
    /// One line.
    pub(crate) title: String,
    /// Why, as Markdown; may be empty.
    pub(crate) body: String,
    /// The branch with the changes.
    pub(crate) head: String,
    /// The branch they are for.
    pub(crate) base: String,
    /// Not ready to be merged.
    pub(crate) draft: bool,
    /// The entity reference of whoever opened it.
    pub(crate) created_by: Option<String>,
    /// When it was opened.
    pub(crate) created_at: DateTime<Utc>,
    /// How it ended; none while it is open.
    pub(crate) end: Option<Ending>,
}

impl PullRequest {
    /// Whether it waits to be merged.
    pub(crate) fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// Whether its changes are in its base.
    pub(crate) fn is_merged(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.merged.is_some())
    }
}

/// How a pull request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ending {
    /// The commit that brought it into its base; none where it was closed without.
    pub(crate) merged: Option<String>,
    /// The entity reference of who ended it.
    pub(crate) by: Option<String>,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Where its branch was, and the commit both branches had in common: what it proposed can still be looked at.
    pub(crate) between: Option<(String, String)>,
}

/// What a branch has that another has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// The commit that both have in common; none where their histories never met.
    pub(crate) common: Option<String>,
    /// The commits of the one branch alone, newest first, as many as were asked for.
    pub(crate) commits: Vec<Commit>,
    /// The paths that it changed since, sorted.
    pub(crate) changes: Vec<Change>,
    /// The paths that both changed in ways that do not go together.
    pub(crate) conflicts: Vec<String>,
}

/// How the changes get into the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MergeMethod {
    /// A commit with both branches as its parents.
    #[default]
    Merge,
    /// One commit with all the changes.
    Squash,
}

/// A merge to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewMerge {
    /// How.
    pub(crate) method: MergeMethod,
    /// Who commits.
    pub(crate) who: Signature,
    /// The entity reference of who merges.
    pub(crate) by: Option<String>,
    /// The commit that the changes were looked at; another is refused.
    pub(crate) seen: Option<String>,
    /// Removes the branch afterwards.
    pub(crate) delete_branch: bool,
}
