//! What a walk starts from and what it ends with.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::FromRow;
use sqlx::types::Json;

use super::flaw::Flaw;
use crate::catalog::descriptor::{Include, Place, Seems};
use crate::catalog::location::LocationRef;
use crate::entity::{Entity, ValidationError};
use crate::yaml::Positions;

/// What is known of a source before it is read.
#[derive(Debug, Default)]
pub(in crate::catalog) struct Before {
    /// The files that were seen, by location.
    pub(in crate::catalog) files: HashMap<String, Seen>,
    /// The `Location` entities in them, by the file's location.
    pub(in crate::catalog) locations: HashMap<String, Vec<Entity>>,
    /// Files with a claim to a name that something else had.
    pub(in crate::catalog) contested: HashSet<String>,
}

impl Before {
    /// Whether a name that was not free may be by now, if anything changed.
    pub(in crate::catalog) fn has_claims(&self, walk: &Walk) -> bool {
        self.contested.iter().any(|location| walk.kept.contains(location))
    }

    /// Has the files with claims read again.
    pub(in crate::catalog) fn doubt_claims(&mut self) {
        for location in &self.contested {
            if let Some(seen) = self.files.get_mut(location) {
                (seen.is_whole, seen.flaws) = (false, None);
            }
        }
    }
}

/// A file as it was seen.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(in crate::catalog) struct Seen {
    pub(in crate::catalog) location: String,
    /// The `Location` entity that led to it.
    pub(in crate::catalog) parent: String,
    /// As in [`crate::catalog::reader::Fetched`].
    pub(in crate::catalog) stamp: Option<String>,
    /// As in [`crate::catalog::reader::Fetched`].
    pub(in crate::catalog) version: String,
    /// Hash of the rules under which its entities were made.
    pub(in crate::catalog) context: String,
    /// What placeholders brought in.
    pub(in crate::catalog) includes: Json<Vec<Include>>,
    /// How many entities are in it.
    pub(in crate::catalog) entities: i32,
    /// Whether everything in it was taken.
    pub(in crate::catalog) is_whole: bool,
    /// What is wrong in it; none if that can change although the file does not.
    pub(in crate::catalog) flaws: Option<Json<Vec<Flaw>>>,
}

impl Seen {
    /// Whether reading the same text again would find the same.
    pub(super) fn is_settled(&self) -> bool {
        self.is_whole || self.flaws.is_some()
    }

    /// Whether nothing of it was taken.
    pub(super) fn is_broken(&self) -> bool {
        self.flaws.as_ref().is_some_and(|flaws| flaws.0.iter().any(Flaw::is_fatal))
    }
}

/// How much of a source is known now.
#[derive(Debug, Default)]
pub(in crate::catalog) enum Extent {
    /// Everything: what is not declared is gone, unless it is uncertain.
    #[default]
    Whole,
    /// Only what is declared or invalid, and the entities that are gone. Everything else stays.
    Part(HashSet<String>),
    /// Nothing: everything stays.
    Unknown,
}

/// The result of reading a root location.
#[derive(Debug, Default)]
pub(in crate::catalog) struct Walk {
    /// How much of the source this is.
    pub(in crate::catalog) extent: Extent,
    /// Entities that are valid, parents before children; of kept files only the locations.
    pub(in crate::catalog) declared: Vec<Declared>,
    /// Entities that are there but invalid: they keep their last good version.
    pub(in crate::catalog) invalid: HashMap<String, ValidationError>,
    /// Files whose content is not known now, and locations whose files are not all known: what came from them stays.
    pub(in crate::catalog) uncertain: HashSet<String>,
    /// Everything that is wrong, but claims to a name.
    pub(in crate::catalog) troubles: Vec<Trouble>,
    /// Names that are declared more than once here.
    pub(in crate::catalog) claims: Vec<Trouble>,
    /// Files of which nothing was taken and which are what they were.
    pub(in crate::catalog) still_broken: HashSet<String>,
    /// Files that are what they were.
    pub(in crate::catalog) kept: HashSet<String>,
    /// Files that were read and are to be remembered, and kept ones that have another stamp.
    pub(in crate::catalog) seen: Vec<Seen>,
    /// Equal digests mean that nothing needs to be written.
    pub(in crate::catalog) digest: String,
    /// Nothing could be read at all.
    pub(in crate::catalog) is_failed: bool,
}

/// One valid entity.
#[derive(Debug)]
pub(in crate::catalog) struct Declared {
    /// Canonical reference.
    pub(in crate::catalog) reference: String,
    /// What to store; none of an entity of a kept file.
    pub(in crate::catalog) written: Option<Written>,
    /// The file it is in.
    pub(in crate::catalog) location: LocationRef,
    /// The `Location` entity that led to it.
    pub(in crate::catalog) parent: Option<String>,
    /// Errors of what it leads to, for a `Location`.
    pub(in crate::catalog) errors: Vec<ValidationError>,
}

/// What is stored of an entity.
#[derive(Debug)]
pub(in crate::catalog) struct Written {
    /// With annotations and namespace; without uid, relations and status.
    pub(in crate::catalog) document: String,
    /// The relations it states, as the store writes them.
    pub(in crate::catalog) edges: String,
    /// Of the document and where it comes from.
    pub(in crate::catalog) hash: String,
    /// Where its fields are; kept for templates, whose errors are found later.
    pub(in crate::catalog) positions: Option<Arc<Positions>>,
    /// Commit or hash of the file; only of templates, whose other files change with it.
    pub(in crate::catalog) version: Option<String>,
}

/// One thing that is wrong, with its place.
#[derive(Debug, Clone)]
pub(in crate::catalog) struct Trouble {
    pub(in crate::catalog) location: LocationRef,
    pub(in crate::catalog) error: ValidationError,
    /// None if the whole file is meant.
    pub(in crate::catalog) place: Option<Place>,
    /// The entity, if it is known which.
    pub(in crate::catalog) entity: Option<String>,
    pub(in crate::catalog) seems: Seems,
}

impl Walk {
    /// Whether it says anything of an entity.
    pub(in crate::catalog) fn is_about(&self, reference: &str) -> bool {
        match &self.extent {
            Extent::Whole => true,
            Extent::Unknown => false,
            Extent::Part(gone) => {
                let declares = |declared: &Declared| declared.reference == reference;
                gone.contains(reference) || self.invalid.contains_key(reference) || self.declared.iter().any(declares)
            }
        }
    }
}
