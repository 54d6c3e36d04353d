//! Commits: what is asked for, and what is read back.

use bytes::Bytes;
use chrono::{DateTime, FixedOffset};

use super::{EntryKind, FileMode};

/// Who, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// A person's or program's name.
    pub(crate) name: String,
    /// An e-mail address.
    pub(crate) email: String,
    /// The moment, with the offset it was written in.
    pub(crate) time: DateTime<FixedOffset>,
}

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewFile {
    /// The path from the repository's root.
    pub(crate) path: String,
    /// What kind of file.
    pub(crate) mode: FileMode,
    /// The bytes; of a symlink its target.
    pub(crate) bytes: Bytes,
}

impl NewFile {
    /// An ordinary file.
    pub(crate) fn regular(path: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { path: path.into(), mode: FileMode::Regular, bytes: bytes.into() }
    }

    /// A file that can be executed.
    pub(crate) fn executable(path: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { mode: FileMode::Executable, ..Self::regular(path, bytes) }
    }

    /// A symbolic link to `target`, relative to the link's own folder.
    #[cfg_attr(not(test), expect(dead_code, reason = "part of what a tree can hold"))]
    pub(crate) fn symlink(path: impl Into<String>, target: impl Into<String>) -> Self {
        Self { mode: FileMode::Symlink, ..Self::regular(path, target.into()) }
    }
}

/// Where a commit expects its branch to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parent {
    /// The branch does not exist; the commit has no parent.
    Root,
    /// The branch is at this commit, and moves on.
    Tip(String),
    /// The branch does not exist, and starts at this commit.
    Fork(String),
}

/// The files of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Contents {
    /// These files and no others.
    Tree(Vec<NewFile>),
    /// The parent's files with these differences. Deletions come first; deleting a folder deletes what is in it.
    Change {
        /// Files to add or replace.
        write: Vec<NewFile>,
        /// Files or folders to remove; one that is not there is an error.
        delete: Vec<String>,
    },
}

/// A commit to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewCommit {
    /// The branch, without `refs/heads/`.
    pub(crate) branch: String,
    /// Where the branch is expected to be.
    pub(crate) parent: Parent,
    /// The files.
    pub(crate) contents: Contents,
    /// The message; a final newline is added.
    pub(crate) message: String,
    /// Who wrote it.
    pub(crate) author: Signature,
    /// Who committed it.
    pub(crate) committer: Signature,
    /// Nobody asked for these names: a forge that signs what it commits in its own name does that.
    pub(crate) any_author: bool,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its id.
    pub(crate) id: String,
    /// The id of its tree.
    pub(crate) tree: String,
    /// The commits it follows.
    pub(crate) parents: Vec<String>,
    /// Who wrote it.
    pub(crate) author: Signature,
    /// Who committed it.
    pub(crate) committer: Signature,
    /// The whole message.
    pub(crate) message: String,
}

impl Commit {
    /// The first line of the message.
    pub(crate) fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The message after its first line.
    pub(crate) fn body(&self) -> &str {
        self.message.split_once('\n').map_or("", |(_, body)| body.trim())
    }

    /// The first digits of the id, for people.
    pub(crate) fn short_id(&self) -> &str {
        self.id.get(..7).unwrap_or(&self.id)
    }
}

/// Which commits to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogQuery {
    /// Where to start.
    pub(crate) revision: String,
    /// Only commits that changed this file or folder.
    pub(crate) path: Option<String>,
    /// How many of the newest matching commits to leave out.
    pub(crate) skip: usize,
    /// How many to give.
    pub(crate) limit: usize,
}

/// One side of a changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeSide {
    /// What was or is there: a file or a submodule.
    pub(crate) kind: EntryKind,
    /// The blob's id.
    pub(crate) object_id: String,
}

/// A path that a commit changed: added if there is no `old`, deleted if there is no `new`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The path from the repository's root.
    pub(crate) path: String,
    /// Before.
    pub(crate) old: Option<ChangeSide>,
    /// After.
    pub(crate) new: Option<ChangeSide>,
}

/// A commit with what it changed against its first parent, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitChanges {
    /// The commit.
    pub(crate) commit: Commit,
    /// The changed paths.
    pub(crate) changes: Vec<Change>,
}

/// A branch and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    /// Its name, without `refs/heads/`.
    pub(crate) name: String,
    /// The commit it points to.
    pub(crate) commit: String,
}
