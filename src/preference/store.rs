//! The tables `user_settings` and `user_visits`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

type Result<T> = std::result::Result<T, sqlx::Error>;

pub(super) async fn setting(db: impl PgExecutor<'_>, user: &str, bucket: &str, key: &str) -> Result<Option<Value>> {
    sqlx::query_scalar("SELECT value FROM user_settings WHERE user_ref = $1 AND bucket = $2 AND key = $3")
        .bind(user)
        .bind(bucket)
        .bind(key)
        .fetch_optional(db)
        .await
}

/// Whether there was room for it: one more than `most` is not kept.
pub(super) async fn set(
    db: impl PgExecutor<'_>,
    user: &str,
    bucket: &str,
    key: &str,
    value: &Value,
    most: i64,
) -> Result<bool> {
    let statement = "INSERT INTO user_settings (user_ref, bucket, key, value)
         SELECT $1, $2, $3, $4
         WHERE (SELECT count(*) FROM user_settings WHERE user_ref = $1 AND NOT (bucket = $2 AND key = $3)) < $5
         ON CONFLICT ON CONSTRAINT user_settings_pkey DO UPDATE SET value = excluded.value";
    let done = sqlx::query(statement).bind(user).bind(bucket).bind(key).bind(value).bind(most).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

/// Takes some values out of a list that is kept as a setting, and puts `added` to its end.
pub(super) async fn exchange(
    db: impl PgExecutor<'_>,
    user: &str,
    (bucket, key): (&str, &str),
    removed: &Value,
    added: &Value,
) -> Result<()> {
    let statement = "INSERT INTO user_settings (user_ref, bucket, key, value) VALUES ($1, $2, $3, $5)
         ON CONFLICT ON CONSTRAINT user_settings_pkey DO UPDATE SET value = (
             SELECT coalesce(jsonb_agg(item ORDER BY place), '[]')
             FROM jsonb_array_elements(
                 CASE jsonb_typeof(user_settings.value) WHEN 'array' THEN user_settings.value ELSE '[]' END
             ) WITH ORDINALITY AS kept (item, place)
             WHERE NOT $4 @> item
         ) || excluded.value";
    sqlx::query(statement).bind(user).bind(bucket).bind(key).bind(removed).bind(added).execute(db).await?;
    Ok(())
}

pub(super) async fn unset(db: impl PgExecutor<'_>, user: &str, bucket: &str, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM user_settings WHERE user_ref = $1 AND bucket = $2 AND key = $3")
        .bind(user)
        .bind(bucket)
        .bind(key)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes a visit and forgets those beyond the newest `kept`.
pub(super) async fn visit(
    db: impl PgExecutor<'_>,
    user: &str,
    entity: &str,
    now: DateTime<Utc>,
    kept: i64,
) -> Result<()> {
    let statement = "WITH noted AS (
             INSERT INTO user_visits (user_ref, entity_ref, visited_at) VALUES ($1, $2, $3)
             ON CONFLICT ON CONSTRAINT user_visits_pkey DO UPDATE SET visited_at = excluded.visited_at
         )
         DELETE FROM user_visits WHERE user_ref = $1 AND entity_ref IN (
             SELECT entity_ref FROM user_visits WHERE user_ref = $1 AND entity_ref <> $2
             ORDER BY visited_at DESC, entity_ref OFFSET $4 - 1
         )";
    sqlx::query(statement).bind(user).bind(entity).bind(now).bind(kept).execute(db).await?;
    Ok(())
}

pub(super) async fn visits(db: impl PgExecutor<'_>, user: &str, limit: i64) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT entity_ref FROM user_visits WHERE user_ref = $1 ORDER BY visited_at DESC, entity_ref LIMIT $2",
    )
    .bind(user)
    .bind(limit)
    .fetch_all(db)
    .await
}
