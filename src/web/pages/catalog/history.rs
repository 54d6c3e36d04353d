//! The History tab: the changes of an entity, newest first, with what differs.

use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::entity::Head;
use super::tab::Tab;
use crate::catalog::{Operation, Revision};
use crate::entity::EntityRef;
use crate::web::extract::Query;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::diff::Diff;
use crate::web::pages::shown::Moment;
use crate::web::url as link;

/// Changes on one page.
const LISTED: usize = 50;

/// The history.
#[derive(Template)]
#[template(path = "catalog/history.html")]
pub(super) struct HistoryPage {
    chrome: Chrome,
    head: Head,
    changes: Vec<ChangeLine>,
    /// The page of the changes before these.
    older: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct HistoryAsked {
    before: Option<i64>,
}

struct ChangeLine {
    label: &'static str,
    hue: &'static str,
    at: Moment,
    source: String,
    diff: Option<Diff>,
    /// Of a change of an API's definition: what it means to callers.
    definition: Option<String>,
    open: bool,
}

/// `GET /catalog/{namespace}/{kind}/{name}/history`
pub(super) async fn show(tab: Tab, Query(asked): Query<HistoryAsked>) -> PageResult<HistoryPage> {
    let reference = &tab.record.reference;
    let mut revisions = tab.catalog.revisions(&tab.viewer.credentials, reference, asked.before, LISTED + 1).await?;
    let has_more = revisions.len() > LISTED;
    revisions.truncate(LISTED);
    let oldest = revisions.last().filter(|_| has_more).map(|revision| revision.change.sequence);
    let older = oldest.map(|sequence| format!("{}?before={sequence}", link::entity_tab(reference, "history")));
    let changes = revisions.iter().enumerate().map(|(index, revision)| line(reference, index, revision)).collect();
    Ok(Page(HistoryPage { chrome: tab.chrome(), changes, older, head: tab.head }))
}

/// One change, compared with the document before it.
fn line(reference: &EntityRef, index: usize, revision: &Revision) -> ChangeLine {
    let Revision { change, before } = revision;
    let (label, hue) = match change.operation {
        Operation::Insert => ("Added", "green"),
        Operation::Update => ("Changed", "blue"),
        Operation::Status => ("State changed", "amber"),
        Operation::Delete => ("Removed", "red"),
    };
    let diff = match (before, &change.document) {
        (Some(before), Some(document)) => Diff::new("the descriptor", &written(before), &written(document)),
        _ => None,
    };
    let definition = |document: &Option<Value>| document.as_ref()?.pointer("/spec/definition").cloned();
    let has_other_definition = reference.kind() == "api"
        && before.is_some()
        && change.document.is_some()
        && definition(before) != definition(&change.document);
    let sequence = change.sequence.to_string();
    let definition =
        has_other_definition.then(|| link::definition(reference, &[("view", "changes"), ("to", &sequence)]));
    ChangeLine { label, hue, at: Moment(change.at), source: change.source.clone(), open: index < 3, diff, definition }
}

fn written(document: &Value) -> String {
    serde_yaml::to_string(document).unwrap_or_default()
}
