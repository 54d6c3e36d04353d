//! A part of the index that never changes: the words of some documents in an [`fst`], where they stand, and what the
//! documents are.
//!
//! A [`Builder`] takes documents one after the other. What is replaced later is not removed here: whoever holds a
//! segment knows which of its documents are no longer meant (see [`super::reading`]), and merging leaves them out.

use std::io::Read as _;

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use fst::Streamer as _;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::hash::BuildHasher as _;

use super::document::{Document, Facet, Field, Sort, WHOLE_NAME, WHOLE_PART, WHOLE_TITLE};
use super::postings::{self, List};
use super::words;

/// Words of one text that count.
const MOST_WORDS: u32 = 20_000;
/// Bytes of one text that count.
const LONGEST_TEXT: usize = 400_000;

/// What a document is, beside its words.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) sort: Sort,
    /// Number of the text that is the reference of its entity.
    pub(super) entity: u32,
    pub(super) place: u32,
    /// Numbers of the values of single facets; 0 is the empty text.
    pub(super) values: [u32; Facet::SINGLE],
    tags: (u32, u8),
    kept: (u32, u32),
    /// How many words its text has.
    pub(super) length: u32,
    pub(super) prior: i8,
}

/// Some documents and their words.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) words: fst::Map<Vec<u8>>,
    /// Names, titles and tags as one word each ([`Field::Whole`]). There are about as many as documents, and whoever asks
    /// for a word of several need not walk through them.
    pub(super) wholes: fst::Map<Vec<u8>>,
    postings: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    texts: Texts,
    tags: Vec<u32>,
    kept: Vec<u8>,
    /// Documents in the order of their entities' references.
    by_entity: Vec<u32>,
}

impl Segment {
    /// The documents of an entity.
    pub(super) fn of_entity<'a>(&'a self, entity: &'a str) -> impl Iterator<Item = u32> + 'a {
        let name = |doc: u32| self.text(self.entries[doc as usize].entity);
        let first = self.by_entity.partition_point(|doc| name(*doc) < entity);
        self.by_entity[first..].iter().copied().take_while(move |doc| name(*doc) == entity)
    }

    /// The postings of a word, by what [`Segment::words`] or [`Segment::wholes`] says: those in names, and those elsewhere.
    pub(super) fn postings(&self, at: u64) -> [&[u8]; 2] {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let mut bytes = self.postings.get(at..).unwrap_or_default();
        let lengths = [postings::take(&mut bytes) as usize, postings::take(&mut bytes) as usize];
        let (names, rest) = bytes.split_at_checked(lengths[0]).unwrap_or_default();
        [names, rest.get(..lengths[1]).unwrap_or_default()]
    }

    /// A text by its number.
    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number)
    }

    /// How many texts there are.
    pub(super) fn text_count(&self) -> usize {
        self.texts.ends.len()
    }

    /// Numbers of the tags of a document.
    pub(super) fn tags(&self, doc: u32) -> &[u32] {
        let (start, count) = self.entries[doc as usize].tags;
        &self.tags[start as usize..start as usize + usize::from(count)]
    }

    /// What was kept of a document to be shown.
    pub(super) fn kept(&self, doc: u32) -> String {
        let (start, end) = self.entries[doc as usize].kept;
        let mut text = String::new();
        if start < end {
            // What was written by ourselves can be read; what is not is shown without.
            let _ = DeflateDecoder::new(&self.kept[start as usize..end as usize]).read_to_string(&mut text);
        }
        text
    }

    /// The bytes it takes, about.
    pub(super) fn size(&self) -> usize {
        let entries = self.entries.len() * (size_of::<Entry>() + size_of::<u32>());
        let texts = self.texts.text.len() + self.texts.ends.len() * 4 + self.tags.len() * 4;
        let words = self.words.as_fst().as_bytes().len() + self.wholes.as_fst().as_bytes().len();
        words + self.postings.len() + entries + texts + self.kept.len()
    }
}

/// Texts by number, each once.
#[derive(Debug, Default)]
struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.text[start as usize..self.ends[number] as usize]
    }

    fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(number_of(self.text.len()));
        number_of(self.ends.len() - 1)
    }
}

