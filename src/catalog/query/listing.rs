//! The entities of a query in their order, and the part of them that a page shows.
//!
//! There are two ways to the same page. If many of the entities with the order field are meant, its values are walked
//! from the place where the page begins until the page is full: the cost does not depend on how many there are. If only
//! a few are meant, or several fields decide, the meant ones are sorted by the ranks of their values.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use memchr::memmem;
use uuid::Uuid;

use super::{Cursor, Direction, EntityFilter, EntityQuery, FullText, Order, Place};
use crate::catalog::bits::{Bits, Union};
use crate::catalog::field::Field;
use crate::catalog::index::{Index, UID};

/// The part of a query that a cursor keeps.
pub(super) struct Listing<'a> {
    filter: &'a EntityFilter,
    text: Option<&'a FullText>,
    search: Option<&'a str>,
    order: &'a [Order],
    keep_missing: bool,
}

impl<'a> Listing<'a> {
    /// What a first page asks for.
    pub(super) fn of(query: &'a EntityQuery) -> Self {
        Self {
            filter: &query.filter,
            text: query.text.as_ref(),
            search: query.search.as_deref(),
            order: &query.order,
            keep_missing: query.keep_missing,
        }
    }

    /// What a later page goes on with.
    pub(super) fn again(cursor: &'a Cursor) -> Self {
        Self {
            filter: &cursor.query,
            text: cursor.full_text_filter.as_ref(),
            search: cursor.search.as_deref(),
            order: &cursor.order_fields,
            keep_missing: cursor.keep_missing,
        }
    }

    pub(super) fn cursor(&self, edge: Place, first: Place, is_previous: bool, total: usize) -> Cursor {
        Cursor {
            order_fields: self.order.to_vec(),
            is_previous,
            query: self.filter.clone(),
            full_text_filter: self.text.cloned(),
            search: self.search.map(str::to_owned),
            keep_missing: self.keep_missing,
            order_field_values: edge,
            first_sort_field_values: first,
            total_items: total,
        }
    }
}

