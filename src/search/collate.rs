//! What there is to find, made into documents: entities, sections of documentation, runs.

mod definition;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use self::definition::Line;
use super::document::{Document, Facet, Field, Sort};
use crate::catalog::Record;
use crate::entity::{Entity, EntityRef};
use crate::scaffolder::Task;

/// The start of a text of somebody's that counts.
const LONGEST: usize = 4_000;

/// An entity.
pub(super) fn entity(record: &Record) -> Document {
    let entity = &record.entity();
    let sort = match record.reference.kind() {
        "api" => Sort::Api,
        "template" => Sort::Template,
        _ => Sort::Entity,
    };
    let mut document = Document::new(sort, record.reference.as_str(), "");
    name(&mut document, entity);
    let text = |path: &[&str]| entity.text(path).unwrap_or_default();
    document.add(Field::Lead, cut(entity.description().unwrap_or_default()));
    for tag in entity.tags() {
        document.add(Field::Tags, tag);
        document.set(Facet::Tag, tag);
    }
    document.set(Facet::Kind, entity.kind());
    document.set(Facet::Type, text(&["spec", "type"]));
    document.set(Facet::Lifecycle, text(&["spec", "lifecycle"]));
    document.set(Facet::Namespace, entity.namespace());
    for relation in record.relations() {
        let (facet, is_first) = match relation.kind.as_str() {
            "ownedBy" => (Facet::Owner, document.values[Facet::Owner.number()].is_empty()),
            "partOf" if relation.target.starts_with("system:") => {
                (Facet::System, document.values[Facet::System.number()].is_empty())
            }
            _ => continue,
        };
        if is_first {
            document.add(Field::About, name_of(&relation.target));
            document.set(facet, relation.target);
        }
    }
    document.add(Field::About, format!("{} {}", entity.kind(), text(&["spec", "type"])));
    document.add(Field::Text, text(&["spec", "profile", "email"]));
    for link in entity.links() {
        document.add(Field::Text, cut(&link.title.unwrap_or_default()));
    }
    annotations(&mut document, entity);
    if sort == Sort::Api {
        definition::add(&mut document, entity);
    }
    document.prior = prior(record.reference.kind()) + standing(text(&["spec", "lifecycle"]));
    document
}

/// Name and title, the latter only where it says something else.
fn name(document: &mut Document, entity: &Entity) {
    document.add(Field::Name, entity.name());
    if entity.title() != entity.name() {
        document.add(Field::Title, entity.title());
    }
}

/// Values of annotations in which somebody may remember a word: where the source is, what it is called elsewhere.
fn annotations(document: &mut Document, entity: &Entity) {
    let annotations = entity.at(&["metadata", "annotations"]).and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        let is_machinery = key.starts_with("backstage.io/") || key.starts_with("greenroom.dev/");
        if let Some(value) = value.as_str().filter(|value| !is_machinery && value.len() <= 200) {
            document.add(Field::Text, value);
        }
    }
}

/// What people look for more often.
fn prior(kind: &str) -> i8 {
    match kind {
        "component" => 4,
        "system" => 3,
        "group" | "api" | "template" => 2,
        "location" => -100,
        _ => 0,
    }
}

fn standing(lifecycle: &str) -> i8 {
    match lifecycle {
        "production" => 4,
        "deprecated" => -6,
        _ => 0,
    }
}

/// The name in a reference.
fn name_of(reference: &str) -> &str {
    reference.rsplit_once('/').map_or(reference, |(_, name)| name)
}

/// A section of a page of an entity's documentation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Section {
    /// The page's address below the site: `guide/install/`.
    pub(crate) path: String,
    /// The page's title.
    pub(crate) page: String,
    /// The heading; empty before the first one.
    pub(crate) heading: String,
    /// Its anchor; empty at the beginning of the page.
    pub(crate) anchor: String,
    pub(crate) text: String,
}

impl Section {
    /// What names it within its site.
    pub(super) fn place(&self) -> String {
        if self.anchor.is_empty() { self.path.clone() } else { format!("{}#{}", self.path, self.anchor) }
    }

    /// Everything but its place, as one text.
    fn kept(&self) -> String {
        let line = |text: &str| text.replace('\n', " ");
        format!("{}\n{}\n{}", line(&self.page), line(&self.heading), self.text)
    }

    /// A section from its place and what was kept.
    pub(super) fn read(place: &str, kept: &str) -> Self {
        let (path, anchor) = place.split_once('#').unwrap_or((place, ""));
        let mut lines = kept.splitn(3, '\n').map(str::to_owned);
        let mut next = || lines.next().unwrap_or_default();
        Self { path: path.to_owned(), anchor: anchor.to_owned(), page: next(), heading: next(), text: next() }
    }
}

/// The sections of an entity's documentation. It is filtered by what the entity is.
pub(super) fn sections(record: &Record, sections: &[Section]) -> Vec<Document> {
    let of = entity(record);
    let made = sections.iter().filter(|section| !section.text.is_empty() || !section.heading.is_empty());
    let document = |section: &Section| {
        let mut document = Document::new(Sort::Docs, record.reference.as_str(), section.place());
        let is_page = section.heading.is_empty() || section.heading == section.page;
        document.add(Field::Title, if section.heading.is_empty() { &section.page } else { &section.heading });
        if !is_page {
            document.add(Field::Lead, section.page.as_str());
        }
        document.add(Field::About, of.texts.first().map_or("", |(_, name)| name.as_str()));
        document.add(Field::Text, section.text.as_str());
        document.values.clone_from(&of.values);
        document.tags.clone_from(&of.tags);
        document.kept = section.kept();
        document.prior = if is_page { -6 } else { -8 };
        document
    };
    made.map(document).collect()
}

/// A run of a template, as far as it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: Uuid,
    pub(crate) title: String,
    pub(crate) template: Option<EntityRef>,
    pub(crate) template_title: String,
    pub(crate) by: Option<String>,
    /// `completed`, `failed`, …
    pub(crate) state: String,
    pub(crate) created_at: DateTime<Utc>,
}

impl Run {
    /// What there is to find of a task.
    pub(super) fn of(task: &Task) -> Self {
        Self {
            id: task.id,
            title: task.subject(),
            template: task.template(),
            template_title: task.template_title(),
            by: task.created_by.clone(),
            state: if task.waiting { "waiting".to_owned() } else { task.status.clone() },
            created_at: task.created_at,
        }
    }
}

impl Run {
    /// A run that is known only by its id, to be looked up.
    pub(super) fn read(id: &str) -> Option<Self> {
        let id = id.parse().ok()?;
        let created_at = DateTime::UNIX_EPOCH;
        let (title, template_title, state) = Default::default();
        Some(Self { id, title, template: None, template_title, by: None, state, created_at })
    }
}

/// A run.
pub(super) fn run(run: &Run) -> Document {
    let mut document = Document::new(Sort::Run, "", run.id.to_string());
    document.add(Field::Title, run.title.as_str());
    document.add(Field::Lead, run.template_title.as_str());
    document.add(Field::About, run.by.as_deref().map_or("", name_of));
    document.add(Field::About, format!("run {}", run.state));
    if let Some(by) = &run.by {
        document.set(Facet::Owner, by.as_str());
    }
    document.prior = -12;
    document
}

fn cut(text: &str) -> &str {
    super::segment::cut(text, LONGEST)
}
