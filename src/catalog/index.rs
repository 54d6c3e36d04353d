//! The catalog in memory: every entity finished and serialised, found by reference, uid and any field.
//!
//! An [`Index`] never changes once it is shared. [`Index::apply`] takes changed rows in the order of the change log,
//! finds out whose relations that changes, and finishes those entities again; the result depends only on the rows, not
//! on the order in which they came.
//!
//! Entities have numbers (slots), so a set of entities is a [`Bits`]; for each field there is the set of each value.
//! Everything lies in shared pieces (see [`Graph`], [`Fields`], [`Sorted`]): a copy costs next to nothing, and a change
//! copies what it touches, so its cost does not depend on the size of the catalog.
//!
//! What entities are found by is learned when that is asked for first, or when an index that has some is changed: so the
//! first answer after a start does not wait for it.

mod settle;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use self::settle::{PACK, Prepared, Touched, learned, prepare};
use super::bits::Bits;
use super::field::Field;
use super::fields::Fields;
use super::graph::{Graph, Shift};
use super::origin::Origin;
use super::record::{Record, Row};
use super::sorted::Sorted;
use crate::entity::EntityRef;

/// The field by which entities are in order if no other is asked for.
pub(super) const UID: &str = "metadata.uid";

/// The fields that put lists in order for which nobody asked for one: by reference, or by uid. They are learned quickly.
const PLAIN: [&[&str]; 2] = [&["kind", "metadata.namespace", "metadata.name"], &[UID]];

/// A snapshot of the whole catalog.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// The last change that is in it.
    pub(super) sequence: i64,
    graph: Graph,
    all: Bits,
    fields: OnceLock<Fields>,
    /// Those of [`PLAIN`], for whoever asks before the others are learned.
    plain: [OnceLock<Fields>; 2],
    /// What entities of the same file have in common, and the texts that those have in common.
    origins: Sorted<Arc<Origin>, Arc<Origin>>,
    texts: Sorted<Arc<str>, Arc<str>>,
}

/// One changed entity: its new row, or none.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) reference: Arc<str>,
    pub(super) row: Option<Row>,
}

/// Changed rows whose relations are in the index, but not they themselves.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    touched: BTreeMap<u32, Touched>,
    shifts: Vec<Shift>,
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
        let found = self.field(UID)?.having(uid.hyphenated().encode_lower(&mut buffer))?;
        self.record(found.iter().next()?)
    }

    /// Every entity, in no particular order.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.graph.records()
    }

    /// Every entity that is not as it was in an earlier index, with its reference; none where it is gone. What both
    /// share is not looked at.
    pub(crate) fn changed_since(&self, before: &Self) -> Vec<(Arc<str>, Option<Arc<Record>>)> {
        self.graph.changed_since(&before.graph)
    }

    pub(super) fn record(&self, slot: u32) -> Option<&Arc<Record>> {
        self.graph.record(slot)
    }

    /// Everything that has a name, and who is related to whom.
    pub(super) fn graph(&self) -> &Graph {
        &self.graph
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
        let plain = PLAIN.into_iter().zip(&self.plain).find(|(keys, _)| keys.contains(&key));
        match plain.filter(|_| self.fields.get().is_none()) {
            Some((keys, plain)) => plain.get_or_init(|| learned(&self.graph, &self.all, keys)).get(key),
            None => self.fields().get(key),
        }
    }

    /// Every field, learned if nobody asked before: for many entities that takes a while.
    pub(super) fn fields(&self) -> &Fields {
        self.fields.get_or_init(|| learned(&self.graph, &self.all, &[]))
    }

    /// Whether the fields are known, or there are none.
    pub(super) fn is_learned(&self) -> bool {
        self.is_empty() || self.fields.get().is_some()
    }

    /// Takes changed rows. Whoever shares the index this is a copy of asks that for its fields before.
    pub(super) fn apply(&mut self, changes: Vec<Changed>) {
        if !self.is_empty() {
            self.fields();
        }
        let mut gathered = Gathered::default();
        self.gather(changes, &mut gathered);
        self.settle(gathered);
    }

    /// Takes what changed rows state; to be followed by [`Index::settle`], so that of many rows each entity is finished
    /// only once.
    pub(super) fn gather(&mut self, changes: Vec<Changed>, gathered: &mut Gathered) {
        for Changed { reference, row } in changes {
            let slot = self.graph.take_shared(&reference);
            let row = row.map(|row| self.shared(row));
            self.graph.state(slot, row.as_ref().map(|row| &row.edges), &mut gathered.shifts);
            gathered.touched.insert(slot, Touched::new(row));
        }
    }

    /// Finishes the entities whose rows or relations changed.
    pub(super) fn settle(&mut self, gathered: Gathered) {
        let Gathered { mut touched, shifts } = gathered;
        for (slot, before) in self.graph.shift(shifts) {
            touched.entry(slot).or_default().before = Some(before);
        }
        let slots: Vec<u32> = touched.keys().copied().collect();
        let mut done: Vec<(u32, Option<Arc<Record>>)> = Vec::with_capacity(touched.len());
        self.plain = Default::default();
        let Self { graph, fields, all, .. } = self;
        let mut fields = fields.get_mut();
        let mut touched = touched.into_iter();
        loop {
            let pack: Vec<(u32, Touched)> = touched.by_ref().take(PACK).collect();
            if pack.is_empty() {
                break;
            }
            let prepared = prepare(graph, pack, fields.is_some());
            if let Some(fields) = &mut fields {
                fields.learn(&prepared.iter().map(Prepared::lesson).collect::<Vec<_>>());
            }
            for Prepared { slot, record, .. } in prepared {
                match record {
                    Some(_) => all.insert(slot),
                    None => all.remove(slot),
                }
                done.push((slot, record));
            }
        }
        for (slot, record) in done {
            self.graph.set(slot, record);
        }
        for slot in slots {
            self.graph.release(slot);
        }
    }

    /// The row, with what other rows have too in one place.
    fn shared(&mut self, mut row: Row) -> Row {
        let Self { origins, texts, .. } = self;
        let known = origins.get(&*row.origin).map(Arc::clone);
        row.origin = known.unwrap_or_else(|| {
            let share = |text: &Arc<str>| {
                let text = texts.entry(&**text, || (Arc::clone(text), Arc::clone(text)));
                Arc::clone(text)
            };
            let new = Arc::new(row.origin.map(share));
            Arc::clone(origins.entry(&*new, || (Arc::clone(&new), Arc::clone(&new))))
        });
        row
    }
}

#[cfg(test)]
mod tests;
