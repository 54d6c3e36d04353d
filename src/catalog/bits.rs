//! Sets of small numbers.

/// A set of slots: one bit each while there are many, a sorted list while there are few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bits {
    /// Sorted. Most values of most fields belong to a handful of entities.
    Few(Vec<u32>),
    /// One bit for each number.
    Many(Vec<u64>),
}

/// From how many members on bits are used.
const MANY: usize = 64;

impl Default for Bits {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Bits {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(words) => words.iter().all(|word| *word == 0),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(words) => words.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        match self {
            Self::Few(list) => list.binary_search(&number).is_ok(),
            Self::Many(words) => words.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1),
        }
    }

    pub(super) fn insert(&mut self, number: u32) {
        match self {
            Self::Few(list) => {
                if let Err(at) = list.binary_search(&number) {
                    list.insert(at, number);
                }
                if list.len() > MANY {
                    *self = Self::Many(self.words());
                }
            }
            Self::Many(words) => set(words, number),
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        match self {
            Self::Few(list) => {
                if let Ok(at) = list.binary_search(&number) {
                    list.remove(at);
                }
            }
            Self::Many(words) => {
                if let Some(word) = words.get_mut(number as usize / 64) {
                    *word &= !(1 << (number % 64));
                }
            }
        }
    }

    /// What is in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Few(list), rest) | (rest, Self::Few(list)) => {
                Self::Few(list.iter().copied().filter(|number| rest.contains(*number)).collect())
            }
            (Self::Many(a), Self::Many(b)) => Self::Many(a.iter().zip(b).map(|(a, b)| a & b).collect()),
        }
    }

    /// What is in either.
    pub(super) fn or(&self, other: &Self) -> Self {
        let (mut words, other) = (self.words(), other.words());
        words.resize(words.len().max(other.len()), 0);
        for (word, other) in words.iter_mut().zip(other) {
            *word |= other;
        }
        Self::Many(words)
    }

    /// What is in this but not in the other.
    pub(super) fn without(&self, other: &Self) -> Self {
        match self {
            Self::Few(list) => Self::Few(list.iter().copied().filter(|number| !other.contains(*number)).collect()),
            Self::Many(words) => {
                let mut words = words.clone();
                for (word, other) in words.iter_mut().zip(other.words()) {
                    *word &= !other;
                }
                Self::Many(words)
            }
        }
    }

    /// How many are in both.
    pub(super) fn common(&self, other: &Self) -> usize {
        match (self, other) {
            (Self::Few(list), rest) | (rest, Self::Few(list)) => {
                list.iter().filter(|number| rest.contains(**number)).count()
            }
            (Self::Many(a), Self::Many(b)) => a.iter().zip(b).map(|(a, b)| (a & b).count_ones() as usize).sum(),
        }
    }

    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Few(list) => Box::new(list.iter().copied()),
            Self::Many(words) => Box::new(
                (0_u32..).step_by(64).zip(words).flat_map(|(base, word)| Ones(*word).map(move |bit| base + bit)),
            ),
        }
    }

    fn words(&self) -> Vec<u64> {
        match self {
            Self::Many(words) => words.clone(),
            Self::Few(list) => {
                let mut words = Vec::new();
                for number in list {
                    set(&mut words, *number);
                }
                words
            }
        }
    }
}

fn set(words: &mut Vec<u64>, number: u32) {
    let at = number as usize / 64;
    if at >= words.len() {
        words.resize(at + 1, 0);
    }
    words[at] |= 1 << (number % 64);
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

    proptest! {
        #[test]
        fn it_is_a_set(
            a in prop::collection::btree_set(0_u32..500, 0..200),
            b in prop::collection::btree_set(0_u32..500, 0..200),
            removed in prop::collection::vec(0_u32..500, 0..50),
        ) {
            let (left, right) = (bits(&a), bits(&b));
            prop_assert_eq!(left.len(), a.len());
            prop_assert_eq!(set_of(&left.and(&right)), a.intersection(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(set_of(&left.or(&right)), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(set_of(&left.without(&right)), a.difference(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(left.common(&right), a.intersection(&b).count());
            let (mut rest, mut expected) = (left, a);
            for number in removed {
                rest.remove(number);
                expected.remove(&number);
                prop_assert!(!rest.contains(number));
            }
            prop_assert_eq!(rest.is_empty(), expected.is_empty());
            prop_assert_eq!(set_of(&rest), expected);
        }
    }
}
