//! The scaffolder's tables: runs, events, ledger, drafts.
//!
//! Documents are bound and read as text and cast to JSON by the statement, which keeps the order of their keys.
//! A worker's statements name the worker: a run that was given to somebody else is out of its reach.

mod tally;
mod wait;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

pub(crate) use self::tally::Tally;
pub(super) use self::tally::{registered, tally};
pub(super) use self::wait::{AskedRow, asked, cancel_idle, decide, forget_refusals, park, wake, wake_due};
use super::log::NewEvent;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The channel that wakes workers and readers of other processes. The payload is a word, a task's id and the process
/// that says it.
pub(super) const CHANNEL: &str = "scaffolder";

/// A run as stored.
#[derive(Debug, Clone, FromRow)]
pub(super) struct TaskRow {
    pub(super) id: Uuid,
    pub(super) spec: String,
    pub(super) status: String,
    pub(super) created_by: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) last_heartbeat_at: DateTime<Utc>,
}

/// A run to be stored.
pub(super) struct NewTask<'a> {
    pub(super) id: Uuid,
    pub(super) template: &'a str,
    pub(super) spec: &'a Value,
    pub(super) job: &'a str,
    pub(super) secrets: &'a Map<String, Value>,
    pub(super) created_by: Option<&'a str>,
    pub(super) now: DateTime<Utc>,
}

/// A run that a worker took.
#[derive(Debug, FromRow)]
pub(super) struct Claimed {
    pub(super) id: Uuid,
    pub(super) spec: String,
    pub(super) job: String,
    pub(super) secrets: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) cancel_requested: bool,
}

/// An event as stored.
#[derive(Debug, FromRow)]
pub(super) struct EventRow {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) body: String,
    pub(super) created_at: DateTime<Utc>,
}

/// A form as stored.
#[derive(Debug, FromRow)]
pub(super) struct DraftRow {
    pub(super) id: Uuid,
    pub(super) template: String,
    pub(super) answers: String,
    pub(super) secrets: String,
    pub(super) answered: Vec<i32>,
    pub(super) updated_at: DateTime<Utc>,
}

