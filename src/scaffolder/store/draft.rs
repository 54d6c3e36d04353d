//! Forms that are not finished.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

use super::Result;

/// A form as stored.
#[derive(Debug, FromRow)]
pub(in super::super) struct DraftRow {
    pub(in super::super) id: Uuid,
    pub(in super::super) template: String,
    pub(in super::super) answers: String,
    pub(in super::super) secrets: String,
    pub(in super::super) answered: Vec<i32>,
    pub(in super::super) updated_at: DateTime<Utc>,
}

/// Stores a new form.
pub(in super::super) async fn add_draft(db: impl PgExecutor<'_>, draft: &DraftRow, owner: &str) -> Result<()> {
    let sql = "INSERT INTO scaffolder_draft (id, template, owner, answers, secrets, answered, created_at, updated_at) \
               VALUES ($1, $2, $3, $4::json, $5::json, $6, $7, $7)";
    let query = sqlx::query(sql).bind(draft.id).bind(&draft.template).bind(owner).bind(&draft.answers);
    query.bind(&draft.secrets).bind(&draft.answered).bind(draft.updated_at).execute(db).await?;
    Ok(())
}

/// One of a person's forms.
pub(in super::super) async fn draft(db: impl PgExecutor<'_>, id: Uuid, owner: &str) -> Result<Option<DraftRow>> {
    let sql = "SELECT id, template, answers::text, secrets::text, answered, updated_at FROM scaffolder_draft WHERE id = $1 AND owner = $2";
    sqlx::query_as(sql).bind(id).bind(owner).fetch_optional(db).await
}

/// Keeps a form's answers.
pub(in super::super) async fn save_draft(db: impl PgExecutor<'_>, draft: &DraftRow) -> Result<()> {
    let sql = "UPDATE scaffolder_draft SET answers = $2::json, secrets = $3::json, answered = $4, updated_at = $5 WHERE id = $1";
    let query = sqlx::query(sql).bind(draft.id).bind(&draft.answers).bind(&draft.secrets);
    query.bind(&draft.answered).bind(draft.updated_at).execute(db).await?;
    Ok(())
}

/// Forgets a form's secrets: its run has them.
pub(in super::super) async fn forget_draft_secrets(db: impl PgExecutor<'_>, id: Uuid) -> Result<()> {
    sqlx::query("UPDATE scaffolder_draft SET secrets = '{}'::json WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Removes forms that nobody touched since `before`.
pub(in super::super) async fn sweep_drafts(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64> {
    let swept = sqlx::query("DELETE FROM scaffolder_draft WHERE updated_at < $1").bind(before).execute(db).await?;
    Ok(swept.rows_affected())
}
