//! Templates as one JSON Schema (draft 7), for editors that complete and check them while they are written.
//!
//! The envelope is the catalog's, fields of the form are described in `form`, inputs of steps are those of the actions
//! that are registered, with every value allowed to be an expression. It is never stricter than a run: an action or a
//! key that nobody knows is not underlined. What needs the whole template (references between steps, parameters that
//! are not declared) is told by the lint.

mod form;
mod input;

use serde_json::{Map, Value, json};

pub(in crate::scaffolder) use self::form::is_own_field;
use super::API_VERSION;
use crate::entity::{self, Model};
use crate::scaffolder::action::ActionDescription;

/// The schema of templates that use these actions.
pub(crate) fn schema(actions: &[ActionDescription]) -> Value {
    let catalog = entity::schema(&Model::default(), Some("Template")).unwrap_or_default();
    let mut definitions = catalog.get("definitions").and_then(Value::as_object).cloned().unwrap_or_default();
    definitions.extend([
        ("expression".to_owned(), input::expression()),
        ("field".to_owned(), form::field()),
        ("page".to_owned(), form::page()),
        ("condition".to_owned(), condition()),
        ("step".to_owned(), step(actions)),
        ("output".to_owned(), output()),
    ]);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Software template",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "The form of templates that runs."},
            "kind": {"const": "Template"},
            "metadata": {"$ref": "#/definitions/metadata"},
            "spec": spec(),
        },
        "additionalProperties": false,
        "definitions": definitions,
    })
}

/// A part of the schema by name.
fn part(name: &str) -> Value {
    json!({"$ref": format!("#/definitions/{name}")})
}

/// A value, or a placeholder that brings it from another file.
fn or_placeholder(schema: &Value) -> Value {
    json!({"anyOf": [schema, part("placeholder")]})
}

/// A value, or an expression that makes it.
fn or_expression(schema: &Value) -> Value {
    json!({"anyOf": [schema, part("expression")]})
}

fn spec() -> Value {
    let text = |description: &str, examples: &[&str]| {
        or_placeholder(&json!({"type": "string", "minLength": 1, "description": description, "examples": examples}))
    };
    json!({
        "type": "object",
        "required": ["type", "steps"],
        "properties": {
            "type": text("What it makes.", &["service", "website", "library"]),
            "owner": text("Who looks after it: [kind:][namespace/]name, of kind Group if none is written.", &["group:default/platform"]),
            "lifecycle": text("How far it is.", &["experimental", "production", "deprecated"]),
            "parameters": {
                "description": "The form: one page, or a list of pages.",
                "anyOf": [part("page"), {"type": "array", "items": part("page")}, part("placeholder"), {"type": "null"}],
            },
            "secrets": {
                "type": ["object", "null"],
                "description": "Secrets that a caller of the API gives beside the answers.",
                "properties": {"schema": part("page")},
            },
            "steps": or_placeholder(&json!({
                "type": "array", "description": "What is done, in this order.", "items": or_placeholder(&part("step")),
            })),
            "output": {"anyOf": [part("output"), part("placeholder"), {"type": "null"}]},
            "presentation": presentation(),
        },
    })
}

fn presentation() -> Value {
    let label = |what: &str| json!({"type": "string", "description": what});
    json!({
        "type": ["object", "null"],
        "description": "How the form looks.",
        "properties": {"buttonLabels": {
            "type": ["object", "null"],
            "description": "What the buttons say.",
            "properties": {
                "backButtonText": label("One page back."),
                "reviewButtonText": label("From the last page to the review."),
                "createButtonText": label("Starts the run."),
            },
        }},
    })
}

fn condition() -> Value {
    json!({
        "type": ["string", "boolean"],
        "description": "Whether it counts: an expression; false, empty, 0 and an empty list do not hold. always() and failure() ask for runs after a failed step.",
        "examples": ["${{ parameters.withDatabase }}", "${{ always() }}", "${{ failure() }}"],
    })
}

fn step(actions: &[ActionDescription]) -> Value {
    let ids: Vec<Value> = actions.iter().map(|action| json!(action.id)).collect();
    let descriptions: Vec<Value> = actions.iter().map(|action| json!(action.description)).collect();
    let inputs: Vec<Value> = actions.iter().map(input::of).collect();
    json!({
        "type": "object",
        "required": ["action"],
        "properties": {
            "id": {"type": "string", "description": "What other steps call it: ${{ steps.<id>.output.<key> }}. step-1, step-2, … without it."},
            "name": {"type": "string", "description": "What people see; the action without it."},
            "action": {
                "description": "What it does.",
                // Others may be added to a portal.
                "anyOf": [{"enum": ids, "enumDescriptions": descriptions}, {"type": "string", "minLength": 1}],
            },
            "if": part("condition"),
            "each": {
                "type": ["string", "array", "object"],
                "description": "Runs it once for each item of a list or map, as ${{ each.key }} and ${{ each.value }}.",
            },
            "input": {"type": ["object", "null"], "description": "What the action is given."},
            "backstage:permissions": {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}},
        },
        "allOf": inputs,
    })
}

fn output() -> Value {
    let text = |what: &str| or_expression(&json!({"type": "string", "description": what}));
    let entries = |what: &str, own: Value| {
        let mut properties = Map::from_iter([
            ("if".to_owned(), part("condition")),
            ("title".to_owned(), text("What it is called.")),
            ("icon".to_owned(), text("A small picture before it.")),
        ]);
        properties.extend(own.as_object().cloned().unwrap_or_default());
        let entry = or_expression(&json!({"type": "object", "properties": properties}));
        or_expression(&json!({"type": "array", "description": what, "items": entry}))
    };
    json!({
        "type": "object",
        "description": "What the page of a finished run shows; other keys are kept for clients.",
        "properties": {
            "links": entries("Where to go from here.", json!({
                "url": text("An address."), "entityRef": text("An entity of the catalog, in place of an address."),
            })),
            "text": entries("What to read.", json!({
                "content": text("Markdown."),
                "default": {"type": ["boolean", "string"], "description": "Whether it is open from the start."},
            })),
        },
    })
}

#[cfg(test)]
mod tests;
