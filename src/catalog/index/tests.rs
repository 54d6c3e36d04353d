//! The index after any sequence of changes equals a fresh one.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::catalog::record::tests::row;

/// One change of a small world: which of ten components, and its owner and dependencies, or its end.
#[derive(Debug, Clone)]
struct Step {
    name: usize,
    content: Option<(u8, Vec<usize>)>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let content = prop::option::weighted(0.7, (0_u8..3, prop::collection::vec(0_usize..10, 0..4)));
    prop::collection::vec((0_usize..10, content).prop_map(|(name, content)| Step { name, content }), 0..60)
}

fn changed(step: &Step) -> Changed {
    let reference: Arc<str> = format!("component:default/c{}", step.name).into();
    let changed = step.content.as_ref().map(|(owner, dependencies)| {
        let depends: Vec<String> = dependencies.iter().map(|name| format!("component:c{name}")).collect();
        let document = json!({
            "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": format!("c{}", step.name)},
            "spec": {"type": "t", "lifecycle": "l", "owner": format!("g{owner}"), "dependsOn": depends}
        });
        row(step.name as u128 + 1, &document)
    });
    Changed { reference, row: changed }
}

/// Everything that can be asked of an index.
fn content(index: &Index) -> Vec<String> {
    let mut shown: Vec<String> =
        index.records().map(|record| String::from_utf8(record.json.to_vec()).unwrap()).collect();
    for (key, field) in index.fields().iter() {
        let names = |slots: &Bits| {
            let mut names: Vec<String> =
                slots.iter().map(|slot| index.record(slot).unwrap().reference.to_string()).collect();
            names.sort();
            names.join(",")
        };
        shown.push(format!("{key}: {}", names(field.present())));
        shown.extend(field.order().iter().map(|(value, slots)| format!("{key}={value}: {}", names(slots))));
        shown.extend(field.originals().into_iter().map(|(value, slots)| format!("{key}~{value}: {}", names(slots))));
    }
    shown.push(format!("{} {}", index.len(), index.all().len()));
    shown.sort();
    shown
}

proptest! {
    #[test]
    fn any_sequence_of_changes_gives_what_a_fresh_index_has(steps in steps(), batch in 1_usize..7) {
        let mut followed = Index::default();
        for steps in steps.chunks(batch) {
            // A batch of the change log has each entity once.
            let mut last: BTreeMap<usize, &Step> = BTreeMap::new();
            last.extend(steps.iter().map(|step| (step.name, step)));
            let shared = followed.clone();
            let before = content(&shared);
            followed.apply(last.into_values().map(changed).collect());
            prop_assert_eq!(content(&shared), before, "a shared snapshot never changes");
        }
        let mut last: BTreeMap<usize, &Step> = BTreeMap::new();
        last.extend(steps.iter().map(|step| (step.name, step)));
        let mut fresh = Index::default();
        fresh.apply(last.into_values().filter(|step| step.content.is_some()).map(changed).collect());
        prop_assert_eq!(content(&followed), content(&fresh));
    }
}

#[test]
fn what_lists_are_in_order_by_is_known_before_everything_else() {
    let step = |name| Step { name, content: Some((1, vec![])) };
    let mut index = Index::default();
    index.apply((0..5).map(|name| changed(&step(name))).collect());
    let orders = |index: &Index| {
        let order = |key: &&str| -> Vec<(String, Bits)> {
            let values = index.field(key).into_iter().flat_map(|field| field.order().iter());
            values.map(|(value, slots)| (value.to_string(), slots.clone())).collect()
        };
        PLAIN.concat().iter().map(order).collect::<Vec<_>>()
    };
    let early = orders(&index);
    assert!(index.fields.get().is_none());
    index.fields();
    assert_eq!(orders(&index), early);
    // These entities have no namespace.
    assert_eq!(early.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 5, 5]);
}

#[test]
fn names_that_nobody_refers_to_any_more_are_forgotten() {
    let step = |content| Step { name: 0, content };
    let mut index = Index::default();
    index.apply(vec![changed(&step(Some((1, vec![2, 3]))))]);
    assert!(index.graph.find("component:default/c2").is_some());
    index.apply(vec![changed(&step(Some((1, vec![3]))))]);
    assert_eq!(index.graph.find("component:default/c2"), None);
    index.apply(vec![changed(&step(None))]);
    assert!(index.graph.find("component:default/c0").or(index.graph.find("group:default/g1")).is_none());
    assert!(index.is_empty());
}
