//! Pointing a registered location at another target: a repository moved, a file was renamed.
//!
//! The location keeps its id, and the `Location` entity that stands for it its name. What the new target declares too
//! keeps its uid; the rest goes as what a file no longer declares does.

use chrono::Utc;
use uuid::Uuid;

use super::registration::{check, no_location};
use super::{Catalog, CatalogError, Location, ingest, store};
use crate::permission::Credentials;

impl Catalog {
    /// Gives a registered location another target and reads it; the effect is visible when this returns.
    pub(crate) async fn relocate(
        &self,
        _who: &Credentials,
        id: Uuid,
        kind: &str,
        target: &str,
    ) -> Result<Location, CatalogError> {
        check(kind, target)?;
        let target = self.reader().stored_target(kind, target);
        let wanted = Location { id, kind: kind.to_owned(), target, entity_name: None };
        let conflict = || CatalogError::Conflict(format!("Location {} already exists", wanted.reference()));
        let mut transaction = self.inner.pool.begin().await?;
        store::lock(&mut *transaction).await?;
        if store::is_taken(&mut transaction, id, &wanted.reference()).await? {
            return Err(conflict());
        }
        let before = store::location(&mut *transaction, id).await?.ok_or_else(|| no_location(id))?;
        let (from, to) = (before.reference(), wanted.reference());
        if from != to {
            let now = Utc::now();
            let is_fixed = store::is_fixed(&mut *transaction, &from).await?;
            // What configuration or a provider names goes by its own name, before and after.
            let keeps_name = !is_fixed && !store::is_fixed(&mut *transaction, &to).await?;
            let entity_name = keeps_name.then(|| before.location().entity_name());
            let moved = Location { entity_name, ..wanted.clone() };
            store::add_source(&mut *transaction, &moved.location(), false, now).await?;
            if !store::move_location(&mut transaction, &moved).await? {
                return Err(conflict());
            }
            if !is_fixed {
                store::hand_over(&mut transaction, &from, &moved).await?;
                ingest::remove(&mut transaction, &from, now).await?;
            }
        }
        transaction.commit().await?;
        self.read_source_anew(&wanted.reference()).await?;
        store::location(&self.inner.pool, id).await?.ok_or_else(|| no_location(id))
    }
}
