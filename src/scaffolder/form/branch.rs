//! The properties of an object schema that count for the answers so far.
//!
//! A schema says with `dependencies`, `if/then/else`, `oneOf`, `anyOf`, `allOf` and `$ref` that some properties exist
//! only together with certain answers. [`resolve`] follows them and returns one flat object schema. What is chosen
//! follows react-jsonschema-form: of alternatives the first that fits the answers, else the first.
//! Depth is bounded, so a schema that refers to itself ends.

use serde_json::{Map, Value};

use super::super::schema::Schema;

/// How many references and alternatives are followed into each other.
const DEPTH: usize = 32;

/// An object schema without conditions.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Flat {
    /// The properties, in the order they are shown.
    pub(super) properties: Vec<(String, Value)>,
    /// The names of those that must be answered.
    pub(super) required: Vec<String>,
}

impl Flat {
    /// Adds a property, or lays the keys of a second definition over the first.
    fn add(&mut self, name: &str, schema: &Value) {
        match self.properties.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => overlay(known, schema),
            None => self.properties.push((name.to_owned(), schema.clone())),
        }
    }

    fn order(&mut self, order: &[Value]) {
        let names: Vec<&str> = order.iter().filter_map(Value::as_str).collect();
        let rest = names.iter().position(|name| *name == "*").unwrap_or(names.len());
        self.properties.sort_by_key(|(name, _)| names.iter().position(|known| known == name).unwrap_or(rest));
    }
}

fn overlay(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                base.insert(key.clone(), value.clone());
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// Flattens an object schema for these answers; `root` is where `$ref` points into.
pub(super) fn resolve(root: &Value, schema: &Value, values: &Map<String, Value>) -> Flat {
    let mut flat = Flat::default();
    gather(root, schema, values, &mut flat, DEPTH);
    if let Some(order) = schema.get("ui:order").and_then(Value::as_array) {
        flat.order(order);
    }
    for (_, property) in &mut flat.properties {
        *property = referred(root, property);
    }
    flat
}

/// Whether a schema asks for more or less as its answers change.
pub(super) fn is_conditional(schema: &Value) -> bool {
    match schema {
        Value::Object(keys) => keys.iter().any(|(key, value)| {
            matches!(key.as_str(), "dependencies" | "if" | "oneOf" | "anyOf")
                || (key == "ui:field" && value.as_str() == Some("RepoBranchPicker"))
                || is_conditional(value)
        }),
        Value::Array(items) => items.iter().any(is_conditional),
        _ => false,
    }
}

/// The schema itself, or what its `$ref` points to with the keys beside the reference laid over.
pub(super) fn referred(root: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    for _ in 0..DEPTH {
        let Some(pointer) = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'))
        else {
            return schema;
        };
        let Some(mut target) = root.pointer(pointer).cloned() else {
            return schema;
        };
        let mut beside = schema.clone();
        if let Some(keys) = beside.as_object_mut() {
            keys.shift_remove("$ref");
        }
        overlay(&mut target, &beside);
        schema = target;
    }
    schema
}

fn gather(root: &Value, schema: &Value, values: &Map<String, Value>, flat: &mut Flat, depth: usize) {
    if depth == 0 {
        return;
    }
    let schema = &referred(root, schema);
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        flat.add(name, property);
    }
    require(schema, flat);
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        gather(root, part, values, flat, depth - 1);
    }
    for (name, dependency) in schema.get("dependencies").and_then(Value::as_object).into_iter().flatten() {
        if values.get(name).is_some_and(|value| !value.is_null()) {
            depend(root, name, dependency, values, flat, depth);
        }
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(alternatives) = schema.get(key).and_then(Value::as_array)
            && let Some(chosen) = choose(root, alternatives, values)
        {
            gather(root, chosen, values, flat, depth - 1);
        }
    }
    if let Some(condition) = schema.get("if") {
        let branch = if fits(root, condition, values) { "then" } else { "else" };
        if let Some(branch) = schema.get(branch) {
            gather(root, branch, values, flat, depth - 1);
        }
    }
}

fn require(schema: &Value, flat: &mut Flat) {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in names {
        if !flat.required.iter().any(|known| known == name) {
            flat.required.push(name.to_owned());
        }
    }
}

fn depend(root: &Value, name: &str, dependency: &Value, values: &Map<String, Value>, flat: &mut Flat, depth: usize) {
    if let Some(names) = dependency.as_array() {
        flat.required.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
        return;
    }
    let Some(alternatives) = dependency.get("oneOf").and_then(Value::as_array) else {
        return gather(root, dependency, values, flat, depth - 1);
    };
    // The alternative is told by its own definition of the property depended on, which is not shown a second time.
    let chosen = alternatives.iter().find(|alternative| {
        let told = alternative.get("properties").and_then(|properties| properties.get(name));
        told.is_some_and(|told| values.get(name).is_some_and(|value| accepts(root, told, value)))
    });
    if let Some(chosen) = chosen {
        let mut rest = chosen.clone();
        if let Some(properties) = rest.get_mut("properties").and_then(Value::as_object_mut) {
            properties.shift_remove(name);
        }
        gather(root, &rest, values, flat, depth - 1);
    }
}

/// The first alternative that fits the answers; without one, the first whose constants do not contradict them.
fn choose<'a>(root: &Value, alternatives: &'a [Value], values: &Map<String, Value>) -> Option<&'a Value> {
    let contradicts = |alternative: &&'a Value| {
        let properties = alternative.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().any(|(name, told)| {
            let closed = told.get("const").is_some() || told.get("enum").is_some();
            closed && values.get(name).is_some_and(|value| !accepts(root, told, value))
        })
    };
    alternatives
        .iter()
        .find(|alternative| fits(root, alternative, values))
        .or_else(|| alternatives.iter().find(|alternative| !contradicts(alternative)))
        .or_else(|| alternatives.first())
}

fn fits(root: &Value, schema: &Value, values: &Map<String, Value>) -> bool {
    accepts(root, schema, &Value::Object(values.clone()))
}

/// Whether a value follows a part of the schema; references keep pointing into the whole.
fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut part = referred(root, schema);
    if let (Some(part), Some(root)) = (part.as_object_mut(), root.as_object()) {
        for key in ["definitions", "$defs"] {
            if let Some(definitions) = root.get(key) {
                part.entry(key).or_insert_with(|| definitions.clone());
            }
        }
    }
    Schema::compile(&part).is_ok_and(|schema| schema.accepts(value))
}
