//! What is wrong with a JSON predicate, in the words of Backstage's validator: it tries every form that a predicate can
//! have, and tells of each why it is not that one.

use serde_json::{Map, Value};

use crate::catalog::{EntityFilter, FilterError};
use crate::web::error::Error;

/// Reads a predicate.
pub(super) fn read(query: &Value) -> Result<EntityFilter, Error> {
    EntityFilter::predicate(query).map_err(|error| refusal(query, error))
}

fn refusal(query: &Value, error: FilterError) -> Error {
    match predicate(query, &Path::default()) {
        Outcome::Valid => error.into(),
        Outcome::Dirty(issues) | Outcome::Invalid(issues) => {
            Error::Input(format!("Invalid query: Validation error: {}", issues.join("; ")))
        }
    }
}

/// How a form fits a value.
enum Outcome {
    Valid,
    /// It is of the form, with something in it that is not allowed: no other form is tried.
    Dirty(Vec<String>),
    Invalid(Vec<String>),
}

#[derive(Clone, Default)]
struct Path(String);

impl Path {
    fn join(&self, part: &str) -> Self {
        if self.0.is_empty() { Self(part.to_owned()) } else { Self(format!("{}.{part}", self.0)) }
    }

    fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    fn told(&self, message: &str) -> String {
        if self.0.is_empty() { message.to_owned() } else { format!("{message} at \"{}\"", self.0) }
    }
}

/// The first form that fits, or why none does.
fn any_of(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let (mut told, mut dirty): (Vec<String>, _) = (Vec::new(), None);
    for outcome in outcomes {
        match outcome {
            Outcome::Valid => return Outcome::Valid,
            Outcome::Dirty(issues) => dirty = dirty.or(Some(issues)),
            Outcome::Invalid(issues) => {
                let issues = issues.join("; ");
                if !told.contains(&issues) {
                    told.push(issues);
                }
            }
        }
    }
    dirty.map_or_else(|| Outcome::Invalid(vec![told.join(", or ")]), Outcome::Dirty)
}

fn predicate(value: &Value, path: &Path) -> Outcome {
    any_of([
        any_of([fields(value, path), operators(value, path)]),
        primitive(value, path),
        alone(value, path, "$all", &predicates),
        alone(value, path, "$any", &predicates),
        alone(value, path, "$not", &predicate),
    ])
}

fn predicates(value: &Value, path: &Path) -> Outcome {
    list(value, path, &predicate)
}

fn primitives(value: &Value, path: &Path) -> Outcome {
    list(value, path, &primitive)
}

type Form<'a> = &'a dyn Fn(&Value, &Path) -> Outcome;

/// Names of fields with what they must be.
fn fields(value: &Value, path: &Path) -> Outcome {
    record(value, path, |key| !key.starts_with('$') && !key.contains(['\n', '\r']), &condition)
}

/// Nothing but operators, of which none can stand here.
fn operators(value: &Value, path: &Path) -> Outcome {
    record(value, path, |key| key.starts_with('$'), &|value, path| expected("never", value, path))
}

fn record(value: &Value, path: &Path, is_key: impl Fn(&str) -> bool, form: Form<'_>) -> Outcome {
    let Value::Object(map) = value else { return expected("object", value, path) };
    let (mut issues, mut is_invalid) = (Vec::new(), false);
    for (key, value) in map {
        let here = path.join(key);
        if !is_key(key) {
            issues.push(here.told("Invalid"));
        }
        match form(value, &here) {
            Outcome::Valid => {}
            Outcome::Dirty(more) => issues.extend(more),
            Outcome::Invalid(more) => {
                is_invalid = true;
                issues.extend(more);
            }
        }
    }
    judged(issues, is_invalid)
}

fn judged(issues: Vec<String>, is_invalid: bool) -> Outcome {
    match (issues.is_empty(), is_invalid) {
        (true, _) => Outcome::Valid,
        (false, true) => Outcome::Invalid(issues),
        (false, false) => Outcome::Dirty(issues),
    }
}

