//! The change log: what happened to entities, in order.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    /// The entity is new.
    Insert,
    /// It has another document.
    Update,
    /// Its document is the same; errors appeared or went, or it became an orphan.
    Status,
    /// It is gone.
    Delete,
}

impl Operation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Status => "status",
            Self::Delete => "delete",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Insert, Self::Update, Self::Status, Self::Delete]
            .into_iter()
            .find(|operation| operation.as_str() == text)
    }
}

/// One change of one entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    /// Grows with every change of the catalog.
    pub(crate) sequence: i64,
    /// The entity: a canonical reference.
    #[serde(rename = "entityRef")]
    pub(crate) reference: String,
    /// What it did.
    pub(crate) operation: Operation,
    /// Of the entity.
    pub(crate) uid: Uuid,
    /// The document from then on; none for a change of status or the end.
    #[serde(rename = "entity", skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<Value>,
    /// The root location it came from.
    pub(crate) source: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
}
