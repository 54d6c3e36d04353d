//! What somebody declared and the catalog does not show: entities that were never valid, sources that were never read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Catalog, CatalogError, LocationRef, store};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// One entity that is not in the catalog.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unprocessed {
    /// Made from its place and its name, so it is the same at each reading.
    pub(crate) id: Uuid,
    /// A canonical reference.
    pub(crate) reference: String,
    /// What is known of it: kind, name, where it is.
    pub(crate) entity: Value,
    /// Name and message of each thing that is wrong.
    pub(crate) errors: Vec<(String, String)>,
    /// When its source is read again.
    pub(crate) next_read: DateTime<Utc>,
    /// Since when it is wrong, or waits.
    pub(crate) since: DateTime<Utc>,
    /// The file it is in: `type:target`.
    pub(crate) location: String,
}

impl Catalog {
    /// Entities that are declared but were never valid, so that there is no good version to show.
    pub(crate) async fn failed(&self, _who: &Credentials) -> Result<Vec<Unprocessed>, CatalogError> {
        let index = self.index();
        let mut found: BTreeMap<(String, String), Unprocessed> = BTreeMap::new();
        for failure in store::failures(&self.inner.pool).await? {
            let Some(reference) = reference_of(&failure) else { continue };
            let is_known = index.get(&reference).is_some_and(|record| *record.source == *failure.source);
            if is_known {
                continue;
            }
            let error = (failure.error_name.clone(), failure.message.clone());
            let key = (failure.source.clone(), reference.to_string());
            let entity = found.entry(key).or_insert_with(|| unprocessed(&failure, &reference));
            entity.errors.push(error);
        }
        Ok(found.into_values().collect())
    }

    /// The `Location` entities of sources that were never read.
    pub(crate) async fn pending(&self, _who: &Credentials) -> Result<Vec<Unprocessed>, CatalogError> {
        let pending = |unread: store::Unread| {
            let root = LocationRef::new(unread.kind, unread.target).named(unread.entity_name);
            let reference = EntityRef::new("location", "default", &root.entity_name());
            let entity = json!({
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Location",
                "metadata": {
                    "name": root.entity_name(), "namespace": "default", "annotations": managed_by(&unread.reference, &unread.reference),
                },
                "spec": { "type": root.kind, "target": root.target },
            });
            Unprocessed {
                id: id_of(&unread.reference, reference.as_str()),
                reference: reference.to_string(),
                entity,
                errors: Vec::new(),
                next_read: unread.next_read_at,
                since: unread.next_read_at,
                location: unread.reference,
            }
        };
        Ok(store::unread(&self.inner.pool).await?.into_iter().map(pending).collect())
    }

    /// Forgets a failed entity until its source declares something else.
    pub(crate) async fn forget_failed(&self, _who: &Credentials, id: Uuid) -> Result<(), CatalogError> {
        let mut transaction = self.inner.pool.begin().await?;
        store::lock(&mut *transaction).await?;
        for failure in store::failures(&mut *transaction).await? {
            let reference = reference_of(&failure);
            if reference.is_some_and(|reference| id_of(&failure.source, reference.as_str()) == id) {
                store::forget(&mut transaction, &failure).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn reference_of(failure: &store::Failure) -> Option<EntityRef> {
    match (&failure.entity, &failure.kind, &failure.name) {
        (Some(entity), ..) => entity.parse().ok(),
        (None, Some(kind), Some(name)) => Some(EntityRef::new(kind, "default", name)),
        _ => None,
    }
}

fn unprocessed(failure: &store::Failure, reference: &EntityRef) -> Unprocessed {
    let kind = failure.kind.clone().unwrap_or_else(|| reference.kind().to_owned());
    let name = failure.name.clone().unwrap_or_else(|| reference.name().to_owned());
    let annotations = managed_by(&failure.location, &failure.source);
    let metadata = json!({ "name": name, "namespace": reference.namespace(), "annotations": annotations });
    Unprocessed {
        id: id_of(&failure.source, reference.as_str()),
        reference: reference.to_string(),
        entity: json!({ "apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata }),
        errors: Vec::new(),
        next_read: failure.next_read_at,
        since: failure.since,
        location: failure.location.clone(),
    }
}

fn managed_by(location: &str, origin: &str) -> Value {
    json!({ "backstage.io/managed-by-location": location, "backstage.io/managed-by-origin-location": origin })
}

fn id_of(source: &str, reference: &str) -> Uuid {
    let hash = Sha256::new().chain_update(source).chain_update("\n").chain_update(reference).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
