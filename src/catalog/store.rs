//! The catalog's tables.
//!
//! Writers take [`lock`] first in their transaction: so changes get their numbers in the order in which they become
//! visible, and an index that has change `n` has everything before it.

mod changes;
mod files;
mod leases;
mod log;
mod moves;
mod providers;
mod sources;
mod unprocessed;

pub(super) use changes::*;
pub(super) use files::*;
pub(super) use leases::*;
pub(super) use log::*;
pub(super) use moves::*;
pub(super) use providers::*;
pub(super) use sources::*;
pub(super) use unprocessed::*;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgExecutor};
use uuid::Uuid;

use super::Operation;
use super::edges::Edges;
use super::index::Changed;
use super::origin::Origin;
use super::record::Row;
use crate::entity::{self, Entity};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The channel that tells other processes of changes.
pub(super) const CHANNEL: &str = "catalog_change";

/// Waits until no other process writes to the catalog; until the end of the transaction.
pub(super) async fn lock(db: impl PgExecutor<'_>) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(7007001)").execute(db).await?;
    Ok(())
}

/// Tells every process that there are changes, when the transaction ends.
pub(super) async fn notify(db: impl PgExecutor<'_>) -> Result<()> {
    sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(db).await?;
    Ok(())
}

/// An entity as it is stored, or that it is gone.
#[derive(FromRow)]
pub(super) struct EntityRow {
    reference: String,
    sequence: i64,
    uid: Option<Uuid>,
    source: Option<String>,
    location: Option<String>,
    parent: Option<String>,
    document: Option<String>,
    edges: Option<String>,
    errors: Option<String>,
    is_orphan: Option<bool>,
    positions: Option<String>,
    version: Option<String>,
}

impl EntityRow {
    /// Which entity it is.
    pub(super) fn reference(&self) -> &str {
        &self.reference
    }

    /// What the index takes in of it.
    pub(super) fn changed(self) -> Result<Changed> {
        let reference: Arc<str> = self.reference.into();
        let (Some(uid), Some(document)) = (self.uid, self.document) else {
            return Ok(Changed { reference, row: None });
        };
        let edges = match &self.edges {
            Some(edges) => Edges::read(edges).map_err(undecodable)?,
            // Written before edges were stored.
            None => Edges::of(&reference, &entity::edges(&json::<Entity>(&document)?)),
        };
        let origin = Origin {
            location: self.location.unwrap_or_default().into(),
            source: self.source.unwrap_or_default().into(),
            parent: self.parent.map(Arc::from),
            version: self.version.map(Arc::from),
        };
        let row = Row {
            uid,
            origin: Arc::new(origin),
            document,
            edges,
            errors: self.errors,
            is_orphan: self.is_orphan.unwrap_or_default(),
            positions: self.positions.as_deref().map(json).transpose()?.map(Arc::new),
        };
        Ok(Changed { reference, row: Some(row) })
    }
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(undecodable)
}

