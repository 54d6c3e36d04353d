//! One file on the way from bytes to finished entities, apart from everything else that the walk knows: so many files
//! are read at the same time, and parsed on all processors.
//!
//! A file that is the same as before is not parsed, mostly not even read: see [`Seen`].

use std::sync::Arc;

use super::process::Process;
use super::{Before, Seen};
use crate::catalog::descriptor::{self, Draft, Fault, Include, Placeholders, Seems};
use crate::catalog::edges;
use crate::catalog::location::LocationRef;
use crate::catalog::reader::{Fetched, ReadError};
use crate::catalog::record::digest;
use crate::entity::{Edge, Entity, ValidationError};
use crate::yaml::Positions;

/// One file of a location.
pub(super) struct File {
    pub(super) location: LocationRef,
    pub(super) content: Result<Content, ReadError>,
}

/// What became of a file.
pub(super) enum Content {
    /// It is what it was: everything known from it stays.
    Kept(Seen),
    /// Its documents, and how it is to be remembered.
    Read(Vec<Result<Prepared, Box<Fault>>>, Seen),
}

/// One document of a file, ready to be declared unless another did.
pub(super) struct Prepared {
    pub(super) reference: String,
    pub(super) seems: Seems,
    pub(super) positions: Arc<Positions>,
    /// Which document of the file, from 1.
    pub(super) document: u32,
    pub(super) outcome: Result<Ready, ValidationError>,
    /// Whether the same text has the same outcome at any time.
    pub(super) is_final: bool,
}

/// A valid entity as it is stored.
pub(super) struct Ready {
    /// Only of locations, which lead further.
    pub(super) entity: Option<Entity>,
    pub(super) is_template: bool,
    pub(super) document: String,
    /// As the store writes them.
    pub(super) edges: String,
    pub(super) hash: String,
}

impl Ready {
    /// Serialises an entity once, for its hash and the store.
    /// The edges belong to the hash: another model may state others of the same text.
    pub(super) fn new(
        entity: Entity,
        edges: &[Edge],
        location: &LocationRef,
        parent: Option<&str>,
        version: &str,
    ) -> Self {
        // Documents have text keys and always serialise.
        let document = serde_json::to_string(&entity).unwrap_or_default();
        let is_template = entity.kind() == "Template";
        // The other files of a template change with its own.
        let version = if is_template { version } else { "" };
        let edges = edges::write(entity.reference().as_str(), edges);
        let parts = [&document, &location.to_string(), parent.unwrap_or_default(), version, &edges];
        let hash = digest(parts.join("\0").as_bytes());
        let entity = (entity.kind() == "Location").then_some(entity);
        Self { entity, is_template, document, edges, hash }
    }
}

impl Process {
    /// Reads a file that a location led to, as far as it is new.
    pub(super) async fn file(&self, location: LocationRef, parent: &str, before: &Before) -> File {
        let known = before.files.get(&location.to_string());
        let context = self.context(&location);
        let known = known.filter(|seen| seen.is_settled() && seen.context == context && seen.parent == parent);
        let content = self.content(&location, parent, context, known).await;
        File { location, content }
    }

