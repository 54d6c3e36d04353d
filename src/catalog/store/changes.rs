//! The change log, read: of one entity for its history, of all for those who follow.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

use super::{Result, json};
use crate::catalog::{Change, Operation};

#[derive(FromRow)]
struct ChangeRow {
    sequence: i64,
    reference: String,
    operation: String,
    uid: Uuid,
    document: Option<String>,
    source: String,
    changed_at: DateTime<Utc>,
}

impl ChangeRow {
    fn change(self) -> Result<Change> {
        Ok(Change {
            sequence: self.sequence,
            reference: self.reference,
            operation: Operation::parse(&self.operation).ok_or_else(|| sqlx::Error::Decode(self.operation.into()))?,
            uid: self.uid,
            document: self.document.as_deref().map(json).transpose()?,
            source: self.source,
            at: self.changed_at,
        })
    }
}

/// The changes of one entity before one of them, newest first.
pub(in crate::catalog) async fn history(
    db: impl PgExecutor<'_>,
    reference: &str,
    before: i64,
    limit: usize,
) -> Result<Vec<Change>> {
    let rows: Vec<ChangeRow> = sqlx::query_as(
        "SELECT sequence, reference, operation, uid, document::text AS document, source, changed_at
         FROM catalog_change WHERE reference = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3",
    )
    .bind(reference)
    .bind(before)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ChangeRow::change).collect()
}

/// A change of an entity, and which definition it had from there on.
#[derive(FromRow)]
pub(in crate::catalog) struct Defined {
    pub(in crate::catalog) sequence: i64,
    #[sqlx(rename = "changed_at")]
    pub(in crate::catalog) at: DateTime<Utc>,
    /// The same for the same definition; none where there is none.
    pub(in crate::catalog) digest: Option<String>,
}

/// The changes of one entity with what tells its definitions apart, newest first. The definitions, which may be large,
/// stay where they are.
pub(in crate::catalog) async fn definitions(
    db: impl PgExecutor<'_>,
    reference: &str,
    limit: usize,
) -> Result<Vec<Defined>> {
    sqlx::query_as(
        "SELECT sequence, changed_at, md5(document #>> '{spec,definition}') AS digest
         FROM catalog_change WHERE reference = $1 AND operation <> 'status' ORDER BY sequence DESC LIMIT $2",
    )
    .bind(reference)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(db)
    .await
}

/// The document that an entity had before a change; none if it was new then, or nobody knows any more.
pub(in crate::catalog) async fn document_before(
    db: impl PgExecutor<'_>,
    reference: &str,
    sequence: i64,
) -> Result<Option<Value>> {
    let row: Option<(String, Option<String>)> = sqlx::query_as(
        "SELECT operation, document::text FROM catalog_change
         WHERE reference = $1 AND sequence < $2 AND operation <> 'status' ORDER BY sequence DESC LIMIT 1",
    )
    .bind(reference)
    .bind(sequence)
    .fetch_optional(db)
    .await?;
    row.and_then(|(_, document)| document).as_deref().map(json).transpose()
}

/// The next changes after one, up to another, oldest first.
pub(in crate::catalog) async fn changes_after(
    db: impl PgExecutor<'_>,
    after: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<Change>> {
    let rows: Vec<ChangeRow> = sqlx::query_as(
        "SELECT sequence, reference, operation, uid, document::text AS document, source, changed_at
         FROM catalog_change WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3",
    )
    .bind(after)
    .bind(until)
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ChangeRow::change).collect()
}

/// How far the log reaches: whoever has seen the first can follow from there; the second is its last change. None of an
/// empty log.
pub(in crate::catalog) async fn extent(db: impl PgExecutor<'_>) -> Result<(Option<i64>, Option<i64>)> {
    // Of changes that were swept, only ends are missed: what else they said is said by newer ones.
    sqlx::query_as(
        "SELECT GREATEST(MIN(sequence) - 1, (SELECT NULLIF(floor, 0) FROM catalog_sweep)), MAX(sequence) FROM catalog_change",
    )
    .fetch_one(db)
    .await
}

/// Forgets every change before one, as time does.
#[cfg(test)]
pub(in crate::catalog) async fn forget_before(db: impl PgExecutor<'_>, sequence: i64) -> Result<()> {
    sqlx::query("DELETE FROM catalog_change WHERE sequence < $1").bind(sequence).execute(db).await?;
    Ok(())
}
