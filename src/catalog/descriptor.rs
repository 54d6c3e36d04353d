//! Descriptor files: the entities that their documents declare.
//!
//! [`read`] takes the text apart; [`Placeholders`] then replaces `{$text: ./file}`, `$json`, `$yaml`, `$openapi`,
//! `$asyncapi` by what the file contains, relative to the descriptor. Documents that are null are skipped, as
//! Backstage does; everything else that is no entity is a [`Fault`] with its place.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::location::LocationRef;
use super::reader::Reader;
use crate::entity::{Entity, ValidationError, check_envelope};
use crate::forge::LocationKind;
use crate::yaml::{self, Position, Positions};

/// One entity as written.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) entity: Entity,
    pub(super) positions: Arc<Positions>,
    /// Which document of its file, from 1.
    pub(super) document: u32,
}

impl Draft {
    /// Where the node of a pointer is, or the closest one above it.
    pub(super) fn place(&self, pointer: &str) -> Place {
        Place { document: self.document, position: self.positions.nearest(pointer) }
    }
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Which document, from 1; documents without content count.
    pub(super) document: u32,
    /// Line and column in the file.
    pub(super) position: Position,
}

/// Something wrong in a file.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) error: ValidationError,
    /// None if the whole file is meant.
    pub(super) place: Option<Place>,
    /// Kind and name that the text seems to declare, for a page that lists what is missing.
    pub(super) seems: Seems,
}

/// What a document that could not be read seems to declare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seems {
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
}

/// Reads the documents of a file.
pub(super) fn read(bytes: &[u8], location: &LocationRef) -> Vec<Result<Draft, Box<Fault>>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let message = format!("YAML error at {location}, the file is not UTF-8 text");
        let error = ValidationError::new("Error", message);
        return vec![Err(Box::new(Fault { error, place: None, seems: Seems::default() }))];
    };
    if is_page(text) {
        let message = format!(
            "{location} is an HTML page, not a descriptor. A page that shows a file has the file itself under another address, often called raw; a page to sign in means that the file is not public"
        );
        let error = ValidationError::new("InputError", message);
        return vec![Err(Box::new(Fault { error, place: None, seems: Seems::default() }))];
    }
    let documents = (1..).zip(yaml::documents(text));
    documents.filter_map(|(number, document)| draft(number, document, text, location).transpose()).collect()
}

/// Whether a text is what browsers show: servers answer with pages where a file was asked for.
fn is_page(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    ["<!doctype", "<html"]
        .iter()
        .any(|start| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

fn draft(
    number: u32,
    document: Result<yaml::Document, yaml::YamlError>,
    text: &str,
    location: &LocationRef,
) -> Result<Option<Draft>, Box<Fault>> {
    let document = document.map_err(|error| {
        let message = format!("YAML error at {location}, document {number}, {error}");
        let place = Place { document: number, position: error.position };
        let error = ValidationError::new("Error", message);
        Box::new(Fault { error, place: Some(place), seems: seems(text, place.position) })
    })?;
    let found = match &document.value {
        Value::Null => return Ok(None),
        Value::Object(_) => None,
        Value::Array(_) => Some("array"),
        Value::String(_) => Some("string"),
        Value::Number(_) => Some("number"),
        Value::Bool(_) => Some("boolean"),
    };
    let text =
        |pointer: &str| document.value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.contains('\0'));
    let seems = || Seems { kind: text("/kind").map(str::to_owned), name: text("/metadata/name").map(str::to_owned) };
    let fault = |error: ValidationError, seems| {
        let place = Place { document: number, position: document.positions.nearest(&error.pointer) };
        Box::new(Fault { place: Some(place), error, seems })
    };
    if let Some(found) = found {
        let message = format!("Expected object at root, got {found}");
        return Err(fault(ValidationError::new("InputError", message), Seems::default()));
    }
    let seems = seems();
    let entity = check_envelope(document.value.clone()).map_err(|error| fault(error, seems))?;
    Ok(Some(Draft { entity, positions: Arc::new(document.positions), document: number }))
}

/// Looks for `kind:` and `name:` in the lines of the document around an error.
fn seems(text: &str, at: Position) -> Seems {
    let lines: Vec<&str> = text.lines().collect();
    let line = usize::try_from(at.line).unwrap_or(usize::MAX).min(lines.len());
    let is_border = |line: &&str| line.starts_with("---");
    let start = lines[..line].iter().rposition(is_border).map_or(0, |border| border + 1);
    let end = lines[line..].iter().position(is_border).map_or(lines.len(), |border| line + border);
    let value = |prefix: &str| {
        let found = lines.get(start..end)?.iter().find_map(|line| line.strip_prefix(prefix))?;
        let word = found.trim().trim_matches(['"', '\'']);
        let is_word =
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        is_word.then(|| word.to_owned())
    };
    Seems { kind: value("kind:"), name: value("  name:") }
}

/// Replaces placeholders in entities.
pub(super) struct Placeholders<'a> {
    pub(super) reader: &'a Reader,
    pub(super) location: &'a LocationRef,
}

