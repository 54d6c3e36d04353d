//! All fields of the catalog by their path, and what changes in them when an entity does.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;

use super::facts::{FactValue, Facts};
use super::field::Field;
use super::graph::{Graph, Shown};
use super::table::Table;

/// Every field. Cheap to copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    table: Table<(Arc<str>, Arc<Field>)>,
    hasher: DefaultHashBuilder,
}

impl Fields {
    /// A field by its path in lower case.
    pub(super) fn get(&self, key: &str) -> Option<&Field> {
        let found = self.table.find(self.hasher.hash_one(key), |(known, _)| **known == *key);
        found.map(|(_, field)| &**field)
    }

    /// Every field, in no particular order.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Arc<str>, Arc<Field>)> {
        self.table.iter()
    }

    /// Replaces what an entity is found by. Both are sorted, so they are compared key by key.
    pub(super) fn learn(&mut self, slot: u32, old: &Facts, new: &Facts) {
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
                self.change(key, |field| field.replace(slot, &before, &after, |text| text.into()));
            }
        }
    }

    /// Replaces the relations an entity is found by.
    pub(super) fn relate(&mut self, slot: u32, graph: &Graph, before: &[Shown], after: &[Shown]) {
        if before.iter().map(Shown::end).eq(after.iter().map(Shown::end)) {
            return;
        }
        let mut kinds: BTreeMap<&str, [Vec<&Arc<str>>; 2]> = BTreeMap::new();
        for (at, shown) in [before, after].into_iter().enumerate() {
            for (kind, target) in graph.relations(shown) {
                kinds.entry(kind).or_default()[at].push(target);
            }
        }
        for (kind, [before, after]) in kinds {
            // Both are in the order of the targets.
            if before == after {
                continue;
            }
            // The text of the reference itself serves as the value.
            let shared = |text: &str| match after.binary_search_by(|target| (***target).cmp(text)) {
                Ok(at) => Arc::clone(after[at]),
                Err(_) => text.into(),
            };
            let key = format!("relations.{}", kind.to_lowercase());
            self.change(&key, |field| field.replace(slot, &told(&before), &told(&after), shared));
        }
    }

    fn change(&mut self, key: &str, change: impl FnOnce(&mut Field)) {
        let hash = self.hasher.hash_one(key);
        let is_it = |(known, _): &(Arc<str>, Arc<Field>)| **known == *key;
        let Some((_, field)) = self.table.find_mut(hash, is_it) else {
            let mut field = Field::default();
            change(&mut field);
            if !field.present().is_empty() {
                let hasher = &self.hasher;
                self.table.insert(hash, (key.into(), Arc::new(field)), |(key, _)| hasher.hash_one(&**key));
            }
            return;
        };
        change(Arc::make_mut(field));
        if field.present().is_empty() {
            self.table.remove(hash, is_it);
        }
    }
}

/// References as values; they are in lower case.
fn told<'a>(targets: &[&'a Arc<str>]) -> Vec<Option<FactValue<'a>>> {
    targets.iter().map(|target| Some(FactValue { folded: target, original: target })).collect()
}
