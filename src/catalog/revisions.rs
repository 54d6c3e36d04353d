//! The history of one entity: each change beside the document that it changed.

use serde_json::Value;

use super::{Catalog, CatalogError, Change, Operation, store};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// One change of an entity, and what was there before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Revision {
    /// What happened.
    pub(crate) change: Change,
    /// The document before; none of a new entity, and where the log does not reach so far back.
    pub(crate) before: Option<Value>,
}

impl Catalog {
    /// The changes of an entity, newest first, from one on downwards. Also of one that is gone.
    pub(crate) async fn revisions(
        &self,
        _who: &Credentials,
        reference: &EntityRef,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Revision>, CatalogError> {
        let pool = &self.inner.pool;
        let changes = store::history(pool, reference.as_str(), before.unwrap_or(i64::MAX), limit).await?;
        let Some(oldest) = changes.last() else {
            return Ok(Vec::new());
        };
        // From the oldest on, each document is what the next change found.
        let mut known = store::document_before(pool, reference.as_str(), oldest.sequence).await?;
        let mut revisions = Vec::with_capacity(changes.len());
        for change in changes.into_iter().rev() {
            let before = known.clone();
            match change.operation {
                Operation::Delete => known = None,
                Operation::Insert | Operation::Update => known.clone_from(&change.document),
                Operation::Status => {}
            }
            revisions.push(Revision { change, before });
        }
        revisions.reverse();
        Ok(revisions)
    }
}
