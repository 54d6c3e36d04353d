//! Files and folders at a revision.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::NewFile;

/// What kind of file a path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileMode {
    /// An ordinary file (`100644`).
    #[default]
    Regular,
    /// A file that can be executed (`100755`).
    Executable,
    /// A symbolic link, whose content is its target (`120000`).
    Symlink,
}

/// What a folder's entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EntryKind {
    /// A folder.
    Folder,
    /// A file or symlink.
    File(FileMode),
    /// Another repository's commit.
    Submodule,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeEntry {
    /// The path from the repository's root.
    pub(crate) path: String,
    /// What it is.
    pub(crate) kind: EntryKind,
    /// Bytes of a file or of a symlink's target; `None` for folders and submodules.
    pub(crate) size: Option<u64>,
    /// The id of its blob, tree or commit.
    pub(crate) object_id: String,
}

impl TreeEntry {
    /// The last segment of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The files of a folder at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Every file, sorted by its path below the folder.
    pub(crate) files: Vec<NewFile>,
    /// The commit.
    pub(crate) commit: String,
}

/// How much a snapshot may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SnapshotLimits {
    /// Files.
    pub(crate) files: usize,
    /// Bytes of all files together.
    pub(crate) bytes: usize,
}

/// One file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// The path from the repository's root.
    pub(crate) path: String,
    /// What kind of file.
    pub(crate) mode: FileMode,
    /// The bytes; of a symlink its target.
    pub(crate) bytes: Bytes,
    /// The id of its blob: equal ids mean equal bytes.
    pub(crate) object_id: String,
    /// The commit it was read at.
    pub(crate) commit: String,
}
