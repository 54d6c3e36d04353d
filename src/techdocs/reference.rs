//! Where the documentation of an entity is: `backstage.io/techdocs-ref`, and `backstage.io/techdocs-entity` for what is
//! borrowed.

use crate::catalog::{LocationRef, Reader, Record};
use crate::entity::{Entity, EntityRef, RefDefaults, SOURCE_LOCATION, TECHDOCS_REF};
use crate::forge::LocationKind;

/// The entity whose documentation is this one's too.
pub(crate) const TECHDOCS_ENTITY: &str = "backstage.io/techdocs-entity";
/// The page of that documentation to begin with.
pub(crate) const TECHDOCS_ENTITY_PATH: &str = "backstage.io/techdocs-entity-path";

/// Where documentation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Where {
    /// A folder with `mkdocs.yml`.
    Own(LocationRef),
    /// With another entity, from a page on.
    Borrowed(EntityRef, String),
}

/// Whether an entity says where its documentation is.
pub(crate) fn is_documented(entity: &Entity) -> bool {
    entity.annotation(TECHDOCS_REF).is_some() || entity.annotation(TECHDOCS_ENTITY).is_some()
}

/// Where the documentation of an entity is; `None` if it says nothing.
pub(crate) fn of(reader: &Reader, record: &Record) -> Option<Result<Where, String>> {
    // Most entities say nothing, and need not be read for it.
    memchr::memmem::find(&record.json, b"backstage.io/techdocs-")?;
    let entity = record.entity();
    if let Some(reference) = entity.annotation(TECHDOCS_REF) {
        return Some(own(reader, record, &entity, reference.trim()).map(Where::Own));
    }
    let other = entity.annotation(TECHDOCS_ENTITY)?;
    let defaults = RefDefaults { kind: None, namespace: Some(record.reference.namespace()) };
    let path = entity.annotation(TECHDOCS_ENTITY_PATH).unwrap_or_default().trim_start_matches('/').to_owned();
    Some(match EntityRef::parse(other, defaults) {
        Ok(reference) => Ok(Where::Borrowed(reference, path)),
        Err(error) => Err(format!("annotation {TECHDOCS_ENTITY}: {error}")),
    })
}

fn own(reader: &Reader, record: &Record, entity: &Entity, reference: &str) -> Result<LocationRef, String> {
    let folder = folder(reader, record, entity, reference)?;
    // What can never be read is not asked for again and again.
    reader.has_folders(&folder).map_err(|error| format!("annotation {TECHDOCS_REF}: {error}"))?;
    Ok(folder)
}

fn folder(reader: &Reader, record: &Record, entity: &Entity, reference: &str) -> Result<LocationRef, String> {
    let wrong = |reason: String| format!("annotation {TECHDOCS_REF}: {reason}");
    let (kind, target) = reference
        .split_once(':')
        .ok_or_else(|| wrong(format!("`{reference}` is not of the form dir:<path> or url:<address>")))?;
    match kind {
        "url" => {
            let base = LocationRef::parse(&record.location).unwrap_or_else(|| LocationRef::new("url", target));
            let is_web = target.starts_with("https://") || target.starts_with("http://");
            if !is_web {
                return Err(wrong(format!("`{target}` is no address")));
            }
            reader.resolve(&base, target, LocationKind::Tree).map_err(|error| wrong(error.to_string()))
        }
        "dir" => {
            // Backstage counts from the source location where one is written; the descriptor's folder otherwise.
            let source = entity.annotation(SOURCE_LOCATION).and_then(LocationRef::parse);
            let source = source.filter(LocationRef::is_url);
            let base = source.or_else(|| LocationRef::parse(&record.location));
            let base = base.ok_or_else(|| wrong("it is not known where the entity comes from".to_owned()))?;
            let target = if target.is_empty() { "." } else { target };
            let folder = format!("{}/", target.trim_end_matches('/'));
            if base.is_file() && (target.starts_with('/') || escapes(target)) {
                return Err(wrong(format!("`{target}` leads out of the folder of the descriptor")));
            }
            reader.resolve(&base, &folder, LocationKind::Tree).map_err(|error| wrong(error.to_string()))
        }
        other => Err(wrong(format!("`{other}` is not known, only dir and url are"))),
    }
}

fn escapes(path: &str) -> bool {
    super::path::joined("", path).is_none()
}
