//! The model as one JSON Schema (draft 7), for editors that complete and check descriptors while they are written.
//!
//! It is made from the tables that validation uses, and is never stricter than [`super::check`]: what the catalog takes
//! is not underlined. What only the catalog can tell (whether a reference names its kind, whether a link parses) is left
//! to it. A field may be a placeholder wherever its content may come from another file.

use serde_json::{Map, Value, json};

use super::Model;
use super::kind::{Field, Kind, RelationField, Shape};

/// The schema of descriptors of one kind, or of every kind that the model has; none if the kind is not known.
pub(crate) fn schema(model: &Model, only: Option<&str>) -> Option<Value> {
    let known = groups(model);
    let groups: Vec<&Group> =
        known.iter().filter(|group| only.is_none_or(|only| only.eq_ignore_ascii_case(group.kind))).collect();
    let mut kinds: Vec<&str> = groups.iter().map(|group| group.kind).collect();
    kinds.dedup();
    if kinds.is_empty() {
        return None;
    }
    let versions = kinds.iter().map(|kind| {
        let versions: Vec<&str> = groups
            .iter()
            .filter(|group| group.kind == *kind)
            .flat_map(|group| group.versions.iter().copied())
            .collect();
        json!({"if": is(kind, None), "then": {"properties": {"apiVersion": {"enum": versions}}}})
    });
    let bodies = groups.iter().map(|group| json!({"if": is(group.kind, Some(&group.versions)), "then": group.body}));
    Some(json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Catalog entity",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Which form of the kind this is."},
            "kind": {"enum": kinds, "description": "What this is."},
            "metadata": {"$ref": "#/definitions/metadata"},
            "spec": {"type": "object", "description": "What the kind says about itself."}
        },
        "additionalProperties": false,
        "allOf": versions.chain(bodies).collect::<Vec<Value>>(),
        "definitions": {"metadata": metadata(), "placeholder": placeholder()}
    }))
}

/// The names of the kinds that the model has, built-in ones first.
pub(crate) fn kind_names(model: &Model) -> Vec<String> {
    let mut names: Vec<String> = groups(model).iter().map(|group| group.kind.to_owned()).collect();
    names.dedup();
    names
}

/// What is written the same way: a kind with some versions.
struct Group<'a> {
    kind: &'a str,
    versions: Vec<&'a str>,
    /// What else must hold of the entity.
    body: Value,
}

/// Built-in kinds, each followed by other versions that the configuration gives it; then the configuration's own.
fn groups(model: &Model) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for kind in Kind::all() {
        if groups.iter().all(|group| group.kind != kind.name) {
            let rows: Vec<&Kind> = Kind::all().iter().filter(|row| row.name == kind.name).collect();
            groups.push(Group { kind: kind.name, versions: kind.versions.to_vec(), body: first_that_fits(&rows) });
        }
    }
    for (kind, versions, schema) in model.new_kinds() {
        let group = Group {
            kind,
            versions: versions.iter().map(String::as_str).collect(),
            body: schema.map_or(json!(true), |schema| declared(kind, &versions[0], schema)),
        };
        let at = groups.iter().rposition(|other| other.kind == kind).map_or(groups.len(), |at| at + 1);
        groups.insert(at, group);
    }
    groups
}

/// A schema of the configuration for `spec`. It keeps its own base: references in it stay within it.
fn declared(kind: &str, version: &str, schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(map) = &mut schema {
        map.shift_remove("$schema");
        map.entry("$id").or_insert_with(|| json!(format!("urn:greenroom:kind:{kind}:{version}")));
    }
    json!({"required": ["spec"], "properties": {"spec": schema}})
}

fn is(kind: &str, versions: Option<&[&str]>) -> Value {
    let mut properties = json!({"kind": {"const": kind}});
    if let Some(versions) = versions {
        properties["apiVersion"] = json!({"enum": versions});
    }
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({"required": required, "properties": properties})
}

