//! The Source tab: the descriptor as the catalog keeps it.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::ancestry::Ancestry;
use super::entity::{Head, LINES, record};
use crate::catalog::Catalog;
use crate::forge::Forges;
use crate::pipeline::Pipelines;
use crate::web::error::Error;
use crate::web::extract::{EntityPath, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

/// The descriptor as it is kept.
#[derive(Template)]
#[template(path = "catalog/raw.html")]
pub(super) struct RawPage {
    chrome: Chrome,
    head: Head,
    json: bool,
    yaml_link: String,
    json_link: String,
    lines: Vec<String>,
    ancestry: Ancestry,
}

#[derive(Deserialize)]
pub(super) struct RawAsked {
    #[serde(default)]
    format: String,
}

/// `GET …/raw`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    State(pipelines): State<Pipelines>,
    State(forges): State<Forges>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Query(asked): Query<RawAsked>,
) -> PageResult<RawPage> {
    let record = record(&catalog, &viewer, &reference)?;
    let head = Head::new(&catalog, &pipelines, &viewer, &record, "raw");
    let json = asked.format == "json";
    let text = if json {
        serde_json::to_string_pretty(&record.entity()).map_err(Error::internal)?
    } else {
        serde_yaml::to_string(&record.entity()).map_err(Error::internal)?
    };
    let yaml_link = link::entity_tab(&reference, "raw");
    Ok(Page(RawPage {
        chrome: head.chrome(&viewer),
        json_link: format!("{yaml_link}?format=json"),
        yaml_link,
        ancestry: Ancestry::load(&catalog, &forges, &viewer, &record).await,
        json,
        lines: text.lines().take(LINES).map(str::to_owned).collect(),
        head,
    }))
}
