//! `/locations…`: what was registered by somebody, as opposed to what the configuration names.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::entities::EntityPath;
use crate::catalog::{Catalog, Location, Registration};
use crate::web::api::Caller;
use crate::web::api::body::{Body, Shape};
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::reply;
use crate::web::error::Error;
use crate::web::extract::Path;

/// `GET /locations`
pub(super) async fn list(State(catalog): State<Catalog>, Caller(who): Caller) -> Result<Response, Error> {
    let locations = catalog.locations(&who).await?;
    let wrapped: Vec<_> = locations.iter().map(|location| json!({ "data": wire(location) })).collect();
    Ok(reply::ok(&wrapped))
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

/// `PUT /locations/{id}`: another target, under the same id and the same entity.
pub(super) async fn update(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Error> {
    let (kind, target) = input(&body)?;
    let id = id.parse().map_err(|_| missing(&id))?;
    Ok(reply::ok(&wire(&catalog.relocate(&who, id, &kind, &target).await?)))
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

/// A location as the API shows it.
pub(super) fn wire(location: &Location) -> Value {
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
