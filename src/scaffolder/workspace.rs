//! A run's workspace: the files that its steps make before anything leaves for the outside.
//!
//! It is kept in memory. Every action that touches it is part of this program, so nothing needs a folder on disk; a
//! path can lead out of the workspace as little as a key can lead out of a map, links are never followed, and a run
//! leaves nothing to clean up. Sizes are bounded.
//!
//! Folders exist through the files in them, as in Git.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::forge::FileMode;

/// Most files of one workspace.
const MAX_FILES: usize = 20_000;
/// Most bytes of one workspace.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// One file of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkspaceFile {
    /// Regular, executable, or a symbolic link whose bytes are its target.
    pub(crate) mode: FileMode,
    /// The content.
    pub(crate) bytes: Bytes,
}

/// The files of one run, by their path with `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Workspace {
    files: BTreeMap<String, WorkspaceFile>,
    bytes: usize,
}

/// Why a path or a file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WorkspaceError {
    /// The path leads out.
    #[error("path `{0}` leads out of the workspace; write it relative to the workspace, without `..` beyond its root")]
    Outside(String),
    /// The path cannot be one of a repository.
    #[error("path `{0}` has a backslash or control characters; use forward slashes and plain names")]
    Malformed(String),
    /// A name of the path cannot be checked out everywhere.
    #[error("path `{0}` has the name `{1}`, which Windows keeps for a device; choose another name")]
    Device(String, String),
    /// A link where a file is meant.
    #[error("path `{0}` leads over the symbolic link `{1}`; links are not followed, name the file itself")]
    OverLink(String, String),
    /// The path is a folder or the workspace itself where a file is meant.
    #[error("path `{0}` is a folder; name a file")]
    Folder(String),
    /// A folder of the path is a file.
    #[error("path `{0}` passes through `{1}`, which is a file")]
    ThroughFile(String, String),
    /// The link's target leads out.
    #[error("symbolic link `{0}` → `{1}` leads out of the workspace; only links to files within it are taken")]
    Link(String, String),
    /// Too much.
    #[error("the workspace has more than {MAX_FILES} files or {} MiB; fetch less", MAX_BYTES / 1024 / 1024)]
    TooLarge,
}

/// A path in its normal form: no `.`, no `..`, no leading or trailing slash. The root is empty.
pub(crate) fn normal(path: &str) -> Result<String, WorkspaceError> {
    if path.contains('\\') || path.chars().any(char::is_control) {
        return Err(WorkspaceError::Malformed(path.escape_debug().to_string()));
    }
    if path.starts_with('/') || has_drive(path) {
        return Err(WorkspaceError::Outside(path.to_owned()));
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop().ok_or_else(|| WorkspaceError::Outside(path.to_owned()))?;
            }
            name if is_device(name) => return Err(WorkspaceError::Device(path.to_owned(), name.to_owned())),
            name => segments.push(name),
        }
    }
    Ok(segments.join("/"))
}

/// `C:`, which is absolute on Windows.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Whether Windows opens a device under this name, whatever its case and ending.
fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or(name).trim_end();
    // Most names are longer or shorter; only these are worth a copy.
    if !(3..=4).contains(&stem.len()) {
        return false;
    }
    let stem = stem.to_ascii_lowercase();
    match stem.as_bytes() {
        b"con" | b"prn" | b"aux" | b"nul" => true,
        [port @ .., b'1'..=b'9'] => matches!(port, b"com" | b"lpt"),
        _ => false,
    }
}

/// Joins a path to a folder, both relative to the workspace.
pub(crate) fn join(folder: &str, path: &str) -> Result<String, WorkspaceError> {
    let folder = normal(folder)?;
    let path = normal(path)?;
    Ok(match (folder.is_empty(), path.is_empty()) {
        (true, _) => path,
        (_, true) => folder,
        _ => format!("{folder}/{path}"),
    })
}

