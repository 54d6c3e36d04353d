//! Webhooks from the model of GitHub to what the catalog shows; skipped where the model is not installed.

use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Options, TestApp};
use crate::db::testing::{TestDatabase, database};
use crate::forge::github::testing::{World, acme};
use crate::web::serve::serve;

const PATH: &str = "/api/events/http/github";

/// A portal that a GitHub tells what happens.
struct Told {
    app: TestApp,
    world: World,
    database: TestDatabase,
    _stop: DropGuard,
}

impl Told {
    async fn new(repositories: Value) -> Option<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut wanted = acme();
        wanted["repositories"] = repositories;
        wanted["webhook"] = json!({"url": format!("http://{}{PATH}", listener.local_addr().unwrap())});
        let world = World::new(wanted).await?;
        let providers = json!({
            "github": {"host": world.host(), "organization": "acme"},
            "githubOrg": {"githubUrl": format!("http://{}", world.host()), "orgs": ["acme"]},
        });
        let catalog = serde_json::from_value(
            json!({ "providers": providers, "rules": [{ "allow": ["Component", "Template"] }] }),
        )
        .unwrap();
        let github = vec![World::github(&world.with_app())];
        let database = database().await;
        let options = Options { catalog, github, ..Options::default() };
        let app = TestApp::on(database.pool().clone(), options).await;
        app.state.catalog.read_due().await.unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, app.router.clone(), stop.clone()));
        tokio::spawn(app.state.catalog.clone().run(stop.clone()));
        world.requests().await;
        Some(Self { app, world, database, _stop: stop.drop_guard() })
    }

    fn title(&self, reference: &str) -> Option<String> {
        let index = self.app.state.catalog.index();
        index.get_exact(reference).map(|record| record.title.to_string())
    }

    /// Waits until the catalog shows something.
    async fn until(&self, what: &str, shows: impl Fn(&Self) -> bool) {
        let mut changes = self.app.state.catalog.watch();
        let wait = async {
            while !shows(self) {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    async fn happens(&self, event: Value) {
        self.world.event(event).await;
    }
}

fn titled(name: &str, title: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name}, title: {title} }}\nspec: {{ type: service, lifecycle: production, owner: platform }}\n"
    )
}

