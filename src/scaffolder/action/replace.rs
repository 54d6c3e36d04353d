//! `roadiehq:utils:fs:replace`, `regex:replace`: texts are replaced, in files and in values.
//!
//! Patterns are JavaScript's regular expressions, and so are the replacements (`$1`, `$&`, `$<name>`). What a pattern may
//! take is counted, and how long a text may become is bounded.

mod pattern;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use globset::GlobBuilder;
use serde_json::{Map, Value, json};

use self::pattern::{Find, replace};
use super::super::workspace;
use super::skeleton::blocking;
use super::{
    Action, ActionContext, ActionDescription, ActionError, Example, Outputs, flag, outputs, text, text_file, texts,
};
use crate::forge::FileMode;

/// The two actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(InFiles), Arc::new(InValues)]
}

struct InFiles;

impl Action for InFiles {
    fn description(&self) -> ActionDescription {
        ActionDescription {
            id: "roadiehq:utils:fs:replace",
            description: "Replaces content of a file with given values.",
            input: json!({
                "type": "object", "required": ["files"], "additionalProperties": false,
                "properties": {"files": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
                    "file": {"type": "string", "description": "The source location of the file to be used to run replace against (supports wildcards)"},
                    "find": {"type": "string", "description": "A string to be replaced"},
                    "matchRegex": {"type": "boolean", "description": "Use regex to match the find string"},
                    "replaceWith": {"type": "string", "description": "Text to be used to replace the found lines with"},
                    "includeDotFiles": {"type": "boolean", "description": "A configuration option to include dotfiles when globbing files. Defaults to false"},
                }}}},
            }),
            output: None,
            examples: vec![Example {
                description: "Replaces a name in every Markdown file, and a version in one file.",
                example: "steps:\n  - id: replace\n    action: roadiehq:utils:fs:replace\n    input:\n      files:\n        - file: '**/*.md'\n          find: SERVICE_NAME\n          replaceWith: ${{ parameters.name }}\n        - file: Dockerfile\n          find: 'java:(\\d+)'\n          matchRegex: true\n          replaceWith: 'java:21'\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let list = input.get("files").and_then(Value::as_array);
            for file in list.into_iter().flatten().filter_map(Value::as_object) {
                let path = text(file, "file").filter(|path| !path.is_empty());
                let path = path.ok_or_else(|| ActionError::input("Path to file needs to be defined"))?;
                let given = |key: &str| text(file, key).filter(|text| !text.is_empty());
                let (Some(find), Some(with)) = (given("find"), given("replaceWith")) else {
                    return Err(ActionError::input("each file must have a find and replaceWith property"));
                };
                let find = if flag(file, "matchRegex") { Find::all(find)? } else { Find::text(find) };
                let (find, with) = (Arc::new(find), Arc::<str>::from(with));
                let paths = chosen(ctx, path, flag(file, "includeDotFiles"))?;
                if paths.is_empty() {
                    ctx.log.warn(format!("Nothing matches {path}, nothing replaced"));
                }
                for path in paths {
                    let source = text_file::read(ctx, &path)?;
                    let (find, with) = (Arc::clone(&find), Arc::clone(&with));
                    let replaced = blocking(move || replace(&source, &find, &with)).await?;
                    let replaced = replaced.map_err(|error| error.about(&path))?;
                    text_file::write(ctx, &path, replaced)?;
                }
            }
            Ok(Outputs::new())
        })
    }
}

/// The files that a path or pattern names. Names with a dot in front need their dot in the pattern, or the option.
fn chosen(ctx: &ActionContext, given: &str, with_hidden: bool) -> Result<Vec<String>, ActionError> {
    let path = workspace::normal(given)?;
    if ctx.workspace.plain_file(&path)?.is_some() {
        return Ok(vec![path]);
    }
    let glob = GlobBuilder::new(&path).literal_separator(true).build();
    let glob = glob.map_err(|error| ActionError::input(format!("{given} is no pattern of paths: {error}")))?;
    let glob = glob.compile_matcher();
    let names_hidden = path.split('/').any(|segment| segment.starts_with('.'));
    let is_hidden = |path: &str| path.split('/').any(|segment| segment.starts_with('.'));
    let files = ctx.workspace.files().filter(|(path, file)| {
        file.mode != FileMode::Symlink && glob.is_match(path) && (with_hidden || names_hidden || !is_hidden(path))
    });
    Ok(files.map(|(path, _)| path.to_owned()).collect())
}

struct InValues;

impl Action for InValues {
    fn description(&self) -> ActionDescription {
        let values = json!({"type": "array", "items": {
            "type": "object", "required": ["key", "value"], "additionalProperties": false,
            "properties": {
                "key": {"type": "string", "description": "The key to access the regex value"},
                "value": {"type": "string", "description": "The input value of the regex"},
            },
        }});
        ActionDescription {
            id: "regex:replace",
            description: "Replaces strings that match a regular expression pattern with a specified replacement string",
            input: json!({
                "type": "object", "required": ["regExps"], "additionalProperties": false,
                "properties": {"regExps": {"type": "array", "items": {
                    "type": "object", "required": ["pattern", "replacement", "values"], "additionalProperties": false,
                    "properties": {
                        "pattern": {"type": "string", "description": "The regex pattern to match the value like in String.prototype.replace()"},
                        "flags": {"type": "array", "items": {"type": "string", "enum": ["g", "m", "i", "y", "u", "s", "d"]}, "description": "The flags for the regex"},
                        "replacement": {"type": "string", "description": "The replacement value for the regex like in String.prototype.replace()"},
                        "values": values,
                    },
                }}},
            }),
            output: Some(json!({"type": "object", "properties": {
                "values": {"type": "object", "additionalProperties": {"type": "string"}, "description": "What each value became, by its key"},
            }})),
            examples: vec![Example {
                description: "Makes a name that everything takes.",
                example: "steps:\n  - id: regex\n    action: regex:replace\n    input:\n      regExps:\n        - pattern: '[^a-z0-9]+'\n          replacement: '-'\n          flags: [g, i]\n          values:\n            - key: name\n              value: ${{ parameters.title }}\n",
            }],
        }
    }

