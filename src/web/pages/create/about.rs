//! `GET /create/templates/{namespace}/{name}/about`: what a template makes and asks, whose it is, and what became of
//! its runs.

use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use super::Problem;
use super::form::TemplatePath;
use super::schema::SchemaTable;
use crate::catalog::{Catalog, EntityFilter, EntityQuery};
use crate::entity::{EntityRef, SOURCE_TEMPLATE};
use crate::forge::Forges;
use crate::scaffolder::{EffectClass, Scaffolder, Step, TaskQuery};
use crate::web::Site;
use crate::web::error::Error;
use crate::web::extract::Path;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::catalog::named;
use crate::web::pages::markdown;
use crate::web::pages::shown::{self, EntityLink, Moment};
use crate::web::pages::task::{self, RunRow};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Runs that are listed.
const RUNS: usize = 5;
/// Entities made from it that are listed.
const MADE: usize = 60;

/// One template.
#[derive(Template)]
#[template(path = "create/about.html")]
pub(crate) struct AboutPage {
    pub(crate) chrome: Chrome,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) title: String,
    /// Sanitised.
    pub(crate) about: Option<String>,
    pub(crate) kind: String,
    pub(crate) tags: Vec<String>,
    pub(crate) owner: Option<EntityLink>,
    /// Its file: name and, where there is one, a link.
    pub(crate) file: (String, Option<String>),
    pub(crate) version: Option<String>,
    pub(crate) entity: String,
    pub(crate) create: String,
    pub(crate) edit: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) steps: Vec<StepView>,
    /// Title and questions of every page of the form.
    pub(crate) pages: Vec<(String, SchemaTable)>,
    pub(crate) record: Record,
    pub(crate) runs: Vec<RunRow>,
    pub(crate) made: Vec<EntityLink>,
    /// There are more than are listed.
    pub(crate) more: bool,
}

/// One step in words.
pub(crate) struct StepView {
    pub(crate) name: String,
    pub(crate) action: String,
    /// Where the action is described; none for one that is not there.
    pub(crate) described: Option<String>,
    /// Sanitised.
    pub(crate) about: Option<String>,
    pub(crate) outside: bool,
    /// `if` as written.
    pub(crate) condition: Option<String>,
    /// `each` as written.
    pub(crate) each: Option<String>,
}

/// How its runs went.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) runs: usize,
    pub(crate) failed: usize,
    pub(crate) cancelled: usize,
    /// Of those that ended: `3 of 4 (75 %)`.
    pub(crate) success: Option<String>,
    pub(crate) newest: Option<Moment>,
    /// What half of the good ones took at most.
    pub(crate) took: Option<String>,
}

/// Shows one template.
pub(super) async fn show(
    State(scaffolder): State<Scaffolder>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(path): Path<TemplatePath>,
) -> PageResult<AboutPage> {
    let reference = path.reference();
    let template = scaffolder.template(&viewer.credentials, &reference)?;
    let record = site.at_hand(scaffolder.tally(&viewer.credentials, &reference)).await?;
    let registered = site.at_hand(scaffolder.registered(&viewer.credentials, &reference, MADE)).await?;
    let runs = site.at_hand(newest(&catalog, &scaffolder, &viewer, &reference)).await?;
    let (made, more) = made(&catalog, &viewer, &reference, &registered);
    let entity = &template.entity;
    let descriptions = scaffolder.actions();
    let step = |step: &Step| {
        let known = descriptions.iter().find(|action| action.id == step.action);
        StepView {
            name: step.name.clone(),
            action: step.action.clone(),
            described: known.map(|action| link::action(action.id)),
            about: known.map(|action| markdown::note(action.description)),
            outside: scaffolder.action_effect(&step.action) == Some(EffectClass::Outside),
            condition: step.condition.as_ref().map(written),
            each: step.each.as_ref().map(written),
        }
    };
    let asked = template.pages.iter().zip(&template.schemas);
    Ok(Page(AboutPage {
        chrome: viewer.chrome(Area::Create, entity.title()),
        crumbs: vec![("Create".to_owned(), link::create())],
        title: entity.title().to_owned(),
        about: entity.description().map(markdown::note),
        kind: template.kind().to_owned(),
        tags: entity.tags().map(str::to_owned).collect(),
        owner: shown::owner(&catalog, &viewer, entity),
        file: named(&forges, &template.location, None),
        version: template.version.clone(),
        entity: link::entity(&reference),
        create: link::create_from(&reference),
        edit: link::edit_template(&reference),
        problems: template.problems.iter().map(|problem| Problem::new(&forges, &template, problem)).collect(),
        steps: template.steps.iter().map(step).collect(),
        pages: asked.map(|(page, schema)| (page.title.clone(), SchemaTable::new(&*page.title, schema))).collect(),
        record: Record::of(&record),
        runs,
        made,
        more,
    }))
}

async fn newest(
    catalog: &Catalog,
    scaffolder: &Scaffolder,
    viewer: &Viewer,
    template: &EntityRef,
) -> Result<Vec<RunRow>, Error> {
    let query = TaskQuery { template: Some(template.to_string()), limit: Some(RUNS), ..TaskQuery::default() };
    task::listed(catalog, scaffolder, viewer, query).await
}

/// What runs registered and is still there, and what says by annotation that it was made from the template.
fn made(catalog: &Catalog, viewer: &Viewer, template: &EntityRef, registered: &[String]) -> (Vec<EntityLink>, bool) {
    let filter = EntityFilter::is(&format!("metadata.annotations.{SOURCE_TEMPLATE}"), &template.to_string());
    let query = EntityQuery { filter, limit: Some(MADE + 1), ..EntityQuery::default() };
    let annotated = catalog.query(&viewer.credentials, &query).items;
    let registered = registered.iter().filter_map(|entity| entity.parse::<EntityRef>().ok());
    let registered = registered.filter_map(|entity| catalog.entity(&viewer.credentials, &entity));
    let mut seen = HashSet::new();
    let fresh = registered.chain(annotated).filter(|record| seen.insert(record.reference.clone()));
    let mut links: Vec<EntityLink> =
        fresh.map(|record| EntityLink::titled(&record.reference, &*record.title)).take(MADE + 1).collect();
    let more = links.len() > MADE;
    links.truncate(MADE);
    links.sort_by_key(|link| link.name.to_lowercase());
    (links, more)
}

/// A condition or a list as its author wrote it.
fn written(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Record {
    fn of(tally: &crate::scaffolder::Tally) -> Self {
        let number = |count: i64| usize::try_from(count).unwrap_or_default();
        let (completed, failed) = (number(tally.completed), number(tally.failed));
        let ended = completed + failed;
        Self {
            runs: number(tally.runs),
            failed,
            cancelled: number(tally.cancelled),
            success: (ended > 0).then(|| format!("{completed} of {ended} ({} %)", completed * 100 / ended)),
            newest: tally.newest.map(Moment),
            took: tally.median.map(shown::duration),
        }
    }
}
