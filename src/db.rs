//! The database: how to reach it, its pool, its migrations.
//!
//! One dialect and one set of migrations serve both cases: the Postgres that `DATABASE_URL` names, and the private one
//! of [`embedded`] when there is none. What the tables mean is the business of the contexts; this room knows only how
//! to connect, to migrate, and to read an error.
//!
//! Rules for `migrations/` are in its README. Rooms take a [`PgPool`]; only composition sees [`Database`].

pub(crate) mod embedded;
mod listening;
mod reach;
mod surplus;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use self::embedded::OLDEST_MAJOR;
pub(crate) use self::listening::keep_listening;
#[cfg(test)]
pub(crate) use self::reach::Probe;
pub(crate) use self::reach::{Reach, is_away};
use self::surplus::Surplus;

/// The schema, as steps from nothing to now.
pub(crate) static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Shown by Postgres for our sessions.
const APPLICATION_NAME: &str = "greenroom";
/// How long a caller waits for a connection. A page that waited longer would be given up by its reader.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the first connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that was at work so lately is taken as it is; one that lay longer is asked first whether it still lives.
/// Asking is a round trip of its own before every statement. No server is stopped and back within that time, so one that
/// is back is never met by a connection from before.
const FRESH: Duration = Duration::from_millis(10);

/// What every session has: a statement or a lock that takes longer is a fault, and must not hold up everybody else.
/// Set by statement, because poolers such as `PgBouncer` refuse unknown settings at connection time.
const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
                       SET idle_in_transaction_session_timeout = '60s'; SET timezone = 'UTC'";
/// Migrations may rewrite tables, and wait for another replica that migrates.
const UNLIMITED: &str = "SET statement_timeout = 0; SET lock_timeout = 0";

/// A pool of connections to a database that answered and is new enough.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: PgPool,
}

impl Database {
    /// Reads a `DATABASE_URL`; the error never repeats it, for it may hold a password.
    pub(crate) fn options(url: &str) -> Result<PgConnectOptions, DatabaseError> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("postgres" | "postgresql")) {
            return Err(DatabaseError::InvalidUrl("it must begin with postgres://".to_owned()));
        }
        url.parse().map_err(|error: sqlx::Error| DatabaseError::InvalidUrl(innermost(&error)))
    }

    /// Connects, looks at the server's version, and opens a pool of at most `size` connections.
    pub(crate) async fn connect(options: PgConnectOptions, size: u32) -> Result<Self, DatabaseError> {
        let database = Self::known(options.clone(), size);
        let options = options.application_name(APPLICATION_NAME);
        // The first connection of the pool is made beside it. What is wrong with that is found when it is used.
        let (mut first, mut checked) = (pin!(database.pool.acquire()), pin!(check_server(&options)));
        tokio::select! {
            biased;
            checked = &mut checked => {
                checked?;
                drop(first.await);
            }
            _ = &mut first => checked.await?,
        }
        Ok(database)
    }

    /// Opens a pool of at most `size` connections to a server that answered already, and whose version is known.
    pub(crate) fn known(options: PgConnectOptions, size: u32) -> Self {
        Self { pool: open_pool(options.application_name(APPLICATION_NAME), size) }
    }

    /// The pool, cheap to clone.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Brings the schema up to date; does nothing when it is. Replicas that start together wait for each other.
    pub(crate) async fn migrate(&self) -> Result<(), DatabaseError> {
        migrate(&self.pool).await
    }

    /// Waits for connections in use to come back, and closes them all.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A pool that connects when it is used, and whose sessions have our limits.
fn open_pool(options: PgConnectOptions, size: u32) -> PgPool {
    open_shrinking_pool(options, size, surplus::LONG)
}

