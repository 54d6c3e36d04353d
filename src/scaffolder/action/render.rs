//! `workspace:template`, `workspace:template:file`: files of the workspace are rendered to another place in it.
//!
//! As `fetch:template`, with what earlier steps made as the skeleton. The target of a folder must not lie within the
//! source: the files made would be part of the skeleton.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::super::workspace;
use super::skeleton::{self, Rendering};
use super::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs, text, text_file};
use crate::catalog::{Tree, TreeFile};

/// The two actions.
pub(super) fn actions() -> Vec<Arc<dyn Action>> {
    vec![Arc::new(RenderFolder), Arc::new(RenderFile)]
}

/// Properties that both take.
fn properties() -> Value {
    json!({
        "values": {"type": "object", "description": "Values to pass to the templating engine."},
        "cookiecutterCompat": {"type": "boolean", "description": "Enable features to maximise compatibility with templates built for fetch:cookiecutter"},
        "replace": {"type": "boolean", "description": "If set, replace files in targetPath instead of skipping existing ones."},
        "trimBlocks": {"type": "boolean", "description": "If set, the first newline after a block is removed (block, not variable tag)."},
        "lstripBlocks": {"type": "boolean", "description": "If set, leading spaces and tabs are stripped from the start of a line to a block."},
    })
}

struct RenderFolder;

impl Action for RenderFolder {
    fn description(&self) -> ActionDescription {
        let mut properties = properties();
        properties["sourcePath"] =
            json!({"type": "string", "description": "Path within the working directory denoting source template."});
        properties["targetPath"] = json!({"type": "string", "description": "Target path within the working directory to download the contents to; must not overlap `sourcePath`."});
        properties["copyWithoutTemplating"] = json!({"type": "array", "items": {"type": "string"}, "description": "An array of glob patterns. Contents of matched files or directories are copied without being processed, but paths are subject to rendering."});
        properties["templateFileExtension"] = json!({"type": ["string", "boolean"], "description": "If set, only files with the given extension will be templated. If set to `true`, the default extension `.njk` is used."});
        ActionDescription {
            id: "workspace:template",
            description: "Templates variables into file and directory names and content of `sourcePath` in the action context workspace. Then places the result into a subdirectory of the workspace specified by the `targetPath` input option.",
            input: json!({"type": "object", "required": ["sourcePath", "targetPath"], "properties": properties, "additionalProperties": false}),
            output: None,
            examples: vec![Example {
                description: "Renders a folder that an earlier step fetched.",
                example: "steps:\n  - id: render\n    action: workspace:template\n    input:\n      sourcePath: ./skeleton\n      targetPath: ./service\n      values:\n        name: ${{ parameters.name }}\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let given = text(&input, "sourcePath").unwrap_or_default();
            let source = workspace::normal(given)?;
            let target = workspace::normal(text(&input, "targetPath").unwrap_or("./"))?;
            if workspace::within(&source, &target).is_some() {
                return Err(ActionError::input("targetPath must not be within template path"));
            }
            let rendering = Rendering::new(&input)?;
            if ctx.workspace.plain_file(&source)?.is_some() {
                return Err(ActionError::input(format!(
                    "sourcePath {given} is a file; name a folder, or use workspace:template:file"
                )));
            }
            let files = ctx.workspace.below(&source).map(|(path, file)| TreeFile {
                path: path.to_owned(),
                mode: file.mode,
                bytes: file.bytes.clone(),
            });
            let tree = Tree { files: files.collect(), version: String::new() };
            if tree.files.is_empty() {
                ctx.log.warn(format!("There are no files in {given}, nothing is rendered"));
            }
            rendering.into_workspace(ctx, Arc::new(tree), &target).await?;
            Ok(Outputs::new())
        })
    }
}

struct RenderFile;

impl Action for RenderFile {
    fn description(&self) -> ActionDescription {
        let mut properties = properties();
        properties["sourcePath"] = json!({"type": "string", "description": "Path in workspace to source file."});
        properties["targetPath"] = json!({"type": "string", "description": "Target path in workspace."});
        ActionDescription {
            id: "workspace:template:file",
            description: "Templates variables into a single workspace file, placing the result into another location in the workspace.",
            input: json!({"type": "object", "required": ["sourcePath", "targetPath"], "properties": properties, "additionalProperties": false}),
            output: None,
            examples: vec![Example {
                description: "Renders one file in its place.",
                example: "steps:\n  - id: render\n    action: workspace:template:file\n    input:\n      sourcePath: ./README.md\n      targetPath: ./README.md\n      replace: true\n      values:\n        name: ${{ parameters.name }}\n",
            }],
        }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let source = text(&input, "sourcePath").unwrap_or_default();
            let target = workspace::normal(text(&input, "targetPath").unwrap_or_default())?;
            let bytes = text_file::bytes(ctx, source);
            if skeleton::is_kept(ctx, &target, &input)? {
                return Ok(Outputs::new());
            }
            Rendering::new(&input)?.into_file(ctx, bytes?, source, &target).await?;
            Ok(Outputs::new())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, files};
    use super::*;

