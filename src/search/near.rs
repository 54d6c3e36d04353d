//! Words that are nearly another: an automaton for [`fst`] that counts misspellings.
//!
//! A letter too much, one too few, another one, and two that changed places count one each (optimal string alignment).
//! Nothing is built before it runs: a state is the part of the distance table that can still matter, five numbers of
//! the last two rows, so it costs nothing to begin and its work is bounded by the words that share a start with the
//! one that is looked for.

use fst::Automaton;

use super::words::LONGEST;

/// So many misspellings are the most that can be asked for.
const MOST: usize = 2;
/// Numbers of a row that can be small enough.
const BAND: usize = 2 * MOST + 1;
/// More than any distance that counts.
const FAR: u8 = 9;

/// Words that differ from one by a few letters.
#[derive(Debug)]
pub(super) struct Near {
    letters: Vec<char>,
    most: u8,
    /// Whether it is enough that a word begins like this.
    is_start: bool,
}

/// How far a candidate has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Letters read.
    depth: u8,
    /// Distances to the starts of the word with `depth - 2` to `depth + 2` letters.
    now: [u8; BAND],
    /// The same one letter before.
    before: [u8; BAND],
    last: char,
    /// Of a letter that is not read to its end.
    pending: u32,
    missing: u8,
    /// The smallest distance of a start to the whole word.
    best: u8,
}

impl Near {
    /// Words with at most `most` misspellings, no more than two.
    pub(super) fn new(word: &str, most: u8, is_start: bool) -> Self {
        Self { letters: word.chars().take(LONGEST).collect(), most: most.min(2), is_start }
    }

    /// How many misspellings a word has that was read; none if too many.
    pub(super) fn distance(&self, row: &Row) -> Option<u8> {
        let distance = if self.is_start { row.best } else { self.whole(row) };
        (row.missing == 0 && distance <= self.most).then_some(distance)
    }

    /// The same for all that was read, whether or not the start of a word is enough; none beyond `most`.
    pub(super) fn whole_distance(&self, row: &Row) -> Option<u8> {
        Some(self.whole(row)).filter(|distance| *distance <= self.most)
    }

    /// The same for one word.
    pub(super) fn distance_to(&self, word: &str) -> Option<u8> {
        let mut row = self.start();
        for byte in word.bytes() {
            if !self.can_match(&row) {
                return None;
            }
            row = self.accept(&row, byte);
        }
        self.distance(&row)
    }

    /// The distance of all that was read to the whole word.
    fn whole(&self, row: &Row) -> u8 {
        let place = (self.letters.len() + MOST).checked_sub(usize::from(row.depth));
        place.and_then(|place| row.now.get(place)).copied().unwrap_or(FAR)
    }

    fn step(&self, row: &Row, letter: char) -> Row {
        let depth = usize::from(row.depth) + 1;
        let mut next = [FAR; BAND];
        for at in 0..BAND {
            let Some(length) = (depth + at).checked_sub(MOST).filter(|length| *length <= self.letters.len()) else {
                continue;
            };
            // A letter too much.
            let mut distance = row.now.get(at + 1).map_or(FAR, |known| known + 1);
            if length > 0 {
                let own = self.letters[length - 1];
                distance = distance.min(row.now[at] + u8::from(own != letter));
                if at > 0 {
                    distance = distance.min(next[at - 1] + 1);
                }
                let is_swapped = length > 1 && depth > 1 && own == row.last && self.letters[length - 2] == letter;
                if is_swapped {
                    distance = distance.min(row.before[at] + 1);
                }
            }
            next[at] = distance.min(FAR);
        }
        let depth = u8::try_from(depth).unwrap_or(u8::MAX);
        let mut row = Row { depth, now: next, before: row.now, last: letter, pending: 0, missing: 0, best: row.best };
        row.best = row.best.min(self.whole(&row));
        row
    }
}

impl Automaton for Near {
    type State = Row;

    fn start(&self) -> Row {
        let mut now = [FAR; BAND];
        for (at, length) in (MOST..BAND).enumerate() {
            now[length] = u8::try_from(at).unwrap_or(FAR);
        }
        let mut row = Row { depth: 0, now, before: [FAR; BAND], last: '\0', pending: 0, missing: 0, best: FAR };
        row.best = self.whole(&row);
        row
    }

    fn is_match(&self, row: &Row) -> bool {
        self.distance(row).is_some()
    }

