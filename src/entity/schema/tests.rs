//! The schema against the validation that it is made from the same tables as.

use std::path::Path;

use jsonschema::{Draft, Validator};

use super::*;
use crate::entity::{ValidationError, check, check_envelope};

fn built(model: &Model) -> Validator {
    let schema = schema(model, None).unwrap();
    jsonschema::draft7::meta::validate(&schema).unwrap();
    jsonschema::options().with_draft(Draft::Draft7).build(&schema).unwrap()
}

fn verdict(value: Value) -> Result<(), ValidationError> {
    check(&Model::default(), &check_envelope(value)?).map(drop)
}

/// Whether an error is about the form of something, which a schema tells; what a reference lacks it does not.
fn is_of_form(error: &ValidationError) -> bool {
    !error.message.contains("postprocessing")
}

/// A value that a shape takes.
fn sample(shape: &Shape) -> Value {
    match shape {
        Shape::Text | Shape::AnyText | Shape::Condition => json!("component:a"),
        Shape::OneOf(allowed) => json!(allowed[0]),
        Shape::List(items) => json!([sample(items)]),
        Shape::Object(fields) => fields.iter().map(|field| (field.name.to_owned(), sample(&field.shape))).collect(),
        Shape::ObjectOrList => json!([{}]),
    }
}

/// An entity of each row of the table, with every field it may have.
fn full_entities() -> Vec<Value> {
    Kind::all()
        .iter()
        .map(|kind| {
            let mut spec = sample(&Shape::Object(kind.fields));
            if let Some(spec_type) = kind.spec_type {
                spec["type"] = json!(spec_type);
            }
            let metadata = json!({
                "name": "a", "namespace": "n", "title": "t", "description": "", "labels": {"a.b/c": "", "d": "e"},
                "annotations": {"x/y": ""}, "tags": ["c++"], "links": [{"url": "https://acme.example", "title": "t"}]
            });
            json!({"apiVersion": kind.versions[0], "kind": kind.name, "metadata": metadata, "spec": spec})
        })
        .collect()
}

/// Pointers of every node.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let mut inner = |step: &str, value: &Value| {
        pointers(value, &format!("{at}/{}", step.replace('~', "~0").replace('/', "~1")), found);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| inner(key, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| inner(&at.to_string(), value)),
        _ => {}
    }
}

fn remove(entity: &mut Value, pointer: &str) {
    let (above, last) = pointer.rsplit_once('/').unwrap();
    let key = last.replace("~1", "/").replace("~0", "~");
    match entity.pointer_mut(above) {
        Some(Value::Object(map)) => drop(map.shift_remove(&key)),
        Some(Value::Array(items)) => drop(items.remove(key.parse().unwrap())),
        _ => {}
    }
}

#[test]
fn the_schema_takes_what_the_catalog_takes_and_refuses_what_has_the_wrong_form() {
    let schema = built(&Model::default());
    let wrong = [
        json!(5),
        json!(true),
        json!(null),
        json!(""),
        json!("a b"),
        json!("-"),
        json!("mcp-server"),
        json!([]),
        json!([5]),
        json!([""]),
        json!(["x"]),
        json!({}),
        json!({"x": 5}),
        json!({"a b": "c"}),
        json!([{}]),
        json!("v1"),
    ];
    let mut compared = 0;
    for entity in full_entities() {
        let mut found = Vec::new();
        pointers(&entity, "", &mut found);
        let mut variants = vec![entity.clone()];
        for pointer in found.iter().filter(|pointer| !pointer.is_empty()) {
            for value in &wrong {
                let mut variant = entity.clone();
                *variant.pointer_mut(pointer).unwrap() = value.clone();
                variants.push(variant);
            }
            let mut variant = entity.clone();
            remove(&mut variant, pointer);
            variants.push(variant);
        }
        for extra in ["extra", "relations", "status"] {
            let mut variant = entity.clone();
            variant[extra] = json!([]);
            variants.push(variant);
        }
        for variant in variants {
            let (verdict, is_valid) = (verdict(variant.clone()), schema.is_valid(&variant));
            match verdict {
                Ok(()) => {
                    assert!(is_valid, "{:?}\n{variant}", schema.iter_errors(&variant).next().map(|e| e.to_string()));
                }
                Err(error) if is_of_form(&error) && !error.message.contains("valid url") => {
                    assert!(!is_valid, "{error}\n{variant}");
                }
                Err(_) => {}
            }
            compared += 1;
        }
    }
    assert!(compared > 3000, "{compared}");
}

#[test]
fn what_was_recorded_as_valid_is_valid() {
    let schema = built(&Model::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/golden/catalog-validate");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let pair: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        if pair["response"]["status"] == 200 {
            assert!(schema.is_valid(&pair["request"]["body"]["entity"]), "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 5, "{count}");
}

#[test]
fn a_field_may_come_from_another_file() {
    let schema = built(&Model::default());
    let api = |definition: Value| {
        json!({"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": {"name": "a"},
               "spec": {"type": "openapi", "lifecycle": "production", "owner": "team", "definition": definition}})
    };
    for (definition, is_valid) in [
        (json!({"$openapi": "./a.yaml"}), true),
        (json!({"$text": "https://acme.example/a"}), true),
        (json!({"$text": 5}), false),
        (json!({"$other": "./a.yaml"}), false),
        (json!({}), false),
    ] {
        assert_eq!(schema.is_valid(&api(definition.clone())), is_valid, "{definition}");
    }
}

#[test]
fn kinds_of_the_configuration_have_their_own_schema() {
    let model: Model = serde_json::from_value(json!({"kinds": [
        {"kind": "Cluster", "apiVersions": ["acme.example/v1"], "schema": {
            "$schema": "http://json-schema.org/draft-07/schema#", "required": ["region"],
            "properties": {"region": {"$ref": "#/definitions/region"}}, "definitions": {"region": {"enum": ["eu"]}}
        }},
        {"kind": "Component", "apiVersions": ["acme.example/v1"]},
        {"kind": "Component", "relationFields": [{"path": "spec.runsIn", "relation": "runsIn", "reverse": "hosts"}]}
    ]}))
    .unwrap();
    let schema = built(&model);
    let entity = |kind: &str, version: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": spec});
    for (entity, is_valid) in [
        (entity("Cluster", "acme.example/v1", json!({"region": "eu"})), true),
        (entity("Cluster", "acme.example/v1", json!({"region": "us"})), false),
        (entity("Cluster", "acme.example/v1", json!({})), false),
        (entity("Cluster", "acme.example/v2", json!({"region": "eu"})), false),
        (entity("Component", "acme.example/v1", json!({})), true),
        (entity("Component", "backstage.io/v1alpha1", json!({})), false),
        (entity("Nothing", "acme.example/v1", json!({})), false),
    ] {
        assert_eq!(schema.is_valid(&entity), is_valid, "{entity}");
        assert_eq!(check(&model, &check_envelope(entity.clone()).unwrap()).is_ok(), is_valid, "{entity}");
    }
    assert_eq!(kind_names(&model).last().map(String::as_str), Some("Cluster"));
    assert_eq!(
        super::schema(&model, Some("cluster")).unwrap()["properties"]["kind"],
        json!({"enum": ["Cluster"], "description": "What this is."})
    );
    assert_eq!(super::schema(&model, Some("Nothing")), None);
}
