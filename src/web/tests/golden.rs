//! The recorded answers of a real Backstage 1.55.0 (`tests/conformance/golden`), replayed.
//!
//! Compared are status, headers, text and JSON. What differs from run to run (ids, dates, tags, tokens, keys) is
//! replaced on both sides; what the two portals call differently (the folder and the port of the fixture) is translated.
//! Each area tells how many pairs are identical. A pair that is not to be matched is listed with the reason, and it must
//! really differ: an exception that is none any more fails.

mod compare;
mod headers;
pub(super) mod pages;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use compare::{Matters, difference};

use super::client::{Answer, TestApp};
use super::rig::Rig;

/// One recorded request with its answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) request: Asked,
    pub(crate) response: Recorded,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) headers: Map<String, Value>,
    pub(crate) body: Option<Value>,
    pub(crate) raw_body: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: Map<String, Value>,
    pub(crate) json: Option<Value>,
    pub(crate) text: Option<String>,
}

/// The folder of the recordings.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/golden")
}

/// The pairs of one area in the order they were recorded, each with its file's name.
pub(crate) fn pairs(area: &str) -> Vec<(String, Pair)> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder().join(area)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let pair = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).ok()?;
        Some((name, pair))
    };
    let pairs: Vec<_> = files.into_iter().filter_map(read).collect();
    assert!(!pairs.is_empty(), "no recordings in {area}");
    pairs
}

impl fmt::Display for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(self).unwrap())
    }
}

impl Asked {
    /// Sends it, with `token` where the recording had one.
    pub(crate) async fn replay(&self, app: &TestApp, token: &str) -> Answer {
        let mut headers: Vec<(&str, &str)> = Vec::new();
        for (name, value) in &self.headers {
            let value = value.as_str().unwrap();
            headers.push((name, if name == "Authorization" { token } else { value }));
        }
        let body = match (&self.body, &self.raw_body) {
            (Some(body), _) => {
                headers.push(("content-type", "application/json"));
                body.to_string()
            }
            (None, Some(raw)) => long_body(raw).unwrap_or_else(|| raw.clone()),
            (None, None) => String::new(),
        };
        self.send(app, &headers, body).await
    }

    async fn send(&self, app: &TestApp, headers: &[(&str, &str)], body: String) -> Answer {
        app.request(&self.method, &self.path, headers, body).await
    }
}

/// The body that is only told by its length: one reference of that many letters.
fn long_body(raw: &str) -> Option<String> {
    let length: usize = raw.strip_prefix('(')?.strip_suffix(" bytes)")?.parse().ok()?;
    let (start, end) = ("{\"entityRefs\":[\"", "\"]}");
    Some(format!("{start}{}{end}", "a".repeat(length - start.len() - end.len())))
}

/// A pair that is not matched: its file, and why.
type Exception = (&'static str, &'static str);

/// What came out of the pairs of an area.
struct Tally {
    area: &'static str,
    identical: usize,
    exceptions: Vec<Exception>,
    excepted: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn new(area: &'static str, exceptions: &[Exception]) -> Self {
        Self { area, identical: 0, exceptions: exceptions.to_vec(), excepted: 0, wrong: Vec::new() }
    }

    /// Notes how a pair went.
    fn note(&mut self, file: &str, pair: &Pair, difference: Option<String>) {
        let known = self.exceptions.iter().position(|(exception, _)| *exception == file);
        match (known, difference) {
            (None, None) => self.identical += 1,
            (None, Some(difference)) => {
                let Asked { method, path, .. } = &pair.request;
                self.wrong.push(format!("{}/{file}: {method} {path}\n    {difference}", self.area));
            }
            (Some(_), None) => {
                self.wrong.push(format!("{}/{file} is identical now: no exception is needed", self.area));
            }
            (Some(at), Some(_)) => {
                let (_, reason) = self.exceptions.remove(at);
                self.excepted += 1;
                println!("{}/{file} is not to be matched: {reason}", self.area);
            }
        }
    }

    /// Says how many there are, and fails if any differs that should not.
    fn end(self) {
        let Self { area, identical, exceptions, excepted, wrong } = self;
        println!(
            "{area}: {identical} of {} identical, {excepted} not to be matched",
            identical + excepted + wrong.len()
        );
        assert!(wrong.is_empty(), "{area}: {} differ:\n{}", wrong.len(), wrong.join("\n"));
        assert!(exceptions.is_empty(), "{area}: exceptions for pairs that were not sent: {exceptions:?}");
    }
}