    async fn content(
        &self,
        location: &LocationRef,
        parent: &str,
        context: String,
        known: Option<&Seen>,
    ) -> Result<Content, ReadError> {
        let includes = match known {
            Some(known) => self.unchanged(&known.includes.0).await,
            None => None,
        };
        let stamp = known.filter(|_| includes.is_some()).and_then(|known| known.stamp.as_deref());
        let fetched = self.reader.changed(location, stamp).await?;
        let kept =
            known.zip(includes).filter(|(known, _)| fetched.as_ref().is_none_or(|new| new.version == known.version));
        if let Some((known, includes)) = kept {
            let stamp = fetched.map_or_else(|| known.stamp.clone(), |fetched| fetched.stamp);
            return Ok(Content::Kept(Seen { stamp, includes: sqlx::types::Json(includes), ..known.clone() }));
        }
        let Some(Fetched { bytes, version, stamp }) = fetched else {
            return Err(ReadError::NotFound(location.target.clone()));
        };
        let (process, at, above, of) = (self.clone(), location.clone(), parent.to_owned(), version.clone());
        let parse = move || {
            let documents = descriptor::read(&bytes, &at).into_iter();
            let drafts: Vec<_> =
                documents.map(|document| document.and_then(|draft| process.permit(draft, &at))).collect();
            let is_sound = drafts.iter().all(Result::is_ok);
            let stage = |draft: Draft| {
                if Placeholders::are_in(&draft.entity) {
                    return Stage::Draft(draft);
                }
                Stage::Done(process.prepare(draft.entity.clone(), draft, &at, &above, &of))
            };
            // Of a file with a fault nothing is taken.
            let stages = drafts.into_iter().filter(|draft| is_sound || draft.is_err()).map(|draft| draft.map(stage));
            stages.collect::<Vec<Result<Stage, Box<Fault>>>>()
        };
        let stages = tokio::task::spawn_blocking(parse).await.map_err(|stopped| {
            ReadError::Unsupported(format!("{location} could not be parsed, which is a bug: {stopped}"))
        })?;
        let mut documents = Vec::with_capacity(stages.len());
        let mut includes = Vec::new();
        for stage in stages {
            documents.push(match stage {
                Err(fault) => Err(fault),
                Ok(Stage::Done(prepared)) => Ok(prepared),
                Ok(Stage::Draft(draft)) => Ok(self.fill(draft, location, parent, &version, &mut includes).await),
            });
        }
        let seen = Seen {
            location: location.to_string(),
            parent: parent.to_owned(),
            stamp,
            version,
            context,
            includes: sqlx::types::Json(includes),
            entities: i32::try_from(documents.len()).unwrap_or(i32::MAX),
            is_whole: false,
            flaws: None,
        };
        Ok(Content::Read(documents, seen))
    }

    /// The files that placeholders brought in, with new stamps; none if any of them is not what it was.
    async fn unchanged(&self, includes: &[Include]) -> Option<Vec<Include>> {
        let mut same = Vec::with_capacity(includes.len());
        for include in includes {
            let location = LocationRef::parse(&include.location)?;
            let stamp = match self.reader.changed(&location, include.stamp.as_deref()).await.ok()? {
                None => include.stamp.clone(),
                Some(fetched) if fetched.version == include.version => fetched.stamp,
                Some(_) => return None,
            };
            same.push(Include { stamp, ..include.clone() });
        }
        Some(same)
    }

    /// Replaces placeholders, then does what is done to every entity.
    async fn fill(
        &self,
        draft: Draft,
        location: &LocationRef,
        parent: &str,
        version: &str,
        includes: &mut Vec<Include>,
    ) -> Prepared {
        let placeholders = Placeholders { reader: &self.reader, location };
        match placeholders.replace(draft.entity.clone(), includes).await {
            Ok(entity) => self.prepare(entity, draft, location, parent, version),
            // What could not be brought in may be there the next time.
            Err(error) => Prepared { is_final: false, ..Prepared::new(draft, Err(error)) },
        }
    }

    fn prepare(&self, entity: Entity, draft: Draft, location: &LocationRef, parent: &str, version: &str) -> Prepared {
        let ready = self.finish(entity, location);
        Prepared::new(draft, ready.map(|(entity, edges)| Ready::new(entity, &edges, location, Some(parent), version)))
    }
}

/// A document that is done, or one whose placeholders are still to be read.
enum Stage {
    Draft(Draft),
    Done(Prepared),
}

impl Prepared {
    fn new(draft: Draft, outcome: Result<Ready, ValidationError>) -> Self {
        let seems = Seems { kind: Some(draft.entity.kind().to_owned()), name: Some(draft.entity.name().to_owned()) };
        let (reference, document) = (draft.entity.reference().to_string(), draft.document);
        Self { reference, seems, positions: draft.positions, document, outcome, is_final: true }
    }
}
