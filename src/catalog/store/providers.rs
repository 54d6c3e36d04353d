//! Providers, and the sources that they ask for.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgExecutor};

use super::Result;
use crate::catalog::LocationRef;
use crate::catalog::provider::Tip;

/// A provider's source.
#[derive(Debug, FromRow)]
pub(in crate::catalog) struct ProviderRow {
    pub(in crate::catalog) reference: String,
    pub(in crate::catalog) last_read_at: Option<DateTime<Utc>>,
    pub(in crate::catalog) next_read_at: DateTime<Utc>,
}

/// Every provider, by name.
pub(in crate::catalog) async fn providers(db: impl PgExecutor<'_>) -> Result<Vec<ProviderRow>> {
    sqlx::query_as(
        "SELECT reference, last_read_at, next_read_at FROM catalog_source WHERE is_provider ORDER BY reference",
    )
    .fetch_all(db)
    .await
}

/// Adds a provider that is to be asked after some time; one that is there is asked then at the latest.
pub(in crate::catalog) async fn add_provider(
    db: impl PgExecutor<'_>,
    provider: &LocationRef,
    first: DateTime<Utc>,
    again: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO catalog_source (reference, type, target, is_configured, is_provider, next_read_at)
         VALUES ($1, $2, $3, FALSE, TRUE, $4)
         ON CONFLICT ON CONSTRAINT catalog_source_pk DO UPDATE SET
            is_provider = TRUE, next_read_at = LEAST(catalog_source.next_read_at, $5)",
    )
    .bind(provider.to_string())
    .bind(&provider.kind)
    .bind(&provider.target)
    .bind(first)
    .bind(again)
    .execute(db)
    .await?;
    Ok(())
}

/// Has a provider asked now; false if there is none of this name.
pub(in crate::catalog) async fn hasten_provider(
    db: impl PgExecutor<'_>,
    reference: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query("UPDATE catalog_source SET next_read_at = $2 WHERE reference = $1 AND is_provider")
        .bind(reference)
        .bind(now)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Every source that a provider asks for, with that provider.
pub(in crate::catalog) async fn provided(db: impl PgExecutor<'_>) -> Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT reference, provider FROM catalog_provided ORDER BY reference, provider").fetch_all(db).await
}

/// The sources that a provider asks for, without some.
pub(in crate::catalog) async fn provided_beside(
    db: impl PgExecutor<'_>,
    provider: &str,
    stay: &[String],
) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT reference FROM catalog_provided WHERE provider = $1
         EXCEPT SELECT UNNEST($2::text[]) ORDER BY 1",
    )
    .bind(provider)
    .bind(stay)
    .fetch_all(db)
    .await
}

/// Notes that a provider asks for sources; those that are new are to be read now.
pub(in crate::catalog) async fn provide(
    db: &mut PgConnection,
    provider: &str,
    sources: &[LocationRef],
    now: DateTime<Utc>,
) -> Result<()> {
    if sources.is_empty() {
        return Ok(());
    }
    let references: Vec<String> = sources.iter().map(ToString::to_string).collect();
    sqlx::query(
        "INSERT INTO catalog_source (reference, type, target, is_configured, next_read_at)
         SELECT reference, type, target, FALSE, $4
         FROM UNNEST($1::text[], $2::text[], $3::text[]) AS found (reference, type, target)
         ON CONFLICT ON CONSTRAINT catalog_source_pk DO NOTHING",
    )
    .bind(&references)
    .bind(sources.iter().map(|source| source.kind.as_str()).collect::<Vec<&str>>())
    .bind(sources.iter().map(|source| source.target.as_str()).collect::<Vec<&str>>())
    .bind(now)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO catalog_provided (provider, reference, is_optional)
         SELECT $1, reference, is_optional FROM UNNEST($2::text[], $3::boolean[]) AS found (reference, is_optional)
         ON CONFLICT ON CONSTRAINT catalog_provided_pk DO UPDATE SET is_optional = EXCLUDED.is_optional",
    )
    .bind(provider)
    .bind(&references)
    .bind(sources.iter().map(LocationRef::is_optional).collect::<Vec<bool>>())
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// Forgets that a provider asks for sources; gives those that nobody asks for now.
pub(in crate::catalog) async fn withdraw(
    db: &mut PgConnection,
    provider: &str,
    sources: &[String],
) -> Result<Vec<String>> {
    let forgotten: Vec<String> = sqlx::query_scalar(
        "DELETE FROM catalog_provided WHERE provider = $1 AND reference = ANY($2) RETURNING reference",
    )
    .bind(provider)
    .bind(sources)
    .fetch_all(&mut *db)
    .await?;
    if forgotten.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "SELECT reference FROM catalog_source
         WHERE reference = ANY($1) AND NOT is_configured AND NOT is_provider
            AND NOT EXISTS (SELECT FROM catalog_location WHERE catalog_location.reference = catalog_source.reference)
            AND NOT EXISTS (SELECT FROM catalog_provided WHERE catalog_provided.reference = catalog_source.reference)
         ORDER BY reference",
    )
    .bind(&forgotten)
    .fetch_all(db)
    .await
}

