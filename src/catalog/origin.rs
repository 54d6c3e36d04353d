//! Where entities come from: what all of one file have in common, kept once.

use std::sync::Arc;

/// The place of an entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// The file it is in, as `type:target`: the base of relative references.
    pub(crate) location: Arc<str>,
    /// The root location it belongs to, as `type:target`.
    pub(crate) source: Arc<str>,
    /// The `Location` entity that led to it.
    pub(crate) parent: Option<Arc<str>>,
    /// Commit or content hash of its file.
    pub(crate) version: Option<Arc<str>>,
}

impl Origin {
    /// The same with each of its texts replaced by an equal one.
    pub(super) fn map(&self, mut share: impl FnMut(&Arc<str>) -> Arc<str>) -> Self {
        Self {
            location: share(&self.location),
            source: share(&self.source),
            parent: self.parent.as_ref().map(&mut share),
            version: self.version.as_ref().map(share),
        }
    }
}
