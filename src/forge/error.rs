//! What can go wrong at a forge, one case for each thing a caller does differently.

use std::{fmt::Display, io, time::Duration};

use super::{RepositoryId, location::LocationError};

/// Why a forge did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgeError {
    /// A repository of that name is there (names are compared without regard to case).
    #[error("repository `{0}` exists already; choose another name, or delete it first")]
    AlreadyExists(RepositoryId),
    /// The named thing is not there.
    #[error("{0} not found")]
    NotFound(Missing),
    /// A name, path or text breaks a rule.
    #[error(transparent)]
    InvalidName(#[from] NameError),
    /// A relative reference leaves the repository, or a URL is not one of files.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// Somebody else moved the branch; read it again and commit on top.
    #[error(
        "branch `{branch}` is at {}, not at {} as expected: somebody else committed; read the branch again and commit on top of it",
        found.as_deref().unwrap_or("no commit"), expected.as_deref().unwrap_or("no commit")
    )]
    Conflict {
        /// The branch.
        branch: String,
        /// The commit the caller took for its tip; `None`: the branch should not have existed.
        expected: Option<String>,
        /// The commit it points to.
        found: Option<String>,
    },
    /// What is asked for cannot be done as things are.
    #[error("{0}")]
    Refused(String),
    /// Credentials or settings do not allow it; the sentence says what to change, and where.
    #[error("{0}")]
    Denied(String),
    /// The forge cannot be reached, or takes no more requests for now.
    #[error("{what}")]
    Unavailable {
        /// What could not be done, and why.
        what: String,
        /// When it may be tried again, if the forge said so.
        retry_after: Option<Duration>,
    },
    /// More than this forge takes.
    #[error("{what} is too large: {limit}")]
    TooLarge {
        /// The file, tree or request.
        what: String,
        /// Which limit it passes.
        limit: Limit,
    },
    /// A request of a Git client that breaks the protocol or asks for what is not offered.
    #[error("git request refused: {0}")]
    Protocol(String),
    /// The disk or the network failed.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A repository's content is damaged or not what Git writes.
    #[error("cannot {doing}: {source}")]
    Git {
        /// What was being done.
        doing: String,
        /// What was found.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What was not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    /// No forge of that host.
    #[error("forge `{host}` (configured: {known})")]
    Forge {
        /// The host asked for.
        host: String,
        /// The hosts there are.
        known: String,
    },
    /// No such repository.
    #[error("repository `{0}`")]
    Repository(RepositoryId),
    /// No such branch, tag or commit.
    #[error("revision `{revision}` in `{repository}`")]
    Revision {
        /// The repository searched.
        repository: RepositoryId,
        /// The revision asked for.
        revision: String,
    },
    /// No such file or folder.
    #[error("{expected} `{path}` in `{repository}` at `{revision}`")]
    Path {
        /// `file` or `folder`.
        expected: &'static str,
        /// The repository searched.
        repository: RepositoryId,
        /// The revision searched.
        revision: String,
        /// The path asked for.
        path: String,
    },
    /// No such pull request.
    #[error("pull request #{number} of `{repository}`")]
    PullRequest {
        /// The repository searched.
        repository: RepositoryId,
        /// The number asked for.
        number: u64,
    },
    /// No such blob.
    #[error("object `{object}` in `{repository}`")]
    Object {
        /// The repository searched.
        repository: RepositoryId,
        /// The object asked for.
        object: String,
    },
}

/// A limit of a forge, with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Limit {
    /// Bytes of one thing.
    #[error("{0} bytes at most")]
    Bytes(u64),
    /// Files in one tree.
    #[error("{0} files at most")]
    Files(usize),
}

/// A name or path that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} {rule}")]
pub(crate) struct NameError {
    /// What is being named: `repository name`, `file path`, …
    pub(crate) what: &'static str,
    /// The name, shortened.
    pub(crate) value: String,
    /// The rule it breaks and what to do, as the end of a sentence.
    pub(crate) rule: String,
}

impl NameError {
    /// How much of an over-long name is shown.
    const SHOWN: usize = 120;

    /// `value`, a `what`, breaks `rule` (the end of a sentence: `must not be empty`).
    pub(crate) fn new(what: &'static str, value: &str, rule: impl Into<String>) -> Self {
        let mut shown: String = value.chars().take(Self::SHOWN).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        Self { what, value: shown, rule: rule.into() }
    }
}

/// Says what was being done when a call failed.
pub(crate) trait Doing<T> {
    /// Names the action (`open repository`) in the error.
    fn doing(self, what: impl Display) -> Result<T, ForgeError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl Display) -> Result<T, ForgeError> {
        self.map_err(|source| ForgeError::Io { doing: what.to_string(), source })
    }
}

impl<T> Doing<T> for gix::Result<T> {
    fn doing(self, what: impl Display) -> Result<T, ForgeError> {
        self.map_err(|source| ForgeError::Git { doing: what.to_string(), source: Box::new(source) })
    }
}

impl<T> Doing<T> for Result<T, gix::config::parse::Error> {
    fn doing(self, what: impl Display) -> Result<T, ForgeError> {
        self.map_err(|source| ForgeError::Git { doing: what.to_string(), source: Box::new(source) })
    }
}
