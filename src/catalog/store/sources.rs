//! Sources, registered locations, and what is wrong with them.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgExecutor};
use uuid::Uuid;

use super::{CHUNK, Result};
use crate::catalog::problem::CONFLICT;
use crate::catalog::{Location, LocationRef, Problem};

/// A root location as it stands.
#[derive(Debug, Clone, FromRow)]
pub(in crate::catalog) struct Source {
    #[sqlx(rename = "type")]
    pub(in crate::catalog) kind: String,
    pub(in crate::catalog) target: String,
    pub(in crate::catalog) digest: Option<String>,
    pub(in crate::catalog) failures: i32,
    /// Grows with everything that happens to the source.
    pub(in crate::catalog) revision: i64,
    pub(in crate::catalog) is_provider: bool,
    /// The commit at which a provider saw its branch, if that is still to be believed.
    pub(in crate::catalog) tip: Option<String>,
    /// When its last reading ended.
    pub(in crate::catalog) last_read_at: Option<DateTime<Utc>>,
    /// When its last reading that asked by itself began.
    pub(in crate::catalog) asked_at: Option<DateTime<Utc>>,
    /// Nobody but a provider asks for it, which does not know whether anything is there.
    is_optional: bool,
    /// As in [`Location`].
    entity_name: Option<String>,
}

impl Source {
    /// The location that is read.
    pub(in crate::catalog) fn root(&self) -> LocationRef {
        LocationRef::new(self.kind.clone(), self.target.clone())
            .named(self.entity_name.clone())
            .optional(self.is_optional)
    }
}

/// One source; none if there is no such.
pub(in crate::catalog) async fn source(db: impl PgExecutor<'_>, reference: &str) -> Result<Option<Source>> {
    sqlx::query_as(
        "SELECT type, target, digest, failures, revision, is_provider, entity_name, last_read_at, asked_at,
            NOT is_configured
                AND NOT EXISTS (SELECT FROM catalog_location AS registered WHERE registered.reference = $1)
                AND COALESCE((SELECT BOOL_AND(is_optional) FROM catalog_provided AS provided
                    WHERE provided.reference = $1), FALSE) AS is_optional,
            (SELECT tip FROM catalog_provided AS provided
             WHERE provided.reference = catalog_source.reference AND tip_until > NOW()
                AND (catalog_source.asked_at IS NULL OR tip_seen_at > catalog_source.asked_at)
             ORDER BY tip_seen_at DESC LIMIT 1) AS tip
         FROM catalog_source WHERE reference = $1",
    )
    .bind(reference)
    .fetch_optional(db)
    .await
}

/// Adds a source that is to be read now; one that is there becomes configured if it is now.
pub(in crate::catalog) async fn add_source(
    db: impl PgExecutor<'_>,
    source: &LocationRef,
    is_configured: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO catalog_source (reference, type, target, is_configured, next_read_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT catalog_source_pk DO UPDATE SET
            is_configured = catalog_source.is_configured OR EXCLUDED.is_configured, next_read_at = EXCLUDED.next_read_at,
            claimed_until = NULL, claimed_by = NULL",
    )
    .bind(source.to_string())
    .bind(&source.kind)
    .bind(&source.target)
    .bind(is_configured)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets that configuration named other sources; gives those that nothing asks for any more: neither configuration nor
/// a provider, and nobody registered them.
pub(in crate::catalog) async fn abandoned(db: &mut PgConnection, configured: &[String]) -> Result<Vec<String>> {
    sqlx::query("UPDATE catalog_source SET is_configured = FALSE WHERE is_configured AND reference <> ALL($1)")
        .bind(configured)
        .execute(&mut *db)
        .await?;
    sqlx::query_scalar(
        "SELECT reference FROM catalog_source
         WHERE reference <> ALL($1) AND NOT is_provider
            AND NOT EXISTS (SELECT FROM catalog_location WHERE catalog_location.reference = catalog_source.reference)
            AND NOT EXISTS (SELECT FROM catalog_provided WHERE catalog_provided.reference = catalog_source.reference)",
    )
    .bind(configured)
    .fetch_all(db)
    .await
}

/// Forgets a source; its entities must be gone.
pub(in crate::catalog) async fn remove_source(db: impl PgExecutor<'_>, reference: &str) -> Result<()> {
    sqlx::query("DELETE FROM catalog_source WHERE reference = $1").bind(reference).execute(db).await?;
    Ok(())
}

/// Whether configuration names the source, or a provider found it.
pub(in crate::catalog) async fn is_fixed(db: impl PgExecutor<'_>, reference: &str) -> Result<bool> {
    let found: Option<bool> = sqlx::query_scalar(
        "SELECT is_configured
            OR EXISTS (SELECT FROM catalog_provided WHERE catalog_provided.reference = catalog_source.reference)
         FROM catalog_source WHERE reference = $1",
    )
    .bind(reference)
    .fetch_optional(db)
    .await?;
    Ok(found.unwrap_or_default())
}

/// When the next source is due, of providers only those that are named.
pub(in crate::catalog) async fn next_due(
    db: impl PgExecutor<'_>,
    providers: &[String],
) -> Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar(
        "SELECT MIN(GREATEST(next_read_at, claimed_until)) FROM catalog_source
         WHERE NOT is_provider OR reference = ANY($1)",
    )
    .bind(providers)
    .fetch_one(db)
    .await
}

