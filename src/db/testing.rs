//! A database for each test: real Postgres, migrated, empty, and its own.
//!
//! One cluster serves all tests of a process. The first test that asks starts it, on a thread with a runtime of its
//! own, because every test has another runtime that ends with it. The schema is migrated once, into a template, and
//! each test gets a copy.
//!
//! Clusters are kept between runs, so that only the first run waits for `initdb`: in memory (`/dev/shm`) where there is
//! room, since a copy of the template is three hundred small files, else beside the test programs in the build folder.
//! Each build folder has clusters `0`, `1`, … of its own, and a process takes the first whose lock is free. The
//! template's name contains a hash of the migrations. Databases that an earlier run did not drop are dropped when the
//! cluster is started again. When the test process ends, the parent-death signal ends Postgres; where there is none,
//! the next run does.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::sync::{mpsc, oneshot};

use super::MIGRATOR;
use super::embedded::{Durability, EmbeddedError, EmbeddedOptions, EmbeddedPostgres};

/// Clusters that may run at once; more test processes than that on one build directory wait for nothing, they fail.
const SLOTS: u32 = 32;

/// Free bytes that a file system in memory must have to be used: some clusters with some databases.
const MEMORY_NEEDED: u64 = 2 << 30;

/// Connections one test may hold.
const POOL_SIZE: u32 = 8;

/// A database that is dropped with this value.
pub(crate) struct TestDatabase {
    pool: PgPool,
    options: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    /// A pool that belongs to the test's runtime.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How to connect, for a test that needs a second pool or a whole application.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// What `DATABASE_URL` would be, for a test that starts other processes.
    pub(crate) fn url(&self) -> String {
        let socket = self.options.get_socket().expect("the test cluster listens on a socket").display();
        let (user, port) = (self.options.get_username(), self.options.get_port());
        format!("postgres://{user}@localhost:{port}/{}?host={socket}", self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Best effort: what is not dropped before the process ends is dropped by the next run.
        let _ = cluster().send(Request::Drop(std::mem::take(&mut self.name)));
    }
}

/// A fresh database with the schema of all migrations.
pub(crate) async fn database() -> TestDatabase {
    create(Schema::Migrated).await
}

/// A fresh database with nothing in it.
pub(crate) async fn empty_database() -> TestDatabase {
    create(Schema::None).await
}

async fn create(schema: Schema) -> TestDatabase {
    let (answer, created) = oneshot::channel();
    cluster()
        .send(Request::Create(schema, answer))
        .expect("the thread of the test cluster lives as long as the process");
    let (name, options) = created.await.expect("the test cluster starts and copies its template");
    let pool = super::open_pool(options.clone(), POOL_SIZE);
    TestDatabase { pool, options, name }
}

/// A Postgres of its own, which a test can take away and bring back.
pub(crate) struct Restartable {
    postgres: Option<EmbeddedPostgres>,
    pool: PgPool,
    folder: tempfile::TempDir,
}

impl Restartable {
    /// Starts it, with the schema of all migrations.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir_in(scratch_dir()).unwrap();
        let postgres = EmbeddedPostgres::start(options(folder.path())).await.unwrap();
        let pool = super::open_pool(postgres.connect_options(), POOL_SIZE);
        super::migrate(&pool).await.unwrap();
        Self { postgres: Some(postgres), pool, folder }
    }

    /// A pool that lives through it all.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Takes it away.
    pub(crate) async fn stop(&mut self) {
        self.postgres.take().expect("it runs").stop().await;
    }

    /// Brings it back with everything that was in it.
    pub(crate) async fn start_again(&mut self) {
        self.postgres = Some(EmbeddedPostgres::start(options(self.folder.path())).await.unwrap());
    }
}

/// What a new database begins with.
enum Schema {
    None,
    Migrated,
}

enum Request {
    Create(Schema, oneshot::Sender<(String, PgConnectOptions)>),
    Drop(String),
}

