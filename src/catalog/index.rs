//! The catalog in memory: every entity finished and serialised, found by reference, uid and any field.
//!
//! An [`Index`] never changes once it is shared. [`Index::apply`] takes changed rows in the order of the change log,
//! finds out whose relations that changes, and finishes those entities again; the result depends only on the rows, not
//! on the order in which they came.
//!
//! Entities have numbers (slots), so a set of entities is a [`Bits`]; for each field there is the set of each value.
//! Everything large is behind an `Arc`, so the copy made for a change shares what the change does not touch.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::bits::Bits;
use super::record::{Fact, Record, Row};
use crate::entity::{self, Edge, EntityRef, Relation};

/// A snapshot of the whole catalog.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// The last change that is in it.
    pub(super) sequence: i64,
    rows: HashMap<Arc<str>, Arc<Row>>,
    slots: Vec<Option<Arc<Record>>>,
    free: Vec<u32>,
    by_reference: HashMap<Arc<str>, u32>,
    by_uid: HashMap<Uuid, u32>,
    all: Bits,
    fields: HashMap<Arc<str>, Arc<Field>>,
    /// What each entity states, by the entity that states it.
    stated: HashMap<Arc<str>, Arc<[Edge]>>,
    /// What each entity shows, with how often it is stated; also of entities that do not exist.
    shown: HashMap<Arc<str>, Arc<BTreeMap<Relation, u32>>>,
}

/// The entities by the values of one field.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    /// Everything that has the field.
    pub(super) present: Bits,
    /// By value in lower case.
    pub(super) folded: BTreeMap<Arc<str>, Bits>,
    /// By value as written.
    pub(super) original: BTreeMap<Arc<str>, Bits>,
}

/// One changed entity: its new row, or none.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) reference: Arc<str>,
    pub(super) row: Option<Row>,
}

impl Index {
    /// How many entities there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_reference.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_reference.is_empty()
    }

    /// The last change that is in it: a version of the whole catalog.
    #[cfg(test)]
    pub(crate) fn sequence(&self) -> i64 {
        self.sequence
    }

    /// One entity.
    pub(crate) fn get(&self, reference: &EntityRef) -> Option<&Arc<Record>> {
        self.get_exact(&reference.to_string())
    }

    /// One entity by its canonical reference, compared as it is.
    pub(crate) fn get_exact(&self, reference: &str) -> Option<&Arc<Record>> {
        self.record(*self.by_reference.get(reference)?)
    }

    /// One entity by its uid.
    pub(crate) fn by_uid(&self, uid: Uuid) -> Option<&Arc<Record>> {
        self.record(*self.by_uid.get(&uid)?)
    }

    /// Every entity, in no particular order.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.slots.iter().flatten()
    }

    pub(super) fn record(&self, slot: u32) -> Option<&Arc<Record>> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub(super) fn all(&self) -> &Bits {
        &self.all
    }

    pub(super) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.get(key).map(AsRef::as_ref)
    }

    /// Takes changed rows.
    pub(super) fn apply(&mut self, changes: Vec<Changed>) {
        let mut touched: HashSet<Arc<str>> = HashSet::new();
        for Changed { reference, row } in changes {
            let edges = row.as_ref().map(|row| entity::edges(&row.document)).unwrap_or_default();
            self.state(&reference, edges, &mut touched);
            match row {
                Some(row) => {
                    self.rows.insert(Arc::clone(&reference), Arc::new(row));
                }
                None => {
                    self.rows.remove(&reference);
                }
            }
            touched.insert(reference);
        }
        for reference in touched {
            self.refresh(&reference);
        }
    }

    /// Replaces what an entity states; `touched` gets everybody who shows something else now.
    fn state(&mut self, by: &Arc<str>, edges: Vec<Edge>, touched: &mut HashSet<Arc<str>>) {
        let unique: BTreeSet<Edge> = edges.into_iter().collect();
        let before = self.stated.remove(by).unwrap_or_else(|| Arc::from([]));
        for edge in before.iter().filter(|edge| !unique.contains(edge)) {
            let source: Arc<str> = edge.source.as_str().into();
            if let Some(shown) = self.shown.get_mut(&source) {
                let shown = Arc::make_mut(shown);
                if let Some(count) = shown.get_mut(&edge.relation) {
                    *count -= 1;
                    if *count == 0 {
                        shown.remove(&edge.relation);
                    }
                }
                if shown.is_empty() {
                    self.shown.remove(&source);
                }
            }
            touched.insert(source);
        }
        for edge in unique.iter().filter(|edge| !before.contains(edge)) {
            let source: Arc<str> = edge.source.as_str().into();
            let shown = self.shown.entry(Arc::clone(&source)).or_default();
            *Arc::make_mut(shown).entry(edge.relation.clone()).or_default() += 1;
            touched.insert(source);
        }
        if !unique.is_empty() {
            self.stated.insert(Arc::clone(by), unique.into_iter().collect());
        }
    }

    /// Finishes one entity again, or removes it.
    fn refresh(&mut self, reference: &Arc<str>) {
        let slot = self.by_reference.get(reference).copied();
        if let Some(slot) = slot
            && let Some(record) = self.slots[slot as usize].take()
        {
            for fact in &record.facts {
                self.forget(fact, slot);
            }
            self.by_uid.remove(&record.uid);
        }
        let Some(row) = self.rows.get(reference).cloned() else {
            if let Some(slot) = slot {
                self.by_reference.remove(reference);
                self.all.remove(slot);
                self.free.push(slot);
            }
            return;
        };
        let shown = self.shown.get(reference);
        let relations: Vec<Relation> = shown.into_iter().flat_map(|shown| shown.keys().cloned()).collect();
        let record = Arc::new(Record::finish(&row, &relations));
        let slot = slot.unwrap_or_else(|| self.new_slot(reference));
        for fact in &record.facts {
            self.learn(fact, slot);
        }
        self.by_uid.insert(record.uid, slot);
        self.slots[slot as usize] = Some(record);
    }

    fn new_slot(&mut self, reference: &Arc<str>) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1)
                .expect("a catalog of four thousand million entities does not fit in memory")
        });
        self.by_reference.insert(Arc::clone(reference), slot);
        self.all.insert(slot);
        slot
    }

    fn learn(&mut self, fact: &Fact, slot: u32) {
        let field = Arc::make_mut(self.fields.entry(Arc::clone(&fact.key)).or_default());
        field.present.insert(slot);
        for (values, value) in [(&mut field.folded, &fact.folded), (&mut field.original, &fact.original)] {
            if let Some(value) = value {
                values.entry(Arc::clone(value)).or_default().insert(slot);
            }
        }
    }

    fn forget(&mut self, fact: &Fact, slot: u32) {
        let Some(field) = self.fields.get_mut(&fact.key) else {
            return;
        };
        let field = Arc::make_mut(field);
        field.present.remove(slot);
        for (values, value) in [(&mut field.folded, &fact.folded), (&mut field.original, &fact.original)] {
            let Some(value) = value else { continue };
            if let Some(slots) = values.get_mut(value) {
                slots.remove(slot);
                if slots.is_empty() {
                    values.remove(value);
                }
            }
        }
        if field.present.is_empty() {
            self.fields.remove(&fact.key);
        }
    }
}

#[cfg(test)]
mod tests;
