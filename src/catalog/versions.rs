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

#[cfg(test)]
mod tests {
    use crate::catalog::tests::Fixture;

    fn api(definition: &str, description: &str) -> String {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: a, description: {description}}}\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition: '{definition}'\n"
        )
    }

    #[tokio::test]
    async fn only_changes_of_the_definition_are_versions() {
        let fixture = Fixture::with_files(&[("a.yaml", &api("one", "x"))]).await;
        for (definition, description) in [("one", "y"), ("two", "y"), ("two", "z"), ("one", "z")] {
            fixture.write("a.yaml", &api(definition, description));
            fixture.reread().await;
        }
        let reference = "api:default/a".parse().unwrap();
        let versions = fixture.catalog.definition_versions(&fixture.who, &reference).await.unwrap();
        assert_eq!(versions.len(), 3);
        let mut texts = Vec::new();
        for version in &versions {
            let document = fixture.catalog.document_at(&fixture.who, &reference, version.sequence).await.unwrap();
            texts.push(document.unwrap()["spec"]["definition"].as_str().unwrap().to_owned());
        }
        assert_eq!(texts, ["one", "two", "one"]);
        assert!(versions.is_sorted_by(|newer, older| newer.sequence > older.sequence));
        let other = "api:default/b".parse().unwrap();
        assert!(fixture.catalog.definition_versions(&fixture.who, &other).await.unwrap().is_empty());
    }
}
