//! A sorted map whose copies share what they have in common.
//!
//! Entries lie in short sorted runs, each behind an `Arc`. A copy costs one count per run; a change copies the one run
//! it touches, and only while somebody else still looks at it. That is what a snapshot of a large index needs, and it
//! keeps entries close together, unlike a tree of nodes.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

/// Entries of one run before it is split in two.
const LONGEST: usize = 128;

/// A sorted map; cheap to copy.
#[derive(Debug, Clone)]
pub(super) struct Sorted<K, V> {
    /// None of them empty, in order.
    runs: Vec<Run<K, V>>,
    length: usize,
}

/// Entries that follow each other.
#[derive(Debug, Clone)]
struct Run<K, V> {
    /// The key of the first entry, so that a search need not look into runs that it does not end in.
    first: K,
    entries: Arc<Vec<(K, V)>>,
}

/// A place in a map: before the entry with this number in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    run: usize,
    entry: usize,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { runs: Vec::new(), length: 0 }
    }
}

impl<K: Ord, V> Sorted<K, V> {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Where a key is, or where it would be.
    pub(super) fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Spot, Spot>
    where
        K: Borrow<Q>,
    {
        self.find_by(|other| other.borrow().cmp(key))
    }

    /// The same, of a key that is known by how others compare with it.
    pub(super) fn find_by(&self, compare: impl Fn(&K) -> Ordering) -> Result<Spot, Spot> {
        // What arrives in order belongs to the end.
        if let Some(run) = self.runs.last()
            && run.entries.last().is_some_and(|(last, _)| compare(last) == Ordering::Less)
        {
            return Err(Spot { run: self.runs.len() - 1, entry: run.entries.len() });
        }
        // The last run that begins at or before the key.
        let after = self.runs.partition_point(|run| compare(&run.first) != Ordering::Greater);
        let run = after.saturating_sub(1);
        let entries = self.runs.get(run).map_or(&[][..], |run| run.entries.as_slice());
        match entries.binary_search_by(|(other, _)| compare(other)) {
            Ok(entry) => Ok(Spot { run, entry }),
            Err(entry) => Err(Spot { run, entry }),
        }
    }

    /// The value of a key.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.at(self.find(key).ok()?)
    }

    /// The value at a place where a key was found.
    pub(super) fn at(&self, Spot { run, entry }: Spot) -> Option<&V> {
        Some(&self.runs.get(run)?.entries.get(entry)?.1)
    }

    /// The entry with this number in the order of keys.
    pub(super) fn nth(&self, mut number: usize) -> Option<&(K, V)> {
        for Run { entries, .. } in &self.runs {
            match entries.get(number) {
                Some(entry) => return Some(entry),
                None => number -= entries.len(),
            }
        }
        None
    }

    /// How many entries are before a place.
    pub(super) fn rank(&self, spot: Spot) -> usize {
        let before = &self.runs[..spot.run.min(self.runs.len())];
        before.iter().map(|run| run.entries.len()).sum::<usize>() + spot.entry
    }

    /// Every entry in order; can be taken from the end as well.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &(K, V)> {
        self.runs.iter().flat_map(|run| run.entries.iter())
    }

    /// The entries from a place on, in order.
    pub(super) fn from(&self, spot: Spot) -> impl Iterator<Item = &(K, V)> {
        let (first, rest) = self.runs.get(spot.run..).and_then(<[_]>::split_first).unzip();
        let first = first.map_or(&[][..], |run| &run.entries[spot.entry..]);
        first.iter().chain(rest.unwrap_or_default().iter().flat_map(|run| run.entries.iter()))
    }

    /// The entries before a place, the last first.
    pub(super) fn before(&self, spot: Spot) -> impl Iterator<Item = &(K, V)> {
        let first = self.runs.get(spot.run).map_or(&[][..], |run| &run.entries[..spot.entry]);
        let rest = &self.runs[..spot.run.min(self.runs.len())];
        first.iter().rev().chain(rest.iter().rev().flat_map(|run| run.entries.iter().rev()))
    }
}

impl<K: Ord + Clone, V: Clone> Sorted<K, V> {
    /// A map of entries that are in order and have no key twice.
    pub(super) fn of_sorted(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let (mut runs, mut length) = (Vec::new(), 0);
        let mut entries = entries.into_iter().peekable();
        while let Some((first, _)) = entries.peek() {
            let first = first.clone();
            let mut run = Vec::with_capacity(LONGEST);
            run.extend(entries.by_ref().take(LONGEST));
            length += run.len();
            if run.len() < LONGEST {
                // A copy: shrinking may leave a block as large as it was.
                let mut shorter = Vec::with_capacity(run.len());
                shorter.append(&mut run);
                run = shorter;
            }
            runs.push(Run { first, entries: Arc::new(run) });
        }
        runs.shrink_to_fit();
        Self { runs, length }
    }

    /// Fills the runs, for a map that was made of entries in any order and stays as it is for long.
    pub(super) fn compact(&mut self) {
        let runs = std::mem::take(self).runs.into_iter();
        *self = Self::of_sorted(runs.flat_map(|run| Arc::unwrap_or_clone(run.entries)));
    }

    /// The value of a key, to be changed; made first if there is none.
    pub(super) fn entry<Q: Ord + ?Sized>(&mut self, key: &Q, make: impl FnOnce() -> (K, V)) -> &mut V
    where
        K: Borrow<Q>,
    {
        &mut self.entry_at(self.find(key), make).1
    }

