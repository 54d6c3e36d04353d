//! The scaffolder's tables: runs and events here, the `ledger`, forms (`draft`), feature flags (`flag`), waits (`wait`) and counts (`tally`).
//!
//! Documents are bound and read as text and cast to JSON by the statement, which keeps the order of their keys.
//! A worker's statements name the worker: a run that was given to somebody else is out of its reach.

mod draft;
mod flag;
mod ledger;
mod tally;
mod wait;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

pub(super) use self::draft::{DraftRow, add_draft, draft, forget_draft_secrets, save_draft, sweep_drafts};
pub(super) use self::flag::{flags, lower_flag, raise_flag};
pub(super) use self::ledger::{Note, Thing, forget, forget_one, made, note, noted, things_made};
pub(crate) use self::tally::{Queue, Tally};
pub(super) use self::tally::{queue, registered, tally};
pub(super) use self::wait::{
    AskedRow, WaitingRow, asked, cancel_idle, decide, forget_refusals, park, waiting, wake, wake_due,
};
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
    pub(super) template: &'a str,
    pub(super) created_by: Option<&'a str>,
    /// As its worker is to find it.
    pub(super) task: &'a Claimed,
    /// The worker that takes it at once; none if it is to wait for one.
    pub(super) worker: Option<Uuid>,
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

