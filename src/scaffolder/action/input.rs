//! Checks a step's input: types strictly and in Backstage's words, unknown keys with a warning.
//!
//! Backstage refuses unknown keys since its actions moved to another schema library, and with them templates that
//! carried a harmless extra key for years; here they warn.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::super::schema::Schema;
use super::{ActionError, Outputs};

/// The schema of an action's input, compiled when an input is first checked: there are many actions, and few are used.
pub(super) struct InputCheck {
    compiled: OnceLock<Option<Schema>>,
    known: BTreeSet<String>,
}

impl InputCheck {
    /// The check of a schema.
    pub(super) fn new(schema: &Value) -> Self {
        let mut known = BTreeSet::new();
        names(schema, &mut known);
        Self { compiled: OnceLock::new(), known }
    }

    /// The keys that an input may have; empty if any.
    pub(super) fn keys(&self) -> &BTreeSet<String> {
        &self.known
    }

    /// Checks an input by the schema that this was made of; `name` is the action's id with the key of the round. One that
    /// is no schema is a mistake of this program's own action, found by its test.
    pub(super) fn check(&self, schema: &Value, name: &str, input: &Outputs) -> Result<Vec<String>, ActionError> {
        let violations = match self.compiled.get_or_init(|| Schema::compile(&open(schema)).ok()) {
            Some(schema) => schema.violations(&Value::Object(input.clone())),
            None => Vec::new(),
        };
        if !violations.is_empty() {
            let told: Vec<String> = violations.iter().map(super::super::schema::Violation::stack).collect();
            return Err(ActionError::input(format!("Invalid input passed to action {name}, {}", told.join(", "))));
        }
        let unknown = input.keys().filter(|key| !self.known.is_empty() && !self.known.contains(*key));
        Ok(unknown.map(|key| format!("input `{key}` means nothing to {name} and is ignored")).collect())
    }
}

/// The names of the keys that an input may have.
fn names(schema: &Value, known: &mut BTreeSet<String>) {
    known.extend(
        schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()),
    );
    for key in ["anyOf", "oneOf", "allOf"] {
        for part in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            names(part, known);
        }
    }
}

/// The schema without `additionalProperties: false`.
fn open(schema: &Value) -> Value {
    match schema {
        Value::Object(keys) => {
            let closed = |key: &str, value: &Value| key == "additionalProperties" && *value == json!(false);
            Value::Object(
                keys.iter()
                    .filter(|(key, value)| !closed(key, value))
                    .map(|(key, value)| (key.clone(), open(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.iter().map(open).collect(),
        other => other.clone(),
    }
}

/// How many letters to change to get from one word to the other.
pub(in super::super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, found) in other.iter().enumerate() {
            let above = row[column + 1];
            let replaced = diagonal + usize::from(letter != *found);
            row[column + 1] = replaced.min(above + 1).min(row[column] + 1);
            diagonal = above;
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_strict_and_unknown_keys_warn() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {"a": {"type": "number"}, "b": {"type": "object", "properties": {}, "additionalProperties": false}}});
        let check = |input: Value| {
            InputCheck::new(&schema).check(&schema, "x:y", input.as_object().unwrap()).map_err(|error| error.message)
        };
        assert_eq!(check(json!({"a": 1})), Ok(vec![]));
        assert_eq!(
            check(json!({"a": "many"})),
            Err("Invalid input passed to action x:y, instance.a is not of a type(s) number".to_owned())
        );
        assert_eq!(
            check(json!({})),
            Err("Invalid input passed to action x:y, instance requires property \"a\"".to_owned())
        );
        assert_eq!(
            check(json!({"a": 1, "c": 1, "b": {"d": 1}})),
            Ok(vec!["input `c` means nothing to x:y and is ignored".to_owned()])
        );
    }

    #[test]
    fn alternatives_share_their_keys() {
        let schema = json!({"anyOf": [
            {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}, "additionalProperties": false},
            {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}, "additionalProperties": false}]});
        let check = |input: Value| {
            InputCheck::new(&schema).check(&schema, "x:y", input.as_object().unwrap()).map_err(|error| error.message)
        };
        assert_eq!(
            check(json!({"path": "a", "extra": 1})),
            Ok(vec!["input `extra` means nothing to x:y and is ignored".to_owned()])
        );
        assert!(check(json!({})).unwrap_err().contains("instance is not any of [subschema 0],[subschema 1]"));
    }

    #[test]
    fn distance_counts_changes() {
        let cases = [
            ("fetch:template", "fetch:templat", 1),
            ("a", "b", 1),
            ("", "abc", 3),
            ("same", "same", 0),
            ("ab", "ba", 2),
        ];
        for (one, other, expected) in cases {
            assert_eq!(distance(one, other), expected);
        }
    }
}