/// Replays an area on a rig, pair by pair.
async fn replay(rig: &Rig, area: &'static str, exceptions: &[Exception]) {
    let mut tally = Tally::new(area, exceptions);
    for (file, pair) in &pairs(area) {
        tally.note(file, pair, rig.difference(pair).await);
    }
    tally.end();
}

const SAME_ORIGIN: &str =
    "limited cookies belong to plugins of a separate front end; this one is served from the same origin";
const FAULT: &str = "a fault of the original";
const SHORTENED: &str = "the recording is shortened, and what it describes are the original's own parts";

#[tokio::test]
async fn signing_in_answers_as_recorded() {
    replay(&Rig::open().await, "auth", &[("011-cookie", SAME_ORIGIN)]).await;
}

#[tokio::test]
async fn the_catalog_is_read_as_recorded() {
    replay(&Rig::open().await, "catalog-read", &[]).await;
}

#[tokio::test]
async fn the_catalog_is_queried_as_recorded() {
    let exceptions = [
        ("011-order-two-fields", "here the second order field decides; there the id"),
        ("024-full-text-percent", FAULT),
    ];
    replay(&Rig::open().await, "catalog-query", &exceptions).await;
}

#[tokio::test]
async fn everything_is_searched_as_recorded() {
    let rig = Rig::open().await;
    rig.app.state.search.settled().await;
    replay(&rig, "search", &[]).await;
}

#[tokio::test]
async fn facets_are_counted_as_recorded() {
    replay(&Rig::open().await, "catalog-facets", &[]).await;
}

#[tokio::test]
async fn entities_are_validated_as_recorded() {
    replay(&Rig::open().await, "catalog-validate", &[]).await;
}

#[tokio::test]
async fn everything_else_answers_as_recorded() {
    let exceptions = [
        ("003-root", "the portal has a home page"),
        ("019-openapi", SHORTENED),
        ("020-openapi-scaffolder", SHORTENED),
        ("022-permission-metadata", SHORTENED),
        ("023-actions-registry", SHORTENED),
    ];
    replay(&Rig::open().await, "general", &exceptions).await;
}

#[tokio::test]
async fn the_closed_portal_answers_as_recorded() {
    // Settings and notifications are not there; the recorded key set had two keys.
    let elsewhere = |file: &str| file.contains("user-settings") || file.contains("notifications");
    let rig = Rig::closed().await;
    let mut tally = Tally::new("auth-closed", &[("012-jwks", "the recorded key set had two keys")]);
    for (file, pair) in pairs("auth-closed").iter().filter(|(file, _)| !elsewhere(file)) {
        tally.note(file, pair, rig.difference(pair).await);
    }
    tally.end();
}

const YAML: &str = "what is wrong with YAML is told in our words";
const ORPHAN: &str = "an orphan is deleted at once, not half a minute later";

/// The recordings between which somebody changed a file.
#[tokio::test]
async fn the_catalog_is_written_as_recorded() {
    let rig = Rig::open().await;
    let fresh = rig.file("web/fresh.yaml");
    let nested = rig.file("web/sub/one.yaml");
    let (good, good_nested) = (std::fs::read_to_string(&fresh).unwrap(), std::fs::read_to_string(&nested).unwrap());
    let exceptions = [
        ("005-location-dry-run-broken-yaml", YAML),
        ("036-location-entity-after-broken-yaml", YAML),
        ("021-location-by-id-not-uuid", FAULT),
        ("043-orphan", ORPHAN),
        ("044-orphan-filter", ORPHAN),
    ];
    let mut tally = Tally::new("catalog-write", &exceptions);
    for (file, pair) in pairs("catalog-write") {
        match pair.name.as_str() {
            "entity-after-change" => {
                std::fs::write(&fresh, good.replace("spec: {", "spec: { extra: changed, ")).unwrap();
            }
            "entity-after-it-broke" => std::fs::write(&fresh, good.replace(", owner: platform", "")).unwrap(),
            "location-entity-after-broken-yaml" => {
                std::fs::write(&fresh, "apiVersion: backstage.io/v1alpha1\nkind: [x\n").unwrap();
            }
            "location-entity-after-file-removed" => std::fs::remove_file(&fresh).unwrap(),
            "entity-after-repair" => std::fs::write(&fresh, &good).unwrap(),
            "orphan" => std::fs::write(&nested, good_nested.replace("nested-one", "nested-two")).unwrap(),
            "delete-by-uid" => {
                std::fs::write(&nested, &good_nested).unwrap();
                rig.knows("fc0f6281-f57d-4241-91c0-910f035fc170", "component:default/glob-2");
            }
            _ => {}
        }
        match pair.name.as_str() {
            "entity-after-change" | "entity-after-it-broke" | "entity-after-repair" => {
                rig.refresh("component:default/fresh").await;
            }
            "location-entity-after-broken-yaml" | "location-entity-after-file-removed" => {
                rig.refresh("location:default/generated-a6464ac8664f724b3e0b9e10eaf124e98a42570a").await;
            }
            "orphan" | "deleted-entity-comes-back" => rig.refresh("component:default/web-one").await,
            _ => {}
        }
        tally.note(&file, &pair, rig.difference(&pair).await);
    }
    tally.end();
}

