//! The catalog in memory: every entity finished and serialised, found by reference, uid and any field.
//!
//! An [`Index`] never changes once it is shared. [`Index::apply`] takes changed rows in the order of the change log,
//! finds out whose relations that changes, and finishes those entities again; the result depends only on the rows, not
//! on the order in which they came.
//!
//! Entities have numbers (slots), so a set of entities is a [`Bits`]; for each field there is the set of each value.
//! Everything lies in shared pieces (see [`Graph`], [`Table`], [`Sorted`]): a copy costs next to nothing, and a change
//! copies what it touches, so its cost does not depend on the size of the catalog.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use uuid::Uuid;

use super::bits::Bits;
use super::facts::{FactValue, Facts};
use super::field::Field;
use super::graph::{Graph, Shown};
use super::record::{Record, Row};
use super::sorted::Sorted;
use super::table::Table;
use crate::entity::EntityRef;

/// The field by which entities are in order if no other is asked for.
pub(super) const UID: &str = "metadata.uid";

/// A snapshot of the whole catalog.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// The last change that is in it.
    pub(super) sequence: i64,
    graph: Graph,
    all: Bits,
    fields: Table<(Arc<str>, Arc<Field>)>,
    hasher: DefaultHashBuilder,
    /// The sources, files and parents that entities have in common.
    places: Sorted<Arc<str>, Arc<str>>,
}

/// One changed entity: its new row, or none.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) reference: Arc<str>,
    pub(super) row: Option<Row>,
}

/// What an entity was and is to be.
#[derive(Default)]
struct Touched {
    /// The new row, where it has one.
    row: Option<Row>,
    is_gone: bool,
    /// What it showed before, where that is something else now.
    before: Option<Arc<[Shown]>>,
}

impl Index {
    /// An empty one that has seen everything up to a change.
    pub(super) fn at(sequence: i64) -> Self {
        Self { sequence, ..Self::default() }
    }

    /// How many entities there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The last change that is in it: a version of the whole catalog.
    #[cfg(test)]
    pub(crate) fn sequence(&self) -> i64 {
        self.sequence
    }

    /// One entity.
    pub(crate) fn get(&self, reference: &EntityRef) -> Option<&Arc<Record>> {
        self.get_exact(reference.as_str())
    }

    /// One entity by its canonical reference, compared as it is.
    pub(crate) fn get_exact(&self, reference: &str) -> Option<&Arc<Record>> {
        self.record(self.graph.find(reference)?)
    }

    /// One entity by its uid.
    pub(crate) fn by_uid(&self, uid: Uuid) -> Option<&Arc<Record>> {
        let mut buffer = Uuid::encode_buffer();
        let posting = self.field(UID)?.values().get(&*uid.hyphenated().encode_lower(&mut buffer))?;
        self.record(posting.slots.iter().next()?)
    }

