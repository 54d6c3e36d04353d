//! What holds for every action that a portal has.

use std::sync::Arc;

use super::super::schema::Schema;
use super::testing::Bench;
use super::*;
use crate::yaml;

fn registry() -> ActionRegistry {
    crate::app::known_actions().unwrap()
}

/// The steps of an example.
fn steps(example: &str) -> Vec<Value> {
    let document = yaml::documents(example).pop().unwrap().unwrap();
    document.value["steps"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_action_tells_what_it_is() {
    for action in registry().descriptions() {
        let id = action.id;
        assert!(id.contains(':') && !action.description.is_empty(), "{id}");
        assert!(!action.examples.is_empty(), "{id} has no example");
        assert!(Schema::compile(&action.input).is_ok(), "{id}: its input is no schema");
        assert!(action.output.is_none_or(|output| Schema::compile(&output).is_ok()), "{id}: its output is no schema");
    }
}

#[tokio::test]
async fn every_example_is_taken_by_its_own_schema() {
    let registry = registry();
    for action in registry.descriptions() {
        for Example { description, example } in &action.examples {
            let steps = steps(example);
            let own = steps.iter().filter(|step| step["action"] == action.id).count();
            assert!(own > 0, "{}: example {description:?} does not use it", action.id);
            for step in steps {
                let id = step["action"].as_str().unwrap();
                let registered = registry.get(id).unwrap_or_else(|| unreachable!("{id} is no action"));
                let input = step.get("input").and_then(Value::as_object).cloned().unwrap_or_default();
                assert_eq!(registered.check(id, &input), Ok(vec![]), "{}: {description}", action.id);
            }
        }
    }
}

/// Every input that names a place in the workspace, with what else the action needs.
fn places() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("fetch:plain", "targetPath", json!({"url": "./t"})),
        ("fetch:plain:file", "targetPath", json!({"url": "./t/a"})),
        ("fetch:template", "targetPath", json!({"url": "./t"})),
        ("fetch:template:file", "targetPath", json!({"url": "./t/a"})),
        ("fetch:cookiecutter", "targetPath", json!({"url": "./t"})),
        ("workspace:template", "sourcePath", json!({"targetPath": "out"})),
        ("workspace:template", "targetPath", json!({"sourcePath": "dir"})),
        ("workspace:template:file", "sourcePath", json!({"targetPath": "out"})),
        ("workspace:template:file", "targetPath", json!({"sourcePath": "a"})),
        ("catalog:write", "filePath", json!({"entity": {}})),
        ("provenance:write", "filePath", json!({})),
        ("fs:delete", "files", json!({})),
        ("fs:readdir", "paths", json!({})),
        ("roadiehq:utils:fs:write", "path", json!({"content": "x"})),
        ("roadiehq:utils:fs:append", "path", json!({"content": "x"})),
        ("roadiehq:utils:fs:parse", "path", json!({})),
        ("roadiehq:utils:json:merge", "path", json!({"content": {}})),
        ("roadiehq:utils:merge", "path", json!({"content": {}})),
        ("roadiehq:utils:jsonata:yaml:transform", "path", json!({"expression": "$"})),
        ("roadiehq:utils:jsonata:json:transform", "path", json!({"expression": "$"})),
        ("roadiehq:utils:zip", "path", json!({"outputPath": "out.zip"})),
        ("roadiehq:utils:zip", "outputPath", json!({"path": "dir"})),
        ("roadiehq:utils:fs:replace", "files", json!({"find": "x", "replaceWith": "y"})),
        ("fs:rename", "files", json!({"from": "a"})),
    ]
}

/// The input with a path where the action wants it.
fn input(id: &str, key: &str, more: &Value, path: &str) -> Value {
    let mut input = more.clone();
    match (id, key) {
        ("roadiehq:utils:fs:replace", _) => {
            input["file"] = json!(path);
            json!({"files": [input]})
        }
        ("fs:rename", _) => json!({"files": [{"from": "a", "to": path}, {"from": path, "to": "b"}]}),
        ("fs:delete" | "fs:readdir", key) => json!({key: [path]}),
        _ => {
            input[key] = json!(path);
            input
        }
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_workspace() {
    let bad = [
        ("../x", "leads out of the workspace"),
        ("dir/../../x", "leads out of the workspace"),
        ("/etc/passwd", "leads out of the workspace"),
        ("C:/x", "leads out of the workspace"),
        ("a\0b", "has a backslash or control characters"),
        ("dir\\x", "has a backslash or control characters"),
        ("NUL", "which Windows keeps for a device"),
        ("dir/com1.txt", "which Windows keeps for a device"),
    ];
    let registry = registry();
    for (id, key, more) in places() {
        for (path, expected) in bad {
            let mut bench = Bench::with(&[("a", "{}"), ("dir/b", "")]).beside(&[("t/a", "")]);
            let before = bench.context.workspace.clone();
            let action = Arc::clone(&registry.get(id).unwrap().action);
            let error = bench.run(&*action, input(id, key, &more, path)).await.unwrap_err();
            assert!(
                error.name == "NotAllowedError" && error.message.contains(expected),
                "{id} {key} {path:?}: {error}"
            );
            assert_eq!(bench.context.workspace, before, "{id} {key} {path:?} changed something");
        }
    }
}

#[tokio::test]
async fn links_are_not_read_and_not_written_over() {
    let registry = registry();
    let followed = places().into_iter().filter(|(id, key, _)| {
        id.starts_with("roadiehq:utils:") && *key != "files" || (*key == "sourcePath" && id.starts_with("workspace:"))
    });
    for (id, key, more) in followed {
        for path in ["link", "link/b"] {
            let mut bench = Bench::with(&[("dir/b", "{}")]);
            bench.context.workspace.write("link", crate::forge::FileMode::Symlink, "dir".into()).unwrap();
            let action = Arc::clone(&registry.get(id).unwrap().action);
            let error = bench.run(&*action, input(id, key, &more, path)).await.unwrap_err();
            assert!(error.message.contains("leads over the symbolic link `link`"), "{id} {key} {path}: {error}");
        }
    }
}
