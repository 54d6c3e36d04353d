//! The Source tab: the descriptor as the catalog keeps it.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::ancestry::Ancestry;
use super::entity::{Head, LINES};
use super::tab::Tab;
use crate::forge::Forges;
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Chrome, Page, PageResult};
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
pub(super) async fn show(tab: Tab, State(forges): State<Forges>, Query(asked): Query<RawAsked>) -> PageResult<RawPage> {
    let record = &tab.record;
    let json = asked.format == "json";
    let text = if json {
        serde_json::to_string_pretty(&record.entity()).map_err(Error::internal)?
    } else {
        serde_yaml::to_string(&record.entity()).map_err(Error::internal)?
    };
    let yaml_link = link::entity_tab(&record.reference, "raw");
    Ok(Page(RawPage {
        chrome: tab.chrome(),
        json_link: format!("{yaml_link}?format=json"),
        yaml_link,
        ancestry: Ancestry::load(&tab.catalog, &forges, &tab.viewer, record).await,
        json,
        lines: text.lines().take(LINES).map(str::to_owned).collect(),
        head: tab.head,
    }))
}