/// Four billion bytes or documents are far more than memory for them.
fn number_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Makes a segment.
#[derive(Debug)]
pub(super) struct Builder {
    /// The words, with the number of their lists.
    words: HashMap<Box<str>, u32>,
    /// The same of names, titles and tags as one word each.
    wholes: HashMap<Box<str>, u32>,
    /// Of each word: where it is in names, and where elsewhere.
    lists: Vec<[List; 2]>,
    entries: Vec<Entry>,
    texts: Texts,
    known: HashTable<u32>,
    hasher: DefaultHashBuilder,
    tags: Vec<u32>,
    kept: Vec<u8>,
    /// The words of the document at hand, each with its field and place; kept for the room it has.
    found: Vec<(u32, u8, u32)>,
}

impl Default for Builder {
    fn default() -> Self {
        let mut builder = Self {
            words: HashMap::new(),
            wholes: HashMap::new(),
            lists: Vec::new(),
            entries: Vec::new(),
            texts: Texts::default(),
            known: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            tags: Vec::new(),
            kept: Vec::new(),
            found: Vec::new(),
        };
        builder.number("");
        builder
    }
}

impl Builder {
    /// Whether nothing was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes a document.
    pub(super) fn add(&mut self, document: &Document) {
        let doc = number_of(self.entries.len());
        let length = self.learn(doc, document);
        let kept = self.keep(&document.kept);
        let entity = self.number(&document.entity);
        let place = self.number(&document.place);
        let values = std::array::from_fn(|at| self.number(&document.values[at]));
        let tags: Vec<u32> = document.tags.iter().take(usize::from(u8::MAX)).map(|tag| self.number(tag)).collect();
        let (sort, prior) = (document.sort, document.prior);
        self.push(Entry { sort, entity, place, values, tags: (0, 0), kept, length, prior }, &tags);
    }

    fn push(&mut self, mut entry: Entry, tags: &[u32]) {
        entry.tags = (number_of(self.tags.len()), u8::try_from(tags.len()).unwrap_or(u8::MAX));
        self.tags.extend_from_slice(tags);
        self.entries.push(entry);
    }

