//! Which documents fit a query, and which of them come first.
//!
//! 1. Words as they are written, the last one as the start of a word; a plural finds the singular. All must be there.
//! 2. If that finds little and no name: words that are nearly these, too.
//! 3. If that finds nothing: documents that have some of the words.
//!
//! First come documents whose whole name is what was typed, then whose title is, then names that begin with it, then
//! those with all words in the name. Within these: how rare the words are, how much the fields say in which they stand,
//! how close the match is; then whether the document is of the viewer's groups and in production.

mod expand;
mod narrow;
mod score;

use self::expand::{Typed, Way, expand};
use self::narrow::Narrowing;
use self::score::{Slots, order_of};
use super::document::{Facet, Fields, Sort, WHOLE_NAME, WHOLE_TITLE};
use super::postings;
use super::query::Query;
use super::reading::Reading;
use super::segment::{Entry, Segment};

/// What is wanted of a search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) query: &'a Query,
    /// Only words in these fields count.
    pub(super) fields: Fields,
    /// Whether every word may be the start of one, not only the last.
    pub(super) are_starts: bool,
    /// Whether misspelled words are looked for, and documents with some of the words.
    pub(super) is_forgiving: bool,
    /// References of what the viewer owns by.
    pub(super) mine: &'a [String],
}

/// One document that fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    /// Number of the part of the reading.
    pub(super) part: u32,
    pub(super) doc: u32,
    pub(super) score: f32,
}

/// How what was found fits what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fit {
    /// All words, as they are written.
    #[default]
    Exact,
    /// All words; some only nearly.
    Near,
    /// Some words.
    Some,
}

/// What was found, in no order.
#[derive(Debug, Default)]
pub(super) struct Matches {
    pub(super) hits: Vec<Hit>,
    /// Documents that one filter alone keeps out, and which; none for the filter by sort.
    pub(super) almost: Vec<(Hit, Option<Facet>)>,
    pub(super) fit: Fit,
    /// Words that nothing has, and what they were taken for.
    pub(super) corrected: Vec<(String, String)>,
}

/// Fewer hits than this are few.
const FEW: usize = 8;

/// What a document has at least whose name or title begins with what was typed.
const NAMED: f32 = 400.0;

/// Everything that fits.
pub(super) fn matches(reading: &Reading, wish: &Wish<'_>) -> Matches {
    let narrowing = Narrowing::of(reading, &wish.query.filters, wish.mine);
    if wish.query.is_void() {
        return Matches::default();
    }
    let search = Search { reading, wish, narrowing };
    if wish.query.is_open() {
        return search.everything();
    }
    let exact = search.run(0, Fit::Exact);
    let is_enough = |found: &Matches| found.hits.len() >= FEW || found.hits.iter().any(|hit| hit.score >= NAMED);
    if !wish.is_forgiving || is_enough(&exact) || !wish.query.phrases.is_empty() {
        return exact;
    }
    // A second misspelling is looked for only where one explains nothing.
    let mut near = search.run(1, Fit::Near);
    if near.hits.is_empty() {
        near = search.run(2, Fit::Near);
    }
    if near.hits.len() == exact.hits.len() {
        near.fit = Fit::Exact;
        near.corrected.clear();
    }
    if near.hits.is_empty() && wish.query.words.len() > 1 {
        return search.run(1, Fit::Some);
    }
    near
}

/// The best of what was found, in order.
pub(super) fn best(reading: &Reading, mut hits: Vec<Hit>, count: usize) -> Vec<Hit> {
    if count < hits.len() {
        // By their scores alone first: names are compared only of those that may be among the best.
        let (_, last, _) = hits.select_nth_unstable_by(count, |one, other| other.score.total_cmp(&one.score));
        let least = last.score;
        hits.retain(|hit| hit.score >= least);
    }
    hits.sort_unstable_by(|one, other| order_of(reading, one, other));
    hits.truncate(count);
    hits
}

struct Search<'a> {
    reading: &'a Reading,
    wish: &'a Wish<'a>,
    narrowing: Narrowing,
}

