//! Keeping up with the catalog and its documentation: the index is built a moment after the start, or as soon as somebody
//! searches, and then every change is taken into it. Never on the way of a request.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::collate::{self, Section};
use super::reading::{Reading, Stock};
use super::{Search, aside};
use crate::catalog::{Index, Record};
use crate::techdocs::{DocsError, DocumentSection};

/// The start is over by then.
const BUILT_AFTER: Duration = Duration::from_millis(400);
/// Changes come in groups.
const GATHERED_FOR: Duration = Duration::from_millis(20);
/// Documentation is looked at so seldom, however often the catalog changes.
const DOCS_AFTER: Duration = Duration::from_secs(1);
/// After the documentation could not be read.
const RETRY: Duration = Duration::from_secs(10);
/// Documents that are taken in at once.
const PACK: usize = 2_000;

/// What is known of each entity's documentation: the revision of the site, and the entity's own version.
type Shelf = HashMap<Arc<str>, (i64, String)>;

impl Search {
    /// Keeps the index as the catalog and its documentation are, until `shutdown`.
    pub(crate) async fn work(self, shutdown: CancellationToken) {
        tokio::select! {
            () = tokio::time::sleep(BUILT_AFTER) => {}
            () = self.inner.wanted.notified() => {}
            () = shutdown.cancelled() => return,
        }
        tokio::select! {
            () = self.follow_catalog() => {}
            () = self.follow_docs() => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn follow_catalog(&self) {
        let mut changes = self.inner.catalog.watch();
        let mut known = Arc::new(Index::default());
        loop {
            changes.mark_unchanged();
            known = self.keep_up(known).await;
            if changes.changed().await.is_err() {
                return;
            }
            tokio::time::sleep(GATHERED_FOR).await;
        }
    }

    /// Takes in what the catalog has changed since an index that is known.
    async fn keep_up(&self, known: Arc<Index>) -> Arc<Index> {
        let index = self.inner.catalog.index();
        let now = Arc::clone(&index);
        self.change(move |before| {
            let changed = now.changed_since(&known);
            let names: Vec<&str> = changed.iter().map(|(reference, _)| &**reference).collect();
            let records = changed.iter().filter_map(|(_, record)| record.as_deref());
            (!names.is_empty()).then(|| before.replaced(Stock::Catalog, &names, records.map(collate::entity)))
        })
        .await;
        self.inner.known.send_replace(Some(index.sequence()));
        index
    }

    async fn follow_docs(&self) {
        let mut sites = self.inner.techdocs.watch();
        let mut entities = self.inner.catalog.watch();
        let mut known = self.inner.known.subscribe();
        let mut shelf = Shelf::new();
        // Entities are wanted sooner.
        let _ = known.wait_for(Option::is_some).await;
        loop {
            sites.mark_unchanged();
            entities.mark_unchanged();
            let is_up = self.keep_docs_up(&mut shelf).await;
            let again = if is_up { Duration::MAX } else { RETRY };
            tokio::select! {
                changed = sites.changed() => if changed.is_err() { return },
                changed = entities.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(again) => {}
            }
            tokio::time::sleep(DOCS_AFTER).await;
        }
    }

    /// Takes in the documentation that is not as it is known; whether it could be read.
    async fn keep_docs_up(&self, shelf: &mut Shelf) -> bool {
        let outcome = self.take_docs(shelf).await;
        if let Err(error) = &outcome {
            tracing::debug!(%error, "documentation cannot be read for the search; what is known is searched");
        }
        outcome.is_ok()
    }

    async fn take_docs(&self, shelf: &mut Shelf) -> Result<(), DocsError> {
        let techdocs = &self.inner.techdocs;
        let index = self.inner.catalog.index();
        let mut gone: HashSet<Arc<str>> = shelf.keys().cloned().collect();
        let mut pack: Vec<(Arc<Record>, Arc<Vec<Section>>)> = Vec::new();
        for site in techdocs.documented().await? {
            let mut sections: Option<Arc<Vec<Section>>> = None;
            for record in site.entities.iter().filter_map(|entity| index.get(entity)) {
                let entity: Arc<str> = record.reference.as_str().into();
                gone.remove(&entity);
                let version = (site.revision, record.etag().to_owned());
                if shelf.get(&entity) == Some(&version) {
                    continue;
                }
                if sections.is_none() {
                    let read = techdocs.sections(&site.source).await?;
                    sections = Some(Arc::new(read.into_iter().map(Section::from).collect()));
                }
                shelf.insert(entity, version);
                pack.push((Arc::clone(record), sections.clone().unwrap_or_default()));
            }
            if pack.iter().map(|(_, sections)| sections.len()).sum::<usize>() > PACK {
                self.take_sites(std::mem::take(&mut pack)).await;
            }
        }
        self.take_sites(pack).await;
        if !gone.is_empty() {
            shelf.retain(|entity, _| !gone.contains(entity));
            self.change(move |before| {
                let names: Vec<&str> = gone.iter().map(|entity| &**entity).collect();
                Some(before.replaced(Stock::Docs, &names, std::iter::empty()))
            })
            .await;
        }
        Ok(())
    }

    async fn take_sites(&self, sites: Vec<(Arc<Record>, Arc<Vec<Section>>)>) {
        self.change(move |before| {
            let names: Vec<&str> = sites.iter().map(|(record, _)| record.reference.as_str()).collect();
            let documents = sites.iter().flat_map(|(record, sections)| collate::sections(record, sections));
            (!names.is_empty()).then(|| before.replaced(Stock::Docs, &names, documents))
        })
        .await;
    }

    /// Makes the next reading out of the one before.
    async fn change(&self, make: impl FnOnce(&Reading) -> Option<Reading> + Send + 'static) {
        let _writing = self.inner.writing.lock().await;
        let before = self.inner.reading.load_full();
        if let Some(next) = aside(move || make(&before)).await {
            self.inner.reading.store(Arc::new(next));
        }
    }
}

impl From<DocumentSection> for Section {
    fn from(section: DocumentSection) -> Self {
        let DocumentSection { path, title, heading, anchor, text } = section;
        Self { path, page: title, heading, anchor, text }
    }
}
