//! What a search engine reads: the text of every documented entity, by page and heading.

use std::collections::{BTreeMap, HashMap};

use super::survey::DocumentSection;
use super::{DocsError, TechDocs, reference, store};
use crate::entity::EntityRef;

/// A site, and the entities whose documentation it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Documented {
    /// Where it is read from; names the site.
    pub(crate) source: String,
    /// The entities that refer to it.
    pub(crate) entities: Vec<EntityRef>,
    /// Moves when the site changes.
    pub(crate) revision: i64,
    /// Equal versions mean equal text.
    pub(crate) version: String,
}

impl TechDocs {
    /// Every documented entity with what can be told apart cheaply: a site whose revision is known needs no reading.
    pub(crate) async fn documented(&self) -> Result<Vec<Documented>, DocsError> {
        let known = store::revisions(&self.inner.pool).await?;
        let mut entities = self.entities_by_source();
        let with = known.into_iter().filter_map(|(source, revision, version)| {
            let entities = entities.remove(&source)?;
            Some(Documented { source, entities, revision, version })
        });
        Ok(with.collect())
    }

    /// The sections of one site.
    #[allow(dead_code, reason = "for the room that searches everything")]
    pub(crate) async fn sections(&self, source: &str) -> Result<Vec<DocumentSection>, DocsError> {
        Ok(store::sections(&self.inner.pool, source).await?)
    }

    /// Every section of every documented entity.
    #[allow(dead_code, reason = "for the room that searches everything")]
    pub(crate) async fn documents(&self) -> Result<Vec<(Documented, Vec<DocumentSection>)>, DocsError> {
        let mut all = Vec::new();
        for one in self.documented().await? {
            let sections = self.sections(&one.source).await?;
            all.push((one, sections));
        }
        Ok(all)
    }

    /// The entities that have documentation of their own, by where it is.
    pub(super) fn entities_by_source(&self) -> HashMap<String, Vec<EntityRef>> {
        let mut found: BTreeMap<String, Vec<EntityRef>> = BTreeMap::new();
        for record in self.inner.catalog.index().records() {
            if let Some(Ok(reference::Where::Own(source))) = reference::of(self.inner.catalog.reader(), record) {
                found.entry(source.to_string()).or_default().push(record.reference.clone());
            }
        }
        found.into_iter().collect()
    }
}
