//! Inputs of actions as templates write them: any value may be an expression in place of what the action is given.

use serde_json::{Map, Value, json};

use super::{or_expression, or_placeholder, part};
use crate::scaffolder::action::ActionDescription;

/// Keywords whose verdict on a value is none on the expression that makes it.
const NEEDS_VALUES: [&str; 8] =
    ["not", "if", "then", "else", "dependencies", "const", "uniqueItems", "additionalProperties"];

/// A text with an expression or a tag in it.
pub(super) fn expression() -> Value {
    json!({"type": "string", "pattern": "\\$\\{\\{|\\{%", "description": "An expression: ${{ … }}"})
}

/// What must hold of a step that runs the action. A step with a condition may lack inputs, since it may never run.
pub(super) fn of(action: &ActionDescription) -> Value {
    let mut input = loose_keywords(&action.input);
    let required =
        input.shift_remove("required").filter(|required| required.as_array().is_some_and(|keys| !keys.is_empty()));
    input.entry("description").or_insert_with(|| json!(action.description));
    let mut then =
        json!({"properties": {"input": {"anyOf": [Value::Object(input), part("placeholder"), {"type": "null"}]}}});
    if let Some(required) = required {
        let complete = or_placeholder(&json!({"type": "object", "required": required}));
        then["if"] = json!({"not": {"required": ["if"]}});
        then["then"] = json!({"required": ["input"], "properties": {"input": complete}});
    }
    json!({"if": {"required": ["action"], "properties": {"action": {"const": action.id}}}, "then": then})
}

/// A schema of a value that may be an expression, too.
fn loose(schema: &Value) -> Value {
    match schema {
        Value::Object(_) => or_expression(&Value::Object(loose_keywords(schema))),
        other => other.clone(),
    }
}

/// The schema of a map, list or alternative with loose parts; keys that it does not know are allowed.
fn loose_keywords(schema: &Value) -> Map<String, Value> {
    let each = |value: &Value| match value {
        Value::Object(parts) => parts.iter().map(|(name, part)| (name.clone(), loose(part))).collect(),
        other => other.clone(),
    };
    let mut kept = Map::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match keyword.as_str() {
            "additionalProperties" if value.is_object() => drop(kept.insert(keyword.clone(), loose(value))),
            keyword if NEEDS_VALUES.contains(&keyword) => {}
            "properties" | "patternProperties" => drop(kept.insert(keyword.clone(), each(value))),
            "items" => drop(kept.insert(keyword.clone(), items(value))),
            // With an expression in it a value may look like several of the alternatives.
            "oneOf" | "anyOf" => drop(kept.insert("anyOf".to_owned(), alternatives(value))),
            "allOf" => drop(kept.insert(keyword.clone(), alternatives(value))),
            _ => drop(kept.insert(keyword.clone(), value.clone())),
        }
    }
    kept
}

fn items(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(loose).collect(),
        one => loose(one),
    }
}

fn alternatives(value: &Value) -> Value {
    value.as_array().into_iter().flatten().map(loose_alternative).collect()
}

/// An alternative is about the same value, which may be an expression already.
fn loose_alternative(schema: &Value) -> Value {
    if schema.is_object() { Value::Object(loose_keywords(schema)) } else { schema.clone() }
}