/// The rows of a kind: those for one `spec.type` count if that is written, the last one otherwise.
fn first_that_fits(rows: &[&Kind]) -> Value {
    let Some((row, rest)) = rows.split_first() else { return json!(true) };
    let body = json!({"required": ["spec"], "properties": {"spec": spec(row)}});
    let Some(spec_type) = row.spec_type else { return body };
    let fits = json!({"required": ["spec"], "properties": {"spec": {
        "type": "object", "required": ["type"], "properties": {"type": {"const": spec_type}}
    }}});
    json!({"if": fits, "then": body, "else": first_that_fits(rest)})
}

fn spec(kind: &Kind) -> Value {
    let mut spec = object(kind.fields);
    for relation in kind.relations {
        let known = &mut spec["properties"][relation.field];
        if known.is_null() {
            *known = json!({"anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}, placed()]});
        }
        known["description"] = json!(described(relation));
    }
    spec
}

/// What an editor shows beside a field that refers to other entities.
fn described(relation: &RelationField) -> String {
    let RelationField { default_kind, forward, reverse, .. } = relation;
    let form = match default_kind {
        Some(kind) => format!("[kind:][namespace/]name, of kind {kind} if none is written"),
        None => "kind:[namespace/]name".to_owned(),
    };
    format!("Entity reference: {form}. The relation {forward}, from the other end {reverse}.")
}

fn object(fields: &[Field]) -> Value {
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), or_placeholder(&shape(&field.shape)))).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "string", "minLength": 1}),
        Shape::AnyText => json!({"type": "string"}),
        Shape::OneOf(allowed) => json!({"enum": allowed}),
        Shape::Condition => json!({"type": ["string", "boolean"]}),
        Shape::List(items) => json!({"type": "array", "items": or_placeholder(&self::shape(items))}),
        Shape::Object(fields) => object(fields),
        Shape::ObjectOrList => json!({"type": ["object", "array"], "items": {"type": "object"}}),
    }
}

fn or_placeholder(schema: &Value) -> Value {
    json!({"anyOf": [schema, placed()]})
}

fn placed() -> Value {
    json!({"$ref": "#/definitions/placeholder"})
}

fn placeholder() -> Value {
    let brought = |what: &str| json!({"type": "string", "description": format!("A file, relative to this one, or an address: {what}")});
    json!({
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "properties": {
            "$text": brought("its text."),
            "$json": brought("what its JSON says."),
            "$yaml": brought("what its YAML says."),
            "$openapi": brought("an OpenAPI description, with the files that it refers to."),
            "$asyncapi": brought("an AsyncAPI description, with the files that it refers to.")
        }
    })
}

/// The rules of `format`, as far as patterns tell them.
fn metadata() -> Value {
    const NAME: &str = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
    const PREFIX: &str = "([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*/)?";
    let key = json!({"pattern": format!("^{PREFIX}{NAME}$")});
    let text = || or_placeholder(&json!({"type": "string"}));
    let link = json!({
        "type": "object", "required": ["url"],
        "properties": {
            "url": {"type": "string", "minLength": 1}, "title": {"type": "string", "pattern": "\\S"},
            "icon": {"type": "string", "pattern": "\\S"}, "type": {"type": "string", "minLength": 1}
        }
    });
    json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": {"type": "string", "pattern": format!("^{NAME}$"), "description": "Unique among entities of its kind in its namespace."},
            "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "description": "`default` if it is left out."},
            "title": or_placeholder(&json!({"type": "string", "minLength": 1})),
            "description": text(),
            "labels": {"type": "object", "propertyNames": key, "additionalProperties": or_placeholder(&json!({"type": "string", "pattern": format!("^({NAME})?$")}))},
            "annotations": {"type": "object", "propertyNames": key, "additionalProperties": text()},
            "tags": or_placeholder(&json!({"type": "array", "items": or_placeholder(&json!({"type": "string", "maxLength": 63, "pattern": "^[a-z0-9+#]+(-[a-z0-9+#]+)*$"}))})),
            "links": or_placeholder(&json!({"type": "array", "items": or_placeholder(&link)}))
        }
    })
}

#[cfg(test)]
mod tests;
