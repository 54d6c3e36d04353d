//! From what a source declares now to what the store holds: one transaction for each reading.
//!
//! An entity is written if its content hash differs, deleted (or made an orphan) if nothing declares it any more, and
//! left alone if it is not known whether anything does. A name belongs to the source that had it first; the claim of
//! another is a problem of that other, which is read again when the name becomes free.
//!
//! Only what may have changed is compared: entities of files that were kept are not even loaded, except to see that
//! their names are taken.

mod plan;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use self::plan::Plan;
use super::ahead::Ahead;
use super::config::OrphanStrategy;
use super::problem::CONFLICT;
use super::store::{self, Known, Logged};
use super::walk::{Before, Declared, Extent, Seen, Trouble, Walk};
use super::{Catalog, CatalogError, Operation, Problem};

/// Writes what a walk found. Of a catalog that is to look ahead, an index that has it is given, to be shown after the
/// commit.
pub(super) async fn apply<'c>(
    db: &mut PgConnection,
    source: &str,
    before: &Before,
    walk: &Walk,
    (orphans, looking): (OrphanStrategy, Option<&'c Catalog>),
    now: DateTime<Utc>,
) -> Result<Option<Ahead<'c>>, CatalogError> {
    let known = known(db, source, before, walk).await?;
    let written = walk.declared.iter().filter(|declared| declared.written.is_some());
    let references: Vec<&str> = written.map(|declared| declared.reference.as_str()).collect();
    let taken: HashMap<String, String> = store::owners(&mut *db, &references, source).await?.into_iter().collect();
    let plan = Plan::make(&known, walk, &taken, orphans);
    let mut ahead = match looking {
        Some(catalog) if plan.only_writes() => catalog.look_ahead(&mut *db, source, &plan.writes).await?,
        _ => None,
    };
    store::upsert(&mut *db, source, &plan.writes, now).await?;
    if let Some(ahead) = &mut ahead {
        ahead.written(&mut *db).await?;
    }
    store::set_statuses(&mut *db, source, &plan.statuses, now).await?;
    delete(&mut *db, source, &plan.deletions, now).await?;
    if !plan.is_empty() {
        store::notify(&mut *db).await?;
    }
    let problems = problems(db, source, walk, &plan, &taken, now).await?;
    store::set_problems(db, source, &problems).await?;
    remember(db, source, before, walk, &plan, &known).await?;
    Ok(ahead)
}

/// Remembers files as they were seen, where nothing else is to be written: those with another stamp, and those that had
/// to be read again to find the same.
pub(super) async fn restamp(
    db: &mut PgConnection,
    source: &str,
    before: &Before,
    walk: &Walk,
) -> Result<(), sqlx::Error> {
    let seen = walk.seen.iter().cloned();
    let seen: Vec<Seen> = seen
        .map(|seen| Seen { is_whole: seen.is_whole && !before.contested.contains(&seen.location), ..seen })
        .filter(|seen| before.files.get(&seen.location) != Some(seen))
        .collect();
    store::set_files(db, source, &seen.iter().collect::<Vec<&Seen>>(), &[]).await
}

/// The entities that may be concerned: those of files that were not kept, and whatever has a name that is declared.
async fn known(db: &mut PgConnection, source: &str, before: &Before, walk: &Walk) -> Result<Vec<Known>, sqlx::Error> {
    let gone = match &walk.extent {
        Extent::Whole if walk.kept.is_empty() => return store::known(db, source).await,
        Extent::Whole => None,
        Extent::Unknown => return Ok(Vec::new()),
        Extent::Part(gone) => Some(gone),
    };
    let touched: Vec<&str> =
        before.files.keys().filter(|location| !walk.kept.contains(*location)).map(String::as_str).collect();
    let declared = walk.declared.iter().map(|declared| declared.reference.as_str());
    let named = walk.invalid.keys().chain(gone.into_iter().flatten()).map(String::as_str);
    let references: Vec<&str> = declared.chain(named).collect();
    store::known_of(db, source, &touched, &references).await
}

/// Deletes entities, and lets others have their names.
async fn delete(
    db: &mut PgConnection,
    source: &str,
    deletions: &[Logged],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if deletions.is_empty() {
        return Ok(());
    }
    let gone: Vec<&str> = deletions.iter().map(|deleted| deleted.reference.as_str()).collect();
    store::delete(&mut *db, &gone).await?;
    store::release(&mut *db, &gone, now).await?;
    store::log(&mut *db, source, deletions, now).await
}

