//! The tables `auth_sessions`, `auth_signing_keys` and `auth_personal_tokens`.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Row as _};
use uuid::Uuid;

use super::PersonalToken;

/// A row of `auth_sessions`.
#[derive(Debug, Clone)]
pub(super) struct StoredSession {
    pub(super) user: String,
    pub(super) created: DateTime<Utc>,
    pub(super) expires: DateTime<Utc>,
}

/// A row of `auth_signing_keys`.
pub(super) struct StoredKey {
    pub(super) id: Uuid,
    pub(super) private: Vec<u8>,
    pub(super) retires: DateTime<Utc>,
}

pub(super) async fn insert_session(
    db: impl PgExecutor<'_>,
    hash: &[u8],
    user: &str,
    provider: &str,
    created: DateTime<Utc>,
    expires: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO auth_sessions (token_hash, user_ref, provider, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(hash)
    .bind(user)
    .bind(provider)
    .bind(created)
    .bind(expires)
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn find_session(
    db: impl PgExecutor<'_>,
    hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<StoredSession>> {
    let row = sqlx::query(
        "SELECT user_ref, created_at, expires_at FROM auth_sessions WHERE token_hash = $1 AND expires_at > $2",
    )
    .bind(hash)
    .bind(now)
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok(StoredSession { user: row.try_get(0)?, created: row.try_get(1)?, expires: row.try_get(2)? }))
        .transpose()
}

pub(super) async fn extend_session(db: impl PgExecutor<'_>, hash: &[u8], expires: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query("UPDATE auth_sessions SET expires_at = $2 WHERE token_hash = $1")
        .bind(hash)
        .bind(expires)
        .execute(db)
        .await?;
    Ok(())
}

pub(super) async fn delete_session(db: impl PgExecutor<'_>, hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM auth_sessions WHERE token_hash = $1").bind(hash).execute(db).await?;
    Ok(())
}

pub(super) async fn delete_expired(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let statement = "WITH tokens AS (DELETE FROM auth_personal_tokens WHERE expires_at <= $1)
         DELETE FROM auth_sessions WHERE expires_at <= $1";
    Ok(sqlx::query(statement).bind(now).execute(db).await?.rows_affected())
}

pub(super) async fn insert_key(db: impl PgExecutor<'_>, key: &StoredKey, created: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO auth_signing_keys (id, private_key, created_at, retires_at) VALUES ($1, $2, $3, $4)")
        .bind(key.id)
        .bind(&key.private)
        .bind(created)
        .bind(key.retires)
        .execute(db)
        .await?;
    Ok(())
}

/// Keys that retire after `since`, the one that signs longest first.
pub(super) async fn keys_since(db: impl PgExecutor<'_>, since: DateTime<Utc>) -> sqlx::Result<Vec<StoredKey>> {
    let rows = sqlx::query(
        "SELECT id, private_key, retires_at FROM auth_signing_keys WHERE retires_at > $1 ORDER BY retires_at DESC, id",
    )
    .bind(since)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| Ok(StoredKey { id: row.try_get(0)?, private: row.try_get(1)?, retires: row.try_get(2)? }))
        .collect()
}

pub(super) async fn insert_personal_token(
    db: impl PgExecutor<'_>,
    hash: &[u8],
    user: &str,
    token: &PersonalToken,
) -> sqlx::Result<()> {
    let statement = "INSERT INTO auth_personal_tokens (id, token_hash, user_ref, name, hint, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(statement)
        .bind(token.id)
        .bind(hash)
        .bind(user)
        .bind(&token.name)
        .bind(&token.hint)
        .bind(token.created_at)
        .bind(token.expires_at)
        .execute(db)
        .await?;
    Ok(())
}

pub(super) async fn personal_tokens(
    db: impl PgExecutor<'_>,
    user: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<PersonalToken>> {
    let statement = "SELECT id, name, hint, created_at, expires_at, last_used_at FROM auth_personal_tokens
         WHERE user_ref = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC";
    sqlx::query_as(statement).bind(user).bind(now).fetch_all(db).await
}

pub(super) async fn delete_personal_token(db: impl PgExecutor<'_>, user: &str, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM auth_personal_tokens WHERE user_ref = $1 AND id = $2")
        .bind(user)
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// Whose token it is; notes the use where the last one is older than `noted`.
pub(super) async fn use_personal_token(
    db: impl PgExecutor<'_>,
    hash: &[u8],
    now: DateTime<Utc>,
    noted: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    let statement = "WITH used AS (
             UPDATE auth_personal_tokens SET last_used_at = $2
             WHERE token_hash = $1 AND expires_at > $2 AND (last_used_at IS NULL OR last_used_at < $3)
         )
         SELECT user_ref FROM auth_personal_tokens WHERE token_hash = $1 AND expires_at > $2";
    sqlx::query_scalar(statement).bind(hash).bind(now).bind(noted).fetch_optional(db).await
}
