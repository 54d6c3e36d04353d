//! One entity of the index, finished: the document as stored, with uid, relations, status and etag as Backstage
//! writes them, as one text.
//!
//! The text is put together from the stored one without parsing it into a tree: `uid` and `etag` go to the end of
//! `metadata`, `relations` and `status` to the end of the entity. Where they were put is remembered, so other relations
//! need no more than the text itself.

use std::borrow::Cow;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::edges::Edges;
use super::facts::Facts;
use super::origin::Origin;
use crate::entity::{Entity, EntityRef, Relation, ValidationError};
use crate::yaml::Positions;

/// An entity as the store has it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) uid: Uuid,
    pub(super) origin: Arc<Origin>,
    /// The document without uid, etag, relations and status, as JSON.
    pub(super) document: String,
    /// What its document states about itself and others.
    pub(super) edges: Edges,
    /// What is wrong with its newest version: a JSON list.
    pub(super) errors: Option<String>,
    /// Nothing declares it any more.
    pub(super) is_orphan: bool,
    pub(super) positions: Option<Arc<Positions>>,
}

impl Row {
    /// An entity that is stored nowhere: nothing is known of it but its document.
    pub(super) fn alone(uid: Uuid, source: &str, entity: &Entity) -> Self {
        let origin = Origin { location: source.into(), source: source.into(), parent: None, version: None };
        Self {
            uid,
            origin: Arc::new(origin),
            // Objects with text keys always serialise.
            document: serde_json::to_string(entity).unwrap_or_default(),
            edges: Edges::of(entity.reference().as_str(), &crate::entity::edges(entity)),
            errors: None,
            is_orphan: false,
            positions: None,
        }
    }
}

/// One entity of the index.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its canonical reference.
    pub(crate) reference: EntityRef,
    /// Kept over every change and restart.
    pub(crate) uid: Uuid,
    /// The finished document.
    pub(crate) json: Bytes,
    origin: Arc<Origin>,
    /// Where the fields were written; only of templates.
    pub(crate) positions: Option<Arc<Positions>>,
    /// What to call it on a page.
    pub(crate) title: Box<str>,
    /// Lower-case text that people search in.
    pub(super) haystack: Box<str>,
    seams: Seams,
}

/// Whatever is known of its origin is known of an entity.
impl Deref for Record {
    type Target = Origin;

    fn deref(&self) -> &Origin {
        &self.origin
    }
}

/// Where the finished text was put together.
#[derive(Debug, Clone)]
struct Seams {
    /// Where `metadata` ended, and where the rest of the entity goes on.
    metadata: Span,
    /// The list of relations.
    relations: Span,
    /// The etag that the document brings, without quotes; else one is at the end of `metadata`.
    own_etag: Option<Box<Span>>,
}

/// From and to a byte; documents are far below four gigabytes.
type Span = Range<u32>;

fn span(range: &Range<usize>) -> Span {
    let short = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    short(range.start)..short(range.end)
}

fn range(span: &Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// The parts of a finished text that do not change with the relations.
struct Parts<'a> {
    /// Up to the end of what `metadata` has by itself.
    head: &'a str,
    /// From the closing brace of `metadata` to the last member.
    middle: &'a str,
    /// From behind the relations to the end.
    tail: &'a str,
    uid: Uuid,
    own_etag: Option<Range<usize>>,
}

impl Record {
    /// Finishes a row. `relations` is a JSON list. What is no document of an entity becomes none.
    /// `name` is the canonical reference, as far as it is known already.
    pub(super) fn finish(name: &Arc<str>, row: &Row, relations: &str) -> Option<Self> {
        let outline = Outline::of(&row.document)?;
        if !outline.has_uid && !row.is_orphan {
            return Some(Self::of_parts(name, row, &row.document, &outline, relations));
        }
        let document = settled(row);
        Outline::of(&document).map(|outline| Self::of_parts(name, row, &document, &outline, relations))
    }

    fn of_parts(name: &Arc<str>, row: &Row, document: &str, outline: &Outline, relations: &str) -> Self {
        let tail = match &row.errors {
            Some(errors) => format!("{STATUS}{{\"items\":{errors}}}}}"),
            None => "}".to_owned(),
        };
        let parts = Parts {
            head: &document[..outline.metadata_end],
            middle: &document[outline.metadata_end..document.len() - 1],
            tail: &tail,
            uid: row.uid,
            own_etag: outline.etag.clone(),
        };
        let (json, seams) = parts.join(relations);
        Self {
            reference: EntityRef::shared(name, &outline.kind, outline.namespace(), &outline.name),
            uid: row.uid,
            json,
            origin: Arc::clone(&row.origin),
            positions: row.positions.clone(),
            haystack: outline.haystack(),
            title: outline.title().into(),
            seams,
        }
    }

