//! Claims on sources that are being read; by the database's clock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::Result;

/// Takes sources that are due, so that no other process reads them meanwhile: quick ones, or those that took long or
/// could not be read the last time. Of providers only those that are named.
pub(in crate::catalog) async fn claim_due(
    db: impl PgExecutor<'_>,
    by: Uuid,
    length: Duration,
    is_slow: bool,
    now: DateTime<Utc>,
    limit: usize,
    providers: &[String],
) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "UPDATE catalog_source SET claimed_until = CLOCK_TIMESTAMP() + MAKE_INTERVAL(secs => $2), claimed_by = $5
         WHERE reference IN (
            SELECT reference FROM catalog_source
            WHERE next_read_at <= $1 AND (claimed_until IS NULL OR claimed_until <= CLOCK_TIMESTAMP())
                AND (is_slow OR failures > 0) = $4 AND (NOT is_provider OR reference = ANY($6))
            ORDER BY next_read_at LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING reference",
    )
    .bind(now)
    .bind(length.as_secs_f64())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .bind(is_slow)
    .bind(by)
    .bind(providers)
    .fetch_all(db)
    .await
}

/// Takes one source, due or not, unless another process has it.
pub(in crate::catalog) async fn claim(
    db: impl PgExecutor<'_>,
    reference: &str,
    by: Uuid,
    length: Duration,
) -> Result<()> {
    sqlx::query(
        "UPDATE catalog_source SET claimed_until = CLOCK_TIMESTAMP() + MAKE_INTERVAL(secs => $3), claimed_by = $2
         WHERE reference IN (
            SELECT reference FROM catalog_source
            WHERE reference = $1 AND (claimed_until IS NULL OR claimed_until <= CLOCK_TIMESTAMP() OR claimed_by = $2)
            FOR UPDATE SKIP LOCKED)",
    )
    .bind(reference)
    .bind(by)
    .bind(length.as_secs_f64())
    .execute(db)
    .await?;
    Ok(())
}

/// Holds a source longer; false if it is not claimed by this process any more.
pub(in crate::catalog) async fn renew(
    db: impl PgExecutor<'_>,
    reference: &str,
    by: Uuid,
    length: Duration,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE catalog_source SET claimed_until = CLOCK_TIMESTAMP() + MAKE_INTERVAL(secs => $3)
         WHERE reference = $1 AND claimed_by = $2",
    )
    .bind(reference)
    .bind(by)
    .bind(length.as_secs_f64())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives back every source that a process claims.
pub(in crate::catalog) async fn let_go(db: impl PgExecutor<'_>, by: Uuid) -> Result<()> {
    sqlx::query("UPDATE catalog_source SET claimed_until = NULL, claimed_by = NULL WHERE claimed_by = $1")
        .bind(by)
        .execute(db)
        .await?;
    Ok(())
}
