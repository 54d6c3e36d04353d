//! What is known by name and never became an entity.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgExecutor};

use super::Result;

/// One thing wrong with something that has a name, and when its source is read.
#[derive(Debug, Clone, FromRow)]
pub(in crate::catalog) struct Failure {
    pub(in crate::catalog) source: String,
    pub(in crate::catalog) location: String,
    pub(in crate::catalog) entity: Option<String>,
    pub(in crate::catalog) kind: Option<String>,
    pub(in crate::catalog) name: Option<String>,
    pub(in crate::catalog) error_name: String,
    pub(in crate::catalog) message: String,
    pub(in crate::catalog) since: DateTime<Utc>,
    pub(in crate::catalog) next_read_at: DateTime<Utc>,
}

/// Everything that is wrong with something that has a name.
pub(in crate::catalog) async fn failures(db: impl PgExecutor<'_>) -> Result<Vec<Failure>> {
    sqlx::query_as(
        "SELECT source, location, entity, kind, name, error_name, message, since, next_read_at
         FROM catalog_problem JOIN catalog_source ON catalog_source.reference = catalog_problem.source
         WHERE entity IS NOT NULL OR (kind IS NOT NULL AND name IS NOT NULL)
         ORDER BY source, ordinal",
    )
    .fetch_all(db)
    .await
}

/// A source that was never read.
#[derive(Debug, Clone, FromRow)]
pub(in crate::catalog) struct Unread {
    pub(in crate::catalog) reference: String,
    #[sqlx(rename = "type")]
    pub(in crate::catalog) kind: String,
    pub(in crate::catalog) target: String,
    pub(in crate::catalog) entity_name: Option<String>,
    pub(in crate::catalog) next_read_at: DateTime<Utc>,
}

/// Sources that were never read.
pub(in crate::catalog) async fn unread(db: impl PgExecutor<'_>) -> Result<Vec<Unread>> {
    sqlx::query_as(
        "SELECT reference, type, target, entity_name, next_read_at FROM catalog_source
         WHERE last_read_at IS NULL AND NOT is_provider ORDER BY reference",
    )
    .fetch_all(db)
    .await
}

/// Forgets what is wrong with one name at one place.
pub(in crate::catalog) async fn forget(db: &mut PgConnection, failure: &Failure) -> Result<()> {
    sqlx::query(
        "DELETE FROM catalog_problem WHERE source = $1 AND location = $2
            AND entity IS NOT DISTINCT FROM $3 AND kind IS NOT DISTINCT FROM $4 AND name IS NOT DISTINCT FROM $5",
    )
    .bind(&failure.source)
    .bind(&failure.location)
    .bind(&failure.entity)
    .bind(&failure.kind)
    .bind(&failure.name)
    .execute(db)
    .await?;
    Ok(())
}
