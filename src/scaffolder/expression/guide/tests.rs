//! The guide tells what the engine knows: all of it, and nothing else.

use std::collections::BTreeSet;

use super::{Entry, Explained, Guide, filters, functions, predicates, values};
use crate::scaffolder::context::Engines;
use crate::scaffolder::expression::{filters as known, interpreter, predicates as tests};

fn names(entries: &[Entry]) -> BTreeSet<&str> {
    entries.iter().map(|entry| entry.name).collect()
}

fn guide() -> Guide {
    Guide::of(Engines::new().conditions())
}

#[test]
fn what_the_engine_knows_is_described_and_nothing_else() {
    let (added_filters, added_functions) = Engines::new().conditions().added();
    assert_eq!(names(&filters::FILTERS), known::NAMES.into_iter().chain(added_filters).collect());
    assert_eq!(names(&predicates::TESTS), tests::PLAIN.into_iter().chain(tests::COMPARING).collect());
    let built_in = interpreter::BUILT_IN.into_iter().map(|(name, _)| name);
    assert_eq!(names(&functions::FUNCTIONS), built_in.chain(added_functions).collect());
    let context = values::context();
    assert_eq!(names(&values::VALUES), context.keys().map(String::as_str).collect());
}

#[test]
fn entries_are_sorted_and_show_themselves() {
    let all: [&[Entry]; 4] = [&filters::FILTERS, &predicates::TESTS, &functions::FUNCTIONS, &values::VALUES];
    for entries in all {
        assert!(entries.is_sorted_by(|one, other| one.name.to_lowercase() < other.name.to_lowercase()));
        for Entry { name, signature, about, example } in entries {
            assert!(signature.contains(name) && example.contains(name), "{name}: {signature}, {example}");
            assert!(about.ends_with('.'), "{name}: {about}");
        }
    }
}

#[test]
fn every_example_gives_a_value() {
    let guide = guide();
    let context = values::context();
    for Explained { entry, result } in [guide.filters, guide.tests, guide.functions, guide.values].concat() {
        let value = Engines::new().conditions().evaluate(entry.example, &context);
        let value = value.unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        assert_eq!(result, value.expect(entry.name).to_string());
    }
}

#[test]
fn results_are_those_that_the_words_promise() {
    let guide = guide();
    let entries = [guide.filters, guide.tests, guide.functions, guide.values].concat();
    let check = |signature: &str, expected: &str| {
        let found = entries.iter().find(|explained| explained.entry.signature.starts_with(signature));
        assert_eq!(found.map(|explained| explained.result.as_str()), Some(expected), "{signature}");
    };
    check("number | abs", "3");
    check("list | join", "\"shop, rust\"");
    check("text | projectSlug", "\"acme/cart\"");
    check("value is eq", "false");
    check("text is escaped", "true");
    check("always()", "true");
    check("failure()", "false");
    check("range(", "[1,2,3]");
    check("each.key", "\"0: dev\"");
}
