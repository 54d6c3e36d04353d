//! The files that a template reads: those of its folder, and of its repository what its steps name.
//!
//! A step that reads `../../skeletons/x` is followed up to the root of the repository that the template is in, the nearest
//! folder with `.git` above it; without one, up to the working folder if the template is below that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::tree;
use crate::catalog::TreeFile;
use crate::scaffolder::Template;

/// What a repository keeps for itself.
const GIT: &str = ".git";

/// What a template can read.
pub(super) struct Beside {
    /// The files by their paths from the root.
    pub(super) files: Vec<TreeFile>,
    /// The template's folder, from the root.
    pub(super) folder: String,
}

/// Reads the files that a template in a folder reads; folders of it for which `skip` holds are left out.
pub(super) fn read(folder: &Path, template: &Template, skip: &dyn Fn(&str) -> bool) -> anyhow::Result<Beside> {
    let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let folder = shown.canonicalize().with_context(|| format!("cannot read {}", shown.display()))?;
    let root = root_of(&folder);
    let place = folder.strip_prefix(&root).unwrap_or(Path::new(""));
    let place = place.to_str().with_context(|| format!("{}: the path is not Unicode", folder.display()))?.to_owned();
    let mut files: BTreeMap<String, TreeFile> = BTreeMap::new();
    let mut add = |below: &str, found: Vec<TreeFile>| {
        for file in found {
            let path = if below.is_empty() { file.path.clone() } else { format!("{below}/{}", file.path) };
            files.entry(path.clone()).or_insert(TreeFile { path, ..file });
        }
    };
    let is_git = |path: &str| path == GIT || path.ends_with("/.git");
    add(&place, tree::read(&folder, &|path| skip(path) || is_git(path))?);
    for url in urls(template) {
        // What is not there, or beyond the root, is told by the step that reads it.
        let Some(path) = within(&place, url).filter(|path| !is_below(path, &place)) else { continue };
        let target = root.join(&path);
        if target.is_dir() {
            add(&path, tree::read(&target, &is_git)?);
        } else if target.is_file() {
            add(path.rsplit_once('/').map_or("", |(above, _)| above), vec![tree::read_one(&target)?]);
        }
    }
    Ok(Beside { files: files.into_values().collect(), folder: place })
}

/// What relative URLs of steps name, as far as it is written without an expression.
fn urls(template: &Template) -> impl Iterator<Item = &str> {
    let reads = template.steps.iter().filter(|step| step.action.starts_with("fetch:"));
    let urls = reads.filter_map(|step| step.input.get("url")?.as_str()).filter(|url| url::Url::parse(url).is_err());
    urls.filter_map(|url| match url.find("${{") {
        None => Some(url),
        Some(end) => url[..end].rfind('/').map(|slash| &url[..slash]),
    })
}

/// A relative URL from the root; none if it leads beyond.
fn within(folder: &str, url: &str) -> Option<String> {
    if url.starts_with('/') || url.contains('\\') {
        return None;
    }
    let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in url.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

/// Whether a path is a folder or below it.
fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn root_of(folder: &Path) -> PathBuf {
    let repository = folder.ancestors().find(|folder| folder.join(GIT).exists());
    let working = || std::env::current_dir().ok()?.canonicalize().ok().filter(|working| folder.starts_with(working));
    repository.map(Path::to_path_buf).or_else(working).unwrap_or_else(|| folder.to_path_buf())
}
