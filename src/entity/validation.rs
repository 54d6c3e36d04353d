//! Is this an entity? Backstage's checks, in its order and in its words.
//!
//! [`check_envelope`] is asked first, of anything read from a document; [`check`] afterwards, of the entity with its
//! placeholders replaced: policies (format of names, labels, tags…), then the kind's own fields, then its references.
//! A text with U+0000, which no database takes, is refused before anything else is said.
//! Only the first failure is told, as Backstage does, so clients and people find the message they know. Every error
//! carries the JSON pointer of what it is about, for its line and column.

mod null;

use serde::Serialize;
use serde_json::{Map, Value};

use super::kind::{Edge, Field, Kind, Shape, may, needs};
use super::{Entity, Model, format};

/// What is wrong with an entity, in the form that Backstage's API and `status.items` show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{name}: {message}")]
pub(crate) struct ValidationError {
    /// The class of error: `InputError`, `TypeError`, …
    pub(crate) name: String,
    /// What is wrong; includes the cause.
    pub(crate) message: String,
    /// The check that failed, when this only says where that happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[source]
    pub(crate) cause: Option<Box<ValidationError>>,
    /// JSON pointer of what is wrong.
    #[serde(skip)]
    pub(crate) pointer: String,
}

impl ValidationError {
    /// An error of one class.
    pub(crate) fn new(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), message: storable(message.into()), cause: None, pointer: String::new() }
    }

    /// The same error about a certain place.
    pub(crate) fn at(self, pointer: impl Into<String>) -> Self {
        Self { pointer: storable(pointer.into()), ..self }
    }

    /// An `InputError` that was caused by this one.
    pub(crate) fn during(self, what: &str) -> Self {
        Self {
            name: "InputError".to_owned(),
            message: format!("{what}; caused by {self}"),
            pointer: self.pointer.clone(),
            cause: Some(Box::new(self)),
        }
    }
}

/// What is told is stored, and the database has no text with U+0000: it is shown by its symbol.
fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text }
}

/// Checks that a value has what every entity has, and takes it as one.
pub(crate) fn check_envelope(value: Value) -> Result<Entity, ValidationError> {
    const METADATA: &[Field] = &[needs("name", Shape::Text), may("namespace", Shape::Text)];
    const ENVELOPE: &[Field] =
        &[needs("apiVersion", Shape::Text), needs("kind", Shape::Text), needs("metadata", Shape::Object(METADATA))];
    Finding::of_object(&value, ENVELOPE, String::new()).map_or(Ok(()), |finding| Err(finding.type_error()))?;
    for part in ["/kind", "/metadata/name", "/metadata/namespace"] {
        value.pointer(part).map_or(Ok(()), |value| null::refuse(value, part))?;
    }
    match value {
        Value::Object(map) => Ok(Entity(map)),
        // The check above has refused it.
        other => Err(ValidationError::new("InputError", format!("expected object at root, got {other}"))),
    }
}

/// Checks an entity whose envelope is right, and tells which relations it states.
pub(crate) fn check(model: &Model, entity: &Entity) -> Result<Vec<Edge>, ValidationError> {
    entity.0.iter().try_for_each(|(key, value)| null::refuse_field(key, value))?;
    policies(entity).map_err(|error| error.during(&format!("Policy check failed for {}", entity.reference())))?;
    let Some(kind) = Kind::of(entity) else {
        if let Some(checked) = model.check_declared(entity) {
            return checked;
        }
        let message = format!(
            "No processor recognized the entity {} as valid, possibly caused by a foreign kind or apiVersion",
            entity.reference()
        );
        return Err(ValidationError::new("InputError", message).at("/kind"));
    };
    if let Some(finding) = spec(entity, kind) {
        let what =
            format!("Processor {} threw an error while validating the entity {}", kind.processor, entity.reference());
        return Err(finding.type_error().during(&what));
    }
    let mut edges = kind
        .edges(entity)
        .map_err(|error| error.during(&format!("Processor {} threw an error while postprocessing", kind.processor)))?;
    edges.extend(model.additional(entity)?);
    Ok(edges)
}

/// The relations that an entity of a built-in kind states; none of one that states them wrongly.
pub(crate) fn edges(entity: &Entity) -> Vec<Edge> {
    Kind::of(entity).and_then(|kind| kind.edges(entity).ok()).unwrap_or_default()
}

fn spec(entity: &Entity, kind: &Kind) -> Option<Finding> {
    match entity.0.get("spec") {
        None => Some(Finding::missing(String::new(), "spec")),
        Some(spec) => Finding::of_object(spec, kind.fields, "/spec".to_owned()),
    }
}

/// One broken rule of a schema, as ajv words it.
struct Finding {
    pointer: String,
    /// For a missing property: where it would be.
    missing: Option<&'static str>,
    message: String,
    /// The rule's parameter, shown after the message.
    parameter: String,
}

impl Finding {
    fn new(pointer: String, message: impl Into<String>, parameter: impl Into<String>) -> Self {
        Self { pointer, missing: None, message: message.into(), parameter: parameter.into() }
    }

    fn missing(pointer: String, name: &'static str) -> Self {
        let message = format!("must have required property '{name}'");
        Self { missing: Some(name), ..Self::new(pointer, message, format!("missingProperty: {name}")) }
    }

    fn wrong_type(pointer: String, wanted: &str) -> Self {
        Self::new(pointer, format!("must be {wanted}"), format!("type: {wanted}"))
    }

