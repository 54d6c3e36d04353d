//! The database a portal has when nobody gives it one: a private Postgres that the server runs itself.
//!
//! Flow of [`EmbeddedPostgres::start`]: take the data directory's lock → find Postgres programs of the cluster's
//! version ([`binaries`]) → end what an earlier server left behind ([`orphan`]) → `initdb` if there is no cluster yet
//! ([`cluster`]) → start `postgres` ([`process`], [`launcher`]) → connect until it answers.
//!
//! ```text
//! {data_dir}/lock               flock, held as long as Postgres runs; contains the server's process id
//! {data_dir}/postgres/cluster/  the cluster, made under the name cluster.new and renamed when it is whole and on disk
//! {data_dir}/postgres/socket/   the Unix socket, the only way in
//! {data_dir}/postgres/server.log
//! ```
//!
//! Invariants:
//! - Whoever can enter `{data_dir}/postgres` (mode 0700: its owner and root) may connect, nobody else; there is no TCP.
//! - One server per data directory. The lock is released only after Postgres has ended.
//! - Postgres never outlives the server for long: stopped by [`EmbeddedPostgres::stop`], signalled on drop, told by
//!   the kernel when the server is killed (Linux), and else ended by the next start.
//! - Only the cluster's own major version opens it; there is no upgrade in place.

mod account;
mod binaries;
mod cluster;
mod error;
mod install;
pub(crate) mod launcher;
mod layout;
mod log;
mod orphan;
mod process;
mod readiness;
mod settings;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use self::account::Account;
use self::binaries::Binaries;
pub(crate) use self::error::EmbeddedError;
use self::launcher::Program;
use self::layout::{DataLock, Layout};
use self::log::ServerLog;
use self::process::Running;

/// The oldest major version of Postgres whose SQL we write.
pub(crate) const OLDEST_MAJOR: u32 = 15;

/// Owner of everything in the cluster; the socket's directory is what protects it.
const SUPERUSER: &str = "greenroom";
/// The database the portal lives in.
const DATABASE: &str = "greenroom";
/// Postgres names its socket after a port, even where nothing listens on one.
const PORT: u16 = 5432;

/// How long a shutdown may take that ends sessions and writes a checkpoint, before it is cut short.
const FAST_SHUTDOWN_LIMIT: Duration = Duration::from_secs(20);
/// How long one may take that writes nothing, before the process is killed.
const IMMEDIATE_SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// What an embedded database is made from.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddedOptions {
    /// The portal's data directory; made when missing.
    pub(crate) data_dir: PathBuf,
    /// Where `postgres` and `initdb` are; searched for when not set.
    pub(crate) bin_dir: Option<PathBuf>,
    /// What a commit is worth.
    pub(crate) durability: Durability,
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A commit survives killed processes and a power cut.
    Full,
    /// A commit survives killed processes only; for tests, where speed is worth more.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests may lose data"))]
    TestOnly,
}

/// What is running, in words for the terminal and `doctor`.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddedSummary {
    /// Postgres' own version, like `15.18 (Debian 15.18-0+deb12u1)`.
    pub(crate) version: String,
    /// Process id of the postmaster.
    pub(crate) pid: u32,
    /// Directory of the Unix socket, for `psql --host`.
    pub(crate) socket_dir: PathBuf,
    /// Whether this start made the cluster.
    pub(crate) first_start: bool,
    /// The user Postgres runs as, when that is not the server's own.
    pub(crate) user: Option<String>,
}

/// A running private Postgres; dropping it begins a shutdown without waiting for its end.
#[derive(Debug)]
pub(crate) struct EmbeddedPostgres {
    running: Running,
    log: ServerLog,
    connect_options: PgConnectOptions,
    summary: EmbeddedSummary,
    /// Keeps the descriptor open that a long socket path goes through.
    _layout: Layout,
}

impl EmbeddedPostgres {
    /// Starts Postgres on the data directory, making the cluster when there is none, and waits until it answers.
    pub(crate) async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let started = tokio::task::spawn_blocking(move || Started::new(&options)).await;
        let Started { running, log, layout, first_start, user } = started.map_err(EmbeddedError::interrupted)??;
        let socket_dir = layout.client_socket_dir();
        let connect_options = connect_options(&socket_dir);
        let version = readiness::wait(&connect_options, &running, &log).await?;
        let summary = EmbeddedSummary { version, pid: running.pid(), socket_dir, first_start, user };
        Ok(Self { running, log, connect_options, summary, _layout: layout })
    }

    /// How to connect to the portal's database; valid as long as this value lives.
    pub(crate) fn connect_options(&self) -> PgConnectOptions {
        self.connect_options.clone()
    }

    /// What is running.
    pub(crate) fn summary(&self) -> &EmbeddedSummary {
        &self.summary
    }

    /// Resolves when Postgres has ended, with the reason from its log; to be raced against the server's own shutdown.
    pub(crate) fn exited(&self) -> impl Future<Output = EmbeddedError> + Send + 'static {
        let mut exit = self.running.exit();
        let log = self.log.clone();
        async move {
            let status = exit.wait().await;
            EmbeddedError::Exited { status, reason: log.reason(), log: log.path().to_owned() }
        }
    }

    /// Ends Postgres: sessions are closed and everything is written; harder when that takes too long.
    pub(crate) async fn stop(self) {
        let mut exit = self.running.exit();
        let ladder = [(Signal::INT, FAST_SHUTDOWN_LIMIT), (Signal::QUIT, IMMEDIATE_SHUTDOWN_LIMIT)];
        for (signal, limit) in ladder {
            self.running.signal(signal);
            if tokio::time::timeout(limit, exit.wait()).await.is_ok() {
                return;
            }
            tracing::warn!(postgres.pid = self.running.pid(), ?signal, "Postgres did not end within {limit:?}");
        }
        self.running.signal(Signal::KILL);
        exit.wait().await;
    }
}

/// Whether a portal's data directory has a cluster.
pub(crate) fn is_there(data_dir: &Path) -> bool {
    data_dir.join("postgres/cluster/PG_VERSION").exists()
}

/// A Postgres process that may not answer yet.
struct Started {
    running: Running,
    log: ServerLog,
    layout: Layout,
    first_start: bool,
    user: Option<String>,
}

impl Started {
    /// Everything up to the process' start; blocks.
    fn new(options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let layout = Layout::create(&options.data_dir)?;
        let lock = DataLock::acquire(&layout)?;
        let account = Account::needed(&layout);
        let layout = layout.owned_by(account.as_ref())?;
        let major = cluster::major(&layout)?;
        let binaries = Binaries::find(options.bin_dir.as_deref(), major, account.as_ref(), &layout.cluster())?;
        orphan::end(&layout.cluster())?;
        layout.clear_socket()?;
        let first_start = major.is_none();
        if first_start {
            cluster::create(&layout, &binaries, account.as_ref(), options.durability)?;
        }
        let log = ServerLog::open(&layout, account.as_ref())?;
        let program = Program {
            path: binaries.postgres(),
            arguments: settings::arguments(&layout, options.durability),
            death_signal: Signal::INT,
        };
        let mut command = program.command(&layout, account.as_ref())?;
        command.stdout(std::process::Stdio::null()).stderr(log.file()?);
        let running = Running::spawn(command, lock).map_err(EmbeddedError::files("start", &binaries.postgres()))?;
        Ok(Self { running, log, layout, first_start, user: account.map(|account| account.name) })
    }
}

fn connect_options(socket_dir: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(PORT)
        .username(SUPERUSER)
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
}