/// What a field must be.
fn condition(value: &Value, path: &Path) -> Outcome {
    any_of([
        primitive(value, path),
        matcher(value, path, "$exists", &boolean),
        matcher(value, path, "$in", &primitives),
        matcher(value, path, "$contains", &predicate),
        matcher(value, path, "$hasPrefix", &text),
    ])
}

fn matcher(value: &Value, path: &Path, key: &str, form: Form<'_>) -> Outcome {
    let Value::Object(map) = value else { return expected("object", value, path) };
    member(map, path, key, form)
}

/// An operator that has no other beside it.
fn alone(value: &Value, path: &Path, key: &str, form: Form<'_>) -> Outcome {
    let Value::Object(map) = value else { return expected("object", value, path) };
    let (mut issues, is_invalid) = match member(map, path, key, form) {
        Outcome::Valid => (Vec::new(), false),
        Outcome::Dirty(issues) => (issues, false),
        Outcome::Invalid(issues) => (issues, true),
    };
    let others: Vec<String> = map.keys().filter(|other| *other != key).map(|other| format!("'{other}'")).collect();
    if !others.is_empty() {
        issues.push(path.told(&format!("Unrecognized key(s) in object: {}", others.join(", "))));
    }
    judged(issues, is_invalid)
}

fn member(map: &Map<String, Value>, path: &Path, key: &str, form: Form<'_>) -> Outcome {
    match map.get(key) {
        Some(value) => form(value, &path.join(key)),
        None => Outcome::Invalid(vec![path.join(key).told("Required")]),
    }
}

fn list(value: &Value, path: &Path, form: Form<'_>) -> Outcome {
    let Value::Array(items) = value else { return expected("array", value, path) };
    let (mut issues, mut is_invalid) = (Vec::new(), false);
    for (index, item) in items.iter().enumerate() {
        match form(item, &path.index(index)) {
            Outcome::Valid => {}
            Outcome::Dirty(more) => issues.extend(more),
            Outcome::Invalid(more) => {
                is_invalid = true;
                issues.extend(more);
            }
        }
    }
    judged(issues, is_invalid)
}

fn primitive(value: &Value, path: &Path) -> Outcome {
    any_of([text(value, path), number(value, path), boolean(value, path)])
}

fn text(value: &Value, path: &Path) -> Outcome {
    if value.is_string() { Outcome::Valid } else { expected("string", value, path) }
}

fn number(value: &Value, path: &Path) -> Outcome {
    if value.is_number() { Outcome::Valid } else { expected("number", value, path) }
}

fn boolean(value: &Value, path: &Path) -> Outcome {
    if value.is_boolean() { Outcome::Valid } else { expected("boolean", value, path) }
}

fn expected(wanted: &str, value: &Value, path: &Path) -> Outcome {
    let received = super::cursor::type_of(Some(value));
    Outcome::Invalid(vec![path.told(&format!("Expected {wanted}, received {received}"))])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_that_does_not_fit_is_told() {
        let message = |query: Value| read(&query).map(drop).map_err(|error| error.to_string());
        let mixed = message(json!({ "$all": [], "kind": "x" })).unwrap_err();
        assert_eq!(mixed, "Invalid query: Validation error: Unrecognized key(s) in object: 'kind'");
        let unknown = message(json!({ "$nope": "x" })).unwrap_err();
        assert_eq!(unknown, "Invalid query: Validation error: Invalid at \"$nope\"");
        let inner = message(json!({ "$all": [{ "kind": { "$in": "x" } }] })).unwrap_err();
        assert!(inner.contains("Expected array, received string at \"$all[0].kind.$in\""), "{inner}");
        assert_eq!(message(json!({ "relations": { "$contains": { "type": "ownedBy" } } })), Ok(()));
    }
}
