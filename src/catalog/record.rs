//! One entity of the index, finished: the document as stored, with uid, relations, status and etag as Backstage
//! writes them, serialised once, and the rows by which it is found.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::reader::hex;
use crate::entity::{Entity, EntityRef, Relation, ValidationError};
use crate::yaml::Positions;

/// An entity as the store has it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) uid: Uuid,
    /// The root location it belongs to: `type:target`.
    pub(super) source: Arc<str>,
    /// The file it is in: `type:target`.
    pub(super) location: String,
    /// The `Location` entity that led to it.
    pub(super) parent: Option<String>,
    /// The document without uid, etag, relations and status.
    pub(super) document: Arc<Entity>,
    /// What is wrong with its newest version.
    pub(super) errors: Vec<Value>,
    /// Nothing declares it any more.
    pub(super) is_orphan: bool,
    pub(super) positions: Option<Arc<Positions>>,
    pub(super) version: Option<String>,
}

/// One entity of the index.
#[derive(Debug)]
pub(crate) struct Record {
    /// The finished document.
    pub(crate) entity: Entity,
    /// Its canonical reference.
    pub(crate) reference: EntityRef,
    /// Kept over every change and restart.
    pub(crate) uid: Uuid,
    /// Changes with anything in `entity`.
    pub(crate) etag: String,
    /// `entity`, serialised.
    pub(crate) json: Bytes,
    /// The file it is in, as `type:target`: the base of relative references.
    pub(crate) location: String,
    /// The root location it belongs to, as `type:target`.
    pub(crate) source: String,
    /// The `Location` entity that led to it.
    pub(crate) parent: Option<String>,
    /// Where the fields were written; only of templates.
    pub(crate) positions: Option<Arc<Positions>>,
    /// Commit or content hash of its file.
    pub(crate) version: Option<String>,
    /// What it is found by, sorted by key.
    pub(super) facts: Box<[Fact]>,
    /// Lower-case text that people search in.
    pub(super) haystack: Box<str>,
}

/// One key and value by which an entity is found; both are compared in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fact {
    pub(super) key: Arc<str>,
    /// Lower case; none for null and for what is too long.
    pub(super) folded: Option<Arc<str>>,
    /// As written.
    pub(super) original: Option<Arc<str>>,
}

impl Record {
    /// Finishes a row with the relations that the whole catalog gives it.
    pub(super) fn finish(row: &Row, relations: &[Relation]) -> Self {
        let mut entity = (*row.document).clone();
        let uid = row.uid.to_string();
        let own_etag = entity.text(&["metadata", "etag"]).map(str::to_owned);
        if let Some(Value::Object(metadata)) = entity.0.get_mut("metadata") {
            metadata.insert("uid".to_owned(), json!(uid));
            if row.is_orphan
                && let Some(Value::Object(annotations)) = metadata.get_mut("annotations")
            {
                annotations.insert("backstage.io/orphan".to_owned(), json!("true"));
            }
        }
        let facts = facts(&entity, relations);
        entity.0.insert("relations".to_owned(), json!(relations));
        if !row.errors.is_empty() {
            entity.0.insert("status".to_owned(), json!({"items": row.errors}));
        }
        let etag = own_etag.unwrap_or_else(|| digest(&serialised(&entity)));
        if let Some(Value::Object(metadata)) = entity.0.get_mut("metadata") {
            metadata.insert("etag".to_owned(), json!(etag));
        }
        let json = Bytes::from(serialised(&entity));
        Self {
            reference: entity.reference(),
            uid: row.uid,
            etag,
            json,
            location: row.location.clone(),
            source: row.source.to_string(),
            parent: row.parent.clone(),
            positions: row.positions.clone(),
            version: row.version.clone(),
            facts,
            haystack: haystack(&entity),
            entity,
        }
    }

    /// The facts of one key (lower case).
    pub(super) fn facts_of(&self, key: &str) -> &[Fact] {
        let start = self.facts.partition_point(|fact| &*fact.key < key);
        let length = self.facts[start..].partition_point(|fact| &*fact.key == key);
        &self.facts[start..start + length]
    }

    /// The smallest value of a key (lower case), which it is ordered by.
    pub(super) fn order_value(&self, key: &str) -> Option<&Arc<str>> {
        self.facts_of(key).iter().filter_map(|fact| fact.folded.as_ref()).min()
    }
}

/// What is shown in `status.items` for an error.
pub(super) fn status_item(error: &ValidationError) -> Value {
    json!({"type": "backstage.io/catalog-processing", "level": "error", "message": error.to_string(), "error": error})
}

fn serialised(entity: &Entity) -> Vec<u8> {
    // Objects with text keys always serialise.
    serde_json::to_vec(entity).unwrap_or_default()
}

/// Forty hexadecimal digits over some bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut text = hex(&Sha256::digest(bytes));
    text.truncate(40);
    text
}

const MAX_KEY: usize = 200;
const MAX_VALUE: usize = 200;

