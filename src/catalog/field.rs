//! One field of the catalog: which entities have it, and which values it has.
//!
//! Values are compared in lower case, and told as they were written; only the latter is kept, since most values of most
//! fields belong to one entity. They are found by their hash; their order is made when somebody first asks for it, and
//! follows changes from then on. What else is costly to find out is found out once for each state of the field and kept
//! with it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use memchr::memmem;
use smallvec::SmallVec;

use super::bits::{Bits, Union};
use super::facts::{Fact, FactValue, fold, hash_of};
use super::sorted::{Sorted, Spot};

/// The entities by the values of one field. Cheap to copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    /// Everything that has the field.
    present: Bits,
    /// What has it with null, or a value that is too long, and with no other value.
    valueless: Bits,
    /// By value.
    values: Sorted<Hashed, Posting>,
    /// The same in the order of values in lower case, once somebody asked for it.
    order: OnceLock<Sorted<Arc<str>, Bits>>,
    /// How many values there are beyond the first of each entity.
    extra: usize,
    ranks: OnceLock<Arc<Vec<u32>>>,
    text: OnceLock<Arc<Text>>,
}

/// A value that is found by the hash of its lower case; as it is written, or one of the ways.
#[derive(Debug, Clone)]
struct Hashed {
    hash: u64,
    text: Arc<str>,
}

impl Hashed {
    /// How it compares with a value in lower case.
    fn compare(&self, hash: u64, folded: &str) -> Ordering {
        self.hash.cmp(&hash).then_with(|| (*fold(&self.text)).cmp(folded))
    }
}

impl Ord for Hashed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other.hash, &fold(&other.text))
    }
}

impl PartialOrd for Hashed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Hashed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Hashed {}

/// The entities that have one value. There are very many of these: what is seldom takes no room of its own.
#[derive(Debug, Clone)]
enum Posting {
    /// Everybody wrote it in the same way.
    Alike(Bits),
    /// Not everybody did.
    Apart(Box<Ways>),
}

/// The entities that have one value, and every way to write it, with who did.
#[derive(Debug, Clone)]
struct Ways {
    slots: Bits,
    written: BTreeMap<Arc<str>, Bits>,
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
        self.values.at(self.find(value).ok()?).map(Posting::slots)
    }

    /// The values in their order, with what has each.
    pub(super) fn order(&self) -> &Sorted<Arc<str>, Bits> {
        self.order.get_or_init(|| {
            let text = |value: &Hashed| match fold(&value.text) {
                Cow::Borrowed(_) => Arc::clone(&value.text),
                Cow::Owned(folded) => folded.into(),
            };
            let entries = self.values.iter().map(|(value, posting)| (text(value), posting.slots().clone()));
            let mut entries: Vec<(Arc<str>, Bits)> = entries.collect();
            entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            Sorted::of_sorted(entries)
        })
    }

    fn find(&self, value: &str) -> Result<Spot, Spot> {
        let hash = hash_of(value);
        self.values.find_by(|other| other.compare(hash, value))
    }

    /// Whether no entity has more than one value.
    pub(super) fn is_single(&self) -> bool {
        self.extra == 0
    }

    /// Every value as written, with the entities that have it so; sorted.
    pub(super) fn originals(&self) -> Vec<(&str, &Bits)> {
        let mut written: Vec<(&str, &Bits)> = Vec::with_capacity(self.values.len());
        for (value, posting) in self.values.iter() {
            match posting {
                Posting::Alike(slots) => written.push((&value.text, slots)),
                Posting::Apart(ways) => {
                    written.extend(ways.written.iter().map(|(original, slots)| (&**original, slots)));
                }
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
                found.add(posting.slots());
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

    /// Takes no more memory than it needs, until it changes.
    pub(super) fn compact(&mut self) {
        self.values.compact();
    }

    /// Replaces what some entities have here; each is there once.
    pub(super) fn replace(&mut self, changes: &[FieldChange<'_>]) {
        let mut added: Vec<Added<'_>> = Vec::with_capacity(changes.len());
        for FieldChange { slot, before: old, after: new } in changes {
            let (before, after) = (different(old), different(new));
            self.extra = (self.extra + after.saturating_sub(1)).saturating_sub(before.saturating_sub(1));
            set(&mut self.present, *slot, !new.is_empty());
            set(&mut self.valueless, *slot, !new.is_empty() && after == 0);
            for value in old.iter().filter(|value| new.binary_search(value).is_err()).flatten() {
                self.remove(value, *slot);
            }
            let come = new.iter().filter(|value| old.binary_search(value).is_err()).flatten();
            added.extend(come.map(|value| Added { hash: hash_of(value.folded), value: *value, slot: *slot }));
        }
        // What has one value together is put there together; in order, each finds its place near the last one's.
        added.sort_unstable_by(|a, b| a.key().cmp(&b.key()).then_with(|| a.slot.cmp(&b.slot)));
        for same in added.chunk_by(|a, b| a.key() == b.key()) {
            self.insert(same);
        }
        self.ranks = OnceLock::new();
        self.text = OnceLock::new();
    }
}

/// What one entity has in a field before and after a change. Both are sorted and have nothing twice; a `None` is a null
/// or a value that is too long.
#[derive(Debug)]
pub(super) struct FieldChange<'a> {
    pub(super) slot: u32,
    pub(super) before: Values<'a>,
    pub(super) after: Values<'a>,
}

/// The values of one entity in one field: mostly one.
pub(super) type Values<'a> = SmallVec<[Option<FieldValue<'a>>; 1]>;

/// A value, with a text that can be kept for it, where there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldValue<'a> {
    folded: &'a str,
    original: &'a str,
    shared: Option<&'a Arc<str>>,
}

