//! Pages, orders, cursors and facets.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::catalog::filter::tests::index;

fn names(page: &EntityPage) -> Vec<String> {
    page.items.iter().map(|record| record.entity().name().to_owned()).collect()
}

fn order(field: &str, order: Direction) -> Order {
    Order { field: field.to_owned(), order }
}

fn sample() -> Index {
    index(vec![
        json!({"spec": {"type": "b"}, "metadata": {"title": "Checkout API", "description": "Takes the money"}}),
        json!({"spec": {"type": "A"}, "metadata": {"tags": ["java"]}}),
        json!({"spec": {"type": "b"}}),
        json!({"spec": {}}),
    ])
}

#[test]
fn entities_are_ordered_and_those_without_the_field_left_out_or_last() {
    let index = sample();
    let check = |order: Vec<Order>, keep_missing, expected: &[&str]| {
        let query = EntityQuery { order, keep_missing, ..EntityQuery::default() };
        let page = page(&index, &query);
        assert_eq!(names(&page), expected);
        assert_eq!(page.total, expected.len());
    };
    check(vec![], false, &["e0", "e1", "e2", "e3"]);
    check(vec![order("spec.type", Direction::Asc)], false, &["e1", "e0", "e2"]);
    check(vec![order("spec.type", Direction::Desc)], false, &["e0", "e2", "e1"]);
    check(vec![order("Spec.Type", Direction::Asc)], true, &["e1", "e0", "e2", "e3"]);
    check(vec![order("spec.type", Direction::Desc)], true, &["e0", "e2", "e1", "e3"]);
    check(
        vec![order("spec.type", Direction::Asc), order("metadata.name", Direction::Desc)],
        false,
        &["e1", "e2", "e0"],
    );
    check(vec![order("nope", Direction::Asc)], false, &[]);
}

#[test]
fn behind_what_had_no_value_nothing_comes_even_if_now_everything_has_one() {
    let missing = index(vec![json!({"spec": {"type": "a"}}), json!({"spec": {}}), json!({"spec": {}})]);
    let index = index(vec![json!({"spec": {"type": "a"}}), json!({"spec": {"type": "b"}})]);
    for (direction, before) in [(Direction::Asc, ["e0", "e1"]), (Direction::Desc, ["e1", "e0"])] {
        let order = vec![order("spec.type", direction)];
        let query = EntityQuery { order, keep_missing: true, limit: Some(2), ..EntityQuery::default() };
        let cursor = page(&missing, &query).next;
        let next = page(&index, &EntityQuery { cursor, ..query.clone() });
        assert_eq!(names(&next), [""; 0]);
        let cursor = page(&missing, &query).next.map(|cursor| Cursor { is_previous: true, ..cursor });
        let previous = page(&index, &EntityQuery { cursor, ..query });
        assert_eq!(names(&previous), before);
    }
}

