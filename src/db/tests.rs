//! Connecting, refusing, migrating, and reading errors.

use sqlx::Executor as _;

use super::testing::{Restartable, database};
use super::*;

#[tokio::test]
async fn an_address_that_cannot_be_used_is_named_without_its_password() {
    let check = async |url: &str, expected: &str| {
        let error = match Database::options(url) {
            Ok(options) => Database::connect(options, 2).await.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    };
    check(
        "mysql://app:s3cret@localhost/x",
        "DATABASE_URL is not the address of a Postgres database: it must begin with",
    )
    .await;
    check("s3cret", "it must begin with postgres://").await;
    check("postgres://app:s3cret@localhost:port/x", "of a Postgres database: invalid port number").await;
    check(
        "postgres://app:s3cret@localhost/x?sslmode=odd",
        "of a Postgres database: unknown value \"odd\" for `ssl_mode`",
    )
    .await;
    // Port 1 is nobody's.
    check(
        "postgres://app:s3cret@127.0.0.1:1/portal",
        "cannot reach the database `postgres://app:***@127.0.0.1:1/portal`",
    )
    .await;
    check("postgres:///portal?host=/nowhere&user=app&password=s3cret", "cannot reach the database").await;
}

#[tokio::test]
async fn a_server_that_says_no_is_quoted() {
    let database = database().await;
    let error = Database::connect(database.options().database("nonesuch"), 2).await.unwrap_err().to_string();
    assert!(
        error.contains("refuses the connection: database \"nonesuch\" does not exist; check DATABASE_URL"),
        "{error}"
    );
    assert!(error.starts_with("the database `nonesuch` as `greenroom` on the socket in"), "{error}");
}

#[tokio::test]
async fn sessions_have_limits_and_a_name() {
    let database = database().await;
    let connected = Database::connect(database.options(), 2).await.unwrap();
    let sql = "SELECT concat_ws(' ', current_setting('application_name'), current_setting('statement_timeout'), \
               current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'))";
    let settings: String = sqlx::query_scalar(sql).fetch_one(connected.pool()).await.unwrap();
    assert_eq!(settings, "greenroom 30s 10s 1min");
    connected.close().await;
    assert!(connected.pool().is_closed());
}

#[tokio::test]
async fn replicas_may_migrate_at_the_same_time_and_again() {
    let database = database().await;
    database.pool().execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    let first = Database::connect(database.options(), 2).await.unwrap();
    let second = Database::connect(database.options(), 2).await.unwrap();
    let (one, other) = tokio::join!(first.migrate(), second.migrate());
    one.unwrap();
    other.unwrap();
    first.migrate().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let database = database().await;
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
               VALUES (99991231235959, 'from the future', TRUE, '', 0)";
    database.pool().execute(sql).await.unwrap();
    let error = migrate(database.pool()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the database was last used by a newer version of greenroom (migration 99991231235959); \
         start that version or a later one"
    );
}

#[tokio::test]
async fn constraints_are_named() {
    let database = database().await;
    database.pool().execute("CREATE TABLE taken (name TEXT CONSTRAINT taken_name_key UNIQUE)").await.unwrap();
    let insert = "INSERT INTO taken VALUES ('payments'), ('payments')";
    let error = database.pool().execute(insert).await.unwrap_err();
    assert_eq!(constraint(&error), Some("taken_name_key"));
    let error = database.pool().execute("SELECT 1 / 0").await.unwrap_err();
    assert_eq!(constraint(&error), None);
}

#[tokio::test]
async fn no_statement_fails_after_a_quick_restart() {
    let mut database = Restartable::start().await;
    let pool = database.pool().clone();
    for round in 0..3 {
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(pool.acquire().await.unwrap());
        }
        for connection in &mut open {
            sqlx::query("SELECT 1").execute(&mut **connection).await.unwrap();
        }
        drop(open);
        database.stop().await;
        database.start_again().await;
        for statement in 0..3 {
            let answer = sqlx::query("SELECT 1").execute(&pool).await;
            assert!(answer.is_ok(), "round {round}, statement {statement}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_quiet_pool_lets_connections_go() {
    let database = database().await;
    // Whatever lay idle did so for long.
    let pool = open_shrinking_pool(database.options(), 5, Duration::ZERO);
    let burst = futures_util::future::try_join_all((0..5).map(|_| pool.acquire())).await.unwrap();
    drop(burst);
    while pool.num_idle() < 5 {
        tokio::task::yield_now().await;
    }
    // A statement, and its connection is back or closed.
    let ask = async || {
        let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&pool).await.unwrap();
        while usize::try_from(pool.size()).unwrap() > pool.num_idle() {
            tokio::task::yield_now().await;
        }
        own
    };
    let asked = async {
        for _ in 0..3 {
            ask().await;
        }
        assert_eq!(pool.size(), 2, "three of five are closed");
        // What is left is not closed and opened again and again.
        let servers: std::collections::HashSet<i32> = [ask().await, ask().await, ask().await, ask().await].into();
        assert_eq!(servers.len(), 2);
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap();
}