    fn can_match(&self, row: &Row) -> bool {
        if self.most > 1 && row.depth == 1 && row.now[MOST] > 0 {
            // Who misspells twice has the first letter right; that leaves a small part of all words to look at.
            return false;
        }
        let nearest = row.now.iter().copied().min().unwrap_or(FAR);
        nearest <= self.most || (self.is_start && row.best <= self.most) || self.swaps(row)
    }

    fn accept(&self, row: &Row, byte: u8) -> Row {
        if row.missing == 0 {
            let (bits, missing) = match byte {
                0..0x80 => return self.step(row, char::from(byte)),
                0x80..0xe0 => (byte & 0x1f, 1),
                0xe0..0xf0 => (byte & 0x0f, 2),
                _ => (byte & 0x07, 3),
            };
            return Row { pending: u32::from(bits), missing, ..*row };
        }
        let pending = row.pending << 6 | u32::from(byte & 0x3f);
        match row.missing {
            1 => self.step(row, char::from_u32(pending).unwrap_or(char::REPLACEMENT_CHARACTER)),
            missing => Row { pending, missing: missing - 1, ..*row },
        }
    }
}

impl Near {
    /// Whether two letters may yet turn out to have changed places: the row between them is one farther than the end.
    fn swaps(&self, row: &Row) -> bool {
        row.depth > 0 && row.before.iter().any(|distance| *distance < self.most)
    }
}

#[cfg(test)]
mod tests {
    use fst::{IntoStreamer as _, Streamer as _};
    use proptest::prelude::*;

    use super::*;

    /// The whole table.
    fn plainly(a: &str, b: &str) -> usize {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                rows[i][j] = match (i, j) {
                    (i, 0) => i,
                    (0, j) => j,
                    (i, j) => {
                        let same = usize::from(a[i - 1] != b[j - 1]);
                        let mut best = (rows[i - 1][j - 1] + same).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                        if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                            best = best.min(rows[i - 2][j - 2] + 1);
                        }
                        best
                    }
                };
            }
        }
        rows[a.len()][b.len()]
    }

    #[test]
    fn misspellings_count_one_each() {
        let cases = [
            ("payment", "paymnet", Some(1)),
            ("payment", "pyment", Some(1)),
            ("payment", "payyment", Some(1)),
            ("payment", "pxyment", Some(1)),
            ("payment", "xayment", None),
            ("payment", "pyamnet", Some(2)),
            ("payment", "apymnet", None),
            ("payment", "pay", None),
            ("größe", "grösse", Some(2)),
            ("größe", "größt", Some(1)),
            ("ab", "", Some(2)),
        ];
        for (word, written, expected) in cases {
            assert_eq!(Near::new(word, 2, false).distance_to(written), expected, "{word} {written}");
        }
        assert_eq!(Near::new("chekc", 1, true).distance_to("checkout"), Some(1));
        assert_eq!(Near::new("chekc", 1, true).distance_to("chuck"), None);
    }

    proptest! {
        #[test]
        fn distances_are_those_of_the_whole_table(word in "[abcä]{0,8}", other in "[abcä]{0,8}", most in 0_u8..3) {
            // Two only with the first letter right.
            let most = if word.chars().next() == other.chars().next() { most } else { most.min(1) };
            let expected = plainly(&word, &other);
            let found = Near::new(&word, most, false).distance_to(&other).map(usize::from);
            prop_assert_eq!(found, Some(expected).filter(|distance| *distance <= usize::from(most)));
            let starts = (0..=other.chars().count()).map(|length| other.chars().take(length).collect::<String>());
            let nearest = starts.map(|start| plainly(&word, &start)).min().unwrap();
            let found = Near::new(&word, most, true).distance_to(&other).map(usize::from);
            prop_assert_eq!(found, Some(nearest).filter(|distance| *distance <= usize::from(most)));
        }

        #[test]
        fn a_set_is_searched_as_its_words_are(
            words in prop::collection::btree_set("[abä]{0,6}", 0..60), word in "[abä]{1,6}", is_start: bool,
        ) {
            let set = fst::Set::from_iter(&words).unwrap();
            let near = Near::new(&word, 2, is_start);
            let mut found = Vec::new();
            let mut stream = set.search(&near).into_stream();
            while let Some(key) = stream.next() {
                found.push(String::from_utf8(key.to_vec()).unwrap());
            }
            let expected: Vec<_> = words.into_iter().filter(|other| near.distance_to(other).is_some()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
