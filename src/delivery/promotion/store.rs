//! SQL of promotions.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Promotion, PromotionState};

/// Promotions of one service that are listed.
const LISTED: i64 = 50;

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, entity, application, environment, from_environment, before, after, repository, path, branch,
                    pull_request, state, message, created_by, created_at, approved_by, approved_at, merged_at, asked_at,
                    settled_at
             FROM promotion ",
            $rest
        )
    };
}

/// A new promotion.
pub(in crate::delivery) async fn insert(executor: impl PgExecutor<'_>, new: &Promotion) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO promotion
             (id, entity, application, environment, from_environment, before, after, repository, path, branch,
              pull_request, state, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(new.id)
    .bind(&new.entity)
    .bind(&new.application)
    .bind(&new.environment)
    .bind(&new.from_environment)
    .bind(Json(&new.before))
    .bind(Json(&new.after))
    .bind(&new.repository)
    .bind(&new.path)
    .bind(&new.branch)
    .bind(new.pull_request)
    .bind(new.state.as_str())
    .bind(&new.created_by)
    .bind(new.created_at)
    .execute(executor)
    .await
    .map(drop)
}

/// One by id.
pub(super) async fn by_id(executor: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Option<Promotion>> {
    sqlx::query_as(columns!("WHERE id = $1")).bind(id).fetch_optional(executor).await
}

/// Those of a service, newest first.
pub(super) async fn of_entity(executor: impl PgExecutor<'_>, entity: &str) -> sqlx::Result<Vec<Promotion>> {
    sqlx::query_as(columns!("WHERE entity = $1 ORDER BY created_at DESC LIMIT $2"))
        .bind(entity)
        .bind(LISTED)
        .fetch_all(executor)
        .await
}

/// All that are not over.
pub(in crate::delivery) async fn open(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<Promotion>> {
    sqlx::query_as(columns!("WHERE state IN ('open', 'merged') ORDER BY created_at")).fetch_all(executor).await
}

/// The one of an application that is not over.
pub(super) async fn open_of(
    executor: impl PgExecutor<'_>,
    repository: &str,
    application: &str,
) -> sqlx::Result<Option<Promotion>> {
    sqlx::query_as(columns!("WHERE repository = $1 AND application = $2 AND state IN ('open', 'merged')"))
        .bind(repository)
        .bind(application)
        .fetch_optional(executor)
        .await
}

/// The open one that a pull request belongs to.
pub(super) async fn by_pull_request(
    executor: impl PgExecutor<'_>,
    repository: &str,
    number: i64,
) -> sqlx::Result<Option<Promotion>> {
    sqlx::query_as(columns!("WHERE repository = $1 AND pull_request = $2 AND state = 'open'"))
        .bind(repository)
        .bind(number)
        .fetch_optional(executor)
        .await
}

/// Somebody agreed; the first counts.
pub(super) async fn approve(executor: impl PgExecutor<'_>, id: Uuid, by: &str, at: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query("UPDATE promotion SET approved_by = $2, approved_at = $3 WHERE id = $1 AND approved_by IS NULL")
        .bind(id)
        .bind(by)
        .bind(at)
        .execute(executor)
        .await
        .map(drop)
}

/// Takes one that is not over in hand, if no other process has it.
pub(in crate::delivery) async fn claim(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let claimed = sqlx::query(
        "UPDATE promotion SET claimed_until = $3
         WHERE id = $1 AND state IN ('open', 'merged') AND (claimed_until IS NULL OR claimed_until < $2)",
    )
    .bind(id)
    .bind(now)
    .bind(until)
    .execute(executor)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// How far it is now. What is over stays as it is.
pub(in crate::delivery) async fn settle(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    state: PromotionState,
    message: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let changed = sqlx::query(
        "UPDATE promotion SET
             merged_at = CASE WHEN $2 <> 'open' AND $2 <> 'closed' THEN coalesce(merged_at, $4) ELSE merged_at END,
             settled_at = CASE WHEN $2 IN ('healthy', 'failed', 'closed') THEN $4 END,
             state = $2, message = $3
         WHERE id = $1 AND state IN ('open', 'merged') AND (state, message) IS DISTINCT FROM ($2, $3)",
    )
    .bind(id)
    .bind(state.as_str())
    .bind(message)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Gives one back that was in hand.
pub(in crate::delivery) async fn release(executor: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("UPDATE promotion SET claimed_until = NULL WHERE id = $1").bind(id).execute(executor).await.map(drop)
}

/// Its deployment was asked for.
pub(in crate::delivery) async fn asked(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE promotion SET asked_at = $2 WHERE id = $1").bind(id).bind(now).execute(executor).await.map(drop)
}
