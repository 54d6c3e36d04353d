//! The Definition tab: what an API takes and gives, as a reference to read, as text, and from version to version.
//!
//! `…/api` shows one of its views. [`reading`] reads a definition once and keeps the last ones; [`mod@reference`] turns the
//! model into what the template writes, as much as one page should hold; [`changes`] compares versions; [`trial`] is the
//! page with Swagger UI. A definition that cannot be read is shown as text, with what is wrong and where.

mod changes;
mod field;
mod reading;
mod reference;
mod trial;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;

use self::changes::Changes;
use self::reading::Reading;
use self::reference::Reference;
use super::entity::{Head, LINES, record};
use super::tab::Tab;
use crate::catalog::Catalog;
use crate::definition::Format;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::{Answer, EntityPath, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/catalog/{namespace}/{kind}/{name}/api", get(show))
        .route("/catalog/{namespace}/{kind}/{name}/api/file", get(file))
        .route("/catalog/{namespace}/{kind}/{name}/api/openapi.json", get(json))
        .route("/catalog/{namespace}/{kind}/{name}/api/try", get(trial::show))
}

/// The definition of an API.
#[derive(Template)]
#[template(path = "catalog/definition.html")]
pub(super) struct DefinitionPage {
    chrome: Chrome,
    head: Head,
    /// `OpenAPI 3.1.0`, or what its owner calls it.
    format: String,
    views: Vec<ViewLink>,
    /// Where Swagger UI is.
    trial: Option<String>,
    file: String,
    download: String,
    body: Body,
}

/// One of the views, to be chosen.
struct ViewLink {
    label: &'static str,
    link: String,
    is_current: bool,
}

enum Body {
    Reference(Box<Reference>),
    Text(Text),
    Changes(Box<Changes>),
}

/// The text as its file has it.
struct Text {
    lines: Vec<String>,
    is_cut: bool,
    /// Why it is shown as text, and at which line and column.
    problem: Option<(String, Option<(u32, u32)>)>,
}

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// `raw` or `changes`.
    #[serde(default)]
    view: String,
    /// Words to look for.
    #[serde(default)]
    q: String,
    /// The anchor of a group.
    #[serde(default)]
    group: String,
    /// The anchor of an entry.
    #[serde(default)]
    entry: String,
    from: Option<i64>,
    to: Option<i64>,
}

/// `GET …/api`
pub(super) async fn show(tab: Tab, Query(asked): Query<Asked>) -> PageResult<DefinitionPage> {
    let chrome = tab.chrome();
    let Tab { catalog, viewer, record, head } = tab;
    let reference = record.reference.clone();
    let reading = Reading::of(&record).await?;
    let is_readable = reading.definition.is_ok();
    let (view, body) = match asked.view.as_str() {
        "changes" => {
            ("changes", Body::Changes(Box::new(Changes::load(&catalog, &viewer, &record, &reading, &asked).await?)))
        }
        "raw" => ("raw", Body::Text(Text::of(&reading))),
        _ => match &reading.definition {
            Ok(definition) => ("", Body::Reference(Box::new(Reference::of(&reference, definition, &asked)?))),
            Err(_) => ("raw", Body::Text(Text::of(&reading))),
        },
    };
    let view_link = |label, name: &'static str| ViewLink {
        label,
        link: if name.is_empty() {
            link::entity_tab(&reference, "api")
        } else {
            link::definition(&reference, &[("view", name)])
        },
        is_current: view == name,
    };
    let views = [("Reference", ""), ("Text", "raw"), ("Changes", "changes")];
    let views = views.into_iter().filter(|(_, name)| is_readable || !name.is_empty());
    Ok(Page(DefinitionPage {
        chrome,
        format: reading.format(),
        views: views.map(|(label, name)| view_link(label, name)).collect(),
        trial: reading.is_openapi().then(|| link::definition_trial(&reference)),
        file: link::definition_file(&reference, false),
        download: link::definition_file(&reference, true),
        body,
        head,
    }))
}

impl Text {
    fn of(reading: &Reading) -> Self {
        // A format that nobody reads is no mistake.
        let problem = reading.definition.as_ref().err().filter(|_| reading.is_known);
        Self {
            lines: reading.text.lines().take(LINES).map(str::to_owned).collect(),
            is_cut: reading.text.lines().nth(LINES).is_some(),
            problem: problem.map(|problem| (problem.message.clone(), problem.place)),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct FileAsked {
    #[serde(default)]
    download: String,
}

/// `GET …/api/file`: the definition as it is, to be read or kept.
async fn file(
    State(catalog): State<Catalog>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Query(asked): Query<FileAsked>,
) -> Answer {
    let record = record(&catalog, &viewer, &reference)?;
    let reading = Reading::of(&record).await?;
    let mut response = text(reading.text.clone(), "text/plain; charset=utf-8");
    if !asked.download.is_empty() {
        let safe: String = reference
            .name()
            .chars()
            .map(
                |letter| if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '-' },
            )
            .collect();
        let value = format!("attachment; filename=\"{safe}.{}\"", reading.ending());
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
        }
    }
    Ok(response)
}

/// `GET …/api/openapi.json`: the definition as a tree, for Swagger UI.
async fn json(State(catalog): State<Catalog>, viewer: Viewer, EntityPath(reference): EntityPath) -> Answer {
    let record = record(&catalog, &viewer, &reference)?;
    let reading = Reading::of(&record).await?;
    let tree = reading.definition.as_ref().ok().filter(|definition| matches!(definition.format, Format::OpenApi(_)));
    let Some(tree) = tree.and_then(|definition| definition.tree()) else {
        return Err(Error::NotFound(format!("{reference} is no OpenAPI definition that can be read")));
    };
    Ok(text(serde_json::to_string(tree).map_err(Error::internal)?, "application/json"))
}

fn text(body: String, kind: &'static str) -> Response {
    let headers: HeaderMap = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ]
    .into_iter()
    .collect();
    (headers, body).into_response()
}

/// Definitions are shared by requests that read them at the same time.
type Shared = Arc<Reading>;
