//! The tables of imports.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Import, Item, ItemState, NewItem, Summary, Work};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// What is read of an item.
macro_rules! item {
    ($($rest:literal),+) => {
        concat!(
            $($rest,)+
            " id, import_id, host, repository, path, target, content, state, pull_request, message, attempts, updated_at"
        )
    };
}

pub(super) async fn add(executor: impl PgExecutor<'_>, import: &Import) -> Result<()> {
    let statement = "INSERT INTO catalog_import (id, target, created_by, created_at) VALUES ($1, $2, $3, $4)";
    let query = sqlx::query(statement).bind(import.id).bind(&import.target).bind(&import.created_by);
    query.bind(import.created_at).execute(executor).await?;
    Ok(())
}

pub(super) async fn add_item(
    executor: impl PgExecutor<'_>,
    import: Uuid,
    place: i32,
    item: &NewItem,
    now: DateTime<Utc>,
) -> Result<()> {
    let (target, content) = match &item.work {
        Work::Register(target) => (Some(target), None),
        Work::Propose(content) => (None, Some(content)),
    };
    let statement = "INSERT INTO catalog_import_item
         (id, import_id, place, host, repository, path, target, content, state, due_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $9)";
    sqlx::query(statement)
        .bind(Uuid::now_v7())
        .bind(import)
        .bind(place)
        .bind(&item.host)
        .bind(item.repository.to_string())
        .bind(&item.path)
        .bind(target)
        .bind(content)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}

pub(super) async fn import(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Import>> {
    let statement = "SELECT id, target, created_by, created_at FROM catalog_import WHERE id = $1";
    sqlx::query_as(statement).bind(id).fetch_optional(executor).await
}

pub(super) async fn items(executor: impl PgExecutor<'_>, import: Uuid) -> Result<Vec<Item>> {
    let statement = concat!(item!("SELECT"), " FROM catalog_import_item WHERE import_id = $1 ORDER BY place");
    sqlx::query_as(statement).bind(import).fetch_all(executor).await
}

pub(super) async fn newest(executor: impl PgExecutor<'_>, many: i64) -> Result<Vec<Summary>> {
    let statement = "SELECT o.id, o.target, o.created_by, o.created_at, count(i.id) AS items,
                count(i.id) FILTER (WHERE i.state IN ('waiting', 'open')) AS open,
                count(i.id) FILTER (WHERE i.state = 'failed') AS failed
         FROM (SELECT * FROM catalog_import ORDER BY created_at DESC LIMIT $1) o
         LEFT JOIN catalog_import_item i ON i.import_id = o.id
         GROUP BY o.id, o.target, o.created_by, o.created_at ORDER BY o.created_at DESC, o.id DESC";
    sqlx::query_as(statement).bind(many).fetch_all(executor).await
}

/// Takes one item that is due in hand, until a moment.
pub(super) async fn claim(
    executor: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Item>> {
    let statement = concat!(
        "UPDATE catalog_import_item SET claimed_until = $2, attempts = attempts + 1
         WHERE id = (SELECT id FROM catalog_import_item
                     WHERE state IN ('waiting', 'open') AND due_at <= $1
                       AND (claimed_until IS NULL OR claimed_until <= $1)
                     ORDER BY due_at, place FOR UPDATE SKIP LOCKED LIMIT 1)",
        item!(" RETURNING")
    );
    sqlx::query_as(statement).bind(now).bind(until).fetch_optional(executor).await
}

/// What became of an item; nobody has it in hand any more.
pub(super) async fn settle(
    executor: impl PgExecutor<'_>,
    item: &Item,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let statement = "UPDATE catalog_import_item
         SET state = $2, pull_request = $3, message = $4, attempts = $5, due_at = $6, claimed_until = NULL,
             updated_at = CASE WHEN state = $2 THEN updated_at ELSE $7 END
         WHERE id = $1";
    sqlx::query(statement)
        .bind(item.id)
        .bind(item.state.as_str())
        .bind(item.pull_request)
        .bind(&item.message)
        .bind(item.attempts)
        .bind(due)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}

/// Makes the open pull requests of an import due now, if they were not looked at since a moment.
pub(super) async fn hasten(executor: impl PgExecutor<'_>, import: Uuid, now: DateTime<Utc>) -> Result<u64> {
    let statement = "UPDATE catalog_import_item SET due_at = $2
         WHERE import_id = $1 AND state = 'open' AND due_at > $2 AND claimed_until IS NULL";
    Ok(sqlx::query(statement).bind(import).bind(now).execute(executor).await?.rows_affected())
}

/// The same of a repository's pull request, whichever import has it.
pub(super) async fn hasten_pull_request(
    executor: impl PgExecutor<'_>,
    host: &str,
    repository: &str,
    number: i64,
    now: DateTime<Utc>,
) -> Result<u64> {
    let statement = "UPDATE catalog_import_item SET due_at = $4
         WHERE host = $1 AND lower(repository) = lower($2) AND pull_request = $3 AND state = 'open'";
    let query = sqlx::query(statement).bind(host).bind(repository).bind(number).bind(now);
    Ok(query.execute(executor).await?.rows_affected())
}

/// What failed and what was closed waits again.
pub(super) async fn reopen(executor: impl PgExecutor<'_>, import: Uuid, now: DateTime<Utc>) -> Result<()> {
    let statement = "UPDATE catalog_import_item
         SET state = $3, pull_request = NULL, message = NULL, attempts = 0, due_at = $2, updated_at = $2
         WHERE import_id = $1 AND state IN ('failed', 'closed')";
    let waiting = ItemState::Waiting.as_str();
    sqlx::query(statement).bind(import).bind(now).bind(waiting).execute(executor).await?;
    Ok(())
}
