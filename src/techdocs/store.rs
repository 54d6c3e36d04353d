//! The tables of documentation.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use super::site::SiteFiles;
use super::survey::DocumentSection;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Told when a site changed; the payload says nothing.
pub(super) const CHANNEL: &str = "techdocs";
/// Rows written at a time.
const CHUNK: usize = 500;

/// What is known of a site besides its files.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct SiteRow {
    pub(super) version: Option<String>,
    pub(super) digest: Option<String>,
    pub(super) revision: i64,
    pub(super) config: Option<String>,
    pub(super) place: Value,
    pub(super) problems: Value,
    pub(super) changed_at: Option<DateTime<Utc>>,
    pub(super) read_at: Option<DateTime<Utc>>,
    pub(super) asked_at: Option<DateTime<Utc>>,
    pub(super) failure: Option<String>,
    pub(super) failures: i32,
}

/// What a reading found.
#[derive(Debug)]
pub(super) struct NewSite<'n> {
    pub(super) version: &'n str,
    pub(super) digest: &'n str,
    pub(super) files: &'n SiteFiles,
    pub(super) place: Value,
    pub(super) problems: Value,
    pub(super) changed_at: Option<DateTime<Utc>>,
    pub(super) sections: &'n [DocumentSection],
}

pub(super) async fn site(executor: impl PgExecutor<'_>, source: &str) -> Result<Option<SiteRow>> {
    let statement =
        "SELECT version, digest, revision, config, place, problems, changed_at, read_at, asked_at, failure, failures
         FROM techdocs_site WHERE source = $1";
    sqlx::query_as(statement).bind(source).fetch_optional(executor).await
}

pub(super) async fn files(
    executor: impl PgExecutor<'_>,
    source: &str,
) -> Result<(BTreeMap<String, Bytes>, BTreeMap<String, Bytes>)> {
    let statement = "SELECT beside, path, content FROM techdocs_file WHERE source = $1";
    let rows: Vec<(bool, String, Vec<u8>)> = sqlx::query_as(statement).bind(source).fetch_all(executor).await?;
    let (mut docs, mut beside) = (BTreeMap::new(), BTreeMap::new());
    for (is_beside, path, content) in rows {
        let map = if is_beside { &mut beside } else { &mut docs };
        map.insert(path, Bytes::from(content));
    }
    Ok((docs, beside))
}

/// Notes that entities refer to these sources; gives how many are new.
pub(super) async fn want(executor: impl PgExecutor<'_>, sources: &[String], now: DateTime<Utc>) -> Result<u64> {
    let statement = "INSERT INTO techdocs_site AS s (source, wanted_at, due_at)
         SELECT DISTINCT u.source, $2, $2 FROM unnest($1::text[]) AS u(source) ORDER BY u.source
         ON CONFLICT (source) DO UPDATE SET wanted_at = $2 WHERE s.wanted_at < $2 - interval '1 hour'";
    Ok(sqlx::query(statement).bind(sources).bind(now).execute(executor).await?.rows_affected())
}

