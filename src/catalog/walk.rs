//! What a root location declares now: it is read, then the `Location` entities in it, and so on.
//!
//! Rules (Backstage's, where not said otherwise):
//! - A file with a broken document, an entity of a forbidden kind or a broken envelope counts as not read: what is known
//!   from it stays as it is. Other files of the same location are not affected, unlike in Backstage.
//! - A location that names something that is not there counts as not read as a whole, unless its presence is optional.
//! - A location that brought nothing because of that is itself not shown until it does.
//! - An entity that is invalid concerns only itself.
//!
//! Nothing here writes; [`Walk`] is compared with the store by `ingest`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};

use super::config::CatalogConfig;
use super::descriptor::{self, Draft, Fault, Placeholders, Seems};
use super::location::LocationRef;
use super::reader::{ReadError, Reader};
use crate::entity::{
    self, Entity, MANAGED_BY_LOCATION, MANAGED_BY_ORIGIN_LOCATION, SOURCE_LOCATION, VIEW_URL, ValidationError,
};
use crate::forge::LocationKind;
use crate::yaml::{Position, Positions};

/// How many files one root may lead to, and how deep.
const MAX_FILES: usize = 20_000;
const MAX_DEPTH: usize = 20;
/// Files of one location that are read at the same time.
const CONCURRENT_READS: usize = 8;

/// The result of reading a root location.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Entities that are valid, parents before children.
    pub(super) declared: Vec<Declared>,
    /// Entities that are there but invalid: they keep their last good version.
    pub(super) invalid: HashMap<String, ValidationError>,
    /// Files whose content is not known now, and locations whose files are not all known: what came from them stays.
    pub(super) uncertain: HashSet<String>,
    /// Everything that is wrong.
    pub(super) troubles: Vec<Trouble>,
}

/// One valid entity.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// Canonical reference.
    pub(super) reference: String,
    /// With annotations and namespace; without uid, relations and status.
    pub(super) entity: Entity,
    /// The file it is in.
    pub(super) location: LocationRef,
    /// The `Location` entity that led to it.
    pub(super) parent: Option<String>,
    /// Where its fields are; kept for templates, whose errors are found later.
    pub(super) positions: Option<Arc<Positions>>,
    /// Commit, ETag or hash of the file; only of templates, whose other files change with it.
    pub(super) version: Option<String>,
    /// Errors of what it leads to, for a `Location`.
    pub(super) errors: Vec<ValidationError>,
}

/// One thing that is wrong, with its place.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub(super) location: LocationRef,
    pub(super) error: ValidationError,
    pub(super) position: Option<Position>,
    /// The entity, if it is known which.
    pub(super) entity: Option<String>,
    pub(super) seems: Seems,
}

/// A `Location` entity whose targets are to be read.
struct Branch {
    entity: Entity,
    reference: String,
    location: LocationRef,
    depth: usize,
    /// Where it is in `declared`.
    at: usize,
}

/// One file of a location.
struct File {
    location: LocationRef,
    content: Result<(Vec<Result<Draft, Fault>>, String), ReadError>,
}

impl Walk {
    /// Whether nothing could be read at all.
    pub(super) fn is_failed(&self) -> bool {
        self.declared.is_empty()
    }
}

/// Whether an entity could come from a location: everything that reading it would check, one level deep.
pub(super) async fn validate(reader: &Reader, entity: Entity, location: &LocationRef) -> Result<(), ValidationError> {
    let config = CatalogConfig::default();
    let mut walker = Walker { reader, config: &config, root: location, walk: Walk::default(), seen: HashSet::new(), files: 0 };
    let entity = walker.process(entity, location).await?;
    if entity.kind() != "Location" {
        return Ok(());
    }
    let reference = entity.reference().to_string();
    let mut branch = walker.generated();
    branch = Branch { entity, reference, location: location.clone(), depth: 1, at: branch.at };
    walker.files_of(&branch).await;
    walker.walk.troubles.into_iter().next().map_or(Ok(()), |trouble| Err(trouble.error))
}

/// Reads a root location and everything it leads to.
pub(super) async fn walk(reader: &Reader, config: &CatalogConfig, root: &LocationRef) -> Walk {
    let mut walker = Walker { reader, config, root, walk: Walk::default(), seen: HashSet::new(), files: 0 };
    walker.run().await;
    walker.walk
}

struct Walker<'a> {
    reader: &'a Reader,
    config: &'a CatalogConfig,
    root: &'a LocationRef,
    walk: Walk,
    /// References declared so far.
    seen: HashSet<String>,
    files: usize,
}

