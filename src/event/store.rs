//! The deliveries that were taken.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The channel that tells every process that an App's installations changed.
pub(super) const INSTALLATIONS: &str = "forge_installations";
/// GitHub lets a delivery be sent again for three days.
const KEPT: TimeDelta = TimeDelta::days(7);
/// After so long without an effect, whoever took a delivery has lost it.
const LOST: TimeDelta = TimeDelta::minutes(6);

/// Remembers a delivery; false if it was taken before and is not lost.
pub(super) async fn add(
    db: impl PgExecutor<'_>,
    id: &str,
    kind: &str,
    digest: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query(
        "WITH again AS (
            UPDATE webhook_delivery SET received_at = $4
            WHERE (id = $1 OR digest = $3) AND done_at IS NULL AND received_at < $5
            RETURNING id),
         added AS (
            INSERT INTO webhook_delivery (id, kind, digest, received_at)
            SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM again)
            ON CONFLICT DO NOTHING
            RETURNING id)
         SELECT id FROM again UNION ALL SELECT id FROM added",
    )
    .bind(id)
    .bind(kind)
    .bind(digest)
    .bind(now)
    .bind(now - LOST)
    .fetch_optional(db)
    .await?;
    Ok(done.is_some())
}

/// Notes that a delivery had its effect.
pub(super) async fn set_done(db: impl PgExecutor<'_>, id: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query("UPDATE webhook_delivery SET done_at = $2 WHERE id = $1").bind(id).bind(now).execute(db).await?;
    Ok(())
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
