//! Sets of small numbers.

/// A set of numbers of entities: one bit each where that is the shorter form, else a sorted list. Most values of most
/// fields belong to one entity, so that one takes no allocation.
#[derive(Debug, Clone, Default)]
pub(super) enum Bits {
    #[default]
    None,
    One(u32),
    /// Sorted.
    #[expect(clippy::box_collection, reason = "there are very many sets, and few are lists")]
    Few(Box<Vec<u32>>),
    Many(Box<Words>),
}

/// One bit for each number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Words {
    words: Vec<u64>,
    length: usize,
}

/// So many members are a list in any case.
const FEW: usize = 64;

/// Whether a list is the better form. Bits cost an eighth of the largest member.
fn is_list(members: usize, largest: u32) -> bool {
    members <= FEW || members.saturating_mul(64) < largest as usize
}

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        // The form also depends on how a set came about.
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Bits {}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut list: Vec<u32> = numbers.into_iter().collect();
        if !list.is_sorted() {
            list.sort_unstable();
        }
        list.dedup();
        Self::of_sorted(&list)
    }
}

impl Bits {
    fn of_sorted(list: &[u32]) -> Self {
        match list {
            [] => Self::None,
            [one] => Self::One(*one),
            [.., largest] if is_list(list.len(), *largest) => Self::Few(Box::new(list.to_vec())),
            list => {
                let mut words = Words::default();
                for number in list {
                    words.insert(*number);
                }
                Self::Many(Box::new(words))
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Few(list) => list.len(),
            Self::Many(words) => words.length,
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => *one == number,
            Self::Few(list) => list.binary_search(&number).is_ok(),
            Self::Many(words) => words.contains(number),
        }
    }

    pub(super) fn insert(&mut self, number: u32) {
        match self {
            Self::None => *self = Self::One(number),
            Self::One(one) if *one == number => {}
            Self::One(one) => *self = Self::of_sorted(&[(*one).min(number), (*one).max(number)]),
            Self::Few(list) => {
                let Err(at) = list.binary_search(&number) else { return };
                if list.len() == list.capacity() {
                    list.reserve_exact(list.len() / 8 + 2);
                }
                list.insert(at, number);
                if list.last().is_some_and(|largest| !is_list(list.len(), *largest)) {
                    *self = Self::of_sorted(list);
                }
            }
            Self::Many(words) if number > words.largest() && is_list(words.length + 1, number) => {
                let mut list: Vec<u32> = self.iter().collect();
                list.push(number);
                *self = Self::of_sorted(&list);
            }
            Self::Many(words) => words.insert(number),
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        match self {
            Self::None => {}
            Self::One(one) if *one != number => {}
            Self::One(_) => *self = Self::None,
            Self::Few(list) => {
                let Ok(at) = list.binary_search(&number) else { return };
                list.remove(at);
                if list.len() < 2 {
                    *self = Self::of_sorted(list);
                }
            }
            Self::Many(words) => {
                words.remove(number);
                if words.length <= FEW / 2 {
                    *self = self.iter().collect();
                }
            }
        }
    }

    /// What is in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Many(a), Self::Many(b)) => {
                Words::new(a.words.iter().zip(&b.words).map(|(a, b)| a & b).collect()).into()
            }
            (few, rest) | (rest, few) if !matches!(few, Self::Many(_)) => {
                few.iter().filter(|number| rest.contains(*number)).collect()
            }
            // The arm before takes every other pair.
            _ => Self::default(),
        }
    }

    /// What is in this but not in the other.
    pub(super) fn without(&self, other: &Self) -> Self {
        let Self::Many(words) = self else {
            return self.iter().filter(|number| !other.contains(*number)).collect();
        };
        let mut rest = words.words.clone();
        match other {
            Self::Many(other) => rest.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other),
            few => {
                for number in few.iter() {
                    if let Some(word) = rest.get_mut(number as usize / 64) {
                        *word &= !(1 << (number % 64));
                    }
                }
            }
        }
        Words::new(rest).into()
    }

    /// How many are in both.
    pub(super) fn common(&self, other: &Self) -> usize {
        match (self, other) {
            (Self::Many(a), Self::Many(b)) => {
                a.words.iter().zip(&b.words).map(|(a, b)| (a & b).count_ones() as usize).sum()
            }
            (Self::Many(many), few) | (few, Self::Many(many)) => {
                few.iter().filter(|number| many.contains(*number)).count()
            }
            (a, b) => a.iter().filter(|number| b.contains(*number)).count(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let (list, words): (&[u32], &[u64]) = match self {
            Self::None => (&[], &[]),
            Self::One(one) => (std::slice::from_ref(one), &[]),
            Self::Few(list) => (list, &[]),
            Self::Many(words) => (&[], &words.words),
        };
        let ones = (0_u32..).step_by(64).zip(words).flat_map(|(base, word)| Ones(*word).map(move |bit| base + bit));
        list.iter().copied().chain(ones)
    }
}

impl From<Words> for Bits {
    /// Made for one answer: not worth finding the shorter form, unless it is nearly empty.
    fn from(words: Words) -> Self {
        let bits = Self::Many(Box::new(words));
        if bits.len() > FEW { bits } else { bits.iter().collect() }
    }
}

impl Words {
    fn new(words: Vec<u64>) -> Self {
        let length = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, length }
    }

    /// As large as any member, or larger.
    fn largest(&self) -> u32 {
        u32::try_from(self.words.len() * 64).unwrap_or(u32::MAX)
    }

    fn contains(&self, number: u32) -> bool {
        self.words.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn insert(&mut self, number: u32) {
        let at = number as usize / 64;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let bit = 1 << (number % 64);
        self.length += usize::from(self.words[at] & bit == 0);
        self.words[at] |= bit;
    }

    fn remove(&mut self, number: u32) {
        if let Some(word) = self.words.get_mut(number as usize / 64) {
            let bit = 1 << (number % 64);
            self.length -= usize::from(*word & bit != 0);
            *word &= !bit;
        }
    }
}

/// A union in the making, cheaper than one pair after the other.
#[derive(Debug, Default)]
pub(super) struct Union {
    words: Vec<u64>,
}

impl Union {
    pub(super) fn add(&mut self, set: &Bits) {
        if let Bits::Many(many) = set {
            self.words.resize(self.words.len().max(many.words.len()), 0);
            self.words.iter_mut().zip(&many.words).for_each(|(word, other)| *word |= other);
            return;
        }
        for number in set.iter() {
            let at = number as usize / 64;
            if at >= self.words.len() {
                self.words.resize(at + 1, 0);
            }
            self.words[at] |= 1 << (number % 64);
        }
    }

    pub(super) fn finish(self) -> Bits {
        Words::new(self.words).into()
    }
}

/// The positions of the ones in a word.
struct Ones(u64);

impl Iterator for Ones {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (bit < 64).then_some(bit)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn bits(numbers: &BTreeSet<u32>) -> Bits {
        let mut bits = Bits::default();
        for number in numbers {
            bits.insert(*number);
        }
        bits
    }

    fn set_of(bits: &Bits) -> BTreeSet<u32> {
        bits.iter().collect()
    }

    fn sets() -> impl Strategy<Value = BTreeSet<u32>> {
        prop_oneof![
            prop::collection::btree_set(0_u32..500, 0..3),
            prop::collection::btree_set(0_u32..500, 0..80),
            prop::collection::btree_set(0_u32..500, 0..300),
            prop::collection::btree_set(0_u32..20_000, 0..300),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_set(a in sets(), b in sets(), removed in prop::collection::vec(0_u32..500, 0..300)) {
            let (left, right) = (bits(&a), bits(&b));
            prop_assert_eq!(left.len(), a.len());
            prop_assert_eq!(&left, &a.iter().copied().collect::<Bits>());
            prop_assert_eq!(set_of(&left.and(&right)), a.intersection(&b).copied().collect::<BTreeSet<_>>());
            let mut union = Union::default();
            union.add(&left);
            union.add(&right);
            prop_assert_eq!(set_of(&union.finish()), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(set_of(&left.without(&right)), a.difference(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(left.common(&right), a.intersection(&b).count());
            let (mut rest, mut expected) = (left, a);
            for number in removed {
                rest.remove(number);
                expected.remove(&number);
                prop_assert!(!rest.contains(number));
            }
            prop_assert_eq!(rest.len(), expected.len());
            prop_assert_eq!(rest.is_empty(), expected.is_empty());
            prop_assert_eq!(set_of(&rest), expected);
        }
    }
}
