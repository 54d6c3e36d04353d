//! Waits until a started Postgres answers, by connecting; makes the portal's database the first time.

use std::io;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};
use tokio::time::Instant;

use super::EmbeddedError;
use super::log::ServerLog;
use super::process::Running;

/// The database of [`super::DATABASE`].
const CREATE_DATABASE: &str = "CREATE DATABASE greenroom";

/// Between two tries; a try on a socket that is not there costs microseconds.
const POLL: Duration = Duration::from_millis(3);
/// How long Postgres may take until it has a socket. Recovery after a crash comes later and takes what it takes.
const SOCKET_LIMIT: Duration = Duration::from_mins(1);

/// Returns Postgres' version once it can be used.
pub(super) async fn wait(
    options: &PgConnectOptions,
    running: &Running,
    log: &ServerLog,
) -> Result<String, EmbeddedError> {
    let mut connection = connect(options, running, log).await?;
    let version = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await;
    // The server answered; how it takes the farewell does not matter.
    let _ = connection.close().await;
    version.map_err(EmbeddedError::Refused)
}

async fn connect(
    options: &PgConnectOptions,
    running: &Running,
    log: &ServerLog,
) -> Result<PgConnection, EmbeddedError> {
    let mut exit = running.exit();
    let deadline = Instant::now() + SOCKET_LIMIT;
    loop {
        match PgConnection::connect_with(options).await {
            Ok(connection) => return Ok(connection),
            Err(error) => match Obstacle::from(error) {
                Obstacle::NoDatabase => create_database(options).await.map_err(EmbeddedError::Refused)?,
                Obstacle::NoSocket if Instant::now() < deadline => {}
                Obstacle::NoSocket => return Err(failure("it does not listen", log)),
                Obstacle::Other(error) if exit.status().is_none() => return Err(EmbeddedError::Refused(error)),
                // Recovery goes on; or it has ended, which is seen below.
                Obstacle::StartingUp | Obstacle::Other(_) => {}
            },
        }
        if tokio::time::timeout(POLL, exit.wait()).await.is_ok() {
            return Err(failure(&log.reason(), log));
        }
    }
}

/// Why a connection was not made.
enum Obstacle {
    NoSocket,
    StartingUp,
    NoDatabase,
    Other(sqlx::Error),
}

impl From<sqlx::Error> for Obstacle {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(cause) => match cause.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Self::NoSocket,
                // It ended between our connecting and its answer.
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                    Self::NoSocket
                }
                _ => Self::Other(error),
            },
            sqlx::Error::Database(cause) => match cause.code().as_deref() {
                Some("57P03") => Self::StartingUp,
                Some("3D000") => Self::NoDatabase,
                _ => Self::Other(error),
            },
            _ => Self::Other(error),
        }
    }
}

fn failure(reason: &str, log: &ServerLog) -> EmbeddedError {
    if reason.contains("No space left on device") {
        return EmbeddedError::DiskFull { path: log.path().to_owned() };
    }
    EmbeddedError::Start { reason: reason.to_owned(), log: log.path().to_owned() }
}

/// `initdb` makes only its own databases. Done here, so that a first start cut short is completed by the next one.
async fn create_database(options: &PgConnectOptions) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect_with(&options.clone().database("postgres")).await?;
    connection.execute(CREATE_DATABASE).await?;
    connection.close().await
}