fn git(folder: &std::path::Path, arguments: &[&str]) {
    let done = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@acme.example"])
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_visible_at_once() {
    let repository = json!([{"owner": "acme", "name": "api", "files": {"catalog-info.yaml": titled("api", "First")}}]);
    let Some(told) = Told::new(repository).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("api");
    let url = format!("http://x-access-token:ghp_ada@{}/acme/api.git", told.world.host());
    git(folder.path(), &["clone", "--quiet", &url, "api"]);
    std::fs::write(clone.join("catalog-info.yaml"), titled("api", "Second")).unwrap();
    git(&clone, &["commit", "--quiet", "--all", "--message", "Change the title"]);
    let started = Instant::now();
    git(&clone, &["push", "--quiet"]);
    told.until("the title", |told| told.title("component:default/api").as_deref() == Some("Second")).await;
    println!("git push to visible: {} ms, with the push itself", started.elapsed().as_millis());

    told.world.requests().await;
    let mut times = Vec::new();
    for number in 0..10 {
        let title = format!("Title {number}");
        let started = Instant::now();
        let files = json!({"catalog-info.yaml": titled("api", &title), "README.md": "# Read me\n"});
        told.happens(json!({"kind": "commit", "repository": "acme/api", "files": files})).await;
        told.until("the next title", |told| told.title("component:default/api").as_deref() == Some(&title)).await;
        times.push(started.elapsed().as_millis());
    }
    let followed: Vec<f64> = sqlx::query_scalar(
        "SELECT EXTRACT(EPOCH FROM done_at - received_at)::float8 * 1000 FROM webhook_delivery
         WHERE kind = 'push' AND done_at IS NOT NULL ORDER BY received_at",
    )
    .fetch_all(told.database.pool())
    .await
    .unwrap();
    println!("in ms: commit to visible {times:?}, of that webhook to done {followed:.0?}");
    let requests = told.world.requests().await;
    assert_eq!(requests, vec!["POST /graphql 200"; 10], "one request a push");
    told.happens(json!({"kind": "commit", "repository": "acme/api", "files": {"catalog-info.yaml": null}})).await;
    told.until("the end of the file", |told| told.title("component:default/api").is_none()).await;
    told.world.assert_lawful().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_come_move_and_go() {
    let Some(told) = Told::new(json!([])).await else { return };
    let files = json!({"catalog-info.yaml": titled("new", "New")});
    told.happens(json!({"kind": "create", "repository": "acme/new", "files": files})).await;
    let shown = |told: &Told| told.title("component:default/new").is_some();
    told.until("the new repository", shown).await;
    told.happens(json!({"kind": "rename", "repository": "acme/new", "name": "newer"})).await;
    told.until("the new name", |told| {
        let record = told.app.state.catalog.index().get_exact("component:default/new").cloned();
        record.is_some_and(|record| record.source.contains("/acme/newer/"))
    })
    .await;
    told.happens(json!({"kind": "archive", "repository": "acme/newer"})).await;
    told.until("nothing that is archived", |told| !shown(told)).await;
    told.happens(json!({"kind": "unarchive", "repository": "acme/newer"})).await;
    told.until("what is not archived any more", shown).await;
    told.happens(json!({"kind": "delete", "repository": "acme/newer"})).await;
    told.until("nothing that is deleted", |told| !shown(told)).await;
    told.world.assert_lawful().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_teams_are_followed() {
    let Some(told) = Told::new(json!([])).await else { return };
    told.happens(json!({"kind": "membership", "organization": "acme", "login": "eve", "team": "platform"})).await;
    told.until("a new member", |told| told.title("user:default/eve").is_some()).await;
    told.happens(json!({"kind": "team", "organization": "acme", "slug": "mobile", "name": "Mobile"})).await;
    told.until("a new team", |told| told.title("group:default/mobile").as_deref() == Some("Mobile")).await;
    told.happens(json!({"kind": "team", "organization": "acme", "slug": "mobile", "remove": true})).await;
    told.until("no more team", |told| told.title("group:default/mobile").is_none()).await;
    told.world.assert_lawful().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_installation_may_see_is_followed() {
    let file = |name: &str| json!({"owner": "acme", "name": name, "visibility": "private", "files": {"catalog-info.yaml": titled(name, name)}});
    let Some(told) = Told::new(json!([file("one"), file("two")])).await else { return };
    told.happens(json!({"kind": "installation", "account": "acme", "action": "removed", "repositories": ["two"]}))
        .await;
    told.until("one repository", |told| told.title("component:default/two").is_none()).await;
    assert!(told.title("component:default/one").is_some());
    told.happens(json!({"kind": "installation", "account": "acme", "action": "added", "repositories": ["two"]})).await;
    told.until("both again", |told| told.title("component:default/two").is_some()).await;
    told.world.assert_lawful().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_location_and_a_template_follow_their_files() {
    let template = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: { name: service }\nspec: { type: service, owner: platform, steps: [] }\n";
    let files = json!({"template/template.yaml": template, "template/skeleton/a.txt": "a", "other.txt": "b"});
    let Some(told) = Told::new(json!([{"owner": "acme", "name": "templates", "files": files}])).await else { return };
    let location = format!("http://{}/acme/templates/blob/main/template/template.yaml", told.world.host());
    let who = crate::permission::Credentials::service("test");
    let (catalog, how) = (&told.app.state.catalog, crate::catalog::Registration::New);
    catalog.register(&who, "url", &location, how).await.unwrap();
    let version = |told: &Told| {
        let record = told.app.state.catalog.index().get_exact("template:default/service").cloned().unwrap();
        record.version.clone()
    };
    let first = version(&told);
    let skeleton = json!({"template/skeleton/a.txt": "aa"});
    told.happens(json!({"kind": "commit", "repository": "acme/templates", "files": skeleton})).await;
    told.until("the template at the new commit", |told| version(told) != first).await;
    told.world.assert_lawful().await;
}

#[tokio::test]
async fn who_is_not_github_is_refused_in_words() {
    let app = TestApp::start_with(Options {
        events: serde_json::from_value(json!({"modules": {"github": {"webhookSecret": "x"}}})).unwrap(),
        ..Options::default()
    })
    .await;
    let kind = ("x-github-event", "ping");
    let unsigned = app.post_json(PATH, &[kind], &json!({})).await;
    assert_eq!(
        (unsigned.status, &unsigned.json()["error"]["name"]),
        (StatusCode::UNAUTHORIZED, &json!("AuthenticationError"))
    );
    let wrong = app.post_json(PATH, &[kind, ("x-hub-signature-256", "sha256=00")], &json!({})).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let message = wrong.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("the signature of the webhook is wrong"), "{message}");
    let none = TestApp::start().await.post_json(PATH, &[kind], &json!({})).await;
    assert_eq!(none.status, StatusCode::FORBIDDEN);
    assert!(none.text.contains("no secret for webhooks is configured"), "{}", none.text);
}

#[tokio::test]
async fn a_pull_request_is_told_what_the_catalog_would_say() {
    let files = json!({"catalog-info.yaml": titled("pay", "Pay")});
    let Some(told) = Told::new(json!([{"owner": "acme", "name": "pay", "files": files}])).await else { return };
    let broken = json!({"catalog-info.yaml": titled("pay", "Pay").replace(", owner: platform", "")});
    told.happens(json!({"kind": "commit", "repository": "acme/pay", "branch": "change", "files": broken})).await;
    told.happens(json!({"kind": "pull", "repository": "acme/pay", "head": "change"})).await;
    let said = async {
        loop {
            let repository = told.world.repository("acme/pay").await;
            let checks = repository["checkRuns"].as_array().or_else(|| repository["check_runs"].as_array()).cloned();
            if let Some(check) = checks.unwrap_or_default().first() {
                return check.clone();
            }
        }
    };
    let said = tokio::time::timeout(Duration::from_secs(30), said).await.expect("a check is written");
    assert_eq!((&said["name"], &said["conclusion"]), (&json!("Greenroom"), &json!("failure")));
    told.world.assert_lawful().await;
}
