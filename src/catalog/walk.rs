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

mod process;
mod targets;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde_json::json;

use super::config::CatalogConfig;
use super::descriptor::{Draft, Fault, Seems};
use super::location::LocationRef;
use super::reader::{ReadError, Reader};
use crate::entity::{Edge, Entity, Model, ValidationError};
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
    /// The relations it states, by the model it was checked with.
    pub(super) edges: Vec<Edge>,
    /// The file it is in.
    pub(super) location: LocationRef,
    /// The `Location` entity that led to it.
    pub(super) parent: Option<String>,
    /// Where its fields are; kept for templates, whose errors are found later.
    pub(super) positions: Option<Arc<Positions>>,
    /// Commit, `ETag` or hash of the file; only of templates, whose other files change with it.
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

/// What a file holds.
struct Content {
    documents: Vec<Result<Draft, Box<Fault>>>,
    version: String,
}

/// One file of a location.
struct File {
    location: LocationRef,
    content: Result<Content, ReadError>,
}

impl Walk {
    /// Whether nothing could be read at all.
    pub(super) fn is_failed(&self) -> bool {
        self.declared.is_empty()
    }
}

/// Whether an entity could come from a location: everything that reading it would check, one level deep.
pub(super) async fn validate(
    reader: &Reader,
    model: &Model,
    entity: Entity,
    location: &LocationRef,
) -> Result<(), ValidationError> {
    let config = CatalogConfig { model: model.clone(), ..CatalogConfig::default() };
    let mut walker =
        Walker { reader, config: &config, root: location, walk: Walk::default(), seen: HashSet::new(), files: 0 };
    let (entity, _) = walker.process(entity, location).await?;
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
        let entity = [
            ("apiVersion", json!("backstage.io/v1alpha1")),
            ("kind", json!("Location")),
            ("metadata", metadata),
            ("spec", spec),
        ];
        let entity = Entity(entity.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
        let entity = self.annotate(entity, self.root);
        let reference = entity.reference().to_string();
        self.seen.insert(reference.clone());
        self.walk.declared.push(Declared {
            reference: reference.clone(),
            entity: entity.clone(),
            edges: Vec::new(),
            location: self.root.clone(),
            parent: None,
            positions: None,
            version: None,
            errors: Vec::new(),
        });
        Branch { entity, reference, location: self.root.clone(), depth: 0, at: 0 }
    }

    /// Takes the entities of a file; the locations among them are to be read next.
    async fn take(&mut self, branch: &Branch, file: File, is_whole: bool) -> Vec<Branch> {
        let File { location, content } = file;
        let Ok(Content { documents, version }) = content else {
            return Vec::new();
        };
        let mut drafts = Vec::new();
        let mut is_sound = is_whole;
        for document in documents {
            match document.and_then(|draft| self.permit(draft, &location)) {
                Ok(draft) => drafts.push(draft),
                Err(fault) => {
                    is_sound = false;
                    self.fault(branch, &location, *fault);
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
    fn permit(&self, draft: Draft, location: &LocationRef) -> Result<Draft, Box<Fault>> {
        if self.config.allows(&draft.entity, self.root) {
            return Ok(draft);
        }
        let message = format!(
            "Entity {} at {location}, originated at {}, is not of an allowed kind for that location",
            draft.entity.reference(),
            self.root
        );
        Err(Box::new(Fault {
            error: ValidationError::new("NotAllowedError", message).at("/kind"),
            position: draft.positions.key("/kind"),
            seems: Seems { kind: Some(draft.entity.kind().to_owned()), name: Some(draft.entity.name().to_owned()) },
        }))
    }

    /// Processes one entity: valid, it is declared; invalid, that is noted.
    async fn declare(
        &mut self,
        branch: &Branch,
        location: &LocationRef,
        draft: Draft,
        version: &str,
    ) -> Option<Branch> {
        let reference = draft.entity.reference().to_string();
        if !self.seen.insert(reference.clone()) {
            let message = format!("{reference} is declared twice below {}; the first one counts", self.root);
            let error = ValidationError::new("ConflictError", message).at("/metadata/name");
            self.trouble(location, error, &draft, &reference);
            return None;
        }
        let positions = Arc::clone(&draft.positions);
        let is_template = draft.entity.kind() == "Template";
        let (entity, edges) = match self.process(draft.entity.clone(), location).await {
            Ok(processed) => processed,
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
            edges,
            location: location.clone(),
            parent: Some(branch.reference.clone()),
            positions: is_template.then_some(positions),
            version: is_template.then(|| version.to_owned()),
            errors: Vec::new(),
        });
        let at = self.walk.declared.len() - 1;
        is_location.then(|| Branch { entity, reference, location: location.clone(), depth: branch.depth + 1, at })
    }

    fn location_error(&mut self, branch: &Branch, location: &LocationRef, error: ValidationError) {
        self.walk.declared[branch.at].errors.push(error.clone());
        let entity = Some(branch.reference.clone());
        self.walk.troubles.push(Trouble {
            location: location.clone(),
            error,
            position: None,
            entity,
            seems: Seems::default(),
        });
    }

    fn fault(&mut self, branch: &Branch, location: &LocationRef, fault: Fault) {
        self.walk.declared[branch.at].errors.push(fault.error.clone());
        let Fault { error, position, seems } = fault;
        self.walk.troubles.push(Trouble { location: location.clone(), error, position, entity: None, seems });
    }

    fn trouble(&mut self, location: &LocationRef, error: ValidationError, draft: &Draft, reference: &str) {
        let position = Some(draft.positions.nearest(&error.pointer));
        let seems = Seems { kind: Some(draft.entity.kind().to_owned()), name: Some(draft.entity.name().to_owned()) };
        self.walk.troubles.push(Trouble {
            location: location.clone(),
            error,
            position,
            entity: Some(reference.to_owned()),
            seems,
        });
    }
}
