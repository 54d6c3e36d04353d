//! What a search engine reads: the text of every documented entity, by page and heading.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::survey::DocumentSection;
use super::{DocsError, TechDocs, reference, store};
use crate::catalog::Catalog;
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
        let entities = self.entities();
        let with = known.into_iter().filter_map(|(source, revision, version)| {
            let entities = entities.by_source.get(&source)?.clone();
            Some(Documented { source, entities, revision, version })
        });
        Ok(with.collect())
    }

    /// The sections of one site.
    pub(crate) async fn sections(&self, source: &str) -> Result<Vec<DocumentSection>, DocsError> {
        Ok(store::sections(&self.inner.pool, source).await?)
    }

    /// Every section of every documented entity.
    #[allow(dead_code, reason = "all at once, for whoever keeps no revisions")]
    pub(crate) async fn documents(&self) -> Result<Vec<(Documented, Vec<DocumentSection>)>, DocsError> {
        let mut all = Vec::new();
        for one in self.documented().await? {
            let sections = self.sections(&one.source).await?;
            all.push((one, sections));
        }
        Ok(all)
    }

    /// The entities that have documentation of their own.
    pub(crate) fn entities(&self) -> Arc<Entities> {
        let (catalog, known) = (&self.inner.catalog, &self.inner.entities);
        let version = catalog.version();
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != version {
            *known = (version, Arc::new(Entities::of(catalog)));
        }
        Arc::clone(&known.1)
    }
}

/// The entities that have documentation of their own, as one version of the catalog has them.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    /// All of them.
    pub(crate) all: Vec<EntityRef>,
    /// Those whose documentation can be looked for, by where it is.
    pub(super) by_source: HashMap<String, Vec<EntityRef>>,
}

impl Entities {
    fn of(catalog: &Catalog) -> Self {
        let mut entities = Self::default();
        for record in catalog.index().records() {
            match reference::of(catalog.reader(), record) {
                None | Some(Ok(reference::Where::Borrowed(..))) => continue,
                Some(Ok(reference::Where::Own(source))) => {
                    entities.by_source.entry(source.to_string()).or_default().push(record.reference.clone());
                }
                Some(Err(_)) => {}
            }
            entities.all.push(record.reference.clone());
        }
        entities
    }
}
