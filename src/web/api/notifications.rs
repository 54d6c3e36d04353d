//! `/api/notifications`: what the caller was told, and what of it is read.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Body;
use super::parameters::{Parameter, Parameters};
use super::{Caller, reply};
use crate::notification::{Notification, NotificationQuery, Notifications};
use crate::permission::Credentials;
use crate::web::AppState;
use crate::web::error::Error;

/// Routes of the plugin `notifications`.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/notifications", get(list))
        .route("/notifications/update", post(update))
        .route("/status", get(status))
}

const LIST: &[Parameter] =
    &[Parameter::natural("limit"), Parameter::natural("offset"), Parameter::one_of("read", &["true", "false"])];

/// `GET /notifications`
async fn list(
    State(notifications): State<Notifications>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let parameters = Parameters::read(query.as_deref(), LIST)?;
    let bounded = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let query = NotificationQuery {
        read: parameters.text("read").map(|word| word == "true"),
        limit: parameters.natural("limit").map(bounded),
        offset: parameters.natural("offset").map_or(0, bounded),
        ids: None,
    };
    let (page, total) = notifications.of(&who, &query).await?;
    let shown: Vec<Value> = page.iter().map(|notification| shown(&who, notification)).collect();
    Ok(reply::ok(&json!({"totalCount": total, "notifications": shown})))
}

/// `GET /status`
async fn status(State(notifications): State<Notifications>, Caller(who): Caller) -> Result<Response, Error> {
    let mut counts = Vec::new();
    for read in [true, false] {
        let query = NotificationQuery { read: Some(read), limit: Some(0), ..NotificationQuery::default() };
        counts.push(notifications.of(&who, &query).await?.1);
    }
    Ok(reply::ok(&json!({"read": counts[0], "unread": counts[1]})))
}

/// `POST /notifications/update`
async fn update(
    State(notifications): State<Notifications>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    let ids =
        body.0.get("ids").and_then(Value::as_array).ok_or_else(|| Error::Input("ids must be a list".to_owned()))?;
    // What is no id names no notification.
    let ids: Vec<Uuid> = ids.iter().filter_map(|id| id.as_str()?.parse().ok()).collect();
    if let Some(read) = body.0.get("read").and_then(Value::as_bool) {
        notifications.mark(&who, &ids, read).await?;
    }
    let query = NotificationQuery { ids: Some(ids), ..NotificationQuery::default() };
    let (page, _) = notifications.of(&who, &query).await?;
    Ok(reply::ok(&page.iter().map(|notification| shown(&who, notification)).collect::<Vec<_>>()))
}

/// A notification as Backstage answers it.
fn shown(who: &Credentials, notification: &Notification) -> Value {
    let user = who.user_ref().filter(|_| !notification.is_broadcast);
    let mut payload = json!({"title": notification.title, "severity": notification.severity});
    let optional =
        [("description", &notification.description), ("link", &notification.link), ("scope", &notification.scope)];
    for (key, value) in optional {
        if let Some(value) = value {
            payload[key] = json!(value);
        }
    }
    json!({
        "id": notification.id, "user": user, "created": notification.created_at, "read": notification.read_at,
        "saved": null, "origin": notification.origin, "payload": payload,
    })
}