    fn shown_pointer(&self) -> &str {
        if self.pointer.is_empty() { "<root>" } else { &self.pointer }
    }

    fn place(&self) -> String {
        self.missing.map_or_else(|| self.pointer.clone(), |name| format!("{}/{name}", self.pointer))
    }

    fn type_error(self) -> ValidationError {
        let message = format!("{} {} - {}", self.shown_pointer(), self.message, self.parameter);
        ValidationError::new("TypeError", message).at(self.place())
    }

    fn malformed_envelope(self) -> ValidationError {
        let message = format!("Malformed envelope, {} {}", self.shown_pointer(), self.message);
        ValidationError::new("Error", message).at(self.place())
    }

    /// The first rule that a value breaks.
    fn of(value: &Value, shape: &Shape, pointer: String) -> Option<Self> {
        let empty = "must NOT have fewer than 1 characters";
        match (shape, value) {
            (Shape::Text, Value::String(text)) => text.is_empty().then(|| Self::new(pointer, empty, "limit: 1")),
            (Shape::OneOf(allowed), Value::String(text)) => (!allowed.contains(&text.as_str())).then(|| {
                let allowed = format!("allowedValues: {}", allowed.join(","));
                Self::new(pointer, "must be equal to one of the allowed values", allowed)
            }),
            (Shape::List(items), Value::Array(values)) => {
                values.iter().enumerate().find_map(|(at, value)| Self::of(value, items, format!("{pointer}/{at}")))
            }
            (Shape::Object(fields), Value::Object(_)) => Self::of_object(value, fields, pointer),
            (Shape::ObjectOrList, Value::Array(values)) => {
                let list = values.iter().enumerate();
                list.into_iter().find_map(|(at, value)| Self::of(value, &Shape::Object(&[]), format!("{pointer}/{at}")))
            }
            (Shape::AnyText, Value::String(_))
            | (Shape::Condition, Value::String(_) | Value::Bool(_))
            | (Shape::ObjectOrList, Value::Object(_)) => None,
            (Shape::Text | Shape::AnyText | Shape::OneOf(_), _) => Some(Self::wrong_type(pointer, "string")),
            (Shape::Condition, _) => Some(Self::wrong_type(pointer, "string,boolean")),
            (Shape::List(_), _) => Some(Self::wrong_type(pointer, "array")),
            (Shape::Object(_) | Shape::ObjectOrList, _) => Some(Self::wrong_type(pointer, "object")),
        }
    }

    /// The first missing field, else the first broken one.
    fn of_object(value: &Value, fields: &'static [Field], pointer: String) -> Option<Self> {
        let Value::Object(map) = value else {
            return Some(Self::wrong_type(pointer, "object"));
        };
        if let Some(field) = fields.iter().find(|field| field.required && !map.contains_key(field.name)) {
            return Some(Self::missing(pointer, field.name));
        }
        fields
            .iter()
            .find_map(|field| Self::of(map.get(field.name)?, &field.shape, format!("{pointer}/{}", field.name)))
    }
}

/// The format of everything that all kinds share.
fn policies(entity: &Entity) -> Result<(), ValidationError> {
    const ROOT: &[&str] = &["apiVersion", "kind", "metadata", "spec", "relations", "status"];
    const LINK: &[Field] =
        &[needs("url", Shape::Text), may("title", Shape::Text), may("icon", Shape::Text), may("type", Shape::Text)];
    const METADATA: &[Field] = &[
        may("uid", Shape::Text),
        may("etag", Shape::Text),
        needs("name", Shape::Text),
        may("namespace", Shape::Text),
        may("title", Shape::Text),
        may("description", Shape::AnyText),
    ];
    const LISTS: &[Field] = &[may("tags", Shape::List(&Shape::Text)), may("links", Shape::List(&Shape::Object(LINK)))];
    if let Some(key) = entity.0.keys().find(|key| !ROOT.contains(&key.as_str())) {
        let finding = Finding::new(String::new(), "must NOT have additional properties", "");
        return Err(ValidationError { pointer: format!("/{key}"), ..finding.malformed_envelope() });
    }
    let metadata = entity.0.get("metadata").unwrap_or(&Value::Null);
    let at = || "/metadata".to_owned();
    let finding = Finding::of_object(metadata, METADATA, at())
        .or_else(|| text_map(metadata, "labels"))
        .or_else(|| text_map(metadata, "annotations"))
        .or_else(|| Finding::of_object(metadata, LISTS, at()))
        .or_else(|| Finding::of(entity.0.get("spec")?, &Shape::Object(&[]), "/spec".to_owned()));
    if let Some(finding) = finding {
        return Err(finding.malformed_envelope());
    }
    if let Some(field) = ["relations", "status"].into_iter().find(|field| entity.0.contains_key(*field)) {
        return Err(ValidationError::new("Error", format!("Unknown field {field}")).at(format!("/{field}")));
    }
    format::check(entity)
}

/// Labels and annotations: an object of texts.
fn text_map(metadata: &Value, name: &str) -> Option<Finding> {
    let pointer = format!("/metadata/{name}");
    let map: &Map<String, Value> = match metadata.get(name)? {
        Value::Object(map) => map,
        _ => return Some(Finding::wrong_type(pointer, "object")),
    };
    let broken = map.iter().find(|(key, value)| !key.is_empty() && !value.is_string());
    broken.map(|(key, _)| Finding::wrong_type(format!("{pointer}/{}", pointer_step(key)), "string"))
}

/// One step of a JSON pointer, escaped.
pub(super) fn pointer_step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
