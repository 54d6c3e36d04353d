//! The deliveries that were taken, and the queue of those that have not had their effect.
//!
//! Times of the queue are those of the database, as all processes share that clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;
use sqlx::{FromRow, PgExecutor};

use crate::forge::Told;

use super::Figures;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The channel that tells every process that an App's installations changed.
pub(super) const INSTALLATIONS: &str = "forge_installations";
/// GitHub lets a delivery be sent again for three days.
const KEPT: TimeDelta = TimeDelta::days(7);

/// A delivery to be kept.
pub(super) struct New<'a> {
    pub(super) id: &'a str,
    pub(super) kind: &'a str,
    /// Hash of a payload that cannot come twice.
    pub(super) digest: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) told: &'a Told,
    pub(super) received_at: DateTime<Utc>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    Waiting,
    /// It was taken before, and waits or had its effect.
    Known,
    /// Too many wait.
    Full,
}

/// A delivery that a process has in hand.
#[derive(Debug, FromRow)]
pub(super) struct Claimed {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) host: String,
    /// As it is stored: another release may have written it.
    pub(super) told: Json<serde_json::Value>,
    pub(super) attempts: i32,
    pub(super) received_at: DateTime<Utc>,
}

/// Puts a delivery into the queue, where at most so many wait. One that was given up may come again.
pub(super) async fn add(db: impl PgExecutor<'_>, new: New<'_>, most: i64) -> Result<Added> {
    let (has_room, is_added): (bool, bool) = sqlx::query_as(
        "WITH room AS (
            SELECT COUNT(*) < $7 AS is_there
            FROM (SELECT FROM webhook_delivery WHERE due_at IS NOT NULL LIMIT $7) AS waiting),
         again AS (
            UPDATE webhook_delivery SET received_at = $6, host = $4, told = $5, attempts = 0, due_at = CLOCK_TIMESTAMP(),
                claimed_until = NULL, error = NULL
            WHERE (id = $1 OR digest = $3) AND done_at IS NULL AND due_at IS NULL AND (SELECT is_there FROM room)
            RETURNING id),
         added AS (
            INSERT INTO webhook_delivery (id, kind, digest, host, told, received_at, due_at)
            SELECT $1, $2, $3, $4, $5, $6, CLOCK_TIMESTAMP()
            WHERE NOT EXISTS (SELECT FROM again) AND (SELECT is_there FROM room)
            ON CONFLICT DO NOTHING
            RETURNING id)
         SELECT (SELECT is_there FROM room), EXISTS (SELECT FROM again) OR EXISTS (SELECT FROM added)",
    )
    .bind(new.id)
    .bind(new.kind)
    .bind(new.digest)
    .bind(new.host)
    .bind(Json(new.told))
    .bind(new.received_at)
    .bind(most)
    .fetch_one(db)
    .await?;
    Ok(match (has_room, is_added) {
        (_, true) => Added::Waiting,
        (true, false) => Added::Known,
        (false, false) => Added::Full,
    })
}

/// Takes what is due into hand for so long, oldest first: pull requests, or everything else.
pub(super) async fn claim(
    db: impl PgExecutor<'_>,
    pull_requests: bool,
    most: i64,
    lease: Duration,
) -> Result<Vec<Claimed>> {
    let mut claimed: Vec<Claimed> = sqlx::query_as(
        "UPDATE webhook_delivery AS taken
         SET claimed_until = CLOCK_TIMESTAMP() + MAKE_INTERVAL(secs => $3), attempts = attempts + 1
         FROM (SELECT id FROM webhook_delivery
            WHERE due_at <= CLOCK_TIMESTAMP() AND (claimed_until IS NULL OR claimed_until <= CLOCK_TIMESTAMP())
                AND (kind = 'pull_request') = $1
            ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS next
         WHERE taken.id = next.id
         RETURNING taken.id, kind, host, told, attempts, received_at",
    )
    .bind(pull_requests)
    .bind(most)
    .bind(lease.as_secs_f64())
    .fetch_all(db)
    .await?;
    claimed.sort_by_key(|one| one.received_at);
    Ok(claimed)
}

/// Keeps a delivery in hand for so long from now.
pub(super) async fn renew(db: impl PgExecutor<'_>, id: &str, lease: Duration) -> Result<()> {
    sqlx::query(
        "UPDATE webhook_delivery SET claimed_until = CLOCK_TIMESTAMP() + MAKE_INTERVAL(secs => $2)
         WHERE id = $1 AND due_at IS NOT NULL",
    )
    .bind(id)
    .bind(lease.as_secs_f64())
    .execute(db)
    .await?;
    Ok(())
}

/// Lets go of deliveries that were not followed to the end, as if nobody had begun.
pub(super) async fn release(db: impl PgExecutor<'_>, ids: &[String]) -> Result<()> {
    sqlx::query(
        "UPDATE webhook_delivery SET claimed_until = NULL, attempts = attempts - 1
         WHERE id = ANY($1) AND due_at IS NOT NULL",
    )
    .bind(ids)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a delivery had its effect.
pub(super) async fn set_done(db: impl PgExecutor<'_>, id: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query(
        "UPDATE webhook_delivery SET done_at = $2, due_at = NULL, host = NULL, told = NULL, claimed_until = NULL, error = NULL
         WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes why a delivery could not be followed; it is tried again after so long, or never.
pub(super) async fn set_failed(db: impl PgExecutor<'_>, id: &str, error: &str, pause: Option<Duration>) -> Result<()> {
    sqlx::query(
        "UPDATE webhook_delivery SET due_at = CLOCK_TIMESTAMP() + MAKE_INTERVAL(secs => $3), claimed_until = NULL, error = $2
         WHERE id = $1 AND due_at IS NOT NULL",
    )
    .bind(id)
    .bind(error)
    .bind(pause.map(|pause| pause.as_secs_f64()))
    .execute(db)
    .await?;
    Ok(())
}

/// How the deliveries of the last days stand.
pub(super) async fn figures(db: impl PgExecutor<'_>) -> Result<Figures> {
    sqlx::query_as(
        "SELECT MAX(received_at) AS newest, COUNT(*) FILTER (WHERE due_at IS NOT NULL) AS waiting,
            COUNT(*) FILTER (WHERE due_at IS NULL AND done_at IS NULL AND error IS NOT NULL) AS lost,
            (ARRAY_AGG(error ORDER BY received_at DESC) FILTER (WHERE error IS NOT NULL))[1] AS error
         FROM webhook_delivery",
    )
    .fetch_one(db)
    .await
}

/// Tells every process that an App's installations on a host changed.
pub(super) async fn tell_installations(db: impl PgExecutor<'_>, host: &str) -> Result<()> {
    sqlx::query("SELECT pg_notify($1, $2)").bind(INSTALLATIONS).bind(host).execute(db).await?;
    Ok(())
}

/// Forgets deliveries that nobody sends again.
pub(super) async fn sweep(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query("DELETE FROM webhook_delivery WHERE received_at < $1").bind(now - KEPT).execute(db).await?;
    Ok(())
}
