//! Files and folders on this machine.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use globset::GlobBuilder;
use sha2::{Digest, Sha256};

use super::{Fetched, ReadError, Tree, TreeFile, content_version, within_file_limit, within_tree_limits};
use crate::forge::FileMode;

/// Reads one file unless it has this stamp; the version is the hash of its content.
pub(super) async fn read(path: String, stamp: Option<String>) -> Result<Option<Fetched>, ReadError> {
    blocking(move || {
        // Looked at before it is read: what is written in between has another stamp the next time.
        let metadata = fs::metadata(&path).map_err(|error| wrong(&path, error))?;
        let found = stamp_of(&metadata);
        if found.is_some() && found == stamp {
            return Ok(None);
        }
        within_file_limit(usize::try_from(metadata.len()).unwrap_or(usize::MAX), &path)?;
        let bytes = Bytes::from(fs::read(&path).map_err(|error| wrong(&path, error))?);
        let version = content_version(&bytes);
        Ok(Some(Fetched { bytes, version, stamp: found }))
    })
    .await
}

/// Times, size and number of a file. None while the file is so young that the clock of the disk could give another
/// writing the same time.
fn stamp_of(metadata: &fs::Metadata) -> Option<String> {
    const TICK: Duration = Duration::from_millis(50);
    const COARSE_TICK: Duration = Duration::from_secs(2);
    let modified = metadata.modified().ok()?;
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let tick = if since.subsec_nanos() == 0 { COARSE_TICK } else { TICK };
    let age = SystemTime::now().duration_since(modified).ok()?;
    (age > tick).then(|| format!("{}-{}-{}", since.as_nanos(), metadata.len(), identity(metadata)))
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> String {
    use std::os::unix::fs::MetadataExt as _;
    format!("{}-{}.{:09}", metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_metadata: &fs::Metadata) -> String {
    String::new()
}

/// Reads every file below a folder; the version is the hash of all paths, modes and contents.
pub(super) async fn tree(root: String) -> Result<Tree, ReadError> {
    blocking(move || {
        let root = PathBuf::from(root);
        let shown = root.to_string_lossy().into_owned();
        let mut files = Vec::new();
        let mut total = 0;
        for path in walk(&root, usize::MAX)? {
            let file = tree_file(&root, &path)?;
            total += file.bytes.len();
            files.push(file);
            within_tree_limits(files.len(), total, &shown)?;
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut hasher = Sha256::new();
        for file in &files {
            hasher.update(format!("{}\0{:?}\0{}\0", file.path, file.mode, file.bytes.len()));
            hasher.update(&file.bytes);
        }
        Ok(Tree { version: hex::encode(hasher.finalize()), files })
    })
    .await
}

/// The files that a path with wildcards names, sorted; `*` stays within a folder, `**` does not.
pub(super) async fn glob(pattern: String) -> Result<Vec<String>, ReadError> {
    blocking(move || {
        let pattern = normal(Path::new(&pattern)).to_string_lossy().into_owned();
        let invalid = |error: globset::Error| ReadError::Unsupported(format!("{pattern} is not a valid glob: {error}"));
        let matcher = GlobBuilder::new(&pattern).literal_separator(true).build().map_err(invalid)?.compile_matcher();
        let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
        let root: PathBuf = Path::new(&pattern).components().take_while(is_plain).collect();
        let depth = Path::new(&pattern).components().count() - root.components().count();
        let depth = if pattern.contains("**") { usize::MAX } else { depth };
        let found = match walk(&root, depth) {
            Err(error) if error.is_not_found() => Vec::new(),
            found => found?,
        };
        let mut paths: Vec<String> = found
            .into_iter()
            .filter(|path| matcher.is_match(path))
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        paths.sort();
        Ok(paths)
    })
    .await
}

/// Every file and link below a folder, as deep as told; version-control folders are left out.
fn walk(root: &Path, depth: usize) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = Vec::new();
    let mut folders = vec![(root.to_owned(), depth)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| wrong(&folder.to_string_lossy(), error))?;
        for entry in entries {
            let entry = entry.map_err(|error| wrong(&folder.to_string_lossy(), error))?;
            let kind = entry.file_type().map_err(|error| wrong(&folder.to_string_lossy(), error))?;
            if !kind.is_dir() {
                files.push(entry.path());
            } else if entry.file_name() != ".git" && depth > 1 {
                folders.push((entry.path(), depth - 1));
            }
        }
        within_tree_limits(files.len(), 0, &root.to_string_lossy())?;
    }
    Ok(files)
}

fn tree_file(root: &Path, path: &Path) -> Result<TreeFile, ReadError> {
    let shown = path.to_string_lossy();
    let metadata = fs::symlink_metadata(path).map_err(|error| wrong(&shown, error))?;
    let relative = path.strip_prefix(root).unwrap_or(path);
    let path_text: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let (mode, bytes) = if metadata.is_symlink() {
        let target = fs::read_link(path).map_err(|error| wrong(&shown, error))?;
        (FileMode::Symlink, target.to_string_lossy().into_owned().into_bytes())
    } else {
        within_file_limit(usize::try_from(metadata.len()).unwrap_or(usize::MAX), &shown)?;
        (mode_of(&metadata), fs::read(path).map_err(|error| wrong(&shown, error))?)
    };
    Ok(TreeFile { path: path_text.join("/"), mode, bytes: bytes.into() })
}

#[cfg(unix)]
fn mode_of(metadata: &fs::Metadata) -> FileMode {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o111 == 0 { FileMode::Regular } else { FileMode::Executable }
}

#[cfg(not(unix))]
fn mode_of(_metadata: &fs::Metadata) -> FileMode {
    FileMode::Regular
}

/// The path without `.` and `..`, by its text alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

fn wrong(path: &str, source: std::io::Error) -> ReadError {
    match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => ReadError::NotFound(path.to_owned()),
        _ => ReadError::Disk { path: path.to_owned(), source },
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| {
        Err(ReadError::Disk { path: "the disk".to_owned(), source: std::io::Error::other(stopped) })
    })
}
