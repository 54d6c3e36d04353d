//! Reading again, validating, and proposing descriptors.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::catalog::{Analysis, Catalog};
use crate::entity::{Entity, EntityRef};
use crate::web::api::Caller;
use crate::web::api::body::{Body, Shape};
use crate::web::api::reply;
use crate::web::error::Error;

/// `POST /refresh`
pub(super) async fn refresh(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    body: Body,
) -> Result<StatusCode, Error> {
    body.check(&["entityRef"], &[("entityRef", Shape::Text), ("authorizationToken", Shape::Text)])?;
    if let Some(extra) = body.0.keys().find(|key| !matches!(key.as_str(), "entityRef" | "authorizationToken")) {
        tracing::debug!(key = extra, "a refresh was asked with a key that is not known");
        return Err(Error::Input("request/body must NOT have additional properties".to_owned()));
    }
    let text = body.text("entityRef").unwrap_or_default();
    let missing = || Error::NotFound(format!("Entity {text} not found"));
    let reference: EntityRef = text.parse().map_err(|_| missing())?;
    if catalog.entity(&who, &reference).is_none() {
        return Err(missing());
    }
    catalog.refresh(&who, &reference).await?;
    Ok(StatusCode::OK)
}

/// `POST /validate-entity`: nothing if it is valid, else what is wrong, in a form of its own.
pub(super) async fn validate(State(catalog): State<Catalog>, Caller(_): Caller, body: Body) -> Result<Response, Error> {
    body.check(&["location", "entity"], &[("location", Shape::Text), ("entity", Shape::Object)])?;
    let entity = body.0.get("entity").cloned().unwrap_or_default();
    match catalog.validate(entity, body.text("location").unwrap_or_default()).await {
        Ok(()) => Ok(StatusCode::OK.into_response()),
        Err(errors) => Ok(reply::json(StatusCode::BAD_REQUEST, &json!({ "errors": errors }))),
    }
}

/// `POST /analyze-location`: the descriptors at an address, or one to start from.
pub(super) async fn analyze(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    body.check(&["location"], &[("location", Shape::Object), ("catalogFilename", Shape::Text)])?;
    let text = |name: &str| body.object("location").and_then(|location| location.get(name)).and_then(Value::as_str);
    for name in ["type", "target"] {
        let fault = || Error::Input(format!("request/body/location must have required property '{name}'"));
        text(name).ok_or_else(fault)?;
    }
    let target = text("target").unwrap_or_default();
    let (existing, generated) = match catalog.analyze(&who, target, body.text("catalogFilename")).await? {
        Analysis::Existing(found) => {
            let file = |(target, is_registered, entity): (String, bool, Entity)| {
                let location = json!({ "type": "url", "target": target });
                json!({ "location": location, "isRegistered": is_registered, "entity": entity })
            };
            (found.into_iter().map(file).collect(), Vec::new())
        }
        Analysis::Proposed(entity, fields) => (Vec::new(), vec![json!({ "entity": entity, "fields": fields })]),
    };
    Ok(reply::ok(&json!({ "existingEntityFiles": existing, "generateEntities": generated })))
}
