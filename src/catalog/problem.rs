//! What is broken, as data: pages and the API show it, the log is no place to look for it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

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
}