/// Remembers the files as they were seen, and forgets those from which nothing is known any more.
async fn remember(
    db: &mut PgConnection,
    source: &str,
    before: &Before,
    walk: &Walk,
    plan: &Plan<'_>,
    known: &[Known],
) -> Result<(), sqlx::Error> {
    let mut seen: Vec<Seen> = Vec::with_capacity(walk.seen.len());
    for file in &walk.seen {
        let is_whole = file.is_whole && !plan.refused.contains(file.location.as_str());
        seen.push(Seen { is_whole, ..file.clone() });
    }
    let is_seen: HashSet<&str> = walk.seen.iter().map(|seen| seen.location.as_str()).collect();
    let deleted: HashSet<&str> = plan.deletions.iter().map(|deleted| deleted.reference.as_str()).collect();
    let orphans: HashSet<&str> =
        plan.statuses.iter().filter(|status| status.is_orphan).map(|status| status.reference.as_str()).collect();
    let stay: HashSet<&str> = known
        .iter()
        .filter(|known| {
            let reference = known.reference.as_str();
            // Should an orphan's file be found again, it must be read again.
            !(deleted.contains(reference) || orphans.contains(reference) || known.is_orphan)
        })
        .map(|known| known.location.as_str())
        .collect();
    let is_same = |location: &str| walk.kept.contains(location) || walk.still_broken.contains(location);
    let is_gone = |location: &&str| !is_same(location) && !is_seen.contains(location) && !stay.contains(location);
    let gone: Vec<&str> = before.files.keys().map(String::as_str).filter(is_gone).collect();
    let seen: Vec<&Seen> = seen.iter().collect();
    store::set_files(db, source, &seen, &gone).await
}

/// Deletes everything of a source.
pub(super) async fn remove(db: &mut PgConnection, source: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let known = store::known(&mut *db, source).await?;
    let deletions: Vec<Logged> =
        known.into_iter().map(|known| Logged::bare(known.reference, Operation::Delete, known.uid)).collect();
    delete(&mut *db, source, &deletions, now).await?;
    if !deletions.is_empty() {
        store::notify(&mut *db).await?;
    }
    store::remove_source(&mut *db, source).await
}

/// Everything wrong with a source; what was wrong before keeps its time.
async fn problems(
    db: &mut PgConnection,
    source: &str,
    walk: &Walk,
    plan: &Plan<'_>,
    taken: &HashMap<String, String>,
    now: DateTime<Utc>,
) -> Result<Vec<Problem>, sqlx::Error> {
    fn key(problem: &Problem) -> (&str, Option<&str>, &str) {
        (&problem.location, problem.entity.as_deref(), &problem.message)
    }
    let before = store::problems(&mut *db, Some(source)).await?;
    let since: HashMap<_, _> = before.iter().map(|problem| (key(problem), problem.since)).collect();
    let troubles = walk.troubles.iter().chain(&walk.claims).map(|trouble| problem(source, trouble, now));
    let conflicts = walk.declared.iter().filter(|declared| declared.written.is_some()).filter_map(|declared| {
        let owner = taken.get(&declared.reference)?;
        let message = format!(
            "{} is already declared by {owner}, which keeps the name; rename one of the two",
            declared.reference
        );
        Some(conflict(source, declared, message, now))
    });
    let doubles = plan.doubles.iter().map(|(declared, holder)| {
        let message = format!("{} is declared by {holder} too, which was first and counts", declared.reference);
        conflict(source, declared, message, now)
    });
    let mut problems: Vec<Problem> = troubles.chain(conflicts).chain(doubles).collect();
    let stays = |problem: &&Problem| match (&problem.entity, &walk.extent) {
        (_, Extent::Whole) => false,
        (Some(entity), _) => !walk.is_about(entity),
        // Of the answer as a whole, which this is or is not.
        (None, extent) => matches!(extent, Extent::Part(_)),
    };
    problems.extend(before.iter().filter(stays).cloned());
    for problem in &mut problems {
        if let Some(since) = since.get(&key(problem)) {
            problem.since = *since;
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
        document: trouble.place.map(|place| number(place.document)),
        line: trouble.place.map(|place| number(place.position.line)),
        column: trouble.place.map(|place| number(place.position.column)),
        since: now,
        holder: None,
    }
}

fn conflict(source: &str, declared: &Declared, message: String, now: DateTime<Utc>) -> Problem {
    let (kind, name) = declared.reference.split_once(':').unwrap_or_default();
    Problem {
        source: source.to_owned(),
        location: declared.location.to_string(),
        entity: Some(declared.reference.clone()),
        kind: Some(kind.to_owned()),
        name: name.split_once('/').map(|(_, name)| name.to_owned()),
        error_name: CONFLICT.to_owned(),
        message,
        pointer: "/metadata/name".to_owned(),
        document: None,
        line: None,
        column: None,
        since: now,
        holder: None,
    }
}