/// Reads a stored document.
pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Writes a document; values always have a text.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Stores a run; whether it is new.
pub(super) async fn add_task(db: impl PgExecutor<'_>, task: NewTask<'_>) -> Result<bool> {
    let sql = "INSERT INTO scaffolder_task (id, template, spec, job, secrets, status, created_by, created_at, last_heartbeat_at) \
               VALUES ($1, $2, $3::json, $4::json, $5::json, 'open', $6, $7, $7) ON CONFLICT ON CONSTRAINT scaffolder_task_pk DO NOTHING";
    let query = sqlx::query(sql).bind(task.id).bind(task.template).bind(text(task.spec)).bind(task.job);
    let query = query.bind(text(task.secrets)).bind(task.created_by).bind(task.now);
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Wakes whoever listens.
pub(super) async fn notify(db: impl PgExecutor<'_>, payloads: &[String]) -> Result<()> {
    if payloads.is_empty() {
        return Ok(());
    }
    let sql = "SELECT pg_notify($1, payload) FROM UNNEST($2::text[]) AS payload";
    sqlx::query(sql).bind(CHANNEL).bind(payloads).execute(db).await?;
    Ok(())
}

/// Gives the oldest open run to a worker. The commit does not wait for the disk: if it is lost, the run is open again.
pub(super) async fn claim(db: impl PgExecutor<'_>, worker: Uuid, now: DateTime<Utc>) -> Result<Option<Claimed>> {
    let sql = "UPDATE scaffolder_task SET status = 'processing', worker = $1, last_heartbeat_at = $2, attempt = attempt + 1, woken = FALSE WHERE id = ( \
               SELECT id FROM scaffolder_task WHERE status = 'open' ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) \
               RETURNING id, spec::text, job::text, secrets::text, created_at, cancel_requested, \
               set_config('synchronous_commit', 'off', true)";
    sqlx::query_as(sql).bind(worker).bind(now).fetch_optional(db).await
}

/// Tells that the worker is alive. `Some(true)`: the run is to be cancelled; `None`: the run is no longer the worker's.
pub(super) async fn beat(
    db: impl PgExecutor<'_>,
    task: Uuid,
    worker: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<bool>> {
    let sql = "UPDATE scaffolder_task SET last_heartbeat_at = $3 \
               WHERE id = $1 AND worker = $2 AND status = 'processing' \
               RETURNING cancel_requested, set_config('synchronous_commit', 'off', true)";
    sqlx::query_scalar(sql).bind(task).bind(worker).bind(now).fetch_optional(db).await
}

/// Adds events in their order, if the run is still the worker's; whether it is. The commit does not wait for the disk:
/// the next one that does keeps these events, too.
pub(super) async fn append(db: impl PgExecutor<'_>, task: Uuid, worker: Uuid, events: &[NewEvent]) -> Result<bool> {
    let sql = "INSERT INTO scaffolder_event (task, kind, body, created_at) \
               SELECT $1, kind, body::json, at FROM UNNEST($3::text[], $4::text[], $5::timestamptz[]) WITH ORDINALITY AS e (kind, body, at, n) \
               WHERE EXISTS (SELECT FROM scaffolder_task WHERE id = $1 AND worker = $2 AND status = 'processing') ORDER BY n \
               RETURNING set_config('synchronous_commit', 'off', true)";
    let Columns { kinds, bodies, times } = Columns::of(events);
    let query = sqlx::query(sql).bind(task).bind(worker).bind(kinds).bind(bodies).bind(times);
    Ok(events.is_empty() || query.execute(db).await?.rows_affected() > 0)
}

/// Events as columns.
struct Columns<'a> {
    kinds: Vec<&'a str>,
    bodies: Vec<String>,
    times: Vec<DateTime<Utc>>,
}

impl<'a> Columns<'a> {
    fn of(events: &'a [NewEvent]) -> Self {
        Self {
            kinds: events.iter().map(|event| event.kind.as_str()).collect(),
            bodies: events.iter().map(|event| text(&event.body)).collect(),
            times: events.iter().map(|event| event.at).collect(),
        }
    }
}

/// Ends a run with its last events, if it is still the worker's; whether it was.
pub(super) async fn finish(
    db: impl PgExecutor<'_>,
    task: Uuid,
    worker: Uuid,
    (status, events): (&str, &[NewEvent]),
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "WITH ended AS (UPDATE scaffolder_task SET status = $6, finished_at = $7, worker = NULL, secrets = NULL \
               WHERE id = $1 AND worker = $2 AND status = 'processing' RETURNING id), \
               said AS (INSERT INTO scaffolder_event (task, kind, body, created_at) \
               SELECT ended.id, kind, body::json, at FROM ended, \
               UNNEST($3::text[], $4::text[], $5::timestamptz[]) WITH ORDINALITY AS e (kind, body, at, n) ORDER BY n) \
               SELECT COUNT(*) FROM ended";
    let Columns { kinds, bodies, times } = Columns::of(events);
    let query = sqlx::query_scalar(sql).bind(task).bind(worker).bind(kinds).bind(bodies).bind(times);
    let ended: i64 = query.bind(status).bind(now).fetch_one(db).await?;
    Ok(ended == 1)
}

/// Gives a run back that is not at its end, if it is still the worker's; whether it was. Nothing went wrong with it.
pub(super) async fn release(db: impl PgExecutor<'_>, task: Uuid, worker: Uuid) -> Result<bool> {
    let sql = "UPDATE scaffolder_task SET status = 'open', worker = NULL, attempt = GREATEST(attempt - 1, 0) \
               WHERE id = $1 AND worker = $2 AND status = 'processing'";
    Ok(sqlx::query(sql).bind(task).bind(worker).execute(db).await?.rows_affected() == 1)
}

/// A run whose worker is silent.
#[derive(Debug, FromRow)]
pub(super) struct Abandoned {
    pub(super) id: Uuid,
    /// How many workers took it so far.
    pub(super) attempt: i32,
}

/// One run whose worker is silent since `before`, locked until the transaction ends.
pub(super) async fn abandoned(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<Option<Abandoned>> {
    let sql = "SELECT id, attempt FROM scaffolder_task WHERE status = 'processing' AND last_heartbeat_at < $1 \
               ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED";
    sqlx::query_as(sql).bind(before).fetch_optional(db).await
}

/// Takes a run from its worker, for the next one.
pub(super) async fn take_from_worker(db: impl PgExecutor<'_>, task: Uuid) -> Result<()> {
    sqlx::query("UPDATE scaffolder_task SET status = 'open', worker = NULL WHERE id = $1")
        .bind(task)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes a run from its worker and ends it.
pub(super) async fn give_up(db: impl PgExecutor<'_>, task: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql =
        "UPDATE scaffolder_task SET status = 'failed', finished_at = $2, worker = NULL, secrets = NULL WHERE id = $1";
    sqlx::query(sql).bind(task).bind(now).execute(db).await?;
    Ok(())
}

/// Asks the worker of a run to cancel it; whether somebody works on it.
pub(super) async fn request_cancel(db: impl PgExecutor<'_>, task: Uuid) -> Result<bool> {
    let sql = "UPDATE scaffolder_task SET cancel_requested = TRUE WHERE id = $1 AND status = 'processing'";
    Ok(sqlx::query(sql).bind(task).execute(db).await?.rows_affected() == 1)
}

/// Opens a run again that failed or was cancelled. Whether it was such a run.
pub(super) async fn reopen(
    db: impl PgExecutor<'_>,
    task: Uuid,
    secrets: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE scaffolder_task SET status = 'open', secrets = $2::json, finished_at = NULL, cancel_requested = FALSE, \
               attempt = 0, last_heartbeat_at = $3 WHERE id = $1 AND status IN ('failed', 'cancelled')";
    Ok(sqlx::query(sql).bind(task).bind(text(secrets)).bind(now).execute(db).await?.rows_affected() == 1)
}

/// Adds one event to a run that no worker has.
pub(super) async fn add_event(db: impl PgExecutor<'_>, task: Uuid, event: &NewEvent) -> Result<()> {
    let sql = "INSERT INTO scaffolder_event (task, kind, body, created_at) VALUES ($1, $2, $3::json, $4)";
    sqlx::query(sql).bind(task).bind(event.kind.as_str()).bind(text(&event.body)).bind(event.at).execute(db).await?;
    Ok(())
}

/// One run.
pub(super) async fn task(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<TaskRow>> {
    let sql = "SELECT id, spec::text, status, created_by, created_at, finished_at, last_heartbeat_at FROM scaffolder_task WHERE id = $1";
    sqlx::query_as(sql).bind(id).fetch_optional(db).await
}

/// Which runs are listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskQuery {
    /// Of these people; of everybody when empty.
    pub(crate) created_by: Vec<String>,
    /// In these states; in any when empty.
    pub(crate) status: Vec<String>,
    /// Of this template.
    pub(crate) template: Option<String>,
    /// At most this many.
    pub(crate) limit: Option<usize>,
    /// How many of the newest to leave out.
    pub(crate) offset: usize,
}

#[derive(FromRow)]
struct Listed {
    #[sqlx(flatten)]
    task: TaskRow,
    total: i64,
}

/// One page of runs, newest first, and how many there are.
pub(super) async fn tasks(db: impl PgExecutor<'_> + Copy, query: &TaskQuery) -> Result<(Vec<TaskRow>, i64)> {
    let sql = "SELECT id, spec::text, status, created_by, created_at, finished_at, last_heartbeat_at, COUNT(*) OVER () AS total \
               FROM scaffolder_task WHERE (cardinality($1::text[]) = 0 OR created_by = ANY ($1)) \
               AND (cardinality($2::text[]) = 0 OR status = ANY ($2)) AND ($3::text IS NULL OR template = $3) \
               ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5";
    let bounded = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let bound = sqlx::query_as(sql).bind(&query.created_by).bind(&query.status).bind(&query.template);
    let rows: Vec<Listed> = bound.bind(query.limit.map(bounded)).bind(bounded(query.offset)).fetch_all(db).await?;
    if rows.is_empty() && (query.offset > 0 || query.limit == Some(0)) {
        let sql = "SELECT COUNT(*) FROM scaffolder_task WHERE (cardinality($1::text[]) = 0 OR created_by = ANY ($1)) \
                   AND (cardinality($2::text[]) = 0 OR status = ANY ($2)) AND ($3::text IS NULL OR template = $3)";
        let bound = sqlx::query_scalar(sql).bind(&query.created_by).bind(&query.status).bind(&query.template);
        return Ok((Vec::new(), bound.fetch_one(db).await?));
    }
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.task).collect(), total))
}

