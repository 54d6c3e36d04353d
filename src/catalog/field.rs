//! One field of the catalog: which entities have it, and which values it has.
//!
//! Values are compared in lower case, and told as they were written. They are found by their hash; their order is made
//! when somebody first asks for it, and follows changes from then on. What else is costly to find out is found out once
//! for each state of the field and kept with it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::sync::{Arc, LazyLock, OnceLock};

use hashbrown::DefaultHashBuilder;
use memchr::memmem;

use super::bits::{Bits, Union};
use super::facts::FactValue;
use super::sorted::{Sorted, Spot};

/// The entities by the values of one field. Cheap to copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    /// Everything that has the field.
    present: Bits,
    /// What has it with null, or a value that is too long, and with no other value.
    valueless: Bits,
    /// By value in lower case.
    values: Sorted<Hashed, Posting>,
    /// The same in the order of values, once somebody asked for it.
    order: OnceLock<Sorted<Arc<str>, Bits>>,
    /// How many values there are beyond the first of each entity.
    extra: usize,
    ranks: OnceLock<Arc<Vec<u32>>>,
    text: OnceLock<Arc<Text>>,
}

/// A value that is found by its hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hashed {
    hash: u64,
    text: Arc<str>,
}

/// The entities that have one value.
#[derive(Debug, Clone, Default)]
struct Posting {
    slots: Bits,
    /// Where somebody wrote it in another way than in lower case: every way, with who did.
    written: Option<Box<Written>>,
}

/// The ways in which a value was written.
#[derive(Debug, Clone)]
enum Written {
    /// In one way, by everybody.
    One(Arc<str>),
    Many(BTreeMap<Arc<str>, Bits>),
}

/// All values in one text, to be searched at once.
#[derive(Debug)]
struct Text {
    text: String,
    /// Where each value begins, in the order of hashes.
    starts: Vec<usize>,
}

/// The rank of what has no value.
const NO_RANK: u32 = u32::MAX;

impl Field {
    /// Everything that has the field.
    pub(super) fn present(&self) -> &Bits {
        &self.present
    }

    /// What of a set has a value.
    pub(super) fn valued(&self, among: &Bits) -> Bits {
        let present = self.present.and(among);
        if self.valueless.is_empty() { present } else { present.without(&self.valueless) }
    }

