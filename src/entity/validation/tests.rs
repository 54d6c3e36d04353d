//! Backstage's rules and messages.

use serde_json::{Value, json};

use super::*;

/// A valid component with a change: `change` is merged in, `null` removes.
fn component(change: Value) -> Value {
    let mut entity = json!({
        "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "x"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "me"}
    });
    merge(&mut entity, change);
    entity
}

fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (into, change) => *into = change,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn kind(kind: &str, spec: Value) -> Value {
    json!({"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec})
}

fn verdict(value: Value) -> Result<Vec<Edge>, ValidationError> {
    check(&Model::default(), &check_envelope(value)?)
}

const ADR: &str = "To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md";
const BUILTIN: &str = "Processor BuiltinKindsEntityProcessor threw an error while validating the entity";
const NAMES: &str = "expected a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total but found";

/// The messages were recorded from Backstage 1.55.
#[test]
fn errors_have_backstages_words() {
    let policy =
        |subject: &str, rest: String| format!("InputError: Policy check failed for {subject}; caused by Error: {rest}");
    let cases: Vec<(Value, String, &str)> = vec![
        (component(json!({"kind": null})), "TypeError: <root> must have required property 'kind' - missingProperty: kind".into(), "/kind"),
        (component(json!({"metadata": {"name": null}})), "TypeError: /metadata must have required property 'name' - missingProperty: name".into(), "/metadata/name"),
        (component(json!({"metadata": {"name": 12}})), "TypeError: /metadata/name must be string - type: string".into(), "/metadata/name"),
        (component(json!({"spec": {"owner": null}})), format!("InputError: {BUILTIN} component:default/x; caused by TypeError: /spec must have required property 'owner' - missingProperty: owner"), "/spec/owner"),
        (component(json!({"spec": {"owner": ""}})), format!("InputError: {BUILTIN} component:default/x; caused by TypeError: /spec/owner must NOT have fewer than 1 characters - limit: 1"), "/spec/owner"),
        (component(json!({"spec": null})), format!("InputError: {BUILTIN} component:default/x; caused by TypeError: <root> must have required property 'spec' - missingProperty: spec"), "/spec"),
        (component(json!({"spec": {"owner": null, "type": null}})), format!("InputError: {BUILTIN} component:default/x; caused by TypeError: /spec must have required property 'type' - missingProperty: type"), "/spec/type"),
        (component(json!({"spec": {"dependsOn": "component:x"}})), format!("InputError: {BUILTIN} component:default/x; caused by TypeError: /spec/dependsOn must be array - type: array"), "/spec/dependsOn"),
        (component(json!({"spec": {"dependsOn": ["noKind"]}})), "InputError: Processor BuiltinKindsEntityProcessor threw an error while postprocessing; caused by Error: Entity reference \"noKind\" had missing or empty kind (e.g. did not start with \"component:\" or similar)".into(), "/spec/dependsOn"),
        (component(json!({"metadata": {"name": "a b"}})), policy("component:default/a b", format!("\"metadata.name\" is not valid; {NAMES} \"a b\". {ADR}")), "/metadata/name"),
        (component(json!({"metadata": {"namespace": "UPPER"}})), policy("component:upper/x", format!("\"metadata.namespace\" is not valid; expected a string that is sequences of [a-z0-9] separated by [-], at most 63 characters in total but found \"UPPER\". {ADR}")), "/metadata/namespace"),
        (component(json!({"metadata": {"tags": ["c++", "c#", "a.b"]}})), policy("component:default/x", format!("\"tags.2\" is not valid; expected a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total but found \"a.b\". {ADR}")), "/metadata/tags/2"),
        (component(json!({"metadata": {"labels": {"a//b": "c"}}})), policy("component:default/x", format!("\"labels.a//b\" is not valid; expected a valid prefix and/or suffix but found \"a//b\". {ADR}")), "/metadata/labels/a~1~1b"),
        (component(json!({"metadata": {"labels": {"a": "b c"}}})), policy("component:default/x", format!("\"labels.a\" is not valid; {NAMES} \"b c\". {ADR}")), "/metadata/labels/a"),
        (component(json!({"metadata": {"annotations": {"a": 1}}})), policy("component:default/x", "Malformed envelope, /metadata/annotations/a must be string".into()), "/metadata/annotations/a"),
        (component(json!({"metadata": {"annotations": {"a b": "x"}}})), policy("component:default/x", format!("\"annotations.a b\" is not valid; expected a valid prefix and/or suffix but found \"a b\". {ADR}")), "/metadata/annotations/a b"),
        (component(json!({"metadata": {"links": [{"url": ""}]}})), policy("component:default/x", "Malformed envelope, /metadata/links/0/url must NOT have fewer than 1 characters".into()), "/metadata/links/0/url"),
        (component(json!({"kind": "Comp onent"})), policy("comp onent:default/x", format!("\"kind\" is not valid; expected a string that is a sequence of [a-zA-Z][a-z0-9A-Z], at most 63 characters in total but found \"Comp onent\". {ADR}")), "/kind"),
        (component(json!({"nope": 1})), policy("component:default/x", "Malformed envelope, <root> must NOT have additional properties".into()), "/nope"),
        (component(json!({"relations": []})), policy("component:default/x", "Unknown field relations".into()), "/relations"),
        (component(json!({"apiVersion": "example.com/v9"})), "InputError: No processor recognized the entity component:default/x as valid, possibly caused by a foreign kind or apiVersion".into(), "/kind"),
        (kind("API", json!({"type": "openapi", "lifecycle": "x", "owner": "me"})), format!("InputError: {BUILTIN} api:default/x; caused by TypeError: /spec must have required property 'definition' - missingProperty: definition"), "/spec/definition"),
        (kind("Resource", json!({"owner": "me"})), format!("InputError: {BUILTIN} resource:default/x; caused by TypeError: /spec must have required property 'type' - missingProperty: type"), "/spec/type"),
        (kind("Location", json!({"presence": "maybe"})), format!("InputError: {BUILTIN} location:default/x; caused by TypeError: /spec/presence must be equal to one of the allowed values - allowedValues: required,optional"), "/spec/presence"),
        (kind("User", json!({})), format!("InputError: {BUILTIN} user:default/x; caused by TypeError: /spec must have required property 'memberOf' - missingProperty: memberOf"), "/spec/memberOf"),
        (
            json!({"apiVersion": "scaffolder.backstage.io/v1beta3", "kind": "Template", "metadata": {"name": "t"}, "spec": {"type": "service", "steps": [{"action": "a"}, {"id": "x"}]}}),
            "InputError: Processor ScaffolderEntitiesProcessor threw an error while validating the entity template:default/t; caused by TypeError: /spec/steps/1 must have required property 'action' - missingProperty: action".into(),
            "/spec/steps/1/action",
        ),
    ];
    for (value, expected, pointer) in cases {
        let error = verdict(value.clone()).expect_err(&expected);
        assert_eq!(error.to_string(), expected, "{value}");
        assert_eq!(error.pointer, pointer, "{expected}");
    }
}

#[test]
fn the_cause_is_told_apart() {
    let error = verdict(component(json!({"spec": {"owner": null}}))).unwrap_err();
    let message = "/spec must have required property 'owner' - missingProperty: owner";
    let shown = serde_json::to_value(&error).unwrap();
    assert_eq!(shown["cause"], json!({"name": "TypeError", "message": message}));
}

#[test]
fn valid_entities_pass() {
    for value in [
        component(json!({})),
        component(json!({"apiVersion": "backstage.io/v1beta1"})),
        component(json!({"metadata": {"name": "a".repeat(63), "nope": 1, "tags": [], "title": "T"}})),
        component(json!({"spec": {"owner": "a:b:c", "anything": [1, null]}})),
        kind("Location", json!({})),
        kind("Group", json!({"type": "team", "children": [], "profile": {"email": "a@b.c"}})),
        kind("AiResource", json!({"type": "skill", "lifecycle": "l", "owner": "o"})),
    ] {
        assert!(verdict(value.clone()).is_ok(), "{value}: {:?}", verdict(value.clone()));
    }
}
