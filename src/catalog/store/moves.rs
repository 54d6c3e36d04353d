//! Registered locations that get another target.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::catalog::Location;

/// Points a registered location at another target; false if another location has it.
pub(in crate::catalog) async fn move_location(db: &mut PgConnection, location: &Location) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE catalog_location SET reference = $2, type = $3, target = $4, entity_name = $5
         WHERE id = $1 AND NOT EXISTS (SELECT FROM catalog_location WHERE reference = $2 AND id <> $1)",
    )
    .bind(location.id)
    .bind(location.reference())
    .bind(&location.kind)
    .bind(&location.target)
    .bind(&location.entity_name)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a location other than this one has a reference.
pub(in crate::catalog) async fn is_taken(db: &mut PgConnection, id: Uuid, reference: &str) -> Result<bool> {
    let taken: Option<Uuid> = sqlx::query_scalar("SELECT id FROM catalog_location WHERE reference = $1 AND id <> $2")
        .bind(reference)
        .bind(id)
        .fetch_optional(db)
        .await?;
    Ok(taken.is_some())
}

/// Gives everything of one source to another, so that what both declare stays what it is; the next reading of that other
/// decides about the rest.
pub(in crate::catalog) async fn hand_over(db: &mut PgConnection, from: &str, to: &Location) -> Result<()> {
    sqlx::query(
        "UPDATE catalog_source SET entity_name = $2, digest = NULL, revision = revision + 1 WHERE reference = $1",
    )
    .bind(to.reference())
    .bind(&to.entity_name)
    .execute(&mut *db)
    .await?;
    // With what it knows of its files it would not look at what it is given.
    sqlx::query("DELETE FROM catalog_file WHERE source = $1").bind(to.reference()).execute(&mut *db).await?;
    sqlx::query("UPDATE catalog_entity SET source = $2 WHERE source = $1")
        .bind(from)
        .bind(to.reference())
        .execute(&mut *db)
        .await?;
    Ok(())
}
