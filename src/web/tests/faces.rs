//! What becomes of handlers that panic or take too long, and of large answers.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use super::rig::Rig;
use crate::db::Reach;
use crate::web::{api, caught, within};

/// The answer of a handler behind the layers that every plugin of the API has.
async fn answer(routes: Router) -> (StatusCode, Value) {
    let router = routes
        .layer(CatchPanicLayer::custom(caught))
        .layer(from_fn_with_state((Duration::ZERO, Reach::default()), within))
        .layer(from_fn(api::face));
    let response = router.oneshot(Request::get("/x?token=secret").body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    (status, serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap())
}

#[tokio::test]
async fn a_panic_is_an_internal_error_that_tells_nothing() {
    let routes = Router::new().route("/x", get(async || -> StatusCode { panic!("the password is hunter2") }));
    let (status, body) = answer(routes).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body["error"]["name"], "Error");
    assert!(body["error"]["message"].as_str().unwrap().starts_with("An internal error occurred logId="), "{body}");
}

#[tokio::test]
async fn a_handler_is_given_up_at_its_deadline() {
    let routes = Router::new().route("/x", get(std::future::pending::<StatusCode>));
    let (status, body) = answer(routes).await;
    assert_eq!(
        (status, &body["error"]["name"]),
        (StatusCode::SERVICE_UNAVAILABLE, &Value::from("ServiceUnavailableError"))
    );
    assert_eq!(body["request"]["url"], "/x?token=secret");
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_ask() {
    let rig = Rig::open().await;
    for (path, accepted, expected) in [
        ("/api/catalog/entities", "gzip", "gzip"),
        ("/api/catalog/entities", "gzip, br", "br"),
        ("/api/catalog/entities", "identity", ""),
        ("/.backstage/health/v1/liveness", "gzip", ""),
    ] {
        let answer = rig.app.request("GET", path, &[("accept-encoding", accepted)], Body::empty()).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (StatusCode::OK, expected), "{path} {accepted}");
        let varies =
            answer.headers.get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("accept-encoding"));
        assert!(varies || answer.text.len() < 1024, "{path}");
    }
}

#[tokio::test]
async fn in_an_open_portal_other_sites_change_nothing_without_a_token() {
    let rig = Rig::open().await;
    let path = "/api/catalog/refresh";
    let body = r#"{"entityRef":"component:default/web-one"}"#;
    let sent = |origin: &'static str| {
        let headers = [("content-type", "application/json"), ("origin", origin), ("host", "localhost:7007")];
        let app = &rig.app;
        async move { app.request("POST", path, &headers, body).await.status }
    };
    assert_eq!(sent("http://localhost:7007").await, StatusCode::OK);
    assert_eq!(sent("http://localhost:3000").await, StatusCode::OK);
    assert_eq!(sent("http://evil.example").await, StatusCode::FORBIDDEN);
}
