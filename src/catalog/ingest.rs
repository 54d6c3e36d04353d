//! From what a source declares now to what the store holds: one transaction for each reading.
//!
//! An entity is written if its content hash differs, deleted (or made an orphan) if nothing declares it any more, and
//! left alone if it is not known whether anything does. A name belongs to the source that had it first; the claim of
//! another is a problem of that other, which is read again when the name becomes free.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::config::OrphanStrategy;
use super::record::{digest, status_item};
use super::store::{self, Known, Logged, Write};
use super::walk::{Declared, Trouble, Walk};
use super::{Operation, Problem};
use crate::entity::ValidationError;

/// A number for everything that a walk found: equal numbers mean that nothing needs to be written.
pub(super) fn digest_of(walk: &Walk) -> String {
    let declared: Vec<_> =
        walk.declared.iter().map(|declared| (hash_of(declared), errors_text(&declared.errors))).collect();
    let troubles: Vec<_> = walk
        .troubles
        .iter()
        .map(|trouble| (trouble.location.to_string(), trouble.error.to_string(), trouble.position))
        .collect();
    let mut uncertain: Vec<&String> = walk.uncertain.iter().collect();
    uncertain.sort();
    digest(json!([declared, troubles, uncertain]).to_string().as_bytes())
}

/// Writes what a walk found; true if any entity changed.
pub(super) async fn apply(
    db: &mut PgConnection,
    source: &str,
    walk: &Walk,
    orphans: OrphanStrategy,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let known = store::known(&mut *db, source).await?;
    let references: Vec<String> = walk.declared.iter().map(|declared| declared.reference.clone()).collect();
    let taken: HashMap<String, String> = store::owners(&mut *db, &references, source).await?.into_iter().collect();
    let plan = Plan::make(&known, walk, &taken, orphans);
    if !plan.writes.is_empty() {
        store::upsert(&mut *db, source, &plan.writes, now).await?;
    }
    for status in &plan.statuses {
        store::set_status(&mut *db, &status.reference, status.errors.as_deref(), status.is_orphan).await?;
    }
    let logged = plan.logged();
    if !plan.deletions.is_empty() {
        let gone: Vec<String> = plan.deletions.iter().map(|(reference, _)| reference.clone()).collect();
        store::delete(&mut *db, &gone).await?;
        store::release(&mut *db, &gone, now).await?;
    }
    if !logged.is_empty() {
        store::log(&mut *db, source, &logged, now).await?;
        store::notify(&mut *db).await?;
    }
    let problems = problems(db, source, walk, &taken, now).await?;
    store::set_problems(db, source, &problems).await?;
    Ok(!logged.is_empty())
}

/// Deletes everything of a source.
pub(super) async fn remove(db: &mut PgConnection, source: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let known = store::known(&mut *db, source).await?;
    let gone: Vec<String> = known.iter().map(|known| known.reference.clone()).collect();
    let delete = |known: Known| Logged {
        reference: known.reference,
        operation: Operation::Delete,
        uid: known.uid,
        document: None,
    };
    let logged: Vec<Logged> = known.into_iter().map(delete).collect();
    store::delete(&mut *db, &gone).await?;
    store::release(&mut *db, &gone, now).await?;
    if !logged.is_empty() {
        store::log(&mut *db, source, &logged, now).await?;
        store::notify(&mut *db).await?;
    }
    store::remove_source(&mut *db, source).await
}

/// What is to be written.
#[derive(Debug, Default)]
struct Plan {
    writes: Vec<Write>,
    statuses: Vec<Status>,
    deletions: Vec<(String, Uuid)>,
}

/// An entity that keeps its version but not its status.
#[derive(Debug)]
struct Status {
    reference: String,
    uid: Uuid,
    errors: Option<String>,
    is_orphan: bool,
}

