//! What an entity is found by: the rows of Backstage's `search` table, read from the text of its document.
//!
//! A row is a path in lower case (`metadata.tags`, `spec.owner`) with a value. A list of texts also gives a row for each
//! item as part of the path (`metadata.tags.java=true`). Rows of relations are not here: they depend on other entities.
//! The document is never built as a tree; a catalog of any size is read this way at every start.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::BuildHasher as _;
use std::ops::Range;
use std::sync::LazyLock;

use hashbrown::DefaultHashBuilder;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longer paths are left out, longer values count as being there without a value.
const LONGEST: usize = 200;
/// Parts of a document that nobody looks for.
const NOT_FOUND_BY: &[&str] = &["attachments", "relations", "status", "metadata.etag"];

/// The facts of one document, sorted by key (in the order of hashes), value, and value as written; none twice.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// All keys and values, one after the other.
    text: String,
    rows: Vec<Row>,
    /// The only keys that are looked for; without any, all are.
    only: &'static [&'static str],
    /// Members of the document that have some of those and were not met yet.
    ahead: usize,
}

#[derive(Debug)]
struct Row {
    hash: u64,
    key: Range<usize>,
    /// In lower case, and as written.
    value: Option<(Range<usize>, Range<usize>)>,
}

/// One key, with its value in lower case and as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fact<'a> {
    pub(super) key: Key<'a>,
    /// None for null and for what is too long.
    pub(super) value: Option<FactValue<'a>>,
}

/// A path with its hash, by which it is found and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    pub(super) hash: u64,
    pub(super) path: &'a str,
}

/// A value in lower case, and as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FactValue<'a> {
    pub(super) folded: &'a str,
    pub(super) original: &'a str,
}

impl Facts {
    /// Reads the facts of a document; what is no JSON object has none. Of `only` some keys, unless that is empty; those in
    /// one member of the document stand beside each other.
    pub(super) fn of(document: &str, only: &'static [&'static str]) -> Self {
        let length = if only.is_empty() { document.len() } else { 0 };
        let member = |key: &&'static str| key.split('.').next();
        let ahead = only.chunk_by(|one, next| member(one) == member(next)).count();
        let (text, rows) = (String::with_capacity(length), Vec::with_capacity(length.min(64)));
        let mut facts = Self { text, rows, only, ahead };
        let mut path = String::with_capacity(LONGEST);
        let seed = Part { path: &mut path, facts: &mut facts, is_item: false };
        // The document was checked before it was stored; facts found before a fault stay.
        let _ = seed.deserialize(&mut serde_json::Deserializer::from_str(document));
        facts.settle();
        facts
    }

    /// Every fact in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Fact<'_>> {
        self.rows.iter().map(|row| self.fact(row))
    }

    /// Adds what the document itself does not say.
    pub(super) fn state(&mut self, path: &str, value: &str) {
        if self.are_at(path) {
            self.add(path, Some(value));
            self.settle();
        }
    }

    fn fact(&self, row: &Row) -> Fact<'_> {
        let value = |(folded, original): &(Range<usize>, Range<usize>)| FactValue {
            folded: &self.text[folded.clone()],
            original: &self.text[original.clone()],
        };
        let key = Key { hash: row.hash, path: &self.text[row.key.clone()] };
        Fact { key, value: row.value.as_ref().map(value) }
    }

    fn settle(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        // Most rows differ in their hash.
        let compare =
            |a: &Row, b: &Row| -> Ordering { a.hash.cmp(&b.hash).then_with(|| self.fact(a).cmp(&self.fact(b))) };
        rows.sort_unstable_by(compare);
        rows.dedup_by(|a, b| compare(a, b) == Ordering::Equal);
        self.rows = rows;
    }

    /// Whether what is at a path, or below it, is looked for.
    fn are_at(&self, path: &str) -> bool {
        let leads_to = |key: &str| {
            let (key, path) = (key.as_bytes(), path.as_bytes());
            let is_on_the_way = key.get(..path.len()).is_some_and(|start| start.eq_ignore_ascii_case(path));
            is_on_the_way && key.get(path.len()).is_none_or(|next| *next == b'.')
        };
        self.only.is_empty() || path.is_empty() || self.only.iter().any(|key| leads_to(key))
    }

    /// Whether nothing that is looked for comes behind this member of the document.
    fn was_last(&mut self, member: &str) -> bool {
        if self.only.iter().all(|key| key.split('.').next() != Some(member)) {
            return false;
        }
        self.ahead = self.ahead.saturating_sub(1);
        self.ahead == 0
    }

    fn add(&mut self, path: &str, value: Option<&str>) {
        if path.len() > LONGEST {
            return;
        }
        let path = fold(path);
        let (hash, key) = (hash_of(&path), self.push(&path));
        let value = value.filter(|value| value.len() <= LONGEST).map(|value| {
            let original = self.push(value);
            let folded = match fold(value) {
                Cow::Borrowed(_) => original.clone(),
                Cow::Owned(folded) => self.push(&folded),
            };
            (folded, original)
        });
        self.rows.push(Row { hash, key, value });
    }

    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

/// The same for one process: nobody outside can choose texts that collide.
pub(super) fn hash_of(text: &str) -> u64 {
    static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);
    HASHER.hash_one(text)
}

/// A text in lower case.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        text.to_lowercase().into()
    } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