/// How a reading went.
#[derive(Debug)]
pub(in crate::catalog) struct Reading<'a> {
    pub(in crate::catalog) digest: &'a str,
    pub(in crate::catalog) failures: i32,
    pub(in crate::catalog) is_slow: bool,
    pub(in crate::catalog) at: DateTime<Utc>,
    pub(in crate::catalog) next: DateTime<Utc>,
    /// When it began, if it asked by itself where branches are.
    pub(in crate::catalog) asked_at: Option<DateTime<Utc>>,
}

/// Notes that a source was read; false if something happened to it since it had this revision.
pub(in crate::catalog) async fn set_read(
    db: impl PgExecutor<'_>,
    reference: &str,
    revision: i64,
    reading: &Reading<'_>,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE catalog_source SET digest = $3, failures = $4, is_slow = $5, last_read_at = $6, next_read_at = $7,
            asked_at = COALESCE($8, asked_at), claimed_until = NULL, claimed_by = NULL, revision = revision + 1
         WHERE reference = $1 AND revision = $2",
    )
    .bind(reference)
    .bind(revision)
    .bind(reading.digest)
    .bind(reading.failures)
    .bind(reading.is_slow)
    .bind(reading.at)
    .bind(reading.next)
    .bind(reading.asked_at)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a source due and one of its files unknown, whatever it declared last.
pub(in crate::catalog) async fn invalidate(
    db: &mut PgConnection,
    reference: &str,
    location: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    // In the order in which a reading takes them.
    sqlx::query(
        "UPDATE catalog_source SET digest = NULL, next_read_at = $2, revision = revision + 1 WHERE reference = $1",
    )
    .bind(reference)
    .bind(now)
    .execute(&mut *db)
    .await?;
    sqlx::query("UPDATE catalog_file SET is_whole = FALSE, flaws = NULL WHERE source = $1 AND location = $2")
        .bind(reference)
        .bind(location)
        .execute(&mut *db)
        .await?;
    Ok(())
}

/// Makes every source due that could not have one of these names because another had it.
pub(in crate::catalog) async fn release(
    db: impl PgExecutor<'_>,
    references: &[&str],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "UPDATE catalog_source SET digest = NULL, next_read_at = $2, revision = revision + 1
         WHERE reference IN (SELECT source FROM catalog_problem WHERE error_name = $3 AND entity = ANY($1))",
    )
    .bind(references)
    .bind(now)
    .bind(CONFLICT)
    .execute(db)
    .await?;
    Ok(())
}

