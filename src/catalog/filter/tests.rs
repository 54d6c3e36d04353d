//! Filters against a naive evaluation, and the parser's refusals.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::catalog::facts::Facts;
use crate::catalog::index::Changed;
use crate::catalog::record::Record;
use crate::catalog::record::tests::row;

/// An index of documents named `e0`, `e1`, …
pub(in crate::catalog) fn index(documents: Vec<Value>) -> Index {
    let changed = |(number, mut document): (usize, Value)| {
        let name = format!("e{number}");
        document["apiVersion"] = json!("backstage.io/v1alpha1");
        document["metadata"]["name"] = json!(name);
        if document.get("kind").is_none() {
            document["kind"] = json!("Component");
        }
        let entity = serde_json::from_value::<crate::entity::Entity>(document.clone()).unwrap();
        Changed { reference: entity.reference().as_str().into(), row: Some(row(number as u128 + 1, &document)) }
    };
    let mut index = Index::default();
    index.apply(documents.into_iter().enumerate().map(changed).collect());
    index
}

fn names(index: &Index, filter: &EntityFilter) -> String {
    let mut names: Vec<String> =
        filter.select(index).iter().map(|slot| index.record(slot).unwrap().entity().name().to_owned()).collect();
    names.sort_unstable();
    names.join(" ")
}

fn sample() -> Index {
    index(vec![
        json!({"kind": "Component", "spec": {"type": "service", "owner": "team", "n": 3, "lifecycle": "l"}, "metadata": {"tags": ["java", "Data"]}}),
        json!({"kind": "Component", "spec": {"type": "Website", "nothing": null}, "metadata": {"namespace": "web"}}),
        json!({"kind": "API", "spec": {"type": "openapi", "flag": true}}),
        json!({"kind": "Group", "metadata": {"labels": {"tier": ""}}, "spec": {"type": "team"}}),
    ])
}

#[test]
fn filter_parameters_mean_what_they_mean_to_backstage() {
    let index = sample();
    let cases: &[(&[&str], &str)] = &[
        (&[], "e0 e1 e2 e3"),
        (&["kind=component"], "e0 e1"),
        (&["KIND=Component"], "e0 e1"),
        (&["kind=component,spec.type=service"], "e0"),
        (&["kind=component, spec.type = website"], "e1"),
        (&["kind=component,kind=api"], "e0 e1 e2"),
        (&["kind=api", "spec.type=website"], "e1 e2"),
        (&["kind,kind=api"], "e2"),
        (&["spec.nothing"], "e1"),
        (&["spec.nothing="], ""),
        (&["metadata.labels.tier="], "e3"),
        (&["metadata.tags=data"], "e0"),
        (&["metadata.tags.java"], "e0"),
        (&["metadata.tags.java=true"], "e0"),
        (&["spec.n=3"], "e0"),
        (&["spec.flag=true"], "e2"),
        (&["relations.ownedby=group:default/team"], "e0"),
        (&["metadata.namespace=web"], "e1"),
        (&["nope=1"], ""),
    ];
    for (parameters, expected) in cases {
        assert_eq!(names(&index, &EntityFilter::parse(parameters).unwrap()), *expected, "{parameters:?}");
    }
    let error = EntityFilter::parse(&["=x"]).unwrap_err().to_string();
    assert_eq!(error, "Invalid filter, '=x' is not a valid statement (expected a string on the form a=b or a= or a)");
}