    /// Whether each of so many entities has a value.
    pub(super) fn is_everywhere(&self, entities: usize) -> bool {
        self.present.len() == entities && self.valueless.is_empty()
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// What has a value (in lower case).
    pub(super) fn having(&self, value: &str) -> Option<&Bits> {
        self.values.at(self.find(value).ok()?).map(|posting| &posting.slots)
    }

    /// The values in their order, with what has each.
    pub(super) fn order(&self) -> &Sorted<Arc<str>, Bits> {
        self.order.get_or_init(|| {
            let entry = |(value, posting): &(Hashed, Posting)| (Arc::clone(&value.text), posting.slots.clone());
            let mut entries: Vec<(Arc<str>, Bits)> = self.values.iter().map(entry).collect();
            entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            Sorted::of_sorted(entries)
        })
    }

    fn find(&self, value: &str) -> Result<Spot, Spot> {
        let hash = hash_of(value);
        self.values.find_by(|other| match other.hash.cmp(&hash) {
            Ordering::Equal => (*other.text).cmp(value),
            different => different,
        })
    }

    /// Whether no entity has more than one value.
    pub(super) fn is_single(&self) -> bool {
        self.extra == 0
    }

    /// Every value as written, with the entities that have it so; sorted.
    pub(super) fn originals(&self) -> Vec<(&str, &Bits)> {
        let mut written: Vec<(&str, &Bits)> = Vec::with_capacity(self.values.len());
        for (folded, posting) in self.values.iter() {
            match posting.written.as_deref() {
                None => written.push((&folded.text, &posting.slots)),
                Some(Written::One(original)) => written.push((original, &posting.slots)),
                Some(Written::Many(many)) => written.extend(many.iter().map(|(original, slots)| (&**original, slots))),
            }
        }
        written.sort_unstable_by_key(|(original, _)| *original);
        written
    }

    /// For each slot the number of its smallest value.
    fn ranks(&self) -> &[u32] {
        self.ranks.get_or_init(|| {
            let mut ranks = Vec::new();
            for (rank, (_, slots)) in (0_u32..).zip(self.order().iter()) {
                for slot in slots.iter() {
                    let slot = slot as usize;
                    if slot >= ranks.len() {
                        ranks.resize(slot + 1, NO_RANK);
                    }
                    ranks[slot] = ranks[slot].min(rank);
                }
            }
            Arc::new(ranks)
        })
    }

    /// The number of a slot's smallest value in the order of values.
    pub(super) fn rank(&self, slot: u32) -> Option<u32> {
        self.ranks().get(slot as usize).copied().filter(|rank| *rank != NO_RANK)
    }

    /// The value with a rank.
    pub(super) fn ranked(&self, rank: u32) -> Option<&Arc<str>> {
        self.order().nth(rank as usize).map(|(value, _)| value)
    }

    /// What has a value with a term (in lower case) in it.
    pub(super) fn containing(&self, term: &str) -> Bits {
        let text = self.text.get_or_init(|| Arc::new(Text::of(&self.values)));
        let mut found = Union::default();
        let mut postings = self.values.iter();
        let mut next = 0;
        for rank in text.find(term) {
            if let Some((_, posting)) = postings.nth(rank - next) {
                found.add(&posting.slots);
            }
            next = rank + 1;
        }
        found.finish()
    }

    /// What has a value that begins so (in lower case).
    pub(super) fn beginning(&self, prefix: &str) -> Bits {
        let order = self.order();
        let (Ok(start) | Err(start)) = order.find(prefix);
        let mut found = Union::default();
        for (_, slots) in order.from(start).take_while(|(value, _)| value.starts_with(prefix)) {
            found.add(slots);
        }
        found.finish()
    }

    /// Replaces what an entity has here. Both lists are sorted and have nothing twice; a `None` is a null or a value
    /// that is too long. `shared` makes the owned text of a new value.
    pub(super) fn replace(
        &mut self,
        slot: u32,
        old: &[Option<FactValue<'_>>],
        new: &[Option<FactValue<'_>>],
        shared: impl Fn(&str) -> Arc<str>,
    ) {
        let count = |values: &[Option<FactValue<'_>>]| {
            let mut folded: Vec<&str> = values.iter().flatten().map(|value| value.folded).collect();
            folded.dedup();
            folded.len()
        };
        let (before, after) = (count(old), count(new));
        self.extra = (self.extra + after.saturating_sub(1)).saturating_sub(before.saturating_sub(1));
        set(&mut self.present, slot, !new.is_empty());
        set(&mut self.valueless, slot, !new.is_empty() && after == 0);
        for value in old.iter().filter(|value| new.binary_search(value).is_err()).flatten() {
            self.remove(value, slot);
        }
        for value in new.iter().filter(|value| old.binary_search(value).is_err()).flatten() {
            self.insert(value, slot, &shared);
        }
        self.ranks = OnceLock::new();
        self.text = OnceLock::new();
    }
}

impl Field {
    fn insert(&mut self, value: &FactValue<'_>, slot: u32, shared: impl Fn(&str) -> Arc<str>) {
        let spot = self.find(value.folded);
        let make = || {
            let hashed = Hashed { hash: hash_of(value.folded), text: shared(value.folded) };
            (hashed, Posting::default())
        };
        self.values.entry_at(spot, make).insert(value, slot, &shared);
        if let Some(order) = self.order.get_mut() {
            order.entry(value.folded, || (shared(value.folded), Bits::default())).insert(slot);
        }
    }

    fn remove(&mut self, value: &FactValue<'_>, slot: u32) {
        let Ok(spot) = self.find(value.folded) else { return };
        let posting = self.values.at_mut(spot);
        posting.remove(value, slot);
        let (is_empty, is_gone) = (posting.slots.is_empty(), !posting.slots.contains(slot));
        if is_empty {
            self.values.remove_at(spot);
        }
        let Some(order) = self.order.get_mut().filter(|_| is_gone) else { return };
        if is_empty {
            order.remove(value.folded);
        } else if let Some(slots) = order.get_mut(value.folded) {
            slots.remove(slot);
        }
    }
}

/// The same for one process: nobody outside can choose values that collide.
fn hash_of(value: &str) -> u64 {
    static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);
    HASHER.hash_one(value)
}

fn set(bits: &mut Bits, slot: u32, is_in: bool) {
    match (is_in, bits.contains(slot)) {
        (true, false) => bits.insert(slot),
        (false, true) => bits.remove(slot),
        _ => {}
    }
}

impl Posting {
    fn insert(&mut self, value: &FactValue<'_>, slot: u32, shared: impl Fn(&str) -> Arc<str>) {
        let is_alone = self.slots.is_empty();
        let is_folded = value.folded == value.original;
        let known = self.written.take().map(|written| *written);
        self.written = match known {
            None if is_folded => None,
            None if is_alone => Some(Written::One(shared(value.original))),
            Some(Written::One(original)) if *original == *value.original => Some(Written::One(original)),
            known => {
                let mut many = match known {
                    None => BTreeMap::from([(shared(value.folded), self.slots.clone())]),
                    Some(Written::One(original)) => BTreeMap::from([(original, self.slots.clone())]),
                    Some(Written::Many(many)) => many,
                };
                match many.get_mut(value.original) {
                    Some(slots) => slots.insert(slot),
                    None => {
                        many.insert(shared(value.original), Bits::One(slot));
                    }
                }
                Some(Written::Many(many))
            }
        }
        .map(Box::new);
        self.slots.insert(slot);
    }

    fn remove(&mut self, value: &FactValue<'_>, slot: u32) {
        let Some(Written::Many(many)) = self.written.as_deref_mut() else {
            self.slots.remove(slot);
            return;
        };
        if let Some(slots) = many.get_mut(value.original) {
            slots.remove(slot);
            if slots.is_empty() {
                many.remove(value.original);
            }
        }
        if many.values().all(|slots| !slots.contains(slot)) {
            self.slots.remove(slot);
        }
        if many.len() == 1
            && let Some((original, _)) = many.pop_first()
        {
            self.written = (*original != *value.folded).then(|| Box::new(Written::One(original)));
        }
    }
}

impl Text {
    fn of(values: &Sorted<Hashed, Posting>) -> Self {
        let mut text = Self { text: String::new(), starts: Vec::with_capacity(values.len()) };
        for (value, _) in values.iter() {
            text.starts.push(text.text.len());
            text.text.push_str(&value.text);
        }
        text
    }

    /// The numbers of the values that have a term in them, in the order of hashes.
    fn find<'a>(&'a self, term: &'a str) -> impl Iterator<Item = usize> + 'a {
        let finder = memmem::Finder::new(term);
        let mut from = 0;
        std::iter::from_fn(move || {
            while from < self.text.len() {
                let at = from + finder.find(&self.text.as_bytes()[from..])?;
                let rank = self.starts.partition_point(|start| *start <= at) - 1;
                let end = self.starts.get(rank + 1).copied().unwrap_or(self.text.len());
                if at + term.len() <= end {
                    from = end;
                    return Some(rank);
                }
                // It lies across two values: none of them has it here.
                from = at + 1;
            }
            None
        })
    }
}

#[cfg(test)]
mod tests;
