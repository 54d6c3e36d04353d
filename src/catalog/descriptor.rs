//! Descriptor files: the entities that their documents declare.
//!
//! [`read`] takes the text apart; [`Placeholders`] then replaces `{$text: ./file}`, `$json`, `$yaml`, `$openapi`,
//! `$asyncapi` by what the file contains, relative to the descriptor. Documents that are null are skipped, as
//! Backstage does; everything else that is no entity is a [`Fault`] with its place.

mod bundle;
mod placeholder;
mod pointer;

pub(super) use self::placeholder::{Include, Placeholders};

use std::sync::Arc;

use serde_json::Value;

use super::location::LocationRef;
use crate::entity::{Entity, ValidationError, check_envelope};
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
}
