//! What was found, as Backstage's collators describe it.

use serde_json::{Value, json};

use super::Known;
use crate::catalog::Record;
use crate::entity::Entity;
use crate::search::{Item, Marker, Section};
use crate::web::url as link;

/// Bytes of a text that are shown around marked words.
const EXCERPT: usize = 300;

/// The type and the document of an item; runs are none.
pub(super) fn document(item: &Item) -> Known {
    match item {
        Item::Entity(record, _) => Some((super::parameters::CATALOG, entity(record))),
        Item::Section(record, section) => Some((super::parameters::TECHDOCS, page(record, section))),
        Item::Run(_) => None,
    }
}

fn entity(record: &Record) -> Value {
    let entity = &record.entity();
    let kind = kind_of(entity);
    json!({
        "title": entity.text(&["metadata", "title"]).unwrap_or(entity.name()),
        "text": text_of(entity),
        "location": link::entity(&record.reference),
        "kind": entity.kind(), "namespace": entity.namespace(),
        "type": kind, "componentType": kind,
        "owner": entity.text(&["spec", "owner"]).unwrap_or_default(),
        "lifecycle": entity.text(&["spec", "lifecycle"]).unwrap_or_default(),
    })
}

fn kind_of(entity: &Entity) -> &str {
    entity.text(&["spec", "type"]).unwrap_or("other")
}

/// The description; of people and groups also what else they are called.
fn text_of(entity: &Entity) -> String {
    let mut texts = vec![entity.description().unwrap_or_default()];
    if ["User", "Group"].contains(&entity.kind()) {
        texts.extend(entity.text(&["spec", "profile", "displayName"]));
    }
    if entity.kind() == "User" {
        texts.extend(entity.text(&["spec", "profile", "email"]));
    }
    texts.join(" : ")
}

fn page(record: &Record, section: &Section) -> Value {
    let entity = &record.entity();
    let heading = if section.heading.is_empty() { &section.page } else { &section.heading };
    let path =
        if section.anchor.is_empty() { section.path.clone() } else { format!("{}#{}", section.path, section.anchor) };
    json!({
        "title": heading, "text": section.text, "path": path,
        "location": link::docs_section(&record.reference, &section.path, &section.anchor),
        "name": record.reference.name(), "kind": record.reference.kind(), "namespace": record.reference.namespace(),
        "entityTitle": entity.title(),
        "type": kind_of(entity), "componentType": kind_of(entity),
        "owner": entity.text(&["spec", "owner"]).unwrap_or_default(),
        "lifecycle": entity.text(&["spec", "lifecycle"]).unwrap_or_default(),
    })
}

/// A text with the words that were looked for between tags.
pub(super) fn marked(marker: &Marker, text: &str, tag: &str) -> String {
    let pieces = if text.len() > EXCERPT { marker.excerpt(text, EXCERPT) } else { marker.pieces(text) };
    let piece = |piece: &crate::search::Piece| {
        if piece.is_marked { format!("<{tag}>{}</{tag}>", piece.text) } else { piece.text.clone() }
    };
    pieces.iter().map(piece).collect()
}
