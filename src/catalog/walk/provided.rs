//! What a provider gives, as if it had been read: finished entities, without files.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;

use super::process::Process;
use super::read::Ready;
use super::{Declared, Extent, Trouble, Walk, Written};
use crate::catalog::config::CatalogConfig;
use crate::catalog::descriptor::Seems;
use crate::catalog::location::LocationRef;
use crate::catalog::problem::CONFLICT;
use crate::catalog::reader::Reader;
use crate::catalog::record::digest;
use crate::entity::{self, Entity, MANAGED_BY_LOCATION, MANAGED_BY_ORIGIN_LOCATION, ValidationError};

/// What a provider's answer declares. The locations that it gives beside are part of the digest.
pub(in crate::catalog) fn of_provider(
    reader: &Reader,
    config: &Arc<CatalogConfig>,
    root: &LocationRef,
    entities: Vec<Entity>,
    extent: Extent,
    locations: &[LocationRef],
) -> Walk {
    let process = Process::new(reader, config, root);
    let mut walk = Walk { extent, ..Walk::default() };
    let mut names = HashSet::new();
    for entity in entities {
        declare(&process, &mut walk, &mut names, entity);
    }
    let hashes: Vec<_> = walk.declared.iter().filter_map(|declared| Some(&declared.written.as_ref()?.hash)).collect();
    let troubles: Vec<String> = walk.troubles.iter().map(|trouble| format!("{trouble:?}")).collect();
    let locations: Vec<String> = locations.iter().map(ToString::to_string).collect();
    walk.digest = digest(json!([process.context(root), hashes, troubles, locations]).to_string().as_bytes());
    walk
}

/// No answer: everything stays, and the error is shown.
pub(in crate::catalog) fn unanswered(
    reader: &Reader,
    config: &Arc<CatalogConfig>,
    root: &LocationRef,
    error: ValidationError,
) -> Walk {
    let context = Process::new(reader, config, root).context(root);
    let digest = digest(json!([context, error.name, error.message]).to_string().as_bytes());
    let trouble = Trouble { location: root.clone(), error, place: None, entity: None, seems: Seems::default() };
    Walk { extent: Extent::Unknown, troubles: vec![trouble], digest, is_failed: true, ..Walk::default() }
}

fn declare(process: &Process, walk: &mut Walk, names: &mut HashSet<String>, entity: Entity) {
    let seems = Seems { kind: Some(entity.kind().to_owned()), name: Some(entity.name().to_owned()) };
    let root = &process.root;
    let trouble = |entity: Option<String>, error: ValidationError| Trouble {
        location: (**root).clone(),
        error,
        place: None,
        entity,
        seems: seems.clone(),
    };
    let entity = match entity::check_envelope(entity.0.into()) {
        Ok(entity) => entity,
        Err(error) => return walk.troubles.push(trouble(None, error)),
    };
    let reference = entity.reference().to_string();
    if !names.insert(reference.clone()) {
        let message = format!("{reference} is provided twice by {root}; the first one counts");
        let error = ValidationError::new(CONFLICT, message).at("/metadata/name");
        return walk.troubles.push(trouble(Some(reference), error));
    }
    match finished(process, entity) {
        Ok((location, ready)) => {
            let Ready { document, edges, hash, .. } = ready;
            let written = Some(Written { document, edges, hash, positions: None, version: None });
            walk.declared.push(Declared { reference, written, location, parent: None, errors: Vec::new() });
        }
        Err(error) => {
            walk.troubles.push(trouble(Some(reference.clone()), error.clone()));
            walk.invalid.insert(reference, error);
        }
    }
}

/// An entity as it is stored, and the place it says it comes from.
fn finished(process: &Process, mut entity: Entity) -> Result<(LocationRef, Ready), ValidationError> {
    if entity.kind().eq_ignore_ascii_case("Location") {
        let message = format!("{} is a Location; {} must give locations as such", entity.reference(), process.root);
        return Err(ValidationError::new("InputError", message).at("/kind"));
    }
    let location = place(&entity, MANAGED_BY_LOCATION)?;
    place(&entity, MANAGED_BY_ORIGIN_LOCATION)?;
    entity::sort_references(&mut entity);
    let edges = entity::check(&process.config.model, &entity)?;
    let entity = Process::guarded(entity);
    let ready = Ready::new(entity, &edges, &location, None, "");
    Ok((location, ready))
}

fn place(entity: &Entity, annotation: &str) -> Result<LocationRef, ValidationError> {
    let written = entity.annotation(annotation);
    written.and_then(LocationRef::parse).ok_or_else(|| {
        let message = format!(
            "{} has no annotation {annotation} that says where it comes from, as in `url:https://host/path`",
            entity.reference()
        );
        ValidationError::new("InputError", message).at("/metadata/annotations")
    })
}
