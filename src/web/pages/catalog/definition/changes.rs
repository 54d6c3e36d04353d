//! Two versions of a definition beside each other: what changed in words, who notices, and the lines.

use std::sync::Arc;

use super::Asked;
use super::reading::{Reading, text_of};
use crate::catalog::{Catalog, Record, Version};
use crate::definition::{Change, Definition, Impact, compare};
use crate::entity::EntityRef;
use crate::web::error::Error;
use crate::web::pages::diff::Diff;
use crate::web::pages::shown::{self, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// What the template writes.
pub(super) struct Changes {
    /// Newest first.
    pub(super) versions: Vec<Choice>,
    /// What is compared; none of a definition with a single version.
    pub(super) compared: Option<Compared>,
}

/// A version that can be chosen.
pub(super) struct Choice {
    pub(super) sequence: i64,
    pub(super) label: String,
    pub(super) is_from: bool,
    pub(super) is_to: bool,
}

/// Two versions.
pub(super) struct Compared {
    pub(super) from: Moment,
    pub(super) to: Moment,
    /// Changes by impact, then by entry.
    pub(super) impacts: Vec<Told>,
    /// `2 break callers, 5 harmless`
    pub(super) summary: String,
    pub(super) is_cut: bool,
    /// Why there are only lines.
    pub(super) only_lines: Option<String>,
    /// None where the texts are too large for it.
    pub(super) diff: Option<Diff>,
}

/// The changes of one impact.
pub(super) struct Told {
    pub(super) title: &'static str,
    pub(super) hue: &'static str,
    pub(super) about: &'static str,
    pub(super) count: usize,
    pub(super) entries: Vec<EntryChanges>,
}

/// An entry, where it is now, and its changes: place and words.
pub(super) type EntryChanges = (String, Option<String>, Vec<(String, String)>);

/// Impacts with their words.
const IMPACTS: [(Impact, &str, &str, &str); 3] = [
    (Impact::Breaks, "Breaks callers", "red", "Callers that worked with the older version stop working, or may."),
    (Impact::Check, "To be checked", "amber", "Whether a caller notices depends on what it does."),
    (Impact::Fine, "Harmless", "green", "Callers of the older version go on as before."),
];

impl Changes {
    /// Compares what is asked for; the two newest versions if nothing is.
    pub(super) async fn load(
        catalog: &Catalog,
        viewer: &Viewer,
        record: &Arc<Record>,
        now: &Reading,
        asked: &Asked,
    ) -> Result<Self, Error> {
        let reference = &record.reference;
        let versions = catalog.definition_versions(&viewer.credentials, reference).await?;
        let newest = versions.first();
        let find = |sequence: Option<i64>, other: Option<&Version>| match sequence {
            Some(sequence) => versions
                .iter()
                .find(|version| version.sequence == sequence)
                .cloned()
                .map(Some)
                .ok_or_else(|| Error::NotFound(format!("the definition of {reference} has no version {sequence}"))),
            None => Ok(other.cloned()),
        };
        let to = find(asked.to, newest)?;
        let older = to.as_ref().and_then(|to| versions.iter().find(|version| version.sequence < to.sequence));
        let from = find(asked.from, older)?;
        let compared = match (from.clone(), to.clone()) {
            (Some(from), Some(to)) => {
                let (old, new) = tokio::try_join!(
                    at(catalog, viewer, reference, now, &from, newest),
                    at(catalog, viewer, reference, now, &to, newest)
                )?;
                let reference = reference.clone();
                let work = move || Compared::of(&reference, (&from, &old), (&to, &new));
                Some(tokio::task::spawn_blocking(work).await.map_err(Error::internal)?)
            }
            _ => None,
        };
        let is = |chosen: &Option<Version>, version: &Version| {
            chosen.as_ref().is_some_and(|one| one.sequence == version.sequence)
        };
        let choice = |(index, version): (usize, &Version)| Choice {
            sequence: version.sequence,
            label: format!("{}{}", Moment(version.at).exact(), if index == 0 { " (now)" } else { "" }),
            is_from: is(&from, version),
            is_to: is(&to, version),
        };
        Ok(Self { versions: versions.iter().enumerate().map(choice).collect(), compared })
    }
}

/// The declared type and the text of a version.
async fn at(
    catalog: &Catalog,
    viewer: &Viewer,
    reference: &EntityRef,
    now: &Reading,
    version: &Version,
    newest: Option<&Version>,
) -> Result<(String, String), Error> {
    if newest.is_some_and(|newest| newest.sequence == version.sequence) {
        return Ok((now.declared.clone(), now.text.clone()));
    }
    let document = catalog.document_at(&viewer.credentials, reference, version.sequence).await?.unwrap_or_default();
    let declared = document.pointer("/spec/type").and_then(serde_json::Value::as_str).unwrap_or("text");
    Ok((declared.to_owned(), text_of(document.pointer("/spec/definition")).unwrap_or_default()))
}

impl Compared {
    fn of(reference: &EntityRef, old: (&Version, &(String, String)), new: (&Version, &(String, String))) -> Self {
        let ((from, (old_type, old_text)), (to, (new_type, new_text))) = (old, new);
        let (before, now) = (Definition::read(old_type, old_text), Definition::read(new_type, new_text));
        let (comparison, only_lines) = match (&before, &now) {
            (Ok(before), Ok(now)) => (compare(before, now), None),
            (before, now) => {
                let unreadable = [("older", before), ("newer", now)];
                let wrong = unreadable.into_iter().find_map(|(which, read)| Some((which, read.as_ref().err()?)));
                let why = wrong.map(|(which, problem)| {
                    let place = problem.place.map(|(line, column)| format!(" (line {line}, column {column})"));
                    format!("The {which} version cannot be read: {}{}.", problem.message, place.unwrap_or_default())
                });
                (crate::definition::Comparison::default(), why)
            }
        };
        let told = |(impact, title, hue, about): &(Impact, &'static str, &'static str, &'static str)| {
            let own = comparison.changes.iter().filter(|change| change.impact == *impact);
            Told { title, hue, about, count: own.clone().count(), entries: entries(reference, own) }
        };
        let impacts: Vec<Told> = IMPACTS.iter().map(told).filter(|told| told.count > 0).collect();
        let summary = match &impacts[..] {
            [] => "Nothing that callers could notice".to_owned(),
            many => many
                .iter()
                .map(|told| format!("{} {}", told.count, told.title.to_lowercase()))
                .collect::<Vec<_>>()
                .join(", "),
        };
        Self {
            from: Moment(from.at),
            to: Moment(to.at),
            impacts,
            summary: shown::capital(&summary),
            is_cut: comparison.is_cut,
            only_lines,
            diff: Diff::new("the definition", old_text, new_text),
        }
    }
}

/// Changes by entry, in their order.
fn entries<'a>(reference: &EntityRef, changes: impl Iterator<Item = &'a Change>) -> Vec<EntryChanges> {
    let mut entries: Vec<EntryChanges> = Vec::new();
    for change in changes {
        let line = (change.place.clone(), change.words.clone());
        if let Some((.., lines)) = entries.last_mut().filter(|(entry, ..)| *entry == change.entry) {
            lines.push(line);
        } else {
            let leads = change.anchor.as_deref().map(|anchor| link::definition(reference, &[("entry", anchor)]));
            entries.push((change.entry.clone(), leads, vec![line]));
        }
    }
    entries
}

/// Words with what stands in backticks as code.
pub(super) fn marked(words: &str) -> String {
    super::field::code_marked(words)
}
