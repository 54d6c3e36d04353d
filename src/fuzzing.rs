//! Doors for hostile bytes: what a stranger can write, through the function that reads it.
//!
//! Each function takes anything, returns whether it was accepted and panics only where the program is wrong: its own
//! invariants are asserted. `tests/fuzz` calls them with cargo-fuzz, `tests::fuzzing` with the seeds and mutations of them.

use crate::catalog;
use crate::entity::{EntityRef, RefDefaults};

/// A descriptor file. Every fault has its place; every entity reads back as itself.
pub fn descriptor(bytes: &[u8]) -> bool {
    catalog::fuzzing::descriptor(bytes)
}

/// An entity reference: one that is read prints to a text that reads to the same.
pub fn entity_ref(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let defaults = RefDefaults { kind: Some("Component"), namespace: None };
    let Ok(reference) = EntityRef::parse(&text, defaults) else {
        return false;
    };
    let printed = reference.to_string();
    assert_eq!(printed.parse().as_ref(), Ok(&reference), "{text:?} printed as {printed:?}");
    for kind in [None, Some(reference.kind())] {
        let short = reference.short(kind);
        let read = EntityRef::parse(&short, RefDefaults { kind, namespace: None });
        assert_eq!(read.as_ref(), Ok(&reference), "{text:?} shortened to {short:?}");
    }
    true
}

/// `filter` parameters, one a line: one that is accepted selects, and its opposite selects the rest.
pub fn filter(bytes: &[u8]) -> bool {
    catalog::fuzzing::filter(bytes)
}

/// A JSON predicate; as [`filter`].
pub fn predicate(bytes: &[u8]) -> bool {
    catalog::fuzzing::predicate(bytes)
}
