//! Makes a cluster: all of it or nothing, and on disk before it gets its name.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;

use super::account::Account;
use super::binaries::Binaries;
use super::launcher::Program;
use super::layout::Layout;
use super::{Durability, EmbeddedError, SUPERUSER};

/// Tried in turn. UTF-8 with the order of code points is the same everywhere, but older systems do not have it.
const LOCALES: [&str; 2] = ["C.UTF-8", "en_US.UTF-8"];

/// Waiting for the disk goes well in parallel: the file system writes all that is pending at once.
const SYNC_THREADS: usize = 16;

/// The name while it is being made.
const UNFINISHED: &str = "cluster.new";

/// The major version of the cluster, or `None` where there is no cluster.
pub(super) fn major(layout: &Layout) -> Result<Option<u32>, EmbeddedError> {
    let path = layout.cluster().join("PG_VERSION");
    let failed = EmbeddedError::files("read", &path);
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => Err(failed(io::Error::other(format!("`{}` is not a major version of Postgres", text.trim())))),
        },
        // A directory without this file is not a cluster of ours; `rename` will say so if it is in the way.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Makes the cluster under another name, writes it to disk, and renames it.
pub(super) fn create(
    layout: &Layout,
    binaries: &Binaries,
    account: Option<&Account>,
    durability: Durability,
) -> Result<(), EmbeddedError> {
    let unfinished = layout.home().join(UNFINISHED);
    for (index, locale) in LOCALES.into_iter().enumerate() {
        remove(&unfinished)?;
        match initdb(layout, binaries, account, locale) {
            Ok(()) => break,
            Err(EmbeddedError::Initdb { output, .. }) if index + 1 < LOCALES.len() && output.contains("locale") => {
                tracing::debug!(locale, %output, "this system lacks a locale");
            }
            Err(error) => return Err(error),
        }
    }
    if durability == Durability::Full {
        sync_tree(&unfinished).map_err(EmbeddedError::files("write", &unfinished))?;
    }
    let cluster = layout.cluster();
    fs::rename(&unfinished, &cluster).map_err(EmbeddedError::files("create", &cluster))?;
    sync(&layout.home()).map_err(EmbeddedError::files("write", &layout.home()))
}

fn remove(path: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EmbeddedError::files("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Runs `initdb` to its end; this thread waits, so the death signal cannot come too early.
fn initdb(layout: &Layout, binaries: &Binaries, account: Option<&Account>, locale: &str) -> Result<(), EmbeddedError> {
    let program = binaries.initdb();
    let arguments = [
        "--auth=trust", // who can enter the socket's directory is the owner or root; names would add nothing
        "--encoding=UTF8",
        "--no-sync", // see `sync_tree`: a few times faster
        "--no-instructions",
        &format!("--username={SUPERUSER}"),
        &format!("--locale={locale}"),
        "-D",
    ];
    let mut arguments = Vec::from(arguments.map(std::ffi::OsString::from));
    arguments.push(layout.for_postgres(UNFINISHED).into());
    let program_call = Program { path: program.clone(), arguments, death_signal: Signal::TERM };
    let mut command = program_call.command(layout, account)?;
    let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.map_err(EmbeddedError::files("start", &program))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failure(layout.cluster(), &String::from_utf8_lossy(&output.stderr)))
}

fn failure(cluster: PathBuf, output: &str) -> EmbeddedError {
    if output.contains("No space left on device") {
        return EmbeddedError::DiskFull { path: cluster };
    }
    // Its last lines tell what it cleans up.
    let lines = output.lines().filter(|line| !line.trim().is_empty() && !line.contains(": removing "));
    let output = lines.collect::<Vec<_>>().join("; ");
    EmbeddedError::Initdb { cluster, output }
}

/// Writes every file and directory of a tree to disk.
fn sync_tree(root: &Path) -> io::Result<()> {
    let mut paths = vec![root.to_owned()];
    list(root, &mut paths)?;
    let share = paths.len().div_ceil(SYNC_THREADS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = paths
            .chunks(share)
            .map(|paths| scope.spawn(move || paths.iter().try_for_each(|path| sync(path))))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn list(dir: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in dir.read_dir()? {
        let entry = entry?;
        paths.push(entry.path());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), paths)?;
        }
    }
    Ok(())
}

fn sync(path: &Path) -> io::Result<()> {
    // Not `File::sync_all`: on macOS that also waits for the drive's cache, once per file.
    Ok(rustix::fs::fsync(File::open(path)?)?)
}
