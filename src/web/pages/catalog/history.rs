//! The History tab: every change of an entity, with what differs.

use askama::Template;
use axum::extract::State;
use serde_json::Value;

use super::entity::{Head, record};
use crate::catalog::{Catalog, Change, Operation};
use crate::web::extract::EntityPath;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::diff::Diff;
use crate::web::pages::shown::Moment;
use crate::web::session::Viewer;

/// Changes that are listed.
const LISTED: usize = 50;

/// The history.
#[derive(Template)]
#[template(path = "catalog/history.html")]
pub(super) struct HistoryPage {
    chrome: Chrome,
    head: Head,
    changes: Vec<ChangeLine>,
}

struct ChangeLine {
    label: &'static str,
    hue: &'static str,
    at: Moment,
    source: String,
    diff: Option<Diff>,
    open: bool,
}

/// `GET /catalog/{namespace}/{kind}/{name}/history`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
) -> PageResult<HistoryPage> {
    let record = record(&catalog, &viewer, &reference)?;
    let head = Head::new(&catalog, &viewer, &record, "history");
    let changes = catalog.history(&viewer.credentials, &reference).await?;
    let lines =
        changes.iter().take(LISTED).enumerate().map(|(index, change)| line(index, change, &changes[index + 1..]));
    Ok(Page(HistoryPage { chrome: head.chrome(&viewer), changes: lines.collect(), head }))
}

/// One change, compared with the document before it.
fn line(index: usize, change: &Change, earlier: &[Change]) -> ChangeLine {
    let (label, hue) = match change.operation {
        Operation::Insert => ("Added", "green"),
        Operation::Update => ("Changed", "blue"),
        Operation::Status => ("State changed", "amber"),
        Operation::Delete => ("Removed", "red"),
    };
    let before = earlier.iter().take_while(|it| it.operation != Operation::Delete).find_map(|it| it.document.as_ref());
    let diff = match (&change.document, before, change.operation) {
        (Some(document), Some(before), Operation::Update) => {
            Diff::new("the descriptor", &written(before), &written(document))
        }
        _ => None,
    };
    ChangeLine { label, hue, at: Moment(change.at), source: change.source.clone(), open: index < 3, diff }
}

fn written(document: &Value) -> String {
    serde_yaml::to_string(document).unwrap_or_default()
}
