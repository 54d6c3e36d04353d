//! What changed between two versions of a definition, in words, and whether callers notice.
//!
//! Both are compared as models, so every format is told apart in the same way: entries by what they are called, then
//! their sections, then field by field. What breaks depends on the direction: a caller must follow what it has to *send*
//! (a new required field, a narrower type) and relies on what it *gets* (a field that is gone, one that may be missing).

mod field;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::model::{Detail, Direction, Format, Group, Head, Key, Section};
use super::{Contents, Definition};

/// Changes that are told.
const TOLD: usize = 2000;
/// Fields that are compared, of both together.
const FIELDS: usize = 400_000;

/// Whether callers notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Impact {
    /// Callers that worked stop working.
    Breaks,
    /// It depends on the caller.
    Check,
    /// Callers go on as before.
    Fine,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Change {
    /// Whether callers notice.
    pub(crate) impact: Impact,
    /// Which entry: `GET /orders`. Empty for the whole definition.
    pub(crate) entry: String,
    /// Its anchor in the newer version; none if it is gone.
    pub(crate) anchor: Option<String>,
    /// Where in it: `Answer 200: lines.price`. Empty for the whole entry.
    pub(crate) place: String,
    /// What happened: `must be given now`.
    pub(crate) words: String,
}

/// All changes from one version to another, worst first.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// The changes.
    pub(crate) changes: Vec<Change>,
    /// Whether there was too much to compare all of it.
    pub(crate) is_cut: bool,
}

/// Tells two versions apart.
pub(crate) fn compare(old: &Definition, new: &Definition) -> Comparison {
    if std::mem::discriminant(&old.format) != std::mem::discriminant(&new.format) {
        let words = format!("is written in {} now, not in {}", new.format.name(), old.format.name());
        let whole = Change { impact: Impact::Check, entry: String::new(), anchor: None, place: String::new(), words };
        return Comparison { changes: vec![whole], is_cut: false };
    }
    let mut told = Told { left: FIELDS, ..Told::default() };
    let known = keyed(new);
    let is_shared = is_shared(old, new);
    let mut met = HashSet::new();
    for (key, head) in entries(old) {
        let Some(now) = known.get(&key) else {
            let words = if head.deprecated { "is gone (it was deprecated)" } else { "is gone" };
            told.enter(head, None);
            told.tell(Impact::Breaks, "", words);
            continue;
        };
        met.insert(key);
        told.enter(head, Some(now));
        if now.deprecated && !head.deprecated {
            told.tell(Impact::Check, "", "is deprecated");
        }
        if told.left > 0 && !(is_shared && is_same(old, head, new, now)) {
            told.details(&old.detail(head), &new.detail(now));
        }
    }
    for (key, head) in entries(new) {
        if !met.contains(&key) {
            told.enter(head, Some(head));
            told.tell(Impact::Fine, "", "is new");
        }
    }
    told.finish()
}

/// What an entry is called in both versions: the names of variables in a path do not matter.
fn key(format: &Format, group: &Group, head: &Head) -> String {
    match format {
        Format::OpenApi(_) => {
            let mut path = String::new();
            let mut inside = false;
            for letter in head.name.chars() {
                inside = (inside || letter == '{') && letter != '}';
                if !inside || letter == '{' {
                    path.push(letter);
                }
            }
            format!("{} {path}", head.badge)
        }
        _ => format!("{} {} {}", group.name, head.badge, head.name),
    }
}

fn entries(definition: &Definition) -> impl Iterator<Item = (String, &Head)> {
    let all = definition.groups.iter().flat_map(|group| group.entries.iter().map(move |head| (group, head)));
    all.map(|(group, head)| (key(&definition.format, group, head), head))
}

fn keyed(definition: &Definition) -> HashMap<String, &Head> {
    entries(definition).collect()
}

/// Whether all that entries may refer to is written alike in both, so that entries that are alike mean the same.
fn is_shared(old: &Definition, new: &Definition) -> bool {
    let (Contents::OpenApi(old), Contents::OpenApi(new)) = (&old.contents, &new.contents) else { return false };
    ["components", "definitions", "parameters", "responses"].iter().all(|part| old.get(part) == new.get(part))
}

/// Whether two entries of trees are written alike.
fn is_same(old: &Definition, before: &Head, new: &Definition, now: &Head) -> bool {
    let (Contents::OpenApi(old), Contents::OpenApi(new)) = (&old.contents, &new.contents) else { return false };
    let Key::Operation { root, path, .. } = &before.key else { return false };
    let at = |tree: &'_ Value| -> Option<Value> { tree.get(*root)?.get(path).cloned() };
    before.key == now.key && at(old) == at(new)
}

/// The changes that were found, and where the comparison stands.
#[derive(Default)]
struct Told {
    changes: Vec<Change>,
    entry: String,
    anchor: Option<String>,
    left: usize,
}

impl Told {
    fn enter(&mut self, head: &Head, now: Option<&Head>) {
        let shown = now.unwrap_or(head);
        self.entry = format!("{} {}", shown.badge, shown.name);
        self.anchor = now.map(|now| now.anchor.clone());
    }