impl Walker<'_> {
    async fn run(&mut self) {
        let root = self.generated();
        let mut branches = VecDeque::from([root]);
        let mut barren = Vec::new();
        while let Some(branch) = branches.pop_front() {
            let files = self.files_of(&branch).await;
            let before = self.walk.declared.len() + self.walk.invalid.len();
            let is_whole = !self.walk.declared[branch.at].errors.iter().any(|error| error.name == "NotFoundError");
            for file in files {
                branches.extend(self.take(&branch, file, is_whole).await);
            }
            let brought = self.walk.declared.len() + self.walk.invalid.len() - before;
            if brought == 0 && !self.walk.declared[branch.at].errors.is_empty() {
                barren.push(branch.reference);
            }
        }
        // Locations with nothing but errors are known to the problems page only.
        let mut errors = HashMap::new();
        self.walk.declared.retain(|declared| {
            let is_barren = barren.contains(&declared.reference);
            if is_barren {
                errors.extend(declared.errors.first().map(|error| (declared.reference.clone(), error.clone())));
            }
            !is_barren
        });
        self.walk.invalid.extend(errors);
    }

    /// The `Location` entity that stands for the root.
    fn generated(&mut self) -> Branch {
        let metadata = json!({"name": self.root.entity_name()});
        let spec = json!({"type": self.root.kind, "target": self.root.target});
        let entity = [("apiVersion", json!("backstage.io/v1alpha1")), ("kind", json!("Location")), ("metadata", metadata), ("spec", spec)];
        let entity = Entity(entity.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
        let entity = self.annotate(entity, self.root);
        let reference = entity.reference().to_string();
        self.seen.insert(reference.clone());
        self.walk.declared.push(Declared {
            reference: reference.clone(),
            entity: entity.clone(),
            location: self.root.clone(),
            parent: None,
            positions: None,
            version: None,
            errors: Vec::new(),
        });
        Branch { entity, reference, location: self.root.clone(), depth: 0, at: 0 }
    }

    /// Reads the files that a location names. Errors become the location's.
    async fn files_of(&mut self, branch: &Branch) -> Vec<File> {
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
            let message = format!("{} leads to too many files: at most {MAX_FILES}, {MAX_DEPTH} locations deep", self.root);
            self.location_error(branch, &branch.location.clone(), ValidationError::new("Error", message));
            self.walk.uncertain.insert(branch.reference.clone());
            locations.clear();
        }
        let reader = self.reader;
        let read = |location: LocationRef| async move {
            let content = reader.read(&location).await;
            let content = content.map(|fetched| (descriptor::read(&fetched.bytes, &location), fetched.version));
            File { location, content }
        };
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
        let kind = branch.entity.text(&["spec", "type"]).unwrap_or(&base.kind);
        let is_root = branch.depth == 0;
        // Only what is on this machine's disk itself may lead to other files on it.
        if !is_root && kind != base.kind && kind != "url" {
            return Err(ValidationError::new("InputError", "Registered locations must be of an allowed type [\"url\"]"));
        }
        let location = if is_root {
            LocationRef::new(kind, target)
        } else if kind == base.kind {
            let resolved = self.reader.resolve(base, target, LocationKind::Blob);
            resolved.map_err(|error| ValidationError::new(error.name(), error.to_string()))?
        } else {
            let url = url::Url::parse(target)
                .map_err(|error| ValidationError::new("InputError", format!("\"{target}\" is not a URL: {error}")))?;
            LocationRef::new("url", self.reader.canonical(&url))
        };
        if location.is_file() && location.target.ends_with('/') {
            let message = format!("LocationEntityProcessor cannot handle file type location with target {} that ends with a path separator", location.target);
            return Err(ValidationError::new("InputError", message));
        }
        let found = self.reader.expand(&location).await;
        let found = found.map_err(|error| unreadable(&location, &error))?;
        let is_optional = branch.entity.text(&["spec", "presence"]) == Some("optional");
        if found.is_empty() && !is_optional {
            return Err(unreadable(&location, &ReadError::NotFound(location.target.clone())));
        }
        Ok(found)
    }

    /// Takes the entities of a file; the locations among them are to be read next.
    async fn take(&mut self, branch: &Branch, file: File, is_whole: bool) -> Vec<Branch> {
        let File { location, content } = file;
        let Ok((documents, version)) = content else { return Vec::new() };
        let mut drafts = Vec::new();
        let mut is_sound = is_whole;
        for document in documents {
            match document.and_then(|draft| self.permit(draft, &location)) {
                Ok(draft) => drafts.push(draft),
                Err(fault) => {
                    is_sound = false;
                    self.fault(branch, &location, fault);
                }
            }
        }
        if !is_sound {
            self.walk.uncertain.insert(location.to_string());
            return Vec::new();
        }
        let mut branches = Vec::new();
        for draft in drafts {
            branches.extend(self.declare(branch, &location, draft, &version).await);
        }
        branches
    }

    /// Refuses an entity of a kind that may not come from here.
    fn permit(&self, draft: Draft, location: &LocationRef) -> Result<Draft, Fault> {
        if self.config.allows(&draft.entity, self.root) {
            return Ok(draft);
        }
        let message = format!(
            "Entity {} at {location}, originated at {}, is not of an allowed kind for that location",
            draft.entity.reference(),
            self.root
        );
        Err(Fault {
            error: ValidationError::new("NotAllowedError", message).at("/kind"),
            position: draft.positions.key("/kind"),
            seems: Seems { kind: Some(draft.entity.kind().to_owned()), name: Some(draft.entity.name().to_owned()) },
        })
    }

    /// Processes one entity: valid, it is declared; invalid, that is noted.
    async fn declare(&mut self, branch: &Branch, location: &LocationRef, draft: Draft, version: &str) -> Option<Branch> {
        let reference = draft.entity.reference().to_string();
        if !self.seen.insert(reference.clone()) {
            let message = format!("{reference} is declared twice below {}; the first one counts", self.root);
            let error = ValidationError::new("ConflictError", message).at("/metadata/name");
            self.trouble(location, error, &draft, &reference);
            return None;
        }
        let positions = Arc::clone(&draft.positions);
        let is_template = draft.entity.kind() == "Template";
        let entity = match self.process(draft.entity.clone(), location).await {
            Ok(entity) => entity,
            Err(error) => {
                self.trouble(location, error.clone(), &draft, &reference);
                self.walk.invalid.insert(reference, error);
                return None;
            }
        };
        let is_location = entity.kind() == "Location";
        self.walk.declared.push(Declared {
            reference: reference.clone(),
            entity: entity.clone(),
            location: location.clone(),
            parent: Some(branch.reference.clone()),
            positions: is_template.then_some(positions),
            version: is_template.then(|| version.to_owned()),
            errors: Vec::new(),
        });
        let at = self.walk.declared.len() - 1;
        is_location.then(|| Branch { entity, reference, location: location.clone(), depth: branch.depth + 1, at })
    }

    /// Everything between what is written and what is stored.
    async fn process(&self, entity: Entity, location: &LocationRef) -> Result<Entity, ValidationError> {
        let placeholders = Placeholders { reader: self.reader, location };
        let mut entity = placeholders.replace(entity).await?;
        entity::sort_references(&mut entity);
        entity::check(&entity)?;
        Ok(self.annotate(entity, location))
    }

    /// Adds the namespace and where the entity comes from, as Backstage does.
    fn annotate(&self, mut entity: Entity, location: &LocationRef) -> Entity {
        let Some(Value::Object(metadata)) = entity.0.get_mut("metadata") else { return entity };
        metadata.entry("namespace").or_insert_with(|| json!("default"));
        let written = match metadata.shift_remove("annotations") {
            Some(Value::Object(written)) => written,
            _ => Map::new(),
        };
        let mut annotations = Map::new();
        annotations.insert(MANAGED_BY_LOCATION.to_owned(), json!(location.to_string()));
        annotations.insert(MANAGED_BY_ORIGIN_LOCATION.to_owned(), json!(self.root.to_string()));
        if let Some((view, folder)) = self.reader.browse(location) {
            annotations.insert(VIEW_URL.to_owned(), json!(view));
            if let Some(folder) = folder {
                annotations.insert(SOURCE_LOCATION.to_owned(), json!(format!("url:{folder}")));
            }
        }
        for (key, value) in written {
            if key != MANAGED_BY_LOCATION && key != MANAGED_BY_ORIGIN_LOCATION {
                annotations.insert(key, value);
            }
        }
        for key in [VIEW_URL, "backstage.io/edit-url"] {
            if let Some(value) = annotations.get_mut(key)
                && value.as_str().is_some_and(is_script)
            {
                *value = json!("https://backstage.io/annotation-rejected-for-security-reasons");
            }
        }
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
        entity
    }

    fn location_error(&mut self, branch: &Branch, location: &LocationRef, error: ValidationError) {
        self.walk.declared[branch.at].errors.push(error.clone());
        let entity = Some(branch.reference.clone());
        self.walk.troubles.push(Trouble { location: location.clone(), error, position: None, entity, seems: Seems::default() });
    }

    fn fault(&mut self, branch: &Branch, location: &LocationRef, fault: Fault) {
        self.walk.declared[branch.at].errors.push(fault.error.clone());
        let Fault { error, position, seems } = fault;
        self.walk.troubles.push(Trouble { location: location.clone(), error, position, entity: None, seems });
    }

    fn trouble(&mut self, location: &LocationRef, error: ValidationError, draft: &Draft, reference: &str) {
        let position = Some(draft.positions.nearest(&error.pointer));
        let seems = Seems { kind: Some(draft.entity.kind().to_owned()), name: Some(draft.entity.name().to_owned()) };
        self.walk.troubles.push(Trouble { location: location.clone(), error, position, entity: Some(reference.to_owned()), seems });
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

/// Whether a browser would run the URL as a script; control characters and blanks before the scheme do not stop it.
fn is_script(url: &str) -> bool {
    let scheme: String = url.chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(11).collect();
    scheme.eq_ignore_ascii_case("javascript:")
}