/// Registers a location; false if it is there.
pub(in crate::catalog) async fn add_location(
    db: impl PgExecutor<'_>,
    location: &Location,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO catalog_location (id, reference, type, target, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT ON CONSTRAINT catalog_location_reference_uq DO NOTHING",
    )
    .bind(location.id)
    .bind(location.reference())
    .bind(&location.kind)
    .bind(&location.target)
    .bind(by)
    .bind(now)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Registered locations, oldest first.
pub(in crate::catalog) async fn locations(db: impl PgExecutor<'_>) -> Result<Vec<Location>> {
    sqlx::query_as("SELECT id, type, target, entity_name FROM catalog_location ORDER BY created_at, id")
        .fetch_all(db)
        .await
}

/// One registered location.
pub(in crate::catalog) async fn location(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Location>> {
    sqlx::query_as("SELECT id, type, target, entity_name FROM catalog_location WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await
}

/// The registered location of a reference.
pub(in crate::catalog) async fn location_of(db: impl PgExecutor<'_>, reference: &str) -> Result<Option<Location>> {
    sqlx::query_as("SELECT id, type, target, entity_name FROM catalog_location WHERE reference = $1")
        .bind(reference)
        .fetch_optional(db)
        .await
}

/// Forgets a registered location.
pub(in crate::catalog) async fn remove_location(db: impl PgExecutor<'_>, id: Uuid) -> Result<()> {
    sqlx::query("DELETE FROM catalog_location WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// The problems of one source, or of all.
pub(in crate::catalog) async fn problems(db: impl PgExecutor<'_>, source: Option<&str>) -> Result<Vec<Problem>> {
    sqlx::query_as(
        "SELECT source, location, entity, kind, name, error_name, message, pointer, document, line, \"column\", since
         FROM catalog_problem WHERE $1 IS NULL OR source = $1 ORDER BY source, ordinal",
    )
    .bind(source)
    .fetch_all(db)
    .await
}

/// The claims to a name that another source, or another file, has; oldest first.
pub(in crate::catalog) async fn claims(db: impl PgExecutor<'_>, reference: &str) -> Result<Vec<Problem>> {
    sqlx::query_as(
        "SELECT source, location, entity, kind, name, error_name, message, pointer, document, line, \"column\", since
         FROM catalog_problem WHERE error_name = $2 AND entity = $1 ORDER BY since, source, ordinal",
    )
    .bind(reference)
    .bind(CONFLICT)
    .fetch_all(db)
    .await
}

/// Replaces the problems of a source.
pub(in crate::catalog) async fn set_problems(db: &mut PgConnection, source: &str, problems: &[Problem]) -> Result<()> {
    sqlx::query("DELETE FROM catalog_problem WHERE source = $1").bind(source).execute(&mut *db).await?;
    let mut first = 0;
    for chunk in problems.chunks(CHUNK) {
        add_problems(&mut *db, source, first, chunk).await?;
        first += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
    }
    Ok(())
}

async fn add_problems(db: &mut PgConnection, source: &str, first: i64, problems: &[Problem]) -> Result<()> {
    fn all<'a, T>(problems: &'a [Problem], of: impl Fn(&'a Problem) -> T) -> Vec<T> {
        problems.iter().map(of).collect()
    }
    sqlx::query(
        "INSERT INTO catalog_problem
            (source, ordinal, location, entity, kind, name, error_name, message, pointer, document, line, \"column\",
             since)
         SELECT $1, $2 + ordinal, location, entity, kind, name, error_name, message, pointer, document, line, at, since
         FROM UNNEST($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::integer[],
            $11::integer[], $12::integer[], $13::timestamptz[]) WITH ORDINALITY
            AS found (location, entity, kind, name, error_name, message, pointer, document, line, at, since, ordinal)",
    )
    .bind(source)
    .bind(first)
    .bind(all(problems, |problem| problem.location.as_str()))
    .bind(all(problems, |problem| problem.entity.as_deref()))
    .bind(all(problems, |problem| problem.kind.as_deref()))
    .bind(all(problems, |problem| problem.name.as_deref()))
    .bind(all(problems, |problem| problem.error_name.as_str()))
    .bind(all(problems, |problem| problem.message.as_str()))
    .bind(all(problems, |problem| problem.pointer.as_str()))
    .bind(all(problems, |problem| problem.document))
    .bind(all(problems, |problem| problem.line))
    .bind(all(problems, |problem| problem.column))
    .bind(all(problems, |problem| problem.since))
    .execute(db)
    .await?;
    Ok(())
}