impl<'a> FieldValue<'a> {
    /// The value of a fact.
    pub(super) fn of_fact(fact: Fact<'a>) -> Option<Self> {
        fact.value.map(|FactValue { folded, original }| Self { folded, original, shared: None })
    }

    /// A text in lower case, which is kept itself.
    pub(super) fn of_text(text: &'a Arc<str>) -> Self {
        Self { folded: text, original: text, shared: Some(text) }
    }

    fn key(&self) -> (&'a str, &'a str) {
        (self.folded, self.original)
    }

    fn text(&self) -> Arc<str> {
        self.shared.map_or_else(|| self.original.into(), Arc::clone)
    }
}

impl Ord for FieldValue<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for FieldValue<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for FieldValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for FieldValue<'_> {}

/// A value that an entity has now.
struct Added<'a> {
    hash: u64,
    value: FieldValue<'a>,
    slot: u32,
}

impl<'a> Added<'a> {
    fn key(&self) -> (u64, &'a str) {
        (self.hash, self.value.folded)
    }
}

impl Field {
    /// Adds entities that have one value now.
    fn insert(&mut self, same: &[Added<'_>]) {
        let [Added { hash, value: first, .. }, ..] = same else { return };
        let spot = self.values.find_by(|other| other.compare(*hash, first.folded));
        let new = || (Hashed { hash: *hash, text: first.text() }, Posting::default());
        let (known, posting) = self.values.entry_at(spot, new);
        for Added { value, slot, .. } in same {
            posting.insert(&known.text, value, *slot);
        }
        if let Some(order) = self.order.get_mut() {
            let text = || if *known.text == *first.folded { Arc::clone(&known.text) } else { first.folded.into() };
            let slots = order.entry(first.folded, || (text(), Bits::default()));
            for added in same {
                slots.insert(added.slot);
            }
        }
    }

    fn remove(&mut self, value: &FieldValue<'_>, slot: u32) {
        let Ok(spot) = self.find(value.folded) else { return };
        let (known, posting) = self.values.entry_mut(spot);
        if let Some(text) = posting.remove(value.original, slot) {
            // In lower case it is the same, so its place is.
            known.text = text;
        }
        let (is_empty, is_gone) = (posting.slots().is_empty(), !posting.slots().contains(slot));
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

/// How many values there are in lower case; they are sorted.
fn different(values: &[Option<FieldValue<'_>>]) -> usize {
    let folded = || values.iter().flatten().map(|value| value.folded);
    folded().count() - folded().zip(folded().skip(1)).filter(|(one, next)| one == next).count()
}

fn set(bits: &mut Bits, slot: u32, is_in: bool) {
    match (is_in, bits.contains(slot)) {
        (true, false) => bits.insert(slot),
        (false, true) => bits.remove(slot),
        _ => {}
    }
}

impl Default for Posting {
    fn default() -> Self {
        Self::Alike(Bits::None)
    }
}

impl Posting {
    fn slots(&self) -> &Bits {
        match self {
            Self::Alike(slots) => slots,
            Self::Apart(ways) => &ways.slots,
        }
    }

    /// Adds an entity. `known` is the way in which everybody wrote the value so far.
    fn insert(&mut self, known: &Arc<str>, value: &FieldValue<'_>, slot: u32) {
        if let Self::Alike(slots) = self {
            if **known == *value.original {
                return slots.insert(slot);
            }
            let slots = std::mem::take(slots);
            let written = BTreeMap::from([(Arc::clone(known), slots.clone())]);
            *self = Self::Apart(Box::new(Ways { slots, written }));
        }
        if let Self::Apart(ways) = self {
            match ways.written.get_mut(value.original) {
                Some(slots) => slots.insert(slot),
                None => _ = ways.written.insert(value.text(), Bits::One(slot)),
            }
            ways.slots.insert(slot);
        }
    }

    /// Takes an entity out. The way in which all others wrote the value, where that was not clear before.
    fn remove(&mut self, original: &str, slot: u32) -> Option<Arc<str>> {
        let Ways { slots, written } = match self {
            Self::Alike(slots) => {
                slots.remove(slot);
                return None;
            }
            Self::Apart(ways) => &mut **ways,
        };
        if let Some(slots) = written.get_mut(original) {
            slots.remove(slot);
            if slots.is_empty() {
                written.remove(original);
            }
        }
        if written.values().all(|slots| !slots.contains(slot)) {
            slots.remove(slot);
        }
        if written.len() > 1 {
            return None;
        }
        let (only, _) = written.pop_first()?;
        *self = Self::Alike(std::mem::take(slots));
        Some(only)
    }
}

impl Text {
    fn of(values: &Sorted<Hashed, Posting>) -> Self {
        let mut text = Self { text: String::new(), starts: Vec::with_capacity(values.len()) };
        for (value, _) in values.iter() {
            text.starts.push(text.text.len());
            text.text.push_str(&fold(&value.text));
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