/// The way to the thread that runs the cluster, which the first call starts.
fn cluster() -> &'static mpsc::UnboundedSender<Request> {
    static CLUSTER: OnceLock<mpsc::UnboundedSender<Request>> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let (sender, requests) = mpsc::unbounded_channel();
        let serve = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(requests));
        };
        std::thread::Builder::new().name("test cluster".to_owned()).spawn(serve).unwrap();
        sender
    })
}

async fn serve(mut requests: mpsc::UnboundedReceiver<Request>) {
    let (postgres, template) = start().await;
    let maintenance = postgres.connect_options().database("postgres");
    let connect = async || PgConnection::connect_with(&maintenance).await.unwrap();
    // Two connections, so that nobody waits for the end of somebody else's database.
    let mut creating = connect().await;
    let (drops, dropped) = mpsc::unbounded_channel();
    tokio::spawn(drop_databases(connect().await, dropped));
    while let Some(request) = requests.recv().await {
        match request {
            Request::Create(schema, answer) => {
                let name = next_name();
                let template = if matches!(schema, Schema::Migrated) { &template } else { "template0" };
                let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
                execute(&mut creating, sql).await.unwrap();
                let options = postgres.connect_options().database(&name);
                // A test that gave up does not take its database; the next run drops it.
                let _ = answer.send((name, options));
            }
            Request::Drop(name) => drops.send(name).expect("the receiver ends with this runtime"),
        }
    }
}

async fn drop_databases(mut connection: PgConnection, mut names: mpsc::UnboundedReceiver<String>) {
    while let Some(name) = names.recv().await {
        // The next run tries again.
        let _ = drop_database(&mut connection, &name).await;
    }
}

