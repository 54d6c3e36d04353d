//! The workspace's text files: `roadiehq:utils:fs:write`, `roadiehq:utils:fs:append`, `roadiehq:utils:fs:parse`.
//!
//! The first two answer the file's path within the workspace, which later steps can name. Links are never followed, and
//! a file that is read as a whole has a limit.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::super::workspace;
use super::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs, flag, json_text, outputs, text};
use crate::forge::FileMode;
use crate::yaml;

/// The longest text that an action reads or makes as a whole.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;

/// The three actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(Write), Arc::new(Append), Arc::new(Parse)]
}

/// The content of a file that must be there.
pub(super) fn bytes(ctx: &ActionContext, path: &str) -> Result<Bytes, ActionError> {
    let file = ctx.workspace.plain_file(path)?.ok_or_else(|| ActionError {
        name: "NotFoundError",
        message: format!("there is no file {path} in the workspace; a step before this one must make it"),
    })?;
    within_limit(path, file.bytes.len())?;
    Ok(file.bytes.clone())
}

/// The text of a file that must be there.
pub(super) fn read(ctx: &ActionContext, path: &str) -> Result<String, ActionError> {
    let bytes = bytes(ctx, path)?;
    String::from_utf8(bytes.into()).map_err(|_| ActionError::input(format!("{path} is not a text in UTF-8")))
}

/// Writes a text; a file that is there keeps its mode. Gives the path as later steps can name it.
pub(super) fn write(ctx: &mut ActionContext, path: &str, text: String) -> Result<String, ActionError> {
    within_limit(path, text.len())?;
    let mode = ctx.workspace.plain_file(path)?.map_or(FileMode::Regular, |file| file.mode);
    ctx.workspace.write(path, mode, Bytes::from(text))?;
    Ok(workspace::normal(path)?)
}

fn within_limit(path: &str, length: usize) -> Result<(), ActionError> {
    if length <= LONGEST {
        return Ok(());
    }
    let limit = LONGEST / 1024 / 1024;
    Err(ActionError::input(format!("{path} has {length} bytes; actions on texts take files of up to {limit} MiB")))
}

/// What the files of YAML and JSON are parsed as.
pub(super) fn parse_json(path: &str, text: &str) -> Result<Value, ActionError> {
    serde_json::from_str(text).map_err(|error| ActionError::input(format!("{path} is not JSON: {error}")))
}

/// Every document of a YAML text.
pub(super) fn parse_yaml(path: &str, text: &str) -> Result<Vec<yaml::Document>, ActionError> {
    let documents: Result<Vec<_>, _> = yaml::documents(text).into_iter().collect();
    documents.map_err(|error| ActionError::input(format!("{path} is not YAML: {error}")))
}

/// The one document of a YAML text; null where it is empty.
pub(super) fn parse_one_yaml(path: &str, text: &str) -> Result<Value, ActionError> {
    let mut documents = parse_yaml(path, text)?;
    if documents.len() > 1 {
        let count = documents.len();
        return Err(ActionError::input(format!("{path} has {count} YAML documents where one is expected")));
    }
    Ok(documents.pop().map_or(Value::Null, |document| document.value))
}

struct Write;

impl Action for Write {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:fs:write",
            description: "Creates a file with the content on the given path",
            input: json!({
                "type": "object", "required": ["path", "content"], "additionalProperties": false,
                "properties": {
                    "path": {"type": "string", "description": "Relative path"},
                    "content": {"type": "string", "description": "This will be the content of the file"},
                    "preserveFormatting": {"type": "boolean", "description": "Specify whether to preserve formatting for JSON content"},
                },
            }),
            output: Some(path_output("Path to the file that was written")),
            examples: vec![Example {
                description: "Writes a file.",
                example: "steps:\n  - id: write\n    action: roadiehq:utils:fs:write\n    input:\n      path: docs/owner.txt\n      content: ${{ parameters.owner }}\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "path").unwrap_or_default();
            let content = text(&input, "content").unwrap_or_default();
            // What is no JSON stays as it is.
            let pretty = flag(&input, "preserveFormatting").then(|| serde_json::from_str(content).ok()).flatten();
            let content = match pretty {
                Some(value) => json_text::stringify(&value, "  ")?,
                None => content.to_owned(),
            };
            let path = write(ctx, path, content)?;
            Ok(outputs([("path", json!(path))]))
        })
    }
}

struct Append;

impl Action for Append {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:fs:append",
            description: "Append content to the end of the given file, it will create the file if it does not exist.",
            input: json!({
                "type": "object", "required": ["path", "content"], "additionalProperties": false,
                "properties": {
                    "path": {"type": "string", "description": "Path to existing file to append."},
                    "content": {"type": "string", "description": "This will be appended to the file"},
                },
            }),
            output: Some(path_output("Path to the file that was appended to")),
            examples: vec![Example {
                description: "Adds a line to a file.",
                example: "steps:\n  - id: append\n    action: roadiehq:utils:fs:append\n    input:\n      path: .gitignore\n      content: |\n        target/\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "path").unwrap_or_default();
            let more = text(&input, "content").unwrap_or_default();
            let (mode, old) = ctx
                .workspace
                .plain_file(path)?
                .map_or((FileMode::Regular, Bytes::new()), |file| (file.mode, file.bytes.clone()));
            within_limit(path, old.len().saturating_add(more.len()))?;
            // The file need not be a text: Backstage appends bytes too.
            let mut whole = Vec::from(old);
            whole.extend_from_slice(more.as_bytes());
            ctx.workspace.write(path, mode, Bytes::from(whole))?;
            Ok(outputs([("path", json!(workspace::normal(path)?))]))
        })
    }
}

struct Parse;

impl Action for Parse {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:fs:parse",
            description: "Reads a file from the workspace and optionally parses it",
            input: json!({
                "type": "object", "required": ["path"], "additionalProperties": false,
                "properties": {
                    "path": {"type": "string", "description": "Path to the file to read."},
                    "parser": {"type": "string", "enum": ["yaml", "json", "multiyaml"], "description": "Optionally parse the content to an object."},
                },
            }),
            output: Some(json!({"type": "object", "properties": {
                "content": {"description": "Content of the file: a text, or what the parser made of it"},
            }})),
            examples: vec![Example {
                description: "Reads a value of a YAML file.",
                example: "steps:\n  - id: parse\n    action: roadiehq:utils:fs:parse\n    input:\n      path: config.yaml\n      parser: yaml\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "path").unwrap_or_default();
            let source = read(ctx, path)?;
            let content = match text(&input, "parser") {
                Some("json") => parse_json(path, &source)?,
                Some("yaml") => parse_one_yaml(path, &source)?,
                Some("multiyaml") => parse_yaml(path, &source)?.into_iter().map(|document| document.value).collect(),
                _ => Value::String(source),
            };
            Ok(outputs([("content", content)]))
        })
    }
}

fn path_output(description: &str) -> Value {
    json!({"type": "object", "properties": {"path": {"type": "string", "description": description}}})
}

#[cfg(test)]
mod tests;