/// Reads one value of a document at a path.
struct Part<'a> {
    path: &'a mut String,
    facts: &'a mut Facts,
    /// Whether it stands in a list.
    is_item: bool,
}

impl Part<'_> {
    fn value(self, value: Option<&str>) {
        self.facts.add(self.path, value);
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if NOT_FOUND_BY.contains(&self.path.as_str()) || !self.facts.are_at(self.path) {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.value(None);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.value(Some(if value { "true" } else { "false" }));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.value(Some(&value.to_string()));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.value(Some(&value.to_string()));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        // As JSON writes it, which is not how Rust does.
        let text = serde_json::Number::from_f64(value).map(|number| number.to_string());
        self.value(text.as_deref());
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.facts.add(self.path, Some(value));
        if self.is_item {
            let end = self.path.len();
            self.path.push('.');
            self.path.push_str(value);
            self.facts.add(self.path, Some("true"));
            self.path.truncate(end);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { path, facts, .. } = self;
        while items.next_element_seed(Part { path, facts, is_item: true })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { path, facts, .. } = self;
        let end = path.len();
        while map.next_key_seed(Step(path))?.is_some() {
            map.next_value_seed(Part { path, facts, is_item: false })?;
            if end == 0 && facts.was_last(path) {
                return Err(A::Error::custom("nothing else is looked for"));
            }
            path.truncate(end);
        }
        Ok(())
    }
}

/// Adds the key that comes to a path.
struct Step<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Step<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0.push_str(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn shown(facts: &Facts) -> Vec<String> {
        let show = |fact: Fact<'_>| format!("{}={}", fact.key.path, fact.value.map_or("∅", |value| value.original));
        let mut shown: Vec<_> = facts.iter().map(show).collect();
        shown.sort();
        shown
    }

    #[test]
    fn facts_are_backstages_search_rows() {
        let document = json!({
            "kind": "Component", "metadata": {"name": "X.Y", "tags": ["Java"], "etag": "e", "annotations": {"A/b": "C"}},
            "spec": {"number": 3, "float": 1.5, "boolean": true, "nothing": null, "long": "l".repeat(201),
                     "nested": {"deep": [{"x": 1}, {"x": 2}]}, "Größe": "ÄÖ"},
            "status": {"items": []}
        });
        let facts = Facts::of(&document.to_string(), &[]);
        assert_eq!(
            shown(&Facts::of(&document.to_string(), &["kind", "metadata.name"])),
            ["kind=Component", "metadata.name=X.Y"]
        );
        assert_eq!(
            shown(&facts),
            [
                "kind=Component",
                "metadata.annotations.a/b=C",
                "metadata.name=X.Y",
                "metadata.tags.java=true",
                "metadata.tags=Java",
                "spec.boolean=true",
                "spec.float=1.5",
                "spec.größe=ÄÖ",
                "spec.long=∅",
                "spec.nested.deep.x=1",
                "spec.nested.deep.x=2",
                "spec.nothing=∅",
                "spec.number=3",
            ]
        );
        let umlauts = facts.iter().find(|fact| fact.key.path == "spec.größe").and_then(|fact| fact.value);
        assert_eq!(umlauts.map(|value| value.folded), Some("äö"));
    }

    /// The same rows, found in the document as a tree.
    fn naive(path: &str, value: &Value, is_item: bool, rows: &mut Vec<(String, Option<String>)>) {
        if NOT_FOUND_BY.contains(&path) {
            return;
        }
        let mut add = |path: &str, value: Option<&str>| {
            if path.len() <= LONGEST {
                rows.push((path.to_lowercase(), value.filter(|value| value.len() <= LONGEST).map(str::to_owned)));
            }
        };
        match value {
            Value::Null => add(path, None),
            Value::String(text) => {
                add(path, Some(text));
                if is_item {
                    add(&format!("{path}.{text}"), Some("true"));
                }
            }
            Value::Bool(_) | Value::Number(_) => add(path, Some(&value.to_string())),
            Value::Array(items) => items.iter().for_each(|item| naive(path, item, true, rows)),
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                naive(&path, value, false, rows);
            }),
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-cA-C.äÄ\"\\\\]{0,4}".prop_map(Value::from),
            (190_usize..210).prop_map(|length| Value::from("x".repeat(length))),
        ];
        let value = leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-cA-C.ä]{1,3}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        let key = prop::sample::select(vec!["kind", "metadata", "spec", "relations", "status", "Attachments", "x"]);
        prop::collection::btree_map(key.prop_map(str::to_owned), value, 0..6)
            .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
    }

    proptest! {
        #[test]
        fn reading_the_text_gives_what_the_tree_has(document in documents()) {
            let facts = Facts::of(&document.to_string(), &[]);
            let found: Vec<_> = facts
                .iter()
                .map(|fact| (fact.key.path.to_owned(), fact.value.map(|value| value.original.to_owned())))
                .collect();
            for fact in facts.iter() {
                if let Some(value) = fact.value {
                    prop_assert_eq!(value.folded, value.original.to_lowercase());
                }
            }
            let (mut found_sorted, mut expected) = (found.clone(), Vec::new());
            naive("", &document, false, &mut expected);
            found_sorted.sort();
            expected.sort();
            expected.dedup();
            prop_assert_eq!(found_sorted, expected);
        }
    }
}
