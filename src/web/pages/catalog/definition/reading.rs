//! Definitions that were read, kept for the next who looks: reading a large one takes a while.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lru::LruCache;
use uuid::Uuid;

use super::Shared;
use crate::catalog::Record;
use crate::definition::{Definition, Format, Problem};
use crate::web::error::Error;

/// Bytes of text of all that are kept.
const KEPT: usize = 24 * 1024 * 1024;
/// Longer texts are read on a thread of their own.
const LONG: usize = 64 * 1024;

/// An API's definition, and what could be made of it.
pub(super) struct Reading {
    pub(super) text: String,
    /// `spec.type`
    pub(super) declared: String,
    /// Whether the format is one that can be read.
    pub(super) is_known: bool,
    pub(super) definition: Result<Definition, Problem>,
}

type Kept = LruCache<(Uuid, String), Shared>;

static KEPT_READINGS: LazyLock<Mutex<Kept>> = LazyLock::new(|| Mutex::new(LruCache::unbounded()));

impl Reading {
    /// The definition of an entity as it is now.
    pub(super) async fn of(record: &Arc<Record>) -> Result<Shared, Error> {
        let key = (record.uid, record.etag().to_owned());
        if let Some(known) = KEPT_READINGS.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(known));
        }
        let is_long = record.json.len() > LONG;
        let read = Arc::clone(record);
        let read = move || {
            let entity = read.entity();
            let declared = entity.text(&["spec", "type"]).unwrap_or("text").to_owned();
            let text = text_of(entity.at(&["spec", "definition"]))?;
            Some(Self::read(declared, text))
        };
        let reading = if is_long { tokio::task::spawn_blocking(read).await.map_err(Error::internal)? } else { read() };
        let Some(reading) = reading else {
            let message = format!("{} has no definition; APIs have one, in `spec.definition`", record.reference);
            return Err(Error::NotFound(message));
        };
        let reading = Arc::new(reading);
        let mut kept = KEPT_READINGS.lock().unwrap_or_else(PoisonError::into_inner);
        kept.put(key, Arc::clone(&reading));
        while kept.len() > 1 && kept.iter().map(|(_, kept)| kept.text.len()).sum::<usize>() > KEPT {
            kept.pop_lru();
        }
        Ok(reading)
    }

    /// Reads a text.
    pub(super) fn read(declared: String, text: String) -> Self {
        let definition = Definition::read(&declared, &text);
        let is_known = Definition::is_known(&declared, &text);
        Self { text, declared, is_known, definition }
    }

    /// What it is written in.
    pub(super) fn format(&self) -> String {
        self.definition.as_ref().map_or_else(|_| self.declared.clone(), |definition| definition.format.name())
    }

    /// Whether it can be tried in Swagger UI.
    pub(super) fn is_openapi(&self) -> bool {
        self.definition.as_ref().is_ok_and(|definition| matches!(definition.format, Format::OpenApi(_)))
    }

    /// The ending of its file's name.
    pub(super) fn ending(&self) -> &'static str {
        match self.definition.as_ref().map(|definition| &definition.format) {
            Ok(Format::GraphQl) => "graphql",
            Ok(Format::Protobuf(_)) => "proto",
            Ok(_) if self.text.trim_start().starts_with('{') => "json",
            Ok(_) => "yaml",
            Err(_) => "txt",
        }
    }
}

/// A definition as text. One that is written into the descriptor as a tree is written out.
pub(super) fn text_of(definition: Option<&serde_json::Value>) -> Option<String> {
    match definition? {
        serde_json::Value::String(text) => Some(text.clone()),
        tree => serde_yaml::to_string(tree).ok(),
    }
}
