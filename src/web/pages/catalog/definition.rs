//! The Definition tab: an API's definition as text.

use askama::Template;
use axum::extract::State;

use super::entity::{Head, LINES, record};
use crate::catalog::Catalog;
use crate::pipeline::Pipelines;
use crate::web::error::Error;
use crate::web::extract::EntityPath;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::session::Viewer;

/// The definition of an API.
#[derive(Template)]
#[template(path = "catalog/definition.html")]
pub(super) struct DefinitionPage {
    chrome: Chrome,
    head: Head,
    lines: Vec<String>,
    cut: bool,
    /// `openapi`, `asyncapi`, …
    format: String,
}

/// `GET …/api`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    State(pipelines): State<Pipelines>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
) -> PageResult<DefinitionPage> {
    let record = record(&catalog, &viewer, &reference)?;
    let head = Head::new(&catalog, &pipelines, &viewer, &record, "api");
    let entity = record.entity();
    let text = match entity.at(&["spec", "definition"]) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => serde_yaml::to_string(other).map_err(Error::internal)?,
        None => {
            return Err(Error::NotFound(format!("{reference} has no definition; APIs have one, in `spec.definition`")));
        }
    };
    let lines: Vec<String> = text.lines().take(LINES).map(str::to_owned).collect();
    Ok(Page(DefinitionPage {
        chrome: head.chrome(&viewer),
        cut: text.lines().nth(LINES).is_some(),
        format: entity.text(&["spec", "type"]).unwrap_or("text").to_owned(),
        lines,
        head,
    }))
}
