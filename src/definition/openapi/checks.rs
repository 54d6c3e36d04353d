//! What is wrong in a definition that can be read all the same.

use std::collections::HashSet;

use serde_json::Value;

use super::operations;
use crate::definition::schema::resolved;
use crate::definition::{Problem, Tree};
use crate::yaml::pointer_push;

/// More are not told.
const TOLD: usize = 20;
/// Nodes that are looked at.
const NODES: usize = 2_000_000;

/// References to nowhere, paths without a slash, ids that two operations have.
pub(in crate::definition) fn problems(tree: &Tree) -> Vec<Problem> {
    let mut found = Vec::new();
    references(tree, &mut found);
    let mut ids = HashSet::new();
    for (root, path, method, operation) in operations(&tree.value) {
        if found.len() >= TOLD {
            break;
        }
        if root == "paths" && !path.starts_with('/') {
            found.push(placed(tree, &[root, path], format!("the path `{path}` does not begin with a slash")));
        }
        if let Some(id) = operation.get("operationId").and_then(Value::as_str)
            && !ids.insert(id)
        {
            let place = [root, path.as_str(), method, "operationId"];
            found.push(placed(tree, &place, format!("the operation id `{id}` is used twice")));
        }
    }
    found.truncate(TOLD);
    found
}

/// References inside the document that lead to nothing.
pub(in crate::definition) fn references(tree: &Tree, found: &mut Vec<Problem>) {
    let mut left = NODES;
    // A place is only kept where it can be turned into a line.
    let is_placed = tree.positions.is_some();
    let mut next: Vec<(&Value, Vec<&str>)> = vec![(&tree.value, Vec::new())];
    while let Some((value, path)) = next.pop() {
        left = left.saturating_sub(1);
        if left == 0 || found.len() >= TOLD {
            return;
        }
        match value {
            Value::Object(map) => {
                let target = map.get("$ref").and_then(Value::as_str).filter(|target| target.starts_with('#'));
                if let Some(target) = target.filter(|target| resolved(&tree.value, target).is_none()) {
                    found.push(placed(tree, &path, format!("`{target}` is not in the definition")));
                }
                // Examples may hold anything.
                let inner = map.iter().filter(|(key, _)| !matches!(key.as_str(), "example" | "examples" | "default"));
                for (key, value) in inner.filter(|(_, value)| value.is_object() || value.is_array()) {
                    let mut path = if is_placed { path.clone() } else { Vec::new() };
                    path.push(key);
                    next.push((value, path));
                }
            }
            Value::Array(items) => {
                let inner = items.iter().filter(|item| item.is_object() || item.is_array());
                next.extend(inner.map(|item| (item, path.clone())));
            }
            _ => {}
        }
    }
}

fn placed(tree: &Tree, path: &[&str], message: String) -> Problem {
    let place = tree.positions.as_ref().map(|positions| {
        let mut pointer = String::new();
        for step in path {
            pointer_push(&mut pointer, step);
        }
        let place = positions.nearest(&pointer);
        (place.line, place.column)
    });
    Problem { message, place }
}
