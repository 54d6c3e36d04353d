//! Runs, counted: how those of one template went, and what the workers have before them.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgExecutor};

use super::Result;

/// The runs of a template, counted.
#[derive(Debug, Clone, Default, PartialEq, FromRow)]
pub(crate) struct Tally {
    /// All of them, those under way too.
    pub(crate) runs: i64,
    /// That came to their end.
    pub(crate) completed: i64,
    /// That ended by an error.
    pub(crate) failed: i64,
    /// That somebody stopped.
    pub(crate) cancelled: i64,
    /// When the newest was started.
    pub(crate) newest: Option<DateTime<Utc>>,
    /// What half of the completed ones took at most, in milliseconds.
    pub(crate) median: Option<i64>,
}

/// Counts the runs of a template.
pub(in super::super) async fn tally(db: impl PgExecutor<'_>, template: &str) -> Result<Tally> {
    let sql = "SELECT COUNT(*) AS runs, COUNT(*) FILTER (WHERE status = 'completed') AS completed, \
               COUNT(*) FILTER (WHERE status = 'failed') AS failed, COUNT(*) FILTER (WHERE status = 'cancelled') AS cancelled, \
               MAX(created_at) AS newest, \
               (PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY EXTRACT(EPOCH FROM finished_at - created_at) * 1000) \
               FILTER (WHERE status = 'completed'))::bigint AS median \
               FROM scaffolder_task WHERE template = $1";
    sqlx::query_as(sql).bind(template).fetch_one(db).await
}

/// The runs that are not over, and how the newest ended.
#[derive(Debug, Clone, Default, PartialEq, FromRow)]
pub(crate) struct Queue {
    /// That wait for a worker.
    pub(crate) open: i64,
    /// Since when the one that waits longest does.
    pub(crate) oldest: Option<DateTime<Utc>>,
    /// That a worker has.
    pub(crate) processing: i64,
    /// That wait for somebody or something.
    pub(crate) waiting: i64,
    /// Of those started since the asked moment, how many are over.
    pub(crate) ended: i64,
    /// Of these, how many ended by an error.
    pub(crate) failed: i64,
}

/// Counts the runs that are not over, and those started since a moment that are.
pub(in super::super) async fn queue(db: impl PgExecutor<'_>, since: DateTime<Utc>) -> Result<Queue> {
    // One look for each status: each has an index of its own, and most runs are long over.
    let sql = "SELECT open.count AS open, open.oldest, processing.count AS processing, waiting.count AS waiting, \
               new.ended, new.failed \
               FROM (SELECT COUNT(*), MIN(created_at) AS oldest FROM scaffolder_task WHERE status = 'open') AS open, \
               (SELECT COUNT(*) FROM scaffolder_task WHERE status = 'processing') AS processing, \
               (SELECT COUNT(*) FROM scaffolder_task WHERE status = 'waiting') AS waiting, \
               (SELECT COUNT(*) FILTER (WHERE finished_at IS NOT NULL) AS ended, \
               COUNT(*) FILTER (WHERE status = 'failed') AS failed FROM scaffolder_task WHERE created_at >= $1) AS new";
    sqlx::query_as(sql).bind(since).fetch_one(db).await
}

/// The entities that runs of a template registered, newest first, as references.
pub(in super::super) async fn registered(db: impl PgExecutor<'_>, template: &str, limit: i64) -> Result<Vec<String>> {
    let sql = "SELECT entity FROM (SELECT l.value ->> 'entityRef' AS entity, MAX(l.noted_at) AS at FROM scaffolder_ledger l \
               JOIN scaffolder_task t ON t.id = l.task WHERE t.template = $1 AND l.key = 'outputs' \
               AND JSON_TYPEOF(l.value) = 'object' GROUP BY 1) AS made WHERE entity IS NOT NULL ORDER BY at DESC, entity LIMIT $2";
    sqlx::query_scalar(sql).bind(template).bind(limit).fetch_all(db).await
}