/// Forgets what nobody has referred to for a day.
pub(super) async fn sweep(executor: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<u64> {
    let statement = "DELETE FROM techdocs_site WHERE wanted_at < $1 - interval '1 day'";
    Ok(sqlx::query(statement).bind(now).execute(executor).await?.rows_affected())
}

/// Takes a source that is due in hand, until a moment.
pub(super) async fn claim(
    executor: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<String>> {
    let statement = "UPDATE techdocs_site SET claimed_until = $2
         WHERE source = (SELECT source FROM techdocs_site
                         WHERE due_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)
                         ORDER BY due_at FOR UPDATE SKIP LOCKED LIMIT 1)
         RETURNING source";
    sqlx::query_scalar(statement).bind(now).bind(until).fetch_optional(executor).await
}

/// Makes a source due; gives whether it was not.
pub(super) async fn hasten(executor: impl PgExecutor<'_>, source: &str, now: DateTime<Utc>) -> Result<bool> {
    let statement = "UPDATE techdocs_site SET due_at = $2 WHERE source = $1 AND due_at > $2";
    Ok(sqlx::query(statement).bind(source).bind(now).execute(executor).await?.rows_affected() > 0)
}

/// Makes the sources due that are one of these folders or below one, each with a `/` at its end; gives how many were not.
pub(super) async fn hasten_below(executor: impl PgExecutor<'_>, folders: &[String], now: DateTime<Utc>) -> Result<u64> {
    let statement = "UPDATE techdocs_site SET due_at = $2
         WHERE due_at > $2 AND EXISTS (SELECT FROM unnest($1::text[]) AS p(folder) WHERE starts_with(source || '/', p.folder))";
    Ok(sqlx::query(statement).bind(folders).bind(now).execute(executor).await?.rows_affected())
}

/// A look that found what was there before, at a newer version.
pub(super) async fn checked(
    executor: impl PgExecutor<'_>,
    source: &str,
    version: &str,
    now: DateTime<Utc>,
    due: DateTime<Utc>,
) -> Result<()> {
    let statement = "UPDATE techdocs_site SET version = $2, asked_at = $3, due_at = $4, failure = NULL, failures = 0,
                claimed_until = NULL WHERE source = $1";
    sqlx::query(statement).bind(source).bind(version).bind(now).bind(due).execute(executor).await?;
    Ok(())
}

/// A look that failed; what was read before stays.
pub(super) async fn failed(
    executor: impl PgExecutor<'_>,
    source: &str,
    reason: &str,
    now: DateTime<Utc>,
    due: DateTime<Utc>,
) -> Result<()> {
    let statement =
        "UPDATE techdocs_site SET asked_at = $3, due_at = $4, failure = $2, failures = least(failures + 1, 1000),
                claimed_until = NULL WHERE source = $1";
    sqlx::query(statement).bind(source).bind(reason).bind(now).bind(due).execute(executor).await?;
    Ok(())
}

/// Puts what was read in the place of what was there; in a transaction.
pub(super) async fn write(
    connection: &mut PgConnection,
    source: &str,
    new: &NewSite<'_>,
    now: DateTime<Utc>,
    due: DateTime<Utc>,
) -> Result<i64> {
    let statement = "INSERT INTO techdocs_site AS s (source, version, digest, config, place, problems, changed_at, read_at, asked_at,
                wanted_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8, $9)
         ON CONFLICT (source) DO UPDATE SET version = $2, digest = $3, config = $4, place = $5, problems = $6, changed_at = $7,
                read_at = $8, asked_at = $8, due_at = $9, failure = NULL, failures = 0, claimed_until = NULL,
                revision = nextval('techdocs_revision')
         RETURNING revision";
    let revision = sqlx::query_scalar(statement)
        .bind(source)
        .bind(new.version)
        .bind(new.digest)
        .bind(&new.files.config)
        .bind(&new.place)
        .bind(&new.problems)
        .bind(new.changed_at)
        .bind(now)
        .bind(due)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM techdocs_file WHERE source = $1").bind(source).execute(&mut *connection).await?;
    sqlx::query("DELETE FROM techdocs_section WHERE source = $1").bind(source).execute(&mut *connection).await?;
    for (beside, files) in [(false, &new.files.docs), (true, &new.files.beside)] {
        let files: Vec<(&String, &Bytes)> = files.iter().collect();
        for chunk in files.chunks(CHUNK) {
            let paths: Vec<&str> = chunk.iter().map(|(path, _)| path.as_str()).collect();
            let contents: Vec<&[u8]> = chunk.iter().map(|(_, content)| &content[..]).collect();
            let statement = "INSERT INTO techdocs_file (source, beside, path, content)
                 SELECT $1, $2, u.path, u.content FROM unnest($3::text[], $4::bytea[]) AS u(path, content)";
            let query = sqlx::query(statement).bind(source).bind(beside).bind(paths).bind(contents);
            query.execute(&mut *connection).await?;
        }
    }
    for (number, chunk) in new.sections.chunks(CHUNK).enumerate() {
        let first = i32::try_from(number * CHUNK).unwrap_or(i32::MAX);
        let column = |value: fn(&DocumentSection) -> &str| -> Vec<&str> { chunk.iter().map(value).collect() };
        let statement = "INSERT INTO techdocs_section (source, place, path, title, heading, anchor, body)
             SELECT $1, ($2 + u.number)::integer, u.path, u.title, u.heading, u.anchor, u.body
             FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                  WITH ORDINALITY AS u(path, title, heading, anchor, body, number)";
        sqlx::query(statement)
            .bind(source)
            .bind(first)
            .bind(column(|section| &section.path))
            .bind(column(|section| &section.title))
            .bind(column(|section| &section.heading))
            .bind(column(|section| &section.anchor))
            .bind(column(|section| &section.text))
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(&mut *connection).await?;
    Ok(revision)
}

/// Every source that could be read, with its revision and version.
pub(super) async fn revisions(executor: impl PgExecutor<'_>) -> Result<Vec<(String, i64, String)>> {
    let statement = "SELECT source, revision, digest FROM techdocs_site WHERE digest IS NOT NULL ORDER BY source";
    sqlx::query_as(statement).fetch_all(executor).await
}

pub(super) async fn sections(executor: impl PgExecutor<'_>, source: &str) -> Result<Vec<DocumentSection>> {
    let statement = "SELECT path, title, heading, anchor, body FROM techdocs_section WHERE source = $1 ORDER BY place";
    let rows: Vec<(String, String, String, String, String)> =
        sqlx::query_as(statement).bind(source).fetch_all(executor).await?;
    let section = |(path, title, heading, anchor, text)| DocumentSection { path, title, heading, anchor, text };
    Ok(rows.into_iter().map(section).collect())
}

/// A number that moves when any site does.
pub(super) async fn newest(executor: impl PgExecutor<'_>) -> Result<(i64, i64)> {
    let statement = "SELECT coalesce(max(revision), 0), count(*) FROM techdocs_site WHERE digest IS NOT NULL";
    sqlx::query_as(statement).fetch_one(executor).await
}

/// When something is due next.
pub(super) async fn next_due(executor: impl PgExecutor<'_>) -> Result<Option<DateTime<Utc>>> {
    let statement = "SELECT min(greatest(due_at, coalesce(claimed_until, due_at))) FROM techdocs_site";
    sqlx::query_scalar(statement).fetch_one(executor).await
}
