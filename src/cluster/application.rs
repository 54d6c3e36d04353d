//! What is kept of an Argo CD application. The rest is most of it: a line for each object that it deploys, twice, and the
//! whole source in each entry of the history.

use serde_json::{Map, Value};

const KEPT_OF_SPEC: [&str; 4] = ["project", "source", "sources", "destination"];
const KEPT_OF_STATUS: [&str; 6] = ["sync", "health", "summary", "conditions", "operationState", "history"];
const KEPT_OF_OPERATION: [&str; 4] = ["phase", "message", "startedAt", "finishedAt"];
const KEPT_OF_DEPLOYMENT: [&str; 5] = ["id", "revision", "revisions", "deployedAt", "initiatedBy"];

/// `spec`, `status` and `operation` of the keys that are read.
pub(super) fn kept(mut spec: Value, mut status: Value, operation: Value) -> Value {
    keep(&mut spec, &KEPT_OF_SPEC);
    keep(&mut status, &KEPT_OF_STATUS);
    for (part, keys) in [("operationState", &KEPT_OF_OPERATION[..]), ("sync", &["status", "revision", "revisions"])] {
        if let Some(part) = status.get_mut(part) {
            keep(part, keys);
        }
    }
    for deployment in status.get_mut("history").and_then(Value::as_array_mut).into_iter().flatten() {
        keep(deployment, &KEPT_OF_DEPLOYMENT);
    }
    let mut kept = Map::new();
    kept.insert("spec".to_owned(), spec);
    kept.insert("status".to_owned(), status);
    kept.insert("operation".to_owned(), operation);
    Value::Object(kept)
}

fn keep(value: &mut Value, keys: &[&str]) {
    if let Value::Object(map) = value {
        map.retain(|key, _| keys.contains(&key.as_str()));
    }
}
