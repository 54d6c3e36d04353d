//! Made-up values for schemas that give no example.

use serde_json::{Map, Value, json};

use super::model::Direction;
use super::schema::{followed, shown};

const DEPTH: usize = 6;

/// A value that a schema would take: from its examples and defaults where it has some.
pub(super) fn sample(root: &Value, schema: &Value, direction: Direction) -> Value {
    Samples { root, direction, left: 300 }.of(schema, 0)
}

struct Samples<'a> {
    root: &'a Value,
    direction: Direction,
    left: usize,
}

impl Samples<'_> {
    fn of(&mut self, schema: &Value, depth: usize) -> Value {
        let root = self.root;
        let schema = followed(root, schema);
        if depth > DEPTH || self.left == 0 {
            return Value::Null;
        }
        self.left -= 1;
        if let Some(given) = given(schema) {
            return given.clone();
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let mut whole = self.object(schema, depth);
            for part in parts {
                match self.of(part, depth + 1) {
                    Value::Object(more) => whole.extend(more),
                    other if whole.is_empty() && parts.len() == 1 => return other,
                    _ => {}
                }
            }
            return Value::Object(whole);
        }
        for key in ["oneOf", "anyOf"] {
            let first = schema
                .get(key)
                .and_then(Value::as_array)
                .and_then(|all| all.iter().find(|one| one.get("type").and_then(Value::as_str) != Some("null")));
            if let Some(first) = first {
                return self.of(first, depth + 1);
            }
        }
        let kind = match schema.get("type") {
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
            other => other.and_then(Value::as_str),
        };
        match kind {
            Some("array") => json!([schema.get("items").map_or(Value::Null, |items| self.of(items, depth + 1))]),
            Some("integer") => {
                schema.get("minimum").filter(|least| least.is_i64()).cloned().unwrap_or_else(|| json!(1))
            }
            Some("number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1.5)),
            Some("boolean") => json!(true),
            Some("null") => Value::Null,
            Some("string") => json!(text(schema)),
            _ if schema.get("properties").is_some() || kind == Some("object") => {
                Value::Object(self.object(schema, depth))
            }
            _ => json!("string"),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        let hidden = if self.direction == Direction::In { "readOnly" } else { "writeOnly" };
        let mut object = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_hidden = property.get(hidden).and_then(Value::as_bool) == Some(true);
            if is_hidden || property.get("deprecated").and_then(Value::as_bool) == Some(true) {
                continue;
            }
            object.insert(name.clone(), self.of(property, depth + 1));
        }
        object
    }
}

/// A value that the schema itself gives.
fn given(schema: &Value) -> Option<&Value> {
    let listed = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|all| all.first());
    let own = schema.get("example").or_else(|| listed("examples")).or_else(|| schema.get("const"));
    own.or_else(|| schema.get("default").filter(|value| !value.is_null())).or_else(|| listed("enum"))
}

fn text(schema: &Value) -> String {
    match schema.get("format").map(shown).as_deref() {
        Some("date") => "2026-01-31",
        Some("date-time") => "2026-01-31T09:30:00Z",
        Some("time") => "09:30:00Z",
        Some("email") => "name@example.com",
        Some("uuid") => "0193a7c2-5a0e-7c1b-9a6f-2f6f0f1f9d11",
        Some("uri" | "url") => "https://example.com",
        Some("uri-reference") => "/path",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("hostname") => "host.example.com",
        Some("byte") => "c3RyaW5n",
        _ => "string",
    }
    .to_owned()
}
