//! What runs noted of their outside effects, step by step.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

use super::{Result, json, text};

/// What a run noted, if the run is still the worker's; none if it is not.
pub(in super::super) async fn noted(
    db: impl PgExecutor<'_>,
    task: Uuid,
    worker: Uuid,
    step: &str,
    key: &str,
) -> Result<Option<Option<Value>>> {
    let sql = "SELECT (SELECT value::text FROM scaffolder_ledger WHERE task = $1 AND step = $3 AND key = $4) \
               FROM scaffolder_task WHERE id = $1 AND worker = $2 AND status = 'processing'";
    let query = sqlx::query_scalar(sql).bind(task).bind(worker).bind(step).bind(key);
    let found: Option<Option<String>> = query.fetch_optional(db).await?;
    found.map(|text| text.map(|text| json(&text)).transpose()).transpose()
}

/// Forgets a note of every step of a run.
pub(in super::super) async fn forget(db: impl PgExecutor<'_>, task: Uuid, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM scaffolder_ledger WHERE task = $1 AND key = $2").bind(task).bind(key).execute(db).await?;
    Ok(())
}

/// One thing to note in the ledger.
pub(in super::super) struct Note<'a> {
    pub(in super::super) step: &'a str,
    pub(in super::super) key: &'a str,
    pub(in super::super) value: &'a Value,
    pub(in super::super) made: Option<&'a str>,
}

/// Notes something, if the run is still the worker's; whether it is.
pub(in super::super) async fn note(
    db: impl PgExecutor<'_>,
    task: Uuid,
    worker: Uuid,
    note: Note<'_>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "INSERT INTO scaffolder_ledger (task, step, key, value, made, noted_at) \
               SELECT $1, $3, $4, $5::json, $6, $7 \
               WHERE EXISTS (SELECT FROM scaffolder_task WHERE id = $1 AND worker = $2 AND status = 'processing') \
               ON CONFLICT ON CONSTRAINT scaffolder_ledger_pk DO UPDATE SET value = EXCLUDED.value, made = EXCLUDED.made, noted_at = EXCLUDED.noted_at";
    let query = sqlx::query(sql).bind(task).bind(worker).bind(note.step).bind(note.key).bind(text(note.value));
    Ok(query.bind(note.made).bind(now).execute(db).await?.rows_affected() == 1)
}

/// What a run made outside, in words, oldest first.
pub(in super::super) async fn made(db: impl PgExecutor<'_>, task: Uuid) -> Result<Vec<String>> {
    let sql = "SELECT made FROM scaffolder_ledger WHERE task = $1 AND made IS NOT NULL ORDER BY noted_at, key";
    sqlx::query_scalar(sql).bind(task).fetch_all(db).await
}

/// Something that a run made outside.
#[derive(Debug, FromRow)]
pub(in super::super) struct Thing {
    pub(in super::super) step: String,
    pub(in super::super) key: String,
    pub(in super::super) value: String,
    pub(in super::super) made: String,
}

/// What a run made outside, newest first.
pub(in super::super) async fn things_made(db: impl PgExecutor<'_>, task: Uuid) -> Result<Vec<Thing>> {
    let sql = "SELECT step, key, value::text, made FROM scaffolder_ledger WHERE task = $1 AND made IS NOT NULL \
               ORDER BY noted_at DESC, key DESC";
    sqlx::query_as(sql).bind(task).fetch_all(db).await
}

/// Forgets one note of a step.
pub(in super::super) async fn forget_one(db: impl PgExecutor<'_>, task: Uuid, step: &str, key: &str) -> Result<()> {
    let sql = "DELETE FROM scaffolder_ledger WHERE task = $1 AND step = $2 AND key = $3";
    sqlx::query(sql).bind(task).bind(step).bind(key).execute(db).await?;
    Ok(())
}
