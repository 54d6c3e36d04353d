//! `/catalog/locations`: what is registered, registering more with a look before, and unregistering.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use super::claim::Places;
use super::entity::named;
use super::problems::{Line as ProblemLine, plain};
use crate::catalog::{Catalog, CatalogError, ProviderState, Registered, Registration, Removal};
use crate::entity::Entity;
use crate::forge::Forges;
use crate::web::error::Error;
use crate::web::extract::{Answer, Form, Path, Query};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{EntityLink, Moment, grouped};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Locations of one page.
const LISTED: usize = 100;

/// The list, with what came of trying a target.
#[derive(Template)]
#[template(path = "catalog/locations.html")]
pub(super) struct LocationsPage {
    chrome: Chrome,
    /// Those of this page, with problems first.
    sources: Vec<Source>,
    /// `101 to 200 of 1,004`, and the pages before and after, where there are several.
    shown: Option<String>,
    newer: Option<String>,
    older: Option<String>,
    providers: Vec<ProviderLine>,
    target: String,
    error: Option<String>,
    preview: Option<Preview>,
}

/// A root location with what it declares.
struct Source {
    /// `acme/catalog: catalog-info.yaml`
    target: String,
    /// Where its file is seen.
    page: Option<String>,
    count: usize,
    problems: usize,
    /// The page of a registered one; others have none.
    link: Option<String>,
    /// Who asks for it.
    from: String,
}

/// What finds locations by itself.
struct ProviderLine {
    name: String,
    is_configured: bool,
    last_run: Option<Moment>,
    /// None if somebody has to ask for it.
    next_run: Option<Moment>,
    error: Option<(String, Moment)>,
    locations: usize,
    entities: usize,
}

impl From<ProviderState> for ProviderLine {
    fn from(state: ProviderState) -> Self {
        Self {
            name: state.name,
            is_configured: state.is_configured,
            last_run: state.last_run.map(Moment),
            next_run: state.next_run.map(Moment),
            error: state.error.map(|(message, since)| (plain(&message).to_owned(), Moment(since))),
            locations: state.locations,
            entities: state.entities,
        }
    }
}

/// What a target would register.
struct Preview {
    entities: Vec<EntityLink>,
    problems: Vec<ProblemLine>,
    existed: bool,
}

