//! Finishing entities: what can be found out about each by itself, on all processors where there are many.

use std::sync::Arc;

use rayon::prelude::*;

use crate::catalog::bits::Bits;
use crate::catalog::facts::Facts;
use crate::catalog::fields::{Fields, Lesson, MANY, RelationChange};
use crate::catalog::graph::{Graph, Shown};
use crate::catalog::record::{Record, Row};

/// Entities that are finished together: what is known of them lies in memory beside the index.
pub(super) const PACK: usize = 1024;

/// What an entity is to be.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// The new row, where it has one.
    row: Option<Row>,
    is_gone: bool,
    /// What it showed before, where that is something else now.
    pub(super) before: Option<Arc<[Shown]>>,
}

/// An entity with everything that the index needs of it.
pub(super) struct Prepared<'a> {
    pub(super) slot: u32,
    /// The entity as it is now; none if it is gone.
    pub(super) record: Option<Arc<Record>>,
    /// What it was and is found by, if that changed.
    facts: Option<(Facts, Facts)>,
    /// Which of the relations it is found by changed.
    relations: Vec<RelationChange<'a>>,
}

impl Prepared<'_> {
    /// What its fields are to learn.
    pub(super) fn lesson(&self) -> Lesson<'_> {
        let facts = self.facts.as_ref().map(|(old, new)| (old, new));
        Lesson { slot: self.slot, facts, relations: &self.relations }
    }
}

/// Finishes entities, in their order; what is only referred to is left out. What they are found by is looked for only if
/// somebody is to learn it.
pub(super) fn prepare(graph: &Graph, touched: Vec<(u32, Touched)>, is_learned: bool) -> Vec<Prepared<'_>> {
    let finish = |(slot, touched)| finish(graph, slot, touched, is_learned);
    if touched.len() < MANY {
        return touched.into_iter().filter_map(finish).collect();
    }
    touched.into_par_iter().filter_map(finish).collect()
}

impl Touched {
    /// Has another row, or none any more.
    pub(super) fn new(row: Option<Row>) -> Self {
        Self { is_gone: row.is_none(), row, before: None }
    }
}

/// What all entities of a graph are found by; of `only` some fields, unless that is empty.
pub(super) fn learned(graph: &Graph, all: &Bits, only: &'static [&'static str]) -> Fields {
    let mut fields = Fields::default();
    let slots: Vec<u32> = all.iter().collect();
    let known = |slot: &u32| {
        let node = graph.node(*slot);
        let facts = node.record.as_ref().map(|record| (Facts::default(), record.facts_of(only)));
        let shown = if only.is_empty() { node.shown() } else { &[] };
        Prepared { slot: *slot, record: None, facts, relations: RelationChange::between(graph, &[], shown) }
    };
    for pack in slots.chunks(PACK) {
        let known: Vec<Prepared<'_>> =
            if pack.len() < MANY { pack.iter().map(known).collect() } else { pack.par_iter().map(known).collect() };
        fields.learn(&known.iter().map(Prepared::lesson).collect::<Vec<_>>());
    }
    fields.compact();
    fields
}

/// Finishes one entity. None for a name that is only referred to.
fn finish(graph: &Graph, slot: u32, touched: Touched, is_learned: bool) -> Option<Prepared<'_>> {
    let Touched { row, is_gone, before } = touched;
    let node = graph.node(slot);
    let old = node.record.as_ref();
    let relations = || graph.relations_json(node.shown());
    let (record, has_other_row) = match (row, old) {
        (Some(row), _) => (Record::finish(&node.reference, &row, &relations()), true),
        (None, Some(old)) if !is_gone => (Some(old.related(&relations())), false),
        (None, Some(_)) => (None, true),
        (None, None) => return None,
    };
    if !is_learned {
        return Some(Prepared { slot, record: record.map(Arc::new), facts: None, relations: Vec::new() });
    }
    let facts = has_other_row.then(|| {
        let old = old.map(|record| record.facts()).unwrap_or_default();
        (old, record.as_ref().map(Record::facts).unwrap_or_default())
    });
    let before = match (old, &before) {
        (None, _) => &[][..],
        (Some(_), None) => node.shown(),
        (Some(_), Some(before)) => before,
    };
    let after = if record.is_some() { node.shown() } else { &[] };
    let relations = RelationChange::between(graph, before, after);
    Some(Prepared { slot, record: record.map(Arc::new), facts, relations })
}