/// Cursors are opaque, so they are compared by following them.
#[tokio::test]
async fn pages_are_followed_to_the_end_and_back() {
    let rig = Rig::open().await;
    let all =
        rig.app.get("/api/catalog/entities/by-query?orderField=metadata.name,asc&fields=metadata.name").await.json();
    let mut path =
        "/api/catalog/entities/by-query?limit=7&orderField=metadata.name,asc&fields=metadata.name".to_owned();
    let (mut forward, mut back, mut pages) = (Vec::new(), Vec::new(), 0);
    let next_of = |page: &Value, cursor: &str| {
        let cursor = page["pageInfo"][cursor].as_str()?;
        Some(format!(
            "/api/catalog/entities/by-query?limit=7&fields=metadata.name&cursor={}",
            crate::web::url::query(cursor)
        ))
    };
    let last = loop {
        let page = rig.app.get(&path).await.json();
        assert_eq!(page["totalItems"], all["totalItems"]);
        forward.extend(page["items"].as_array().unwrap().clone());
        pages += 1;
        match next_of(&page, "nextCursor") {
            Some(next) => path = next,
            None => break page,
        }
    };
    assert_eq!((Value::Array(forward), pages), (all["items"].clone(), 6));
    let mut page = last;
    while let Some(previous) = next_of(&page, "prevCursor") {
        page = rig.app.get(&previous).await.json();
        let mut items = page["items"].as_array().unwrap().clone();
        items.append(&mut back);
        back = items;
    }
    assert_eq!(back.len(), 35);
    assert_eq!(back, all["items"].as_array().unwrap()[..35]);
}

#[tokio::test]
async fn a_list_is_followed_by_its_link() {
    let rig = Rig::open().await;
    let mut path = "/api/catalog/entities?limit=10&fields=metadata.name,metadata.namespace,kind".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = rig.app.get(&path).await;
        seen.extend(answer.json().as_array().unwrap().clone());
        let Some(link) = answer.header("link").strip_prefix('<') else {
            break;
        };
        path = format!("/api/catalog{}", link.strip_suffix(">; rel=\"next\"").unwrap());
    }
    let total = rig.app.get("/api/catalog/entities").await.json().as_array().unwrap().len();
    let count = seen.len();
    seen.dedup();
    assert_eq!((seen.len(), count), (total, total));
}

const PATHS: &str = "paths on the server, and an internal error where the request is at fault";
const KEYS: &str = "an entity as text: its keys are in another order";
const CANCELLED: &str = "a cancelled run is called cancelled";

#[tokio::test]
async fn templates_run_as_recorded() {
    let rig = Rig::open().await;
    let exceptions = [
        ("001-actions", "the set of actions is our own"),
        ("008-templating-extensions", SHORTENED),
        ("029-task-skeleton-events", PATHS),
        ("031-tasks-list", "caught while it was still running; here it is waited for"),
        ("037-task-events-features", PATHS),
        ("040-task-events-features", KEYS),
        ("053-task-cancelled", CANCELLED),
        ("054-task-cancelled-events", CANCELLED),
        ("056-dry-run", PATHS),
        ("058-dry-run-invalid-template", FAULT),
    ];
    let mut tally = Tally::new("scaffolder", &exceptions);
    let mut running: Option<String> = None;
    for (file, pair) in pairs("scaffolder") {
        // What a run says is asked for when it is over, or has come to the step at which it was recorded.
        match (&running, pair.name.as_str()) {
            (Some(id), "task-waiting") => rig.reached(id, "wait").await,
            (Some(_), "task-cancel") | (None, _) => {}
            (Some(id), _) => {
                rig.finished(id).await;
                running = None;
            }
        }
        let difference = rig.difference(&pair).await;
        if pair.request.method == "POST" && pair.request.path.ends_with("/tasks") && pair.response.status == 201 {
            running = pair.response.json.as_ref().map(|json| json["id"].as_str().unwrap().to_owned());
        }
        tally.note(&file, &pair, difference);
    }
    tally.end();
}