async fn drop_database(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    execute(connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
}

/// Runs a statement whose names are all made here.
async fn execute(connection: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    connection.execute(AssertSqlSafe(sql)).await.map(drop)
}

fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Starts Postgres in the first slot that is free, and prepares the template.
async fn start() -> (EmbeddedPostgres, String) {
    let home = home();
    for slot in 0..SLOTS {
        let options = options(&home.join(slot.to_string()));
        let cluster = match EmbeddedPostgres::start(options.clone()).await {
            Ok(postgres) => prepare(postgres).await.map_err(|error| error.to_string()),
            Err(EmbeddedError::Locked { .. }) => continue,
            Err(error) => Err(error.to_string()),
        };
        return match cluster {
            Ok(cluster) => cluster,
            Err(error) => start_anew(options, &error).await,
        };
    }
    panic!("all {SLOTS} test clusters of this build directory are in use");
}

/// Where this build folder's clusters are.
fn home() -> PathBuf {
    let test_program = std::env::current_exe().unwrap();
    let build_dir = test_program.parent().and_then(Path::parent).unwrap();
    match memory_dir() {
        Some(memory) => memory.join(format!("greenroom-test-{}", short_hash(build_dir.as_os_str().as_bytes()))),
        None => build_dir.join("test-postgres"),
    }
}

/// A directory for files that need not last, the fastest there is.
pub(crate) fn scratch_dir() -> PathBuf {
    memory_dir().unwrap_or_else(std::env::temp_dir)
}

/// A file system in memory with enough room; containers often have a tiny one.
fn memory_dir() -> Option<PathBuf> {
    let memory = PathBuf::from("/dev/shm");
    let room = rustix::fs::statvfs(&memory).ok()?;
    (room.f_bavail * room.f_frsize > MEMORY_NEEDED).then_some(memory)
}

/// A kept cluster may be of another version, or damaged: without fsync it does not survive a power cut.
async fn start_anew(options: EmbeddedOptions, error: &str) -> (EmbeddedPostgres, String) {
    println!("the kept test cluster is replaced: {error}");
    let _ = std::fs::remove_dir_all(options.data_dir.join("postgres"));
    let postgres = EmbeddedPostgres::start(options).await.unwrap_or_else(|error| panic!("{error}"));
    prepare(postgres).await.unwrap_or_else(|error| panic!("{error}"))
}

fn options(data_dir: &Path) -> EmbeddedOptions {
    EmbeddedOptions { data_dir: PathBuf::from(data_dir), bin_dir: None, durability: Durability::TestOnly }
}

/// Drops what earlier runs left, and makes the template unless the migrations are the same as then.
async fn prepare(postgres: EmbeddedPostgres) -> Result<(EmbeddedPostgres, String), anyhow::Error> {
    let template = template_name();
    let prepared = prepare_template(&postgres.connect_options(), &template).await;
    match prepared {
        Ok(()) => Ok((postgres, template)),
        Err(error) => {
            postgres.stop().await;
            Err(error)
        }
    }
}

async fn prepare_template(options: &PgConnectOptions, template: &str) -> Result<(), anyhow::Error> {
    let mut connection = PgConnection::connect_with(&options.clone().database("postgres")).await?;
    if clean(&mut connection, template).await? {
        return Ok(());
    }
    execute(&mut connection, format!("CREATE DATABASE {template}")).await?;
    let pool = super::open_pool(options.clone().database(template), 1);
    super::migrate(&pool).await?;
    pool.close().await;
    // The mark comes last: it says that all migrations are in.
    Ok(execute(&mut connection, format!("ALTER DATABASE {template} IS_TEMPLATE true")).await?)
}

/// Drops all databases but the finished template, and says whether that is there.
async fn clean(connection: &mut PgConnection, template: &str) -> sqlx::Result<bool> {
    let sql = "SELECT datname, datistemplate FROM pg_database WHERE datname ~ '^(test|template)_'";
    let databases: Vec<(String, bool)> = sqlx::query_as(sql).fetch_all(&mut *connection).await?;
    let mut ready = false;
    for (name, finished) in databases {
        if name == template && finished {
            ready = true;
            continue;
        }
        // A template cannot be dropped while it is marked as one; and a half-dropped database cannot be altered.
        if finished {
            execute(connection, format!("ALTER DATABASE {name} IS_TEMPLATE false")).await?;
        }
        drop_database(connection, &name).await?;
    }
    Ok(ready)
}

fn template_name() -> String {
    let hash = MIGRATOR.iter().fold(Sha256::new(), |hash, migration| {
        hash.chain_update(migration.version.to_be_bytes()).chain_update(&migration.checksum)
    });
    format!("template_{}", in_hex(hash))
}

fn short_hash(bytes: &[u8]) -> String {
    in_hex(Sha256::new().chain_update(bytes))
}

/// The start of a hash: enough for names.
fn in_hex(hash: Sha256) -> String {
    let hash = hash.finalize();
    let start = hash.first_chunk().expect("SHA-256 is longer than eight bytes");
    format!("{:016x}", u64::from_be_bytes(*start))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tables(database: &TestDatabase) -> i64 {
        let sql = "SELECT count(*) FROM pg_class WHERE relname = 'scribble'";
        sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap()
    }

    #[tokio::test]
    async fn each_test_has_a_migrated_database_of_its_own() {
        let (first, second) = (database().await, database().await);
        first.pool().execute("CREATE TABLE scribble ()").await.unwrap();
        assert_eq!((tables(&first).await, tables(&second).await), (1, 0));
        let sql = "SELECT count(*) FROM _sqlx_migrations WHERE success";
        let applied: i64 = sqlx::query_scalar(sql).fetch_one(second.pool()).await.unwrap();
        assert_eq!(usize::try_from(applied).unwrap(), MIGRATOR.iter().count());
    }

    #[test]
    fn a_database_outlives_no_runtime() {
        for _ in 0..2 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let count = runtime.block_on(async { tables(&database().await).await });
            assert_eq!(count, 0);
        }
    }
}