    /// The entry at the place where a key was looked for, to be changed; the key must stay equal to what it is.
    pub(super) fn entry_at(&mut self, spot: Result<Spot, Spot>, make: impl FnOnce() -> (K, V)) -> &mut (K, V) {
        let Spot { run, entry } = match spot {
            Ok(spot) => spot,
            Err(spot) => self.insert(spot, make()),
        };
        &mut Arc::make_mut(&mut self.runs[run].entries)[entry]
    }

    /// Puts an entry at the place where its key belongs; where it is then.
    fn insert(&mut self, spot: Spot, entry: (K, V)) -> Spot {
        self.length += 1;
        if self.runs.is_empty() {
            self.runs.push(Run { first: entry.0.clone(), entries: Arc::new(vec![entry]) });
            return spot;
        }
        let run = &mut self.runs[spot.run];
        if spot.entry == 0 {
            run.first = entry.0.clone();
        }
        let entries = Arc::make_mut(&mut run.entries);
        if entries.len() == entries.capacity() {
            // Doubled, a third of the memory of all runs would be room to spare.
            entries.reserve_exact(entries.len() / 8 + 2);
        }
        entries.insert(spot.entry, entry);
        if entries.len() <= LONGEST {
            return spot;
        }
        // What arrives in order fills its runs.
        let at = if spot.entry == LONGEST { LONGEST } else { LONGEST / 2 };
        let rest = entries.split_off(at);
        // A copy: shrinking may leave a block as large as it was.
        let mut shorter = Vec::with_capacity(entries.len());
        shorter.append(entries);
        *entries = shorter;
        let first = rest[0].0.clone();
        self.runs.insert(spot.run + 1, Run { first, entries: Arc::new(rest) });
        if spot.entry < at { spot } else { Spot { run: spot.run + 1, entry: spot.entry - at } }
    }

    /// The value of a key that is there, to be changed.
    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let spot = self.find(key).ok()?;
        Some(self.at_mut(spot))
    }

    /// The value at a place where a key was found, to be changed.
    pub(super) fn at_mut(&mut self, Spot { run, entry }: Spot) -> &mut V {
        &mut Arc::make_mut(&mut self.runs[run].entries)[entry].1
    }

    /// The entry at a place where a key was found, to be changed; the key must stay equal to what it is.
    pub(super) fn entry_mut(&mut self, Spot { run, entry }: Spot) -> &mut (K, V) {
        &mut Arc::make_mut(&mut self.runs[run].entries)[entry]
    }

    /// Takes a key out.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        Some(self.remove_at(self.find(key).ok()?))
    }

    /// Takes the entry out that was found at a place.
    pub(super) fn remove_at(&mut self, Spot { run: at, entry }: Spot) -> V {
        self.length -= 1;
        let run = &mut self.runs[at];
        let entries = Arc::make_mut(&mut run.entries);
        let (_, value) = entries.remove(entry);
        match entries.first() {
            Some((first, _)) if entry == 0 => run.first = first.clone(),
            Some(_) => {}
            None => {
                self.runs.remove(at);
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Bound;

    use proptest::prelude::*;

    use super::*;

    fn spot(sorted: &Sorted<u32, u32>, key: u32) -> Spot {
        sorted.find(&key).unwrap_or_else(|spot| spot)
    }

    proptest! {
        #[test]
        fn it_is_a_map_and_copies_keep_what_they_had(
            steps in prop::collection::vec((any::<bool>(), 0_u32..600, any::<u32>()), 0..1500),
            ascending: bool,
            asked in prop::collection::vec(0_u32..620, 0..20),
        ) {
            let (mut sorted, mut expected) = (Sorted::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for (number, (remove, key, value)) in steps.into_iter().enumerate() {
                let key = if ascending { u32::try_from(number).unwrap() } else { key };
                if number % 400 == 0 {
                    copies.push((sorted.clone(), expected.clone()));
                }
                if remove {
                    prop_assert_eq!(sorted.remove(&key), expected.remove(&key));
                } else {
                    *sorted.entry(&key, || (key, 0)) = value;
                    expected.insert(key, value);
                }
            }
            let mut compact = sorted.clone();
            compact.compact();
            copies.push((compact, expected.clone()));
            copies.push((sorted, expected.clone()));
            copies.push((Sorted::of_sorted(expected.clone()), expected));
            for (sorted, expected) in copies {
                prop_assert_eq!(sorted.len(), expected.len());
                prop_assert!(sorted.iter().map(|(key, value)| (key, value)).eq(expected.iter()));
                prop_assert!(sorted.iter().rev().map(|(key, value)| (key, value)).eq(expected.iter().rev()));
                for key in &asked {
                    prop_assert_eq!(sorted.get(key), expected.get(key));
                    let at = spot(&sorted, *key);
                    prop_assert_eq!(sorted.rank(at), expected.range(..key).count());
                    prop_assert!(sorted.from(at).map(|(key, _)| key).eq(expected.range(key..).map(|(key, _)| key)));
                    let before = expected.range((Bound::Unbounded, Bound::Excluded(key))).rev();
                    prop_assert!(sorted.before(at).map(|(key, _)| key).eq(before.map(|(key, _)| key)));
                    let number = *key as usize;
                    prop_assert_eq!(sorted.nth(number).map(|(key, _)| key), expected.keys().nth(number));
                }
            }
        }
    }
}
