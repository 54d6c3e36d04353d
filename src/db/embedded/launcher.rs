//! Starts Postgres' programs so that the kernel ends them when the server is killed, as another user if need be, and
//! in directories that this user cannot walk into.
//!
//! All three need something done *between* fork and exec, which only unsafe code can do directly. So on Linux the
//! server starts its own program again (`/proc/self/exe`, which works wherever the program lies) with a hidden first
//! argument; [`run_if_asked`], the first thing in `main`, sees it, asks for the parent-death signal, and becomes the
//! wanted program by exec. Details that matter:
//!
//! - The user changes first (the standard library does it before exec): changing it later would clear the signal.
//! - The signal is tied to the *thread* that forked. Whoever spawns must live as long as the child.
//! - The parent may die before the signal is set; then the launcher finds another parent and gives up.
//! - The database's directory comes in as standard input, opened by root. [`HOME`] in an argument becomes its
//!   `/proc/self/fd/…`, through which a process enters it without passing the directories above.
//!
//! A program whose `main` does not call [`run_if_asked`] would start itself for ever, so without that call, and on
//! systems other than Linux, programs are started directly; the next start then ends what a killed server left.
//! In unit tests the running program is the test harness; the ignored test `entry` is the launcher there.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;

use super::EmbeddedError;
use super::account::Account;
use super::layout::Layout;

/// Stands for the directory given as standard input, at the start of a path in an argument.
pub(super) const HOME: &str = "{home}";

/// The hidden first argument.
const ASKED: &str = "__postgres";

/// The running program's own file, wherever it lies and whoever may walk there.
const ITSELF: &str = "/proc/self/exe";

/// Whether this program's `main` calls [`run_if_asked`].
static AVAILABLE: AtomicBool = AtomicBool::new(false);

/// Becomes a program of Postgres if the arguments ask for it; must be called first in `main`, before any thread.
///
/// Returns an exit code only when that failed, and `None` for an ordinary start of the server.
pub(crate) fn run_if_asked(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if arguments.nth(1).is_none_or(|argument| argument != ASKED) {
        AVAILABLE.store(true, Ordering::Relaxed);
        return None;
    }
    let Err(error) = become_program(arguments);
    // Standard error is Postgres' log here.
    let _ = writeln!(io::stderr(), "greenroom FATAL:  cannot start Postgres: {error}");
    Some(ExitCode::from(127))
}

/// Whether programs can be started through the launcher.
pub(super) fn is_available() -> bool {
    let reachable = cfg!(target_os = "linux") && Path::new(ITSELF).exists();
    reachable && (cfg!(test) || AVAILABLE.load(Ordering::Relaxed))
}

/// One of Postgres' programs.
pub(super) struct Program {
    /// Its file.
    pub(super) path: PathBuf,
    /// Its arguments; a path may begin with [`HOME`].
    pub(super) arguments: Vec<OsString>,
    /// What it gets when the server dies.
    pub(super) death_signal: Signal,
}

impl Program {
    /// The command that starts the program; spawn it from a thread that outlives it.
    pub(super) fn command(self, layout: &Layout, account: Option<&Account>) -> Result<Command, EmbeddedError> {
        let mut command = if is_available() { self.launched() } else { self.direct() };
        match layout.descriptor()? {
            Some(home) => command.stdin(home),
            None => command.stdin(Stdio::null()),
        };
        if let Some(account) = account {
            // The standard library drops root's other groups with it.
            command.uid(account.uid).gid(account.gid);
        }
        // Settings for clients and servers of other people's databases are none of ours.
        let theirs = std::env::vars_os().map(|(name, _)| name).filter(|name| name.as_bytes().starts_with(b"PG"));
        theirs.for_each(|name| _ = command.env_remove(name));
        // English messages, because the log is searched; and initdb need not look for the time zone.
        command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
        // Ctrl-C in the terminal is for the server, which still needs its database while it shuts down.
        command.process_group(0);
        Ok(command)
    }

    fn direct(self) -> Command {
        let mut command = Command::new(self.path);
        command.args(self.arguments);
        command
    }

