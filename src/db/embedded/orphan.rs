//! Ends what an earlier server left on a cluster, and removes a `postmaster.pid` that nobody stands behind.
//!
//! Called with the data directory's lock held, so whatever runs here has lost its server. Postgres itself refuses to
//! start while the process id in `postmaster.pid` is in use by *any* process of its user: also by a zombie that nobody
//! reaps, or by a stranger after a container's restart. On Linux a process counts as this cluster's Postgres if its
//! name says so and its working directory is the cluster, where every Postgres process sits; elsewhere `ps` must show
//! `postgres` with the cluster's path.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::EmbeddedError;

/// What is tried in turn on a postmaster, and how long each may take.
const LADDER: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(15)),
    (Signal::QUIT, Duration::from_secs(5)),
    (Signal::KILL, Duration::from_secs(5)),
];
/// How long session processes get to notice that their postmaster is gone.
const BEREAVED_LIMIT: Duration = Duration::from_secs(3);

const POLL: Duration = Duration::from_millis(5);

/// Makes sure that no process works on the cluster; blocks until that is so.
pub(super) fn end(cluster: &Path) -> Result<(), EmbeddedError> {
    let pid_file = cluster.join("postmaster.pid");
    // Without the file the last Postgres ended in good order, children included.
    let Ok(content) = fs::read_to_string(&pid_file) else {
        return Ok(());
    };
    if let Some(pid) = content.lines().next().and_then(parse_pid).filter(|pid| works_on(*pid, cluster)) {
        tracing::warn!(postgres.pid = raw(pid), "ending a Postgres that an earlier server left behind");
        end_postmaster(pid, cluster)?;
    }
    end_bereaved(cluster)?;
    match fs::remove_file(&pid_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(EmbeddedError::files("remove", &pid_file)(error))
        }
        _ => Ok(()),
    }
}

fn end_postmaster(pid: Pid, cluster: &Path) -> Result<(), EmbeddedError> {
    for (signal, limit) in LADDER {
        // It may have ended since we looked.
        let _ = rustix::process::kill_process(pid, signal);
        if wait_until(limit, || !works_on(pid, cluster)) {
            return Ok(());
        }
    }
    Err(EmbeddedError::Orphan { pid: raw(pid), cluster: cluster.to_owned() })
}

/// Ends session processes that have lost their postmaster; what they had committed is in the log and comes back.
fn end_bereaved(cluster: &Path) -> Result<(), EmbeddedError> {
    if wait_until(BEREAVED_LIMIT, || workers(cluster).is_empty()) {
        return Ok(());
    }
    for pid in workers(cluster) {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
    if wait_until(BEREAVED_LIMIT, || workers(cluster).is_empty()) {
        return Ok(());
    }
    let pid = workers(cluster).first().map_or(0, |pid| raw(*pid));
    Err(EmbeddedError::Orphan { pid, cluster: cluster.to_owned() })
}

fn wait_until(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !condition() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(POLL);
    }
    true
}

fn parse_pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.trim().parse().ok()?)
}

fn raw(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Whether a process is a Postgres of this cluster; a zombie is not.
#[cfg(target_os = "linux")]
pub(super) fn works_on(pid: Pid, cluster: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let process = format!("/proc/{}", raw(pid));
    let name = fs::read_to_string(format!("{process}/comm")).unwrap_or_default();
    if !matches!(name.trim_end(), "postgres" | "postmaster") {
        return false;
    }
    let identity = |path: &Path| fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    // A zombie has no working directory any more.
    identity(Path::new(&format!("{process}/cwd"))).is_some_and(|cwd| identity(cluster) == Some(cwd))
}

#[cfg(target_os = "linux")]
fn workers(cluster: &Path) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = processes.flatten().filter_map(|process| parse_pid(process.file_name().to_str()?));
    pids.filter(|pid| works_on(*pid, cluster)).collect()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn works_on(pid: Pid, cluster: &Path) -> bool {
    let mut ps = std::process::Command::new("ps");
    let Ok(output) = ps.args(["-o", "stat=,command=", "-p", &raw(pid).to_string()]).output() else {
        return false;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    !text.starts_with('Z') && text.contains("postgres") && text.contains(&*cluster.to_string_lossy())
}

/// Session processes do not show their cluster here; Postgres' own check of its shared memory finds them.
#[cfg(not(target_os = "linux"))]
fn workers(_cluster: &Path) -> Vec<Pid> {
    Vec::new()
}
