//! Runs over the API: started with a token, followed by their events, secrets kept.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::rig::Rig;

const TASKS: &str = "/api/scaffolder/v2/tasks";

/// Starts a run of a template of the fixture as the guest.
async fn start(rig: &Rig, template: &str, values: Value) -> String {
    let token = rig.app.bearer().await;
    let body = json!({
        "templateRef": format!("template:default/{template}"), "values": values, "secrets": { "hush": "very-secret" },
    });
    let answer = rig.app.post_json(TASKS, &[("authorization", &token)], &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_stream_of_a_run_tells_what_the_list_tells() {
    let rig = Rig::open().await;
    let id = start(&rig, "log-only", json!({ "name": "demo" })).await;
    let stream = rig.app.get(&format!("{TASKS}/{id}/eventstream")).await;
    assert_eq!((stream.status, stream.header("content-type")), (StatusCode::OK, "text/event-stream"));
    let events = rig.app.get(&format!("{TASKS}/{id}/events")).await.json();
    let events = events.as_array().unwrap();
    let told = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    assert_eq!(stream.text, events.iter().map(told).collect::<String>());
    assert_eq!(events.last().unwrap()["type"], "completion");

    let second = events[1]["id"].as_i64().unwrap();
    let rest: String = events[2..].iter().map(told).collect();
    let after = rig.app.get(&format!("{TASKS}/{id}/eventstream?after={second}")).await;
    assert_eq!(after.text, rest);
    let seen = second.to_string();
    let reconnected = [("last-event-id", seen.as_str())];
    let reconnected = rig.app.request("GET", &format!("{TASKS}/{id}/eventstream"), &reconnected, Body::empty()).await;
    assert_eq!(reconnected.text, rest);
}

#[tokio::test]
async fn secrets_are_shown_nowhere() {
    let rig = Rig::open().await;
    let id = start(&rig, "features", json!({ "list": ["z"] })).await;
    for path in ["eventstream", "events"] {
        let told = rig.app.get(&format!("{TASKS}/{id}/{path}")).await;
        assert!(told.text.contains("***") && !told.text.contains("very-secret"), "{path}: {}", told.text);
    }
    assert!(!rig.app.get(&format!("{TASKS}/{id}")).await.text.contains("very-secret"));
    assert!(!rig.app.get(TASKS).await.text.contains("very-secret"));
}

#[tokio::test]
async fn bodies_may_be_large_but_not_boundless() {
    let rig = Rig::open().await;
    let body =
        |size: usize| json!({ "templateRef": "template:default/one-log", "values": { "name": "a".repeat(size) } });
    let taken = rig.app.post_json(TASKS, &[], &body(2_000_000)).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text);
    let refused = rig.app.post_json(TASKS, &[], &body(11_000_000)).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["message"]),
        (StatusCode::BAD_REQUEST, &json!("request entity too large"))
    );
}

#[tokio::test]
async fn wrong_requests_are_told_so() {
    let rig = Rig::open().await;
    let body = json!({ "templateRef": "template:default/one-log", "values": {}, "secrets": { "a": 1 } });
    let answer = rig.app.post_json(TASKS, &[], &body).await;
    assert_eq!(answer.json()["error"]["message"], "request/body/secrets/a must be string");
    for (query, status) in [
        ("order=desc:created_at", StatusCode::OK),
        ("order=asc:created_at", StatusCode::NOT_IMPLEMENTED),
        ("order=up", StatusCode::BAD_REQUEST),
        ("status=failed&status=completed", StatusCode::OK),
    ] {
        assert_eq!(rig.app.get(&format!("{TASKS}?{query}")).await.status, status, "{query}");
    }
    let extensions = rig.app.get("/api/scaffolder/v2/templating-extensions").await.json();
    assert_eq!(extensions["filters"]["parseRepoUrl"], json!({}));
    assert_eq!(rig.app.get(&format!("{TASKS}/nope/eventstream")).await.status, StatusCode::NOT_FOUND);
}