/// A file that a placeholder brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Include {
    /// `type:target`
    pub(super) location: String,
    /// As in [`super::reader::Fetched`].
    pub(super) stamp: Option<String>,
    /// As in [`super::reader::Fetched`].
    pub(super) version: String,
}

/// How many placeholders one entity may have.
const MAX_PLACEHOLDERS: usize = 100;

impl Placeholders<'_> {
    /// Whether an entity has any.
    pub(super) fn are_in(entity: &Entity) -> bool {
        let mut found = Vec::new();
        entity.0.iter().for_each(|(key, value)| find(value, &mut key.clone(), &mut found));
        !found.is_empty()
    }

    /// The entity with every placeholder replaced; what a placeholder brings in is not searched again, only noted.
    pub(super) async fn replace(&self, entity: Entity, includes: &mut Vec<Include>) -> Result<Entity, ValidationError> {
        let mut found = Vec::new();
        find(&Value::Object(entity.0.clone()), &mut String::new(), &mut found);
        if found.is_empty() {
            return Ok(entity);
        }
        let during =
            |error: ValidationError| error.during("Processor PlaceholderProcessor threw an error while preprocessing");
        if found.len() > MAX_PLACEHOLDERS {
            let message =
                format!("{} placeholders in one entity, at most {MAX_PLACEHOLDERS} are replaced", found.len());
            return Err(during(ValidationError::new("Error", message)));
        }
        let mut value = Value::Object(entity.0);
        for placeholder in found {
            let content = self.content(&placeholder, includes).await;
            let content =
                content.map_err(|message| during(ValidationError::new("Error", message).at(&placeholder.pointer)))?;
            if let Some(place) = value.pointer_mut(&placeholder.pointer) {
                *place = content;
            }
        }
        match value {
            Value::Object(map) => Ok(Entity(map)),
            // A placeholder for the whole entity is not found: an entity has more than one key.
            _ => Ok(Entity(Map::new())),
        }
    }

    fn content<'a>(
        &'a self,
        placeholder: &'a Placeholder,
        includes: &'a mut Vec<Include>,
    ) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(async move {
            let Placeholder { key, value, .. } = placeholder;
            let Some(target) = value.as_str() else {
                return Err(format!(
                    "Placeholder ${key} expected a string value parameter, in the form of an absolute URL or a relative path"
                ));
            };
            let base = &self.location.target;
            let location = self.reader.resolve(self.location, target, LocationKind::Blob);
            let location = location.map_err(|error| {
                format!("Placeholder ${key} could not form a URL out of {base} and {target}, {error}")
            })?;
            let unreadable =
                |error: &dyn std::fmt::Display| format!("Placeholder ${key} could not read location {target}, {error}");
            let fetched = self.reader.read(&location).await;
            let fetched = fetched.map_err(|error| unreadable(&format!("{}: {error}", error.name())))?;
            let (version, stamp) = (fetched.version, fetched.stamp);
            includes.push(Include { location: location.to_string(), stamp, version });
            let text = String::from_utf8_lossy(&fetched.bytes);
            match key.as_str() {
                "json" => serde_json::from_str(&text)
                    .map_err(|error| format!("Placeholder $json failed to parse JSON data at {target}, {error}")),
                "yaml" => yaml_content(&text, target),
                _ => Ok(Value::String(text.into_owned())),
            }
        })
    }
}