/// Events of a run after one of them.
pub(super) async fn events(db: impl PgExecutor<'_>, task: Uuid, after: i64) -> Result<Vec<EventRow>> {
    let sql = "SELECT id, kind, body::text, created_at FROM scaffolder_event WHERE task = $1 AND id > $2 ORDER BY id";
    sqlx::query_as(sql).bind(task).bind(after).fetch_all(db).await
}

/// Whether a run has ended, seen together with its newest event.
pub(super) async fn is_over(db: impl PgExecutor<'_>, task: Uuid) -> Result<bool> {
    let sql = "SELECT status NOT IN ('open', 'processing', 'waiting') FROM scaffolder_task WHERE id = $1";
    Ok(sqlx::query_scalar(sql).bind(task).fetch_optional(db).await?.unwrap_or(true))
}

/// What a run noted, if the run is still the worker's; none if it is not.
pub(super) async fn noted(
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
pub(super) async fn forget(db: impl PgExecutor<'_>, task: Uuid, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM scaffolder_ledger WHERE task = $1 AND key = $2").bind(task).bind(key).execute(db).await?;
    Ok(())
}

/// One thing to note in the ledger.
pub(super) struct Note<'a> {
    pub(super) step: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a Value,
    pub(super) made: Option<&'a str>,
}

