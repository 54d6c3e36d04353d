//! `/catalog-import`: what is at an address, what would be registered and proposed, and how far that is.
//!
//! An address is looked at in a part of the page that comes later, as forges take their time (`late-part.js`; without a
//! script it is a page of its own).

mod answers;
mod show;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{get, post};
use serde::Deserialize;

use self::answers::{Choices, Chosen};
use super::shown::{self, EntityLink, Moment};
use crate::catalog::Catalog;
use crate::forge::Forges;
use crate::import::{Found, ImportError, Imports, Summary, Survey, Surveyed};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::{Answer, Form, Query};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/catalog-import", get(index).post(import))
        .route("/catalog-import/{id}", get(show::show))
        .route("/catalog-import/{id}/attempts", post(show::try_again))
}

/// The address, what is there, and earlier imports.
#[derive(Template)]
#[template(path = "import/index.html")]
struct IndexPage {
    chrome: Chrome,
    address: String,
    /// This page with what is at the address.
    now: String,
    survey: Option<Result<Shown, String>>,
    imports: Vec<ImportLine>,
    /// What an address may look like.
    examples: Vec<String>,
}

/// What was found, with what is asked of it.
struct Shown {
    survey: Survey,
    choices: Choices,
    parts: Vec<(usize, String, bool)>,
}

impl Shown {
    fn new(catalog: &Catalog, viewer: &Viewer, address: &str, survey: Survey) -> Self {
        let (shown, parts) = survey.part;
        let part = |part| (part, link::import_survey(address, part, false), part == shown);
        let parts = if parts > 1 { (1..=parts).map(part).collect() } else { Vec::new() };
        Self { choices: Choices::offered(catalog, viewer), parts, survey }
    }

    fn lacks_descriptors(&self) -> bool {
        self.survey.repositories.iter().any(|surveyed| surveyed.found == Found::Nothing)
    }

    fn has_new(&self) -> bool {
        let is_new = |surveyed: &Surveyed| match &surveyed.found {
            Found::Descriptors(all) => all.iter().any(|one| !one.is_known && one.problem.is_none()),
            _ => false,
        };
        self.survey.repositories.iter().any(is_new)
    }
}

struct ImportLine {
    link: String,
    target: String,
    by: Option<EntityLink>,
    at: Moment,
    items: String,
    open: i64,
    failed: i64,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    url: String,
    part: Option<usize>,
    #[serde(default)]
    now: String,
}

/// `GET /catalog-import`
async fn index(
    State(imports): State<Imports>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<IndexPage> {
    let address = asked.url.trim();
    let part = asked.part.unwrap_or(1);
    let survey = match asked.now.as_str() {
        "yes" if !address.is_empty() => Some(match imports.survey(&viewer.credentials, address, part).await {
            Ok(survey) => Ok(Shown::new(&catalog, &viewer, address, survey)),
            Err(error) => Err(sentence(error)?),
        }),
        _ => None,
    };
    let listed = imports.list(&viewer.credentials).await?;
    Ok(Page(IndexPage {
        chrome: viewer.chrome(Area::Catalog, "Import"),
        now: link::import_survey(address, part, true),
        survey,
        imports: listed.into_iter().map(|summary| ImportLine::new(&catalog, &viewer, summary)).collect(),
        examples: examples(&forges),
        address: address.to_owned(),
    }))
}

impl ImportLine {
    fn new(catalog: &Catalog, viewer: &Viewer, Summary { import, items, open, failed }: Summary) -> Self {
        Self {
            link: link::import(import.id, false),
            by: EntityLink::read(catalog, viewer, &import.created_by),
            at: Moment(import.created_at),
            target: import.target,
            items: shown::count(usize::try_from(items).unwrap_or_default(), "item", "items"),
            open,
            failed,
        }
    }
}

/// What a forge or the address is at fault for is told in place.
fn sentence(error: ImportError) -> Result<String, Error> {
    match Error::from(error) {
        internal @ Error::Internal(_) => Err(internal),
        told => Ok(told.to_string()),
    }
}

fn examples(forges: &Forges) -> Vec<String> {
    let Ok(example) = crate::forge::RepositoryId::new("acme", "payments-api") else { return Vec::new() };
    forges.iter().map(|forge| String::from(forge.repository_url(&example))).collect()
}

/// What would be done, before it is.
#[derive(Template)]
#[template(path = "import/review.html")]
struct ReviewPage {
    chrome: Chrome,
    address: String,
    chosen: Chosen,
    error: Option<String>,
    back: String,
}

/// `POST /catalog-import`: shows what would be done, or begins it.
async fn import(
    State(imports): State<Imports>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    viewer: Viewer,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let value = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.trim());
    let address = value("url").to_owned();
    let mut error = None;
    let chosen = if value("step") == "import" {
        let chosen = Chosen::read(&forges, &pairs)?;
        match imports.begin(&viewer.credentials, &address, chosen.items()).await {
            Ok(import) => return Ok(Redirect::to(&link::import(import.id, false)).into_response()),
            Err(failed) => error = Some(sentence(failed)?),
        }
        chosen
    } else {
        let mut chosen = Chosen::read(&forges, &pairs)?;
        if let Err(failed) = chosen.draft(&forges, &catalog, &pairs).await {
            error = Some(sentence(failed)?);
        }
        chosen
    };
    Ok(Page(ReviewPage {
        chrome: viewer.chrome(Area::Catalog, "Import"),
        back: link::import_survey(&address, 1, false),
        address,
        chosen,
        error,
    })
    .into_response())
}