    /// The same entity with other relations.
    pub(super) fn related(&self, relations: &str) -> Self {
        let text = self.text();
        let Seams { metadata, relations: before, own_etag } = &self.seams;
        let parts = Parts {
            head: &text[..range(metadata).start],
            middle: &text[range(metadata).end..range(before).start - RELATIONS.len()],
            tail: &text[range(before).end..],
            uid: self.uid,
            own_etag: own_etag.as_deref().map(range),
        };
        let (json, seams) = parts.join(relations);
        Self {
            reference: self.reference.clone(),
            uid: self.uid,
            json,
            origin: Arc::clone(&self.origin),
            positions: self.positions.clone(),
            haystack: self.haystack.clone(),
            title: self.title.clone(),
            seams,
        }
    }

    /// The finished document, as a tree.
    pub(crate) fn entity(&self) -> Entity {
        // It was put together from JSON objects.
        serde_json::from_slice(&self.json).unwrap_or_else(|_| Entity(Map::new()))
    }

    /// Its relations, in their order.
    pub(crate) fn relations(&self) -> Vec<Relation> {
        self.text()
            .get(range(&self.seams.relations))
            .and_then(|list| serde_json::from_str(list).ok())
            .unwrap_or_default()
    }

    /// Changes with anything in the document.
    pub(crate) fn etag(&self) -> &str {
        let Seams { metadata, own_etag, .. } = &self.seams;
        let end = (metadata.end as usize).saturating_sub(1);
        let etag = own_etag.as_deref().map_or(end.saturating_sub(ETAG_DIGITS)..end, range);
        self.text().get(etag).unwrap_or_default()
    }

    /// What it is found by, apart from its relations.
    pub(super) fn facts(&self) -> Facts {
        self.facts_of(&[])
    }

    /// The same of some keys.
    pub(super) fn facts_of(&self, keys: &'static [&'static str]) -> Facts {
        let mut facts = Facts::of(self.text(), keys);
        if self.is_broken() {
            facts.state(STATUS_LEVEL, "error");
        }
        facts
    }

    /// Whether its newest version is not right, or cannot be read.
    pub(crate) fn is_broken(&self) -> bool {
        self.text().get(range(&self.seams.relations).end..).is_some_and(|tail| tail.starts_with(STATUS))
    }

    fn text(&self) -> &str {
        // It was put together from texts.
        std::str::from_utf8(&self.json).unwrap_or_default()
    }
}

/// What stands behind the relations of an entity with errors.
const STATUS: &str = ",\"status\":";
/// The field by which entities with errors are found: of the status nothing else is.
pub(crate) const STATUS_LEVEL: &str = "status.level";

const RELATIONS: &str = ",\"relations\":";
/// How long an etag is that the document does not bring.
const ETAG_DIGITS: usize = 40;

impl Parts<'_> {
    fn join(&self, relations: &str) -> (Bytes, Seams) {
        let mut text = String::with_capacity(
            self.head.len() + self.middle.len() + self.tail.len() + relations.len() + RELATIONS.len() + 110,
        );
        text.push_str(self.head);
        text.push_str(",\"uid\":\"");
        text.push_str(self.uid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        text.push('"');
        if self.own_etag.is_none() {
            let hash = Sha256::new().chain_update(&text).chain_update(self.middle);
            let hash = hash.chain_update(relations).chain_update(self.tail);
            text.push_str(",\"etag\":\"");
            text.push_str(&forty_digits(&hash.finalize()));
            text.push('"');
        }
        let metadata = self.head.len()..text.len();
        text.push_str(self.middle);
        text.push_str(RELATIONS);
        let start = text.len();
        text.push_str(relations);
        let relations = start..text.len();
        text.push_str(self.tail);
        let own_etag = self.own_etag.as_ref().map(|etag| Box::new(span(etag)));
        let seams = Seams { metadata: span(&metadata), relations: span(&relations), own_etag };
        (text_of(text), seams)
    }
}

/// The bytes of a text, without room to spare: so many texts stay in memory.
fn text_of(mut text: String) -> Bytes {
    text.shrink_to_fit();
    Bytes::from(text)
}

/// The document with what would be put where something is already: a `uid`, the mark of an orphan.
fn settled(row: &Row) -> Cow<'_, str> {
    let Ok(mut entity) = serde_json::from_str::<Entity>(&row.document) else {
        return row.document.as_str().into();
    };
    if let Some(Value::Object(metadata)) = entity.0.get_mut("metadata") {
        metadata.shift_remove("uid");
        if row.is_orphan
            && let Value::Object(annotations) = metadata.entry("annotations").or_insert_with(|| json!({}))
        {
            annotations.insert("backstage.io/orphan".to_owned(), json!("true"));
        }
    }
    // Objects with text keys always serialise.
    serde_json::to_string(&entity).unwrap_or_default().into()
}

