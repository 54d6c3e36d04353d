//! Renders a skeleton: a folder of files with expressions in their names and contents, as Backstage's `fetch:template`.
//!
//! Names are rendered too, and an entry whose name gets an empty segment is left out: that is how templates make files
//! conditional. Binary files and symbolic links are copied. The order, the rules and the lines of the log are those of
//! `plugins/scaffolder-backend/src/scaffolder/actions/builtin/fetch/templateActionHandler.ts` in Backstage.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde_json::{Map, Value, json};

use super::super::expression::{Engine, ExpressionError, Syntax};
use super::super::log::TaskLog;
use super::super::workspace::{self, Workspace};
use super::{ActionContext, ActionError, Outputs, flag};
use crate::catalog::{Tree, TreeFile};
use crate::forge::FileMode;

/// How a skeleton is rendered.
pub(super) struct Rendering {
    engine: Engine,
    context: Map<String, Value>,
    /// Only files with this suffix are rendered, and lose it.
    extension: Option<String>,
    /// What is copied as it is.
    copied: GlobSet,
    /// Names of copied entries are rendered all the same.
    names_always: bool,
    replace: bool,
}

impl Rendering {
    /// Reads the options of `fetch:template`.
    pub(super) fn new(input: &Outputs) -> Result<Self, ActionError> {
        let cookiecutter = flag(input, "cookiecutterCompat");
        let list = |key: &str| input.get(key).filter(|value| !value.is_null());
        let (without_render, without_templating) = (list("copyWithoutRender"), list("copyWithoutTemplating"));
        if without_render.is_some() && without_templating.is_some() {
            return Err(ActionError::input(
                "Fetch action input copyWithoutRender and copyWithoutTemplating can not be used at the same time",
            ));
        }
        let extension = extension(input)?;
        if extension.is_some() && (without_render.is_some() || without_templating.is_some() || cookiecutter) {
            return Err(ActionError::input(
                "Fetch action input extension incompatible with copyWithoutRender/copyWithoutTemplating and cookiecutterCompat",
            ));
        }
        let patterns = without_render.or(without_templating).and_then(Value::as_array);
        Ok(Self {
            engine: engine(input),
            context: context(input),
            extension,
            copied: globs(patterns.into_iter().flatten().filter_map(Value::as_str))?,
            names_always: without_templating.is_some(),
            replace: flag(input, "replace"),
        })
    }

    /// A rendering as cookiecutter's: `cookiecutter.` in `{{ }}`, names always rendered, contents of files whose paths
    /// match a pattern copied, files that are there replaced.
    pub(super) fn cookiecutter(values: Map<String, Value>, copied: &[String]) -> Result<Self, ActionError> {
        let input = Map::from_iter([
            ("cookiecutterCompat".to_owned(), json!(true)),
            ("replace".to_owned(), json!(true)),
            ("values".to_owned(), Value::Object(values)),
        ]);
        let mut set = GlobSetBuilder::new();
        for pattern in copied {
            // Unlike in other patterns `*` stands for slashes too, as in Python's `fnmatch`.
            let glob = GlobBuilder::new(pattern).literal_separator(false).build();
            set.add(glob.map_err(|error| ActionError::input(format!("copyWithoutRender: {error}")))?);
        }
        let copied = set.build().map_err(|error| ActionError::input(format!("copyWithoutRender: {error}")))?;
        Ok(Self { copied, names_always: true, ..Self::new(&input)? })
    }

    /// Renders every entry of the tree into a folder of the workspace.
    pub(super) fn tree(&self, tree: &Tree, folder: &str, to: &mut Workspace, log: &TaskLog) -> Result<(), ActionError> {
        let entries = entries(tree);
        let values = self.context.values().next().unwrap_or(&Value::Null);
        log.info(format!("Processing {} template files/directories with input values {values}", entries.len()));
        for (location, file) in entries {
            self.entry(&location, file, folder, to, log).map_err(|error| in_file(&location, &error))?;
        }
        Ok(())
    }

    /// Renders every entry of the tree into a folder of the run's workspace.
    pub(super) async fn into_workspace(
        self,
        ctx: &mut ActionContext,
        tree: Arc<Tree>,
        folder: &str,
    ) -> Result<(), ActionError> {
        ctx.log.info("Listing files and directories in template");
        // Rendering is bounded, but long for a large skeleton: it must not hold up the runtime's other tasks.
        let (log, to) = (ctx.log.clone(), folder.to_owned());
        let mut files = std::mem::take(&mut ctx.workspace);
        let (files, rendered) = blocking(move || {
            let rendered = self.tree(&tree, &to, &mut files, &log);
            (files, rendered)
        })
        .await?;
        ctx.workspace = files;
        rendered?;
        ctx.log.info(format!("Template result written to {}", ctx.shown_path(folder)));
        Ok(())
    }

    /// Renders one text into a file of the run's workspace; `source` is what to call it.
    pub(super) async fn into_file(
        self,
        ctx: &mut ActionContext,
        bytes: Bytes,
        source: &str,
        target: &str,
    ) -> Result<(), ActionError> {
        let text = String::from_utf8(bytes.into())
            .map_err(|_| ActionError::input(format!("{source} is not a text that can be rendered")))?;
        let rendered = blocking(move || self.render(&text)).await?;
        let rendered = rendered.map_err(|error| in_file(source, &error))?;
        ctx.workspace.write(target, FileMode::Regular, Bytes::from(rendered))?;
        ctx.log.info(format!("Template file has been written to {target}"));
        Ok(())
    }