/// Where a page begins.
pub(super) enum Start<'a> {
    /// After so many.
    Offset(usize),
    /// Behind a place.
    After(&'a Place),
    /// It ends before a place.
    Before(&'a Place),
}

/// A page, by slots.
pub(super) struct Window {
    pub(super) slots: Vec<u32>,
    pub(super) has_previous: bool,
    pub(super) has_next: bool,
}

/// What a listing means on one state of the catalog.
pub(super) struct Selection<'i, 'a> {
    index: &'i Index,
    listing: &'a Listing<'a>,
    /// The fields that decide, which of them is there, and which way; never empty.
    keys: Vec<(Option<&'i Field>, Direction)>,
    selected: Cow<'i, Bits>,
}

/// Those of some entities that have all words of a text in name, title, description or tags; none for a text without words.
pub(super) fn with_words(index: &Index, selected: &Bits, text: &str) -> Option<Bits> {
    let words = text.to_lowercase();
    let words: Vec<memmem::Finder<'_>> = words.split_whitespace().map(memmem::Finder::new).collect();
    let fits = |slot: &u32| {
        let record = index.record(*slot);
        record.is_some_and(|record| words.iter().all(|word| word.find(record.haystack.as_bytes()).is_some()))
    };
    (!words.is_empty()).then(|| selected.iter().filter(fits).collect())
}

impl<'i, 'a> Selection<'i, 'a> {
    pub(super) fn new(index: &'i Index, listing: &'a Listing<'a>) -> Self {
        let mut keys: Vec<(Option<&Field>, Direction)> =
            listing.order.iter().map(|order| (index.field(&order.field.to_lowercase()), order.order)).collect();
        if keys.is_empty() {
            keys.push((index.field(UID), Direction::Asc));
        }
        let mut selected = listing.filter.select(index);
        if !listing.keep_missing {
            selected = match keys[0].0 {
                Some(field) if field.is_everywhere(index.len()) => selected,
                Some(field) => Cow::Owned(field.valued(&selected)),
                None => Cow::default(),
            };
        }
        let mut selection = Self { index, listing, keys, selected };
        selection.narrow();
        selection
    }

    /// How many entities are meant.
    pub(super) fn len(&self) -> usize {
        self.selected.len()
    }

    /// The first of all.
    pub(super) fn first(&self) -> Option<u32> {
        self.window(&Start::Offset(0), Some(1)).slots.first().copied()
    }

    /// Where an entity is in the order.
    pub(super) fn place(&self, slot: u32) -> Place {
        let value = |(field, _): &(Option<&Field>, Direction)| {
            let field = (*field)?;
            field.rank(slot).and_then(|rank| field.ranked(rank)).cloned()
        };
        let values = if self.listing.order.is_empty() { Vec::new() } else { self.keys.iter().map(value).collect() };
        Place(values, self.uid(slot))
    }

    /// One page.
    pub(super) fn window(&self, start: &Start<'_>, limit: Option<usize>) -> Window {
        match self.walked() {
            Some(walk) => walk.window(start, limit),
            None => self.sorted(start, limit),
        }
    }

    fn uid(&self, slot: u32) -> Uuid {
        self.index.record(slot).map(|record| record.uid).unwrap_or_default()
    }

    /// Leaves what has the texts that are asked for.
    fn narrow(&mut self) {
        if let Some(text) = self.listing.text.filter(|text| !text.term.trim().is_empty()) {
            let term = text.term.trim().to_lowercase();
            let order = self.listing.order.first().map_or(UID, |order| &order.field);
            let fields: Vec<&str> =
                if text.fields.is_empty() { vec![order] } else { text.fields.iter().map(String::as_str).collect() };
            let mut found = Union::default();
            for field in fields.iter().filter_map(|field| self.index.field(&field.to_lowercase())) {
                found.add(&field.containing(&term));
            }
            self.selected = Cow::Owned(self.selected.and(&found.finish()));
        }
        if let Some(found) = with_words(self.index, &self.selected, self.listing.search.unwrap_or_default()) {
            self.selected = Cow::Owned(found);
        }
    }

    /// The way along the values, where that is the shorter one.
    fn walked(&self) -> Option<Walk<'_, 'i, 'a>> {
        let [(Some(field), direction)] = self.keys[..] else { return None };
        let is_dense = self.selected.len().saturating_mul(16) >= field.len();
        let is_whole = !self.listing.keep_missing || field.valued(&self.selected).len() == self.selected.len();
        (field.is_single() && is_dense && is_whole).then_some(Walk { selection: self, field, direction })
    }

    /// The way of sorting.
    fn sorted(&self, start: &Start<'_>, limit: Option<usize>) -> Window {
        let first_rank = |slot: u32| {
            let (field, direction) = self.keys[0];
            match (field.and_then(|field| field.rank(slot)), direction) {
                (None, _) => u32::MAX,
                (Some(rank), Direction::Asc) => rank,
                (Some(rank), Direction::Desc) => u32::MAX - 1 - rank,
            }
        };
        let mut found: Vec<(u32, u32)> = self.selected.iter().map(|slot| (first_rank(slot), slot)).collect();
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.compare(a.1, b.1)));
        let limit = limit.unwrap_or(found.len());
        let (from, to) = match start {
            Start::Offset(offset) => (*offset, offset.saturating_add(limit)),
            Start::After(place) => {
                let edge = self.edge(place);
                let from = found.partition_point(|(_, slot)| self.compare_edge(*slot, &edge) != Ordering::Greater);
                (from, from.saturating_add(limit))
            }
            Start::Before(place) => {
                let edge = self.edge(place);
                let to = found.partition_point(|(_, slot)| self.compare_edge(*slot, &edge) == Ordering::Less);
                (to.saturating_sub(limit), to)
            }
        };
        let (from, to) = (from.min(found.len()), to.min(found.len()));
        let slots: Vec<u32> = found[from..to].iter().map(|(_, slot)| *slot).collect();
        Window { has_previous: from > 0 && !slots.is_empty(), has_next: to < found.len() && !slots.is_empty(), slots }
    }

    /// The order of two entities by the fields after the first, then by uid. What is missing comes last, either way.
    fn compare(&self, a: u32, b: u32) -> Ordering {
        for (field, direction) in self.keys.iter().skip(1) {
            let rank = |slot| field.and_then(|field| field.rank(slot));
            let ordering = by_direction(rank(a), rank(b), *direction);
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        self.uid(a).cmp(&self.uid(b))
    }

    /// A place in numbers that compare with ranks: twice the rank and one for a value that is there, one less for one
    /// that would come before it.
    fn edge(&self, place: &Place) -> (Vec<Option<usize>>, Uuid) {
        let number = |((field, _), value): (&(Option<&Field>, Direction), &Option<Arc<str>>)| {
            let value = value.as_ref()?;
            let Some(field) = field else { return Some(0) };
            Some(match field.order().find(&**value) {
                Ok(spot) => field.order().rank(spot) * 2 + 1,
                Err(spot) => field.order().rank(spot) * 2,
            })
        };
        (self.keys.iter().zip(&place.0).map(number).collect(), place.1)
    }

    fn compare_edge(&self, slot: u32, (numbers, uid): &(Vec<Option<usize>>, Uuid)) -> Ordering {
        for ((field, direction), number) in self.keys.iter().zip(numbers) {
            let own = field.and_then(|field| field.rank(slot)).map(|rank| rank as usize * 2 + 1);
            let ordering = by_direction(own, *number, *direction);
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        self.uid(slot).cmp(uid)
    }
}

/// What is missing comes last, either way.
fn by_direction<T: Ord>(a: Option<T>, b: Option<T>, direction: Direction) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if direction == Direction::Desc => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

/// The way along the values of the one field that decides.
struct Walk<'s, 'i, 'a> {
    selection: &'s Selection<'i, 'a>,
    field: &'i Field,
    direction: Direction,
}

type Groups<'i> = Box<dyn Iterator<Item = &'i Bits> + 'i>;

