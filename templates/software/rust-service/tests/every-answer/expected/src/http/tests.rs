//! Requests through the whole router, as a client sends them.

use axum::{
    body::Body,
    http::{Method, header},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn content_type(&self) -> &str {
        self.headers[header::CONTENT_TYPE].to_str().unwrap()
    }
}

fn app() -> Router {
    router(Readiness::default(), Duration::from_secs(5))
}

async fn send(app: &Router, request: Request) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text }
}

fn get_request(path: &str) -> Request {
    Request::get(path).body(Body::empty()).unwrap()
}

fn post_json(body: impl Into<Body>) -> Request {
    Request::post("/v1/allocations").header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}

#[tokio::test]
async fn an_amount_is_split() {
    let answer = send(&app(), post_json(r#"{"amount": 1000, "weights": [1, 1, 1]}"#)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({"amount": 1000, "shares": [334, 333, 333]}));
}

#[tokio::test]
async fn a_refusal_points_at_every_wrong_field() {
    let answer = send(&app(), post_json(r#"{"amount": 9007199254740992, "weights": []}"#)).await;
    assert_eq!(answer.content_type(), "application/problem+json");
    assert_eq!(
        answer.json(),
        json!({
            "type": "urn:problem-type:invalid-input",
            "title": "Invalid input",
            "status": 422,
            "detail": "the amount cannot be split like this",
            "errors": [
                {"pointer": "/amount", "detail": "must be at most 9007199254740991"},
                {"pointer": "/weights", "detail": "must have at least one weight"},
            ],
        })
    );
}

#[tokio::test]
async fn every_failure_is_a_problem_document() {
    let plain = Request::post("/v1/allocations").body(Body::from("{}")).unwrap();
    let large = post_json(vec![b' '; 3 << 20]);
    for (request, status) in [
        (post_json("{"), 400),
        (get_request("/v1/nothing"), 404),
        (get_request("/v1/allocations"), 405),
        (large, 413),
        (plain, 415),
        (post_json(r#"{"amount": -1, "weights": [1]}"#), 422),
        (post_json(r#"{"amount": 1, "weights": [1], "extra": 1}"#), 422),
    ] {
        let answer = send(&app(), request).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        assert_eq!(answer.content_type(), "application/problem+json", "{status}");
        assert_eq!(answer.json()["status"], status);
        assert!(answer.json()["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{status}");
    }
}

#[tokio::test]
async fn a_slow_handler_is_cut_off_and_a_panic_is_hidden() {
    let api = Router::new()
        .route("/slow", get(std::future::pending::<()>))
        .route("/panic", get(async || -> () { panic!("secret") }));
    let app = surround(api, Metrics::new(), Duration::from_millis(1));
    assert_eq!(send(&app, get_request("/slow")).await.json()["status"], 503);
    let answer = send(&app, get_request("/panic")).await;
    assert_eq!(answer.json()["status"], 500);
    assert!(!answer.text.contains("secret"), "{}", answer.text);
}

#[tokio::test]
async fn a_request_id_is_kept_or_made() {
    let mut request = get_request("/v1/nothing");
    request.headers_mut().insert(REQUEST_ID, "from-the-client".parse().unwrap());
    assert_eq!(send(&app(), request).await.headers[REQUEST_ID], "from-the-client");
    assert_eq!(send(&app(), get_request("/v1/nothing")).await.headers[REQUEST_ID].len(), 36);
}

#[tokio::test]
async fn readiness_ends_with_the_drain_and_liveness_does_not() {
    let readiness = Readiness::default();
    let app = router(readiness.clone(), Duration::from_secs(5));
    assert_eq!(send(&app, get_request("/readyz")).await.status, StatusCode::OK);
    readiness.stop();
    assert_eq!(send(&app, get_request("/readyz")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(send(&app, get_request("/healthz")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_path() {
    let app = app();
    for path in ["/v1/one", "/v1/two"] {
        send(&app, get_request(path)).await;
    }
    let odd = Request::builder().method(Method::from_bytes(b"BREW").unwrap()).uri("/v1/allocations");
    send(&app, odd.body(Body::empty()).unwrap()).await;

    let metrics = send(&app, get_request("/metrics")).await;
    assert!(metrics.content_type().starts_with("application/openmetrics-text"));
    for line in [
        r#"http_requests_total{method="GET",route="unmatched",status="404"} 2"#,
        r#"http_requests_total{method="other",route="/v1/allocations",status="405"} 1"#,
        r#"http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 2"#,
    ] {
        assert!(metrics.text.lines().any(|found| found == line), "{line} is not in:\n{}", metrics.text);
    }
}
