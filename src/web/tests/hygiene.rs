//! What holds for every route: headers, refusals, faces of errors, signing in and out.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;

use super::client::{Options, TestApp};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = TestApp::start().await;
    for path in ["/", "/nowhere", "/api/nope", "/api/catalog/entities", "/metrics", "/assets/x/css/portal.css"] {
        let answer = app.get(path).await;
        assert!(
            answer.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 20, "{path}");
    }
    let https = TestApp::start_with(Options { base_url: "https://portal.acme.example", ..Options::default() }).await;
    assert!(https.get("/").await.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn a_request_keeps_its_id_if_that_can_stand_in_a_log() {
    let app = TestApp::start().await;
    for (sent, kept) in [("deploy-42", true), ("a b", false), ("x\"y", false)] {
        let answer = app.request("GET", "/api/nope", &[("x-request-id", sent)], Body::empty()).await;
        assert_eq!(answer.header("x-request-id") == sent, kept, "{sent}");
    }
}

#[tokio::test]
async fn pages_need_a_session_and_lead_back_after_it() {
    let app = TestApp::start().await;
    let (cookie, _) = app.enter().await;
    let answer = app.request("GET", "/no/such/page", &[("cookie", &cookie)], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("<h1>"), "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let app = TestApp::start().await;
    let (cookie, csrf) = app.enter().await;
    let headers = [("cookie", cookie.as_str()), FORM];

    let without_token = app.request("POST", "/sign-out", &headers, "").await;
    assert_eq!(without_token.status, StatusCode::FORBIDDEN);
    let foreign = app.request("POST", "/sign-out", &headers, format!("csrf={}", "0".repeat(32))).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let answer = app.request("POST", "/sign-out", &headers, format!("csrf={csrf}")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(answer.header("set-cookie").contains("Max-Age=0"), "{}", answer.header("set-cookie"));

    let after = app.request("POST", "/sign-out", &headers, format!("csrf={csrf}")).await;
    assert_eq!((after.status, after.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
}

#[tokio::test]
async fn the_cookie_is_for_this_site_alone() {
    let app = TestApp::start().await;
    let plain = app.request("POST", "/sign-in/guest", &[FORM], "").await;
    assert!(plain.header("set-cookie").starts_with("greenroom="), "{}", plain.header("set-cookie"));
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(plain.header("set-cookie").contains(attribute), "{attribute}");
    }
    let https = TestApp::start_with(Options { base_url: "https://portal.acme.example", ..Options::default() }).await;
    let encrypted = https.request("POST", "/sign-in/guest", &[FORM], "").await;
    assert!(encrypted.header("set-cookie").starts_with("__Host-greenroom="));
    assert!(encrypted.header("set-cookie").contains("Secure"));
}

#[tokio::test]
async fn other_sites_cannot_post_or_lead_away() {
    let app = TestApp::start().await;
    for refused in [[FORM, ("sec-fetch-site", "cross-site")], [FORM, ("origin", "https://evil.example")]] {
        let answer = app.request("POST", "/sign-in/guest", &refused, "next=/create").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{refused:?}");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let answer = app.request("POST", "/sign-in/guest", &[FORM], "next=//evil.example").await;
    assert_eq!(answer.header("location"), "/");
}

#[tokio::test]
async fn on_loopback_only_the_portals_own_names_are_answered() {
    let app = TestApp::start().await;
    for (host, expected) in [
        ("localhost:7007", StatusCode::OK),
        ("127.0.0.1:7007", StatusCode::OK),
        ("[::1]:7007", StatusCode::OK),
        ("rebound.example:7007", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let answer = app.request("GET", "/api/auth/guest/refresh", &[("host", host)], Body::empty()).await;
        assert_eq!(answer.status, expected, "{host}");
    }
}

#[tokio::test]
async fn oversized_addresses_and_headers_are_refused() {
    let app = TestApp::start().await;
    let long = "x".repeat(17 * 1024);
    assert_eq!(app.get(&format!("/?{long}")).await.status, StatusCode::URI_TOO_LONG);
    let many = app.request("GET", "/", &[("x-a", &long), ("x-b", &long)], Body::empty()).await;
    assert_eq!(many.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn only_listed_origins_may_read_the_api() {
    let app = TestApp::start().await;
    let preflight = [("origin", "http://localhost:3000"), ("access-control-request-method", "GET")];
    let answer = app.request("OPTIONS", "/api/catalog/entities", &preflight, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let other = [("origin", "http://evil.example")];
    let answer = app.request("GET", "/api/auth/guest/refresh", &other, Body::empty()).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (StatusCode::OK, ""));
}

#[tokio::test]
async fn a_browsers_session_is_good_for_the_api_but_not_for_other_sites() {
    let app = TestApp::start().await;
    let (cookie, _) = app.enter().await;
    let body = json!({ "items": [{ "id": "1", "permission": { "type": "basic", "name": "catalog.entity.create" } }] });
    let own = app.post_json("/api/permission/authorize", &[("cookie", &cookie)], &body).await;
    assert_eq!((own.status, own.json()), (StatusCode::OK, json!({ "items": [{ "id": "1", "result": "ALLOW" }] })));
    let cross = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site")];
    let foreign = app.post_json("/api/permission/authorize", &cross, &body).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_asset_is_kept_by_the_browser_until_it_changes() {
    let app = TestApp::start().await;
    let path = crate::web::assets::asset("css/portal.css");
    let answer = app.get(&path).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    let known = app.request("GET", &path, &[("if-none-match", answer.header("etag"))], Body::empty()).await;
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    for missing in ["/assets/x/css/none.css", "/assets/x/../Cargo.toml", "/assets/x/%2e%2e/Cargo.toml"] {
        assert_eq!(app.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}
