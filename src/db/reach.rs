//! Whether the database can be reached: one state for the whole process, kept by a probe.
//!
//! What is in memory goes on being read while it cannot; who shows it says since when. A connection of its own is asked
//! every second, so a pool that is merely busy is no outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

/// How often the database is asked.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// How long an answer may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// The state. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reach(Arc<AtomicI64>);

impl Reach {
    /// Since when the database cannot be reached; none while it can.
    pub(crate) fn lost_since(&self) -> Option<DateTime<Utc>> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            millis => DateTime::from_timestamp_millis(millis),
        }
    }

    /// Asks again and again, until told to stop.
    pub(crate) async fn watch(self, pool: PgPool, shutdown: CancellationToken) {
        let mut probe = Probe::default();
        let forever = async {
            loop {
                self.ask(&pool, &mut probe).await;
                tokio::time::sleep(PROBE_INTERVAL).await;
            }
        };
        tokio::select! {
            () = forever => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// Asks once.
    pub(crate) async fn ask(&self, pool: &PgPool, probe: &mut Probe) {
        let asked = tokio::time::timeout(PROBE_TIMEOUT, probe.ask(pool)).await;
        let asked = asked.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        if asked.is_err() {
            probe.0 = None;
        }
        self.note(asked);
    }

    fn note(&self, asked: sqlx::Result<()>) {
        metrics::gauge!("database_reachable").set(if asked.is_ok() { 1.0 } else { 0.0 });
        match (asked, self.lost_since()) {
            (Ok(()), Some(since)) => {
                self.0.store(0, Ordering::Relaxed);
                tracing::info!(%since, "the database can be reached again");
            }
            (Err(error), None) => {
                self.0.store(Utc::now().timestamp_millis(), Ordering::Relaxed);
                tracing::warn!(%error, "the database cannot be reached; what is in memory is shown as it is");
            }
            (Ok(()), None) | (Err(_), Some(_)) => {}
        }
    }
}

/// The connection that is asked.
#[derive(Debug, Default)]
pub(crate) struct Probe(Option<PgConnection>);

impl Probe {
    async fn ask(&mut self, pool: &PgPool) -> sqlx::Result<()> {
        if let Some(connection) = &mut self.0 {
            return connection.ping().await;
        }
        self.0 = Some(PgConnection::connect_with(&pool.connect_options()).await?);
        Ok(())
    }
}

/// Whether an error says that the database is away, and nothing about what was asked of it.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Connection exceptions; shut down, crashed, starting; too many connections.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08") || ["57P01", "57P02", "57P03", "53300"].contains(&code.as_ref())
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_to_the_database_counts() {
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(is_away(&sqlx::Error::Io(io)));
        assert!(is_away(&sqlx::Error::PoolTimedOut));
        assert!(!is_away(&sqlx::Error::RowNotFound));
        assert!(!is_away(&sqlx::Error::Decode("x".into())));
    }

    #[test]
    fn the_first_failure_tells_since_when() {
        let reach = Reach::default();
        assert_eq!(reach.lost_since(), None);
        reach.note(Err(sqlx::Error::PoolTimedOut));
        let since = reach.lost_since();
        assert!(since.is_some());
        reach.note(Err(sqlx::Error::PoolTimedOut));
        assert_eq!(reach.clone().lost_since(), since);
        reach.note(Ok(()));
        assert_eq!(reach.lost_since(), None);
    }
}
