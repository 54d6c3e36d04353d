//! All fields of the catalog by their path, and what changes in them when an entity does.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashTable;
use rayon::prelude::*;

use super::facts::{Fact, Facts, hash_of};
use super::field::{Field, FieldChange, FieldValue, Values};
use super::graph::{Graph, Shown};
use super::table::Table;

/// Every field. Cheap to copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    table: Table<(Arc<str>, Arc<Field>)>,
}

impl Fields {
    /// A field by its path in lower case.
    pub(super) fn get(&self, key: &str) -> Option<&Field> {
        let found = self.table.find(hash_of(key), |(known, _)| **known == *key);
        found.map(|(_, field)| &**field)
    }

    /// Every field, in no particular order.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Arc<str>, Arc<Field>)> {
        self.table.iter()
    }

    /// Replaces what entities are found by; each is there once. Fields do not depend on each other, so those of many
    /// entities are changed on all processors.
    pub(super) fn learn(&mut self, lessons: &[Lesson<'_>]) {
        let mut works: Vec<Work<'_>> = Vec::new();
        let mut known: HashTable<usize> = HashTable::new();
        for lesson in lessons {
            lesson.tell(|hash, path, before, after| {
                let found = known.find(hash, |at| works[*at].path == path).copied();
                let at = found.unwrap_or_else(|| {
                    let at = works.len();
                    let field = self.lend(hash, &path);
                    works.push(Work { hash, path, field, changes: Vec::new() });
                    known.insert_unique(hash, at, |at| works[*at].hash);
                    at
                });
                works[at].changes.push(FieldChange { slot: lesson.slot, before, after });
            });
        }
        if lessons.len() < MANY {
            works.iter_mut().for_each(Work::does);
        } else {
            // The longest first, so that none is left over at the end.
            works.sort_unstable_by_key(|work| Reverse(work.changes.len()));
            works.par_iter_mut().with_max_len(1).for_each(Work::does);
        }
        for Work { hash, path, field, .. } in works {
            self.give_back(hash, &path, field);
        }
    }

    /// Takes no more memory than it needs, until it changes.
    pub(super) fn compact(&mut self) {
        self.table.each_mut(|(_, field)| Arc::make_mut(field).compact());
    }

    /// Takes a field out, to be given back; a new one if there is none.
    fn lend(&mut self, hash: u64, path: &str) -> Arc<Field> {
        let found = self.table.find_mut(hash, |(known, _)| **known == *path);
        found.map(|(_, field)| std::mem::take(field)).unwrap_or_default()
    }

    /// Puts a field in its place; one that nothing has any more is forgotten.
    fn give_back(&mut self, hash: u64, path: &str, field: Arc<Field>) {
        let is_it = |(known, _): &(Arc<str>, Arc<Field>)| **known == *path;
        if field.present().is_empty() {
            self.table.remove(hash, is_it);
        } else if let Some((_, place)) = self.table.find_mut(hash, is_it) {
            *place = field;
        } else {
            self.table.insert(hash, (path.into(), field), |(path, _)| hash_of(path));
        }
    }
}

/// From how many entities on other threads are worth it.
pub(super) const MANY: usize = 256;

/// What an entity is found by from now on, and was before.
#[derive(Debug)]
pub(super) struct Lesson<'a> {
    pub(super) slot: u32,
    /// Of its document, if that changed.
    pub(super) facts: Option<(&'a Facts, &'a Facts)>,
    /// Those of its relations that changed.
    pub(super) relations: &'a [RelationChange<'a>],
}

/// The references at the other ends of an entity's relations of one kind, in order.
#[derive(Debug)]
pub(super) struct RelationChange<'a> {
    kind: &'a str,
    before: Vec<&'a Arc<str>>,
    after: Vec<&'a Arc<str>>,
}

impl<'a> RelationChange<'a> {
    /// What is different between two lists of relations.
    pub(super) fn between(graph: &'a Graph, before: &[Shown], after: &[Shown]) -> Vec<Self> {
        if before.iter().map(Shown::end).eq(after.iter().map(Shown::end)) {
            return Vec::new();
        }
        let mut kinds: BTreeMap<&str, [Vec<&Arc<str>>; 2]> = BTreeMap::new();
        for (at, shown) in [before, after].into_iter().enumerate() {
            for (kind, target) in graph.relations(shown) {
                kinds.entry(kind).or_default()[at].push(target);
            }
        }
        let changes = kinds.into_iter().map(|(kind, [before, after])| Self { kind, before, after });
        changes.filter(|change| change.before != change.after).collect()
    }
}

/// One field, and what changes in it.
struct Work<'a> {
    hash: u64,
    path: Cow<'a, str>,
    field: Arc<Field>,
    changes: Vec<FieldChange<'a>>,
}

impl Work<'_> {
    fn does(&mut self) {
        Arc::make_mut(&mut self.field).replace(&self.changes);
    }
}

impl<'a> Lesson<'a> {
    /// Each field that changes, with the values before and after. Facts are sorted, so they are compared key by key.
    fn tell(&self, mut change: impl FnMut(u64, Cow<'a, str>, Values<'a>, Values<'a>)) {
        let (old, new) = self.facts.unzip();
        let (mut old, mut new) = (facts_of(old).peekable(), facts_of(new).peekable());
        loop {
            let key = match (old.peek(), new.peek()) {
                (Some(old), Some(new)) => old.key.min(new.key),
                (Some(fact), None) | (None, Some(fact)) => fact.key,
                (None, None) => break,
            };
            let before: Values<'a> =
                std::iter::from_fn(|| old.next_if(|fact| fact.key == key)).map(FieldValue::of_fact).collect();
            let after: Values<'a> =
                std::iter::from_fn(|| new.next_if(|fact| fact.key == key)).map(FieldValue::of_fact).collect();
            if before != after {
                change(key.hash, key.path.into(), before, after);
            }
        }
        for RelationChange { kind, before, after } in self.relations {
            let path = format!("relations.{}", kind.to_lowercase());
            change(hash_of(&path), path.into(), told(before), told(after));
        }
    }
}

fn facts_of(facts: Option<&Facts>) -> impl Iterator<Item = Fact<'_>> {
    facts.into_iter().flat_map(Facts::iter)
}

/// References as values; they are in lower case.
fn told<'a>(targets: &[&'a Arc<str>]) -> Values<'a> {
    targets.iter().map(|target| Some(FieldValue::of_text(target))).collect()
}
