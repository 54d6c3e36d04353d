//! The feature flags that people switched on for themselves.

use sqlx::PgExecutor;

use super::Result;

/// Those of one person.
pub(in super::super) async fn flags(db: impl PgExecutor<'_>, user: &str) -> Result<Vec<String>> {
    sqlx::query_scalar("SELECT name FROM scaffolder_flag WHERE user_ref = $1").bind(user).fetch_all(db).await
}

/// Switches one on.
pub(in super::super) async fn raise_flag(db: impl PgExecutor<'_>, user: &str, name: &str) -> Result<()> {
    let sql = "INSERT INTO scaffolder_flag (user_ref, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(user).bind(name).execute(db).await?;
    Ok(())
}

/// Switches one off.
pub(in super::super) async fn lower_flag(db: impl PgExecutor<'_>, user: &str, name: &str) -> Result<()> {
    let sql = "DELETE FROM scaffolder_flag WHERE user_ref = $1 AND name = $2";
    sqlx::query(sql).bind(user).bind(name).execute(db).await?;
    Ok(())
}