#[test]
fn predicates_mean_what_they_mean_to_backstage() {
    let index = sample();
    let cases = [
        (json!({}), Ok("e0 e1 e2 e3")),
        (json!({"kind": "component", "spec.type": "website"}), Ok("e1")),
        (json!({"$all": [{"kind": "component"}, {"$not": {"spec.type": "service"}}]}), Ok("e1")),
        (json!({"$any": [{"kind": "api"}, {"kind": "Group"}]}), Ok("e2 e3")),
        (json!({"$any": []}), Ok("")),
        (json!({"kind": {"$in": ["API", "group"]}}), Ok("e2 e3")),
        (json!({"kind": {"$in": []}}), Ok("")),
        (json!({"spec.nothing": {"$exists": true}}), Ok("e1")),
        (json!({"kind": "component", "spec.nothing": {"$exists": false}}), Ok("e0")),
        (json!({"spec.type": {"$hasPrefix": "We"}}), Ok("e1")),
        (json!({"metadata.tags": {"$contains": "java"}}), Ok("e0")),
        (json!({"relations": {"$contains": {"type": "ownedBy", "targetRef": "group:default/team"}}}), Ok("e0")),
        (json!({"relations": {"$contains": {"type": "ownedBy", "targetRef": {"$in": ["group:default/x"]}}}}), Ok("")),
        (
            json!({"metadata.links": {"$contains": {"url": "x"}}}),
            Err("Object form of $contains is not supported for field \"metadata.links\""),
        ),
        (json!({"$nope": []}), Err("Invalid query")),
        (json!({"kind": {"$nope": 1}}), Err("Invalid query")),
        (json!("component"), Err("Invalid query")),
    ];
    for (predicate, expected) in cases {
        match (EntityFilter::predicate(&predicate), expected) {
            (Ok(filter), Ok(expected)) => assert_eq!(names(&index, &filter), expected, "{predicate}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{predicate}: {error}"),
            other => panic!("{predicate}: {other:?}"),
        }
    }
}

/// The same question, asked of each entity by itself.
fn fits(filter: &EntityFilter, record: &Record) -> bool {
    let facts: Facts = record.facts();
    let values = |key: &str| {
        facts
            .iter()
            .filter(|fact| fact.key.path == key)
            .map(|fact| fact.value.map(|value| value.folded))
            .collect::<Vec<_>>()
    };
    match filter {
        EntityFilter::All(parts) => parts.iter().all(|part| fits(part, record)),
        EntityFilter::Any(parts) => parts.iter().any(|part| fits(part, record)),
        EntityFilter::Not(part) => !fits(part, record),
        EntityFilter::Exists(key) => !values(key).is_empty(),
        EntityFilter::In(key, wanted) => {
            values(key).iter().flatten().any(|value| wanted.iter().any(|wanted| wanted == value))
        }
        EntityFilter::HasPrefix(key, prefix) => {
            values(key).iter().flatten().any(|value| value.starts_with(prefix.as_str()))
        }
    }
}

fn filters() -> impl Strategy<Value = EntityFilter> {
    let key = prop::sample::select(vec!["kind", "spec.a", "spec.b", "metadata.tags", "metadata.tags.x", "nope"])
        .prop_map(str::to_owned);
    let value = prop::sample::select(vec!["x", "y", "xy", "true", "component"]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        key.clone().prop_map(EntityFilter::Exists),
        (key.clone(), prop::collection::vec(value.clone(), 0..3))
            .prop_map(|(key, values)| EntityFilter::In(key, values)),
        (key, value).prop_map(|(key, value)| EntityFilter::HasPrefix(key, value)),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(EntityFilter::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(EntityFilter::Any),
            inner.prop_map(|part| EntityFilter::Not(Box::new(part))),
        ]
    })
}

fn documents() -> impl Strategy<Value = Vec<Value>> {
    let value =
        prop::sample::select(vec![json!("X"), json!("y"), json!("XY"), json!(true), json!(null), json!(["x", "y"])]);
    let document = (prop::option::of(value.clone()), prop::option::of(value), prop::collection::vec("[xy]{1,2}", 0..3))
        .prop_map(|(a, b, tags)| {
            let mut spec = serde_json::Map::new();
            spec.extend(a.map(|a| ("a".to_owned(), a)));
            spec.extend(b.map(|b| ("b".to_owned(), b)));
            json!({"spec": spec, "metadata": {"tags": tags}})
        });
    prop::collection::vec(document, 0..100)
}

proptest! {
    #[test]
    fn the_index_answers_as_each_entity_would(documents in documents(), filter in filters()) {
        let index = index(documents);
        let selected = filter.select(&index);
        for record in index.records() {
            let slot = index.slot(record.reference.as_str()).unwrap();
            prop_assert_eq!(selected.contains(slot), fits(&filter, record), "{:?} {}", filter, record.reference);
        }
    }

    #[test]
    fn no_text_makes_parsing_panic(text in ".{0,40}", json in "[\\[\\]{}:,\"$a-z1 ]{0,40}") {
        let _ = EntityFilter::parse(&[text]);
        if let Ok(value) = serde_json::from_str(&json) {
            let _ = EntityFilter::predicate(&value);
        }
    }
}
