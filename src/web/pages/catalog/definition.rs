//! The Definition tab: an API's definition as text.

use askama::Template;

use super::entity::{Head, LINES};
use super::tab::Tab;
use crate::web::error::Error;
use crate::web::page::{Chrome, Page, PageResult};

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
pub(super) async fn show(tab: Tab) -> PageResult<DefinitionPage> {
    let Tab { record, .. } = &tab;
    let entity = record.entity();
    let text = match entity.at(&["spec", "definition"]) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => serde_yaml::to_string(other).map_err(Error::internal)?,
        None => {
            return Err(Error::NotFound(format!(
                "{} has no definition; APIs have one, in `spec.definition`",
                record.reference
            )));
        }
    };
    let lines: Vec<String> = text.lines().take(LINES).map(str::to_owned).collect();
    Ok(Page(DefinitionPage {
        chrome: tab.chrome(),
        cut: text.lines().nth(LINES).is_some(),
        format: entity.text(&["spec", "type"]).unwrap_or("text").to_owned(),
        lines,
        head: tab.head,
    }))
}
