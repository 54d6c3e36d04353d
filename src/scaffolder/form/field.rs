//! One property of the schema becomes one field.

use serde_json::{Map, Value};

use super::super::schema::escape;
use super::{Choice, Field, FieldError, FieldKind, ListLimits, Review, branch, picker, type_of, ui, ui_flag, ui_text};

/// How deep objects and lists are shown as fields; what is deeper is shown as JSON.
const DEPTH: usize = 6;

/// Where a property stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    root: &'a Value,
    name: &'a str,
    pointer: &'a str,
    errors: &'a [FieldError],
    depth: usize,
}

impl Place<'_> {
    fn input(&self, key: &str) -> String {
        let key = key.replace('%', "%25").replace('.', "%2E");
        if self.name.is_empty() { key } else { format!("{}.{key}", self.name) }
    }

    fn at(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, escape(key))
    }
}

/// The fields of a page's schema for these answers.
pub(super) fn fields(schema: &Value, values: &Map<String, Value>, errors: &[FieldError]) -> Vec<Field> {
    group(Place { root: schema, name: "", pointer: "", errors, depth: DEPTH }, schema, values)
}

fn group(place: Place<'_>, schema: &Value, values: &Map<String, Value>) -> Vec<Field> {
    let flat = branch::resolve(place.root, schema, values);
    let required = |name: &String| flat.required.contains(name);
    let shown = flat.properties.iter();
    shown
        .map(|(name, property)| {
            let (input, pointer) = (place.input(name), place.at(name));
            let place = Place { name: &input, pointer: &pointer, ..place };
            let value = values.get(name).cloned().unwrap_or(Value::Null);
            Field { required: required(name), ..field(place, name, property, value) }
        })
        .collect()
}

fn field(place: Place<'_>, key: &str, schema: &Value, value: Value) -> Field {
    let (kind, note) = kind(place, schema, &value);
    let note = note.or_else(|| text(schema, super::settle::NOTE));
    let error = place.errors.iter().find(|error| error.pointer == place.pointer);
    Field {
        name: place.name.to_owned(),
        pointer: place.pointer.to_owned(),
        label: ui_text(schema, "title").or_else(|| text(schema, "title")).unwrap_or_else(|| key.to_owned()),
        description: ui_text(schema, "description").or_else(|| text(schema, "description")),
        help: ui_text(schema, "help").or_else(|| ui_text(schema, "helperText")),
        placeholder: ui_text(schema, "placeholder"),
        required: false,
        autofocus: ui_flag(schema, "autofocus"),
        disabled: ui_flag(schema, "disabled"),
        readonly: ui_flag(schema, "readonly") || schema.get("readOnly") == Some(&Value::Bool(true)),
        value,
        empty: ui(schema, "emptyValue").cloned(),
        review: review(schema),
        error: error.map(|error| error.message.clone()),
        note,
        kind,
    }
}

fn review(schema: &Value) -> Review {
    let written = |key: &str| schema.get("ui:backstage")?.get("review")?.get(key);
    let text = |key: &str| written(key).and_then(Value::as_str).map(str::to_owned);
    let flag = |key: &str| written(key).and_then(Value::as_bool).unwrap_or(true);
    Review { show: flag("show"), mask: text("mask"), name: text("name"), explode: flag("explode") }
}

