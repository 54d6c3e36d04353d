//! A Postgres process and the thread it belongs to.
//!
//! The kernel sends the parent-death signal when the *thread* that started a process ends, and threads of a runtime
//! come and go. So a thread of its own starts Postgres, waits for its end, and gives the data directory back.

use std::io;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::sync::watch;

use super::layout::DataLock;

/// A process that runs; dropping it asks Postgres to shut down.
#[derive(Debug)]
pub(super) struct Running {
    pid: u32,
    /// Empty once the process id is no longer ours and must not be signalled.
    target: Arc<Mutex<Option<Pid>>>,
    exit: Exit,
}

impl Running {
    /// Starts the command; the lock is held until the process has ended.
    pub(super) fn spawn(mut command: Command, lock: DataLock) -> io::Result<Self> {
        let target = Arc::new(Mutex::new(None));
        let (exit_sender, exit) = watch::channel(None);
        let (start_sender, started) = std::sync::mpsc::sync_channel(1);
        let thread_target = Arc::clone(&target);
        let run = move || {
            let child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(start_sender.send(Err(error))),
            };
            *thread_target.lock().unwrap_or_else(PoisonError::into_inner) = pid_of(&child);
            // A closed channel only means that nobody waits any more; the process still needs its thread.
            let _ = start_sender.send(Ok(child.id()));
            let status = reap(child, &thread_target);
            drop(lock);
            let _ = exit_sender.send(Some(status));
        };
        std::thread::Builder::new().name("postgres".to_owned()).spawn(run)?;
        let pid = started.recv().map_err(io::Error::other)??;
        Ok(Self { pid, target, exit: Exit(exit) })
    }

    /// The process id.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Where the end of the process is told.
    pub(super) fn exit(&self) -> Exit {
        self.exit.clone()
    }

    /// Sends a signal, unless the process has ended.
    pub(super) fn signal(&self, signal: Signal) {
        let target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = *target
            && let Err(error) = rustix::process::kill_process(pid, signal)
        {
            tracing::warn!(postgres.pid = self.pid, ?signal, %error, "cannot signal Postgres");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::INT);
    }
}

/// The end of a process, for any number of listeners.
#[derive(Debug, Clone)]
pub(super) struct Exit(watch::Receiver<Option<ExitStatus>>);

impl Exit {
    /// The status, if the process has ended.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        *self.0.borrow()
    }

    /// Waits for the end of the process.
    pub(super) async fn wait(&mut self) -> ExitStatus {
        let ended = self.0.wait_for(Option::is_some).await;
        ended.ok().and_then(|status| *status).unwrap_or_default()
    }
}

fn pid_of(child: &std::process::Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// Waits for the end, and takes the process id away before the system can give it to somebody else.
fn reap(mut child: std::process::Child, target: &Mutex<Option<Pid>>) -> ExitStatus {
    if let Some(pid) = pid_of(&child) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), options));
    }
    let mut target = target.lock().unwrap_or_else(PoisonError::into_inner);
    *target = None;
    child.wait().unwrap_or_default()
}