/// Makes every reading of a source that is under way one that is not written; false if there is no such source.
pub(in crate::catalog) async fn overtake(db: impl PgExecutor<'_>, reference: &str) -> Result<bool> {
    let done = sqlx::query("UPDATE catalog_source SET digest = NULL, revision = revision + 1 WHERE reference = $1")
        .bind(reference)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The sources that a provider asks for whose references begin with this text, which ends with `/`.
pub(in crate::catalog) async fn provided_below(
    db: impl PgExecutor<'_>,
    provider: &str,
    prefix: &str,
) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT reference FROM catalog_provided WHERE provider = $1 AND STARTS_WITH(reference, $2) ORDER BY reference",
    )
    .bind(provider)
    .bind(prefix)
    .fetch_all(db)
    .await
}

/// Sources with a file, or something that a placeholder brought in, whose reference begins with one of these texts, which
/// end with `/`: the source and that reference.
pub(in crate::catalog) async fn leading_below(
    db: impl PgExecutor<'_>,
    prefixes: &[String],
) -> Result<Vec<(String, String)>> {
    // `0` comes after `/`.
    let ends: Vec<String> = prefixes.iter().map(|prefix| format!("{}0", prefix.trim_end_matches('/'))).collect();
    sqlx::query_as(
        "WITH below AS (SELECT * FROM UNNEST($1::text[], $2::text[]) AS below (first, after))
         SELECT source, location FROM catalog_file JOIN below
            ON location COLLATE \"C\" >= first AND location COLLATE \"C\" < after
         UNION
         SELECT reference, reference FROM catalog_source JOIN below ON STARTS_WITH(reference, first)
         WHERE NOT is_provider
         UNION
         SELECT source, include->>'location' FROM catalog_file
            CROSS JOIN JSON_ARRAY_ELEMENTS(includes) AS include
            JOIN below ON STARTS_WITH(include->>'location', first)",
    )
    .bind(prefixes)
    .bind(ends)
    .fetch_all(db)
    .await
}

/// Those of some sources that were not read since a moment.
pub(in crate::catalog) async fn read_before(
    db: impl PgExecutor<'_>,
    sources: &[String],
    since: DateTime<Utc>,
) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT reference FROM catalog_source
         WHERE reference = ANY($1) AND NOT is_provider AND (last_read_at IS NULL OR last_read_at < $2)",
    )
    .bind(sources)
    .bind(since)
    .fetch_all(db)
    .await
}

/// Notes that a branch moved, of sources whose branch was where it came from; where others are is not known now.
pub(in crate::catalog) async fn move_tips(
    db: impl PgExecutor<'_>,
    sources: &[String],
    before: Option<&str>,
    after: Option<&str>,
    seen_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "UPDATE catalog_provided SET tip = CASE WHEN tip = $2 THEN $3 END, tip_seen_at = $4
         WHERE reference = ANY($1) AND tip_seen_at < $4 AND tip IS DISTINCT FROM $3",
    )
    .bind(sources)
    .bind(before)
    .bind(after)
    .bind(seen_at)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes where the branches of sources are, unless something newer is known; those whose branch moved are to be read now.
pub(in crate::catalog) async fn set_tips(
    db: &mut PgConnection,
    provider: &str,
    tips: &[(String, Tip)],
    now: DateTime<Utc>,
) -> Result<()> {
    if tips.is_empty() {
        return Ok(());
    }
    let references: Vec<&str> = tips.iter().map(|(reference, _)| reference.as_str()).collect();
    let commits: Vec<&str> = tips.iter().map(|(_, tip)| tip.commit.as_str()).collect();
    let seen: Vec<DateTime<Utc>> = tips.iter().map(|(_, tip)| tip.seen_at).collect();
    let until: Vec<DateTime<Utc>> = tips.iter().map(|(_, tip)| tip.until).collect();
    // A reading that is under way with the commit before is not to put this off.
    sqlx::query(
        "UPDATE catalog_source SET next_read_at = LEAST(next_read_at, $5), revision = revision + 1
         FROM catalog_provided AS known
            JOIN UNNEST($2::text[], $3::text[], $4::timestamptz[]) AS told (reference, tip, seen_at)
                ON told.reference = known.reference
         WHERE known.provider = $1 AND known.reference = catalog_source.reference
            AND known.tip_seen_at < told.seen_at AND known.tip IS DISTINCT FROM told.tip",
    )
    .bind(provider)
    .bind(&references)
    .bind(&commits)
    .bind(&seen)
    .bind(now)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "UPDATE catalog_provided AS known SET tip = told.tip, tip_seen_at = told.seen_at, tip_until = told.until
         FROM UNNEST($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
            AS told (reference, tip, seen_at, until)
         WHERE known.provider = $1 AND known.reference = told.reference
            AND (known.tip_seen_at IS NULL OR known.tip_seen_at < told.seen_at)",
    )
    .bind(provider)
    .bind(&references)
    .bind(&commits)
    .bind(&seen)
    .bind(&until)
    .execute(db)
    .await?;
    Ok(())
}
