//! Where a word stands, as few bytes as it takes.
//!
//! A list has one entry for each field of each document with the word, in the order of documents. An entry is a number
//! (what to add to the last document, the field, whether there are several places), for several places their count and
//! length, and the places, each as what to add to the one before.

use smallvec::SmallVec;

use super::document::Field;

/// One field of one document that has a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting<'a> {
    pub(super) doc: u32,
    /// [`Field::number`]
    pub(super) field: u8,
    /// How often it stands there.
    pub(super) count: u32,
    places: &'a [u8],
}

impl Posting<'_> {
    /// The places in order.
    pub(super) fn places(self) -> impl Iterator<Item = u32> {
        let (mut bytes, mut last) = (self.places, 0);
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            last += take(&mut bytes);
            Some(last)
        })
    }

    /// The first place.
    pub(super) fn first(self) -> u32 {
        take(&mut { self.places })
    }
}

/// A list of postings that is being written.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) bytes: Vec<u8>,
    last: u32,
}

impl List {
    /// Adds a field of a document; documents come in order, places too.
    pub(super) fn add(&mut self, doc: u32, field: u8, mut places: impl Iterator<Item = u32>) {
        debug_assert!(usize::from(field) < Field::COUNT, "three bits");
        let Some(first) = places.next() else { return };
        let (mut written, mut count, mut last) = (SmallVec::<[u8; 32]>::new(), 1, first);
        for place in places {
            put(&mut written, place - last);
            (last, count) = (place, count + 1);
        }
        put(&mut self.bytes, (doc - self.last) << 4 | u32::from(field) << 1 | u32::from(count > 1));
        self.last = doc;
        if count > 1 {
            let mut start = SmallVec::<[u8; 5]>::new();
            put(&mut start, first);
            put(&mut self.bytes, count);
            put(&mut self.bytes, u32::try_from(start.len() + written.len()).unwrap_or(u32::MAX));
        }
        put(&mut self.bytes, first);
        self.bytes.extend_from_slice(&written);
    }
}

/// Calls with every posting of a list.
pub(super) fn each<'a>(mut bytes: &'a [u8], mut call: impl FnMut(Posting<'a>)) {
    let mut doc = 0;
    while !bytes.is_empty() {
        let head = take(&mut bytes);
        doc += head >> 4;
        let field = (head >> 1 & 7) as u8;
        let (count, length) = if head & 1 == 1 {
            (take(&mut bytes), take(&mut bytes) as usize)
        } else {
            (1, 1 + bytes.iter().take_while(|byte| **byte >= 0x80).count())
        };
        let (places, rest) = bytes.split_at(length.min(bytes.len()));
        bytes = rest;
        call(Posting { doc, field, count, places });
    }
}

/// Writes a number in seven bits a byte.
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
pub(super) fn put(bytes: &mut impl Extend<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.extend([(number & 0x7f) as u8 | 0x80]);
        number >>= 7;
    }
    bytes.extend([number as u8]);
}

/// Reads a number, and goes on behind it.
pub(super) fn take(bytes: &mut &[u8]) -> u32 {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            break;
        };
        *bytes = rest;
        number |= u32::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            entries in prop::collection::vec((0_u32..100_000, 0_u8..8, prop::collection::vec(0_u32..70_000, 1..6)), 0..40)
        ) {
            let (mut list, mut doc, mut expected) = (List::default(), 0, Vec::new());
            for (further, field, mut places) in entries {
                places.sort_unstable();
                doc += further;
                list.add(doc, field, places.iter().copied());
                expected.push((doc, field, places));
            }
            let mut found = Vec::new();
            each(&list.bytes, |posting| {
                let places: Vec<u32> = posting.places().collect();
                assert_eq!((posting.count as usize, posting.first()), (places.len(), places[0]));
                found.push((posting.doc, posting.field, places));
            });
            prop_assert_eq!(found, expected);
        }
    }
}
