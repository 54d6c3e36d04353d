//! Lists of entities: filter, full text, order, pages.
//!
//! A cursor holds the whole query and the place in the order where the page ended (the values of the order fields and
//! the uid), so a walk sees every entity once whatever changes around it.

use std::cmp::Ordering;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    match &query.cursor {
        Some(cursor) => continued(index, query, cursor),
        None => first(index, query),
    }
}

/// How many entities of a filter have each value of a field, sorted by value.
pub(super) fn facet(index: &Index, selected: &Bits, key: &str) -> Vec<(String, usize)> {
    let Some(field) = index.field(&key.to_lowercase()) else {
        return Vec::new();
    };
    let counted = field.original.iter().map(|(value, slots)| (value.to_string(), slots.common(selected)));
    counted.filter(|(_, count)| *count > 0).collect()
}

fn first(index: &Index, query: &EntityQuery) -> EntityPage {
    let listing = Listing {
        filter: &query.filter,
        text: query.text.as_ref(),
        search: query.search.as_deref(),
        order: &query.order,
        keep_missing: query.keep_missing,
    };
    let sorted = listing.sorted(index);
    let total = sorted.len();
    let end = query.limit.map_or(total, |limit| query.offset.saturating_add(limit)).min(total);
    let start = query.offset.min(end);
    let items: Vec<Arc<Record>> = sorted[start..end].iter().map(|(_, record)| Arc::clone(record)).collect();
    let cursor = |at: usize, is_previous| {
        let (edge, first) = (sorted.get(at)?, sorted.first()?);
        Some(listing.cursor(edge.0.clone(), first.0.clone(), is_previous, total))
    };
    let next = (!items.is_empty() && end < total).then(|| cursor(end - 1, false)).flatten();
    let previous = (!items.is_empty() && start > 0).then(|| cursor(start, true)).flatten();
    EntityPage { items, total, next, previous }
}

fn continued(index: &Index, query: &EntityQuery, cursor: &Cursor) -> EntityPage {
    let listing = Listing {
        filter: &cursor.query,
        text: cursor.full_text_filter.as_ref(),
        search: cursor.search.as_deref(),
        order: &cursor.order_fields,
        keep_missing: cursor.keep_missing,
    };
    let sorted = listing.sorted(index);
    let limit = query.limit.unwrap_or(200);
    let edge = &cursor.order_field_values;
    let (start, end) = if cursor.is_previous {
        let end = sorted.partition_point(|(place, _)| listing.compare(place, edge) == Ordering::Less);
        (end.saturating_sub(limit), end)
    } else {
        let start = sorted.partition_point(|(place, _)| listing.compare(place, edge) != Ordering::Greater);
        (start, start.saturating_add(limit).min(sorted.len()))
    };
    let items: Vec<Arc<Record>> = sorted[start..end].iter().map(|(_, record)| Arc::clone(record)).collect();
    let first = cursor.first_sort_field_values.clone();
    let to =
        |at: usize, is_previous| listing.cursor(sorted[at].0.clone(), first.clone(), is_previous, cursor.total_items);
    let next = (!items.is_empty() && end < sorted.len()).then(|| to(end - 1, false));
    let previous = (!items.is_empty() && start > 0).then(|| to(start, true));
    EntityPage { items, total: cursor.total_items, next, previous }
}

/// The part of a query that a cursor keeps.
struct Listing<'a> {
    filter: &'a EntityFilter,
    text: Option<&'a FullText>,
    search: Option<&'a str>,
    order: &'a [Order],
    keep_missing: bool,
}

impl Listing<'_> {
    fn sorted<'i>(&self, index: &'i Index) -> Vec<(Place, &'i Arc<Record>)> {
        let keys: Vec<String> = self.order.iter().map(|order| order.field.to_lowercase()).collect();
        let mut selected = self.filter.select(index);
        if let Some(key) = keys.first().filter(|_| !self.keep_missing) {
            selected = index.field(key).map(|field| field.present.and(&selected)).unwrap_or_default();
        }
        let terms = Terms::new(self);
        let mut found: Vec<(Place, &Arc<Record>)> = selected
            .iter()
            .filter_map(|slot| index.record(slot))
            .filter(|record| terms.fit(record))
            .map(|record| {
                (Place(keys.iter().map(|key| record.order_value(key).cloned()).collect(), record.uid), record)
            })
            .filter(|(place, _)| self.keep_missing || place.0.first().is_none_or(Option::is_some))
            .collect();
        found.sort_unstable_by(|(a, _), (b, _)| self.compare(a, b));
        found
    }

    /// What is missing comes last, either way.
    fn compare(&self, a: &Place, b: &Place) -> Ordering {
        for (at, order) in self.order.iter().enumerate() {
            let of = |place: &Place| place.0.get(at).cloned().flatten();
            let ordering = match (of(a), of(b)) {
                (Some(a), Some(b)) if order.order == Direction::Desc => b.cmp(&a),
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => a.is_none().cmp(&b.is_none()),
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        a.1.cmp(&b.1)
    }

    fn cursor(&self, edge: Place, first: Place, is_previous: bool, total: usize) -> Cursor {
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

/// Full text, prepared.
struct Terms {
    term: Option<String>,
    fields: Vec<String>,
    words: Vec<String>,
}

impl Terms {
    fn new(listing: &Listing<'_>) -> Self {
        let text = listing.text.filter(|text| !text.term.trim().is_empty());
        let mut fields: Vec<String> =
            text.map(|text| text.fields.iter().map(|field| field.to_lowercase()).collect()).unwrap_or_default();
        if fields.is_empty() {
            fields.push(
                listing.order.first().map_or_else(|| "metadata.uid".to_owned(), |order| order.field.to_lowercase()),
            );
        }
        let words = listing.search.unwrap_or_default().to_lowercase();
        Self {
            term: text.map(|text| text.term.trim().to_lowercase()),
            fields,
            words: words.split_whitespace().map(str::to_owned).collect(),
        }
    }

    fn fit(&self, record: &Record) -> bool {
        let has_term = |term: &String| {
            let facts = self.fields.iter().flat_map(|field| record.facts_of(field));
            facts.into_iter().any(|fact| fact.folded.as_ref().is_some_and(|value| value.contains(term.as_str())))
        };
        self.term.as_ref().is_none_or(has_term) && self.words.iter().all(|word| record.haystack.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests;
