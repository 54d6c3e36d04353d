//! Readings of configured files while there is no database yet: at a first start, making that takes as long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::config::CatalogConfig;
use super::location::LocationRef;
use super::reader::Reader;
use super::walk::{self, Before, Walk};
use crate::forge::Forges;

/// A reading that is older is not believed.
const FRESH: Duration = Duration::from_mins(1);

/// What configured files declare, each to be taken once.
#[derive(Debug, Default)]
pub(crate) struct Early(Mutex<HashMap<String, (LocationRef, Instant, Walk)>>);

impl Early {
    /// Reads every configured file, with everything it leads to.
    pub(crate) async fn read(forges: &Forges, config: &CatalogConfig) -> Self {
        let reader = Reader::new(forges.clone(), config.reading.clone());
        let config = Arc::new(config.clone().settled(&reader));
        let mut walks = HashMap::new();
        for root in config.locations.iter().map(super::ConfiguredLocation::reference).filter(LocationRef::is_file) {
            let begun = Instant::now();
            let walk = walk::walk(&reader.once(&root, None), &config, &root, &Before::default()).await;
            walks.insert(root.to_string(), (root, begun, walk));
        }
        Self(Mutex::new(walks))
    }

    /// The reading of a root, if there is one that is fresh.
    pub(super) fn take(&self, root: &LocationRef) -> Option<Walk> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&root.to_string());
        found.filter(|(read, begun, _)| read == root && begun.elapsed() < FRESH).map(|(_, _, walk)| walk)
    }
}
