//! Declared kinds: what they accept, what they state, which declarations are refused.

use serde_json::json;

use super::*;
use crate::entity::check;

fn model() -> Model {
    serde_json::from_value(json!({"kinds": [
        {"kind": "Cluster", "apiVersions": ["acme.example/v1"],
         "schema": {"type": "object", "required": ["region"], "properties": {"region": {"type": "string"}}},
         "relationFields": [
            {"path": "spec.owner", "relation": "ownedBy", "reverse": "ownerOf", "defaultKind": "Group",
             "allowedKinds": ["Group", "User"]},
            {"path": "spec.nodes.on", "relation": "runsOn", "reverse": "runs", "defaultKind": "Resource",
             "defaultNamespace": "machines"}]},
        {"kind": "Component", "relationFields": [
            {"path": "spec.runsIn", "relation": "runsIn", "reverse": "hosts", "defaultKind": "Cluster"}]}
    ]}))
    .unwrap()
}

fn entity(version: &str, kind: &str, spec: &Value) -> Entity {
    let value =
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": "A", "namespace": "web"}, "spec": spec});
    serde_json::from_value(value).unwrap()
}

fn shown(result: Result<Vec<Edge>, ValidationError>) -> Result<Vec<String>, (String, String)> {
    let show = |edge: Edge| format!("{} {} {}", edge.source, edge.relation.kind, edge.relation.target);
    result.map(|edges| edges.into_iter().map(show).collect()).map_err(|error| (error.message, error.pointer))
}

#[test]
fn a_declared_kind_states_its_relations_in_both_directions() {
    let cluster = entity(
        "acme.example/v1",
        "Cluster",
        &json!({"region": "eu", "owner": "ops", "nodes": [{"on": "m1"}, {"on": ["api:x/m2"]}, {}]}),
    );
    assert_eq!(
        shown(check(&model(), &cluster)).unwrap(),
        [
            "cluster:web/a ownedBy group:web/ops",
            "group:web/ops ownerOf cluster:web/a",
            "cluster:web/a runsOn resource:machines/m1",
            "resource:machines/m1 runs cluster:web/a",
            "cluster:web/a runsOn api:x/m2",
            "api:x/m2 runs cluster:web/a",
        ]
    );
}

#[test]
fn a_field_can_be_added_to_a_built_in_kind() {
    let spec = json!({"type": "t", "lifecycle": "l", "owner": "o", "runsIn": ["c"]});
    let edges = shown(check(&model(), &entity("backstage.io/v1alpha1", "Component", &spec))).unwrap();
    assert_eq!(edges[2..], ["component:web/a runsIn cluster:web/c", "cluster:web/c hosts component:web/a"]);
    assert_eq!(shown(check(&Model::default(), &entity("backstage.io/v1alpha1", "Component", &spec))).unwrap().len(), 2);
}

#[test]
fn wrong_entities_are_refused_with_their_place() {
    let cases = [
        ("acme.example/v1", "Cluster", json!({"region": 5}), "/spec/region", "5 is not of type \"string\""),
        ("acme.example/v1", "Cluster", json!({}), "/spec", "\"region\" is a required property"),
        (
            "acme.example/v1",
            "Cluster",
            json!({"region": "x", "owner": "system:s"}),
            "/spec/owner",
            "is of kind system, spec.owner takes Group, User",
        ),
        (
            "acme.example/v1",
            "Cluster",
            json!({"region": "x", "nodes": {"on": 1}}),
            "/spec/nodes/on",
            "must be a string",
        ),
        (
            "acme.example/v2",
            "Cluster",
            json!({"region": "x"}),
            "/kind",
            "No processor recognized the entity cluster:web/a",
        ),
        (
            "acme.example/v1",
            "Claster",
            json!({"region": "x"}),
            "/kind",
            "No processor recognized the entity claster:web/a",
        ),
    ];
    for (version, kind, spec, pointer, message) in cases {
        let (found, place) = shown(check(&model(), &entity(version, kind, &spec))).unwrap_err();
        assert!(found.contains(message), "{found}");
        assert_eq!(place, pointer, "{found}");
    }
}

#[test]
fn wrong_declarations_are_refused() {
    let field = |path: &str| json!({"path": path, "relation": "a", "reverse": "b"});
    let cases = [
        (json!({"kind": "My Kind", "apiVersions": ["v1"]}), "kind: \"My Kind\" is no kind"),
        (json!({"kind": "Thing"}), "apiVersions: Thing is no built-in kind"),
        (json!({"kind": "API", "apiVersions": ["backstage.io/v1alpha1"]}), "apiVersions: API is built in"),
        (json!({"kind": "API", "schema": {}}), "schema: API is a built-in kind"),
        (json!({"kind": "Thing", "apiVersions": ["v1"], "schema": {"type": 5}}), "schema: "),
        (json!({"kind": "API", "relationFields": [field("metadata.x")]}), "\"metadata.x\" is no field of spec"),
        (json!({"kind": "API", "relationFields": [field("spec.")]}), "\"spec.\" is no field of spec"),
        (json!({"kind": "API", "fields": []}), "unknown field `fields`"),
    ];
    for (kind, message) in cases {
        let error = serde_json::from_value::<Model>(json!({"kinds": [kind]})).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
