//! Git clients at the whole router: who may read, what they are told.

use std::process::Command;

use axum::body::Body;
use axum::http::StatusCode;
use base64::Engine as _;
use tokio_util::sync::CancellationToken;

use super::client::{Options, TestApp};
use crate::auth::Providers;
use crate::forge::testing::{new_commit, new_repository, tree};
use crate::forge::{Forge as _, NewRepository, Parent, RepositoryId, Visibility};
use crate::web::serve::serve;

const ADVERTISEMENT: &str = "/info/refs?service=git-upload-pack";

async fn repository(app: &TestApp, name: &str, visibility: Visibility) -> RepositoryId {
    let id = RepositoryId::new("acme", name).unwrap();
    app.state.forge.create(NewRepository { visibility, ..new_repository(&id) }).await.unwrap();
    id
}

#[tokio::test]
async fn where_guests_enter_git_reads_everything() {
    let app = TestApp::start().await;
    repository(&app, "closed", Visibility::Private).await;
    for name in ["closed.git", "closed"] {
        assert_eq!(app.get(&format!("/git/acme/{name}{ADVERTISEMENT}")).await.status, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn without_guests_private_repositories_need_a_token() {
    let backend = "externalAccess: [{ type: static, options: { token: open-sesame, subject: ci } }]";
    let backend = serde_yaml::from_str(backend).unwrap();
    let app =
        TestApp::start_with(Options { backend, providers: Some(Providers::default()), ..Options::default() }).await;
    repository(&app, "open", Visibility::Public).await;
    repository(&app, "closed", Visibility::Private).await;
    let basic = |password: &str| {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("anybody:{password}"));
        Some(format!("Basic {pair}"))
    };
    let bearer = || Some("Bearer open-sesame".to_owned());
    let cases = [
        ("open.git", None, StatusCode::OK),
        ("closed.git", None, StatusCode::UNAUTHORIZED),
        ("closed.git", bearer(), StatusCode::OK),
        ("closed.git", basic("open-sesame"), StatusCode::OK),
        ("closed.git", basic("wrong"), StatusCode::UNAUTHORIZED),
        // Who may not read is not told what there is.
        ("none.git", None, StatusCode::UNAUTHORIZED),
        ("none.git", bearer(), StatusCode::NOT_FOUND),
        ("..%2F..", bearer(), StatusCode::NOT_FOUND),
    ];
    for (name, authorization, expected) in cases {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = app.request("GET", &format!("/git/acme/{name}{ADVERTISEMENT}"), &headers, Body::empty()).await;
        assert_eq!(answer.status, expected, "{name} {authorization:?}: {}", answer.text);
        let asks = answer.header("www-authenticate").starts_with("Basic");
        assert_eq!(asks, expected == StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn pushing_is_refused_in_words() {
    let app = TestApp::start().await;
    repository(&app, "open", Visibility::Public).await;
    let answer = app.request("POST", "/git/acme/open.git/git-receive-pack", &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("pushing is not offered"), "{}", answer.text);
}

#[tokio::test]
async fn git_clones_what_was_committed() {
    let app = TestApp::start().await;
    let id = repository(&app, "open", Visibility::Public).await;
    let text = "hello\n".repeat(1000);
    let commit = new_commit("main", Parent::Root, tree(&[("docs/a.txt", &text)]), "Start");
    app.state.forge.commit(&id, commit).await.unwrap();

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/git/acme/open.git", listener.local_addr().unwrap());
    let router = app.router.clone();
    let server = tokio::spawn(serve(listener, router, CancellationToken::new()));
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("clone");
    let destination = target.clone();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("git").args(["clone", "--quiet", &url]).arg(&destination).output().unwrap()
    });
    let output = output.await.unwrap();
    server.abort();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read_to_string(target.join("docs/a.txt")).unwrap(), text);
}