fn undecodable(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Changes that are read from the log at once: so many fit in memory beside the index.
pub(super) const BATCH: i64 = 1000;

/// The number of the last change; what is read after this has everything up to it.
pub(super) async fn last_change(db: impl PgExecutor<'_>) -> Result<i64> {
    sqlx::query_scalar("SELECT COALESCE(MAX(sequence), 0) FROM catalog_change").fetch_one(db).await
}

/// The next entities in the order of their references, after one; as they are stored, to be read aside.
pub(super) async fn entities_after(db: impl PgExecutor<'_>, reference: &str) -> Result<Vec<EntityRow>> {
    sqlx::query_as(
        "SELECT reference, 0::bigint AS sequence, uid, source, location, parent, document::text AS document,
                edges::text AS edges, errors::text AS errors, is_orphan, positions::text AS positions, version
         FROM catalog_entity WHERE reference > $1 ORDER BY reference LIMIT $2",
    )
    .bind(reference)
    .bind(BATCH)
    .fetch_all(db)
    .await
}

/// Some changes of the log.
#[derive(Debug)]
pub(super) struct Batch {
    /// The number of the last of them.
    pub(super) sequence: i64,
    /// The present state of the entities that they changed.
    pub(super) changed: Vec<Changed>,
    /// Whether there were no more.
    pub(super) is_last: bool,
}

/// The next changes after one.
pub(super) async fn changed_since(db: impl PgExecutor<'_>, sequence: i64) -> Result<Batch> {
    // One statement sees one state: a row is what it was at the last of its changes, or newer; then it comes again.
    let rows: Vec<ChangedRow> = sqlx::query_as(
        "WITH next AS (SELECT reference, sequence FROM catalog_change WHERE sequence > $1 ORDER BY sequence LIMIT $2)
         SELECT changed.reference, changed.sequence, uid, source, location, parent, document::text AS document,
                edges::text AS edges, errors::text AS errors, is_orphan, positions::text AS positions, version,
                (SELECT COUNT(*) FROM next) AS taken
         FROM (SELECT reference, MAX(sequence) AS sequence FROM next GROUP BY reference) AS changed
         LEFT JOIN catalog_entity ON catalog_entity.reference = changed.reference",
    )
    .bind(sequence)
    .bind(BATCH)
    .fetch_all(db)
    .await?;
    let is_last = rows.first().is_none_or(|row| row.taken < BATCH);
    let sequence = rows.iter().map(|row| row.entity.sequence).max().unwrap_or(sequence);
    let changed: Result<Vec<Changed>> = rows.into_iter().map(|row| row.entity.changed()).collect();
    Ok(Batch { sequence, changed: changed?, is_last })
}

#[derive(FromRow)]
struct ChangedRow {
    #[sqlx(flatten)]
    entity: EntityRow,
    taken: i64,
}

/// What a source has declared so far.
#[derive(Debug, FromRow)]
pub(super) struct Known {
    pub(super) reference: String,
    pub(super) uid: Uuid,
    pub(super) hash: String,
    pub(super) location: String,
    pub(super) parent: Option<String>,
    pub(super) errors: Option<String>,
    pub(super) is_orphan: bool,
}

/// The entities of a source.
pub(super) async fn known(db: impl PgExecutor<'_>, source: &str) -> Result<Vec<Known>> {
    sqlx::query_as(
        "SELECT reference, uid, hash, location, parent, errors::text AS errors, is_orphan FROM catalog_entity WHERE source = $1",
    )
    .bind(source)
    .fetch_all(db)
    .await
}

/// The entities of some files of a source, and those with some names.
pub(super) async fn known_of(
    db: impl PgExecutor<'_>,
    source: &str,
    locations: &[&str],
    references: &[&str],
) -> Result<Vec<Known>> {
    sqlx::query_as(
        "SELECT reference, uid, hash, location, parent, errors::text AS errors, is_orphan FROM catalog_entity
         WHERE source = $1 AND location = ANY($2)
         UNION
         SELECT reference, uid, hash, location, parent, errors::text AS errors, is_orphan FROM catalog_entity
         WHERE source = $1 AND reference = ANY($3)",
    )
    .bind(source)
    .bind(locations)
    .bind(references)
    .fetch_all(db)
    .await
}

/// Which of these entities belong to another source, and to which.
pub(super) async fn owners(
    db: impl PgExecutor<'_>,
    references: &[&str],
    source: &str,
) -> Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT reference, source FROM catalog_entity WHERE reference = ANY($1) AND source <> $2")
        .bind(references)
        .bind(source)
        .fetch_all(db)
        .await
}

/// An entity to be written.
#[derive(Debug)]
pub(super) struct Write<'a> {
    pub(super) reference: &'a str,
    pub(super) uid: Uuid,
    pub(super) location: String,
    pub(super) parent: Option<&'a str>,
    pub(super) document: &'a str,
    /// As [`super::edges::write`] writes them.
    pub(super) edges: &'a str,
    pub(super) hash: &'a str,
    pub(super) errors: Option<String>,
    pub(super) positions: Option<String>,
    pub(super) version: Option<&'a str>,
    pub(super) operation: Operation,
}

impl Write<'_> {
    /// The row as it will be read.
    pub(super) fn row(&self, source: &str) -> EntityRow {
        EntityRow {
            reference: self.reference.to_owned(),
            sequence: 0,
            uid: Some(self.uid),
            source: Some(source.to_owned()),
            location: Some(self.location.clone()),
            parent: self.parent.map(str::to_owned),
            document: Some(self.document.to_owned()),
            edges: Some(self.edges.to_owned()),
            errors: self.errors.clone(),
            is_orphan: Some(false),
            positions: self.positions.clone(),
            version: self.version.map(str::to_owned),
        }
    }
}

/// Rows of one statement: enough to make its cost small, few enough that nobody holds all of them twice.
const CHUNK: usize = 1000;

