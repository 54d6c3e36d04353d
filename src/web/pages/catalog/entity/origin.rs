//! Where an entity came from: its file, the location that led to it, and the template and run that made it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::catalog::{Catalog, LocationRef, Record};
use crate::entity::{SOURCE_LOCATION, SOURCE_TEMPLATE, VIEW_URL};
use crate::forge::{FileLocation, Forge, Forges, LocationKind};
use crate::techdocs;
use crate::web::pages::shown::{EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Written into every created repository by `provenance:write`.
const PROVENANCE: &str = ".greenroom/template.yaml";

/// Where an entity came from.
#[derive(Default)]
pub(super) struct Origin {
    /// What the source is called, and where it is seen.
    pub(super) source: Option<(String, String)>,
    /// The first page of its documentation.
    pub(super) docs: Option<String>,
    /// Its file: a name and, where there is one, a link.
    pub(super) file: (String, Option<String>),
    /// The file it was registered with, when that is another.
    pub(super) root: Option<(String, Option<String>)>,
    /// The page of the registered location, where it can be unregistered.
    pub(super) location: Option<String>,
    pub(super) template: Option<EntityLink>,
    pub(super) template_version: Option<String>,
    pub(super) run: Option<String>,
    pub(super) made: Option<Moment>,
    pub(super) made_by: Option<EntityLink>,
}

/// The part of the provenance file that is shown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provenance {
    template: Option<String>,
    version: Option<String>,
    task: Option<Uuid>,
    created_at: Option<DateTime<Utc>>,
    created_by: Option<String>,
}

impl Origin {
    /// Collects what is known.
    pub(super) async fn load(catalog: &Catalog, forges: &Forges, viewer: &Viewer, record: &Record) -> Self {
        let place = located(forges, record);
        let entity = record.entity();
        let annotation = |key| entity.annotation(key);
        let registered = catalog.location_by_entity(&viewer.credentials, &record.reference).await.ok();
        let mut origin = Self {
            source: source(forges, record, place.as_ref()),
            docs: techdocs::is_documented(&entity).then(|| link::docs_page(&record.reference, "")),
            file: named(forges, &record.location, annotation(VIEW_URL)),
            root: (record.source != record.location).then(|| named(forges, &record.source, None)),
            location: registered.map(|location| link::location(location.id)),
            template: annotation(SOURCE_TEMPLATE).and_then(|template| EntityLink::read(catalog, viewer, template)),
            template_version: annotation(crate::entity::TEMPLATE_VERSION).map(str::to_owned),
            ..Self::default()
        };
        if let Some((forge, file)) = place
            && let Ok(read) = forge.read(&file.repository, &file.revision, PROVENANCE).await
            && let Ok(known) = serde_yaml::from_slice::<Provenance>(&read.bytes)
        {
            let known_template = known.template.and_then(|template| EntityLink::read(catalog, viewer, &template));
            origin.template = known_template.or(origin.template);
            origin.template_version = known.version.or(origin.template_version);
            origin.run = known.task.map(link::task);
            origin.made = known.created_at.map(Moment);
            origin.made_by = known.created_by.and_then(|by| EntityLink::read(catalog, viewer, &by));
        }
        origin
    }

    /// The version as people compare it: the first digits of a commit or hash.
    pub(super) fn short_version(&self) -> String {
        self.template_version.as_deref().map(|version| version.chars().take(10).collect()).unwrap_or_default()
    }
}

/// The forge and file an entity's descriptor is in.
pub(in crate::web::pages::catalog) fn located<'a>(
    forges: &'a Forges,
    record: &Record,
) -> Option<(&'a Arc<dyn Forge>, FileLocation)> {
    let location = LocationRef::parse(&record.location).filter(LocationRef::is_url)?;
    let (forge, file) = forges.locate(&Url::parse(&location.target).ok()?)?;
    Some((forge, as_file(file)))
}

/// Backstage's actions write `tree` for every location in a repository; a descriptor is a file all the same.
fn as_file(location: FileLocation) -> FileLocation {
    let descriptor = [".yaml", ".yml", ".json"].iter().any(|ending| location.path.ends_with(ending));
    if descriptor { FileLocation { kind: LocationKind::Blob, ..location } } else { location }
}

/// A location's short name, and where a person sees it.
pub(in crate::web::pages) fn named(forges: &Forges, location: &str, view: Option<&str>) -> (String, Option<String>) {
    let Some(parsed) = LocationRef::parse(location) else { return (location.to_owned(), None) };
    match Url::parse(&parsed.target).ok().and_then(|url| forges.locate(&url)) {
        Some((_, file)) => (format!("{}: {}", file.repository, file.path), Some(page_of(&as_file(file)))),
        None if parsed.is_url() => (parsed.target.clone(), Some(view.unwrap_or(&parsed.target).to_owned())),
        None if parsed.is_file() => (parsed.target, None),
        // A provider by its name.
        None => (location.to_owned(), None),
    }
}

/// The portal's own page of a file or folder.
fn page_of(file: &FileLocation) -> String {
    let (owner, name) = (file.repository.owner(), file.repository.name());
    match file.kind {
        LocationKind::Tree => link::tree(owner, name, &file.revision, &file.path),
        LocationKind::Blob => link::blob(owner, name, &file.revision, &file.path),
    }
}

/// The folder of the entity's source.
fn folder(forges: &Forges, record: &Record, place: Option<&(&Arc<dyn Forge>, FileLocation)>) -> Option<FileLocation> {
    let written = record.entity().annotation(SOURCE_LOCATION).and_then(LocationRef::parse);
    let located = written.and_then(|location| Some(as_file(forges.locate(&Url::parse(&location.target).ok()?)?.1)));
    let file = located.or_else(|| place.map(|(_, file)| file.clone()))?;
    Some(FileLocation::tree(file.repository.clone(), file.revision.clone(), file.folder()))
}

fn source(
    forges: &Forges,
    record: &Record,
    place: Option<&(&Arc<dyn Forge>, FileLocation)>,
) -> Option<(String, String)> {
    if let Some(folder) = folder(forges, record, place) {
        let label = if folder.path.is_empty() {
            folder.repository.to_string()
        } else {
            format!("{}: {}", folder.repository, folder.path)
        };
        return Some((label, page_of(&folder)));
    }
    let entity = record.entity();
    let url = entity.annotation(SOURCE_LOCATION)?.strip_prefix("url:")?;
    url.starts_with("http").then(|| (url.trim_start_matches("https://").to_owned(), url.to_owned()))
}
