//! Answers that the registry at hand does not give: pages, too much of it, other bytes than were asked for, a token
//! service in the open.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::{name, only};
use crate::registry::{Registry, RegistryError};

/// A registry that answers as it is told; what it was asked stands in the list.
async fn odd(answer: fn(&Request, &str) -> Said) -> (Registry, Asked) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let asked: Asked = Arc::default();
    let (seen, own) = (Arc::clone(&asked), host.clone());
    let router = axum::Router::new().fallback(move |request: Request| {
        let (seen, own) = (Arc::clone(&seen), own.clone());
        async move { told(answer, &seen, &own, &request) }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let entry: Value =
        json!({"name": "acme", "kind": "oci", "url": format!("http://{host}"), "username": "ci", "password": "pw"});
    (only(&entry), asked)
}

fn told(answer: fn(&Request, &str) -> Said, seen: &Asked, own: &str, request: &Request) -> Response {
    let authorization = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    seen.lock().unwrap().push((request.uri().to_string(), authorization.unwrap_or_default()));
    let (status, headers, body) = answer(request, own);
    let response = headers
        .into_iter()
        .fold(Response::builder().status(status), |response, (name, value)| response.header(name, value));
    response.body(Body::from(body)).unwrap()
}

/// Status, headers, body.
type Said = (StatusCode, Vec<(&'static str, String)>, Vec<u8>);
/// Addresses with what was sent as authorization.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

fn ok(headers: Vec<(&'static str, String)>, body: impl Into<Vec<u8>>) -> Said {
    (StatusCode::OK, headers, body.into())
}

#[tokio::test]
async fn long_lists_come_page_by_page_and_end() {
    let (registry, asked) = odd(|request, _| {
        let query = request.uri().query().unwrap_or_default();
        let link = |last: &str| vec![("link", format!("</v2/acme/web/tags/list?n=2&last={last}>; rel=\"next\""))];
        match query.rsplit_once("last=").map(|(_, last)| last) {
            None => ok(link("b"), r#"{"tags":["a","b"]}"#),
            Some("b") => ok(link("d"), r#"{"tags":["c","not a tag"]}"#),
            Some(_) => ok(Vec::new(), r#"{"tags":null}"#),
        }
    })
    .await;
    let (tags, are_all) = registry.tags(&name("acme/web")).await.unwrap();
    assert_eq!((tags, are_all), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], true));
    assert_eq!(asked.lock().unwrap().len(), 3);

    let (endless, asked) =
        odd(|_, _| ok(vec![("link", "</v2/acme/web/tags/list?last=a>; rel=\"next\"".to_owned())], r#"{"tags":["a"]}"#))
            .await;
    let (tags, are_all) = endless.tags(&name("acme/web")).await.unwrap();
    assert_eq!((tags.len(), are_all, asked.lock().unwrap().len()), (10, false, 10));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let (registry, _) = odd(|_, _| ok(Vec::new(), vec![b' '; 5 << 20])).await;
    let told = registry.tags(&name("acme/web")).await.unwrap_err();
    assert!(matches!(told, RegistryError::TooLarge { limit, .. } if limit == 4 << 20), "{told}");
}

#[tokio::test]
async fn bytes_have_to_be_those_of_their_digest() {
    let (registry, _) = odd(|_, _| ok(Vec::new(), r#"{"schemaVersion":2,"manifests":[]}"#)).await;
    let digest = format!("sha256:{}", "0".repeat(64));
    let told = registry.facts(&name("acme/web"), &digest).await.unwrap_err().to_string();
    assert!(told.ends_with(&format!("what it sent is not {digest}")), "{told}");
    let (registry, _) = odd(|_, _| ok(Vec::new(), "<html>")).await;
    let told = registry.facts(&name("acme/web"), "1.0.0").await.unwrap_err().to_string();
    assert!(told.contains("its answer cannot be read"), "{told}");
}

#[tokio::test]
async fn tokens_are_asked_for_once_and_renewed_when_refused() {
    let (registry, asked) = odd(|request, own| {
        let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        match (request.uri().path(), authorization) {
            ("/token", _) => ok(Vec::new(), r#"{"access_token":"t","expires_in":300}"#),
            (_, Some("Bearer t")) => ok(Vec::new(), r#"{"tags":["1"]}"#),
            _ => {
                let challenge = format!("Bearer realm=\"http://{own}/token\",service=\"s\"");
                (StatusCode::UNAUTHORIZED, vec![("www-authenticate", challenge)], Vec::new())
            }
        }
    })
    .await;
    for _ in 0..2 {
        registry.tags(&name("acme/web")).await.unwrap();
    }
    let asked: Vec<(String, String)> = asked.lock().unwrap().clone();
    let addresses: Vec<&str> = asked.iter().map(|(address, _)| address.split('?').next().unwrap()).collect();
    assert_eq!(addresses, ["/v2/acme/web/tags/list", "/token", "/v2/acme/web/tags/list", "/v2/acme/web/tags/list"]);
    assert!(asked[1].0.contains("service=s&scope=repository%3Aacme%2Fweb%3Apull"), "{asked:?}");
    assert!(asked[1].1.starts_with("Basic ") && asked[2].1 == "Bearer t", "{asked:?}");
}

#[tokio::test]
async fn an_upload_elsewhere_is_sent_without_the_password() {
    let (elsewhere, seen) = odd(|_, _| (StatusCode::CREATED, Vec::new(), Vec::new())).await;
    let host = elsewhere.host().to_owned();
    // The address of the other one is told in the path, since answers know nothing else.
    let (registry, asked) =
        odd(|request, _| match (request.method().as_str(), request.headers().get("authorization")) {
            (_, None) => {
                (StatusCode::UNAUTHORIZED, vec![("www-authenticate", "Basic realm=\"r\"".to_owned())], Vec::new())
            }
            ("HEAD", _) => (StatusCode::NOT_FOUND, Vec::new(), Vec::new()),
            ("POST", _) => {
                let port =
                    request.uri().path().split('/').find_map(|part| part.strip_prefix("port-")).unwrap().to_owned();
                (StatusCode::ACCEPTED, vec![("location", format!("http://127.0.0.1:{port}/upload?a=b"))], Vec::new())
            }
            _ => (StatusCode::CREATED, Vec::new(), Vec::new()),
        })
        .await;
    let image = name(&format!("port-{}/web", host.rsplit(':').next().unwrap()));
    super::images::push(&registry, &image, "1.0.0", "2026-01-01T00:00:00Z").await;
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter().all(|(address, sent)| address.starts_with("/upload?a=b&digest=sha256") && sent.is_empty()),
        "{seen:?}"
    );
    assert!(asked.lock().unwrap().iter().any(|(_, sent)| sent.starts_with("Basic ")));
}