    fn entry(
        &self,
        location: &str,
        file: Option<&TreeFile>,
        folder: &str,
        to: &mut Workspace,
        log: &TaskLog,
    ) -> Result<(), ActionError> {
        let bare = location.trim_end_matches('/');
        let stripped = self.extension.as_deref().and_then(|suffix| bare.strip_suffix(suffix));
        let rendered = match self.extension {
            Some(_) => stripped.is_some() && file.is_some(),
            None => !self.copied.is_match(bare),
        };
        let name = if rendered { stripped.unwrap_or(location) } else { location };
        let name =
            if rendered || self.names_always || self.extension.is_some() { self.name(name)? } else { name.to_owned() };
        if is_left_out(&name) {
            return Ok(());
        }
        let path = workspace::join(folder, name.trim_end_matches('/'))?;
        let Some(file) = file else {
            log.info(format!("Writing directory {location} to template output path."));
            return Ok(());
        };
        if to.exists(&path)? && !self.replace {
            return Ok(());
        }
        if !rendered && self.extension.is_none() {
            log.info(format!("Copying file/directory {location} without processing."));
        }
        let text = std::str::from_utf8(&file.bytes).ok().filter(|_| !is_binary(&file.bytes));
        let bytes = match text {
            Some(text) if file.mode != FileMode::Symlink => {
                log.info(format!(
                    "Writing file {location} to template output path with mode {}.",
                    mode_number(file.mode)
                ));
                if rendered { Bytes::from(self.render(text)?) } else { file.bytes.clone() }
            }
            _ => {
                log.info(format!("Copying file binary or symbolic link at {location}, to template output path."));
                file.bytes.clone()
            }
        };
        Ok(to.write(&path, file.mode, bytes)?)
    }

    /// Renders one text.
    pub(super) fn render(&self, text: &str) -> Result<String, ActionError> {
        self.engine.render(text, &self.context).map_err(|error| expression_error(&error))
    }

    fn name(&self, name: &str) -> Result<String, ActionError> {
        self.render(name).map_err(|error| ActionError { message: format!("its name: {}", error.message), ..error })
    }
}

/// Does what may take long without holding up the runtime.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ActionError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|error| ActionError::failed(format!("the work stopped: {error}")))
}

/// Whether a file that is there stays as it is, which the log then tells.
pub(super) fn is_kept(ctx: &ActionContext, target: &str, input: &Outputs) -> Result<bool, ActionError> {
    let kept = ctx.workspace.exists(target)? && !flag(input, "replace");
    if kept {
        ctx.log.info(format!("File {target} already exists in workspace, not replacing."));
    }
    Ok(kept)
}

fn in_file(location: &str, error: &ActionError) -> ActionError {
    ActionError { name: error.name, message: format!("{location}: {}", error.message) }
}

fn expression_error(error: &ExpressionError) -> ActionError {
    ActionError { name: "TemplateError", message: error.to_string() }
}

/// The engine that the options ask for.
fn engine(input: &Outputs) -> Engine {
    let syntax = if flag(input, "cookiecutterCompat") { Syntax::cookiecutter() } else { Syntax::backstage() };
    Engine::new(Syntax { trim_blocks: flag(input, "trimBlocks"), lstrip_blocks: flag(input, "lstripBlocks"), ..syntax })
}

/// `values`, or `cookiecutter` in its mode.
fn context(input: &Outputs) -> Map<String, Value> {
    let values = input.get("values").cloned().unwrap_or_else(|| json!({}));
    let name = if flag(input, "cookiecutterCompat") { "cookiecutter" } else { "values" };
    Map::from_iter([(name.to_owned(), values)])
}

fn extension(input: &Outputs) -> Result<Option<String>, ActionError> {
    match input.get("templateFileExtension") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::Bool(true)) => Ok(Some(".njk".to_owned())),
        Some(Value::String(suffix)) if suffix.starts_with('.') => Ok(Some(suffix.clone())),
        Some(Value::String(suffix)) => Ok(Some(format!(".{suffix}"))),
        Some(_) => {
            Err(ActionError::input("Fetch action input templateFileExtension must be true or a suffix such as .njk"))
        }
    }
}

/// Files and folders in the order of their names, folders with a slash at the end.
fn entries(tree: &Tree) -> Vec<(String, Option<&TreeFile>)> {
    let folders: BTreeSet<String> = tree
        .files
        .iter()
        .flat_map(|file| file.path.match_indices('/').map(|(at, _)| file.path[..=at].to_owned()))
        .collect();
    let files = tree.files.iter().map(|file| (file.path.clone(), Some(file)));
    let entries: BTreeMap<String, Option<&TreeFile>> =
        folders.into_iter().map(|folder| (folder, None)).chain(files).collect();
    entries.into_iter().collect()
}

/// A name of which a segment became empty.
fn is_left_out(name: &str) -> bool {
    name.is_empty() || name.starts_with('/') || name.contains("//")
}

/// A file that is no text: it has a NUL, which no text encoding we render has.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.contains(&0)
}

/// The mode as the system numbers it, which Backstage's log shows.
fn mode_number(mode: FileMode) -> u32 {
    match mode {
        FileMode::Regular => 0o100_644,
        FileMode::Executable => 0o100_755,
        FileMode::Symlink => 0o120_777,
    }
}

/// Glob patterns as `globby` reads them: a folder stands for everything in it, and names may start with a dot.
pub(super) fn globs<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<GlobSet, ActionError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        for form in [pattern.to_owned(), format!("{pattern}/**")] {
            // A name with an expression in it may read as a pattern and still mean itself.
            for form in [form.clone(), globset::escape(&form)] {
                if let Ok(glob) = GlobBuilder::new(&form).literal_separator(true).build() {
                    set.add(glob);
                }
            }
        }
    }
    set.build().map_err(|error| ActionError::input(format!("patterns: {error}")))
}

#[cfg(test)]
mod tests;
