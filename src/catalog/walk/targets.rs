//! The files that a `Location` entity names.

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::read::File;
use super::{Branch, CONCURRENT_READS, MAX_DEPTH, MAX_FILES, MAX_TARGET, Walker};
use crate::catalog::location::LocationRef;
use crate::catalog::reader::ReadError;
use crate::entity::{Entity, ValidationError};
use crate::forge::LocationKind;

impl Walker<'_> {
    /// Reads the files that a location names. Errors become the location's.
    pub(super) async fn files_of(&mut self, branch: &Branch) -> Vec<File> {
        let mut locations = Vec::new();
        for target in targets(&branch.entity) {
            match self.locate(branch, target).await {
                Ok(found) => locations.extend(found),
                Err(error) => {
                    self.walk.uncertain.insert(branch.reference.clone());
                    self.location_error(branch, &branch.location.clone(), error);
                }
            }
        }
        self.files += locations.len();
        if self.files > MAX_FILES || branch.depth > MAX_DEPTH {
            let message = format!(
                "{} leads to too many files: at most {MAX_FILES}, {MAX_DEPTH} locations deep",
                self.process.root
            );
            self.location_error(branch, &branch.location.clone(), ValidationError::new("Error", message));
            self.walk.uncertain.insert(branch.reference.clone());
            locations.clear();
        }
        // Two locations may lead to one file; it belongs to the one that did first.
        locations.retain(|location| self.visited.insert(location.to_string()));
        let (process, before) = (&self.process, self.before);
        let read = |location| process.file(location, &branch.reference, before);
        let files: Vec<File> = stream::iter(locations).map(read).buffered(CONCURRENT_READS).collect().await;
        let is_optional = branch.entity.text(&["spec", "presence"]) == Some("optional");
        for file in &files {
            let Err(error) = &file.content else { continue };
            if !(is_optional && error.is_not_found()) {
                self.walk.uncertain.extend([file.location.to_string(), branch.reference.clone()]);
                self.location_error(branch, &file.location, unreadable(&file.location, error));
            }
        }
        files
    }

    /// The files that one target stands for.
    async fn locate(&self, branch: &Branch, target: &str) -> Result<Vec<LocationRef>, ValidationError> {
        let base = &branch.location;
        if target.len() > MAX_TARGET {
            let message = format!("a target has {} bytes, at most {MAX_TARGET} are possible", target.len());
            return Err(ValidationError::new("InputError", message));
        }
        let kind = branch.entity.text(&["spec", "type"]).unwrap_or(&base.kind);
        let is_root = branch.depth == 0;
        // Only what is on this machine's disk itself may lead to other files on it.
        if !is_root && kind != base.kind && kind != "url" {
            return Err(ValidationError::new(
                "InputError",
                "Registered locations must be of an allowed type [\"url\"]",
            ));
        }
        let location = if is_root {
            LocationRef::new(kind, target)
        } else if kind == base.kind {
            let resolved = self.process.reader.resolve(base, target, LocationKind::Blob);
            resolved.map_err(|error| ValidationError::new(error.name(), error.to_string()))?
        } else {
            let url = url::Url::parse(target)
                .map_err(|error| ValidationError::new("InputError", format!("\"{target}\" is not a URL: {error}")))?;
            LocationRef::new("url", self.process.reader.canonical(&url))
        };
        if location.is_file() && location.target.ends_with('/') {
            let message = format!(
                "LocationEntityProcessor cannot handle file type location with target {} that ends with a path separator",
                location.target
            );
            return Err(ValidationError::new("InputError", message));
        }
        let found = self.process.reader.expand(&location).await;
        let found = found.map_err(|error| unreadable(&location, &error))?;
        let is_optional = branch.entity.text(&["spec", "presence"]) == Some("optional");
        if found.is_empty() && !is_optional {
            return Err(unreadable(&location, &ReadError::NotFound(location.target.clone())));
        }
        Ok(found)
    }
}

/// `spec.target` and `spec.targets`.
fn targets(location: &Entity) -> impl Iterator<Item = &str> {
    let one = location.text(&["spec", "target"]);
    let many = location.at(&["spec", "targets"]).and_then(Value::as_array);
    one.into_iter().chain(many.into_iter().flatten().filter_map(Value::as_str))
}

/// A failed read in Backstage's words.
fn unreadable(location: &LocationRef, error: &ReadError) -> ValidationError {
    let message = match (location.is_file(), error.is_not_found()) {
        (true, true) => format!("file {} does not exist", location.target),
        (true, false) => format!("file {} could not be read, {error}", location.target),
        (false, true) => format!("Unable to read url, no matching files found for {}", location.target),
        (false, false) => format!("Unable to read url, {error}"),
    };
    ValidationError::new(error.name(), message)
}
