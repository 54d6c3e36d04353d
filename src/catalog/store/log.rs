//! The change log: what is appended to it and what leaves it.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::Result;
use crate::catalog::Operation;

/// One row of the change log to be written.
#[derive(Debug)]
pub(in crate::catalog) struct Logged {
    pub(in crate::catalog) reference: String,
    pub(in crate::catalog) operation: Operation,
    pub(in crate::catalog) uid: Uuid,
}

impl Logged {
    /// A change that brings no document.
    pub(in crate::catalog) fn bare(reference: String, operation: Operation, uid: Uuid) -> Self {
        Self { reference, operation, uid }
    }
}

/// Appends changes without documents to the change log.
pub(in crate::catalog) async fn log(
    db: impl PgExecutor<'_>,
    source: &str,
    logged: &[Logged],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO catalog_change (reference, operation, uid, source, changed_at)
         SELECT reference, operation, uid, $1, $2
         FROM UNNEST($3::text[], $4::text[], $5::uuid[]) WITH ORDINALITY AS logged (reference, operation, uid, ordinal)
         ORDER BY ordinal",
    )
    .bind(source)
    .bind(now)
    .bind(logged.iter().map(|row| row.reference.as_str()).collect::<Vec<&str>>())
    .bind(logged.iter().map(|row| row.operation.as_str()).collect::<Vec<&str>>())
    .bind(logged.iter().map(|row| row.uid).collect::<Vec<Uuid>>())
    .execute(db)
    .await?;
    Ok(())
}

/// Up to which change the log has gaps that nothing newer fills.
pub(in crate::catalog) async fn floor(db: impl PgExecutor<'_>) -> Result<i64> {
    let floor: Option<i64> = sqlx::query_scalar("SELECT floor FROM catalog_sweep").fetch_optional(db).await?;
    Ok(floor.unwrap_or_default())
}

/// Removes changes before a time, the oldest first; gives how many. What a removed change said is said by a newer one,
/// or it was an end: those set the floor, in the same statement.
pub(in crate::catalog) async fn sweep(db: impl PgExecutor<'_>, border: DateTime<Utc>, limit: i64) -> Result<u64> {
    let removed: i64 = sqlx::query_scalar(
        "WITH old AS (
            SELECT sequence FROM catalog_change AS change
            WHERE changed_at < $1 AND (operation = 'delete' OR EXISTS
                (SELECT FROM catalog_change AS newer WHERE newer.reference = change.reference AND newer.sequence > change.sequence))
            ORDER BY sequence LIMIT $2 FOR UPDATE SKIP LOCKED),
         removed AS (
            DELETE FROM catalog_change USING old WHERE catalog_change.sequence = old.sequence
            RETURNING catalog_change.sequence, operation),
         raised AS (
            UPDATE catalog_sweep SET floor = GREATEST(floor, (SELECT MAX(sequence) FROM removed WHERE operation = 'delete')))
         SELECT COUNT(*) FROM removed",
    )
    .bind(border)
    .bind(limit)
    .fetch_one(db)
    .await?;
    Ok(removed.unsigned_abs())
}
