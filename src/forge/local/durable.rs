//! Files that are on disk before anything refers to them: written under another name, synced, then renamed.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

/// Git's own files of objects and packs are read-only.
const READ_ONLY: u32 = 0o444;

/// Syncs a folder's entries.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes a new file and syncs it.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes a read-only file in `folder` by `fill`, syncs it, and gives it the name that `fill` returns.
/// A file of that name with the same content is the usual reason to find one there, so it is kept or replaced alike.
pub(super) fn write_named<T>(
    folder: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<(String, T)>,
) -> io::Result<T> {
    let temporary = tempfile::Builder::new()
        .prefix("tmp_")
        .permissions(fs::Permissions::from_mode(READ_ONLY))
        .tempfile_in(folder)?;
    let mut buffered = io::BufWriter::with_capacity(64 * 1024, temporary);
    let (name, result) = fill(&mut buffered)?;
    let temporary = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    temporary.as_file().sync_all()?;
    temporary.persist(folder.join(name))?;
    Ok(result)
}
