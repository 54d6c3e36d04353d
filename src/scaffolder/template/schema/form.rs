//! Pages and fields of the form: JSON Schema (draft 7) with `ui:` keys that say how a field looks.

use serde_json::{Map, Value, json};

use super::part;

/// Fields that choose from the catalog, the forges or the secrets of a run.
const PICKERS: [&str; 11] = [
    "EntityNamePicker",
    "EntityPicker",
    "EntityTagsPicker",
    "MultiEntityPicker",
    "MyGroupsPicker",
    "OwnedEntityPicker",
    "OwnerPicker",
    "RepoBranchPicker",
    "RepoOwnerPicker",
    "RepoUrlPicker",
    "Secret",
];
/// Looks of a field.
const WIDGETS: [&str; 12] = [
    "textarea",
    "hidden",
    "radio",
    "select",
    "checkboxes",
    "checkbox",
    "range",
    "password",
    "updown",
    "email",
    "uri",
    "color",
];

/// Whether this `ui:field` is one of the form's own; another is drawn by its `type`.
pub(in crate::scaffolder) fn is_own_field(name: &str) -> bool {
    PICKERS.contains(&name)
}

/// One page: a schema of an object.
pub(super) fn page() -> Value {
    json!({
        "allOf": [part("field"), {"type": "object"}],
        "properties": {
            "title": {"type": "string", "description": "What the page is called."},
            "description": {"type": "string", "description": "What stands below its title, Markdown."},
            "required": {"description": "Which fields must be filled in."},
            "properties": {"description": "The fields, in the order they are shown."},
            "dependencies": {"description": "What else is asked for once a field is filled in."},
        },
    })
}

/// One field. What the standard says of its own keywords is left to the standard's schema.
pub(super) fn field() -> Value {
    let mut properties = keywords();
    properties.extend(looks());
    json!({
        "type": ["object", "boolean"],
        "allOf": [{"$ref": "http://json-schema.org/draft-07/schema#"}],
        "properties": properties,
    })
}

fn keywords() -> Map<String, Value> {
    let field = || part("field");
    let fields = |what: &str| json!({"type": "object", "description": what, "additionalProperties": field()});
    let list = |what: &str| json!({"type": "array", "description": what, "items": field()});
    let keywords = json!({
        "title": {"description": "What the field is called."},
        "description": {"description": "What stands below it, Markdown."},
        "type": {"description": "What kind of value it takes."},
        "default": {"description": "What it holds before somebody answers."},
        "enum": {"description": "The values to choose from."},
        "enumNames": {"type": "array", "description": "What the values are called, in the same order."},
        "properties": fields("The fields of a group."),
        "items": {"description": "What the items of a list are.", "anyOf": [field(), {"type": "array", "items": field()}]},
        "additionalProperties": field(),
        "dependencies": {
            "type": "object",
            "additionalProperties": {"anyOf": [{"type": "array", "items": {"type": "string"}}, field()]},
        },
        "oneOf": list("Exactly one of these holds."),
        "anyOf": list("At least one of these holds."),
        "allOf": list("All of these hold."),
        "if": field(),
        "then": field(),
        "else": field(),
    });
    if let Value::Object(keywords) = keywords { keywords } else { Map::new() }
}

fn looks() -> Map<String, Value> {
    let text = |what: &str| json!({"type": "string", "description": what});
    let flag = |what: &str| json!({"type": ["boolean", "string"], "description": what});
    let names =
        |what: &str, names: &[&str]| json!({"description": what, "anyOf": [{"enum": names}, {"type": "string"}]});
    let looks = json!({
        "ui:field": names("A field that knows what to choose from.", &PICKERS),
        "ui:widget": names("How the field looks.", &WIDGETS),
        "ui:options": {"type": "object", "description": "Options of the field or widget, such as catalogFilter or allowedHosts."},
        "ui:title": text("What the field is called, over `title`."),
        "ui:description": text("What stands below it, over `description`."),
        "ui:help": text("A hint below the field."),
        "ui:placeholder": text("What an empty field shows."),
        "ui:autofocus": flag("Whether the page opens with the cursor in it."),
        "ui:disabled": flag("Whether it can be changed and is sent."),
        "ui:readonly": flag("Whether it can be changed."),
        "ui:order": {"type": "array", "description": "The order of fields; * stands for those not named.", "items": {"type": "string"}},
        "ui:enumDisabled": {"type": "array", "description": "Values that cannot be chosen."},
        "ui:if": {"type": ["boolean", "string"], "description": "Whether it is asked: an expression over the answers. Of a page or a field."},
        "ui:default": {"description": "What it holds before somebody answers, computed from earlier answers; follows them while it is left as it is."},
        "ui:enum": {"description": "The values to choose from, computed: values, {value, label}, or entities.", "type": ["string", "array"]},
        "ui:emptyValue": {"description": "What an empty field gives."},
        "ui:backstage": {
            "type": "object",
            "description": "How the review shows it, and the feature flag that it needs.",
            "properties": {"featureFlag": {"type": "string"}, "review": {"type": "object", "properties": {
                "show": {"type": "boolean", "description": "Whether it is shown."},
                "mask": {"type": "string", "description": "What is shown in its place."},
                "name": {"type": "string", "description": "What it is called there."},
                "explode": {"type": "boolean", "description": "Whether an object is shown key by key."},
            }}},
        },
        "backstage:featureFlag": text("The feature flag that must be on for it to be asked. Of a page or a field."),
        "backstage:permissions": {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}},
    });
    if let Value::Object(looks) = looks { looks } else { Map::new() }
}
