//! What a root location declares now: it is read, then the `Location` entities in it, and so on.
//!
//! Rules (Backstage's, where not said otherwise):
//! - A file with a broken document, an entity of a forbidden kind or a broken envelope counts as not read: what is known
//!   from it stays as it is. Other files of the same location are not affected, unlike in Backstage.
//! - A location that names something that is not there counts as not read as a whole, unless its presence is optional.
//! - A location that brought nothing because of that is itself not shown until it does.
//! - An entity that is invalid concerns only itself.
//! - A file that is what it was is not read: what is known from it stays, and what is wrong in it is told again.
//!
//! Nothing here writes; [`Walk`] is compared with the store by `ingest`.

mod flaw;
mod found;
mod process;
mod provided;
mod read;
mod targets;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde_json::json;

use self::flaw::Flaw;
pub(super) use self::found::{Before, Declared, Extent, Seen, Trouble, Walk, Written};
use self::process::Process;
pub(super) use self::provided::{of_provider, unanswered};
use self::read::{Content, File, Prepared, Ready};
use super::config::CatalogConfig;
use super::descriptor::{Fault, Place, Placeholders, Seems};
use super::location::LocationRef;
use super::problem::CONFLICT;
use super::reader::Reader;
use super::record::digest;
use crate::entity::{Entity, Model, ValidationError};

/// How many files one root may lead to, and how deep.
const MAX_FILES: usize = 20_000;
const MAX_DEPTH: usize = 20;
/// Bytes of one target; it is a key in the store.
const MAX_TARGET: usize = 1000;
/// Files of one location that are read at the same time.
const CONCURRENT_READS: usize = 8;

/// A `Location` entity whose targets are to be read.
struct Branch {
    entity: Entity,
    reference: String,
    location: LocationRef,
    depth: usize,
    /// Where it is in `declared`.
    at: usize,
}

/// Whether an entity could come from a location: everything that reading it would check, one level deep.
pub(super) async fn validate(
    reader: &Reader,
    model: &Model,
    entity: Entity,
    location: &LocationRef,
) -> Result<(), ValidationError> {
    let before = Before::default();
    let config = Arc::new(CatalogConfig { model: model.clone(), ..CatalogConfig::default() });
    let mut walker = Walker::new(reader, &config, location, &before);
    let entity = Placeholders { reader, location }.replace(entity, &mut Vec::new()).await?;
    let (entity, _) = walker.process.finish(entity, location)?;
    if entity.kind() != "Location" {
        return Ok(());
    }
    let reference = entity.reference().to_string();
    let at = walker.generated().at;
    let branch = Branch { entity, reference, location: location.clone(), depth: 1, at };
    walker.files_of(&branch).await;
    walker.walk.troubles.into_iter().next().map_or(Ok(()), |trouble| Err(trouble.error))
}

/// Reads a root location and everything it leads to, as far as it is not what it was before.
pub(super) async fn walk(reader: &Reader, config: &Arc<CatalogConfig>, root: &LocationRef, before: &Before) -> Walk {
    let mut walker = Walker::new(reader, config, root, before);
    walker.run().await;
    walker.walk
}

struct Walker<'a> {
    process: Process,
    before: &'a Before,
    walk: Walk,
    /// References declared so far.
    seen: HashSet<String>,
    /// Files found so far.
    visited: HashSet<String>,
    /// What each file that was taken contains, for the digest.
    contents: Vec<String>,
    files: usize,
}

impl<'a> Walker<'a> {
    fn new(reader: &Reader, config: &Arc<CatalogConfig>, root: &LocationRef, before: &'a Before) -> Self {
        Self {
            process: Process::new(reader, config, root),
            before,
            walk: Walk::default(),
            seen: HashSet::new(),
            visited: HashSet::new(),
            contents: Vec::new(),
            files: 0,
        }
    }

    async fn run(&mut self) {
        let root = self.generated();
        let mut branches = VecDeque::from([root]);
        let mut barren = HashSet::new();
        while let Some(branch) = branches.pop_front() {
            let files = self.files_of(&branch).await;
            let is_whole = !self.walk.declared[branch.at].errors.iter().any(|error| error.name == "NotFoundError");
            let mut brought = 0;
            for file in files {
                let (count, further) = self.take(&branch, file, is_whole);
                brought += count;
                branches.extend(further);
            }
            if brought == 0 && !self.walk.declared[branch.at].errors.is_empty() {
                barren.insert(branch.reference);
            }
        }
        self.drop_barren(&barren);
        self.walk.is_failed = self.walk.declared.is_empty();
        self.walk.digest = self.digest();
    }

