//! The data directory: the embedded database, repositories, workspaces, and who serves from it.
//!
//! A running server leaves its address in `server.json`, so that the command line talks to it instead of opening the
//! same database a second time.

use std::path::{Path, PathBuf};

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

    /// Workspaces of runs.
    pub(crate) fn workspaces(&self) -> PathBuf {
        self.root.join("workspaces")
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