    fn launched(self) -> Command {
        let mut command = Command::new(ITSELF);
        #[cfg(test)]
        command.args(["--exact", "--ignored", "--nocapture", "--quiet", tests::ENTRY, "--"]);
        command.arg(ASKED).arg(std::process::id().to_string()).arg(self.death_signal.as_raw().to_string());
        command.arg(self.path).args(self.arguments);
        command
    }
}

/// Sets the scene and calls exec; the arguments are those of [`Program::launched`] after [`ASKED`].
fn become_program(mut arguments: impl Iterator<Item = OsString>) -> io::Result<Infallible> {
    let mut number = || arguments.next()?.to_str()?.parse::<i32>().ok();
    let (Some(parent), Some(signal)) = (number(), number()) else {
        return Err(io::Error::other("the launcher was called with wrong arguments"));
    };
    let program = arguments.next().unwrap_or_default();
    ask_for_death_signal(signal)?;
    if rustix::process::getppid().is_none_or(|actual| actual.as_raw_nonzero().get() != parent) {
        return Err(io::Error::other("the server has ended meanwhile"));
    }
    let arguments: Vec<OsString> = arguments.collect();
    let mut command = Command::new(program);
    if arguments.iter().any(|argument| contains_home(argument)) {
        // A copy that stays open over exec, for the program and its children.
        let home = rustix::io::dup(io::stdin().as_fd())?;
        let path = format!("/proc/self/fd/{}", home.as_raw_fd());
        command.args(arguments.iter().map(|argument| with_home(argument, &path)));
        return Err(command.stdin(File::open("/dev/null")?).exec());
    }
    Err(command.args(arguments).exec())
}

#[cfg(target_os = "linux")]
fn ask_for_death_signal(signal: i32) -> io::Result<()> {
    let signal = Signal::from_named_raw(signal).ok_or_else(|| io::Error::other("no such signal"))?;
    Ok(rustix::process::set_parent_process_death_signal(Some(signal))?)
}

#[cfg(not(target_os = "linux"))]
fn ask_for_death_signal(_signal: i32) -> io::Result<()> {
    Err(io::Error::other("the launcher is for Linux only"))
}

fn contains_home(argument: &OsStr) -> bool {
    argument.as_bytes().windows(HOME.len()).any(|window| window == HOME.as_bytes())
}

/// Replaces the first [`HOME`] in an argument.
fn with_home(argument: &OsStr, path: &str) -> OsString {
    let bytes = argument.as_bytes();
    let Some(start) = bytes.windows(HOME.len()).position(|window| window == HOME.as_bytes()) else {
        return argument.to_owned();
    };
    let replaced = [&bytes[..start], path.as_bytes(), &bytes[start + HOME.len()..]].concat();
    OsString::from_vec(replaced)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The name of [`entry`] for the harness.
    pub(super) const ENTRY: &str = "db::embedded::launcher::tests::entry";

    #[test]
    #[ignore = "not a test: the launcher of the other tests' Postgres"]
    fn entry() {
        let arguments = std::env::args_os().skip_while(|argument| argument != ASKED);
        let asked = std::iter::once(OsString::new()).chain(arguments);
        if run_if_asked(asked).is_some() {
            std::process::exit(127);
        }
    }

    #[test]
    fn the_placeholder_becomes_the_directory() {
        let check = |argument: &str, expected: &str| {
            assert_eq!(with_home(OsStr::new(argument), "/proc/self/fd/3"), OsStr::new(expected));
        };
        check("{home}/cluster", "/proc/self/fd/3/cluster");
        check("unix_socket_directories=\"{home}/socket\"", "unix_socket_directories=\"/proc/self/fd/3/socket\"");
        check("-D", "-D");
    }

    #[test]
    fn an_ordinary_start_is_not_the_launchers() {
        for arguments in [&["greenroom"][..], &["greenroom", "serve"], &["greenroom", "serve", ASKED]] {
            assert!(run_if_asked(arguments.iter().map(OsString::from)).is_none(), "{arguments:?}");
        }
    }

    #[test]
    fn a_program_whose_parent_is_another_is_not_started() {
        let arguments = ["1", "15", "/bin/true"].map(OsString::from);
        let output = Command::new(ITSELF)
            .args(["--exact", "--ignored", "--nocapture", "--quiet", ENTRY, "--", ASKED])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(127));
        assert!(String::from_utf8_lossy(&output.stderr).contains("the server has ended meanwhile"));
    }
}
