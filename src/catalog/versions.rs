//! The versions of one part of an entity, such as an API's definition: when it changed, and what it was then.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Catalog, CatalogError, store};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// Changes that are looked through.
const CHANGES: usize = 500;

/// A version: from this change on the part was what it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// The number of the change.
    pub(crate) sequence: i64,
    /// When that was.
    pub(crate) at: DateTime<Utc>,
}

impl Catalog {
    /// The versions of what stands at `spec.definition` of an entity, newest first. Changes that left it alone are no
    /// versions; the last one is the oldest that the change log remembers.
    pub(crate) async fn definition_versions(
        &self,
        _who: &Credentials,
        reference: &EntityRef,
    ) -> Result<Vec<Version>, CatalogError> {
        let changes = store::definitions(&self.inner.pool, reference.as_str(), CHANGES).await?;
        let mut versions: Vec<Version> = Vec::new();
        let mut digest = None;
        for change in changes.into_iter().rev() {
            if change.digest.is_some() && change.digest != digest {
                versions.push(Version { sequence: change.sequence, at: change.at });
            }
            digest = change.digest;
        }
        versions.reverse();
        Ok(versions)
    }

    /// The document of an entity as it was from a change on; none if the log does not know it.
    pub(crate) async fn document_at(
        &self,
        _who: &Credentials,
        reference: &EntityRef,
        sequence: i64,
    ) -> Result<Option<Value>, CatalogError> {
        Ok(store::document_before(&self.inner.pool, reference.as_str(), sequence.saturating_add(1)).await?)
    }
}