/// Writes new versions of entities, and the log of it.
pub(super) async fn upsert(
    db: &mut PgConnection,
    source: &str,
    writes: &[Write<'_>],
    now: DateTime<Utc>,
) -> Result<()> {
    for chunk in writes.chunks(CHUNK) {
        upsert_chunk(&mut *db, source, chunk, now).await?;
    }
    Ok(())
}

async fn upsert_chunk(db: &mut PgConnection, source: &str, writes: &[Write<'_>], now: DateTime<Utc>) -> Result<()> {
    fn all<'a, T>(writes: &'a [Write<'_>], of: impl Fn(&'a Write<'_>) -> T) -> Vec<T> {
        writes.iter().map(of).collect()
    }
    // Documents are sent, and read as JSON, once for both tables.
    sqlx::query(
        "WITH input AS MATERIALIZED (
            SELECT reference, uid, location, parent, document::json AS document, hash, errors, positions, version, operation,
                edges, ordinal
            FROM UNNEST($3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::text[], $11::text[], $12::text[], $13::text[]) WITH ORDINALITY
            AS written (reference, uid, location, parent, document, hash, errors, positions, version, operation, edges, ordinal)),
         written AS (
            INSERT INTO catalog_entity
                (reference, uid, source, location, parent, document, hash, errors, is_orphan, positions, version, changed_at, edges)
            SELECT reference, uid, $1, location, parent, document, hash, errors::json, FALSE, positions::json, version, $2,
                edges::json
            FROM input
            ON CONFLICT ON CONSTRAINT catalog_entity_pk DO UPDATE SET
                location = EXCLUDED.location, parent = EXCLUDED.parent, document = EXCLUDED.document, hash = EXCLUDED.hash,
                errors = EXCLUDED.errors, is_orphan = FALSE, positions = EXCLUDED.positions, version = EXCLUDED.version,
                changed_at = EXCLUDED.changed_at, edges = EXCLUDED.edges)
         INSERT INTO catalog_change (reference, operation, uid, document, source, changed_at)
         SELECT reference, operation, uid, document, $1, $2 FROM input ORDER BY ordinal",
    )
    .bind(source)
    .bind(now)
    .bind(all(writes, |write| write.reference))
    .bind(all(writes, |write| write.uid))
    .bind(all(writes, |write| write.location.as_str()))
    .bind(all(writes, |write| write.parent))
    .bind(all(writes, |write| write.document))
    .bind(all(writes, |write| write.hash))
    .bind(all(writes, |write| write.errors.as_deref()))
    .bind(all(writes, |write| write.positions.as_deref()))
    .bind(all(writes, |write| write.version))
    .bind(all(writes, |write| write.operation.as_str()))
    .bind(all(writes, |write| write.edges))
    .execute(db)
    .await?;
    Ok(())
}

/// An entity that keeps its version but not its status.
#[derive(Debug)]
pub(super) struct Status {
    pub(super) reference: String,
    pub(super) uid: Uuid,
    pub(super) errors: Option<String>,
    pub(super) is_orphan: bool,
}

/// Notes that the newest versions of entities have errors or that nothing declares them, and the log of it.
pub(super) async fn set_statuses(
    db: &mut PgConnection,
    source: &str,
    statuses: &[Status],
    now: DateTime<Utc>,
) -> Result<()> {
    for chunk in statuses.chunks(CHUNK) {
        sqlx::query(
            "UPDATE catalog_entity SET errors = changed.errors::json, is_orphan = changed.is_orphan
             FROM UNNEST($1::text[], $2::text[], $3::boolean[]) AS changed (reference, errors, is_orphan)
             WHERE catalog_entity.reference = changed.reference",
        )
        .bind(chunk.iter().map(|status| status.reference.as_str()).collect::<Vec<&str>>())
        .bind(chunk.iter().map(|status| status.errors.as_deref()).collect::<Vec<Option<&str>>>())
        .bind(chunk.iter().map(|status| status.is_orphan).collect::<Vec<bool>>())
        .execute(&mut *db)
        .await?;
        let bare = |status: &Status| Logged::bare(status.reference.clone(), Operation::Status, status.uid);
        log(&mut *db, source, &chunk.iter().map(bare).collect::<Vec<Logged>>(), now).await?;
    }
    Ok(())
}

/// Deletes entities.
pub(super) async fn delete(db: impl PgExecutor<'_>, references: &[&str]) -> Result<()> {
    sqlx::query("DELETE FROM catalog_entity WHERE reference = ANY($1)").bind(references).execute(db).await?;
    Ok(())
}
