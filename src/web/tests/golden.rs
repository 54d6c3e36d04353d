//! The recorded answers of a real Backstage 1.55.0 (`tests/golden`), replayed.
//!
//! Compared are status, text and JSON. What differs from run to run (ids, dates, tags, tokens, keys) is replaced on
//! both sides; what the two portals call differently (the folder and the port of the fixture) is translated.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::{Answer, TestApp};
use super::rig::Rig;

/// One recorded request with its answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) request: Asked,
    pub(crate) response: Recorded,
    #[serde(default)]
    pub(crate) shortened: bool,
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
    pub(crate) json: Option<Value>,
    pub(crate) text: Option<String>,
}

/// The folder of the recordings.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The pairs of one area in the order they were recorded, each with its file's name.
pub(crate) fn pairs(area: &str) -> Vec<(String, Pair)> {
    let mut files: Vec<_> = std::fs::read_dir(folder().join(area)).unwrap().map(|entry| entry.unwrap().path()).collect();
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
            (None, Some(raw)) => raw.clone(),
            (None, None) => String::new(),
        };
        self.send(app, &headers, body).await
    }

    async fn send(&self, app: &TestApp, headers: &[(&str, &str)], body: String) -> Answer {
        app.request(&self.method, &self.path, headers, body).await
    }
}

/// Says how an answer differs from the recorded one, if it does.
pub(crate) fn difference(
    recorded: &Recorded,
    answer: &Answer,
    translate: &dyn Fn(&str) -> String,
    unordered: bool,
) -> Option<String> {
    if answer.status.as_u16() != recorded.status {
        return Some(format!("status {} instead of {}: {}", answer.status, recorded.status, answer.text));
    }
    if let Some(text) = &recorded.text
        && text.is_empty()
        && !answer.text.is_empty()
    {
        return Some(format!("a body where there was none: {}", answer.text));
    }
    let Some(json) = &recorded.json else { return None };
    let Ok(got) = serde_json::from_str(&answer.text) else { return Some(format!("no JSON: {}", answer.text)) };
    let (mut expected, mut got) = (stable(json, &str::to_owned), stable(&got, translate));
    if unordered {
        sort(&mut expected);
        sort(&mut got);
    }
    differs("", &expected, &got)
}

/// Sorts a list of entities whose order nobody asked for.
fn sort(answer: &mut Value) {
    let list = match answer {
        Value::Object(map) => map.get_mut("items"),
        other => Some(other),
    };
    if let Some(Value::Array(items)) = list {
        let key = |item: &Value| {
            let at = |pointer: &str| item.pointer(pointer).map(ToString::to_string).unwrap_or_default();
            [at("/kind"), at("/metadata/namespace"), at("/metadata/name"), item.to_string()]
        };
        items.sort_by_key(key);
    }
}

/// The value with everything volatile replaced and every text translated.
fn stable(value: &Value, translate: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| (key.clone(), stable_field(key, value, translate)));
            Value::Object(pairs.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| stable(item, translate)).collect()),
        Value::String(text) => Value::String(without_log_id(&translate(text))),
        other => other.clone(),
    }
}

fn stable_field(key: &str, value: &Value, translate: &dyn Fn(&str) -> String) -> Value {
    const VOLATILE: [&str; 13] = [
        "uid", "etag", "id", "taskId", "createdAt", "lastHeartbeatAt", "token", "kid", "x", "y", "nextCursor", "prevCursor",
        "expiresInSeconds",
    ];
    let volatile = VOLATILE.contains(&key) && (value.is_string() || value.is_number());
    let action_or_item = value.as_str().is_some_and(|text| key == "id" && text.len() < 32);
    if volatile && !action_or_item { Value::String(format!("({key})")) } else { stable(value, translate) }
}

fn without_log_id(text: &str) -> String {
    text.split_once("logId=").map_or_else(|| text.to_owned(), |(before, _)| format!("{before}logId="))
}

/// The first place where two values differ.
fn differs(place: &str, expected: &Value, got: &Value) -> Option<String> {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            let extra = got.keys().find(|key| !expected.contains_key(*key));
            if let Some(key) = extra {
                return Some(format!("{place}/{key} is too much: {}", got[key]));
            }
            expected.iter().find_map(|(key, expected)| match got.get(key) {
                Some(got) => differs(&format!("{place}/{key}"), expected, got),
                None => Some(format!("{place}/{key} is missing, was {expected}")),
            })
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            let mut pairs = expected.iter().zip(got).enumerate();
            pairs.find_map(|(index, (expected, got))| differs(&format!("{place}/{index}"), expected, got))
        }
        _ => (expected != got).then(|| format!("{place} is {got}, was {expected}")),
    }
}

/// Replays an area on a rig and tells every pair that differs, except the `known` ones.
async fn replay(rig: &Rig, area: &str, known: &[&str]) {
    let mut differing = Vec::new();
    let pairs = pairs(area);
    for (file, pair) in &pairs {
        if known.contains(&file.as_str()) || pair.shortened {
            continue;
        }
        if let Some(difference) = rig.difference(pair).await {
            differing.push(format!("{area}/{file}: {} {}\n    {difference}", pair.request.method, pair.request.path));
        }
    }
    assert!(differing.is_empty(), "{} of {} differ:\n{}", differing.len(), pairs.len(), differing.join("\n"));
}

#[tokio::test]
async fn signing_in_answers_as_recorded() {
    // 011: limited cookies of plugins belong to a separate front end; this one is served from the same origin.
    replay(&Rig::open().await, "auth", &["011-cookie"]).await;
}

#[tokio::test]
async fn the_catalog_is_read_as_recorded() {
    replay(&Rig::open().await, "catalog-read", &[]).await;
}

#[tokio::test]
async fn the_catalog_is_queried_as_recorded() {
    replay(&Rig::open().await, "catalog-query", &[]).await;
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
    replay(&Rig::open().await, "general", &[]).await;
}

#[tokio::test]
async fn the_closed_portal_answers_as_recorded() {
    replay(&Rig::closed().await, "auth-closed", &[]).await;
}
