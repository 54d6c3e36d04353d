//! Runs that wait without a worker, and the decisions that they wait for.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

use super::{Result, TaskRow};

/// Lets go of a run that waits, if it is still the worker's; whether it was. One that was woken meanwhile is open.
pub(in super::super) async fn park(
    db: impl PgExecutor<'_>,
    task: Uuid,
    worker: Uuid,
    wake_at: Option<DateTime<Utc>>,
) -> Result<bool> {
    let sql = "UPDATE scaffolder_task SET status = CASE WHEN woken THEN 'open' ELSE 'waiting' END, wake_at = $3, \
               worker = NULL, attempt = GREATEST(attempt - 1, 0) WHERE id = $1 AND worker = $2 AND status = 'processing'";
    Ok(sqlx::query(sql).bind(task).bind(worker).bind(wake_at).execute(db).await?.rows_affected() == 1)
}

/// Opens a run that waits, or that is about to.
pub(in super::super) async fn wake(db: impl PgExecutor<'_>, task: Uuid) -> Result<()> {
    let sql = "UPDATE scaffolder_task SET woken = TRUE, status = CASE status WHEN 'waiting' THEN 'open' ELSE status END \
               WHERE id = $1 AND status IN ('open', 'processing', 'waiting')";
    sqlx::query(sql).bind(task).execute(db).await?;
    Ok(())
}

/// Opens the runs that waited long enough.
pub(in super::super) async fn wake_due(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let sql = "UPDATE scaffolder_task SET status = 'open' WHERE status = 'waiting' AND wake_at <= $1 RETURNING id";
    sqlx::query_scalar(sql).bind(now).fetch_all(db).await
}

/// What a step asked, and what was decided.
#[derive(Debug, FromRow)]
pub(in super::super) struct AskedRow {
    pub(in super::super) step: String,
    pub(in super::super) request: String,
    pub(in super::super) asked_at: DateTime<Utc>,
    pub(in super::super) decision: Option<String>,
}

/// The approvals that a run asked for, oldest first.
pub(in super::super) async fn asked(
    db: impl PgExecutor<'_>,
    task: Uuid,
    (request, decision): (&str, &str),
) -> Result<Vec<AskedRow>> {
    let sql = "SELECT asked.step, asked.value::text AS request, asked.noted_at AS asked_at, decided.value::text AS decision \
               FROM scaffolder_ledger AS asked LEFT JOIN scaffolder_ledger AS decided \
               ON decided.task = asked.task AND decided.step = asked.step AND decided.key = $3 \
               WHERE asked.task = $1 AND asked.key = $2 ORDER BY asked.noted_at, asked.step";
    sqlx::query_as(sql).bind(task).bind(request).bind(decision).fetch_all(db).await
}

/// An open question of a run that waits.
#[derive(Debug, FromRow)]
pub(in super::super) struct WaitingRow {
    #[sqlx(flatten)]
    pub(in super::super) task: TaskRow,
    pub(in super::super) step: String,
    pub(in super::super) request: String,
    pub(in super::super) asked_at: DateTime<Utc>,
}

/// The open questions of all runs that wait, oldest first.
pub(in super::super) async fn waiting(
    db: impl PgExecutor<'_>,
    (request, decision): (&str, &str),
    limit: i64,
) -> Result<Vec<WaitingRow>> {
    let sql = "SELECT t.id, t.spec::text, t.status, t.created_by, t.created_at, t.finished_at, t.last_heartbeat_at, \
               asked.step, asked.value::text AS request, asked.noted_at AS asked_at \
               FROM scaffolder_task AS t JOIN scaffolder_ledger AS asked ON asked.task = t.id AND asked.key = $1 \
               WHERE t.status = 'waiting' AND NOT EXISTS (SELECT FROM scaffolder_ledger AS decided \
               WHERE decided.task = t.id AND decided.step = asked.step AND decided.key = $2) \
               ORDER BY asked.noted_at, asked.step LIMIT $3";
    sqlx::query_as(sql).bind(request).bind(decision).bind(limit).fetch_all(db).await
}

/// Notes a decision; whether it is the first.
pub(in super::super) async fn decide(
    db: impl PgExecutor<'_>,
    task: Uuid,
    (step, key): (&str, &str),
    decision: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "INSERT INTO scaffolder_ledger (task, step, key, value, noted_at) VALUES ($1, $2, $3, $4::json, $5) \
               ON CONFLICT ON CONSTRAINT scaffolder_ledger_pk DO NOTHING";
    let query = sqlx::query(sql).bind(task).bind(step).bind(key).bind(decision).bind(now);
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Forgets the decisions against a run: it asks again.
pub(in super::super) async fn forget_refusals(db: impl PgExecutor<'_>, task: Uuid, key: &str) -> Result<()> {
    let sql = "DELETE FROM scaffolder_ledger WHERE task = $1 AND key = $2 AND NOT (value->>'approved')::boolean";
    sqlx::query(sql).bind(task).bind(key).execute(db).await?;
    Ok(())
}

/// Ends a run that nobody works on; whether there was such a run in that state.
pub(in super::super) async fn cancel_idle(
    db: impl PgExecutor<'_>,
    task: Uuid,
    status: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE scaffolder_task SET status = 'cancelled', finished_at = $3, secrets = NULL WHERE id = $1 AND status = $2";
    Ok(sqlx::query(sql).bind(task).bind(status).bind(now).execute(db).await?.rows_affected() == 1)
}