#[test]
fn text_is_found_in_fields_or_in_what_people_read() {
    let index = sample();
    let check = |text: Option<(&str, &[&str])>, search: Option<&str>, expected: &[&str]| {
        let text = text.map(|(term, fields)| FullText {
            term: term.to_owned(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        });
        let query = EntityQuery { text, search: search.map(str::to_owned), ..EntityQuery::default() };
        assert_eq!(names(&page(&index, &query)), expected);
    };
    check(Some(("CHECK", &["metadata.title"])), None, &["e0"]);
    check(Some(("E1", &["metadata.title", "metadata.name"])), None, &["e1"]);
    check(Some(("checkout", &[])), None, &[]);
    check(Some((" ", &[])), None, &["e0", "e1", "e2", "e3"]);
    check(None, Some("Money check"), &["e0"]);
    check(None, Some("jav"), &["e1"]);
    check(None, Some("money java"), &[]);
}

#[test]
fn facets_count_entities_by_value_as_written() {
    let index = sample();
    let all = EntityFilter::default().select(&index);
    let count = |value: &str, count| (value.to_owned(), count);
    assert_eq!(facet(&index, &all, "Spec.Type"), [count("A", 1), count("b", 2)]);
    let some = EntityFilter::is("metadata.name", "e0").select(&index);
    assert_eq!(facet(&index, &some, "spec.type"), [count("b", 1)]);
    assert_eq!(facet(&index, &all, "nope"), []);
}

#[test]
fn pages_go_forth_and_back() {
    let index = sample();
    let query =
        EntityQuery { limit: Some(2), order: vec![order("metadata.name", Direction::Asc)], ..EntityQuery::default() };
    let first = page(&index, &query);
    assert_eq!(names(&first), ["e0", "e1"]);
    assert!(first.previous.is_none());
    let at = |cursor: Option<Cursor>| {
        let cursor = Cursor::decode(&cursor.unwrap().encode()).unwrap();
        page(&index, &EntityQuery { limit: Some(2), cursor: Some(cursor), ..EntityQuery::default() })
    };
    let second = at(first.next);
    assert_eq!((names(&second), second.total), (vec!["e2".to_owned(), "e3".to_owned()], 4));
    assert!(second.next.is_none());
    let back = at(second.previous);
    assert_eq!(names(&back), ["e0", "e1"]);
    assert!(back.previous.is_none());
    let empty = page(&index, &EntityQuery { limit: Some(0), ..EntityQuery::default() });
    assert_eq!((empty.items.len(), empty.total, empty.next), (0, 4, None));
    assert!(matches!(Cursor::decode("garbage"), Err(CatalogError::Invalid(_))));
    assert!(matches!(Cursor::decode("eyJhIjoxfQ=="), Err(CatalogError::Invalid(_))));
}

proptest! {
    #[test]
    fn a_walk_sees_every_entity_once(types in prop::collection::vec(prop::option::of("[ab]"), 0..40), limit in 1_usize..7, down: bool, keep_missing: bool) {
        let documents = types.iter().map(|spec_type| match spec_type {
            Some(spec_type) => json!({"spec": {"type": spec_type}}),
            None => json!({"spec": {}}),
        });
        let index = index(documents.collect());
        let direction = if down { Direction::Desc } else { Direction::Asc };
        let query = EntityQuery { order: vec![order("spec.type", direction)], keep_missing, ..EntityQuery::default() };
        let whole = names(&page(&index, &query));
        let mut walked = Vec::new();
        let mut last = page(&index, &EntityQuery { limit: Some(limit), ..query });
        let mut pages = vec![names(&last)];
        walked.extend(names(&last));
        while let Some(cursor) = last.next.take() {
            last = page(&index, &EntityQuery { limit: Some(limit), cursor: Some(cursor), ..EntityQuery::default() });
            pages.push(names(&last));
            walked.extend(names(&last));
        }
        prop_assert_eq!(&walked, &whole);
        while let Some(cursor) = last.previous.take() {
            pages.pop();
            last = page(&index, &EntityQuery { limit: Some(limit), cursor: Some(cursor), ..EntityQuery::default() });
            prop_assert_eq!(Some(&names(&last)), pages.last());
        }
        prop_assert_eq!(pages.len(), 1);
    }

    #[test]
    fn pages_are_parts_of_what_plain_sorting_gives(
        rows in prop::collection::vec((prop::option::of("[abA]{1,2}"), prop::collection::vec("[xyz]", 0..3), "[ab]"), 0..60),
        fields in prop::sample::select(vec![vec!["spec.type"], vec!["metadata.tags"], vec!["spec.type", "spec.b"], vec![]]),
        wanted in prop::option::of("[ab]"), down: bool, keep_missing: bool, offset in 0_usize..10, limit in 0_usize..10,
    ) {
        let document = |(spec_type, tags, b): (Option<String>, Vec<String>, String)| {
            json!({"metadata": {"tags": tags}, "spec": {"type": spec_type, "b": b}})
        };
        let index = index(rows.into_iter().map(document).collect());
        let direction = if down { Direction::Desc } else { Direction::Asc };
        let order: Vec<Order> = fields.iter().map(|field| order(field, direction)).collect();
        let filter = wanted.map_or_else(EntityFilter::default, |b| EntityFilter::is("spec.b", &b));
        let meant = filter.select(&index);
        let mut expected: Vec<(Vec<Option<String>>, Uuid)> = index
            .records()
            .filter(|record| meant.contains(index.slot(record.reference.as_str()).unwrap()))
            .map(|record| (fields.iter().map(|field| smallest(record, field)).collect(), record.uid))
            .filter(|(values, _): &(Vec<Option<String>>, _)| keep_missing || values.first().is_none_or(Option::is_some))
            .collect();
        expected.sort_by(|a, b| {
            let one = |(a, b): (&Option<String>, &Option<String>)| match (a, b) {
                (Some(a), Some(b)) if down => b.cmp(a),
                (Some(a), Some(b)) => a.cmp(b),
                (a, b) => a.is_none().cmp(&b.is_none()),
            };
            let by_value = a.0.iter().zip(&b.0).map(one).find(|ordering| ordering.is_ne());
            by_value.unwrap_or_else(|| a.1.cmp(&b.1))
        });
        let expected: Vec<Uuid> = expected.into_iter().map(|(_, uid)| uid).collect();
        let query = EntityQuery { filter, order, keep_missing, offset, limit: Some(limit), ..EntityQuery::default() };
        let found = page(&index, &query);
        let (start, end) = (offset.min(expected.len()), (offset + limit).min(expected.len()));
        let uids = |page: &EntityPage| page.items.iter().map(|record| record.uid).collect::<Vec<_>>();
        prop_assert_eq!(uids(&found), &expected[start..end]);
        prop_assert_eq!(found.total, expected.len());
        prop_assert_eq!(found.next.is_some(), start < end && end < expected.len());
        prop_assert_eq!(found.previous.is_some(), start < end && start > 0);
        if let Some(cursor) = found.previous {
            let back = page(&index, &EntityQuery { limit: Some(limit), cursor: Some(cursor), ..EntityQuery::default() });
            prop_assert_eq!(uids(&back), &expected[start.saturating_sub(limit)..start]);
        }
    }
}

/// The value an entity is ordered by.
fn smallest(record: &Record, field: &str) -> Option<String> {
    let facts = record.facts();
    let values = facts.iter().filter(|fact| fact.key.path == field).filter_map(|fact| fact.value);
    values.map(|value| value.folded.to_owned()).min()
}