    /// Locations with nothing but errors are known to the problems page only.
    fn drop_barren(&mut self, barren: &HashSet<String>) {
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

    /// A number for everything that was found.
    fn digest(&self) -> String {
        let walk = &self.walk;
        let errors: Vec<_> = walk.declared.iter().filter(|declared| !declared.errors.is_empty()).collect();
        let errors: Vec<_> = errors.iter().map(|of| (&of.reference, format!("{:?}", of.errors))).collect();
        let troubles: Vec<_> = walk.troubles.iter().map(|trouble| format!("{trouble:?}")).collect();
        let mut uncertain: Vec<&String> = walk.uncertain.iter().collect();
        uncertain.sort();
        let root = self.process.context(&self.process.root);
        digest(json!([root, self.contents, errors, troubles, uncertain]).to_string().as_bytes())
    }

    /// The `Location` entity that stands for the root.
    fn generated(&mut self) -> Branch {
        let metadata = json!({"name": self.process.root.entity_name()});
        let mut spec = json!({"type": self.process.root.kind, "target": self.process.root.target});
        if self.process.root.is_optional() {
            spec["presence"] = json!("optional");
        }
        let entity = [
            ("apiVersion", json!("backstage.io/v1alpha1")),
            ("kind", json!("Location")),
            ("metadata", metadata),
            ("spec", spec),
        ];
        let entity = Entity(entity.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
        let entity = self.process.annotate(entity, &self.process.root);
        let reference = entity.reference().to_string();
        let root = (*self.process.root).clone();
        self.seen.insert(reference.clone());
        let Ready { document, edges, hash, .. } = Ready::new(entity.clone(), &[], &root, None, "");
        self.walk.declared.push(Declared {
            reference: reference.clone(),
            written: Some(Written { document, edges, hash, positions: None, version: None }),
            location: root.clone(),
            parent: None,
            errors: Vec::new(),
        });
        Branch { entity, reference, location: root, depth: 0, at: 0 }
    }

    /// Takes the entities of a file: how many, and the locations among them, which are to be read next.
    fn take(&mut self, branch: &Branch, file: File, is_whole: bool) -> (usize, Vec<Branch>) {
        let File { location, content } = file;
        match content {
            Err(_) => (0, Vec::new()),
            Ok(_) if !is_whole => {
                self.walk.uncertain.insert(location.to_string());
                (0, Vec::new())
            }
            Ok(Content::Kept(seen)) => self.keep(branch, &location, seen),
            Ok(Content::Read(documents, seen)) => self.take_new(branch, &location, documents, seen),
        }
    }

    /// Lets stay what is known from a file, and follows its locations.
    fn keep(&mut self, branch: &Branch, location: &LocationRef, seen: Seen) -> (usize, Vec<Branch>) {
        let key = location.to_string();
        let count = usize::try_from(seen.entities).unwrap_or_default();
        self.contents.push(content_of(&seen));
        let is_broken = seen.is_broken();
        for flaw in seen.flaws.iter().flat_map(|flaws| &flaws.0) {
            self.recall(branch, flaw.clone().trouble(location));
        }
        if self.before.files.get(&key) != Some(&seen) {
            self.walk.seen.push(seen);
        }
        if is_broken {
            self.walk.uncertain.insert(key.clone());
            self.walk.still_broken.insert(key);
            return (0, Vec::new());
        }
        let mut branches = Vec::new();
        for entity in self.before.locations.get(&key).into_iter().flatten() {
            let reference = entity.reference().to_string();
            self.seen.insert(reference.clone());
            branches.push(self.push(branch, location, reference, None, entity.clone()));
        }
        self.walk.kept.insert(key);
        (count, branches)
    }

    /// Tells again what is wrong in a file.
    fn recall(&mut self, branch: &Branch, trouble: Trouble) {
        match &trouble.entity {
            None => self.walk.declared[branch.at].errors.push(trouble.error.clone()),
            Some(reference) => {
                self.seen.insert(reference.clone());
                self.walk.invalid.insert(reference.clone(), trouble.error.clone());
            }
        }
        self.walk.troubles.push(trouble);
    }

    fn take_new(
        &mut self,
        branch: &Branch,
        location: &LocationRef,
        documents: Vec<Result<Prepared, Box<Fault>>>,
        mut seen: Seen,
    ) -> (usize, Vec<Branch>) {
        let (troubles, claims) = (self.walk.troubles.len(), self.walk.claims.len());
        let mut prepared = Vec::with_capacity(documents.len());
        let mut is_sound = true;
        for document in documents {
            match document {
                Ok(draft) => prepared.push(draft),
                Err(fault) => {
                    is_sound = false;
                    self.fault(branch, location, *fault);
                }
            }
        }
        self.contents.push(content_of(&seen));
        let (mut count, mut branches) = (0, Vec::new());
        let mut is_final = true;
        if is_sound {
            count = prepared.len();
            is_final = prepared.iter().all(|draft| draft.is_final);
            for draft in prepared {
                branches.extend(self.declare(branch, location, draft, &seen.version));
            }
        } else {
            self.walk.uncertain.insert(location.to_string());
        }
        let found: Vec<Flaw> = self.walk.troubles[troubles..].iter().map(Flaw::new).collect();
        seen.is_whole = found.is_empty() && claims == self.walk.claims.len();
        seen.flaws = is_final.then_some(sqlx::types::Json(found));
        self.walk.seen.push(seen);
        (count, branches)
    }

    /// Declares one entity, or notes why not.
    fn declare(&mut self, branch: &Branch, location: &LocationRef, draft: Prepared, version: &str) -> Option<Branch> {
        let Prepared { reference, seems, positions, document, outcome, .. } = draft;
        let trouble = |error: ValidationError| {
            let place = Some(Place { document, position: positions.nearest(&error.pointer) });
            let (location, entity, seems) = (location.clone(), Some(reference.clone()), seems.clone());
            Trouble { location, error, place, entity, seems }
        };
        if !self.seen.insert(reference.clone()) {
            let message = format!("{reference} is declared twice below {}; the first one counts", self.process.root);
            self.walk.claims.push(trouble(ValidationError::new(CONFLICT, message).at("/metadata/name")));
            return None;
        }
        let Ready { entity, is_template, document, edges, hash } = match outcome {
            Ok(ready) => ready,
            Err(error) => {
                self.walk.troubles.push(trouble(error.clone()));
                self.walk.invalid.insert(reference, error);
                return None;
            }
        };
        let version = is_template.then(|| version.to_owned());
        let written = Written { document, edges, hash, positions: is_template.then_some(positions), version };
        if let Some(entity) = entity {
            return Some(self.push(branch, location, reference, Some(written), entity));
        }
        let (parent, location) = (Some(branch.reference.clone()), location.clone());
        let written = Some(written);
        self.walk.declared.push(Declared { reference, written, location, parent, errors: Vec::new() });
        None
    }

    /// Declares a location, which is to be followed.
    fn push(
        &mut self,
        above: &Branch,
        location: &LocationRef,
        reference: String,
        written: Option<Written>,
        entity: Entity,
    ) -> Branch {
        self.walk.declared.push(Declared {
            reference: reference.clone(),
            written,
            location: location.clone(),
            parent: Some(above.reference.clone()),
            errors: Vec::new(),
        });
        let at = self.walk.declared.len() - 1;
        Branch { entity, reference, location: location.clone(), depth: above.depth + 1, at }
    }

    fn location_error(&mut self, branch: &Branch, location: &LocationRef, error: ValidationError) {
        self.walk.declared[branch.at].errors.push(error.clone());
        let entity = Some(branch.reference.clone());
        self.walk.troubles.push(Trouble {
            location: location.clone(),
            error,
            place: None,
            entity,
            seems: Seems::default(),
        });
    }

    fn fault(&mut self, branch: &Branch, location: &LocationRef, fault: Fault) {
        self.walk.declared[branch.at].errors.push(fault.error.clone());
        let Fault { error, place, seems } = fault;
        self.walk.troubles.push(Trouble { location: location.clone(), error, place, entity: None, seems });
    }
}

/// What a file and everything it brings in contains.
fn content_of(seen: &Seen) -> String {
    let includes = seen.includes.iter().map(|include| include.version.as_str());
    let parts = [seen.location.as_str(), &seen.parent, &seen.version].into_iter().chain(includes);
    parts.collect::<Vec<&str>>().join(" ")
}
