//! What can go wrong with the embedded database, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why the embedded database does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbeddedError {
    /// Nothing to run was found on this machine.
    #[error(
        "no Postgres 15 or newer was found for the built-in database: {install}, or set DATABASE_URL to a Postgres that runs already"
    )]
    NoBinaries {
        /// What to do on this system, as a clause.
        install: String,
    },
    /// The directory somebody chose does not serve.
    #[error("`{}` cannot be used for the built-in database: {reason}", dir.display())]
    UnusableBinaries {
        /// The directory from the configuration.
        dir: PathBuf,
        /// What is wrong with it, as a clause.
        reason: String,
    },
    /// The cluster needs another major version than those installed.
    #[error(
        "the database in `{}` belongs to Postgres {wanted}, but only {found} is installed: {install}, or move the data by pg_dump",
        cluster.display()
    )]
    WrongVersion {
        /// The cluster's directory.
        cluster: PathBuf,
        /// Its major version.
        wanted: u32,
        /// The versions found, in words.
        found: String,
        /// What to do on this system, as a clause.
        install: String,
    },
    /// Another server holds the data directory.
    #[error(
        "the data directory `{}` is in use by {}; stop that one, or choose another directory with --data-dir",
        dir.display(), holder(*pid)
    )]
    Locked {
        /// The data directory.
        dir: PathBuf,
        /// The other server's process id, when it could be read.
        pid: Option<u32>,
    },
    /// The user Postgres must run as cannot reach the data directory.
    #[error(
        "Postgres refuses to run as root and user `{user}` cannot enter `{}`; start the server as another user, or choose a data directory that `{user}` can enter with --data-dir",
        dir.display()
    )]
    Unreachable {
        /// The user chosen for Postgres.
        user: String,
        /// The first directory it cannot enter.
        dir: PathBuf,
    },
    /// The socket's path does not fit into an address.
    #[error(
        "the path of the data directory `{}` is too long for a Unix socket on this system; choose a shorter one with --data-dir",
        dir.display()
    )]
    PathTooLong {
        /// The data directory.
        dir: PathBuf,
    },
    /// A file or directory operation failed.
    #[error("cannot {action} `{}` for the built-in database: {source}", path.display())]
    Files {
        /// A verb.
        action: &'static str,
        /// What it was about.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No space left.
    #[error("the disk that holds `{}` is full; free some space, or choose another directory with --data-dir", path.display())]
    DiskFull {
        /// A path on that disk.
        path: PathBuf,
    },
    /// The cluster could not be made.
    #[error("`initdb` could not make the built-in database in `{}`: {output}", cluster.display())]
    Initdb {
        /// Where it was to be made.
        cluster: PathBuf,
        /// The last words of `initdb`.
        output: String,
    },
    /// Postgres ended before it answered.
    #[error("the built-in Postgres did not start ({reason}); its log is `{}`", log.display())]
    Start {
        /// From its log, or what we saw.
        reason: String,
        /// The whole log.
        log: PathBuf,
    },
    /// Postgres ended by itself while it was needed.
    #[error("the built-in Postgres has ended unexpectedly ({status}: {reason}); its log is `{}`", log.display())]
    Exited {
        /// How the process ended.
        status: ExitStatus,
        /// From its log.
        reason: String,
        /// The whole log.
        log: PathBuf,
    },
    /// An earlier Postgres does not let go of the cluster.
    #[error("an earlier Postgres (process {pid}) still works on `{}` and does not end; end it, then start again", cluster.display())]
    Orphan {
        /// Its process id.
        pid: u32,
        /// The cluster's directory.
        cluster: PathBuf,
    },
    /// Postgres answered with an error to the first statements.
    #[error("the built-in Postgres refuses to be used: {0}")]
    Refused(#[source] sqlx::Error),
    /// The server is ending while the database was being started.
    #[error("the start of the built-in database was interrupted: {0}")]
    Interrupted(#[source] tokio::task::JoinError),
}

impl EmbeddedError {
    /// Makes the error of a failed operation on `path`, for `map_err`.
    pub(super) fn files(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Files { action, path, source },
        }
    }

    /// A panic stays a panic; anything else is the runtime going away.
    pub(super) fn interrupted(error: tokio::task::JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Self::Interrupted(error),
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another server".to_owned(), |pid| format!("another server (process {pid})"))
}
