//! The tables of notifications.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Message, Notification, NotificationQuery, Reader};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// What somebody sees of a query: `$1` is the user, `$2` everything they own by, `$3` the ids, `$4` the read state.
macro_rules! seen {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            " FROM notifications n
             LEFT JOIN notification_reads r ON r.notification_id = n.id AND r.user_ref = $1
             WHERE (n.recipients IS NULL OR n.recipients && $2)
               AND ($3::uuid[] IS NULL OR n.id = ANY($3))
               AND ($4::boolean IS NULL OR (r.read_at IS NOT NULL) = $4) ",
            $tail
        )
    };
}

fn texts(message: &Message) -> Option<Vec<String>> {
    message.recipients.as_ref().map(|recipients| recipients.iter().map(ToString::to_string).collect())
}

pub(super) async fn add(executor: impl PgExecutor<'_>, message: &Message, now: DateTime<Utc>) -> Result<()> {
    let statement = "INSERT INTO notifications
         (id, recipients, origin, title, description, link, severity, scope, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    sqlx::query(statement)
        .bind(message.id)
        .bind(texts(message))
        .bind(&message.origin)
        .bind(&message.title)
        .bind(&message.description)
        .bind(&message.link)
        .bind(message.severity.as_str())
        .bind(&message.scope)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}

/// Removes what the message replaces; itself, sent before, stays.
pub(super) async fn remove_scope(executor: impl PgExecutor<'_>, message: &Message) -> Result<()> {
    let statement = "DELETE FROM notifications
         WHERE origin = $1 AND scope = $2 AND recipients IS NOT DISTINCT FROM $3 AND id <> $4";
    sqlx::query(statement)
        .bind(&message.origin)
        .bind(&message.scope)
        .bind(texts(message))
        .bind(message.id)
        .execute(executor)
        .await?;
    Ok(())
}

pub(super) async fn page(
    executor: impl PgExecutor<'_>,
    reader: &Reader,
    query: &NotificationQuery,
    limit: i64,
) -> Result<Vec<Notification>> {
    let statement = seen!(
        "SELECT n.id, n.recipients IS NULL AS is_broadcast, n.origin, n.title, n.description, n.link, n.severity,
                n.scope, n.created_at, r.read_at",
        "ORDER BY n.created_at DESC, n.id DESC LIMIT $5 OFFSET $6"
    );
    sqlx::query_as(statement)
        .bind(&reader.user)
        .bind(&reader.ownership)
        .bind(&query.ids)
        .bind(query.read)
        .bind(limit)
        .bind(query.offset.max(0))
        .fetch_all(executor)
        .await
}

pub(super) async fn count(executor: impl PgExecutor<'_>, reader: &Reader, query: &NotificationQuery) -> Result<i64> {
    sqlx::query_scalar(seen!("SELECT count(*)", ""))
        .bind(&reader.user)
        .bind(&reader.ownership)
        .bind(&query.ids)
        .bind(query.read)
        .fetch_one(executor)
        .await
}

pub(super) async fn mark_read(
    executor: impl PgExecutor<'_>,
    reader: &Reader,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<()> {
    let statement = "INSERT INTO notification_reads (notification_id, user_ref, read_at)
         SELECT id, $1, $4 FROM notifications
         WHERE (recipients IS NULL OR recipients && $2) AND id = ANY($3)
         ON CONFLICT DO NOTHING";
    sqlx::query(statement).bind(&reader.user).bind(&reader.ownership).bind(ids).bind(now).execute(executor).await?;
    Ok(())
}

pub(super) async fn mark_unread(executor: impl PgExecutor<'_>, reader: &Reader, ids: &[Uuid]) -> Result<()> {
    let statement = "DELETE FROM notification_reads WHERE user_ref = $1 AND notification_id = ANY($2)";
    sqlx::query(statement).bind(&reader.user).bind(ids).execute(executor).await?;
    Ok(())
}

pub(super) async fn mark_all_read(executor: impl PgExecutor<'_>, reader: &Reader, now: DateTime<Utc>) -> Result<()> {
    let statement = "INSERT INTO notification_reads (notification_id, user_ref, read_at)
         SELECT id, $1, $3 FROM notifications WHERE recipients IS NULL OR recipients && $2
         ON CONFLICT DO NOTHING";
    sqlx::query(statement).bind(&reader.user).bind(&reader.ownership).bind(now).execute(executor).await?;
    Ok(())
}

pub(super) async fn remove(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<()> {
    sqlx::query("DELETE FROM notifications WHERE id = ANY($1)").bind(ids).execute(executor).await?;
    Ok(())
}

pub(super) async fn sweep(executor: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<()> {
    sqlx::query("DELETE FROM notifications WHERE created_at < $1").bind(before).execute(executor).await?;
    Ok(())
}
