//! What is searched at one moment: a few segments, and which of their documents are still meant.
//!
//! It never changes once it is shared. Replacing the documents of some entities makes a small segment of the new ones
//! and marks the old ones; when small segments have become many, or too much is marked, they are merged. So a change
//! costs what it touches, and now and then what was touched before.

use std::sync::Arc;

use super::document::{Document, Sort};
use super::segment::{Builder, Segment};

/// Small segments that may lie beside the large one.
const MOST_PARTS: usize = 8;

/// Everything that can be found. Cheap to copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    pub(super) parts: Vec<Part>,
}

/// One segment, and which of its documents are no longer meant.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) segment: Arc<Segment>,
    gone: Arc<Vec<u64>>,
    gone_count: usize,
}

/// From where documents come: what is replaced together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stock {
    Catalog,
    Docs,
    Runs,
}

impl Stock {
    pub(super) fn of(sort: Sort) -> Self {
        match sort {
            Sort::Entity | Sort::Api | Sort::Template => Self::Catalog,
            Sort::Docs => Self::Docs,
            Sort::Run => Self::Runs,
        }
    }
}

impl Part {
    fn new(segment: Segment) -> Self {
        let gone = vec![0; segment.entries.len().div_ceil(64)];
        Self { segment: Arc::new(segment), gone: Arc::new(gone), gone_count: 0 }
    }

    /// Whether a document is still meant.
    pub(super) fn has(&self, doc: u32) -> bool {
        self.gone[doc as usize / 64] & (1 << (doc % 64)) == 0
    }

    fn len(&self) -> usize {
        self.segment.entries.len() - self.gone_count
    }

    /// Marks the documents of some entities from one stock.
    fn forget(&mut self, stock: Stock, entities: &[&str]) {
        let mut gone: Option<Vec<u64>> = None;
        for entity in entities {
            for doc in self.segment.of_entity(entity) {
                let is_it = Stock::of(self.segment.entries[doc as usize].sort) == stock;
                if is_it && self.has(doc) {
                    let gone = gone.get_or_insert_with(|| self.gone.to_vec());
                    let word = &mut gone[doc as usize / 64];
                    self.gone_count += usize::from(*word & (1 << (doc % 64)) == 0);
                    *word |= 1 << (doc % 64);
                }
            }
        }
        if let Some(gone) = gone {
            self.gone = Arc::new(gone);
        }
    }
}

impl Reading {
    /// A reading of some documents alone.
    pub(super) fn of(documents: impl Iterator<Item = Document>) -> Self {
        let mut builder = Builder::default();
        for document in documents {
            builder.add(&document);
        }
        let parts = if builder.is_empty() { Vec::new() } else { vec![Part::new(builder.finish())] };
        Self { parts }
    }

    /// How many documents there are.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// The bytes it takes, about.
    pub(super) fn size(&self) -> usize {
        self.parts.iter().map(|part| part.segment.size() + part.gone.len() * 8).sum()
    }

    /// The same where some entities have these documents and no others of a stock.
    pub(super) fn replaced(&self, stock: Stock, entities: &[&str], documents: impl Iterator<Item = Document>) -> Self {
        let mut parts = self.parts.clone();
        for part in &mut parts {
            part.forget(stock, entities);
        }
        parts.retain(|part| part.len() > 0);
        parts.extend(Self::of(documents).parts);
        let mut next = Self { parts };
        next.settle();
        next
    }

    /// Merges parts where there are too many, or too much of them is not meant any more.
    fn settle(&mut self) {
        self.parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        let Some(largest) = self.parts.first() else { return };
        let (small, gone) = (self.len() - largest.len(), largest.gone_count);
        if (small + gone) * 3 > largest.len() && self.parts.len() + usize::from(gone > 0) > 1 {
            self.parts = vec![merged(&self.parts)];
        } else if self.parts.len() > MOST_PARTS {
            let small = self.parts.split_off(1);
            self.parts.push(merged(&small));
        }
    }

    /// This and another one together.
    pub(super) fn beside(&self, other: &Self) -> Self {
        Self { parts: self.parts.iter().chain(&other.parts).cloned().collect() }
    }
}

fn merged(parts: &[Part]) -> Part {
    let mut builder = Builder::default();
    for part in parts {
        builder.take(&part.segment, &|doc| part.has(doc));
    }
    Part::new(builder.finish())
}
