//! The data directory: the embedded database, repositories, and who serves from it.
//!
//! One process at a time works on a data directory, with whatever database: the repositories in it have one writer.
//! A running server leaves its address in `server.json`, so that the command line talks to it instead.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use url::Url;

/// Where data goes when nothing else is said, below the working folder.
pub(crate) const DEFAULT: &str = ".greenroom";

/// The folders of one installation.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    root: PathBuf,
}

/// A server that runs on a data directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunningServer {
    /// Where it answers.
    pub(crate) url: Url,
    /// Its process.
    pub(crate) pid: u32,
}

impl DataDir {
    /// Makes the directory, readable by its owner only. An absolute path, since Postgres changes its working folder.
    pub(crate) fn create(root: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        // Others may enter but not list: the unprivileged user that runs Postgres for root has to pass through.
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(root)?;
        Ok(Self { root: root.canonicalize()? })
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Bare repositories of the local forge.
    pub(crate) fn repositories(&self) -> PathBuf {
        self.root.join("repositories")
    }

    /// Takes the directory for this process, until the guard is dropped or the process ends.
    pub(crate) fn take(&self) -> anyhow::Result<Taken> {
        let path = self.root.join("portal.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Taken { _file: file }),
            Err(Errno::WOULDBLOCK) => {
                let holder = self
                    .announced()
                    .map_or_else(String::new, |server| format!(" (process {}, {})", server.pid, server.url));
                anyhow::bail!(
                    "another greenroom{holder} works on the data directory {}; stop it, or choose another with --data-dir",
                    self.root.display()
                )
            }
            Err(error) => Err(std::io::Error::from(error).into()),
        }
    }

    /// Says where this process answers, until the guard is dropped.
    pub(crate) fn announce(&self, url: Url) -> std::io::Result<Announcement> {
        let path = self.server_file();
        let server = RunningServer { url, pid: std::process::id() };
        std::fs::write(&path, serde_json::to_vec(&server)?)?;
        Ok(Announcement(path))
    }

    /// The server that announced itself here. It may have been killed since: ask it.
    pub(crate) fn announced(&self) -> Option<RunningServer> {
        serde_json::from_slice(&std::fs::read(self.server_file()).ok()?).ok()
    }

    fn server_file(&self) -> PathBuf {
        self.root.join("server.json")
    }
}

/// The right to work on a data directory.
#[derive(Debug)]
pub(crate) struct Taken {
    _file: File,
}

/// Takes the announcement back when the server stops.
#[derive(Debug)]
pub(crate) struct Announcement(PathBuf);

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the server's announcement was gone already");
        }
    }
}