    /// Notes where the words of a document stand; how many its text has.
    fn learn(&mut self, doc: u32, document: &Document) -> u32 {
        let mut next = [0_u32; Field::COUNT];
        let mut length = 0;
        for (field, text) in &document.texts {
            let number = field.number();
            let first = next[usize::from(number)];
            let text = cut(text, LONGEST_TEXT);
            words::each(text, |word| {
                if word.place < MOST_WORDS && !word.text.is_empty() {
                    self.note(&word.text, number, first + word.place);
                    // A gap, so that no phrase reaches from one text into the next.
                    next[usize::from(number)] = first + word.place + 8;
                    length += u32::from(*field == Field::Text && !word.is_part);
                }
            });
            let whole = match field {
                Field::Name => WHOLE_NAME,
                Field::Title => WHOLE_TITLE,
                Field::Tags => WHOLE_PART,
                _ => continue,
            };
            let joined = words::joined(text);
            if !joined.is_empty() {
                self.note(&joined, Field::Whole.number(), whole);
            }
        }
        let mut found = std::mem::take(&mut self.found);
        found.sort_unstable();
        found.dedup();
        for places in found.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let (word, field, _) = places[0];
            let list = &mut self.lists[word as usize][usize::from(!is_name(field))];
            list.add(doc, field, places.iter().map(|(_, _, place)| *place));
        }
        found.clear();
        self.found = found;
        length
    }

    fn note(&mut self, word: &str, field: u8, place: u32) {
        let word = self.list(word, field);
        self.found.push((word, field, place));
    }

    /// The number of a word's lists.
    fn list(&mut self, word: &str, field: u8) -> u32 {
        let words = if field == Field::Whole.number() { &mut self.wholes } else { &mut self.words };
        if let Some(known) = words.get(word) {
            return *known;
        }
        let number = number_of(self.lists.len());
        self.lists.push(Default::default());
        words.insert(word.into(), number);
        number
    }

    fn keep(&mut self, text: &str) -> (u32, u32) {
        let start = self.kept.len();
        if !text.is_empty() {
            // Writing into memory does not fail.
            let _ = DeflateEncoder::new(text.as_bytes(), Compression::fast()).read_to_end(&mut self.kept);
        }
        (number_of(start), number_of(self.kept.len()))
    }

    fn number(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        if let Some(known) = self.known.find(hash, |number| self.texts.get(*number) == text) {
            return *known;
        }
        let number = self.texts.push(text);
        let (texts, hasher) = (&self.texts, &self.hasher);
        self.known.insert_unique(hash, number, |number| hasher.hash_one(texts.get(*number)));
        number
    }

    /// Takes the documents of a segment that are meant.
    pub(super) fn take(&mut self, segment: &Segment, is_meant: &dyn Fn(u32) -> bool) {
        let mut moved: Vec<Option<u32>> = Vec::with_capacity(segment.entries.len());
        for (doc, entry) in (0..).zip(&segment.entries) {
            if !is_meant(doc) {
                moved.push(None);
                continue;
            }
            moved.push(Some(number_of(self.entries.len())));
            let tags: Vec<u32> = segment.tags(doc).iter().map(|tag| self.number(segment.text(*tag))).collect();
            let start = number_of(self.kept.len());
            self.kept.extend_from_slice(&segment.kept[entry.kept.0 as usize..entry.kept.1 as usize]);
            let entry = Entry {
                entity: self.number(segment.text(entry.entity)),
                place: self.number(segment.text(entry.place)),
                values: entry.values.map(|value| self.number(segment.text(value))),
                kept: (start, number_of(self.kept.len())),
                ..entry.clone()
            };
            self.push(entry, &tags);
        }
        for words in [&segment.words, &segment.wholes] {
            let mut words = words.stream();
            while let Some((word, at)) = words.next() {
                let Ok(word) = std::str::from_utf8(word) else { continue };
                let mut number = None;
                for (bytes, which) in segment.postings(at).into_iter().zip(0..) {
                    postings::each(bytes, |posting| {
                        if let Some(doc) = moved.get(posting.doc as usize).copied().flatten() {
                            let number = *number.get_or_insert_with(|| self.list(word, posting.field));
                            self.lists[number as usize][which].add(doc, posting.field, posting.places());
                        }
                    });
                }
            }
        }
    }

    /// The segment.
    pub(super) fn finish(self) -> Segment {
        let Self { words, wholes, lists, mut entries, mut texts, mut tags, mut kept, .. } = self;
        let mut all = Vec::with_capacity(lists.iter().flatten().map(|list| list.bytes.len() + 2).sum());
        let words = written(words, &lists, &mut all);
        let wholes = written(wholes, &lists, &mut all);
        all.shrink_to_fit();
        entries.shrink_to_fit();
        texts.text.shrink_to_fit();
        texts.ends.shrink_to_fit();
        tags.shrink_to_fit();
        kept.shrink_to_fit();
        let mut by_entity: Vec<u32> = (0..number_of(entries.len())).collect();
        by_entity.sort_by_key(|doc| texts.get(entries[*doc as usize].entity));
        Segment { words, wholes, postings: all, entries, texts, tags, kept, by_entity }
    }
}

/// Puts the lists of words behind each other, and tells of each word where they are.
fn written(words: HashMap<Box<str>, u32>, lists: &[[List; 2]], all: &mut Vec<u8>) -> fst::Map<Vec<u8>> {
    let mut sorted: Vec<(Box<str>, u32)> = words.into_iter().collect();
    sorted.sort_unstable();
    let mut words = fst::MapBuilder::memory();
    for (word, number) in sorted {
        let [names, rest] = &lists[number as usize];
        // Words are sorted and none comes twice, so none is refused.
        if words.insert(word.as_bytes(), all.len() as u64).is_ok() {
            postings::put(all, number_of(names.bytes.len()));
            postings::put(all, number_of(rest.bytes.len()));
            all.extend_from_slice(&names.bytes);
            all.extend_from_slice(&rest.bytes);
        }
    }
    words.into_map()
}

/// Whether a field is a name of the document, rather than something said about it.
fn is_name(field: u8) -> bool {
    [Field::Name, Field::Title, Field::Tags, Field::Whole].iter().any(|name| name.number() == field)
}

/// The start of a text that is not longer than so many bytes.
pub(super) fn cut(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
