//! The supervisor against the real Postgres programs of this machine.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::Pid;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use super::*;

fn scratch() -> TempDir {
    TempDir::new_in(crate::db::testing::scratch_dir()).unwrap()
}

/// Tells [`helper_server`] its data directory.
const HELPER_DIR: &str = "GREENROOM_TEST_HELPER_DIR";

fn options(data_dir: &Path) -> EmbeddedOptions {
    EmbeddedOptions { data_dir: data_dir.to_owned(), bin_dir: None, durability: Durability::TestOnly }
}

async fn start(data_dir: &Path) -> EmbeddedPostgres {
    EmbeddedPostgres::start(options(data_dir)).await.unwrap()
}

async fn start_error(options: EmbeddedOptions) -> String {
    EmbeddedPostgres::start(options).await.unwrap_err().to_string()
}

async fn execute(postgres: &EmbeddedPostgres, sql: &'static str) {
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
}

async fn rows(postgres: &EmbeddedPostgres) -> i64 {
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut connection).await.unwrap()
}

fn cluster(data_dir: &TempDir) -> PathBuf {
    data_dir.path().canonicalize().unwrap().join("postgres/cluster")
}

fn is_postgres(pid: u32, data_dir: &TempDir) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    orphan::works_on(pid, &cluster(data_dir))
}

/// A directory with programs that say something and fail, for everybody to enter.
fn failing_programs(message: &str) -> TempDir {
    // Not in memory: programs may not be allowed to run there.
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    binaries::tests::write_script(&dir.path().join("postgres"), "echo 'postgres (PostgreSQL) 16.1'");
    binaries::tests::write_script(&dir.path().join("initdb"), &format!("echo '{message}' >&2; exit 1"));
    dir
}

#[tokio::test]
async fn a_restart_keeps_the_data() {
    let dir = scratch();
    let first = start(dir.path()).await;
    assert!(first.summary().first_start);
    execute(&first, "CREATE TABLE kept (); INSERT INTO kept DEFAULT VALUES").await;
    let pid = first.summary().pid;
    assert!(is_postgres(pid, &dir));
    first.stop().await;
    assert!(!is_postgres(pid, &dir));
    assert!(!cluster(&dir).join("postmaster.pid").exists());

    let second = start(dir.path()).await;
    assert!(!second.summary().first_start);
    assert!(second.summary().version.split('.').next().unwrap().parse::<u32>().unwrap() >= OLDEST_MAJOR);
    assert_eq!(rows(&second).await, 1);
    second.stop().await;
}

