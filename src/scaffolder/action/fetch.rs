//! `fetch:plain`, `fetch:plain:file`, `fetch:template`, `fetch:template:file`: files come into the workspace.
//!
//! A URL is relative to the template's own descriptor, or absolute: a folder of a configured forge, or a file on a host
//! that configuration allows.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::super::workspace;
use super::skeleton::{self, Rendering};
use super::source::Source;
use super::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs, text};
use crate::catalog::{Reader, TreeFile};
use crate::forge::FileMode;

/// What of a location is fetched, and whether it is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Folder,
    File,
    RenderedFolder,
    RenderedFile,
}

struct Fetch {
    source: Source,
    what: What,
}

/// The four actions.
pub(super) fn actions(reader: &Reader) -> Vec<Arc<dyn Action>> {
    let action = |what| -> Arc<dyn Action> { Arc::new(Fetch { source: Source::new(reader), what }) };
    [What::Folder, What::File, What::RenderedFolder, What::RenderedFile].map(action).into()
}

impl Action for Fetch {
    fn description(&self) -> ActionDescription {
        let (id, description) = match self.what {
            What::Folder => (
                "fetch:plain",
                "Downloads content and places it in the workspace, or optionally in a subdirectory specified by the `targetPath` input option.",
            ),
            What::File => ("fetch:plain:file", "Downloads single file and places it in the workspace."),
            What::RenderedFolder => (
                "fetch:template",
                "Downloads a skeleton, templates variables into file and directory names and content, and places the result in the workspace, or optionally in a subdirectory specified by the `targetPath` input option.",
            ),
            What::RenderedFile => ("fetch:template:file", "Downloads single file and places it in the workspace."),
        };
        ActionDescription { id, description, input: schema(self.what), output: None, examples: examples(self.what) }
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move {
            let url = text(&input, "url").unwrap_or_default();
            let token = token(&input);
            let target = workspace::normal(text(&input, "targetPath").unwrap_or("./"))?;
            match self.what {
                What::Folder => {
                    ctx.log.info("Fetching plain content from remote URL");
                    let tree = self.source.tree(ctx, url, token).await?;
                    for TreeFile { path, mode, bytes } in &tree.files {
                        ctx.workspace.write(&workspace::join(&target, path)?, *mode, bytes.clone())?;
                    }
                }
                What::File => {
                    ctx.log.info("Fetching plain content from remote URL");
                    let bytes = self.source.file(ctx, url, token).await?;
                    ctx.workspace.write(&target, FileMode::Regular, bytes)?;
                }
                What::RenderedFolder => self.template(ctx, url, &target, &input).await?,
                What::RenderedFile => self.template_file(ctx, url, &target, &input).await?,
            }
            Ok(Outputs::new())
        })
    }
}

impl Fetch {
    async fn template(
        &self,
        ctx: &mut ActionContext,
        url: &str,
        target: &str,
        input: &Outputs,
    ) -> Result<(), ActionError> {
        ctx.log.info("Fetching template content from remote URL");
        let rendering = Rendering::new(input)?;
        let tree = self.source.tree(ctx, url, token(input)).await?;
        rendering.into_workspace(ctx, tree, target).await
    }

    async fn template_file(
        &self,
        ctx: &mut ActionContext,
        url: &str,
        target: &str,
        input: &Outputs,
    ) -> Result<(), ActionError> {
        ctx.log.info("Fetching template file content from remote URL");
        if skeleton::is_kept(ctx, target, input)? {
            return Ok(());
        }
        let rendering = Rendering::new(input)?;
        let bytes = self.source.file(ctx, url, token(input)).await?;
        rendering.into_file(ctx, bytes, url, target).await
    }
}

/// The person's own token to read with.
fn token(input: &Outputs) -> Option<&str> {
    text(input, "token").filter(|token| !token.trim().is_empty())
}

fn schema(what: What) -> Value {
    let mut properties = json!({
        "url": {"type": "string", "description": "Relative path or absolute URL pointing to the directory tree or file to fetch"},
        "targetPath": {"type": "string", "description": "Target path within the working directory to download the contents to. Defaults to the working directory root."},
        "token": {"type": "string", "description": "An optional token to use for authentication when reading the resources."},
    });
    let mut required = vec!["url"];
    if matches!(what, What::File | What::RenderedFile) {
        required.push("targetPath");
    }
    let more = json!({
        "values": {"type": "object", "description": "Values to pass on to the templating engine"},
        "cookiecutterCompat": {"type": "boolean", "description": "Enable features to maximise compatibility with templates built for fetch:cookiecutter"},
        "replace": {"type": "boolean", "description": "If set, replace files in targetPath instead of skipping existing ones."},
        "trimBlocks": {"type": "boolean", "description": "If set, the first newline after a block is removed (block, not variable tag)."},
        "lstripBlocks": {"type": "boolean", "description": "If set, leading spaces and tabs are stripped from the start of a line to a block."},
    });
    let folder = json!({
        "copyWithoutRender": {"type": "array", "items": {"type": "string"}, "description": "An array of glob patterns. Any files or directories which match are copied without being processed as templates. Deprecated: use copyWithoutTemplating."},
        "copyWithoutTemplating": {"type": "array", "items": {"type": "string"}, "description": "An array of glob patterns. Contents of matched files or directories are copied without being processed, but paths are subject to rendering."},
        "templateFileExtension": {"type": ["string", "boolean"], "description": "If set, only files with the given extension will be templated. If set to `true`, the default extension `.njk` is used."},
    });
    let added = match what {
        What::Folder | What::File => vec![],
        What::RenderedFile => vec![more],
        What::RenderedFolder => vec![more, folder],
    };
    for (key, value) in added.iter().filter_map(Value::as_object).flatten() {
        properties[key] = value.clone();
    }
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn examples(what: What) -> Vec<Example> {
    let (description, example) = match what {
        What::Folder => (
            "Copies a folder beside the template.",
            "steps:\n  - id: fetch\n    action: fetch:plain\n    input:\n      url: ./files\n",
        ),
        What::File => (
            "Copies one file.",
            "steps:\n  - id: fetch\n    action: fetch:plain:file\n    input:\n      url: ./LICENSE\n      targetPath: LICENSE\n",
        ),
        What::RenderedFolder => (
            "Renders a skeleton beside the template.",
            "steps:\n  - id: fetch\n    action: fetch:template\n    input:\n      url: ./skeleton\n      values:\n        name: ${{ parameters.name }}\n",
        ),
        What::RenderedFile => (
            "Renders one file.",
            "steps:\n  - id: fetch\n    action: fetch:template:file\n    input:\n      url: ./README.md\n      targetPath: README.md\n      values:\n        name: ${{ parameters.name }}\n",
        ),
    };
    vec![Example { description, example }]
}
