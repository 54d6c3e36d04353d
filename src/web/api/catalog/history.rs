//! `/entities/by-name/…/history`: the changes of one entity, newest first, each with what differs.

use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use similar::TextDiff;

use super::entities::EntityPath;
use crate::catalog::{Catalog, Revision};
use crate::web::AppState;
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::{Caller, reply};
use crate::web::error::Error;
use crate::web::extract::Path;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;
/// Larger documents are not compared line by line.
const MAX_COMPARED: usize = 512 * 1024;
/// After this, a comparison of lines is finished coarsely.
const COMPARING: Duration = Duration::from_millis(20);

/// The route.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/entities/by-name/{kind}/{namespace}/{name}/history", get(show))
}

/// `GET /entities/by-name/{kind}/{namespace}/{name}/history`
async fn show(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(path): Path<EntityPath>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let parameters = Parameters::read(query.as_deref(), &[Parameter::natural("limit"), Parameter::text("cursor")])?;
    let limit = parameters.natural("limit").unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::Input(format!("request/query/limit must be from 1 to {MAX_LIMIT}")));
    }
    let before = parameters.text("cursor").map(place).transpose()?;
    let reference = path.reference();
    let mut revisions = catalog.revisions(&who, &reference, before, limit + 1).await?;
    if revisions.is_empty() && before.is_none() && catalog.entity(&who, &reference).is_none() {
        return Err(Error::NotFound(format!("No entity {reference} is or was known")));
    }
    let has_more = revisions.len() > limit;
    revisions.truncate(limit);
    let mut page_info = Map::new();
    if let Some(last) = revisions.last().filter(|_| has_more) {
        let cursor = URL_SAFE_NO_PAD.encode(last.change.sequence.to_string());
        page_info.insert("nextCursor".to_owned(), json!(cursor));
    }
    let items: Vec<_> = revisions.iter().map(item).collect();
    Ok(reply::ok(&json!({ "items": items, "pageInfo": page_info })))
}

fn place(cursor: &str) -> Result<i64, Error> {
    let decoded = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|text| String::from_utf8(text).ok());
    let sequence = decoded.and_then(|text| text.parse().ok());
    sequence.ok_or_else(|| Error::Input("Malformed cursor; take it from `pageInfo.nextCursor` as it is".to_owned()))
}

/// The change, and the difference as JSON Patch (RFC 6902) and as lines of YAML.
fn item(Revision { change, before }: &Revision) -> Value {
    let mut item = json!(change);
    if let (Some(before), Some(after)) = (before, &change.document) {
        item["diff"] = json!({ "patch": json_patch::diff(before, after), "text": unified(before, after) });
    }
    item
}

fn unified(before: &Value, after: &Value) -> Option<String> {
    let written = |document: &Value| serde_yaml::to_string(document).unwrap_or_default();
    let (before, after) = (written(before), written(after));
    if before.len() + after.len() > MAX_COMPARED {
        return None;
    }
    let diff = TextDiff::configure().timeout(COMPARING).diff_lines(&before, &after);
    Some(diff.unified_diff().context_radius(3).to_string())
}