impl Workspace {
    /// The files in the order of their paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &WorkspaceFile)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// The files below a folder, with their paths seen from there.
    pub(crate) fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a WorkspaceFile)> {
        self.files().filter_map(move |(path, file)| Some((within(folder, path)?, file)))
    }

    /// One file.
    pub(crate) fn file(&self, path: &str) -> Result<Option<&WorkspaceFile>, WorkspaceError> {
        Ok(self.files.get(&normal(path)?))
    }

    /// One file that is no link, and is not reached over one.
    pub(crate) fn plain_file(&self, path: &str) -> Result<Option<&WorkspaceFile>, WorkspaceError> {
        let path = normal(path)?;
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        for place in parents.chain([path.as_str()]) {
            if self.files.get(place).is_some_and(|file| file.mode == FileMode::Symlink) {
                return Err(WorkspaceError::OverLink(path.clone(), place.to_owned()));
            }
        }
        Ok(self.files.get(&path))
    }

    /// Whether a file or folder is there.
    pub(crate) fn exists(&self, path: &str) -> Result<bool, WorkspaceError> {
        let path = normal(path)?;
        Ok(path.is_empty() || self.files.contains_key(&path) || self.below(&path).next().is_some())
    }

    /// The folders, each with its parents.
    pub(crate) fn folders(&self) -> BTreeSet<&str> {
        let parents = |path: &'_ str| path.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
        self.files.keys().flat_map(|path| parents(path).into_iter().map(|at| &path[..at])).collect()
    }

    /// Writes a file, in place of one that is there.
    pub(crate) fn write(&mut self, path: &str, mode: FileMode, bytes: Bytes) -> Result<(), WorkspaceError> {
        let path = normal(path)?;
        if path.is_empty() || self.below(&path).any(|(rest, _)| !rest.is_empty()) {
            return Err(WorkspaceError::Folder(path));
        }
        for (at, _) in path.match_indices('/') {
            if self.files.contains_key(&path[..at]) {
                return Err(WorkspaceError::ThroughFile(path.clone(), path[..at].to_owned()));
            }
        }
        if mode == FileMode::Symlink {
            check_link(&path, &bytes)?;
        }
        let replaced = self.files.get(&path).map_or(0, |file| file.bytes.len());
        let total = self.bytes - replaced + bytes.len();
        if total > MAX_BYTES || (self.files.len() >= MAX_FILES && !self.files.contains_key(&path)) {
            return Err(WorkspaceError::TooLarge);
        }
        self.bytes = total;
        self.files.insert(path, WorkspaceFile { mode, bytes });
        Ok(())
    }

    /// Removes one file; whether it was there.
    pub(crate) fn remove(&mut self, path: &str) -> bool {
        let removed = self.files.remove(path);
        self.bytes -= removed.as_ref().map_or(0, |file| file.bytes.len());
        removed.is_some()
    }

    /// Moves a file or a folder; what is at the new place is replaced. Whether there was something to move.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<bool, WorkspaceError> {
        let (from, to) = (normal(from)?, normal(to)?);
        let moved: Vec<String> = self.files.keys().filter(|path| within(&from, path).is_some()).cloned().collect();
        if from == to || moved.is_empty() {
            return Ok(!moved.is_empty());
        }
        let moved: Vec<(String, WorkspaceFile)> = moved
            .into_iter()
            .filter_map(|path| {
                let file = self.files.remove(&path)?;
                self.bytes -= file.bytes.len();
                Some((within(&from, &path)?.to_owned(), file))
            })
            .collect();
        let replaced: Vec<String> = self.files.keys().filter(|path| within(&to, path).is_some()).cloned().collect();
        for path in replaced {
            self.remove(&path);
        }
        for (rest, file) in moved {
            let path = if rest.is_empty() { to.clone() } else { join(&to, &rest)? };
            self.write(&path, file.mode, file.bytes)?;
        }
        Ok(true)
    }
}

