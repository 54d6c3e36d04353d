//! The sites used last, as many as fit.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::Docs;
use super::site::Site;

/// Most sites, however small.
const MOST: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");

/// Sites in memory, by where they are read from.
pub(super) struct Shelf {
    room: usize,
    sites: Mutex<LruCache<String, Docs>>,
}

impl Shelf {
    /// A shelf for so many bytes. One site is kept however large it is.
    pub(super) fn new(room: usize) -> Self {
        Self { room, sites: Mutex::new(LruCache::new(MOST)) }
    }

    /// A site at a version.
    pub(super) fn get(&self, source: &str, version: &str) -> Option<Arc<Site>> {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.get(source).filter(|docs| docs.site.version == version).map(|docs| Arc::clone(&docs.site))
    }

    /// What was shown last.
    pub(super) fn any(&self, source: &str) -> Option<Docs> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner).get(source).cloned()
    }

    pub(super) fn put(&self, source: &str, docs: Docs) {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.put(source.to_owned(), docs);
        let mut weight: usize = sites.iter().map(|(_, docs)| docs.site.weight()).sum();
        while weight > self.room && sites.len() > 1 {
            if let Some((_, gone)) = sites.pop_lru() {
                weight -= gone.site.weight();
            }
        }
    }
}
