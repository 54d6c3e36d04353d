//! What is known of each document while the words of a query are looked for one after the other.

use std::cmp::Ordering;

use super::super::document::Field;
use super::super::postings::Posting;
use super::super::reading::Reading;
use super::Hit;

/// Every document of a reading, numbered through all parts.
pub(super) struct Slots {
    pub(super) slots: Vec<Slot>,
    /// Documents that had a word.
    pub(super) touched: Vec<u32>,
    /// Those that have the word at hand.
    now: Vec<u32>,
    /// Where the documents of each part begin.
    starts: Vec<u32>,
}

/// One document.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    total: f32,
    /// For the word at hand.
    best: f32,
    reward: f32,
    /// Words it has.
    pub(super) words: u8,
    /// Words it has in name or title.
    named: u8,
    is_named: bool,
    is_touched: bool,
}

impl Slot {
    /// For so many words that were asked.
    pub(super) fn score(&self, asked: u8) -> f32 {
        let asked = f32::from(asked.max(1));
        let named = if f32::from(self.named) >= asked { 300.0 } else { 0.0 };
        let fullness = f32::from(self.words).min(asked) / asked;
        self.reward.max(named) + 6.0 * self.total / asked * fullness
    }
}

impl Slots {
    pub(super) fn new(reading: &Reading) -> Self {
        let mut starts = Vec::with_capacity(reading.parts.len());
        let mut count = 0;
        for part in &reading.parts {
            starts.push(u32::try_from(count).unwrap_or(u32::MAX));
            count += part.segment.entries.len();
        }
        Self { slots: vec![Slot::default(); count], touched: Vec::new(), now: Vec::new(), starts }
    }

    /// Part and number of a document.
    pub(super) fn split(&self, doc: u32) -> (u32, u32) {
        let part = self.starts.partition_point(|start| *start <= doc) - 1;
        (u32::try_from(part).unwrap_or_default(), doc - self.starts[part])
    }

    pub(super) fn begin_word(&mut self) {
        self.now.clear();
    }

    /// A document has the word at hand; it counts if it had `must` words before.
    pub(super) fn note(&mut self, part: usize, posting: Posting<'_>, quality: f32, length: u32, must: u8) {
        let weight = Field::WEIGHTS[usize::from(posting.field)];
        let mut worth = quality * weight;
        if posting.field == Field::Text.number() {
            worth *= often(posting.count, length);
        }
        let is_named = quality > 0.45 && is_name(posting.field);
        self.take(self.starts[part] + posting.doc, worth, is_named, must);
    }

    /// The same for a phrase.
    pub(super) fn note_plain(&mut self, part: usize, doc: u32, field: u8, must: u8) {
        self.take(self.starts[part] + doc, Field::WEIGHTS[usize::from(field)], is_name(field), must);
    }

    fn take(&mut self, doc: u32, worth: f32, is_named: bool, must: u8) {
        let slot = &mut self.slots[doc as usize];
        if slot.words < must {
            return;
        }
        if slot.best == 0.0 {
            self.now.push(doc);
        }
        slot.best = slot.best.max(worth);
        slot.is_named |= is_named;
    }

    /// Whether any document had the last word, and those before.
    pub(super) fn has_found(&self) -> bool {
        !self.now.is_empty()
    }

    /// The word at hand is done: a rare one counts more.
    #[expect(clippy::cast_precision_loss, reason = "logarithms of counts")]
    pub(super) fn end_word(&mut self, must: u8) {
        let (all, with) = (self.slots.len() as f32, self.now.len() as f32);
        let rare = ((all - with + 0.5) / (with + 0.5)).ln_1p() / (2.0 * all + 2.0).ln_1p();
        for doc in &self.now {
            let slot = &mut self.slots[*doc as usize];
            slot.total += slot.best * (0.35 + 0.65 * rare.clamp(0.0, 1.0));
            slot.words = if must == 0 { slot.words + 1 } else { must + 1 };
            slot.named += u8::from(slot.is_named);
            (slot.best, slot.is_named) = (0.0, false);
            if !std::mem::replace(&mut slot.is_touched, true) {
                self.touched.push(*doc);
            }
        }
    }

    /// A document's name is what was typed: it has all words.
    pub(super) fn reward(&mut self, part: usize, doc: u32, reward: f32, asked: u8) {
        let doc = self.starts[part] + doc;
        let slot = &mut self.slots[doc as usize];
        slot.reward = slot.reward.max(reward);
        slot.words = slot.words.max(asked);
        if !std::mem::replace(&mut slot.is_touched, true) {
            self.touched.push(doc);
        }
    }
}

fn is_name(field: u8) -> bool {
    field == Field::Name.number() || field == Field::Title.number()
}

/// How much it says that a word stands so often in a text of this length: from a half to twice as much.
#[expect(clippy::cast_precision_loss, reason = "counts of words in one text")]
fn often(count: u32, length: u32) -> f32 {
    let (count, length) = (count as f32, length as f32);
    2.0 * count / (count + 0.5 + length / 200.0)
}

/// The better one first; of equals that with the shorter, then the lesser name.
pub(super) fn order_of(reading: &Reading, one: &Hit, other: &Hit) -> Ordering {
    let names = |hit: &Hit| {
        let segment = &reading.parts[hit.part as usize].segment;
        let entry = &segment.entries[hit.doc as usize];
        let (entity, place) = (segment.text(entry.entity), segment.text(entry.place));
        let name = entity.rsplit_once('/').map_or(entity, |(_, name)| name);
        (name.len(), entity, place)
    };
    other.score.total_cmp(&one.score).then_with(|| names(one).cmp(&names(other)))
}
