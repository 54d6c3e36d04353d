//! Folders of files as they are on disk, without following links.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use anyhow::{Context as _, ensure};

use crate::catalog::TreeFile;
use crate::forge::FileMode;

/// Most files of one folder.
const MAX_FILES: usize = 20_000;
/// Most bytes of one folder.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Every file below a folder, in the order of their paths. Folders for which `skip` holds, by their path, are left out.
pub(super) fn read(root: &Path, skip: &dyn Fn(&str) -> bool) -> anyhow::Result<Vec<TreeFile>> {
    let mut found = Vec::new();
    let (mut folders, mut bytes) = (vec![String::new()], 0);
    while let Some(folder) = folders.pop() {
        let place = root.join(&folder);
        let entries = fs::read_dir(&place).with_context(|| format!("cannot read {}", place.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().with_context(|| format!("{}: a name is not Unicode", place.display()))?;
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !skip(&path) {
                    folders.push(path);
                }
            } else if kind.is_file() || kind.is_symlink() {
                let file = read_file(&entry.path(), path, kind.is_symlink())?;
                bytes += file.bytes.len();
                found.push(file);
            }
            let limit = MAX_BYTES / 1024 / 1024;
            let is_small = found.len() <= MAX_FILES && bytes <= MAX_BYTES;
            ensure!(is_small, "{} has more than {MAX_FILES} files or {limit} MiB", root.display());
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// One file, under its own name.
pub(super) fn read_one(place: &Path) -> anyhow::Result<TreeFile> {
    let name = place.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{}: the name is not Unicode", place.display()))?;
    read_file(place, name.to_owned(), place.is_symlink())
}

fn read_file(place: &Path, path: String, is_link: bool) -> anyhow::Result<TreeFile> {
    if is_link {
        let target = fs::read_link(place)?;
        let target = target.to_str().with_context(|| format!("{}: the target is not Unicode", place.display()))?;
        return Ok(TreeFile { path, mode: FileMode::Symlink, bytes: target.to_owned().into() });
    }
    let executable = fs::metadata(place)?.permissions().mode() & 0o111 != 0;
    let mode = if executable { FileMode::Executable } else { FileMode::Regular };
    let bytes = fs::read(place).with_context(|| format!("cannot read {}", place.display()))?;
    Ok(TreeFile { path, mode, bytes: bytes.into() })
}

/// Writes one file below a folder. Its path is not trusted.
pub(super) fn write(root: &Path, path: &str, mode: FileMode, content: &[u8]) -> anyhow::Result<()> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(inside, "`{path}` is not a path inside the folder");
    let target = root.join(path);
    let context = || format!("cannot write {}", target.display());
    fs::create_dir_all(target.parent().unwrap_or(root)).with_context(context)?;
    if mode == FileMode::Symlink {
        return std::os::unix::fs::symlink(std::str::from_utf8(content)?, &target).with_context(context);
    }
    fs::write(&target, content).with_context(context)?;
    let mode = if mode == FileMode::Executable { 0o755 } else { 0o644 };
    fs::set_permissions(&target, fs::Permissions::from_mode(mode)).with_context(context)
}