/// `GET /catalog/locations`
pub(super) async fn list(
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<LocationsPage> {
    Ok(Page(LocationsPage::new(&catalog, &forges, &viewer, asked.page.unwrap_or(1)).await?))
}

#[derive(Deserialize)]
pub(super) struct Asked {
    page: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Registering {
    target: String,
    #[serde(default)]
    step: String,
}

/// `POST /catalog/locations`: shows what a target declares, or registers it.
pub(super) async fn register(
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    viewer: Viewer,
    Form(form): Form<Registering>,
) -> Answer {
    let target = form.target.trim();
    let how = if form.step == "register" { Registration::Refresh } else { Registration::DryRun };
    let mut page =
        LocationsPage { target: target.to_owned(), ..LocationsPage::new(&catalog, &forges, &viewer, 1).await? };
    let places = Places::load(&catalog, &forges, &viewer).await?;
    match catalog.register(&viewer.credentials, "url", target, how).await {
        Ok(registered) if how == Registration::Refresh => {
            return Ok(Redirect::to(&link::location(registered.location.id)).into_response());
        }
        Ok(registered) => page.preview = Some(Preview::new(&catalog, &places, &viewer, &registered)),
        Err(error @ (CatalogError::Invalid(_) | CatalogError::NotFound(_) | CatalogError::Conflict(_))) => {
            page.error = Some(error.to_string());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Page(page).into_response())
}

#[derive(Deserialize)]
pub(super) struct Running {
    provider: String,
}

/// `POST /catalog/provider-runs`
pub(super) async fn run_provider(State(catalog): State<Catalog>, viewer: Viewer, Form(form): Form<Running>) -> Answer {
    catalog.run_provider(&viewer.credentials, &form.provider).await?;
    Ok(Redirect::to(&format!("{}#providers", link::locations())).into_response())
}

impl LocationsPage {
    async fn new(catalog: &Catalog, forges: &Forges, viewer: &Viewer, page: usize) -> Result<Self, Error> {
        let registered = catalog.locations(&viewer.credentials).await?;
        let mut broken: BTreeMap<String, usize> = BTreeMap::new();
        for problem in catalog.problems(&viewer.credentials).await? {
            *broken.entry(problem.source).or_default() += 1;
        }
        let mut counts: BTreeMap<String, usize> = broken.keys().map(|source| (source.clone(), 0)).collect();
        for record in catalog.index().records() {
            *counts.entry(record.source.to_string()).or_default() += 1;
        }
        for location in &registered {
            counts.entry(location.reference()).or_default();
        }
        let providers = catalog.providers(&viewer.credentials).await?;
        let provided = catalog.provided(&viewer.credentials).await?;
        // A provider is a source of its own, and shown among its kind.
        counts.retain(|reference, _| providers.iter().all(|provider| provider.name != *reference));
        for reference in provided.keys() {
            counts.entry(reference.clone()).or_default();
        }
        let total = counts.len();
        let pages = total.div_ceil(LISTED).max(1);
        let page = page.clamp(1, pages);
        let mut listed: Vec<(String, usize)> = counts.into_iter().collect();
        listed.sort_by_key(|(reference, _)| !broken.contains_key(reference));
        let from = (page - 1) * LISTED;
        let listed: Vec<(String, usize)> = listed.into_iter().skip(from).take(LISTED).collect();
        let until = from + listed.len();
        let range = || format!("{} to {} of {}", grouped(from + 1), grouped(until), grouped(total));
        let source = |(reference, count): (String, usize)| {
            let (target, page) = named(forges, &reference, None);
            let mut asked = provided.get(&reference).cloned().unwrap_or_default();
            let known = registered.iter().find(|location| location.reference() == reference);
            if known.is_some() {
                asked.insert(0, "registered".to_owned());
            }
            if catalog.is_configured(&reference) {
                asked.insert(0, "configuration".to_owned());
            }
            Source {
                target,
                page,
                count,
                problems: broken.get(&reference).copied().unwrap_or_default(),
                link: known.map(|location| link::location(location.id)),
                from: asked.join(", "),
            }
        };
        Ok(Self {
            chrome: viewer.chrome(Area::Catalog, "Locations"),
            sources: listed.into_iter().map(source).collect(),
            shown: (pages > 1).then(range),
            newer: (page > 1).then(|| link::locations_page(page - 1)),
            older: (page < pages).then(|| link::locations_page(page + 1)),
            providers: providers.into_iter().map(ProviderLine::from).collect(),
            target: String::new(),
            error: None,
            preview: None,
        })
    }
}

impl Preview {
    fn new(catalog: &Catalog, places: &Places<'_>, viewer: &Viewer, registered: &Registered) -> Self {
        let shown = |entity: &Entity| EntityLink::titled(&entity.reference(), entity.title());
        Self {
            entities: registered.entities.iter().map(shown).collect(),
            problems: registered
                .problems
                .iter()
                .map(|problem| ProblemLine::new(catalog, places, viewer, problem))
                .collect(),
            existed: registered.existed,
        }
    }
}

/// One registered location, with what goes when it is unregistered.
#[derive(Template)]
#[template(path = "catalog/location.html")]
pub(super) struct LocationPage {
    chrome: Chrome,
    target: String,
    /// Where its file is seen.
    page: Option<String>,
    entities: Vec<EntityLink>,
    problems: Vec<ProblemLine>,
    /// Entities that stay because another location has them, with that location.
    stays: Vec<(EntityLink, String)>,
    /// Entities that another location gets, with that location.
    freed: Vec<(EntityLink, String)>,
    is_fixed: bool,
    removal: String,
}

/// `GET /catalog/locations/{id}`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
) -> PageResult<LocationPage> {
    let location = catalog.location(&viewer.credentials, id).await?;
    let reference = location.reference();
    let Removal { goes, stays, freed, is_fixed } = catalog.removal(&viewer.credentials, id).await?;
    let mut entities: Vec<EntityLink> =
        goes.iter().map(|record| EntityLink::titled(&record.reference, &*record.title)).collect();
    entities.sort();
    let beside = |claims: Vec<(String, String)>| {
        let shown = claims.into_iter().filter_map(|(reference, source)| {
            Some((EntityLink::read(&catalog, &viewer, &reference)?, named(&forges, &source, None).0))
        });
        shown.collect::<Vec<(EntityLink, String)>>()
    };
    let (stays, freed) = (beside(stays), beside(freed));
    let problems = catalog.problems(&viewer.credentials).await?;
    let problems = problems.iter().filter(|problem| problem.source == reference);
    let places = Places::load(&catalog, &forges, &viewer).await?;
    let (target, page) = named(&forges, &reference, None);
    Ok(Page(LocationPage {
        chrome: viewer.chrome(Area::Catalog, "Location"),
        target,
        page,
        entities,
        problems: problems.map(|problem| ProblemLine::new(&catalog, &places, &viewer, problem)).collect(),
        stays,
        freed,
        is_fixed,
        removal: link::location_removal(id),
    }))
}

#[derive(Deserialize)]
pub(super) struct Pressed {}

/// `POST /catalog/locations/{id}/removal`
pub(super) async fn remove(
    State(catalog): State<Catalog>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    _: Form<Pressed>,
) -> Answer {
    catalog.unregister(&viewer.credentials, id).await?;
    Ok(Redirect::to(&link::locations()).into_response())
}