#[tokio::test]
async fn it_is_utf8_durable_and_closed_to_the_network() {
    let dir = scratch();
    let options = EmbeddedOptions { durability: Durability::Full, ..options(dir.path()) };
    let postgres = EmbeddedPostgres::start(options).await.unwrap();
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.unwrap();
    let sql = "SELECT concat_ws(' ', current_setting('server_encoding'), lower('Ä'), current_setting('fsync'), \
               current_setting('synchronous_commit'), '[' || current_setting('listen_addresses') || ']')";
    let settings: String = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    assert_eq!(settings, "UTF8 ä on on []");
    let mode = fs::metadata(dir.path().join("postgres")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    postgres.stop().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let dir = scratch();
    let first = start(dir.path()).await;
    let error = start_error(options(dir.path())).await;
    let data_dir = dir.path().canonicalize().unwrap();
    assert_eq!(
        error,
        format!(
            "the data directory `{}` is in use by another server (process {}); stop that one, or choose another directory with --data-dir",
            data_dir.display(),
            std::process::id()
        )
    );
    execute(&first, "CREATE TABLE kept ()").await;
    first.stop().await;
    start(dir.path()).await.stop().await;
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_still_works() {
    let dir = scratch();
    let long = dir.path().join("long".repeat(40));
    let postgres = start(&long).await;
    execute(&postgres, "CREATE TABLE kept ()").await;
    postgres.stop().await;
}

#[tokio::test]
async fn a_path_with_special_characters_works() {
    let dir = scratch();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let odd = dir.path().join("it's, \"my\" data");
    let postgres = start(&odd).await;
    execute(&postgres, "CREATE TABLE kept ()").await;
    postgres.stop().await;
}

/// Not a test: the server that the next test kills. Prints Postgres' process id once a row is committed.
#[tokio::test]
#[ignore = "not a test: the server that a test kills"]
async fn helper_server() {
    let Some(dir) = std::env::var_os(HELPER_DIR) else {
        return;
    };
    let options = EmbeddedOptions { durability: Durability::Full, ..options(Path::new(&dir)) };
    let postgres = EmbeddedPostgres::start(options).await.unwrap();
    execute(&postgres, "CREATE TABLE kept (); INSERT INTO kept DEFAULT VALUES").await;
    println!("postgres={}", postgres.summary().pid);
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_server_loses_nothing_and_leaves_nothing() {
    let dir = scratch();
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "db::embedded::tests::helper_server"])
        .env(HELPER_DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let pid = lines.find_map(|line| line.strip_prefix("postgres=")?.parse().ok()).unwrap();
    assert!(is_postgres(pid, &dir));
    server.kill().unwrap();
    server.wait().unwrap();
    if launcher::is_available() {
        let gone = async {
            while is_postgres(pid, &dir) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.expect("Postgres ends with its server");
        let log = fs::read_to_string(dir.path().join("postgres/server.log")).unwrap();
        assert!(log.contains("database system is shut down"), "{log}");
    }
    let next = start(dir.path()).await;
    assert_eq!(rows(&next).await, 1);
    next.stop().await;
}

#[tokio::test]
async fn a_postgres_without_a_server_is_ended_by_the_next_start() {
    let dir = scratch();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let first = start(dir.path()).await;
    execute(&first, "CREATE TABLE kept (); INSERT INTO kept DEFAULT VALUES").await;
    let socket_dir = first.summary().socket_dir.clone();
    first.stop().await;

    let layout = Layout::create(dir.path()).unwrap();
    let account = Account::needed(&layout);
    let binaries = Binaries::find(None, None, account.as_ref(), &layout.cluster()).unwrap();
    let mut command = Command::new(binaries.postgres());
    command.args(settings::arguments(&layout, Durability::TestOnly)).current_dir("/").stderr(Stdio::null());
    if let Some(account) = &account {
        command.uid(account.uid).gid(account.gid);
    }
    let mut orphan = command.spawn().unwrap();
    let wait_for_socket = async {
        while PgConnection::connect_with(&connect_options(&socket_dir)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait_for_socket).await.unwrap();

    // Nobody waits for the orphan yet: what is left of it is a zombie, as under an init that does not reap.
    let next = start(dir.path()).await;
    assert!(!is_postgres(orphan.id(), &dir));
    assert_eq!(rows(&next).await, 1);
    assert!(orphan.wait().unwrap().success());
    next.stop().await;
}

#[tokio::test]
async fn a_stale_pid_file_is_no_obstacle() {
    let dir = scratch();
    start(dir.path()).await.stop().await;
    let layout = Layout::create(dir.path()).unwrap();
    let mut command = Command::new("sleep");
    command.arg("1000");
    if let Some(account) = Account::needed(&layout) {
        command.uid(account.uid).gid(account.gid);
    }
    // A process of Postgres' user that happens to have the number, first alive, then as a zombie.
    let mut stranger = command.spawn().unwrap();
    for alive in [true, false] {
        if !alive {
            let pid = Pid::from_raw(i32::try_from(stranger.id()).unwrap()).unwrap();
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
        }
        let content = format!("{}\n{}\n0\n5432\n", stranger.id(), cluster(&dir).display());
        fs::write(cluster(&dir).join("postmaster.pid"), &content).unwrap();
        fs::write(dir.path().join("postgres/socket/.s.PGSQL.5432.lock"), &content).unwrap();
        start(dir.path()).await.stop().await;
    }
    stranger.wait().unwrap();
}

#[tokio::test]
async fn an_unexpected_end_is_noticed_and_recovered_from() {
    let dir = scratch();
    let postgres = start(dir.path()).await;
    execute(&postgres, "CREATE TABLE kept (); INSERT INTO kept DEFAULT VALUES").await;
    let exited = postgres.exited();
    let pid = Pid::from_raw(i32::try_from(postgres.summary().pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    let error = exited.await.to_string();
    assert!(error.starts_with("the built-in Postgres has ended unexpectedly (signal: 9"), "{error}");
    drop(postgres);
    let next = start(dir.path()).await;
    assert_eq!(rows(&next).await, 1);
    next.stop().await;
}

#[tokio::test]
async fn an_unfinished_first_start_is_begun_again() {
    let dir = scratch();
    let unfinished = dir.path().join("postgres/cluster.new");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    start(dir.path()).await.stop().await;
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_setting_that_stops_postgres_is_quoted_from_its_log() {
    let dir = scratch();
    start(dir.path()).await.stop().await;
    let config = cluster(&dir).join("postgresql.conf");
    fs::write(&config, "no_such_setting = on\n").unwrap();
    let error = start_error(options(dir.path())).await;
    assert!(error.contains("did not start (configuration file") && error.contains("server.log"), "{error}");
}

#[tokio::test]
async fn a_cluster_of_another_version_is_named() {
    let dir = scratch();
    fs::create_dir_all(dir.path().join("postgres/cluster")).unwrap();
    let check = async |version: &str, expected: &[&str]| {
        fs::write(dir.path().join("postgres/cluster/PG_VERSION"), version).unwrap();
        let error = start_error(options(dir.path())).await;
        assert!(expected.iter().all(|part| error.contains(part)), "{error}");
    };
    check("99\n", &["belongs to Postgres 99, but only", "is installed: install", "99"]).await;
    check("what\n", &["cannot read", "PG_VERSION", "`what` is not a major version"]).await;
}

#[tokio::test]
async fn initdb_errors_say_what_to_do() {
    let check = async |message: &str, expected: &str| {
        let (dir, programs) = (scratch(), failing_programs(message));
        let bin_dir = Some(programs.path().to_owned());
        let error = start_error(EmbeddedOptions { bin_dir, ..options(dir.path()) }).await;
        assert!(error.contains(expected), "{error}");
    };
    check("initdb: error: could not write: No space left on device", "is full; free some space, or choose").await;
    check("initdb: error: something odd", "`initdb` could not make the built-in database in").await;
    check("initdb: error: something odd", "initdb: error: something odd").await;
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_named() {
    let dir = scratch();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = start_error(options(&file.join("data"))).await;
    assert!(error.starts_with("cannot create `") && error.contains("file/data/postgres`"), "{error}");
}

#[test]
fn error_texts_tell_what_to_do() {
    let check = |error: EmbeddedError, expected: &str| assert_eq!(error.to_string(), expected);
    check(
        EmbeddedError::NoBinaries { install: "install it with `sudo apt-get install postgresql`".to_owned() },
        "no Postgres 15 or newer was found for the built-in database: install it with `sudo apt-get install postgresql`, \
         or set DATABASE_URL to a Postgres that runs already",
    );
    check(
        EmbeddedError::Unreachable { user: "postgres".to_owned(), dir: "/root".into() },
        "Postgres refuses to run as root and user `postgres` cannot enter `/root`; start the server as another user, \
         or choose a data directory that `postgres` can enter with --data-dir",
    );
    check(
        EmbeddedError::Locked { dir: "/data".into(), pid: None },
        "the data directory `/data` is in use by another server; stop that one, or choose another directory with --data-dir",
    );
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    check(
        EmbeddedError::files("create", Path::new("/data/postgres"))(full),
        "the disk that holds `/data/postgres` is full; free some space, or choose another directory with --data-dir",
    );
}

#[test]
fn settings_name_real_paths_or_the_descriptor() {
    let dir = scratch();
    let layout = Layout::create(dir.path()).unwrap();
    let arguments = settings::arguments(&layout, Durability::Full);
    assert_eq!(arguments[..2], [OsString::from("-D"), cluster(&dir).into()]);
    assert!(arguments.contains(&OsString::from("fsync=on")));
}
