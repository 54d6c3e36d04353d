//! A field after any sequence of changes answers what a plain list of rows would.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// What one entity has: values as written, or null.
type Written = BTreeSet<Option<String>>;

fn values() -> impl Strategy<Value = Written> {
    prop::collection::btree_set(prop::option::of("[aAbBc]{0,3}"), 0..4)
}

/// As `Facts` gives them: sorted by the folded value, then by the original.
fn rows(values: &Written) -> Vec<(Option<String>, Option<String>)> {
    let mut rows: Vec<_> =
        values.iter().map(|value| (value.as_ref().map(|value| value.to_lowercase()), value.clone())).collect();
    rows.sort();
    rows
}

fn facts(rows: &[(Option<String>, Option<String>)]) -> Values<'_> {
    rows.iter()
        .map(|(folded, original)| {
            let value = folded.as_ref().zip(original.as_ref());
            value.map(|(folded, original)| FieldValue { folded, original, shared: None })
        })
        .collect()
}

fn set_of(bits: &Bits) -> BTreeSet<u32> {
    bits.iter().collect()
}

fn check(field: &Field, expected: &BTreeMap<u32, Written>) {
    let having = |fits: &dyn Fn(&str) -> bool| -> BTreeSet<u32> {
        expected
            .iter()
            .filter(|(_, values)| values.iter().flatten().any(|value| fits(value)))
            .map(|(slot, _)| *slot)
            .collect()
    };
    let present: BTreeSet<u32> =
        expected.iter().filter(|(_, values)| !values.is_empty()).map(|(slot, _)| *slot).collect();
    assert_eq!(set_of(field.present()), present);
    let everything: Bits = (0..100).collect();
    assert_eq!(set_of(&field.valued(&everything)), having(&|_| true));
    let all: BTreeSet<&String> = expected.values().flatten().flatten().collect();
    let originals: Vec<(&str, BTreeSet<u32>)> =
        field.originals().into_iter().map(|(value, slots)| (value, set_of(slots))).collect();
    let expected_originals: Vec<(&str, BTreeSet<u32>)> =
        all.iter().map(|value| (value.as_str(), having(&|other| other == value.as_str()))).collect();
    assert_eq!(originals, expected_originals);
    for (value, slots) in field.order().iter() {
        assert_eq!(set_of(slots), set_of(field.having(value).unwrap()));
        assert_eq!(set_of(slots), having(&|other| other.to_lowercase() == **value));
    }
    for term in ["a", "ab", "bc", "cab", ""] {
        let expected =
            if term.is_empty() { having(&|_| true) } else { having(&|value| value.to_lowercase().contains(term)) };
        if !term.is_empty() {
            assert_eq!(set_of(&field.containing(term)), expected, "{term}");
        }
        assert_eq!(set_of(&field.beginning(term)), having(&|value| value.to_lowercase().starts_with(term)), "{term}");
    }
    for (slot, values) in expected {
        let smallest = values.iter().flatten().map(|value| value.to_lowercase()).min();
        let ranked = field.rank(*slot).and_then(|rank| field.ranked(rank)).map(ToString::to_string);
        assert_eq!(ranked, smallest);
    }
    let counts = expected
        .values()
        .map(|values| values.iter().flatten().map(|value| value.to_lowercase()).collect::<BTreeSet<_>>().len());
    assert_eq!(field.is_single(), counts.max().unwrap_or_default() <= 1);
}

proptest! {
    #[test]
    fn any_sequence_of_changes_gives_what_the_rows_say(
        steps in prop::collection::vec(prop::collection::btree_map(0_u32..20, values(), 0..10), 0..20),
    ) {
        let (mut field, mut expected) = (Field::default(), BTreeMap::<u32, Written>::new());
        let mut copies = Vec::new();
        for step in steps {
            copies.push((field.clone(), expected.clone()));
            let rows: Vec<_> = step
                .iter()
                .map(|(slot, values)| (*slot, rows(&expected.remove(slot).unwrap_or_default()), rows(values)))
                .collect();
            let changes: Vec<FieldChange<'_>> = rows
                .iter()
                .map(|(slot, before, after)| FieldChange { slot: *slot, before: facts(before), after: facts(after) })
                .collect();
            field.replace(&changes);
            expected.extend(step);
        }
        copies.push((field, expected));
        for (field, expected) in copies {
            check(&field, &expected);
        }
    }
}

#[test]
fn a_value_takes_forty_bytes() {
    // Beside its text: there are ten of them for each entity.
    assert_eq!(size_of::<(Hashed, Posting)>(), 40);
}