    async fn done(action: &dyn Action, there: &[(&str, &str)], input: Value) -> Result<Vec<String>, ActionError> {
        let mut bench = Bench::with(there);
        bench.run(action, input).await?;
        Ok(files(&bench.context.workspace))
    }

    #[tokio::test]
    async fn a_folder_is_rendered_to_another() {
        let there = [("in/${{ values.name }}.txt", "Hi ${{ values.name }}"), ("in/sub/b", "{{ cookiecutter.name }}")];
        let cases = [
            (json!({}), vec!["out/sub/b={{ cookiecutter.name }}", "out/x.txt=Hi x"]),
            (json!({"cookiecutterCompat": true}), vec!["out/$.txt=Hi $", "out/sub/b=x"]),
            (
                json!({"copyWithoutTemplating": ["**/*.txt"]}),
                vec!["out/sub/b={{ cookiecutter.name }}", "out/x.txt=Hi ${{ values.name }}"],
            ),
        ];
        for (more, expected) in cases {
            let mut input = json!({"sourcePath": "./in", "targetPath": "./out", "values": {"name": "x"}});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let made = done(&RenderFolder, &there, input.clone()).await.unwrap();
            let out: Vec<&String> = made.iter().filter(|file| file.starts_with("out/")).collect();
            assert_eq!(out, expected, "{input}");
        }
    }

    #[tokio::test]
    async fn a_folder_is_not_rendered_into_itself() {
        for (source, target) in [("in", "in"), ("in", "in/out"), (".", "out")] {
            let input = json!({"sourcePath": source, "targetPath": target});
            let error = done(&RenderFolder, &[("in/a", "")], input).await.unwrap_err();
            assert_eq!((error.name, &*error.message), ("InputError", "targetPath must not be within template path"));
        }
        let beside = json!({"sourcePath": "in", "targetPath": "inside"});
        assert_eq!(done(&RenderFolder, &[("in/a", "")], beside).await.unwrap(), ["in/a=", "inside/a="]);
    }

    #[tokio::test]
    async fn a_file_is_rendered_in_its_place_only_when_asked() {
        let there = [("a", "${{ values.n }}")];
        let input =
            |replace: bool| json!({"sourcePath": "a", "targetPath": "a", "replace": replace, "values": {"n": 1}});
        assert_eq!(done(&RenderFile, &there, input(false)).await.unwrap(), ["a=${{ values.n }}"]);
        assert_eq!(done(&RenderFile, &there, input(true)).await.unwrap(), ["a=1"]);
        let missing = json!({"sourcePath": "b", "targetPath": "c"});
        assert_eq!(done(&RenderFile, &there, missing).await.unwrap_err().name, "NotFoundError");
        let broken = json!({"sourcePath": "a", "targetPath": "c"});
        let error = done(&RenderFile, &[("a", "\n${{ 1 + }}")], broken).await.unwrap_err();
        assert!(error.message.starts_with("a: ") && error.message.contains("line 2"), "{error}");
    }
}
