//! `fs:delete`, `fs:rename`, `fs:readdir`: the workspace's files.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::super::workspace;
use super::skeleton::globs;
use super::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs, flag, outputs, text, texts};

/// The three actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Delete), Arc::new(Rename), Arc::new(List)]
}

struct Delete;

impl Action for Delete {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "fs:delete",
            description: "Deletes files and directories from the workspace",
            input: json!({
                "type": "object", "required": ["files"], "additionalProperties": false,
                "properties": {"files": {"type": "array", "items": {"type": "string"}, "description": "A list of files and directories that will be deleted; globs are understood"}},
            }),
            output: None,
            examples: vec![Example {
                description: "Deletes what is not needed.",
                example: "steps:\n  - id: tidy\n    action: fs:delete\n    input:\n      files:\n        - docs/drafts\n        - '**/*.bak'\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            for pattern in texts(&input, "files") {
                let normal = workspace::normal(&pattern)?;
                if normal.is_empty() {
                    return Err(ActionError::input("the workspace as a whole cannot be deleted; name files"));
                }
                // A path that is there counts as it is, whatever characters it has.
                let below = format!("{normal}/");
                let set = globs([normal.as_str()].into_iter())?;
                let chosen = |path: &&str| *path == normal || path.starts_with(&below) || set.is_match(path);
                let paths: Vec<String> =
                    ctx.workspace.files().map(|(path, _)| path).filter(chosen).map(str::to_owned).collect();
                if paths.is_empty() {
                    ctx.log.warn(format!("Nothing matches {pattern}, nothing deleted"));
                }
                for path in paths {
                    ctx.workspace.remove(&path);
                    ctx.log.info(format!("File {} deleted successfully", ctx.shown_path(&path)));
                }
            }
            Ok(Outputs::new())
        })
    }
}

struct Rename;

impl Action for Rename {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "fs:rename",
            description: "Renames files and directories within the workspace",
            input: json!({
                "type": "object", "required": ["files"], "additionalProperties": false,
                "properties": {"files": {"type": "array", "description": "A list of file and directory names that will be renamed", "items": {
                    "type": "object", "required": ["from", "to"], "additionalProperties": false,
                    "properties": {
                        "from": {"type": "string", "description": "The source location of the file to be renamed"},
                        "to": {"type": "string", "description": "The destination of the new file"},
                        "overwrite": {"type": "boolean", "description": "Overwrite existing file or directory, default is false"},
                    },
                }}},
            }),
            output: None,
            examples: vec![Example {
                description: "Renames a file.",
                example: "steps:\n  - id: rename\n    action: fs:rename\n    input:\n      files:\n        - from: gitignore\n          to: .gitignore\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let files = input.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
            for file in files.iter().filter_map(Value::as_object) {
                let (from, to) = (text(file, "from").unwrap_or_default(), text(file, "to").unwrap_or_default());
                if ctx.workspace.exists(to)? && !flag(file, "overwrite") {
                    return Err(ActionError::conflict(format!(
                        "Not able to rename {from} to {to}: it exists already; set `overwrite: true` if it is to be replaced"
                    )));
                }
                if !ctx.workspace.rename(from, to)? {
                    return Err(ActionError {
                        name: "NotFoundError",
                        message: format!("there is no file or folder {from} to rename"),
                    });
                }
                let (from, to) = (ctx.shown_path(from), ctx.shown_path(to));
                ctx.log.info(format!("File {from} renamed to {to} successfully"));
            }
            Ok(Outputs::new())
        })
    }
}

struct List;

impl Action for List {
    fn description(&self) -> ActionDescription {
        let entries = json!({"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "path": {"type": "string"}, "fullPath": {"type": "string"},
        }}});
        ActionDescription {
            id: "fs:readdir",
            description: "Reads files and directories from the workspace",
            input: json!({
                "type": "object", "required": ["paths"], "additionalProperties": false,
                "properties": {
                    "paths": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "A list of paths to be read"},
                    "recursive": {"type": "boolean", "description": "Whether to read the directories below too, default is false"},
                },
            }),
            output: Some(json!({"type": "object", "properties": {"files": entries, "folders": entries}})),
            examples: vec![Example {
                description: "Lists everything.",
                example: "steps:\n  - id: list\n    action: fs:readdir\n    input:\n      paths: ['.']\n      recursive: true\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let recursive = flag(&input, "recursive");
            let (mut files, mut folders) = (Vec::new(), Vec::new());
            for path in texts(&input, "paths") {
                let root = workspace::normal(&path)?;
                let inside = |full: &str| {
                    let rest = if root.is_empty() { Some(full) } else { full.strip_prefix(&format!("{root}/")) }?;
                    (recursive || !rest.contains('/')).then(|| entry(full, &ctx.shown_path(full)))
                };
                files.extend(ctx.workspace.files().filter_map(|(full, _)| inside(full)));
                folders.extend(ctx.workspace.folders().into_iter().filter_map(inside));
            }
            Ok(outputs([("files", json!(files)), ("folders", json!(folders))]))
        })
    }
}

fn entry(path: &str, full: &str) -> Value {
    let name = path.rsplit('/').next().unwrap_or(path);
    json!({"name": name, "path": path, "fullPath": full})
}