impl<'i> Walk<'_, 'i, '_> {
    fn window(&self, start: &Start<'_>, limit: Option<usize>) -> Window {
        let limit = limit.unwrap_or(usize::MAX);
        match start {
            Start::Offset(offset) => {
                let groups: Groups<'i> = match self.direction {
                    Direction::Asc => Box::new(self.field.order().iter().map(|(_, slots)| slots)),
                    Direction::Desc => Box::new(self.field.order().iter().rev().map(|(_, slots)| slots)),
                };
                let (slots, has_next) = self.take(Vec::new(), groups, false, *offset, limit);
                Window {
                    has_previous: *offset > 0 && !slots.is_empty(),
                    has_next: has_next && !slots.is_empty(),
                    slots,
                }
            }
            Start::After(place) => {
                let (slots, has_next) = self.behind(place, limit);
                let (before, _) = self.ahead(place, true, 1);
                Window {
                    has_previous: !before.is_empty() && !slots.is_empty(),
                    has_next: has_next && !slots.is_empty(),
                    slots,
                }
            }
            Start::Before(place) => {
                let (mut slots, has_previous) = self.ahead(place, false, limit);
                slots.reverse();
                let has_next = !slots.is_empty() && self.is_at_or_behind(place);
                Window { has_previous: has_previous && !slots.is_empty(), has_next, slots }
            }
        }
    }

    /// What comes after a place.
    fn behind(&self, place: &Place, limit: usize) -> (Vec<u32>, bool) {
        let (same, groups) = self.groups(place, true);
        let rest = same.into_iter().filter(|slot| self.selection.uid(*slot) > place.1).collect();
        self.take(rest, groups, false, 0, limit)
    }

    /// What comes before a place, the nearest first; with the place itself if told.
    fn ahead(&self, place: &Place, with_place: bool, limit: usize) -> (Vec<u32>, bool) {
        let (same, groups) = self.groups(place, false);
        let is_ahead = |slot: &u32| match self.selection.uid(*slot).cmp(&place.1) {
            Ordering::Less => true,
            Ordering::Equal => with_place,
            Ordering::Greater => false,
        };
        let rest = same.into_iter().rev().filter(is_ahead).collect();
        self.take(rest, groups, true, 0, limit)
    }

    fn is_at_or_behind(&self, place: &Place) -> bool {
        let (same, groups) = self.groups(place, true);
        let rest = same.into_iter().filter(|slot| self.selection.uid(*slot) >= place.1).collect();
        !self.take(rest, groups, false, 0, 1).0.is_empty()
    }

    /// The entities with the value of a place, in order, and the values on one side of it.
    fn groups(&self, place: &Place, forward: bool) -> (Vec<u32>, Groups<'i>) {
        let uid = place.1.to_string();
        let values = self.field.order();
        let is_up = forward == (self.direction == Direction::Asc);
        let slots = |(_, slots): &'i (Arc<str>, Bits)| slots;
        let value = match place.0.first() {
            Some(Some(value)) => &**value,
            // What had no value when the place was noted came last, either way.
            Some(None) if forward => return (Vec::new(), Box::new(std::iter::empty())),
            Some(None) if is_up => return (Vec::new(), Box::new(values.iter().map(slots))),
            Some(None) => return (Vec::new(), Box::new(values.iter().rev().map(slots))),
            None => &uid,
        };
        let (same, spot, skip) = match values.find(value) {
            Ok(spot) => (values.from(spot).next().map(|(_, slots)| self.group(slots)).unwrap_or_default(), spot, 1),
            Err(spot) => (Vec::new(), spot, 0),
        };
        let groups: Groups<'i> = if is_up {
            Box::new(values.from(spot).skip(skip).map(slots))
        } else {
            Box::new(values.before(spot).map(slots))
        };
        (same, groups)
    }

    /// The meant entities with one value, by uid.
    fn group(&self, all: &Bits) -> Vec<u32> {
        let selected = &self.selection.selected;
        if let Bits::One(slot) = *all {
            return if selected.contains(slot) { vec![slot] } else { Vec::new() };
        }
        let mut slots: Vec<u32> = all.and(selected).iter().collect();
        slots.sort_unstable_by_key(|slot| self.selection.uid(*slot));
        slots
    }

    /// Leaves out some and takes some; whether there are more.
    fn take(
        &self,
        first: Vec<u32>,
        groups: Groups<'i>,
        backward: bool,
        offset: usize,
        limit: usize,
    ) -> (Vec<u32>, bool) {
        let (mut slots, mut skipped) = (Vec::new(), 0);
        let groups = groups.map(|slots| {
            // One entity for one value is by far the most frequent case.
            let mut group = self.group(slots);
            if backward {
                group.reverse();
            }
            group
        });
        for group in std::iter::once(first).chain(groups) {
            for slot in group {
                if skipped < offset {
                    skipped += 1;
                } else if slots.len() < limit {
                    slots.push(slot);
                } else {
                    return (slots, true);
                }
            }
        }
        (slots, false)
    }
}
