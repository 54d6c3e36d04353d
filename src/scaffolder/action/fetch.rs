//! `fetch:plain`, `fetch:plain:file`, `fetch:template`, `fetch:template:file`: files come into the workspace.
//!
//! A URL is relative to the template's own descriptor, or absolute: a folder of a configured forge, or a file on a host
//! that configuration allows.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::super::workspace;
use super::skeleton::Rendering;
use super::{Action, ActionContext, ActionDescription, ActionError, Example, Outputs, flag, text};
use crate::catalog::{LocationRef, ReadError, Reader, Tree, TreeFile};
use crate::forge::{FileMode, LocationKind};

/// What of a location is fetched, and whether it is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Folder,
    File,
    RenderedFolder,
    RenderedFile,
}

struct Fetch {
    reader: Reader,
    what: What,
}

/// The four actions.
pub(super) fn actions(reader: &Reader) -> Vec<Arc<dyn Action>> {
    let action = |what| -> Arc<dyn Action> { Arc::new(Fetch { reader: reader.clone(), what }) };
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
            let target = workspace::normal(text(&input, "targetPath").unwrap_or("./"))?;
            match self.what {
                What::Folder => {
                    ctx.log.info("Fetching plain content from remote URL");
                    let tree = self.tree(ctx, url).await?;
                    for TreeFile { path, mode, bytes } in &tree.files {
                        ctx.workspace.write(&workspace::join(&target, path)?, *mode, bytes.clone())?;
                    }
                }
                What::File => {
                    ctx.log.info("Fetching plain content from remote URL");
                    let bytes = self.file(ctx, url).await?;
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
        let tree = self.tree(ctx, url).await?;
        ctx.log.info("Listing files and directories in template");
        // Rendering is bounded, but long for a large skeleton: it must not hold up the runtime's other tasks.
        let (log, folder) = (ctx.log.clone(), target.to_owned());
        let mut files = std::mem::take(&mut ctx.workspace);
        let (files, rendered) = blocking(move || {
            let rendered = rendering.tree(&tree, &folder, &mut files, &log);
            (files, rendered)
        })
        .await?;
        ctx.workspace = files;
        rendered?;
        ctx.log.info(format!("Template result written to {}", ctx.shown_path(target)));
        Ok(())
    }

    async fn template_file(
        &self,
        ctx: &mut ActionContext,
        url: &str,
        target: &str,
        input: &Outputs,
    ) -> Result<(), ActionError> {
        ctx.log.info("Fetching template file content from remote URL");
        if ctx.workspace.exists(target)? && !flag(input, "replace") {
            ctx.log.info(format!("File {target} already exists in workspace, not replacing."));
            return Ok(());
        }
        let rendering = Rendering::new(input)?;
        let bytes = self.file(ctx, url).await?;
        let text = String::from_utf8(bytes.into())
            .map_err(|_| ActionError::input(format!("{url} is not a text that can be rendered")))?;
        let rendered = blocking(move || rendering.render(&text)).await??;
        ctx.workspace.write(target, FileMode::Regular, Bytes::from(rendered))?;
        ctx.log.info(format!("Template file has been written to {target}"));
        Ok(())
    }

    /// A folder's files; one that this run has read before is not read again.
    async fn tree(&self, ctx: &ActionContext, url: &str) -> Result<Arc<Tree>, ActionError> {
        let known = ctx.fetched.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        if let Some(tree) = known {
            return Ok(tree);
        }
        let tree = Arc::new(match given(ctx, url) {
            Some(contents) => part(contents, url)?,
            None => self.reader.read_tree(&ctx.template.location, url).await?,
        });
        ctx.fetched.lock().unwrap_or_else(PoisonError::into_inner).insert(url.to_owned(), Arc::clone(&tree));
        Ok(tree)
    }

    async fn file(&self, ctx: &ActionContext, url: &str) -> Result<Bytes, ActionError> {
        if let Some(contents) = given(ctx, url) {
            let path = workspace::normal(url)?;
            let found = contents.files.iter().find(|file| file.path == path);
            return Ok(found.ok_or_else(|| ReadError::NotFound(path.clone()))?.bytes.clone());
        }
        let base = LocationRef::parse(&ctx.template.location).ok_or_else(|| {
            ActionError::failed(format!("\"{}\" is no location to fetch from", ctx.template.location))
        })?;
        let location = self.reader.resolve(&base, url, LocationKind::Blob)?;
        Ok(self.reader.read(&location).await?.bytes)
    }
}

/// The files below a folder.
fn part(contents: &Tree, folder: &str) -> Result<Tree, ActionError> {
    let folder = workspace::normal(folder)?;
    let below = |file: &TreeFile| {
        let rest = if folder.is_empty() { Some(&*file.path) } else { file.path.strip_prefix(&format!("{folder}/")) };
        rest.map(|path| TreeFile { path: path.to_owned(), ..file.clone() })
    };
    Ok(Tree { files: contents.files.iter().filter_map(below).collect(), version: contents.version.clone() })
}

/// The files that came with the request, for URLs that are relative.
fn given<'a>(ctx: &'a ActionContext, url: &str) -> Option<&'a Tree> {
    ctx.template.contents.as_deref().filter(|_| url::Url::parse(url).is_err())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ActionError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|error| ActionError::failed(format!("rendering stopped: {error}")))
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