impl Search<'_> {
    /// Every document that the filters leave.
    fn everything(&self) -> Matches {
        let mut found = Matches::default();
        for (number, part) in (0..).zip(&self.reading.parts) {
            for (doc, entry) in (0..).zip(&part.segment.entries) {
                if part.has(doc) {
                    self.take(&mut found, Hit { part: number, doc, score: self.bonus(number, entry) });
                }
            }
        }
        found
    }

    /// Takes a hit if the filters let it pass.
    fn take(&self, found: &mut Matches, hit: Hit) {
        match self.narrowing.judge(self.reading, hit.part, hit.doc) {
            narrow::Verdict::Pass => found.hits.push(hit),
            narrow::Verdict::Almost(facet) => found.almost.push((hit, facet)),
            narrow::Verdict::Out => {}
        }
    }

    /// Documents with the words, with as many misspellings in each as its length bears, up to `most`.
    fn run(&self, most: u8, fit: Fit) -> Matches {
        let query = self.wish.query;
        let mut slots = Slots::new(self.reading);
        let mut corrected = Vec::new();
        let asked = u8::try_from(query.words.len() + query.phrases.len()).unwrap_or(u8::MAX);
        let must = |words: u8| if fit == Fit::Some { 0 } else { words };
        let is_alone = query.words.first() == Some(&query.joined) && asked == 1;
        for (at, word) in (0_u8..).zip(&query.words) {
            let is_last = usize::from(at) + 1 == query.words.len();
            let is_start = self.wish.are_starts || (is_last && query.phrases.is_empty());
            let typed = Typed { word, is_start, most: allowed(word, most) };
            let better = self.look_for(&mut slots, &typed, must(at), is_alone);
            corrected.extend(better.map(|better| (word.clone(), better)));
            if fit != Fit::Some && !slots.has_found() {
                // Nothing can have all words any more, unless its name is all of them in one.
                break;
            }
        }
        let words = u8::try_from(query.words.len()).unwrap_or(u8::MAX);
        for (at, phrase) in (words..).zip(&query.phrases) {
            self.look_for_phrase(&mut slots, phrase, must(at));
        }
        if !query.joined.is_empty() && !is_alone {
            self.look_for_whole(&mut slots, allowed(&query.joined, most), asked);
        }
        let needed = if fit == Fit::Some { asked.div_ceil(2).max(1) } else { asked };
        let mut found = Matches { fit, corrected, ..Matches::default() };
        for &doc in &slots.touched {
            let slot = &slots.slots[doc as usize];
            if slot.words < needed {
                continue;
            }
            let (number, doc) = slots.split(doc);
            let part = &self.reading.parts[number as usize];
            if part.has(doc) {
                let score = slot.score(asked) + self.bonus(number, &part.segment.entries[doc as usize]);
                self.take(&mut found, Hit { part: number, doc, score });
            }
        }
        found
    }

    /// What speaks for a document whatever was asked.
    fn bonus(&self, part: u32, entry: &Entry) -> f32 {
        let mine = if self.narrowing.is_mine(part, entry) { 12.0 } else { 0.0 };
        mine + f32::from(entry.prior)
    }

    /// Notes the documents that have a word, if they had enough of those before; the word that was meant, if this one is
    /// nowhere. With `is_alone` it is all that was typed.
    fn look_for(&self, slots: &mut Slots, typed: &Typed<'_>, must: u8, is_alone: bool) -> Option<String> {
        // What begins with one or two letters is looked for among names alone.
        let is_short = typed.is_start && typed.word.chars().nth(2).is_none() && !self.wish.are_starts;
        let fields = self.wish.fields;
        slots.begin_word();
        let (mut is_known, mut better): (bool, Option<(u8, usize, String)>) = (false, None);
        for (part, number) in self.reading.parts.iter().zip(0..) {
            let segment = &part.segment;
            let mut rate = |way: Way, key: &str| {
                if way.distance == 0 {
                    is_known = true;
                } else {
                    let lists = segment.postings(way.at);
                    let rank = (way.distance, usize::MAX - lists[0].len() - lists[1].len());
                    if better.as_ref().is_none_or(|(distance, rest, _)| rank < (*distance, *rest)) {
                        better = Some((rank.0, rank.1, key.to_owned()));
                    }
                }
            };
            expand(&segment.words, typed, |way, key| {
                rate(way, key);
                // Nor does what only begins like something misspelled.
                let is_vague = !way.is_whole && (is_short || way.distance > 0);
                let lists = segment.postings(way.at);
                for list in &lists[..if is_vague { 1 } else { 2 }] {
                    postings::each(list, |posting| {
                        if fields.has(posting.field) {
                            let length = segment.entries[posting.doc as usize].length;
                            slots.note(number, posting, way.quality, length, must);
                        }
                    });
                }
            });
            if is_alone {
                expand(&segment.wholes, typed, |way, key| {
                    rate(way, key);
                    reward_wholes(slots, segment, number, way, 1);
                });
            }
        }
        slots.end_word(must);
        better.filter(|_| !is_known).map(|(_, _, word)| word)
    }

    /// Notes the documents in which words follow each other.
    fn look_for_phrase(&self, slots: &mut Slots, phrase: &[String], must: u8) {
        slots.begin_word();
        for (part, number) in self.reading.parts.iter().zip(0..) {
            // Document, field, place of the last word.
            let mut ends: Vec<(u32, u8, u32)> = Vec::new();
            for (at, word) in phrase.iter().enumerate() {
                let mut next = Vec::new();
                let lists = part.segment.words.get(word).map(|at| part.segment.postings(at));
                for list in lists.into_iter().flatten() {
                    postings::each(list, |posting| {
                        let Some(doc) = Some(posting.doc).filter(|_| self.wish.fields.has(posting.field)) else {
                            return;
                        };
                        let follows = |place: &u32| {
                            at == 0
                                || place
                                    .checked_sub(1)
                                    .is_some_and(|before| ends.binary_search(&(doc, posting.field, before)).is_ok())
                        };
                        next.extend(posting.places().filter(follows).map(|place| (doc, posting.field, place)));
                    });
                }
                // Names come before the rest.
                next.sort_unstable();
                ends = next;
            }
            for (doc, field, _) in ends {
                slots.note_plain(number, doc, field, must);
            }
        }
        slots.end_word(must);
    }

    /// Notes the documents whose name or title is, or begins with, everything that was typed.
    fn look_for_whole(&self, slots: &mut Slots, most: u8, asked: u8) {
        let typed = Typed { word: &self.wish.query.joined, is_start: true, most };
        for (part, number) in self.reading.parts.iter().zip(0..) {
            expand(&part.segment.wholes, &typed, |way, _| reward_wholes(slots, &part.segment, number, way, asked));
        }
    }
}