    fn tell(&mut self, impact: Impact, place: &str, words: impl Into<String>) {
        if self.changes.len() < TOLD {
            let (entry, anchor) = (self.entry.clone(), self.anchor.clone());
            self.changes.push(Change { impact, entry, anchor, place: place.to_owned(), words: words.into() });
        }
    }

    fn finish(self) -> Comparison {
        let mut changes = self.changes;
        let is_cut = self.left == 0 || changes.len() >= TOLD;
        changes.sort_by_key(|change| change.impact);
        Comparison { changes, is_cut }
    }

    fn details(&mut self, old: &Detail, new: &Detail) {
        self.facts(old, new);
        for before in &old.sections {
            if let Some(now) = new.sections.iter().find(|section| section.title == before.title) {
                self.section(before, now);
            } else {
                self.section_gone(before);
            }
        }
        for now in &new.sections {
            if !old.sections.iter().any(|section| section.title == now.title) {
                self.section_new(now);
            }
        }
    }

    fn facts(&mut self, old: &Detail, new: &Detail) {
        let of = |detail: &Detail, label: &str| {
            let found = detail.facts.iter().filter(|(name, _)| *name == label).map(|(_, text)| text.clone());
            found.collect::<Vec<_>>().join("; ")
        };
        let mut labels: Vec<&'static str> = old.facts.iter().chain(&new.facts).map(|(label, _)| *label).collect();
        labels.sort_unstable();
        labels.dedup();
        for label in labels.into_iter().filter(|label| !matches!(*label, "See" | "Also in" | "Instead")) {
            let (before, now) = (of(old, label), of(new, label));
            if before == now {
                continue;
            }
            let impact = if matches!(label, "Who may call" | "Address" | "Path") && before_asked_less(&before, &now) {
                Impact::Breaks
            } else {
                Impact::Check
            };
            self.tell(impact, label, from_to(&before, &now));
        }
    }

    fn section(&mut self, before: &Section, now: &Section) {
        let place = &now.title;
        if now.required && !before.required {
            self.tell(Impact::Breaks, place, "must be given now");
        } else if before.required && !now.required {
            self.tell(Impact::Fine, place, "may be left out now");
        }
        let (old_note, new_note) = (note_of(before), note_of(now));
        if old_note != new_note {
            self.tell(Impact::Check, place, from_to(&old_note, &new_note));
        }
        if !now.is_repeated {
            self.fields(place, "", now.direction, &before.fields, &now.fields);
        }
    }

    fn section_gone(&mut self, section: &Section) {
        match section.direction {
            Direction::In if section.title == "Request body" => {
                self.tell(Impact::Check, &section.title, "is not read any more");
            }
            Direction::Out if section.title.starts_with("Answer 4") || section.title.starts_with("Answer 5") => {
                self.tell(Impact::Fine, &section.title, "is not given any more");
            }
            Direction::Out if section.title.starts_with("Answer") || section.fields.is_empty() => {
                self.tell(Impact::Breaks, &section.title, "is not given any more");
            }
            direction => self.fields(&section.title, "", direction, &section.fields, &[]),
        }
    }

    fn section_new(&mut self, section: &Section) {
        let is_body = section.title == "Request body";
        match section.direction {
            Direction::In if is_body && section.required => {
                self.tell(Impact::Breaks, &section.title, "is new and must be given");
            }
            Direction::In if is_body => self.tell(Impact::Fine, &section.title, "is new and may be left out"),
            Direction::Out if section.title.starts_with("Answer 2") || section.title.starts_with("Answer 3") => {
                self.tell(Impact::Check, &section.title, "is new");
            }
            Direction::Out if section.title.starts_with("Answer") => self.tell(Impact::Fine, &section.title, "is new"),
            direction if section.fields.is_empty() => self.tell(
                if direction == Direction::In { Impact::Check } else { Impact::Fine },
                &section.title,
                "is new",
            ),
            direction => self.fields(&section.title, "", direction, &[], &section.fields),
        }
    }
}

/// The media types of a body; what it is made of is compared field by field.
fn note_of(section: &Section) -> String {
    let is_media = |part: &&str| part.contains('/') || part.starts_with("also ");
    let parts: Vec<&str> = section.note.split(" · ").filter(|part| section.is_repeated || is_media(part)).collect();
    parts.join(" · ")
}

/// Whether whoever could call before may not now.
fn before_asked_less(before: &str, now: &str) -> bool {
    let is_open = |text: &str| text.is_empty() || text.split(", or ").any(|way| way == "nobody in particular");
    !is_open(now) && !now.split(", or ").any(|way| before.split(", or ").any(|old| old == way))
}

/// `was a, is b now`.
fn from_to(before: &str, now: &str) -> String {
    match (before.is_empty(), now.is_empty()) {
        (true, _) => format!("is `{now}` now"),
        (_, true) => format!("was `{before}`, is not said any more"),
        _ => format!("was `{before}`, is `{now}` now"),
    }
}
