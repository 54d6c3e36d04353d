//! The files of sources, as they were seen.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};

use super::{CHUNK, Result, json};
use crate::catalog::problem::CONFLICT;
use crate::catalog::walk::{Before, Seen};
use crate::entity::Entity;

/// What is known of a source: its files and the locations in them.
pub(in crate::catalog) async fn before(pool: &PgPool, source: &str) -> Result<Before> {
    let files: Vec<Seen> = sqlx::query_as(
        "SELECT location, parent, stamp, version, context, includes, entities, is_whole, flaws FROM catalog_file WHERE source = $1",
    )
    .bind(source)
    .fetch_all(pool)
    .await?;
    let files: HashMap<String, Seen> = files.into_iter().map(|seen| (seen.location.clone(), seen)).collect();
    let mut locations: HashMap<String, Vec<Entity>> = HashMap::new();
    if !files.is_empty() {
        let found: Vec<(String, String)> = sqlx::query_as(
            "SELECT location, document::text FROM catalog_entity
             WHERE source = $1 AND reference LIKE 'location:%' AND parent IS NOT NULL ORDER BY reference",
        )
        .bind(source)
        .fetch_all(pool)
        .await?;
        for (location, document) in found {
            locations.entry(location).or_default().push(json(&document)?);
        }
    }
    let is_whole = files.values().all(|seen| seen.is_whole);
    let contested = if is_whole { Vec::new() } else { contested(pool, source).await? };
    Ok(Before { files, locations, contested: contested.into_iter().collect() })
}

/// Files with a claim to a name that something else has.
async fn contested(pool: &PgPool, source: &str) -> Result<Vec<String>> {
    sqlx::query_scalar("SELECT DISTINCT location FROM catalog_problem WHERE source = $1 AND error_name = $2")
        .bind(source)
        .bind(CONFLICT)
        .fetch_all(pool)
        .await
}

/// Remembers files, and forgets others.
pub(in crate::catalog) async fn set_files(
    db: &mut PgConnection,
    source: &str,
    seen: &[&Seen],
    gone: &[&str],
) -> Result<()> {
    for chunk in seen.chunks(CHUNK) {
        set_chunk(&mut *db, source, chunk).await?;
    }
    if !gone.is_empty() {
        sqlx::query("DELETE FROM catalog_file WHERE source = $1 AND location = ANY($2)")
            .bind(source)
            .bind(gone)
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn set_chunk(db: &mut PgConnection, source: &str, seen: &[&Seen]) -> Result<()> {
    let texts = |of: fn(&Seen) -> &str| seen.iter().map(|seen| of(seen)).collect::<Vec<&str>>();
    sqlx::query(
        "INSERT INTO catalog_file (source, location, parent, stamp, version, context, includes, entities, is_whole, flaws)
         SELECT $1, location, parent, stamp, version, context, includes, entities, is_whole, flaws
         FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::json[], $8::integer[], $9::boolean[],
            $10::json[]) AS seen (location, parent, stamp, version, context, includes, entities, is_whole, flaws)
         ON CONFLICT ON CONSTRAINT catalog_file_pk DO UPDATE SET
            parent = EXCLUDED.parent, stamp = EXCLUDED.stamp, version = EXCLUDED.version, context = EXCLUDED.context,
            includes = EXCLUDED.includes, entities = EXCLUDED.entities, is_whole = EXCLUDED.is_whole,
            flaws = EXCLUDED.flaws",
    )
    .bind(source)
    .bind(texts(|seen| &seen.location))
    .bind(texts(|seen| &seen.parent))
    .bind(seen.iter().map(|seen| seen.stamp.as_deref()).collect::<Vec<Option<&str>>>())
    .bind(texts(|seen| &seen.version))
    .bind(texts(|seen| &seen.context))
    .bind(seen.iter().map(|seen| &seen.includes).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.entities).collect::<Vec<i32>>())
    .bind(seen.iter().map(|seen| seen.is_whole).collect::<Vec<bool>>())
    .bind(seen.iter().map(|seen| seen.flaws.as_ref()).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}