/// Reads a stored document.
pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Writes a document; values always have a text.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Stores a run; whether it is new.
pub(super) async fn add_task(db: impl PgExecutor<'_>, new: NewTask<'_>) -> Result<bool> {
    let sql = "INSERT INTO scaffolder_task \
               (id, template, spec, job, secrets, status, created_by, created_at, last_heartbeat_at, worker, attempt) \
               VALUES ($1, $2, $3::json, $4::json, $5::json, CASE WHEN $8::uuid IS NULL THEN 'open' ELSE 'processing' END, \
               $6, $7, $7, $8, CASE WHEN $8::uuid IS NULL THEN 0 ELSE 1 END) \
               ON CONFLICT ON CONSTRAINT scaffolder_task_pk DO NOTHING";
    let task = new.task;
    let query = sqlx::query(sql).bind(task.id).bind(new.template).bind(&task.spec).bind(&task.job);
    let query = query.bind(&task.secrets).bind(new.created_by).bind(task.created_at).bind(new.worker);
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Wakes whoever listens.
pub(super) async fn notify(db: impl PgExecutor<'_>, payloads: &[String]) -> Result<()> {
    if payloads.is_empty() {
        return Ok(());
    }
    // Notices are not kept: there is nothing to wait for the disk for, and others wait for this commit.
    let sql = "SELECT pg_notify($1, payload), set_config('synchronous_commit', 'off', true) FROM UNNEST($2::text[]) AS payload";
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

/// How a run ends.
pub(super) struct End<'a> {
    pub(super) status: &'a str,
    /// The last of its events.
    pub(super) events: &'a [NewEvent],
    /// Whether it could be done again: then the commit does not wait for the disk.
    pub(super) is_repeatable: bool,
}

/// Ends a run with its last events, if it is still the worker's; whether it was.
pub(super) async fn finish(
    db: impl PgExecutor<'_>,
    task: Uuid,
    worker: Uuid,
    end: &End<'_>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "WITH ended AS (UPDATE scaffolder_task SET status = $6, finished_at = $7, worker = NULL, secrets = NULL \
               WHERE id = $1 AND worker = $2 AND status = 'processing' RETURNING id), \
               said AS (INSERT INTO scaffolder_event (task, kind, body, created_at) \
               SELECT ended.id, kind, body::json, at FROM ended, \
               UNNEST($3::text[], $4::text[], $5::timestamptz[]) WITH ORDINALITY AS e (kind, body, at, n) ORDER BY n) \
               SELECT COUNT(*), CASE WHEN $8 THEN set_config('synchronous_commit', 'off', true) END FROM ended";
    let Columns { kinds, bodies, times } = Columns::of(end.events);
    let query = sqlx::query_scalar(sql).bind(task).bind(worker).bind(kinds).bind(bodies).bind(times);
    let ended: i64 = query.bind(end.status).bind(now).bind(end.is_repeatable).fetch_one(db).await?;
    Ok(ended == 1)
}

/// Gives a run back that is not at its end, if it is still the worker's; whether it was. Nothing went wrong with it.
pub(super) async fn release(db: impl PgExecutor<'_>, task: Uuid, worker: Uuid) -> Result<bool> {
    let sql = "UPDATE scaffolder_task SET status = 'open', worker = NULL, attempt = GREATEST(attempt - 1, 0) \
               WHERE id = $1 AND worker = $2 AND status = 'processing'";
    Ok(sqlx::query(sql).bind(task).bind(worker).execute(db).await?.rows_affected() == 1)
}

/// What is known at a glance of the runs that are not over.
#[derive(Debug, FromRow)]
pub(super) struct Unsettled {
    /// The oldest of the last signs of life of all workers.
    pub(super) oldest_sign: Option<DateTime<Utc>>,
    /// When the first run that waits is to go on.
    pub(super) next_wake: Option<DateTime<Utc>>,
    /// Whether a run has no worker.
    pub(super) is_open: bool,
}

/// How the runs stand that are not over.
pub(super) async fn unsettled(db: impl PgExecutor<'_>) -> Result<Unsettled> {
    let sql = "SELECT (SELECT MIN(last_heartbeat_at) FROM scaffolder_task WHERE status = 'processing') AS oldest_sign, \
               (SELECT MIN(wake_at) FROM scaffolder_task WHERE status = 'waiting') AS next_wake, \
               EXISTS (SELECT FROM scaffolder_task WHERE status = 'open') AS is_open";
    sqlx::query_as(sql).fetch_one(db).await
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
    // Only the documents of the page are read, however many runs there are.
    let sql = "WITH meant AS (SELECT id, created_at FROM scaffolder_task \
               WHERE (cardinality($1::text[]) = 0 OR created_by = ANY ($1)) \
               AND (cardinality($2::text[]) = 0 OR status = ANY ($2)) AND ($3::text IS NULL OR template = $3)), \
               page AS (SELECT id FROM meant ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5) \
               SELECT id, spec::text, status, created_by, created_at, finished_at, last_heartbeat_at, \
               (SELECT COUNT(*) FROM meant) AS total \
               FROM page JOIN scaffolder_task USING (id) ORDER BY created_at DESC, id DESC";
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

/// The newest runs that began or ended at a moment or later, or are not over, without their steps.
pub(super) async fn tasks_since(
    db: impl PgExecutor<'_>,
    since: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<TaskRow>> {
    let sql = "SELECT id, json_build_object('parameters', spec -> 'parameters', 'templateInfo', json_build_object( \
               'entityRef', spec #> '{templateInfo,entityRef}', 'entity', json_build_object('metadata', \
               json_build_object('title', spec #> '{templateInfo,entity,metadata,title}'))))::text AS spec, \
               status, created_by, created_at, finished_at, last_heartbeat_at FROM scaffolder_task \
               WHERE $1::timestamptz IS NULL OR created_at >= $1 OR finished_at >= $1 \
               OR status IN ('open', 'processing', 'waiting') ORDER BY created_at DESC, id DESC LIMIT $2";
    sqlx::query_as(sql).bind(since).bind(limit).fetch_all(db).await
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

/// One run, locked until the transaction ends.
pub(super) async fn lock_task(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<TaskRow>> {
    let sql = "SELECT id, spec::text, status, created_by, created_at, finished_at, last_heartbeat_at FROM scaffolder_task \
               WHERE id = $1 FOR UPDATE";
    sqlx::query_as(sql).bind(id).fetch_optional(db).await
}

/// Removes runs that ended before a moment, with their log.
pub(super) async fn sweep_tasks(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64> {
    let sql = "DELETE FROM scaffolder_task WHERE finished_at < $1 AND status NOT IN ('open', 'processing', 'waiting')";
    Ok(sqlx::query(sql).bind(before).execute(db).await?.rows_affected())
}
