//! Lists of entities: filter, full text, order, pages.
//!
//! A cursor holds the whole query and the place in the order where the page ended (the values of the order fields and
//! the uid), so a walk sees every entity once whatever changes around it. How the entities of a page are found is in
//! [`listing`].

mod listing;

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::listing::{Listing, Selection, Start, Window};
use super::CatalogError;
use super::bits::Bits;
use super::filter::EntityFilter;
use super::index::Index;
use super::record::Record;

/// What to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct EntityQuery {
    /// Which entities.
    pub(crate) filter: EntityFilter,
    /// Only those with a text in some fields, as the API asks it.
    pub(crate) text: Option<FullText>,
    /// Only those with all these words in name, title, description or tags, as people ask it.
    pub(crate) search: Option<String>,
    /// In which order; by uid without.
    pub(crate) order: Vec<Order>,
    /// Whether entities without the first order field are listed last, instead of left out.
    pub(crate) keep_missing: bool,
    /// How many at most.
    pub(crate) limit: Option<usize>,
    /// How many to leave out at the start.
    pub(crate) offset: usize,
    /// Where a former page ended; its query counts, not this one.
    pub(crate) cursor: Option<Cursor>,
}

/// A text that must be in one of the fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct FullText {
    /// Compared without regard to case.
    pub(crate) term: String,
    /// The fields; without any, the first order field, else the uid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<String>,
}

/// One field to order by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Path of the field.
    pub(crate) field: String,
    /// Which way.
    pub(crate) order: Direction,
}

/// Which way to order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// Smallest first.
    #[default]
    Asc,
    /// Largest first.
    Desc,
}

/// A place in a listing. Opaque outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cursor {
    order_fields: Vec<Order>,
    is_previous: bool,
    #[serde(default)]
    query: EntityFilter,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    full_text_filter: Option<FullText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    search: Option<String>,
    #[serde(default)]
    keep_missing: bool,
    /// Of the entity at the edge of the page.
    order_field_values: Place,
    /// Of the first entity of all.
    first_sort_field_values: Place,
    total_items: usize,
}

/// Where an entity is in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place(Vec<Option<Arc<str>>>, Uuid);

/// One page of a list.
#[derive(Debug, Clone)]
pub(crate) struct EntityPage {
    /// The entities.
    pub(crate) items: Vec<Arc<Record>>,
    /// How many there are on all pages; with a cursor, how many there were on the first.
    pub(crate) total: usize,
    /// Continues after the last item.
    pub(crate) next: Option<Cursor>,
    /// Continues before the first item.
    pub(crate) previous: Option<Cursor>,
}

impl Cursor {
    /// The opaque text.
    pub(crate) fn encode(&self) -> String {
        // Strings and numbers always serialise.
        STANDARD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the opaque text.
    pub(crate) fn decode(text: &str) -> Result<Self, CatalogError> {
        let malformed = |error: &dyn std::fmt::Display| CatalogError::Invalid(format!("Malformed cursor: {error}"));
        let json = STANDARD.decode(text).map_err(|error| malformed(&error))?;
        serde_json::from_slice(&json).map_err(|error| malformed(&error))
    }
}

/// Lists entities.
pub(super) fn page(index: &Index, query: &EntityQuery) -> EntityPage {
    const DEFAULT_LIMIT: usize = 200;
    let (listing, start, limit) = match &query.cursor {
        None => (Listing::of(query), Start::Offset(query.offset), query.limit),
        Some(cursor) => {
            let edge = &cursor.order_field_values;
            let start = if cursor.is_previous { Start::Before(edge) } else { Start::After(edge) };
            (Listing::again(cursor), start, Some(query.limit.unwrap_or(DEFAULT_LIMIT)))
        }
    };
    let selection = Selection::new(index, &listing);
    let Window { slots, has_previous, has_next } = selection.window(&start, limit);
    let total = query.cursor.as_ref().map_or_else(|| selection.len(), |cursor| cursor.total_items);
    let first = || match &query.cursor {
        Some(cursor) => Some(cursor.first_sort_field_values.clone()),
        None => selection.first().map(|slot| selection.place(slot)),
    };
    let edge = |slot: Option<&u32>, is_previous| {
        let edge = selection.place(*slot?);
        Some(listing.cursor(edge, first()?, is_previous, total))
    };
    let next = if has_next { edge(slots.last(), false) } else { None };
    let previous = if has_previous { edge(slots.first(), true) } else { None };
    let items = slots.iter().filter_map(|slot| index.record(*slot)).cloned().collect();
    EntityPage { items, total, next, previous }
}

/// Counts among the entities that have some words, all of one moment.
#[derive(Debug)]
pub(crate) struct Counts {
    index: Arc<Index>,
    /// Those with the words; none where nothing was asked for.
    found: Option<Bits>,
}

impl Counts {
    /// Of the entities with all words of a text.
    pub(super) fn new(index: Arc<Index>, text: &str) -> Self {
        let found = listing::with_words(&index, index.all(), text);
        Self { index, found }
    }

    /// How many entities of a filter have each value of a field, sorted by value.
    pub(crate) fn values(&self, filter: &EntityFilter, field: &str) -> Vec<(String, usize)> {
        facet(&self.index, &self.selected(filter), field)
    }

    /// How many entities a filter leaves.
    pub(crate) fn total(&self, filter: &EntityFilter) -> usize {
        self.selected(filter).len()
    }

    fn selected(&self, filter: &EntityFilter) -> Cow<'_, Bits> {
        let selected = filter.select(&self.index);
        match &self.found {
            Some(found) => Cow::Owned(selected.and(found)),
            None => selected,
        }
    }
}

/// How many entities of a set have each value of a field, sorted by value.
pub(super) fn facet(index: &Index, selected: &Bits, key: &str) -> Vec<(String, usize)> {
    let key = if key.bytes().any(|byte| byte.is_ascii_uppercase()) || !key.is_ascii() {
        Cow::Owned(key.to_lowercase())
    } else {
        Cow::Borrowed(key)
    };
    let Some(field) = index.field(&key) else {
        return Vec::new();
    };
    let is_everything = selected.len() == index.len();
    let counted = field
        .originals()
        .into_iter()
        .map(|(value, slots)| (value, if is_everything { slots.len() } else { slots.common(selected) }));
    counted.filter(|(_, count)| *count > 0).map(|(value, count)| (value.to_owned(), count)).collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod walks;
