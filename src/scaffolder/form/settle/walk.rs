//! The branches of an object's schema: what may be said of one object in several places.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Takes names out of `required`, in the schema itself and in its branches.
pub(super) fn unrequire(keys: &mut Map<String, Value>, free: &[String]) {
    if free.is_empty() {
        return;
    }
    if let Some(Value::Array(required)) = keys.get_mut("required") {
        required.retain(|name| name.as_str().is_none_or(|name| !free.iter().any(|free| free == name)));
    }
    for branch in branches(keys) {
        if let Value::Object(keys) = branch {
            unrequire(keys, free);
        }
    }
}

/// The schemas that say more of the same object.
fn branches(keys: &mut Map<String, Value>) -> Vec<&mut Value> {
    let mut found = Vec::new();
    for (key, value) in keys.iter_mut() {
        match (key.as_str(), value) {
            ("oneOf" | "anyOf" | "allOf", Value::Array(several)) => found.extend(several),
            ("dependencies", Value::Object(several)) => found.extend(several.values_mut()),
            ("then" | "else", one) => found.push(one),
            _ => {}
        }
    }
    found
}

/// Every name that a page may ask for, in whatever branch.
pub(super) fn names(schema: &Value, found: &mut BTreeSet<String>) {
    each_branch(schema, &mut |properties| found.extend(properties.keys().cloned()));
}

/// Whether a page may ask for a name.
pub(super) fn declares(schema: &Value, name: &str) -> bool {
    let mut found = false;
    each_branch(schema, &mut |properties| found |= properties.contains_key(name));
    found
}

fn each_branch(schema: &Value, look: &mut dyn FnMut(&Map<String, Value>)) {
    match schema {
        Value::Array(several) => several.iter().for_each(|one| each_branch(one, look)),
        Value::Object(keys) => {
            if let Some(Value::Object(properties)) = keys.get("properties") {
                look(properties);
            }
            for key in ["oneOf", "anyOf", "allOf", "then", "else"] {
                if let Some(branch) = keys.get(key) {
                    each_branch(branch, look);
                }
            }
            if let Some(Value::Object(branches)) = keys.get("dependencies") {
                branches.values().for_each(|branch| each_branch(branch, look));
            }
        }
        _ => {}
    }
}