/// Notes the documents whose name, title or tag is a word as a whole; they have all `asked` words.
fn reward_wholes(slots: &mut Slots, segment: &Segment, part: usize, way: Way, asked: u8) {
    postings::each(segment.postings(way.at)[0], |posting| {
        if let Some(reward) = reward(posting.first(), way) {
            slots.reward(part, posting.doc, reward, asked);
        }
    });
}

/// What it is worth that a name, title or tag is what was typed, or begins with it.
fn reward(which: u32, way: Way) -> Option<f32> {
    let reward = match (which, way.distance, way.is_whole) {
        (WHOLE_NAME, 0, true) => 600.0,
        (WHOLE_TITLE, 0, true) => 500.0,
        (WHOLE_NAME, 0, false) => 420.0,
        (WHOLE_TITLE, 0, false) => NAMED,
        (WHOLE_NAME, _, true) => 290.0,
        (WHOLE_TITLE, _, true) => 280.0,
        (WHOLE_NAME | WHOLE_TITLE, _, false) => 220.0,
        (_, 0, true) => 150.0,
        _ => return None,
    };
    // Of names that begin so, the shortest goes first.
    Some(reward + 80.0 * way.quality)
}

/// How many misspellings a word bears: none in short ones.
fn allowed(word: &str, most: u8) -> u8 {
    match word.chars().count() {
        0..4 => 0,
        4..8 => most.min(1),
        _ => most,
    }
}

/// Sorts of the hits, with how many there are.
pub(super) fn sorts(reading: &Reading, hits: impl Iterator<Item = Hit>) -> [usize; Sort::ALL.len()] {
    let mut counts = [0; Sort::ALL.len()];
    for hit in hits {
        let sort = reading.parts[hit.part as usize].segment.entries[hit.doc as usize].sort;
        if let Some(count) = Sort::ALL.iter().position(|known| *known == sort).and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    counts
}
