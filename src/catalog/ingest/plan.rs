//! What is to be written so that the store holds what a source declares. Pure.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use crate::catalog::Operation;
use crate::catalog::config::OrphanStrategy;
use crate::catalog::record::status_item;
use crate::catalog::store::{Known, Logged, Status, Write};
use crate::catalog::walk::{Declared, Walk, Written};
use crate::entity::ValidationError;

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) writes: Vec<Write<'a>>,
    pub(super) statuses: Vec<Status>,
    pub(super) deletions: Vec<Logged>,
    /// Names that a file of the same source has which was kept, with that file.
    pub(super) doubles: Vec<(&'a Declared, String)>,
    /// Files of which not everything was taken because names were not free.
    pub(super) refused: HashSet<String>,
}

impl<'a> Plan<'a> {
    pub(super) fn make(
        known: &[Known],
        walk: &'a Walk,
        taken: &HashMap<String, String>,
        orphans: OrphanStrategy,
    ) -> Self {
        let mut plan = Self::default();
        let by_reference: HashMap<&str, &Known> = known.iter().map(|known| (known.reference.as_str(), known)).collect();
        let mut declared = HashSet::new();
        for entity in &walk.declared {
            if entity.written.is_some() && taken.contains_key(&entity.reference) {
                plan.refused.insert(entity.location.to_string());
                continue;
            }
            declared.insert(entity.reference.as_str());
            plan.declare(entity, by_reference.get(entity.reference.as_str()).copied(), walk);
        }
        let keeper = Keeper { walk, by_reference: &by_reference, declared: &declared };
        for known in known.iter().filter(|known| !declared.contains(known.reference.as_str())) {
            if let Some(error) = walk.invalid.get(&known.reference) {
                plan.status(known, errors_text(std::slice::from_ref(error)), false);
            } else if keeper.keeps(known) {
                // Its status stays too: whatever is wrong is wrong with the file it is in.
            } else if orphans == OrphanStrategy::Keep {
                plan.status(known, known.errors.clone(), true);
            } else {
                plan.deletions.push(Logged::bare(known.reference.clone(), Operation::Delete, known.uid));
            }
        }
        plan
    }

    /// Whether no entity changes.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.statuses.is_empty() && self.deletions.is_empty()
    }

    /// Whether entities are written, and nothing else happens to any.
    pub(super) fn only_writes(&self) -> bool {
        self.statuses.is_empty() && self.deletions.is_empty()
    }

    fn declare(&mut self, entity: &'a Declared, known: Option<&Known>, walk: &Walk) {
        let errors = errors_text(&entity.errors);
        let Some(written) = &entity.written else {
            if let Some(known) = known {
                self.status(known, errors, false);
            }
            return;
        };
        let location = entity.location.to_string();
        if let Some(known) = known.filter(|known| known.location != location && walk.kept.contains(&known.location)) {
            self.refused.insert(location);
            self.doubles.push((entity, known.location.clone()));
            return;
        }
        match known {
            Some(known) if known.hash == written.hash => self.status(known, errors, false),
            known => self.write(entity, written, known, errors),
        }
    }

    fn write(&mut self, entity: &'a Declared, written: &'a Written, known: Option<&Known>, errors: Option<String>) {
        self.writes.push(Write {
            reference: &entity.reference,
            // Version 4, as clients of Backstage expect of a uid.
            uid: known.map_or_else(Uuid::new_v4, |known| known.uid),
            location: entity.location.to_string(),
            parent: entity.parent.as_deref(),
            document: &written.document,
            edges: &written.edges,
            hash: &written.hash,
            errors,
            // Positions have text keys and always serialise.
            positions: written.positions.as_deref().map(|at| serde_json::to_string(at).unwrap_or_default()),
            version: written.version.as_deref(),
            operation: if known.is_some() { Operation::Update } else { Operation::Insert },
        });
    }

    fn status(&mut self, known: &Known, errors: Option<String>, is_orphan: bool) {
        if known.errors != errors || known.is_orphan != is_orphan {
            let (reference, uid) = (known.reference.clone(), known.uid);
            self.statuses.push(Status { reference, uid, errors, is_orphan });
        }
    }
}

/// Which entities stay although nothing declared them this time.
struct Keeper<'a> {
    walk: &'a Walk,
    by_reference: &'a HashMap<&'a str, &'a Known>,
    declared: &'a HashSet<&'a str>,
}

impl Keeper<'_> {
    /// Its file was not read, or the files of the location above it were not all found, or that location stays
    /// itself without having been read.
    fn keeps(&self, known: &Known) -> bool {
        let mut known = known;
        // Loaded only because something declares its name too.
        if self.walk.kept.contains(&known.location) {
            return true;
        }
        // Follows parents; the bound only guards against a circle.
        for _ in 0..100 {
            if self.walk.uncertain.contains(&known.location) {
                return true;
            }
            let Some(parent) = known.parent.as_deref() else {
                return false;
            };
            if self.walk.uncertain.contains(parent) || self.walk.invalid.contains_key(parent) {
                return true;
            }
            match self.by_reference.get(parent) {
                Some(above) if !self.declared.contains(parent) => known = above,
                _ => return false,
            }
        }
        false
    }
}

fn errors_text(errors: &[ValidationError]) -> Option<String> {
    let items: Vec<Value> = errors.iter().map(status_item).collect();
    (!items.is_empty()).then(|| Value::Array(items).to_string())
}
