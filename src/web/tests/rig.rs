//! The portal on the fixture of the golden recordings: `tests/conformance/golden/fixture/golden` as files, `…/web` over HTTP.
//!
//! The recordings were made below `/rig/golden` with the files served on port 7099; here it is a temporary folder and
//! any free port. [`Rig::ours`] and [`Rig::theirs`] translate between the two.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Options, TestApp};
use super::golden::{Matters, Pair, difference, folder, pages};
use crate::auth::BackendAuth;
use crate::catalog::{CatalogConfig, LocationRef};
use crate::permission::Credentials;

const THEIR_FOLDER: &str = "/rig/golden";
const THEIR_HOST: &str = "localhost:7099";

pub(crate) struct Rig {
    pub(crate) app: TestApp,
    folder: TempDir,
    host: String,
    token: String,
    /// Ids: theirs and ours, as they become known.
    ids: RefCell<Vec<(String, String)>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Rig {
    /// A portal whose API is open, as most recordings were made.
    pub(crate) async fn open() -> Self {
        Self::start("dangerouslyDisableDefaultAuthPolicy: true\n").await
    }

    /// A portal that wants credentials.
    pub(crate) async fn closed() -> Self {
        let token = "options: { token: rig-static-token-0123456789, subject: rig }";
        Self::start(&format!("externalAccess: [{{ type: static, {token} }}]\n")).await
    }

    async fn start(backend: &str) -> Self {
        let backend: BackendAuth = serde_yaml::from_str(backend).unwrap();
        let copy = folder_for_the_fixture();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        copy_tree(&folder().join("fixture"), copy.path(), &|text| text.replace(THEIR_HOST, &host));
        let web = Router::new().fallback(serve).with_state(copy.path().join("web"));
        let server = tokio::spawn(async move { axum::serve(listener, web).await.unwrap() });
        let kinds = ["Component", "API", "Resource", "System", "Domain", "Group", "User", "Location", "Template"];
        let catalog = serde_json::from_value(json!({
            "rules": [{ "allow": kinds }],
            "locations": [{ "type": "file", "target": copy.path().join("golden/all.yaml") }],
        }));
        let reading = serde_json::from_value(json!({ "allow": [{ "host": host }] })).unwrap();
        let catalog = CatalogConfig { reading, ..catalog.unwrap() };
        let app = TestApp::start_with(Options { backend, catalog, ..Options::default() }).await;
        app.state.catalog.read_due().await.unwrap();
        let token = app.bearer().await;
        Self { app, folder: copy, host, token, ids: RefCell::default(), server }
    }

    /// Tells the rig which entity a recorded uid belongs to.
    pub(crate) fn knows(&self, uid: &str, reference: &str) {
        let record = self.app.state.catalog.entity(&Credentials::anonymous(), &reference.parse().unwrap()).unwrap();
        self.ids.borrow_mut().push((uid.to_owned(), record.uid.to_string()));
    }

    /// A file of the fixture.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Reads the source of an entity again.
    pub(crate) async fn refresh(&self, reference: &str) {
        let body = json!({ "entityRef": self.ours(reference) });
        let answer = self.app.post_json("/api/catalog/refresh", &[("authorization", &self.token)], &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }

    /// Waits until a recorded run has come to a step.
    pub(crate) async fn reached(&self, id: &str, step: &str) {
        let id = self.ours(id).parse().unwrap();
        let events = self.app.state.scaffolder.follow(&Credentials::anonymous(), id, None);
        let at_step = events.any(|event| std::future::ready(event.body["stepId"] == step));
        assert!(std::pin::pin!(at_step).await, "the run never came to {step}");
    }

    /// Waits until a recorded run is over here, by following it to its end.
    pub(crate) async fn finished(&self, id: &str) {
        let answer = self.app.get(&self.ours(&format!("/api/scaffolder/v2/tasks/{id}/eventstream"))).await;
        assert!(answer.text.contains("event: completion"), "{}", answer.text);
    }

    fn files(&self) -> String {
        self.folder.path().join("golden").to_str().unwrap().to_owned()
    }

    /// Names that both portals make from the address of a location.
    fn generated(&self) -> Vec<(String, String)> {
        let pages =
            ["fresh", "invalid", "broken", "gone", "nested", "takeover", "catalog-info", "sub/one", "nested-missing"];
        let urls = pages.iter().map(|page| ("url", format!("http://{THEIR_HOST}/{page}.yaml")));
        let files = [("file", format!("{THEIR_FOLDER}/all.yaml"))];
        let name = |kind: &str, target: String| LocationRef::new(kind.to_owned(), target).entity_name();
        let pairs = urls.chain(files).map(|(kind, target)| {
            let ours = target.replace(THEIR_FOLDER, &self.files()).replace(THEIR_HOST, &self.host);
            (name(kind, target), name(kind, ours))
        });
        pairs.collect()
    }

    /// A recorded text as it is here.
    pub(crate) fn ours(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (theirs, ours) in self.generated().iter().chain(self.ids.borrow().iter()) {
            text = text.replace(theirs, ours);
        }
        text.replace(THEIR_FOLDER, &self.files()).replace(THEIR_HOST, &self.host)
    }

    /// An answered text as it would have been there.
    pub(crate) fn theirs(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (theirs, ours) in self.generated().iter().chain(self.ids.borrow().iter()) {
            text = text.replace(ours, theirs);
        }
        text.replace(&self.files(), THEIR_FOLDER).replace(&self.host, THEIR_HOST)
    }

    /// Sends a recorded request and says how the answer differs. Ids are learned from it.
    pub(crate) async fn difference(&self, pair: &Pair) -> Option<String> {
        let asked = serde_json::from_str(&self.ours(&pair.request.to_string())).unwrap();
        let mut asked: super::golden::Asked = asked;
        asked.path = pages::with_our_cursor(&self.app, &asked.path).await;
        let token = match pair.name.as_str() {
            "garbage-token" => "Bearer nonsense",
            "not-bearer" => "Basic bm9wZTpub3Bl",
            "static-external-token" => "Bearer rig-static-token-0123456789",
            _ => &self.token,
        };
        let answer = asked.replay(&self.app, token).await;
        if let (Some(recorded), Ok(got)) = (&pair.response.json, serde_json::from_str(&answer.text)) {
            learn(recorded, &got, &mut self.ids.borrow_mut());
        }
        let matters = match (pages::is_any(pair), is_ordered(pair)) {
            (true, _) => Matters::Form,
            (false, true) => Matters::All,
            (false, false) => Matters::NotOrder,
        };
        difference(pair, &answer, &|text| self.theirs(text), matters)
    }
}

/// Whether the order of a list was asked for, and leaves nothing open.
fn is_ordered(pair: &Pair) -> bool {
    const TIES: [&str; 4] = [
        "order-field-missing-in-some",
        "full-text-order-field",
        "entities-order-missing-field-with-limit",
        "entities-order-missing-field-desc-with-limit",
    ];
    let path = &pair.request.path;
    let asked = path.contains("order") || pair.request.body.as_ref().is_some_and(|body| body.get("orderBy").is_some());
    // Events that are written within the same moment can change places.
    let list = path.contains("/search/")
        || path.contains("/entities")
        || path.contains("by-query")
        || path.contains("/events");
    (asked && !TIES.contains(&pair.name.as_str())) || !list
}

/// Remembers ids that stand at the same place of both answers.
fn learn(recorded: &Value, got: &Value, ids: &mut Vec<(String, String)>) {
    match (recorded, got) {
        (Value::Object(recorded), Value::Object(got)) => {
            for (key, recorded) in recorded {
                let Some(got) = got.get(key) else { continue };
                match (key.as_str(), recorded, got) {
                    ("id" | "uid", Value::String(theirs), Value::String(ours)) if theirs.len() == 36 => {
                        if !ids.iter().any(|(known, _)| known == theirs) {
                            ids.push((theirs.clone(), ours.clone()));
                        }
                    }
                    _ => learn(recorded, got, ids),
                }
            }
        }
        (Value::Array(recorded), Value::Array(got)) if recorded.len() == got.len() => {
            recorded.iter().zip(got).for_each(|(recorded, got)| learn(recorded, got, ids));
        }
        _ => {}
    }
}

/// A folder for the fixture. The entity of its location is named by a hash of the path; it must not begin with what a
/// recorded search finds nowhere.
fn folder_for_the_fixture() -> TempDir {
    let is_found = |copy: &TempDir| {
        let root = LocationRef::new("file", copy.path().join("golden/all.yaml").to_string_lossy());
        root.entity_name().starts_with("generated-ab")
    };
    loop {
        let copy = tempfile::tempdir().unwrap();
        if !is_found(&copy) {
            return copy;
        }
    }
}

fn copy_tree(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target, change);
        } else {
            std::fs::write(target, change(&std::fs::read_to_string(entry.path()).unwrap())).unwrap();
        }
    }
}

async fn serve(State(folder): State<PathBuf>, request: Request) -> Response {
    match std::fs::read(folder.join(request.uri().path().trim_start_matches('/'))) {
        Ok(bytes) => bytes.into_response(),
        Err(_) => (StatusCode::NOT_FOUND, "not here").into_response(),
    }
}