fn text(schema: &Value, key: &str) -> Option<String> {
    schema.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The kind, and a note for the author where a `ui:` key is not understood.
fn kind(place: Place<'_>, schema: &Value, value: &Value) -> (FieldKind, Option<String>) {
    let named = schema.get("ui:field").and_then(Value::as_str).or_else(|| ui(schema, "field").and_then(Value::as_str));
    if let Some(named) = named {
        if let Some(kind) = picker::kind(named, schema) {
            return (kind, None);
        }
        let note = format!("`ui:field: {named}` is not known here; shown as a plain field");
        return (plain(place, schema, value), Some(note));
    }
    (plain(place, schema, value), None)
}

fn plain(place: Place<'_>, schema: &Value, value: &Value) -> FieldKind {
    let widget = ui(schema, "widget").and_then(Value::as_str).unwrap_or_default();
    if widget == "hidden" {
        return FieldKind::Hidden;
    }
    let options = options(schema);
    match type_of(schema) {
        "boolean" => boolean(schema, widget),
        "null" => FieldKind::Hidden,
        "array" => list(place, schema, value, widget),
        "object" => {
            if place.depth == 0 || (schema.get("properties").is_none() && !conditional(schema)) {
                return FieldKind::Json;
            }
            let empty = Map::new();
            let inner = value.as_object().unwrap_or(&empty);
            FieldKind::Group { fields: group(Place { depth: place.depth - 1, ..place }, schema, inner) }
        }
        _ if !options.is_empty() && widget == "radio" => FieldKind::Radio { options },
        // A computed list may have nothing to choose from.
        _ if !options.is_empty() || schema.get("enum").is_some() => FieldKind::Select { options },
        number @ ("number" | "integer") => number_kind(schema, number == "integer", widget),
        _ => string(schema, widget),
    }
}

fn conditional(schema: &Value) -> bool {
    ["oneOf", "anyOf", "allOf", "if", "dependencies"].iter().any(|key| schema.get(*key).is_some())
}

fn boolean(schema: &Value, widget: &str) -> FieldKind {
    let names = schema.get("enumNames").or_else(|| ui(schema, "enumNames")).and_then(Value::as_array);
    let name = |index: usize, other: &str| {
        names.and_then(|names| names.get(index)).and_then(Value::as_str).unwrap_or(other).to_owned()
    };
    let choice = |value: bool, label: String| Choice { value: Value::Bool(value), label, disabled: false };
    let options = vec![choice(true, name(0, "Yes")), choice(false, name(1, "No"))];
    match widget {
        "radio" => FieldKind::Radio { options },
        "select" => FieldKind::Select { options },
        _ => FieldKind::Checkbox,
    }
}

fn number_kind(schema: &Value, integer: bool, widget: &str) -> FieldKind {
    let at = |key: &str| schema.get(key).filter(|value| value.is_number()).cloned();
    FieldKind::Number {
        min: at("minimum").or_else(|| at("exclusiveMinimum")),
        max: at("maximum").or_else(|| at("exclusiveMaximum")),
        step: at("multipleOf"),
        integer,
        range: widget == "range",
    }
}

fn string(schema: &Value, widget: &str) -> FieldKind {
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    match widget {
        "textarea" => FieldKind::TextArea { rows: ui(schema, "rows").and_then(Value::as_u64).unwrap_or(5) },
        "password" => FieldKind::Password,
        _ => FieldKind::Text {
            format: text(schema, "format").or_else(|| ui_text(schema, "inputType")),
            pattern: text(schema, "pattern"),
            min_length: number("minLength"),
            max_length: number("maxLength"),
        },
    }
}

fn list(place: Place<'_>, schema: &Value, value: &Value, widget: &str) -> FieldKind {
    let Some(items) = schema.get("items").filter(|items| items.is_object()) else {
        return FieldKind::Json;
    };
    let items = &branch::referred(place.root, items);
    let options = options(items);
    let closed =
        !options.is_empty() && (widget == "checkboxes" || schema.get("uniqueItems") == Some(&Value::Bool(true)));
    if closed {
        return FieldKind::Checkboxes { options };
    }
    let plain_text = type_of(items) == "string"
        && options.is_empty()
        && items.get("enum").is_none()
        && items.get("ui:field").is_none();
    if plain_text {
        return FieldKind::Tags { suggestions_for: None, counts: false };
    }
    if place.depth == 0 || type_of(items) == "array" {
        return FieldKind::Json;
    }
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    let allowed = |key: &str| ui(schema, key).and_then(Value::as_bool).unwrap_or(true);
    let there = value.as_array().map(Vec::as_slice).unwrap_or_default();
    FieldKind::List {
        template: item(place, "*", items, &Value::Null),
        items: there.iter().enumerate().map(|(index, value)| item(place, &index.to_string(), items, value)).collect(),
        limits: ListLimits {
            min: number("minItems"),
            max: number("maxItems"),
            addable: allowed("addable"),
            removable: allowed("removable"),
            orderable: allowed("orderable"),
        },
    }
}

/// The fields of one item: those of its object, or the item itself.
fn item(place: Place<'_>, index: &str, schema: &Value, value: &Value) -> Vec<Field> {
    let (input, pointer) = (place.input(index), place.at(index));
    let place = Place { name: &input, pointer: &pointer, depth: place.depth - 1, ..place };
    let only = field(place, "", schema, value.clone());
    match only.kind {
        FieldKind::Group { fields } => fields,
        _ => vec![only],
    }
}

/// The closed list of a schema: `enum` with `enumNames`, or `oneOf`/`anyOf` of constants with titles.
pub(super) fn options(schema: &Value) -> Vec<Choice> {
    let disabled: Vec<&Value> = ui(schema, "enumDisabled").and_then(Value::as_array).into_iter().flatten().collect();
    let choice = |value: &Value, label: Option<&str>| Choice {
        value: value.clone(),
        label: label.map_or_else(|| super::text_of(value), str::to_owned),
        disabled: disabled.contains(&value),
    };
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let names = schema.get("enumNames").or_else(|| ui(schema, "enumNames")).and_then(Value::as_array);
        let name = |index: usize| names.and_then(|names| names.get(index)).and_then(Value::as_str);
        return values.iter().enumerate().map(|(index, value)| choice(value, name(index))).collect();
    }
    let alternatives = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key).and_then(Value::as_array));
    let constants = alternatives.into_iter().flatten().map(|alternative| {
        let value = alternative.get("const").or_else(|| {
            alternative
                .get("enum")
                .filter(|list| list.as_array().is_some_and(|list| list.len() == 1))
                .and_then(|list| list.get(0))
        });
        value.map(|value| choice(value, alternative.get("title").and_then(Value::as_str)))
    });
    constants.collect::<Option<Vec<_>>>().unwrap_or_default()
}
