//! `/api/permission`: asks whether somebody may do something. Everybody signed in may do everything so far, which
//! is what Backstage answers while `permission.enabled` is false.

use axum::Router;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};

use super::body::{Body, Shape};
use super::{Caller, reply};
use crate::permission::Principal;
use crate::web::AppState;
use crate::web::error::Error;

/// Routes of the plugin `permission`.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/authorize", post(authorize))
}

async fn authorize(Caller(caller): Caller, body: Body) -> Result<Response, Error> {
    body.check(&["items"], &[("items", Shape::Objects)])?;
    let items = body.0.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let person = matches!(caller.principal(), Principal::User { .. });
    let answers =
        items.iter().enumerate().map(|(index, item)| decide(index, item, person)).collect::<Result<Vec<_>, _>>()?;
    Ok(reply::ok(&json!({ "items": answers })))
}

fn decide(index: usize, item: &Value, person: bool) -> Result<Value, Error> {
    let Some(permission) = item.get("permission").and_then(Value::as_object) else {
        return Err(Error::Input(malformed(index)));
    };
    let on_resource = permission.get("type").and_then(Value::as_str) == Some("resource");
    if on_resource && person && item.get("resourceRef").is_none() {
        return Err(Error::Input(
            "Resource permissions require a resourceRef to be set. Direct user requests without a resourceRef are not allowed."
                .to_owned(),
        ));
    }
    Ok(json!({ "id": item.get("id"), "result": "ALLOW" }))
}

/// What Backstage's validator says of an item without a permission.
fn malformed(index: usize) -> String {
    let issue = json!({
        "code": "invalid_type", "expected": "object", "received": "undefined",
        "path": ["items", index, "permission"], "message": "Required",
    });
    let union = json!({ "issues": [issue], "name": "ZodError" });
    let fault = json!([{
        "code": "invalid_union", "unionErrors": [union.clone(), union],
        "path": ["items", index], "message": "Invalid input",
    }]);
    serde_json::to_string_pretty(&fault).unwrap_or_default()
}
