//! A database for each test: real Postgres, migrated, empty, and its own.
//!
//! One cluster serves all tests of a process. The first test that asks starts it, on a thread with a runtime of its
//! own, because every test has another runtime that ends with it. The schema is migrated once, into a template, and
//! each test gets a copy.
//!
//! Clusters are kept between runs beside the test programs (`target/debug/test-postgres/0`, `1`, …: the first whose
//! lock is free), so that only the first run waits for `initdb`. The template's name contains a hash of the
//! migrations. Databases that an earlier run did not drop are dropped when the cluster is started again. When the test
//! process ends, the parent-death signal ends Postgres; where there is none, the next run does.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::sync::{mpsc, oneshot};

use super::MIGRATOR;
use super::embedded::{Durability, EmbeddedError, EmbeddedOptions, EmbeddedPostgres};

/// Clusters that may run at once; more test processes than that on one build directory wait for nothing, they fail.
const SLOTS: u32 = 32;

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
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Best effort: what is not dropped before the process ends is dropped by the next run.
        let _ = cluster().send(Request::Drop(std::mem::take(&mut self.name)));
    }
}

/// A fresh database with the schema of all migrations.
pub(crate) async fn database() -> TestDatabase {
    let (answer, created) = oneshot::channel();
    cluster()
        .send(Request::Create(answer))
        .expect("the thread of the test cluster lives as long as the process");
    let (name, options) = created.await.expect("the test cluster starts and copies its template");
    let pool = PgPoolOptions::new()
        .max_connections(POOL_SIZE)
        .connect_lazy_with(options.clone());
    TestDatabase { pool, options, name }
}

enum Request {
    Create(oneshot::Sender<(String, PgConnectOptions)>),
    Drop(String),
}

/// The way to the thread that runs the cluster, which the first call starts.
fn cluster() -> &'static mpsc::UnboundedSender<Request> {
    static CLUSTER: OnceLock<mpsc::UnboundedSender<Request>> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let (sender, requests) = mpsc::unbounded_channel();
        let serve = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(serve(requests));
        };
        std::thread::Builder::new()
            .name("test cluster".to_owned())
            .spawn(serve)
            .unwrap();
        sender
    })
}

async fn serve(mut requests: mpsc::UnboundedReceiver<Request>) {
    let postgres = start().await;
    let maintenance = postgres.connect_options().database("postgres");
    let template = prepare_template(&postgres.connect_options()).await;
    let connect = async || PgConnection::connect_with(&maintenance).await.unwrap();
    // Two connections, so that nobody waits for the end of somebody else's database.
    let mut creating = connect().await;
    let (drops, dropped) = mpsc::unbounded_channel();
    tokio::spawn(drop_databases(connect().await, dropped));
    while let Some(request) = requests.recv().await {
        match request {
            Request::Create(answer) => {
                let name = next_name();
                let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
                creating.execute(AssertSqlSafe(sql)).await.unwrap();
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
        drop_database(&mut connection, &name).await;
    }
}

async fn drop_database(connection: &mut PgConnection, name: &str) {
    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
}

fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Starts Postgres in the first slot that is free; a cluster that does not start is made anew.
async fn start() -> EmbeddedPostgres {
    let test_program = std::env::current_exe().unwrap();
    let build_dir = test_program.parent().and_then(|deps| deps.parent()).unwrap();
    let slots = (0..SLOTS).map(|slot| build_dir.join("test-postgres").join(slot.to_string()));
    for data_dir in slots {
        match EmbeddedPostgres::start(options(&data_dir)).await {
            Ok(postgres) => return postgres,
            Err(EmbeddedError::Locked { .. }) => {}
            // It may be of another version, or damaged: without fsync it does not survive a power cut.
            Err(EmbeddedError::Start { .. } | EmbeddedError::WrongVersion { .. } | EmbeddedError::Refused(_)) => {
                std::fs::remove_dir_all(data_dir.join("postgres")).unwrap();
                return EmbeddedPostgres::start(options(&data_dir)).await.unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("all {SLOTS} test clusters of this build directory are in use");
}

fn options(data_dir: &std::path::Path) -> EmbeddedOptions {
    EmbeddedOptions {
        data_dir: PathBuf::from(data_dir),
        bin_dir: None,
        durability: Durability::TestOnly,
    }
}

/// Drops what earlier runs left, and makes the template unless the migrations are the same as then.
async fn prepare_template(options: &PgConnectOptions) -> String {
    let mut connection = PgConnection::connect_with(&options.clone().database("postgres"))
        .await
        .unwrap();
    let template = template_name();
    let found = "SELECT datname, datistemplate FROM pg_database WHERE datname ~ '^(test|template)_'";
    let databases: Vec<(String, bool)> = sqlx::query_as(found).fetch_all(&mut connection).await.unwrap();
    let mut ready = false;
    for (name, finished) in databases {
        if name == template && finished {
            ready = true;
            continue;
        }
        // A template cannot be dropped while it is marked as one.
        connection
            .execute(AssertSqlSafe(format!("ALTER DATABASE {name} IS_TEMPLATE false")))
            .await
            .unwrap();
        drop_database(&mut connection, &name).await;
    }
    if !ready {
        connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {template}")))
            .await
            .unwrap();
        let pool = PgPoolOptions::new()
            .connect_with(options.clone().database(&template))
            .await
            .unwrap();
        super::migrate(&pool).await.unwrap();
        pool.close().await;
        // The mark comes last: it says that all migrations are in.
        connection
            .execute(AssertSqlSafe(format!("ALTER DATABASE {template} IS_TEMPLATE true")))
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
    template
}

fn template_name() -> String {
    let hash = MIGRATOR.iter().fold(Sha256::new(), |hash, migration| {
        hash.chain_update(migration.version.to_be_bytes())
            .chain_update(&migration.checksum)
    });
    let hash = hash.finalize();
    format!(
        "template_{}",
        hash.iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    )
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
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let count = runtime.block_on(async { tables(&database().await).await });
            assert_eq!(count, 0);
        }
    }
}