/// What must be known of a document to finish it.
#[derive(Default)]
struct Outline {
    kind: String,
    name: String,
    namespace: Option<String>,
    title: Option<String>,
    display_name: Option<String>,
    description: Option<String>,
    tags: Vec<String>,
    has_uid: bool,
    /// Where the text of its own etag is.
    etag: Option<Range<usize>>,
    /// Where the closing brace of `metadata` is.
    metadata_end: usize,
}

#[derive(serde::Deserialize)]
struct Metadata<'a> {
    name: String,
    namespace: Option<String>,
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(borrow)]
    uid: Option<&'a RawValue>,
    #[serde(borrow)]
    etag: Option<&'a RawValue>,
}

impl<'a> Metadata<'a> {
    fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        #[derive(serde::Deserialize)]
        struct Loose<'a> {
            name: Value,
            namespace: Option<Value>,
            #[serde(borrow)]
            uid: Option<&'a RawValue>,
            #[serde(borrow)]
            etag: Option<&'a RawValue>,
        }
        serde_json::from_str(text).or_else(|_| {
            // A kind of its own may have a title that is no text; it is then not shown.
            let Loose { name, namespace, uid, etag } = serde_json::from_str(text)?;
            let word = |value: Value| value.as_str().map(str::to_owned);
            let name = word(name).unwrap_or_default();
            let namespace = namespace.and_then(word);
            Ok(Self { name, namespace, title: None, description: None, tags: Vec::new(), uid, etag })
        })
    }
}

#[derive(serde::Deserialize, Default)]
struct Spec {
    profile: Option<Profile>,
}

#[derive(serde::Deserialize)]
struct Profile {
    #[serde(rename = "displayName")]
    display_name: Option<String>,
}

impl Outline {
    /// None for what is no entity: it was checked before it was stored.
    fn of(document: &str) -> Option<Self> {
        serde_json::Deserializer::from_str(document).deserialize_map(Members(document)).ok().flatten()
    }

    fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    fn title(&self) -> &str {
        let title = self.title.as_deref().or(self.display_name.as_deref());
        title.filter(|title| !title.is_empty()).unwrap_or(&self.name)
    }

    fn haystack(&self) -> Box<str> {
        let mut text = String::new();
        let parts = [self.name.as_str(), self.title()].into_iter().chain(self.description.as_deref());
        for part in parts.chain(self.tags.iter().map(String::as_str)) {
            text.push_str(&part.to_lowercase());
            text.push('\n');
        }
        // A copy: shrinking may leave a block as large as it was.
        text.as_str().into()
    }
}

/// Visits the members of a document, whose text it knows.
struct Members<'a>(&'a str);

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Option<Outline>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an entity")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut outline = Outline::default();
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            let text = value.get();
            match key.as_str() {
                "kind" => outline.kind = serde_json::from_str(text).unwrap_or_default(),
                // As it is stored, a text needs no escapes for such a key.
                "spec" if memmem::find(text.as_bytes(), b"\"profile\"").is_some() => {
                    let spec: Spec = serde_json::from_str(text).unwrap_or_default();
                    outline.display_name = spec.profile.and_then(|profile| profile.display_name);
                }
                "metadata" => {
                    let Ok(metadata) = Metadata::read(text) else { continue };
                    let end_of = |part: &str| part.as_ptr().addr() - self.0.as_ptr().addr() + part.len();
                    outline.metadata_end = end_of(text) - 1;
                    outline.has_uid = metadata.uid.is_some();
                    outline.etag = metadata.etag.map(RawValue::get).and_then(|etag| {
                        let end = end_of(etag);
                        let is_text = etag.starts_with('"');
                        is_text.then(|| end - etag.len() + 1..end - 1)
                    });
                    outline.name = metadata.name;
                    outline.namespace = metadata.namespace;
                    outline.title = metadata.title;
                    outline.description = metadata.description;
                    outline.tags = metadata.tags;
                }
                _ => {}
            }
        }
        Ok((outline.metadata_end > 0).then_some(outline))
    }
}

/// What is shown in `status.items` for an error.
pub(super) fn status_item(error: &ValidationError) -> Value {
    json!({"type": "backstage.io/catalog-processing", "level": "error", "message": error.to_string(), "error": error})
}

/// Forty hexadecimal digits over some bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    forty_digits(&Sha256::digest(bytes))
}

fn forty_digits(hash: &[u8]) -> String {
    let mut text = hex::encode(hash);
    text.truncate(ETAG_DIGITS);
    text
}

#[cfg(test)]
pub(super) mod tests;
