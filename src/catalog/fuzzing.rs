//! The catalog's side of [`crate::fuzzing`]: what must hold of descriptors, filters and predicates whatever they contain.

use serde_json::{Value, json};
use uuid::Uuid;

use super::EntityFilter;
use super::bits::Bits;
use super::descriptor;
use super::index::{Changed, Index};
use super::location::LocationRef;
use super::record::Row;
use crate::entity::{self, Entity, Model};
use crate::yaml;

/// Reads a descriptor; see [`crate::fuzzing::descriptor`].
pub(crate) fn descriptor(bytes: &[u8]) -> bool {
    let documents = descriptor::read(bytes, &LocationRef::new("file", "/catalog-info.yaml"));
    let lines = String::from_utf8_lossy(bytes).lines().count();
    let mut is_accepted = !documents.is_empty();
    for document in documents {
        let draft = match document {
            Ok(draft) => draft,
            Err(fault) => {
                let line = fault.place.map_or(1, |place| usize::try_from(place.position.line).unwrap_or(usize::MAX));
                assert!((1..=lines + 1).contains(&line), "{} at line {line} of {lines}", fault.error);
                is_accepted = false;
                continue;
            }
        };
        if let Err(error) = entity::check(&Model::default(), &draft.entity) {
            assert!(!error.message.is_empty() && !error.message.contains('\0'), "{error:?}");
            is_accepted = false;
        }
        reads_back(&draft.entity);
    }
    is_accepted
}

/// JSON is YAML; only limits may stand against reading it.
fn reads_back(entity: &Entity) {
    let written = Value::Object(entity.0.clone());
    let mut read = yaml::documents(&written.to_string());
    assert_eq!(read.len(), 1, "{written}");
    if let Some(Ok(document)) = read.pop() {
        assert_eq!(document.value, written);
    }
}

/// Reads `filter` parameters; see [`crate::fuzzing::filter`].
pub(crate) fn filter(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let parameters: Vec<&str> = text.lines().collect();
    EntityFilter::parse(&parameters).is_ok_and(|filter| selects(&filter))
}

/// Reads a predicate; see [`crate::fuzzing::predicate`].
pub(crate) fn predicate(bytes: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return false;
    };
    EntityFilter::predicate(&value).is_ok_and(|filter| selects(&filter))
}

fn selects(filter: &EntityFilter) -> bool {
    let index = sample();
    let found = filter.select(&index);
    let rest = EntityFilter::Not(Box::new(filter.clone()));
    let rest = rest.select(&index);
    let slots = |bits: &Bits| bits.iter().collect::<Vec<u32>>();
    let mut both = [slots(&found), slots(&rest)].concat();
    both.sort_unstable();
    assert_eq!(both, slots(index.all()), "{filter:?} and its opposite are not everything once");
    // A cursor carries the filter as JSON.
    let carried = serde_json::to_value(filter).and_then(serde_json::from_value::<EntityFilter>);
    assert_eq!(carried.ok().as_ref(), Some(filter));
    true
}

/// A few entities with what filters ask for.
fn sample() -> Index {
    let documents = [
        json!({"kind": "Component", "metadata": {"name": "a", "tags": ["java", "Data"]}, "spec": {"type": "service", "owner": "team", "n": 3}}),
        json!({"kind": "Component", "metadata": {"name": "b", "namespace": "web"}, "spec": {"type": "Website", "nothing": null}}),
        json!({"kind": "API", "metadata": {"name": "c", "labels": {"tier": ""}}, "spec": {"type": "openapi", "flag": true}}),
    ];
    let changed = |(uid, mut document): (u128, Value)| {
        document["apiVersion"] = json!("backstage.io/v1alpha1");
        let entity = Entity(document.as_object().cloned().unwrap_or_default());
        let row = Row::alone(Uuid::from_u128(uid), "file:/a.yaml", &entity);
        Changed { reference: entity.reference().as_str().into(), row: Some(row) }
    };
    let mut index = Index::default();
    index.apply((1..).zip(documents).map(changed).collect());
    index
}