impl Plan {
    fn make(known: &[Known], walk: &Walk, taken: &HashMap<String, String>, orphans: OrphanStrategy) -> Self {
        let mut plan = Self::default();
        let by_reference: HashMap<&str, &Known> = known.iter().map(|known| (known.reference.as_str(), known)).collect();
        let mut declared = HashSet::new();
        for entity in walk.declared.iter().filter(|entity| !taken.contains_key(&entity.reference)) {
            declared.insert(entity.reference.as_str());
            plan.declare(entity, by_reference.get(entity.reference.as_str()).copied());
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
                plan.deletions.push((known.reference.clone(), known.uid));
            }
        }
        plan
    }

    fn declare(&mut self, entity: &Declared, known: Option<&Known>) {
        let hash = hash_of(entity);
        let errors = errors_text(&entity.errors);
        match known {
            Some(known) if known.hash == hash => self.status(known, errors, false),
            known => self.writes.push(Write {
                reference: entity.reference.clone(),
                // Version 4, as clients of Backstage expect of a uid.
                uid: known.map_or_else(Uuid::new_v4, |known| known.uid),
                location: entity.location.to_string(),
                parent: entity.parent.clone(),
                document: text(&entity.entity),
                edges: store::write_edges(&entity.reference, &entity.edges),
                hash,
                errors,
                positions: entity.positions.as_deref().map(text),
                version: entity.version.clone(),
                operation: if known.is_some() { Operation::Update } else { Operation::Insert },
            }),
        }
    }

    fn status(&mut self, known: &Known, errors: Option<String>, is_orphan: bool) {
        if known.errors != errors || known.is_orphan != is_orphan {
            self.statuses.push(Status { reference: known.reference.clone(), uid: known.uid, errors, is_orphan });
        }
    }

    fn logged(&self) -> Vec<Logged> {
        let writes = self.writes.iter().map(|write| Logged {
            reference: write.reference.clone(),
            operation: write.operation,
            uid: write.uid,
            document: Some(write.document.clone()),
        });
        let bare = |operation| {
            move |reference: &String, uid: Uuid| Logged { reference: reference.clone(), operation, uid, document: None }
        };
        let (status, delete) = (bare(Operation::Status), bare(Operation::Delete));
        writes
            .chain(self.statuses.iter().map(|changed| status(&changed.reference, changed.uid)))
            .chain(self.deletions.iter().map(|(reference, uid)| delete(reference, *uid)))
            .collect()
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

/// The edges belong to it: another model may state others of the same text.
fn hash_of(declared: &Declared) -> String {
    let edges = store::write_edges(&declared.reference, &declared.edges);
    let parts = json!([declared.entity, declared.location.to_string(), declared.parent, declared.version, edges]);
    digest(parts.to_string().as_bytes())
}

fn errors_text(errors: &[ValidationError]) -> Option<String> {
    let items: Vec<Value> = errors.iter().map(status_item).collect();
    (!items.is_empty()).then(|| Value::Array(items).to_string())
}

/// Documents and positions have text keys and always serialise.
fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Everything wrong with a source; what was wrong before keeps its time.
async fn problems(
    db: &mut PgConnection,
    source: &str,
    walk: &Walk,
    taken: &HashMap<String, String>,
    now: DateTime<Utc>,
) -> Result<Vec<Problem>, sqlx::Error> {
    let before = store::problems(&mut *db, Some(source)).await?;
    let troubles = walk.troubles.iter().map(|trouble| problem(source, trouble, now));
    let conflicts = walk.declared.iter().filter_map(|declared| {
        let owner = taken.get(&declared.reference)?;
        Some(conflict(source, declared, owner, now))
    });
    let mut problems: Vec<Problem> = troubles.chain(conflicts).collect();
    for problem in &mut problems {
        let same = |old: &&Problem| {
            (&old.location, &old.entity, &old.message) == (&problem.location, &problem.entity, &problem.message)
        };
        if let Some(old) = before.iter().find(same) {
            problem.since = old.since;
        }
    }
    Ok(problems)
}

fn problem(source: &str, trouble: &Trouble, now: DateTime<Utc>) -> Problem {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    Problem {
        source: source.to_owned(),
        location: trouble.location.to_string(),
        entity: trouble.entity.clone(),
        kind: trouble.seems.kind.clone(),
        name: trouble.seems.name.clone(),
        error_name: trouble.error.name.clone(),
        message: trouble.error.message.clone(),
        pointer: trouble.error.pointer.clone(),
        line: trouble.position.map(|position| number(position.line)),
        column: trouble.position.map(|position| number(position.column)),
        since: now,
    }
}

fn conflict(source: &str, declared: &Declared, owner: &str, now: DateTime<Utc>) -> Problem {
    Problem {
        source: source.to_owned(),
        location: declared.location.to_string(),
        entity: Some(declared.reference.clone()),
        kind: Some(declared.entity.kind().to_owned()),
        name: Some(declared.entity.name().to_owned()),
        error_name: "ConflictError".to_owned(),
        message: format!(
            "{} is already declared by {owner}, which keeps the name; rename one of the two",
            declared.reference
        ),
        pointer: "/metadata/name".to_owned(),
        line: None,
        column: None,
        since: now,
    }
}
