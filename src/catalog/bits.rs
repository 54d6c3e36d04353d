//! Sets of small numbers.

/// A set of numbers of entities: one bit each while there are many, a sorted list while there are few. Most values of
/// most fields belong to one entity, so that one takes no allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bits {
    One(u32),
    /// Sorted; also the empty set.
    Few(Box<[u32]>),
    Many(Box<Words>),
}

/// One bit for each number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Words {
    words: Vec<u64>,
    length: usize,
}

/// From how many members on bits are used.
const MANY: usize = 64;

impl Default for Bits {
    fn default() -> Self {
        Self::Few(Box::default())
    }
}

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
            [one] => Self::One(*one),
            list if list.len() <= MANY => Self::Few(list.into()),
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
            Self::One(_) => 1,
            Self::Few(list) => list.len(),
            Self::Many(words) => words.length,
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        match self {
            Self::One(one) => *one == number,
            Self::Few(list) => list.binary_search(&number).is_ok(),
            Self::Many(words) => words.contains(number),
        }
    }

    pub(super) fn insert(&mut self, number: u32) {
        if let Self::Many(words) = self {
            words.insert(number);
        } else if !self.contains(number) {
            let mut list = self.to_vec();
            list.insert(list.partition_point(|other| *other < number), number);
            *self = Self::of_sorted(&list);
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        if let Self::Many(words) = self {
            words.remove(number);
        } else if self.contains(number) {
            let mut list = self.to_vec();
            list.retain(|other| *other != number);
            *self = Self::of_sorted(&list);
        }
    }

    fn to_vec(&self) -> Vec<u32> {
        self.iter().collect()
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
            Self::One(one) => (std::slice::from_ref(one), &[]),
            Self::Few(list) => (list, &[]),
            Self::Many(words) => (&[], &words.words),
        };
        let ones = (0_u32..).step_by(64).zip(words).flat_map(|(base, word)| Ones(*word).map(move |bit| base + bit));
        list.iter().copied().chain(ones)
    }
}

impl From<Words> for Bits {
    fn from(words: Words) -> Self {
        if words.length > MANY {
            Self::Many(Box::new(words))
        } else {
            Self::of_sorted(&Self::Many(Box::new(words)).to_vec())
        }
    }
}

impl Words {
    fn new(words: Vec<u64>) -> Self {
        let length = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, length }
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
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_set(a in sets(), b in sets(), removed in prop::collection::vec(0_u32..500, 0..50)) {
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
