//! Tables for forms: what is shown, what is read, what is wrong.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::read::Posted;
use super::*;
use crate::entity::EntityRef;

struct Acme;

impl Directory for Acme {
    fn offers(&self, choice: &EntityChoice, reference: &EntityRef) -> bool {
        let kinds: Vec<&str> = choice
            .filter
            .iter()
            .filter_map(|set| set.get("kind"))
            .flat_map(|kind| match kind {
                Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                kind => Vec::from_iter(kind.as_str()),
            })
            .collect();
        let known = ["group:default/payments", "user:default/jo", "system:default/checkout"];
        known.contains(&reference.to_string().as_str())
            && (kinds.is_empty() || kinds.iter().any(|kind| kind.eq_ignore_ascii_case(reference.kind())))
    }

    fn hosts(&self) -> Vec<String> {
        vec!["local".to_owned()]
    }
}

fn page(schema: &Value) -> Arc<Page> {
    Arc::new(Page::new("Page".to_owned(), None, Schema::compile(schema).unwrap()))
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn names(schema: &Value, values: &Value) -> Vec<String> {
    let values = filled(&[page(schema)], &map(values.clone()));
    show(&page(schema), &values, &[])
        .fields
        .into_iter()
        .map(|field| if field.required { format!("{}*", field.name) } else { field.name })
        .collect()
}

#[test]
fn answers_decide_which_fields_are_shown() {
    let dependencies = json!({
        "properties": {"db": {"type": "boolean"}, "kind": {"enum": ["none", "sql", "file"], "default": "none"}},
        "dependencies": {
            "db": ["kind"],
            "kind": {"oneOf": [
                {"properties": {"kind": {"enum": ["none"]}}},
                {"properties": {"kind": {"enum": ["sql"]}, "size": {"type": "integer", "default": 5}}, "required": ["size"]},
                {"properties": {"kind": {"const": "file"}, "path": {"type": "string"}}},
            ]},
        },
    });
    let conditions = json!({
        "properties": {"on": {"type": "boolean", "default": false}},
        "if": {"properties": {"on": {"const": true}}},
        "then": {"properties": {"more": {"type": "string"}}, "required": ["more"]},
        "else": {"properties": {"less": {"type": "string"}}},
        "allOf": [{"properties": {"also": {"type": "string"}}}],
    });
    let alternatives = json!({
        "oneOf": [
            {"properties": {"type": {"const": "a"}, "x": {"type": "string"}}},
            {"properties": {"type": {"const": "b"}, "y": {"type": "string"}}, "required": ["y"]},
        ],
        "ui:order": ["*", "type"],
    });
    let referring = json!({"definitions": {"n": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/n"}}});
    let endless =
        json!({"definitions": {"n": {"allOf": [{"$ref": "#/definitions/n"}]}}, "allOf": [{"$ref": "#/definitions/n"}]});
    let cases = [
        (&dependencies, json!({}), vec!["db", "kind"]),
        (&dependencies, json!({"db": true}), vec!["db", "kind*"]),
        (&dependencies, json!({"kind": "sql"}), vec!["db", "kind", "size*"]),
        (&dependencies, json!({"kind": "file"}), vec!["db", "kind", "path"]),
        (&conditions, json!({}), vec!["on", "also", "less"]),
        (&conditions, json!({"on": true}), vec!["on", "also", "more*"]),
        (&alternatives, json!({}), vec!["x", "type"]),
        (&alternatives, json!({"type": "b"}), vec!["y*", "type"]),
        (&referring, json!({}), vec!["a"]),
        (&endless, json!({}), vec![]),
    ];
    for (schema, values, expected) in cases {
        assert_eq!(names(schema, &values), expected, "{schema} {values}");
    }
}

#[test]
fn defaults_fill_what_is_absent() {
    let cases = [
        (json!({"properties": {"a": {"default": 1}}}), json!({}), json!({"a": 1})),
        (json!({"properties": {"a": {"default": 1}}}), json!({"a": 2}), json!({"a": 2})),
        (json!({"properties": {"a": {"const": "x"}}}), json!({}), json!({"a": "x"})),
        (json!({"default": {"a": 3}, "properties": {"a": {"type": "number"}}}), json!({}), json!({"a": 3})),
        (
            json!({"properties": {"o": {"type": "object", "properties": {"b": {"default": true}, "c": {"type": "string"}}}}}),
            json!({}),
            json!({"o": {"b": true}}),
        ),
        (
            json!({"properties": {"o": {"properties": {"b": {"default": true}}}}}),
            json!({"o": {}}),
            json!({"o": {"b": true}}),
        ),
        (
            json!({"properties": {"k": {"enum": ["a", "b"], "default": "b"}},
                "dependencies": {"k": {"oneOf": [{"properties": {"k": {"const": "b"}, "n": {"default": 7}}}]}}}),
            json!({}),
            json!({"k": "b", "n": 7}),
        ),
        (json!({"properties": {"plain": {"type": "string"}}}), json!({}), json!({})),
    ];
    for (schema, values, expected) in cases {
        assert_eq!(Value::Object(filled(&[page(&schema)], &map(values))), expected, "{schema}");
    }
}

fn kind(schema: &Value) -> FieldKind {
    show(&page(&json!({"properties": {"f": schema}})), &Map::new(), &[]).fields.remove(0).kind
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_property_becomes_the_field_its_schema_asks_for() {
    let text = FieldKind::Text { format: None, pattern: None, min_length: None, max_length: None };
    let choice = |value: Value, label: &str| Choice { value, label: label.to_owned(), disabled: false };
    let number = |integer, range| FieldKind::Number { min: Some(json!(1)), max: None, step: None, integer, range };
    let cases = [
        (json!({"type": "string"}), text.clone()),
        (json!({"type": ["string", "null"]}), text.clone()),
        (json!({}), text.clone()),
        (
            json!({"type": "string", "ui:widget": "textarea", "ui:options": {"rows": 9}}),
            FieldKind::TextArea { rows: 9 },
        ),
        (json!({"type": "string", "ui:options": {"widget": "password"}}), FieldKind::Password),
        (json!({"type": "string", "ui:widget": "hidden"}), FieldKind::Hidden),
        (json!({"type": "integer", "minimum": 1}), number(true, false)),
        (json!({"type": "number", "minimum": 1, "ui:widget": "range"}), number(false, true)),
        (json!({"type": "boolean"}), FieldKind::Checkbox),
        (
            json!({"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"]}),
            FieldKind::Select { options: vec![choice(json!("a"), "A"), choice(json!("b"), "B")] },
        ),
        (
            json!({"oneOf": [{"const": 1, "title": "One"}, {"const": 2, "title": "Two"}], "ui:widget": "radio"}),
            FieldKind::Radio { options: vec![choice(json!(1), "One"), choice(json!(2), "Two")] },
        ),
        (
            json!({"type": "array", "items": {"enum": ["a"]}, "uniqueItems": true}),
            FieldKind::Checkboxes { options: vec![choice(json!("a"), "a")] },
        ),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            FieldKind::Tags { suggestions_for: None, counts: false },
        ),
        (json!({"type": "object"}), FieldKind::Json),
        (json!({"type": "string", "ui:field": "Secret"}), FieldKind::Secret),
        (json!({"type": "string", "ui:field": "NoSuchPicker"}), text),
        (
            json!({"type": "string", "ui:field": "RepoUrlPicker", "ui:options": {"allowedHosts": ["local"], "allowedOwners": ["acme"]}}),
            FieldKind::RepoUrl(RepoChoice {
                hosts: vec!["local".into()],
                owners: Some(vec!["acme".into()]),
                ..RepoChoice::default()
            }),
        ),
        (
            json!({"type": "string", "ui:field": "EntityPicker", "ui:options": {"catalogFilter": {"kind": "System"}, "allowArbitraryValues": false, "defaultKind": "System"}}),
            FieldKind::Entity(EntityChoice {
                filter: vec![map(json!({"kind": "System"}))],
                default_kind: Some("System".into()),
                ..EntityChoice::default()
            }),
        ),
        (
            json!({"type": "string", "ui:field": "OwnerPicker"}),
            FieldKind::Owner(EntityChoice {
                filter: vec![map(json!({"kind": ["Group", "User"]}))],
                default_kind: Some("Group".into()),
                allow_arbitrary: true,
                ..EntityChoice::default()
            }),
        ),
    ];
    for (schema, expected) in cases {
        assert_eq!(kind(&schema), expected, "{schema}");
    }
}

#[test]
fn an_unknown_picker_leaves_a_note_for_the_author() {
    let form = show(&page(&json!({"properties": {"f": {"type": "string", "ui:field": "Special"}}})), &Map::new(), &[]);
    assert_eq!(form.fields[0].note.as_deref(), Some("`ui:field: Special` is not known here; shown as a plain field"));
}

#[test]
fn a_list_of_objects_has_its_items_as_fields() {
    let schema = json!({"properties": {"ports": {"type": "array", "items": {"type": "object", "properties": {"number": {"type": "integer"}}}}}});
    let form = show(&page(&schema), &map(json!({"ports": [{"number": 80}, {}]})), &[]);
    let FieldKind::List { template, items, .. } = &form.fields[0].kind else { panic!("{:?}", form.fields[0].kind) };
    assert_eq!(template[0].name, "ports.*.number");
    assert_eq!((items[1][0].name.as_str(), items[1][0].pointer.as_str()), ("ports.1.number", "/ports/1/number"));
    assert_eq!(items[0][0].value, json!(80));
}

fn posted(schema: &Value, before: Value, pairs: &[(&str, &str)]) -> Posted {
    let page = page(schema);
    let before = filled(std::slice::from_ref(&page), &map(before));
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(&page, &before, &pairs)
}

#[test]
fn posted_pairs_become_values_of_the_schema_s_types() {
    let schema = json!({"properties": {
        "name": {"type": "string"}, "count": {"type": "integer"}, "on": {"type": "boolean", "default": true},
        "size": {"enum": [1, 2]}, "tags": {"type": "array", "items": {"type": "string"}},
        "some": {"type": "array", "uniqueItems": true, "items": {"enum": ["a", "b"]}},
        "repoUrl": {"type": "string", "ui:field": "RepoUrlPicker"},
        "owner": {"type": "string", "ui:field": "OwnerPicker"},
        "free": {"type": "string", "ui:field": "EntityPicker"},
        "deep": {"type": "object", "properties": {"a.b": {"type": "number"}}},
        "ports": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "raw": {"type": "object"},
        "fixed": {"type": "string", "default": "x", "ui:readonly": true},
        "cleared": {"type": "string", "default": "x"},
    }});
    let cases: &[(&[(&str, &str)], Value)] = &[
        (&[("name", "a\r\nb")], json!({"name": "a\nb"})),
        (&[("name", "")], json!({})),
        (&[("count", "7")], json!({"count": 7})),
        (&[("count", "many")], json!({"count": "many"})),
        (&[("on", "on")], json!({"on": true})),
        (&[("size", "2")], json!({"size": 2})),
        (&[("size", "3")], json!({"size": "3"})),
        (&[("tags", "a, b"), ("tags", "c\r\nd")], json!({"tags": ["a", "b", "c", "d"]})),
        (&[("some", "b")], json!({"some": ["b"]})),
        (
            &[("repoUrl.host", "local"), ("repoUrl.owner", "acme"), ("repoUrl.repo", "a b")],
            json!({"repoUrl": "local?owner=acme&repo=a+b"}),
        ),
        (&[("repoUrl.host", "local"), ("repoUrl.owner", ""), ("repoUrl.repo", "")], json!({})),
        (&[("repoUrl", "local?owner=acme&repo=x")], json!({"repoUrl": "local?owner=acme&repo=x"})),
        (&[("owner", "Payments")], json!({"owner": "group:default/payments"})),
        (&[("owner", "user:jo")], json!({"owner": "user:default/jo"})),
        (&[("free", "anything at all")], json!({"free": "anything at all"})),
        (&[("deep.a%2Eb", "1.5")], json!({"deep": {"a.b": 1.5}})),
        (&[("ports.3.n", "1"), ("ports.7.n", "2")], json!({"ports": [{"n": 1}, {"n": 2}]})),
        (&[("raw", "{\"a\": 1}")], json!({"raw": {"a": 1}})),
        (&[("raw", "{")], json!({"raw": "{"})),
        (&[("fixed", "y")], json!({})),
    ];
    for (pairs, expected) in cases {
        let mut expected = map(expected.clone());
        expected.entry("on").or_insert(json!(false));
        expected.insert("fixed".to_owned(), json!("x"));
        assert_eq!(posted(&schema, json!({}), pairs).values, expected, "{pairs:?}");
    }
}

#[test]
fn other_pages_keep_their_answers_and_revealed_fields_their_defaults() {
    let schema = json!({
        "properties": {"kind": {"enum": ["a", "b"]}},
        "dependencies": {"kind": {"oneOf": [
            {"properties": {"kind": {"const": "a"}, "x": {"type": "string"}}},
            {"properties": {"kind": {"const": "b"}, "on": {"type": "boolean", "default": true}}},
        ]}},
    });
    let read = posted(&schema, json!({"other": 1, "kind": "a", "x": "gone"}), &[("kind", "b"), ("x", "gone")]);
    assert_eq!(Value::Object(read.values), json!({"other": 1, "kind": "b", "on": true}));
}

#[test]
fn secrets_are_kept_apart() {
    let schema = json!({"properties": {"token": {"type": "string", "ui:field": "Secret"}}});
    let read = posted(&schema, json!({}), &[("token", "hush")]);
    assert_eq!(Value::Object(read.values), json!({"token": "****"}));
    assert_eq!(Value::Object(read.secrets), json!({"token": "hush"}));
    let again = posted(&schema, json!({"token": "****"}), &[("token", "")]);
    assert_eq!(Value::Object(again.values), json!({"token": "****"}));
}

#[test]
fn list_buttons_add_and_remove_items() {
    let schema = json!({"properties": {"p": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}}});
    let added = posted(&schema, json!({}), &[("p.0.n", "1"), ("_add", "p")]);
    assert!(added.stay);
    assert_eq!(Value::Object(added.values), json!({"p": [{"n": 1}, null]}));
    let removed = posted(&schema, json!({}), &[("p.0.n", "1"), ("p.1.n", "2"), ("_remove", "p.0")]);
    assert_eq!(Value::Object(removed.values), json!({"p": [{"n": 2}]}));
}

#[test]
fn what_is_wrong_is_said_beside_its_field() {
    let closed = |picker: &str| json!({"type": "string", "title": "Owner", "ui:field": picker, "ui:options": {"allowArbitraryValues": false}});
    let repo = json!({"type": "string", "title": "Repository", "ui:field": "RepoUrlPicker", "ui:options": {"allowedOwners": ["acme"]}});
    let alternatives = json!({
        "properties": {"kind": {"enum": ["a", "b"]}},
        "dependencies": {"kind": {"oneOf": [
            {"properties": {"kind": {"const": "a"}}},
            {"properties": {"kind": {"const": "b"}, "path": {"type": "string", "title": "Path"}}, "required": ["path"]},
        ]}},
    });
    let one = |schema: Value| json!({"properties": {"f": schema}});
    let cases = [
        (
            one(json!({"type": "string", "title": "Name", "pattern": "^a"})),
            json!({"f": "b"}),
            "/f: Name must match the pattern ^a",
        ),
        (
            json!({"required": ["f"], "properties": {"f": {"title": "Name"}}}),
            json!({}),
            "/f: Name is required; fill it in",
        ),
        (alternatives, json!({"kind": "b"}), "/path: Path is required; fill it in"),
        (one(closed("OwnerPicker")), json!({"f": "payments"}), ""),
        (
            one(closed("OwnerPicker")),
            json!({"f": "system:checkout"}),
            "/f: Owner must be one of the offered entities; `system:default/checkout` is not",
        ),
        (
            one(closed("EntityPicker")),
            json!({"f": "checkout"}),
            "/f: Owner entity reference \"checkout\" had missing or empty kind (e.g. did not start with \"component:\" or similar)",
        ),
        (one(repo.clone()), json!({"f": "local?owner=acme&repo=x"}), ""),
        (
            one(repo.clone()),
            json!({"f": "github.com?owner=acme&repo=x"}),
            "/f: Repository names the host `github.com`, which is not configured here; choose local",
        ),
        (one(repo), json!({"f": "local?owner=else&repo=x"}), "/f: Repository must belong to acme, not to `else`"),
    ];
    for (schema, values, expected) in cases {
        let errors = check(&[page(&schema)], &map(values), &Acme);
        let told: Vec<String> = errors.iter().map(|error| format!("{}: {}", error.pointer, error.message)).collect();
        assert_eq!(told.join("; "), expected, "{schema}");
    }
}

#[test]
fn an_optional_answer_that_is_sent_empty_is_not_given() {
    let picker = json!({"type": "string", "ui:field": "EntityPicker", "ui:options": {"allowArbitraryValues": false}});
    let errors = |required: Value| {
        let page = page(&json!({"required": required, "properties": {"system": picker}}));
        check(&[page], &map(json!({"system": ""})), &Acme).len()
    };
    assert_eq!(errors(json!([])), 0);
    assert_eq!(errors(json!(["system"])), 1);
}