/// The same, which lets connections go that lie idle for `long`.
fn open_shrinking_pool(options: PgConnectOptions, size: u32, long: Duration) -> PgPool {
    let opened = Surplus::new(long);
    let (taken, given_back) = (opened.clone(), opened.clone());
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(move |connection, about| {
            taken.taken(about.idle_for);
            Box::pin(async move {
                if about.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_release(move |_, about| {
            let is_wanted = given_back.is_wanted(about.age);
            Box::pin(async move { Ok(is_wanted) })
        })
        .after_connect(move |connection, _| {
            opened.opened();
            Box::pin(set(connection, SESSION))
        })
        .connect_lazy_with(options)
}

/// Brings the schema up to date.
pub(crate) async fn migrate(pool: &PgPool) -> Result<(), DatabaseError> {
    let mut connection = pool.acquire().await.map_err(MigrateError::from)?;
    set(&mut connection, UNLIMITED).await.map_err(MigrateError::from)?;
    let migrated = MIGRATOR.run_direct(None, &mut *connection, false).await;
    // Its limits are off, and after an error it may hold the migrations' lock: then it is not for others.
    if migrated.is_err() || set(&mut connection, SESSION).await.is_err() {
        let _ = connection.close().await;
    }
    migrated.map_err(|error| match error {
        MigrateError::VersionMissing(version) => DatabaseError::Newer { version },
        error => DatabaseError::Migrate(error),
    })
}

/// The name of the constraint that a statement ran into: part of the schema's contract, for turning it into an answer.
#[cfg_attr(not(test), expect(dead_code, reason = "stores use ON CONFLICT so far"))]
pub(crate) fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// The URL cannot be read.
    #[error(
        "DATABASE_URL is not the address of a Postgres database: {0}; it looks like postgres://user:password@host:5432/name"
    )]
    InvalidUrl(String),
    /// No connection.
    #[error("cannot reach the database {target}: {reason}; check DATABASE_URL and that the server runs")]
    Unreachable {
        /// The address, without a password.
        target: String,
        /// From the network or the driver.
        reason: String,
    },
    /// The server answered and said no.
    #[error("the database {target} refuses the connection: {reason}; check DATABASE_URL")]
    Refused {
        /// The address, without a password.
        target: String,
        /// From the server.
        reason: String,
    },
    /// Too old for our SQL.
    #[error("the database {target} is Postgres {version}, and {OLDEST_MAJOR} is the oldest that works; upgrade it")]
    TooOld {
        /// The address, without a password.
        target: String,
        /// The server's version.
        version: String,
    },
    /// The schema is ahead of this program.
    #[error(
        "the database was last used by a newer version of greenroom (migration {version}); start that version or a later one"
    )]
    Newer {
        /// The first migration this program does not know.
        version: i64,
    },
    /// A migration failed, or was changed after it was applied.
    #[error("cannot bring the database up to date: {0}")]
    Migrate(#[from] MigrateError),
}

/// One connection outside the pool, because the pool would turn every reason into a timeout.
async fn check_server(options: &PgConnectOptions) -> Result<(), DatabaseError> {
    let asked = async {
        let mut connection = PgConnection::connect_with(options).await?;
        let number: i32 =
            sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(number)
    };
    let target = target(options);
    let number = match tokio::time::timeout(CONNECT_TIMEOUT, asked).await {
        Ok(Ok(number)) => number,
        Ok(Err(sqlx::Error::Database(error))) => {
            return Err(DatabaseError::Refused { target, reason: error.message().to_owned() });
        }
        Ok(Err(error)) => {
            return Err(DatabaseError::Unreachable { target, reason: error.to_string() });
        }
        Err(_) => {
            let reason = format!("no answer within {} seconds", CONNECT_TIMEOUT.as_secs());
            return Err(DatabaseError::Unreachable { target, reason });
        }
    };
    let (major, minor) = (number / 10_000, number % 10_000);
    if u32::try_from(major).is_ok_and(|major| major >= OLDEST_MAJOR) {
        return Ok(());
    }
    Err(DatabaseError::TooOld { target, version: format!("{major}.{minor}") })
}

/// The address in words, built from its parts so that a password cannot get into it.
fn target(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match options.get_socket() {
        Some(socket) => format!("`{database}` as `{user}` on the socket in `{}`", socket.display()),
        None => format!("`postgres://{user}:***@{}:{}/{database}`", options.get_host(), options.get_port()),
    }
}

/// The cause without the layers that only say that there is one.
fn innermost(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

async fn set(connection: &mut PgConnection, settings: &'static str) -> sqlx::Result<()> {
    sqlx::raw_sql(settings).execute(connection).await.map(drop)
}