fn yaml_content(text: &str, target: &str) -> Result<Value, String> {
    let mut documents = yaml::documents(text);
    let count = documents.len();
    match documents.pop() {
        Some(document) if count == 1 => document
            .map(|document| document.value)
            .map_err(|error| format!("Placeholder $yaml found an error in the data at {target}, {error}")),
        _ => Err(format!("Placeholder $yaml expected to find exactly one document of data at {target}, found {count}")),
    }
}

/// One `{$key: value}`.
struct Placeholder {
    pointer: String,
    /// Without the `$`.
    key: String,
    value: Value,
}

/// Collects placeholders. Depth is bounded by what YAML documents may have.
fn find(value: &Value, pointer: &mut String, found: &mut Vec<Placeholder>) {
    let length = pointer.len();
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                yaml::pointer_push(pointer, &at.to_string());
                find(item, pointer, found);
                pointer.truncate(length);
            }
        }
        Value::Object(map) if map.keys().any(|key| key.starts_with('$')) => {
            let only = map.iter().next().filter(|_| map.len() == 1);
            if let Some((key, value)) = only.and_then(|(key, value)| Some((key.strip_prefix('$')?, value)))
                && matches!(key, "text" | "json" | "yaml" | "openapi" | "asyncapi")
            {
                found.push(Placeholder { pointer: pointer.clone(), key: key.to_owned(), value: value.clone() });
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                yaml::pointer_push(pointer, key);
                find(item, pointer, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_entities_or_faults_with_a_place() {
        let source = "apiVersion: v1\nkind: A\nmetadata:\n  name: one\n---\n---\njust: a map\n---\n[1]\n---\napiVersion: v1\nkind: Template\nmetadata:\n  name: broken\nspec: [x\n---\napiVersion: v1\nkind: B\nmetadata:\n  name: 5\n";
        let location = LocationRef::new("file", "/x.yaml");
        let shown: Vec<String> = read(source.as_bytes(), &location)
            .into_iter()
            .map(|document| match document {
                Ok(draft) => draft.entity.name().to_owned(),
                Err(fault) => {
                    let place = fault.place.map(|place| (place.document, place.position.line));
                    format!("{} | {place:?} | {:?} {:?}", fault.error, fault.seems.kind, fault.seems.name)
                }
            })
            .collect();
        assert_eq!(shown[0], "one");
        assert_eq!(
            shown[1],
            "TypeError: <root> must have required property 'apiVersion' - missingProperty: apiVersion | Some((3, 7)) | None None"
        );
        assert_eq!(shown[2], "InputError: Expected object at root, got array | Some((4, 9)) | None None");
        assert!(shown[3].starts_with("Error: YAML error at file:/x.yaml, document 5, "), "{}", shown[3]);
        assert!(shown[3].ends_with("| Some((5, 15)) | Some(\"Template\") Some(\"broken\")"), "{}", shown[3]);
        assert_eq!(
            shown[4],
            "TypeError: /metadata/name must be string - type: string | Some((6, 20)) | Some(\"B\") None"
        );
        assert_eq!(shown.len(), 5);
    }

    #[test]
    fn placeholders_are_found_where_they_may_be() {
        let value = serde_json::json!({
            "spec": {"definition": {"$text": "./a"}, "list": [{"$yaml": "b"}, {"$unknown": 1}, {"$text": 1, "x": 2}]},
            "plain": {"text": "x"}
        });
        let mut found = Vec::new();
        find(&value, &mut String::new(), &mut found);
        let shown: Vec<_> = found.iter().map(|place| (place.pointer.as_str(), place.key.as_str())).collect();
        assert_eq!(shown, [("/spec/definition", "text"), ("/spec/list/0", "yaml")]);
    }
}
