//! The files of an embedded database: where they are, who owns them, and the lock in front of them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::account::Account;
use super::launcher::{self, HOME};
use super::{EmbeddedError, PORT};

/// Addresses of Unix sockets hold 104 bytes on macOS and 108 on Linux, with the closing zero.
const LONGEST_SOCKET_PATH: usize = 103;

/// How long a lock may stay taken before that counts as another server, and how often it is tried.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// The paths under one data directory.
#[derive(Debug)]
pub(super) struct Layout {
    data_dir: PathBuf,
    /// The open home directory, when Postgres is told `/proc/self/fd/…` instead of the real path: because its user
    /// cannot walk there, or because the socket's path would be too long.
    descriptor: Option<OwnedFd>,
}

impl Layout {
    /// Makes the directories that are missing, private to the server's user.
    pub(super) fn create(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let home = data_dir.join("postgres");
        make_dir(&home)?;
        let data_dir = data_dir.canonicalize().map_err(EmbeddedError::files("find", data_dir))?;
        Ok(Self { data_dir, descriptor: None })
    }

    /// Hands the directories to the user Postgres runs as, and decides how Postgres gets there.
    pub(super) fn owned_by(self, account: Option<&Account>) -> Result<Self, EmbeddedError> {
        let socket_dir = self.home().join("socket");
        make_dir(&socket_dir)?;
        if let Some(account) = account {
            account.own(&self.home())?;
            account.own(&socket_dir)?;
        }
        let closed = account.and_then(|account| Some((account, account.first_closed_dir(&self.home())?)));
        if closed.is_none() && fits_an_address(&socket_dir) {
            return Ok(self);
        }
        match closed {
            _ if launcher::is_available() => {}
            Some((account, dir)) => {
                return Err(EmbeddedError::Unreachable { user: account.name.clone(), dir });
            }
            None => return Err(EmbeddedError::PathTooLong { dir: self.data_dir }),
        }
        let home = self.home();
        let directory = File::open(&home).map_err(EmbeddedError::files("open", &home))?;
        Ok(Self { descriptor: Some(directory.into()), ..self })
    }

    /// The portal's data directory, absolute.
    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The directory of everything that is Postgres'.
    pub(super) fn home(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    /// The cluster's directory.
    pub(super) fn cluster(&self) -> PathBuf {
        self.home().join("cluster")
    }

    /// A path below [`Self::home`] as Postgres is told it.
    pub(super) fn for_postgres(&self, name: &str) -> PathBuf {
        let home = if self.descriptor.is_some() { PathBuf::from(HOME) } else { self.home() };
        home.join(name)
    }

    /// A copy of the open home directory, when Postgres needs it to find its files.
    pub(super) fn descriptor(&self) -> Result<Option<OwnedFd>, EmbeddedError> {
        let copy = self.descriptor.as_ref().map(OwnedFd::try_clone).transpose();
        copy.map_err(EmbeddedError::files("open", &self.home()))
    }

    /// The socket's directory for this process; valid as long as the layout lives.
    pub(super) fn client_socket_dir(&self) -> PathBuf {
        let socket_dir = self.home().join("socket");
        match &self.descriptor {
            Some(home) if !fits_an_address(&socket_dir) => {
                PathBuf::from(format!("/proc/self/fd/{}/socket", home.as_raw_fd()))
            }
            _ => socket_dir,
        }
    }

    /// Removes what an ended Postgres left of its socket; its lock would stop the next one if the process id is in use.
    pub(super) fn clear_socket(&self) -> Result<(), EmbeddedError> {
        for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
            let path = self.home().join("socket").join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(EmbeddedError::files("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The exclusive right to a data directory; given back when dropped, and by the kernel when the process ends.
#[derive(Debug)]
pub(super) struct DataLock {
    file: File,
}

impl DataLock {
    /// Takes the lock or says who has it.
    pub(super) fn acquire(layout: &Layout) -> Result<Self, EmbeddedError> {
        let path = layout.data_dir().join("lock");
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(EmbeddedError::files("open", &path))?;
        match lock(&file) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // The lock is what counts; its text only helps to find the other server.
                let _ = file.read_to_string(&mut holder);
                let dir = layout.data_dir().to_owned();
                return Err(EmbeddedError::Locked { dir, pid: holder.trim().parse().ok() });
            }
            Err(error) => return Err(EmbeddedError::files("lock", &path)(error.into())),
        }
        // The lock belongs to whoever owns the data directory, so that root's visit does not shut its owner out.
        if let Ok(owner) = fs::metadata(layout.data_dir()) {
            let _ = std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()));
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(EmbeddedError::files("write", &path))?;
        Ok(Self { file })
    }
}

impl Drop for DataLock {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread has just forked holds a copy of the file until it calls exec.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

/// Waits a little: the kernel takes a moment to close the files of a server that was killed just now.
fn lock(file: &File) -> Result<(), Errno> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if Instant::now() < deadline => std::thread::sleep(LOCK_POLL),
            result => return result,
        }
    }
}

fn make_dir(path: &Path) -> Result<(), EmbeddedError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(EmbeddedError::files("create", path))
}

/// Whether the socket in this directory can be named in a socket address, and by sqlx, which wants UTF-8.
fn fits_an_address(socket_dir: &Path) -> bool {
    let length = socket_dir.as_os_str().as_bytes().len() + format!("/.s.PGSQL.{PORT}").len();
    length <= LONGEST_SOCKET_PATH && socket_dir.to_str().is_some()
}
