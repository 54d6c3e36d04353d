//! `/locations…`: what was registered by somebody, as opposed to what the configuration names.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::entities::EntityPath;
use crate::catalog::{Catalog, Location, Registration};
use crate::web::api::Caller;
use crate::web::api::body::{Body, Shape};
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::reply;
use crate::web::error::Error;
use crate::web::extract::Path;

/// How many locations a page has if nobody says.
const DEFAULT_LIMIT: usize = 200;

/// `GET /locations`
pub(super) async fn list(State(catalog): State<Catalog>, Caller(who): Caller) -> Result<Response, Error> {
    let locations = catalog.locations(&who).await?;
    let wrapped: Vec<_> = locations.iter().map(|location| json!({ "data": wire(location) })).collect();
    Ok(reply::ok(&wrapped))
}

/// `POST /locations/by-query`: pages; `query` compares whole values of `id`, `type` and `target`.
pub(super) async fn by_query(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    body.check(&[], &[("cursor", Shape::Text), ("limit", Shape::Number), ("query", Shape::Object)])?;
    let cursor = body.text("cursor").map(place).transpose()?;
    let (after, query) = match cursor {
        Some((after, query)) => (Some(after), query),
        None => (None, body.object("query").cloned().unwrap_or_default()),
    };
    let limit = body.0.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let mut matching = catalog.locations(&who).await?;
    matching.retain(|location| is_meant(&query, &wire(location)));
    matching.sort_by_key(|location| location.id);
    let total = matching.len();
    let rest = matching.iter().filter(|location| after.is_none_or(|after| location.id > after));
    let items: Vec<_> = rest.clone().take(limit.unwrap_or(DEFAULT_LIMIT)).collect();
    let more = items.last().filter(|_| rest.count() > items.len());
    let mut page_info = Map::new();
    if let Some(last) = more {
        let cursor = json!({ "after": last.id, "query": query }).to_string();
        page_info.insert("nextCursor".to_owned(), json!(STANDARD.encode(cursor)));
    }
    let items: Vec<_> = items.into_iter().map(wire).collect();
    Ok(reply::ok(&json!({ "items": items, "totalItems": total, "pageInfo": page_info })))
}

/// Where a former page ended, and what it asked for.
fn place(cursor: &str) -> Result<(Uuid, Map<String, Value>), Error> {
    let malformed = || Error::Input("Malformed cursor, could not be parsed".to_owned());
    let json = STANDARD.decode(cursor).map_err(|_| malformed())?;
    let value: Value = serde_json::from_slice(&json).map_err(|_| malformed())?;
    let after = value.get("after").and_then(Value::as_str).and_then(|id| id.parse().ok()).ok_or_else(malformed)?;
    Ok((after, value.get("query").and_then(Value::as_object).cloned().unwrap_or_default()))
}

fn is_meant(query: &Map<String, Value>, location: &Value) -> bool {
    query.iter().all(|(key, wanted)| match wanted.get("$in").and_then(Value::as_array) {
        Some(any) => location.get(key).is_some_and(|value| any.contains(value)),
        None => location.get(key) == Some(wanted),
    })
}

/// `GET /locations/{id}`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id = id.parse().map_err(|_| missing(&id))?;
    Ok(reply::ok(&wire(&catalog.location(&who, id).await?)))
}

/// `GET /locations/by-entity/{kind}/{namespace}/{name}`
pub(super) async fn by_entity(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(path): Path<EntityPath>,
) -> Result<Response, Error> {
    Ok(reply::ok(&wire(&catalog.location_by_entity(&who, &path.reference()).await?)))
}

/// `POST /locations`
pub(super) async fn create(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, Error> {
    let taken = [Parameter::text("dryRun"), Parameter::one_of("onConflict", &["refresh", "reject"])];
    let parameters = Parameters::read(query.as_deref(), &taken)?;
    let (kind, target) = input(&body)?;
    let how = match (parameters.text("dryRun"), parameters.text("onConflict")) {
        (Some("true" | "1"), _) => Registration::DryRun,
        (_, Some("refresh")) => Registration::Refresh,
        _ => Registration::New,
    };
    let registered = catalog.register(&who, &kind, &target, how).await?;
    if how != Registration::DryRun {
        // As in Backstage, which reads it later; what it declares is in the catalog already.
        return Ok(created(&json!({ "location": wire(&registered.location), "entities": [] })));
    }
    let mut location = wire(&registered.location);
    location["id"] = json!(format!("{kind}:{target}"));
    Ok(created(&json!({ "exists": registered.existed, "location": location, "entities": registered.entities })))
}

/// `DELETE /locations/{id}`: its entities go at once.
pub(super) async fn delete(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    let id = id.parse().map_err(|_| missing(&id))?;
    catalog.unregister(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Type and target of a body with nothing else in it.
fn input(body: &Body) -> Result<(String, String), Error> {
    body.check(&["target", "type"], &[("target", Shape::Text), ("type", Shape::Text)])?;
    let extra: Vec<_> = body.0.keys().filter(|key| !matches!(key.as_str(), "type" | "target")).collect();
    if !extra.is_empty() {
        let names = extra.iter().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ");
        let issue = json!([{
            "code": "unrecognized_keys", "keys": extra, "path": [],
            "message": format!("Unrecognized key(s) in object: {names}"),
        }]);
        let issue = serde_json::to_string_pretty(&issue).unwrap_or_default();
        return Err(Error::Input(format!("Malformed request: {issue}")));
    }
    let kind = body.text("type").unwrap_or_default();
    if kind != "url" {
        return Err(Error::Input("Registered locations must be of an allowed type [\"url\"]".to_owned()));
    }
    Ok((kind.to_owned(), body.text("target").unwrap_or_default().to_owned()))
}

fn wire(location: &Location) -> Value {
    json!({
        "id": location.id, "type": location.kind, "target": location.target, "entityRef": location.entity_ref(),
    })
}

fn created(value: &Value) -> Response {
    reply::json(StatusCode::CREATED, value)
}

fn missing(id: &str) -> Error {
    Error::NotFound(format!("Found no location with ID {id}"))
}
