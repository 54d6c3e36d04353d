//! What an API's definition says of itself: operations, channels and types, a line each, and the names of their fields.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::document::{Document, Field};
use crate::definition::{Definition, Head};
use crate::entity::Entity;

/// Longer definitions are found by their start.
const MOST_LINES: usize = 2_000;
/// Names of fields that count.
const MOST_NAMES: usize = 5_000;
/// How deep fields are looked for.
const DEEPEST: usize = 12;

/// An operation, channel or type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its place on the page of the definition.
    pub(crate) anchor: String,
    /// `GET`, `rpc`, `type`
    pub(crate) badge: String,
    /// Path, channel or name.
    pub(crate) name: String,
    pub(crate) summary: String,
}

impl Line {
    fn of(head: &Head) -> Self {
        let plain = |text: &str| text.replace(['\t', '\n'], " ");
        Self {
            anchor: plain(&head.anchor),
            badge: plain(&head.badge),
            name: plain(&head.name),
            summary: plain(&head.summary),
        }
    }

    /// The lines that were kept of an API.
    pub(in super::super) fn read(kept: &str) -> Vec<Self> {
        let line = |text: &str| {
            let mut parts = text.splitn(4, '\t').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            Self { anchor: next(), badge: next(), name: next(), summary: next() }
        };
        kept.lines().map(line).collect()
    }
}

/// Adds the definition of an API to its document. One that cannot be read has no more words than the entity.
pub(super) fn add(document: &mut Document, entity: &Entity) {
    let Some(text) = entity.text(&["spec", "definition"]) else { return };
    let Ok(definition) = Definition::read(entity.text(&["spec", "type"]).unwrap_or_default(), text) else { return };
    document.add(Field::Definition, definition.info.title.as_str());
    let mut kept = String::new();
    let heads = definition.groups.iter().flat_map(|group| &group.entries);
    for head in heads.take(MOST_LINES) {
        // `words` has name and summary, too, but in lower case, which hides where parts of a word begin.
        document.add(Field::Definition, format!("{} {} {}", head.anchor, head.name, head.summary));
        document.add(Field::Definition, head.words.as_str());
        let Line { anchor, badge, name, summary } = Line::of(head);
        let _ = writeln!(kept, "{anchor}\t{badge}\t{name}\t{summary}");
    }
    if let Some(tree) = definition.tree() {
        let mut names = Vec::new();
        for schemas in ["/components/schemas", "/definitions"] {
            for (name, schema) in tree.pointer(schemas).and_then(Value::as_object).into_iter().flatten() {
                names.push(name.as_str());
                fields(schema, DEEPEST, &mut names);
            }
        }
        names.sort_unstable();
        names.dedup();
        document.add(Field::Definition, names.join(" "));
    }
    document.kept = kept;
}

/// Names of the fields that a schema describes.
fn fields<'a>(schema: &'a Value, depth: usize, names: &mut Vec<&'a str>) {
    if depth == 0 || names.len() >= MOST_NAMES {
        return;
    }
    for (key, value) in schema.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (name, schema) in properties {
                    names.push(name);
                    fields(schema, depth - 1, names);
                }
            }
            ("items" | "additionalProperties", schema) => fields(schema, depth - 1, names),
            ("allOf" | "oneOf" | "anyOf", Value::Array(schemas)) => {
                for schema in schemas {
                    fields(schema, depth - 1, names);
                }
            }
            _ => {}
        }
    }
}