/// Notes something, if the run is still the worker's; whether it is.
pub(super) async fn note(
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
pub(super) async fn made(db: impl PgExecutor<'_>, task: Uuid) -> Result<Vec<String>> {
    let sql = "SELECT made FROM scaffolder_ledger WHERE task = $1 AND made IS NOT NULL ORDER BY noted_at, key";
    sqlx::query_scalar(sql).bind(task).fetch_all(db).await
}

/// Something that a run made outside.
#[derive(Debug, FromRow)]
pub(super) struct Thing {
    pub(super) step: String,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) made: String,
}

/// What a run made outside, newest first.
pub(super) async fn things_made(db: impl PgExecutor<'_>, task: Uuid) -> Result<Vec<Thing>> {
    let sql = "SELECT step, key, value::text, made FROM scaffolder_ledger WHERE task = $1 AND made IS NOT NULL \
               ORDER BY noted_at DESC, key DESC";
    sqlx::query_as(sql).bind(task).fetch_all(db).await
}

/// Forgets one note of a step.
pub(super) async fn forget_one(db: impl PgExecutor<'_>, task: Uuid, step: &str, key: &str) -> Result<()> {
    let sql = "DELETE FROM scaffolder_ledger WHERE task = $1 AND step = $2 AND key = $3";
    sqlx::query(sql).bind(task).bind(step).bind(key).execute(db).await?;
    Ok(())
}

/// One run, locked until the transaction ends.
pub(super) async fn lock_task(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<TaskRow>> {
    let sql = "SELECT id, spec::text, status, created_by, created_at, finished_at, last_heartbeat_at FROM scaffolder_task \
               WHERE id = $1 FOR UPDATE";
    sqlx::query_as(sql).bind(id).fetch_optional(db).await
}

/// Stores a new form.
pub(super) async fn add_draft(db: impl PgExecutor<'_>, draft: &DraftRow, owner: &str) -> Result<()> {
    let sql = "INSERT INTO scaffolder_draft (id, template, owner, answers, secrets, answered, created_at, updated_at) \
               VALUES ($1, $2, $3, $4::json, $5::json, $6, $7, $7)";
    let query = sqlx::query(sql).bind(draft.id).bind(&draft.template).bind(owner).bind(&draft.answers);
    query.bind(&draft.secrets).bind(&draft.answered).bind(draft.updated_at).execute(db).await?;
    Ok(())
}

/// One of a person's forms.
pub(super) async fn draft(db: impl PgExecutor<'_>, id: Uuid, owner: &str) -> Result<Option<DraftRow>> {
    let sql = "SELECT id, template, answers::text, secrets::text, answered, updated_at FROM scaffolder_draft WHERE id = $1 AND owner = $2";
    sqlx::query_as(sql).bind(id).bind(owner).fetch_optional(db).await
}

/// Keeps a form's answers.
pub(super) async fn save_draft(db: impl PgExecutor<'_>, draft: &DraftRow) -> Result<()> {
    let sql = "UPDATE scaffolder_draft SET answers = $2::json, secrets = $3::json, answered = $4, updated_at = $5 WHERE id = $1";
    let query = sqlx::query(sql).bind(draft.id).bind(&draft.answers).bind(&draft.secrets);
    query.bind(&draft.answered).bind(draft.updated_at).execute(db).await?;
    Ok(())
}

/// Forgets a form's secrets: its run has them.
pub(super) async fn forget_draft_secrets(db: impl PgExecutor<'_>, id: Uuid) -> Result<()> {
    sqlx::query("UPDATE scaffolder_draft SET secrets = '{}'::json WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Removes forms that nobody touched since `before`.
pub(super) async fn sweep_drafts(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64> {
    let swept = sqlx::query("DELETE FROM scaffolder_draft WHERE updated_at < $1").bind(before).execute(db).await?;
    Ok(swept.rows_affected())
}

/// Removes runs that ended before a moment, with their log.
pub(super) async fn sweep_tasks(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64> {
    let sql = "DELETE FROM scaffolder_task WHERE finished_at < $1 AND status NOT IN ('open', 'processing', 'waiting')";
    Ok(sqlx::query(sql).bind(before).execute(db).await?.rows_affected())
}
