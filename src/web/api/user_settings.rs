//! `/api/user-settings`: what the caller set for themselves, as Backstage's pages keep it.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::body::Body;
use super::{Caller, reply};
use crate::preference::Preferences;
use crate::web::AppState;
use crate::web::error::Error;

/// Settings that one request can ask for.
const MOST: usize = 1_000;

/// Routes of the plugin `user-settings`.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/buckets/{bucket}/keys/{*key}", get(read).put(write).delete(remove))
        .route("/multiget", post(read_many))
}

/// `GET /buckets/{bucket}/keys/{key}`
async fn read(
    State(preferences): State<Preferences>,
    Caller(who): Caller,
    Path((bucket, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let value = preferences.setting(&who, &bucket, &key).await?;
    let value = value.ok_or_else(|| Error::NotFound(format!("Unable to find '{key}' in bucket '{bucket}'")))?;
    Ok(reply::ok(&json!({"bucket": bucket, "key": key, "value": value})))
}

/// `PUT /buckets/{bucket}/keys/{key}`
async fn write(
    State(preferences): State<Preferences>,
    Caller(who): Caller,
    Path((bucket, key)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Error> {
    let missing = || Error::Input("Missing required field \"value\"".to_owned());
    let value = body.0.get("value").ok_or_else(missing)?;
    preferences.set(&who, &bucket, &key, value).await?;
    Ok(reply::ok(&json!({"bucket": bucket, "key": key, "value": value})))
}

/// `DELETE /buckets/{bucket}/keys/{key}`
async fn remove(
    State(preferences): State<Preferences>,
    Caller(who): Caller,
    Path((bucket, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    preferences.unset(&who, &bucket, &key).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /multiget`: what was never set is null.
async fn read_many(State(preferences): State<Preferences>, Caller(who): Caller, body: Body) -> Result<Response, Error> {
    let wrong = || Error::Input("items must be a list of objects with bucket and key".to_owned());
    let asked = body.0.get("items").and_then(Value::as_array).ok_or_else(wrong)?;
    if asked.len() > MOST {
        return Err(Error::Input(format!("at most {MOST} settings can be asked for at once")));
    }
    let mut items = Vec::with_capacity(asked.len());
    for item in asked {
        let text = |name| item.get(name).and_then(Value::as_str).ok_or_else(wrong);
        let (bucket, key) = (text("bucket")?, text("key")?);
        let value = preferences.setting(&who, bucket, key).await?;
        items.push(value.map(|value| json!({"bucket": bucket, "key": key, "value": value})));
    }
    Ok(reply::ok(&json!({"items": items})))
}
