//! Two states of an object as texts that people can compare.
//!
//! What the server keeps for itself is left out (managed fields, versions, status), and what is secret is replaced by
//! a digest, so that a change of it is seen and nothing else.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Lines around a change.
const CONTEXT: usize = 3;
/// Keys of `metadata` that the server writes.
const SERVERS: [&str; 6] = ["managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink"];

/// The object without what the server keeps for itself.
pub(super) fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
    if let Some(keys) = object.as_object_mut() {
        keys.remove("status");
        if is_secret {
            for key in ["data", "stringData"] {
                if let Some(Value::Object(data)) = keys.get_mut(key) {
                    data.values_mut().for_each(conceal);
                }
            }
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in SERVERS {
            metadata.remove(key);
        }
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            // kubectl's copy of the whole object, secrets and all.
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        metadata.retain(|_, value| !matches!(value, Value::Object(map) if map.is_empty()));
    }
    object
}

fn conceal(value: &mut Value) {
    let digest = Sha256::digest(value.as_str().unwrap_or_default().as_bytes());
    *value = Value::String(format!("<secret {}>", &hex::encode(digest)[..8]));
}

/// What differs, as a unified diff of YAML; empty where nothing does.
pub(super) fn unified(before: Option<&Value>, after: &Value) -> String {
    let before = before.map(essence).map(|object| text(&object)).unwrap_or_default();
    let after = text(&essence(after));
    similar::TextDiff::from_lines(&before, &after).unified_diff().context_radius(CONTEXT).to_string()
}

/// YAML with the keys in order, which servers do not keep.
fn text(object: &Value) -> String {
    serde_yaml::to_string(&sorted(object)).unwrap_or_default()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
            pairs.sort_by_key(|(key, _)| key.as_str());
            Value::Object(pairs.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn servers_keys_are_no_difference_and_secrets_are_not_shown() {
        let before = json!({"kind": "Secret", "metadata": {"name": "s", "uid": "1", "managedFields": []}, "data": {"a": "b25l"}});
        let same = json!({"metadata": {"resourceVersion": "9", "name": "s"}, "kind": "Secret", "data": {"a": "b25l"}, "status": {}});
        assert_eq!(unified(Some(&before), &same), "");
        let other = json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "dHdv"}});
        let told = unified(Some(&before), &other);
        assert!(told.contains("-  a: <secret ") && told.contains("+  a: <secret "), "{told}");
        assert!(!told.contains("b25l") && !told.contains("dHdv"), "{told}");
        assert!(unified(None, &other).contains("+kind: Secret"));
    }
}