/// The rest of a path below a folder; empty for the path itself.
pub(crate) fn within<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn check_link(path: &str, target: &[u8]) -> Result<(), WorkspaceError> {
    let refused = |target: &str| WorkspaceError::Link(path.to_owned(), target.to_owned());
    let target = std::str::from_utf8(target).map_err(|_| refused("?"))?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if target.is_empty()
        || target.starts_with('/')
        || normal(format!("{folder}/{target}").trim_start_matches('/')).is_err()
    {
        return Err(refused(target));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(paths: &[&str]) -> Workspace {
        let mut workspace = Workspace::default();
        for path in paths {
            workspace.write(path, FileMode::Regular, Bytes::from((*path).to_owned())).unwrap();
        }
        workspace
    }

    fn paths(workspace: &Workspace) -> Vec<&str> {
        workspace.files().map(|(path, _)| path).collect()
    }

    #[test]
    fn paths_stay_within_the_workspace() {
        let cases = [
            ("a/b", Some("a/b")),
            ("./a//b/", Some("a/b")),
            ("a/../b", Some("b")),
            (".", Some("")),
            ("", Some("")),
            ("..", None),
            ("a/../../b", None),
            ("/etc/passwd", None),
            ("a\\b", None),
            ("a\0b", None),
            ("a\nb", None),
            ("C:/windows", None),
            ("c:", None),
            ("nul", None),
            ("a/CON/b", None),
            ("a/aux.txt", None),
            ("Com1", None),
            ("lpt9.log", None),
            ("com0", Some("com0")),
            ("console", Some("console")),
            ("com10", Some("com10")),
            (".aux", Some(".aux")),
        ];
        for (path, expected) in cases {
            assert_eq!(normal(path).ok().as_deref(), expected, "{path:?}");
        }
    }

    #[test]
    fn links_may_only_point_within() {
        let cases = [
            ("a/l", "b", true),
            ("a/l", "../b", true),
            ("l", "../b", false),
            ("a/l", "../../b", false),
            ("l", "/etc", false),
            ("l", "", false),
        ];
        for (path, target, taken) in cases {
            let written = Workspace::default().write(path, FileMode::Symlink, Bytes::from(target));
            assert_eq!(written.is_ok(), taken, "{path} -> {target}");
        }
    }

    #[test]
    fn links_are_not_followed() {
        let mut workspace = workspace(&["a/b"]);
        workspace.write("link", FileMode::Symlink, Bytes::from("a")).unwrap();
        assert!(workspace.plain_file("a/b").unwrap().is_some());
        assert!(workspace.plain_file("a/c").unwrap().is_none());
        for path in ["link", "link/b"] {
            let told = workspace.plain_file(path).unwrap_err().to_string();
            assert!(told.contains("leads over the symbolic link `link`"), "{told}");
        }
    }

    #[test]
    fn a_file_and_a_folder_do_not_share_a_name() {
        let mut workspace = workspace(&["a/b"]);
        let mut write =
            |path: &str| workspace.write(path, FileMode::Regular, Bytes::new()).map_err(|error| error.to_string());
        assert_eq!(write("a").unwrap_err(), "path `a` is a folder; name a file");
        assert_eq!(write("a/b/c").unwrap_err(), "path `a/b/c` passes through `a/b`, which is a file");
        assert_eq!(write("").unwrap_err(), "path `` is a folder; name a file");
    }

    #[test]
    fn folders_are_moved_with_what_is_in_them() {
        let mut moved = workspace(&["a/b", "a/c/d", "ab", "z/old"]);
        assert!(moved.rename("a", "z").unwrap());
        assert_eq!(paths(&moved), ["ab", "z/b", "z/c/d"]);
        assert_eq!(moved.bytes, "a/b".len() + "a/c/d".len() + "ab".len());
        assert!(!moved.rename("missing", "y").unwrap());
        let mut into_itself = workspace(&["a/b"]);
        assert!(into_itself.rename("a", "a/x").unwrap());
        assert_eq!(paths(&into_itself), ["a/x/b"]);
    }

    #[test]
    fn folders_are_those_of_the_files() {
        assert_eq!(Vec::from_iter(workspace(&["a/b/c", "d"]).folders()), ["a", "a/b"]);
    }
}
