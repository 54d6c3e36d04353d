//! Pages in the recordings. Cursors are opaque, so a recorded one is replaced by ours of the same place, found by walking
//! there; a page in no order is any entities, so its form is compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Pair;
use crate::web::tests::client::TestApp;
use crate::web::url::query;

/// The path of a request, with our cursor for a recorded one.
pub(in crate::web::tests) async fn with_our_cursor(app: &TestApp, path: &str) -> String {
    let Some((before, rest)) = path.split_once("cursor=") else {
        return path.to_owned();
    };
    let (cursor, after) = rest.split_at(rest.find('&').unwrap_or(rest.len()));
    let decoded = url::form_urlencoded::parse(format!("cursor={cursor}").as_bytes()).next().unwrap().1.into_owned();
    let recorded: Option<Value> = STANDARD.decode(decoded).ok().and_then(|json| serde_json::from_slice(&json).ok());
    match recorded.filter(|recorded| recorded["orderFieldValues"].is_array()) {
        Some(recorded) => format!("{before}cursor={}{after}", query(&at(app, &recorded).await)),
        None => path.to_owned(),
    }
}

/// Our cursor that begins behind (or before) the entity at which a recorded one does.
async fn at(app: &TestApp, recorded: &Value) -> String {
    let (order, edge) = (&recorded["orderFields"][0], recorded["orderFieldValues"][0].as_str().unwrap());
    let kind = recorded["query"]["kind"].as_str().unwrap();
    assert_eq!(order, &json!({ "field": "metadata.name", "order": "asc" }));
    let first = format!("/api/catalog/entities/by-query?limit=1&filter=kind={kind}&orderField=metadata.name,asc");
    let mut page = app.get(&first).await.json();
    while page["items"][0]["metadata"]["name"].as_str().unwrap().to_lowercase() != edge {
        let next = page["pageInfo"]["nextCursor"].as_str().unwrap();
        page = app.get(&format!("/api/catalog/entities/by-query?limit=1&cursor={}", query(next))).await.json();
    }
    let cursor = if recorded["isPrevious"] == true { "prevCursor" } else { "nextCursor" };
    page["pageInfo"][cursor].as_str().unwrap().to_owned()
}

/// Whether a page was asked that has neither an order nor all there is: any entities would do.
pub(in crate::web::tests) fn is_any(pair: &Pair) -> bool {
    let is_search = pair.request.path.starts_with("/api/search/");
    let names: &[&str] = if is_search { &["empty-term", "limit", "page-2"] } else { &["unordered-page", "post-full-text"] };
    names.contains(&pair.name.as_str())
}

/// Replaces what differs between one entity and another.
pub(in crate::web::tests) fn blur(answer: &mut Value) {
    let key = if answer.get("results").is_some() { "results" } else { "items" };
    let Some(Value::Array(items)) = answer.get_mut(key) else { return };
    for item in items {
        let parts: Vec<_> = item.as_object().unwrap().keys().cloned().collect();
        *item = json!(parts);
    }
}