/// The rows by which an entity is found, as Backstage builds its `search` table.
fn facts(entity: &Entity, relations: &[Relation]) -> Box<[Fact]> {
    let mut facts = Facts::default();
    facts.object("", &entity.0);
    for relation in relations {
        facts.add(&format!("relations.{}", relation.kind), Some(&relation.target));
    }
    facts.rows.sort();
    facts.rows.dedup();
    facts.rows.into()
}

#[derive(Default)]
struct Facts {
    rows: Vec<Fact>,
}

impl Facts {
    fn object(&mut self, path: &str, map: &Map<String, Value>) {
        for (key, value) in map {
            if path.is_empty() {
                self.visit(key, value);
            } else {
                self.visit(&format!("{path}.{key}"), value);
            }
        }
    }

    /// Depth is bounded by what documents may have.
    fn visit(&mut self, path: &str, value: &Value) {
        const NOT_FOUND_BY: &[&str] = &["attachments", "relations", "status", "metadata.etag"];
        if NOT_FOUND_BY.contains(&path) {
            return;
        }
        match value {
            Value::Null => self.add(path, None),
            Value::String(text) => self.add(path, Some(text)),
            Value::Number(_) | Value::Bool(_) => self.add(path, Some(&value.to_string())),
            Value::Array(items) => {
                for item in items {
                    self.visit(path, item);
                    if let Value::String(item) = item {
                        self.add(&format!("{path}.{item}"), Some("true"));
                    }
                }
            }
            Value::Object(map) => self.object(path, map),
        }
    }

    fn add(&mut self, key: &str, value: Option<&str>) {
        if key.len() > MAX_KEY {
            return;
        }
        let original = value.filter(|value| value.len() <= MAX_VALUE);
        self.rows.push(Fact {
            key: key.to_lowercase().into(),
            folded: original.map(|value| value.to_lowercase().into()),
            original: original.map(Arc::from),
        });
    }
}

fn haystack(entity: &Entity) -> Box<str> {
    let mut text = String::new();
    let parts = [Some(entity.name()), Some(entity.title()), entity.description()].into_iter().flatten();
    for part in parts.chain(entity.tags()) {
        text.push_str(&part.to_lowercase());
        text.push('\n');
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(document: Value) -> Row {
        Row {
            uid: Uuid::nil(),
            source: "file:/all.yaml".into(),
            location: "file:/x.yaml".to_owned(),
            parent: None,
            document: Arc::new(serde_json::from_value(document).unwrap()),
            errors: Vec::new(),
            is_orphan: false,
            positions: None,
            version: None,
        }
    }

    fn relation(kind: &str, target: &str) -> Relation {
        Relation { kind: kind.to_owned(), target: target.to_owned() }
    }

    #[test]
    fn facts_are_backstages_search_rows() {
        let document = json!({
            "kind": "Component", "metadata": {"name": "X.Y", "tags": ["Java"], "etag": "e", "annotations": {"A/b": "C"}},
            "spec": {"number": 3, "float": 1.5, "boolean": true, "nothing": null, "long": "l".repeat(201),
                     "nested": {"deep": [{"x": 1}, {"x": 2}]}},
            "status": {"items": []}
        });
        let record = Record::finish(&row(document), &[relation("ownedBy", "group:default/g")]);
        let shown: Vec<String> = record
            .facts
            .iter()
            .map(|fact| format!("{}={}", fact.key, fact.original.as_deref().unwrap_or("∅")))
            .collect();
        assert_eq!(
            shown,
            [
                "kind=Component",
                "metadata.annotations.a/b=C",
                "metadata.name=X.Y",
                "metadata.tags=Java",
                "metadata.tags.java=true",
                "metadata.uid=00000000-0000-0000-0000-000000000000",
                "relations.ownedby=group:default/g",
                "spec.boolean=true",
                "spec.float=1.5",
                "spec.long=∅",
                "spec.nested.deep.x=1",
                "spec.nested.deep.x=2",
                "spec.nothing=∅",
                "spec.number=3",
            ]
        );
        assert_eq!(record.facts_of("spec.nested.deep.x").len(), 2);
        assert_eq!(record.order_value("metadata.name").map(|value| &**value), Some("x.y"));
        assert_eq!(record.etag, "e");
    }

    #[test]
    fn the_etag_follows_everything_and_comes_back() {
        let plain = row(json!({"kind": "Component", "metadata": {"name": "x"}}));
        let first = Record::finish(&plain, &[]);
        let related = Record::finish(&plain, &[relation("ownedBy", "group:default/g")]);
        let mut broken = plain.clone();
        broken.errors = vec![status_item(&ValidationError::new("Error", "no"))];
        let broken = Record::finish(&broken, &[]);
        assert_eq!(first.etag.len(), 40);
        assert_ne!(first.etag, related.etag);
        assert_ne!(first.etag, broken.etag);
        assert_eq!(first.etag, Record::finish(&plain, &[]).etag);
        assert_eq!(broken.entity.0["status"]["items"][0]["message"], "Error: no");
        assert_eq!(first.entity.0["relations"], json!([]));
    }
}