    /// Every entity, in no particular order.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.graph.records()
    }

    pub(super) fn record(&self, slot: u32) -> Option<&Arc<Record>> {
        self.graph.record(slot)
    }

    #[cfg(test)]
    pub(super) fn slot(&self, reference: &str) -> Option<u32> {
        self.graph.find(reference).filter(|slot| self.all.contains(*slot))
    }

    pub(super) fn all(&self) -> &Bits {
        &self.all
    }

    /// A field by its path in lower case.
    pub(super) fn field(&self, key: &str) -> Option<&Field> {
        let found = self.fields.find(self.hasher.hash_one(key), |(known, _)| **known == *key);
        found.map(|(_, field)| &**field)
    }

    /// Takes changed rows.
    pub(super) fn apply(&mut self, changes: Vec<Changed>) {
        let mut touched: BTreeMap<u32, Touched> = BTreeMap::new();
        let mut shifts = Vec::new();
        for Changed { reference, row } in changes {
            let slot = self.graph.take(&reference);
            let edges = row.as_ref().map_or(&[][..], |row| &row.edges);
            self.graph.state(slot, edges, &mut shifts);
            touched.insert(slot, Touched { is_gone: row.is_none(), row, before: None });
        }
        for (slot, before) in self.graph.shift(shifts) {
            touched.entry(slot).or_default().before = Some(before);
        }
        let slots: Vec<u32> = touched.keys().copied().collect();
        for (slot, touched) in touched {
            self.refresh(slot, touched);
        }
        for slot in slots {
            self.graph.release(slot);
        }
    }

    /// Finishes one entity again, or removes it.
    fn refresh(&mut self, slot: u32, touched: Touched) {
        let old = self.graph.record(slot).cloned();
        let shown = self.graph.node(slot).shown().to_vec();
        let before = touched.before.as_deref().unwrap_or(&shown);
        let (row, is_gone) = (touched.row.map(|row| self.shared(row)), touched.is_gone);
        let new = match (row, &old) {
            (Some(row), _) => Record::finish(&row, &self.relations(&shown)).map(|record| (record, true)),
            (None, Some(old)) if !is_gone => Some((old.related(&self.relations(&shown)), false)),
            _ => None,
        };
        if new.is_none() && !is_gone && old.is_none() {
            // A name that is only referred to.
            return;
        }
        if new.as_ref().is_none_or(|(_, is_other)| *is_other) {
            let facts = |record: &Record| record.facts();
            let empty = Facts::default();
            let (old_facts, new_facts) = (old.as_deref().map(facts), new.as_ref().map(|(record, _)| facts(record)));
            self.learn(slot, old_facts.as_ref().unwrap_or(&empty), new_facts.as_ref().unwrap_or(&empty));
        }
        let old_shown = if old.is_some() { before } else { &[] };
        let new_shown = if new.is_some() { &shown[..] } else { &[] };
        self.relate(slot, old_shown, new_shown);
        match new {
            Some(_) => self.all.insert(slot),
            None => self.all.remove(slot),
        }
        self.graph.set(slot, new.map(|(record, _)| Arc::new(record)));
    }

    /// The row, with texts that other rows have too in one place.
    fn shared(&mut self, mut row: Row) -> Row {
        let mut share = |text: &Arc<str>| {
            if let Some(known) = self.places.get(&**text) {
                return Arc::clone(known);
            }
            Arc::clone(self.places.entry(&**text, || (Arc::clone(text), Arc::clone(text))))
        };
        row.source = share(&row.source);
        row.location = share(&row.location);
        row.parent = row.parent.as_ref().map(share);
        row
    }

    /// The relations as JSON.
    fn relations(&self, shown: &[Shown]) -> String {
        let mut json = String::with_capacity(2 + shown.len() * 64);
        json.push('[');
        for (kind, target) in self.graph.relations(shown) {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str("{\"type\":");
            push_json(&mut json, kind);
            json.push_str(",\"targetRef\":");
            push_json(&mut json, target);
            json.push('}');
        }
        json.push(']');
        json
    }

    /// Replaces what an entity is found by. Both are sorted, so they are compared key by key.
    fn learn(&mut self, slot: u32, old: &Facts, new: &Facts) {
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        let (mut before, mut after): (Vec<Option<FactValue<'_>>>, Vec<Option<FactValue<'_>>>) = Default::default();
        loop {
            let key = match (old.peek(), new.peek()) {
                (Some(old), Some(new)) => old.key.min(new.key),
                (Some(fact), None) | (None, Some(fact)) => fact.key,
                (None, None) => return,
            };
            before.clear();
            after.clear();
            before.extend(std::iter::from_fn(|| old.next_if(|fact| fact.key == key)).map(|fact| fact.value));
            after.extend(std::iter::from_fn(|| new.next_if(|fact| fact.key == key)).map(|fact| fact.value));
            if before != after {
                self.change_field(key, |field| field.replace(slot, &before, &after, |text| text.into()));
            }
        }
    }

    /// Replaces the relations an entity is found by.
    fn relate(&mut self, slot: u32, before: &[Shown], after: &[Shown]) {
        if before.iter().map(Shown::end).eq(after.iter().map(Shown::end)) {
            return;
        }
        let mut kinds: BTreeMap<String, [Vec<Arc<str>>; 2]> = BTreeMap::new();
        for (at, shown) in [before, after].into_iter().enumerate() {
            for (kind, target) in self.graph.relations(shown) {
                kinds.entry(format!("relations.{}", kind.to_lowercase())).or_default()[at].push(Arc::clone(target));
            }
        }
        for (key, [mut before, mut after]) in kinds {
            before.sort_unstable();
            after.sort_unstable();
            if before == after {
                continue;
            }
            let known: BTreeMap<&str, &Arc<str>> = after.iter().map(|target| (&**target, target)).collect();
            let shared = |text: &str| known.get(text).map_or_else(|| Arc::from(text), |known| Arc::clone(known));
            self.change_field(&key, |field| field.replace(slot, &told(&before), &told(&after), shared));
        }
    }

    fn change_field(&mut self, key: &str, change: impl FnOnce(&mut Field)) {
        let hash = self.hasher.hash_one(key);
        let is_it = |(known, _): &(Arc<str>, Arc<Field>)| **known == *key;
        let Some((_, field)) = self.fields.find_mut(hash, is_it) else {
            let mut field = Field::default();
            change(&mut field);
            if !field.present().is_empty() {
                let hasher = &self.hasher;
                self.fields.insert(hash, (key.into(), Arc::new(field)), |(key, _)| hasher.hash_one(&**key));
            }
            return;
        };
        change(Arc::make_mut(field));
        if field.present().is_empty() {
            self.fields.remove(hash, is_it);
        }
    }
}

/// References as values; they are in lower case.
fn told(targets: &[Arc<str>]) -> Vec<Option<FactValue<'_>>> {
    targets.iter().map(|target| Some(FactValue { folded: target, original: target })).collect()
}

fn push_json(json: &mut String, text: &str) {
    // Most names need no escapes.
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests;
