//! `roadiehq:utils:merge`, `roadiehq:utils:json:merge`: data is merged into a structured file.
//!
//! Maps are merged key by key. A list is replaced, or with `mergeArrays` extended by what it does not have yet; the
//! rules are those of lodash's `mergeWith` as the original calls it. YAML is written anew, with its comments where
//! `preserveYamlComments` asks for them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    Action, ActionContext, ActionDescription, ActionError, Example, Outputs, flag, json_text, outputs, text, text_file,
    yaml_style,
};
use crate::yaml::{self, Document, Remarks};

/// A wider step is no indentation.
const WIDEST: usize = 10;

/// The two actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(MergeJson), Arc::new(Merge)]
}

fn properties() -> Value {
    json!({
        "path": {"type": "string", "description": "Path to existing file to append."},
        "content": {"type": ["string", "object"], "description": "This will be merged into to the file. Can be either an object or a string."},
        "mergeArrays": {"type": "boolean", "description": "When true, arrays will be concatenated. When false or undefined, arrays will be replaced entirely."},
    })
}

fn output() -> Value {
    json!({"type": "object", "required": ["path"], "properties": {
        "path": {"type": "string", "description": "Path to the file that was written"},
    }})
}

struct MergeJson;

impl Action for MergeJson {
    fn description(&self) -> ActionDescription {
        let mut properties = properties();
        properties["matchFileIndent"] = json!({"type": "boolean", "description": "Make the output file indentation match that of the specified input file."});
        ActionDescription {
            id: "roadiehq:utils:json:merge",
            description: "Merge new data into an existing JSON file.",
            input: json!({"type": "object", "required": ["path", "content"], "properties": properties, "additionalProperties": false}),
            output: Some(output()),
            examples: vec![Example {
                description: "Adds a script to a package.",
                example: "steps:\n  - id: merge\n    action: roadiehq:utils:json:merge\n    input:\n      path: package.json\n      content:\n        scripts:\n          start: node .\n      matchFileIndent: true\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "path").unwrap_or_default();
            let (existing, source) = if ctx.workspace.plain_file(path)?.is_some() {
                let source = text_file::read(ctx, path)?;
                (text_file::parse_json(path, &source)?, source)
            } else {
                ctx.log.info(format!("The file {} does not exist, creating it.", ctx.shown_path(path)));
                (json!({}), String::new())
            };
            let new = content(&input, |text| text_file::parse_json("content", text))?;
            let merged = merged(path, existing, &new, flag(&input, "mergeArrays"))?;
            let mut indent = None;
            if flag(&input, "matchFileIndent") {
                indent = indentation(&source);
                if indent.is_none() {
                    ctx.log.info("Failed to detect source file indentation, using default value of 2.");
                }
            }
            let written = json_text::stringify(&merged, indent.as_deref().unwrap_or("  "))?;
            let path = text_file::write(ctx, path, written)?;
            Ok(outputs([("path", json!(path))]))
        })
    }
}

struct Merge;

impl Action for Merge {
    fn description(&self) -> ActionDescription {
        let mut properties = properties();
        properties["preserveYamlComments"] =
            json!({"type": "boolean", "description": "Will preserve standalone and inline comments in YAML files"});
        properties["useDocumentIncludingField"] = json!({
            "type": "object", "required": ["key", "value"], "additionalProperties": false,
            "description": "This option is only applicable to YAML files. It allows you to specify a field to use as a key to find the document to merge into.",
            "properties": {
                "key": {"type": "string", "description": "The key of the field to use to find the document to merge into."},
                "value": {"type": "string", "description": "The value of the field to use to find the document to merge into."},
            },
        });
        properties["options"] = yaml_style::schema();
        ActionDescription {
            id: "roadiehq:utils:merge",
            description: "Merges data into an existing structured file.",
            input: json!({"type": "object", "required": ["path", "content"], "properties": properties, "additionalProperties": false}),
            output: Some(output()),
            examples: vec![Example {
                description: "Adds a page to a site, and keeps the file's comments.",
                example: "steps:\n  - id: merge\n    action: roadiehq:utils:merge\n    input:\n      path: mkdocs.yaml\n      content:\n        nav:\n          - Runbook: runbook.md\n      mergeArrays: true\n      preserveYamlComments: true\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let path = text(&input, "path").unwrap_or_default();
            if ctx.workspace.plain_file(path)?.is_none() {
                let message = format!("The file {} does not exist.", ctx.shown_path(path));
                return Err(ActionError::failed(message));
            }
            let source = text_file::read(ctx, path)?;
            let arrays = flag(&input, "mergeArrays");
            let written = match path.rsplit_once('.').map(|(_, extension)| extension) {
                Some("json") => {
                    let new = content(&input, |text| text_file::parse_json("content", text))?;
                    let existing = text_file::parse_one_yaml(path, &source)?;
                    json_text::stringify(&merged(path, existing, &new, arrays)?, "  ")?
                }
                Some("yaml" | "yml") => {
                    let new = content(&input, |text| text_file::parse_one_yaml("content", text))?;
                    merge_yaml(path, &source, &new, &input)?
                }
                _ => {
                    ctx.log.warn(format!("{path} is neither .json nor .yaml nor .yml, nothing is merged"));
                    return Ok(Outputs::new());
                }
            };
            let path = text_file::write(ctx, path, written)?;
            Ok(outputs([("path", json!(path))]))
        })
    }
}

/// What is to be merged: an object as it is, a text parsed.
fn content(input: &Outputs, parse: impl FnOnce(&str) -> Result<Value, ActionError>) -> Result<Value, ActionError> {
    match input.get("content") {
        Some(Value::String(text)) => parse(text),
        other => Ok(other.cloned().unwrap_or_default()),
    }
}

/// Merges into the one document, or into those that have the field.
fn merge_yaml(path: &str, source: &str, new: &Value, input: &Outputs) -> Result<String, ActionError> {
    let documents = text_file::parse_yaml(path, source)?;
    let keeps = flag(input, "preserveYamlComments");
    let remarks = if keeps { Remarks::of(source, &documents) } else { vec![Remarks::default(); documents.len()] };
    let wanted = wanted(&documents, input, keeps)?;
    let style = yaml_style::of(input);
    let mut written = Vec::new();
    for ((Document { value, .. }, remarks), wanted) in documents.into_iter().zip(&remarks).zip(wanted) {
        let value = if wanted { merged(path, value, new, flag(input, "mergeArrays"))? } else { value };
        written.push(yaml::write(&value, &style, remarks));
    }
    Ok(written.join("---\n"))
}

/// Which of the documents are merged into.
fn wanted(documents: &[Document], input: &Outputs, by_path: bool) -> Result<Vec<bool>, ActionError> {
    if documents.is_empty() {
        let message = "No documents found in the input content. Please provide a valid YAML file.";
        return Err(ActionError::failed(message));
    }
    if documents.len() == 1 {
        return Ok(vec![true]);
    }
    let field = input.get("useDocumentIncludingField").and_then(Value::as_object).ok_or_else(|| {
        ActionError::failed(
            "Multiple documents found in the input content. Please provide a key and value to use to find the document to merge into.",
        )
    })?;
    let (key, value) = (text(field, "key").unwrap_or_default(), text(field, "value").unwrap_or_default());
    let is_wanted = |document: &Document| {
        // With comments the original takes the key as a path, and without as one name.
        let found = if by_path {
            key.split('.').try_fold(&document.value, |value, step| value.get(step))
        } else {
            document.value.get(key)
        };
        match found {
            Some(Value::String(text)) => Ok(text == value),
            Some(Value::Number(number)) => Ok(number.to_string() == value),
            Some(Value::Bool(flag)) if by_path => Ok(flag.to_string() == value),
            _ if by_path => Ok(false),
            _ => Err(ActionError::failed(format!(
                "The value at \"{key}\" defined in useDocumentIncludingField must be a string or a number."
            ))),
        }
    };
    documents.iter().map(is_wanted).collect()
}

/// Merges at the top, where only objects and lists have something to merge.
fn merged(path: &str, existing: Value, new: &Value, arrays: bool) -> Result<Value, ActionError> {
    match (existing, new) {
        (existing, Value::Null) => Ok(existing),
        (_, Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            Err(ActionError::input("content is neither an object nor a list, there is nothing to merge"))
        }
        (Value::Null, new) => Ok(new.clone()),
        (Value::Array(mut items), Value::Array(more)) => {
            // At the top, lists are merged item by item.
            for (index, value) in more.iter().enumerate() {
                match items.get_mut(index) {
                    Some(item) => merge(item, value, arrays),
                    None => items.push(value.clone()),
                }
            }
            Ok(Value::Array(items))
        }
        (mut existing @ Value::Object(_), new @ Value::Object(_)) => {
            merge_object(&mut existing, new, arrays);
            Ok(existing)
        }
        _ => Err(ActionError::input(format!(
            "content cannot be merged into {path}: at the top of both must be an object, or a list"
        ))),
    }
}

fn merge_object(into: &mut Value, new: &Value, arrays: bool) {
    let (Value::Object(into), Value::Object(new)) = (into, new) else {
        return;
    };
    for (key, value) in new {
        match into.get_mut(key) {
            Some(old) => merge(old, value, arrays),
            None => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

fn merge(old: &mut Value, new: &Value, arrays: bool) {
    match (old, new) {
        (Value::Array(items), new) if arrays => extend(items, new),
        (old @ Value::Object(_), Value::Object(_)) => merge_object(old, new, arrays),
        (old, new) => *old = new.clone(),
    }
}

/// A list with more items, each plain value once; objects and lists are never the same as others.
fn extend(items: &mut Vec<Value>, new: &Value) {
    let more = if let Value::Array(more) = new { more.as_slice() } else { std::slice::from_ref(new) };
    let mut seen = std::collections::HashSet::new();
    let all = std::mem::take(items).into_iter().chain(more.iter().cloned());
    items.extend(all.filter(|item| item.is_object() || item.is_array() || seen.insert(item.to_string())));
}

/// How the lines of a JSON text are indented: the step that most of them take.
fn indentation(source: &str) -> Option<String> {
    let mut steps: Vec<(&str, usize)> = Vec::new();
    let mut before = "";
    for line in source.lines().filter(|line| !line.trim().is_empty()) {
        let blanks = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        let (long, short) = if blanks.len() > before.len() { (blanks, before) } else { (before, blanks) };
        before = blanks;
        let Some(step) = long.strip_prefix(short).filter(|step| (1..=WIDEST).contains(&step.len())) else {
            continue;
        };
        match steps.iter_mut().find(|(known, _)| *known == step) {
            Some((_, count)) => *count += 1,
            None => steps.push((step, 1)),
        }
    }
    // Of equally many, the first.
    let most = steps.iter().map(|(_, count)| *count).max()?;
    steps.iter().find(|(_, count)| *count == most).map(|(step, _)| (*step).to_owned())
}

#[cfg(test)]
mod tests;
