//! Postgres' log file: kept small, and searched for the reason when something went wrong.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::EmbeddedError;
use super::account::Account;
use super::layout::Layout;

/// A log longer than this is put aside at the next start; one older log is kept.
const LIMIT: u64 = 4 << 20;
/// Levels after which Postgres ends.
const FATAL: [&str; 2] = [" FATAL: ", " PANIC: "];
/// Levels of lines that belong to the one before.
const DETAIL: [&str; 2] = [" DETAIL: ", " HINT: "];
/// How much of its end is searched.
const TAIL: u64 = 8 << 10;

/// The log, from where this start of Postgres began to write.
#[derive(Debug, Clone)]
pub(super) struct ServerLog {
    path: PathBuf,
    start: u64,
}

impl ServerLog {
    /// Opens the log for another start.
    pub(super) fn open(layout: &Layout, account: Option<&Account>) -> Result<Self, EmbeddedError> {
        let path = layout.home().join("server.log");
        let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        if length(&path) > LIMIT {
            fs::rename(&path, path.with_extension("log.1")).map_err(EmbeddedError::files("rename", &path))?;
        }
        let log = Self { start: length(&path), path };
        log.append()?;
        if let Some(account) = account {
            account.own(&log.path)?;
        }
        Ok(log)
    }

    /// The log as Postgres' standard error.
    pub(super) fn file(&self) -> Result<Stdio, EmbeddedError> {
        Ok(self.append()?.into())
    }

    fn append(&self) -> Result<File, EmbeddedError> {
        let opened = OpenOptions::new().append(true).create(true).open(&self.path);
        opened.map_err(EmbeddedError::files("open", &self.path))
    }

    /// Where the log is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The last fatal message of this run, or its last line.
    pub(super) fn reason(&self) -> String {
        reason(&self.tail().unwrap_or_default())
    }

    fn tail(&self) -> std::io::Result<String> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(self.start.max(length.saturating_sub(TAIL))))?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail)?;
        Ok(String::from_utf8_lossy(&tail).into_owned())
    }
}

/// A fatal message with the detail and hint that follow it, in one line.
fn reason(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let Some(index) = lines.iter().rposition(|line| message(line, &FATAL).is_some()) else {
        // Not from Postgres itself, such as the loader's complaint about a library.
        let foreign = lines.last().filter(|line| !line.contains(" LOG: "));
        return foreign.map_or("its log gives no reason", |line| line.trim()).to_owned();
    };
    let details = lines[index + 1..].iter().map_while(|line| message(line, &DETAIL));
    let parts: Vec<&str> = message(lines[index], &FATAL).into_iter().chain(details).collect();
    parts.join("; ")
}

/// The message of a log line that has one of these levels.
fn message<'line>(line: &'line str, levels: &[&str]) -> Option<&'line str> {
    levels.iter().find_map(|level| Some(line.split_once(level)?.1.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_fatal_message() {
        let check = |log: &str, expected: &str| assert_eq!(reason(log), expected);
        check("", "its log gives no reason");
        check("x LOG:  database system is ready to accept connections\n", "its log gives no reason");
        check("something\nodd\n", "odd");
        check(
            "2026-01-01 UTC [1] LOG:  starting\n2026-01-01 UTC [1] FATAL:  lock file \"postmaster.pid\" already exists\n\
             2026-01-01 UTC [1] HINT:  Is another postmaster running?\n2026-01-01 UTC [1] LOG:  shut down\n",
            "lock file \"postmaster.pid\" already exists; Is another postmaster running?",
        );
        check(
            "x FATAL:  first\nx PANIC:  could not write: No space left on device\n",
            "could not write: No space left on device",
        );
    }
}
