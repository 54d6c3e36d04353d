//! What is written is what is answered: from the text of a file through database and index to the API.

use axum::http::StatusCode;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::Portal;
use crate::permission::Credentials;
use crate::yaml::tests::json_value;

const DOCUMENTS: usize = 200;

/// A component that holds anything.
fn entity(name: &str, anything: &Value) -> Value {
    json!({
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": { "namespace": "default", "name": name, "description": anything.to_string(), "anything": anything },
        "spec": { "type": anything.to_string(), "lifecycle": "production", "owner": "acme", "anything": anything },
    })
}

/// Without U+0000, which is refused.
fn storable(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', "0")),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key.replace('\0', "0"), storable(value))).collect(),
        other => other,
    }
}

/// Without what the portal adds.
fn as_written(mut answered: Value) -> Value {
    let document = answered.as_object_mut().unwrap();
    document.remove("relations");
    let metadata = document["metadata"].as_object_mut().unwrap();
    for added in ["uid", "etag", "annotations"] {
        metadata.remove(added);
    }
    answered
}

#[tokio::test]
async fn any_document_is_answered_as_it_was_written() {
    let mut runner = TestRunner::deterministic();
    let mut written: Vec<Value> = (0..DOCUMENTS)
        .map(|at| entity(&format!("c{at}"), &storable(json_value().new_tree(&mut runner).unwrap().current())))
        .collect();
    let control: String = ('\u{1}'..='\u{9f}').chain(['\u{fffe}', '\u{ffff}', '\u{10ffff}']).collect();
    written.push(entity("control", &json!({ control.clone(): control })));
    written.push(entity("numbers", &json!([5e-324, f64::MAX, -0.1, 9_007_199_254_740_991_i64, 1e21])));
    let (yaml, json) = written.split_at(DOCUMENTS / 2);
    let yaml: Vec<String> = yaml.iter().map(|document| serde_yaml::to_string(document).unwrap()).collect();
    let json: Vec<String> = json.iter().map(Value::to_string).collect();
    let portal = Portal::with(&[("yaml.yaml", &yaml.join("---\n")), ("json.yaml", &json.join("\n---\n"))]).await;
    for document in &written {
        let name = document["metadata"]["name"].as_str().unwrap();
        let answer = portal.get(&format!("/entities/by-name/component/default/{name}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {} {document}", answer.text);
        assert_eq!(&as_written(answer.json()), document, "{name}");
    }
}

/// Postgres has no text with U+0000: wherever an entity has one, it is the entity's own trouble.
#[tokio::test]
async fn a_null_character_harms_nothing_else() {
    // The entity, what is different about it, and where the trouble is seen.
    let cases = [
        ("type", json!({ "spec": { "type": "a\0b" } }), "/spec/type"),
        ("owner", json!({ "spec": { "owner": "a\0b" } }), "/spec/owner"),
        ("parts", json!({ "spec": { "dependsOn": ["component:a\0b"] } }), "/spec/dependsOn/0"),
        ("links", json!({ "metadata": { "links": [{ "url": "https://acme.example/\0" }] } }), "/metadata/links/0/url"),
        ("labels", json!({ "metadata": { "labels": { "a": "b\0" } } }), "/metadata/labels/a"),
        (
            "annotations",
            json!({ "metadata": { "annotations": { "a\0/b": "c" } } }),
            "/metadata/annotations/a\u{2400}~1b",
        ),
        ("deep", json!({ "spec": { "x": [[{ "y\0": 1 }]] } }), "/spec/x/0/0/y\u{2400}"),
        ("text", json!({ "spec": { "x": { "$text": "a\0b" } } }), "/spec/x"),
        ("place", json!({ "kind": "Location", "spec": { "target": "./a\0b.yaml" } }), "/spec/target"),
        ("places", json!({ "kind": "Location", "spec": { "type": "u\0l", "targets": ["./a.yaml"] } }), "/spec/type"),
    ];
    let mut documents = Vec::new();
    for (name, change, _) in &cases {
        let mut document = entity(name, &json!(1));
        json_patch::merge(&mut document, change);
        documents.push(document.to_string());
    }
    documents.push(entity("other", &json!(1)).to_string());
    // A broken envelope holds up its file, but no other.
    let mut named = entity("named", &json!(1));
    named["metadata"]["name"] = json!("a\0b");
    let files = [("all.yaml", &*documents.join("\n---\n")), ("named.yaml", &*named.to_string())];
    let portal = Portal::with(&files).await;
    let other = portal.get("/entities/by-name/component/default/other").await;
    assert_eq!(other.status, StatusCode::OK, "{}", other.text);
    let problems = portal.app.state.catalog.problems(&Credentials::anonymous()).await.unwrap();
    for (at, (name, _, pointer)) in (1..).zip(&cases) {
        let problem = problems.iter().find(|problem| problem.name.as_deref() == Some(name)).unwrap();
        assert_eq!((&*problem.pointer, problem.document), (*pointer, Some(at)), "{}", problem.message);
    }
    let unnamed = problems.iter().find(|problem| problem.location.ends_with("named.yaml")).unwrap();
    assert_eq!((&*unnamed.pointer, &unnamed.name), ("/metadata/name", &None));
    assert!(unnamed.message.contains("holds the character U+0000, which cannot be stored"), "{}", unnamed.message);
}

#[tokio::test]
async fn requests_with_a_null_character_are_refused() {
    let portal = Portal::with(&[]).await;
    let located = portal.post("/locations", &json!({ "type": "url", "target": "https://acme.example/a\0b" })).await;
    assert!(located.status.is_client_error(), "{} {}", located.status, located.text);
    let refreshed = portal.post("/refresh", &json!({ "entityRef": "component:default/a\0b" })).await;
    assert!(
        refreshed.status.is_client_error() || refreshed.status.is_success(),
        "{} {}",
        refreshed.status,
        refreshed.text
    );
    let entity = json!({ "entity": entity("a\0b", &json!(1)), "location": "url:https://acme.example/x" });
    let validated = portal.post("/validate-entity", &entity).await;
    assert!(validated.status.is_client_error(), "{} {}", validated.status, validated.text);
    let read = portal.get("/entities/by-name/component/default/a%00b").await;
    assert_eq!(read.status, StatusCode::NOT_FOUND, "{}", read.text);
}
