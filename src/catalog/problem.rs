//! What is broken, as data: pages and the API show it, the log is no place to look for it.
//!
//! A name that two sources claim belongs to the one that had it first. The other claim is a problem of the other source,
//! never an error of the entity, which is as it should be. Who holds the name is looked up when it is asked for: holders
//! change.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use super::index::Index;
use super::{Catalog, CatalogError, store};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// The class of problems that are claims to a name that another has.
pub(super) const CONFLICT: &str = "ConflictError";

/// Something that is broken: a source, a file, an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// The root location: `type:target`.
    pub(crate) source: String,
    /// The file: `type:target`.
    pub(crate) location: String,
    /// The entity, if it is known which: a canonical reference. An entity of that name may show its last good version.
    pub(crate) entity: Option<String>,
    /// The kind that the text declares or seems to declare.
    pub(crate) kind: Option<String>,
    /// The name that the text declares or seems to declare.
    pub(crate) name: Option<String>,
    /// Class of the error: `InputError`, `NotFoundError`, `ConflictError`, …
    pub(crate) error_name: String,
    /// What is wrong.
    pub(crate) message: String,
    /// JSON pointer within the document; may be empty.
    pub(crate) pointer: String,
    /// Which document of the file, from 1.
    pub(crate) document: Option<i32>,
    /// Line in the file, from 1.
    pub(crate) line: Option<i32>,
    /// Column in the line, from 1.
    pub(crate) column: Option<i32>,
    /// Since when.
    pub(crate) since: DateTime<Utc>,
    /// Of a claim to a name: who has it now. None while the name is free and waits for the claim.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<Holder>,
}

/// Who has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Holder {
    /// The root location: `type:target`.
    pub(crate) source: String,
    /// The file: `type:target`.
    pub(crate) location: String,
}

impl Problem {
    /// Whether it is a claim to a name that another has.
    pub(crate) fn is_claim(&self) -> bool {
        self.error_name == CONFLICT
    }

    fn with_holder(mut self, index: &Index) -> Self {
        let held = self.entity.as_deref().filter(|_| self.is_claim()).and_then(|name| index.get_exact(name));
        let holder = |record: &std::sync::Arc<super::Record>| Holder {
            source: record.source.to_string(),
            location: record.location.to_string(),
        };
        self.holder = held.map(holder);
        self
    }
}

impl Catalog {
    /// Everything that is broken.
    pub(crate) async fn problems(&self, _who: &Credentials) -> Result<Vec<Problem>, CatalogError> {
        let problems = store::problems(&self.inner.pool, None).await?;
        let index = self.index();
        Ok(problems.into_iter().map(|problem| problem.with_holder(&index)).collect())
    }

    /// The claims of others to the name of an entity, oldest first.
    pub(crate) async fn claims(&self, _who: &Credentials, name: &EntityRef) -> Result<Vec<Problem>, CatalogError> {
        let claims = store::claims(&self.inner.pool, name.as_str()).await?;
        let index = self.index();
        Ok(claims.into_iter().map(|claim| claim.with_holder(&index)).collect())
    }
}