    fn run<'a>(&'a self, _: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let mut made = Map::new();
            let list = input.get("regExps").and_then(Value::as_array);
            for one in list.into_iter().flatten().filter_map(Value::as_object) {
                let pattern = text(one, "pattern").unwrap_or_default();
                if pattern.starts_with('/') || pattern.ends_with('/') {
                    return Err(ActionError::input(
                        "The RegExp constructor cannot take a string pattern with a leading and trailing forward slash.",
                    ));
                }
                let find = Arc::new(Find::pattern(pattern, &texts(one, "flags").concat())?);
                let with = Arc::<str>::from(text(one, "replacement").unwrap_or_default());
                let values = one.get("values").and_then(Value::as_array);
                for value in values.into_iter().flatten().filter_map(Value::as_object) {
                    let key = text(value, "key").unwrap_or_default();
                    let source = text(value, "value").unwrap_or_default().to_owned();
                    if made.contains_key(key) {
                        return Err(ActionError::failed(format!(
                            "The key '{key}' is used more than once in the input."
                        )));
                    }
                    let (find, with) = (Arc::clone(&find), Arc::clone(&with));
                    let replaced = blocking(move || replace(&source, &find, &with)).await?;
                    made.insert(key.to_owned(), Value::String(replaced.map_err(|error| error.about(key))?));
                }
            }
            Ok(outputs([("values", Value::Object(made))]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, files};
    use super::*;

    #[tokio::test]
    async fn files_are_chosen_and_changed() {
        let there = [
            ("a.md", "x $ x"),
            ("b/c.md", "x"),
            (".d.md", "x"),
            ("b/.e/f.md", "x"),
            ("g[1].txt", "x"),
            ("h.txt", "a1 b22"),
        ];
        let cases = [
            (json!({"file": "a.md", "find": "x", "replaceWith": "y"}), vec!["a.md=y $ y"]),
            (json!({"file": "./**/*.md", "find": "x", "replaceWith": "y"}), vec!["a.md=y $ y", "b/c.md=y"]),
            (
                json!({"file": "*.md", "find": "x", "replaceWith": "y", "includeDotFiles": true}),
                vec![".d.md=y", "a.md=y $ y"],
            ),
            (json!({"file": "g[1].txt", "find": "x", "replaceWith": "y"}), vec!["g[1].txt=y"]),
            (json!({"file": "a.md", "find": "$", "replaceWith": "[$&$$$1]"}), vec!["a.md=x [$$$1] x"]),
            (
                json!({"file": "h.txt", "find": "([a-z])(\\d+)", "matchRegex": true, "replaceWith": "$2$1"}),
                vec!["h.txt=1a 22b"],
            ),
            (json!({"file": "none", "find": "x", "replaceWith": "y"}), vec![]),
        ];
        for (file, expected) in cases {
            let mut bench = Bench::with(&there);
            bench.run(&InFiles, json!({"files": [file]})).await.unwrap();
            let before: Vec<String> = there.iter().map(|(path, text)| format!("{path}={text}")).collect();
            let changed: Vec<String> =
                files(&bench.context.workspace).into_iter().filter(|file| !before.contains(file)).collect();
            assert_eq!(changed, expected, "{file}");
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_told() {
        let cases = [
            (json!({"find": "x", "replaceWith": "y"}), "Path to file needs to be defined"),
            (
                json!({"file": "a", "find": "x", "replaceWith": ""}),
                "each file must have a find and replaceWith property",
            ),
            (
                json!({"file": "../a", "find": "x", "replaceWith": "y"}),
                "path `../a` leads out of the workspace; write it relative to the workspace, without `..` beyond its root",
            ),
            (
                json!({"file": "a", "find": "(", "replaceWith": "y", "matchRegex": true}),
                "the regular expression ( is not valid: Unbalanced parenthesis",
            ),
        ];
        for (file, expected) in cases {
            let error = Bench::with(&[("a", "x")]).run(&InFiles, json!({"files": [file]})).await.unwrap_err();
            assert_eq!(error.message, expected);
        }
    }

    #[tokio::test]
    async fn values_are_replaced_under_their_keys() {
        let values = json!([{"key": "one", "value": "Hello world"}, {"key": "two", "value": "Test world"}]);
        let input = json!({"regExps": [
            {"pattern": "^(\\S+).*$", "replacement": "$1", "values": values},
            {"pattern": "O", "flags": ["g", "i", "g"], "replacement": "0", "values": [{"key": "three", "value": "foo"}]},
        ]});
        let made = Bench::with(&[]).run(&InValues, input).await.unwrap();
        assert_eq!(made, outputs([("values", json!({"one": "Hello", "two": "Test", "three": "f00"}))]));
        let twice = json!({"regExps": [{"pattern": "a", "replacement": "b", "values": [{"key": "k", "value": ""}, {"key": "k", "value": ""}]}]});
        let error = Bench::with(&[]).run(&InValues, twice).await.unwrap_err();
        assert_eq!(error.message, "The key 'k' is used more than once in the input.");
        let slashes = json!({"regExps": [{"pattern": "/a/", "replacement": "b", "values": []}]});
        assert_eq!(Bench::with(&[]).run(&InValues, slashes).await.unwrap_err().name, "InputError");
    }
}
