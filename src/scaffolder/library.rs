//! The templates of the catalog, each parsed and checked once for every version of its entity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::context::Engines;
use super::template::{KnownActions, Source, Template, TemplateProblem};
use super::{ScaffolderError, form};
use crate::catalog::{Catalog, CatalogError, EntityFilter, EntityQuery, LocationRef, Problem, Record};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// The kind that templates have.
const KIND: &str = "template";

/// Parsed templates, by reference, with the etag they were parsed for.
#[derive(Default)]
pub(super) struct Library {
    parsed: Mutex<HashMap<EntityRef, (String, Arc<Template>)>>,
}

/// What templates are read with.
pub(super) struct Reading<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) engines: &'a Engines,
    pub(super) actions: &'a dyn KnownActions,
}

impl Library {
    /// Every template, by title.
    pub(super) fn all(&self, who: &Credentials, reading: &Reading<'_>) -> Vec<Arc<Template>> {
        let query = EntityQuery { filter: EntityFilter::is("kind", KIND), ..EntityQuery::default() };
        let found = reading.catalog.query(who, &query).items;
        let mut templates: Vec<_> = found.iter().map(|record| self.parsed(record, reading)).collect();
        templates.sort_by_cached_key(|template| (template.entity.title().to_lowercase(), template.reference.clone()));
        templates
    }

    /// Every template, and those that the catalog could not take in.
    pub(super) async fn with_unread(
        &self,
        who: &Credentials,
        reading: &Reading<'_>,
    ) -> Result<Vec<Arc<Template>>, CatalogError> {
        let mut templates = self.all(who, reading);
        for problem in reading.catalog.problems(who).await? {
            if problem.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case(KIND)) {
                templates.push(Arc::new(unread(&problem, &templates)));
            }
        }
        Ok(templates)
    }

    /// One template.
    pub(super) fn one(
        &self,
        who: &Credentials,
        reference: &EntityRef,
        reading: &Reading<'_>,
    ) -> Result<Arc<Template>, ScaffolderError> {
        if reference.kind() != KIND {
            return Err(ScaffolderError::Invalid("Invalid kind, only 'Template' kind is supported".to_owned()));
        }
        let record = reading.catalog.entity(who, reference);
        let record = record.ok_or_else(|| ScaffolderError::NotFound(format!("Template {reference} not found")))?;
        Ok(self.parsed(&record, reading))
    }

    /// Reads the files of broken templates, for the exact places of what is wrong with them.
    pub(super) async fn place(&self, who: &Credentials, reading: &Reading<'_>) {
        for template in self.all(who, reading) {
            let is_exact = template.problems.iter().all(|problem| problem.exact);
            let Some(record) = reading.catalog.entity(who, &template.reference).filter(|_| !is_exact) else {
                continue;
            };
            let (Some(location), Some(positions)) = (LocationRef::parse(&record.location), &record.positions) else {
                continue;
            };
            let Ok(file) = reading.catalog.reader().read(&location).await else {
                continue;
            };
            let source = Source::new((**positions).clone(), Some(&String::from_utf8_lossy(&file.bytes)));
            let placed = parse(&record, reading, Some(&source));
            self.parsed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(template.reference.clone(), (record.etag().to_owned(), Arc::new(placed)));
        }
    }

    fn parsed(&self, record: &Record, reading: &Reading<'_>) -> Arc<Template> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((etag, template)) = parsed.get(&record.reference)
            && *etag == *record.etag()
        {
            return Arc::clone(template);
        }
        let source = record.positions.as_ref().map(|positions| Source::new((**positions).clone(), None));
        let template = Arc::new(parse(record, reading, source.as_ref()));
        parsed.insert(record.reference.clone(), (record.etag().to_owned(), Arc::clone(&template)));
        template
    }
}

/// What the newest version of a descriptor, which could not be taken in, seems to declare.
fn unread(problem: &Problem, known: &[Arc<Template>]) -> Template {
    let name = problem.name.as_deref().unwrap_or("unnamed");
    let named = problem.entity.as_deref().and_then(|entity| entity.parse().ok());
    let reference = named.unwrap_or_else(|| EntityRef::new(KIND, "default", name));
    let is_known =
        known.iter().any(|template| template.reference == reference && template.entity.at(&["spec"]).is_some());
    let title = if is_known { format!("{name}: the newest version") } else { name.to_owned() };
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let told = TemplateProblem {
        line: number(problem.line),
        column: number(problem.column),
        exact: true,
        ..TemplateProblem::new(problem.pointer.clone(), problem.message.clone())
    };
    Template::unread(reference, &title, &problem.location, told)
}

fn parse(record: &Record, reading: &Reading<'_>, source: Option<&Source>) -> Template {
    let mut template = Template::parse(&record.entity(), &record.location, reading.engines.values(), reading.actions);
    template.version = record.version.as_deref().map(str::to_owned);
    if let Some(source) = source {
        template.place(source);
    }
    template
}

/// What the form's check asks about the catalog and the forges.
pub(super) struct Shelf<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) hosts: Vec<String>,
    /// Whose own entities count as such.
    pub(super) who: &'a Credentials,
}

impl form::Directory for Shelf<'_> {
    fn offers(&self, choice: &form::EntityChoice, reference: &EntityRef) -> bool {
        let who = self.who;
        let Some(record) = self.catalog.entity(who, reference) else {
            return false;
        };
        let own = match choice.own {
            form::Own::Anyone => true,
            form::Own::Groups => who.ownership().contains(reference),
            form::Own::Owned => record.relations().iter().any(|relation| {
                relation.kind == "ownedBy" && who.ownership().iter().any(|owner| owner.to_string() == relation.target)
            }),
        };
        let filter = choice.catalog_filter().and(EntityFilter::is("metadata.uid", &record.uid.to_string()));
        let query = EntityQuery { filter, limit: Some(1), ..EntityQuery::default() };
        own && self.catalog.query(who, &query).total > 0
    }

    fn hosts(&self) -> Vec<String> {
        self.hosts.clone()
    }
}
