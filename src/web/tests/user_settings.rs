//! `/api/user-settings`, as Backstage's pages use it.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestApp;

#[tokio::test]
async fn settings_are_kept_read_and_forgotten() {
    let app = TestApp::start().await;
    let bearer = app.bearer().await;
    let ask = async |method: &str, path: &str, body: Value| {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = app.request(method, &format!("/api/user-settings{path}"), &headers, body).await;
        let value: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        (answer.status, value)
    };
    let path = "/buckets/home/keys/a/b%20c";
    let (status, error) = ask("GET", path, Value::Null).await;
    assert_eq!((status, &error["error"]["name"]), (StatusCode::NOT_FOUND, &json!("NotFoundError")));
    assert_eq!(error["error"]["message"], "Unable to find 'a/b c' in bucket 'home'");
    let kept = json!({"bucket": "home", "key": "a/b c", "value": {"x": [1, null]}});
    assert_eq!(ask("PUT", path, json!({"value": {"x": [1, null]}})).await, (StatusCode::OK, kept.clone()));
    assert_eq!(ask("GET", path, Value::Null).await, (StatusCode::OK, kept.clone()));
    let items = json!({"items": [{"bucket": "home", "key": "a/b c"}, {"bucket": "home", "key": "none"}]});
    assert_eq!(ask("POST", "/multiget", items).await, (StatusCode::OK, json!({"items": [kept, null]})));
    assert_eq!(ask("DELETE", path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask("GET", path, Value::Null).await.0, StatusCode::NOT_FOUND);

    let (status, error) = ask("PUT", path, json!({})).await;
    assert_eq!(
        (status, &error["error"]["message"]),
        (StatusCode::BAD_REQUEST, &json!("Missing required field \"value\""))
    );
    for items in [json!({}), json!({"items": [{"bucket": 1, "key": "x"}]}), json!({"items": {}})] {
        assert_eq!(ask("POST", "/multiget", items.clone()).await.0, StatusCode::BAD_REQUEST, "{items}");
    }
    assert_eq!(ask("GET", "/nothing", Value::Null).await.0, StatusCode::NOT_FOUND);
}
