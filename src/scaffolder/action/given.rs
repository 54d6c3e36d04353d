//! Files that came with a request in place of a location: those of the template's folder, and of its repository as far as
//! they were given.
//!
//! A relative URL counts from the template's folder and may lead out of it, up to the root of what was given. Where the
//! folders above the template are not named, they are nameless: `../../skeletons/x` is found all the same.

use bytes::Bytes;

use super::super::workspace::{self, WorkspaceError};
use super::ActionError;
use crate::catalog::{ReadError, Tree, TreeFile};

/// What stands for a folder whose name is not known.
const NAMELESS: &str = "_";

/// Files, and where the template is among them.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// Every file by its path from the root.
    tree: Tree,
    /// The template's folder, from the root.
    folder: String,
}

impl Given {
    /// Files by their paths from the root, with the template's folder there.
    pub(crate) fn below(tree: Tree, folder: &str) -> Result<Self, WorkspaceError> {
        Ok(Self { tree, folder: workspace::normal(folder)? })
    }

    /// Files by their paths from the template's folder, which may lead out of it: `../../skeletons/x/README.md`.
    pub(crate) fn beside(files: Vec<TreeFile>, version: String) -> Result<Self, WorkspaceError> {
        let depth = files.iter().map(|file| climbs(&file.path)).max().unwrap_or_default();
        let folder = vec![NAMELESS; depth].join("/");
        let mut placed = Vec::with_capacity(files.len());
        for file in files {
            placed.push(TreeFile { path: from(&folder, &file.path)?, ..file });
        }
        placed.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { tree: Tree { files: placed, version }, folder })
    }

    /// Equal versions mean equal files.
    pub(crate) fn version(&self) -> &str {
        &self.tree.version
    }

    /// The files of a folder; one that was not given is an error, never an empty folder.
    pub(crate) fn folder(&self, url: &str) -> Result<Tree, ActionError> {
        let folder = self.path(url)?;
        let files: Vec<TreeFile> = self.below_folder(&folder).collect();
        if files.is_empty() && !folder.is_empty() {
            return Err(missing("folder", url));
        }
        Ok(Tree { files, version: self.tree.version.clone() })
    }

    /// One file.
    pub(crate) fn file(&self, url: &str) -> Result<Bytes, ActionError> {
        let path = self.path(url)?;
        let found = self.tree.files.iter().find(|file| file.path == path);
        Ok(found.ok_or_else(|| missing("file", url))?.bytes.clone())
    }

    /// Whether there is a file or folder.
    pub(crate) fn has(&self, url: &str) -> bool {
        let Ok(path) = self.path(url) else { return false };
        path.is_empty()
            || self.tree.files.iter().any(|file| file.path == path)
            || self.below_folder(&path).next().is_some()
    }

    fn below_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = TreeFile> + 'a {
        self.tree.files.iter().filter_map(move |file| {
            let path = if folder.is_empty() {
                &*file.path
            } else {
                file.path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))?
            };
            Some(TreeFile { path: path.to_owned(), ..file.clone() })
        })
    }

    fn path(&self, url: &str) -> Result<String, ActionError> {
        from(&self.folder, url).map_err(|error| match error {
            WorkspaceError::Outside(_) => ActionError {
                name: "NotAllowedError",
                message: format!(
                    "`{url}` leads out of the files that came with the template; give what it names with them, or run \
                     the template from the catalog, where it is read from its repository"
                ),
            },
            other => other.into(),
        })
    }
}

fn missing(what: &str, url: &str) -> ActionError {
    let told = format!("`{url}`: no such {what} is among the files that came with the template");
    ActionError { name: ReadError::NotFound(String::new()).name(), message: told }
}

/// A path from the root; `path` counts from the folder.
fn from(folder: &str, path: &str) -> Result<String, WorkspaceError> {
    if folder.is_empty() || path.starts_with('/') {
        return workspace::normal(path);
    }
    workspace::normal(&format!("{folder}/{path}"))
}

/// How many folders a path leads up before it leads down.
fn climbs(path: &str) -> usize {
    let (mut depth, mut most) = (0_isize, 0_isize);
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        most = most.max(-depth);
    }
    most.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::FileMode;

    fn files(paths: &[&str]) -> Vec<TreeFile> {
        let file = |path: &&str| TreeFile {
            path: (*path).to_owned(),
            mode: FileMode::Regular,
            bytes: Bytes::from(format!("{path}\n")),
        };
        paths.iter().map(file).collect()
    }

    fn listed(given: &Given, url: &str) -> String {
        match given.folder(url) {
            Ok(tree) => tree.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>().join(" "),
            Err(error) => error.message.split(';').next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn urls_lead_out_of_the_folder_as_far_as_files_were_given() {
        let paths = ["template.yaml", "skeleton/a", "../../skeletons/x/b", "../../skeletons/xx/c", "../d"];
        let given = Given::beside(files(&paths), "1".to_owned()).unwrap();
        let nowhere = "no such folder is among the files that came with the template";
        let outside = "leads out of the files that came with the template";
        let cases = [
            ("./skeleton", "a".to_owned()),
            ("./", "skeleton/a template.yaml".to_owned()),
            ("../../skeletons/x", "b".to_owned()),
            ("../../skeletons/x/", "b".to_owned()),
            ("../../skeletons", "x/b xx/c".to_owned()),
            ("./missing", format!("`./missing`: {nowhere}")),
            ("../../skeletons/y", format!("`../../skeletons/y`: {nowhere}")),
            ("../../../x", format!("`../../../x` {outside}")),
            ("/etc", format!("`/etc` {outside}")),
        ];
        for (url, expected) in cases {
            assert_eq!(listed(&given, url), expected, "{url}");
        }
        assert_eq!(given.file("../d").unwrap(), "../d\n");
        assert!(given.file("../e").unwrap_err().message.contains("`../e`: no such file"));
        assert!(given.has("../../skeletons/x") && given.has("../d") && !given.has("x") && !given.has("../../../x"));
    }

    #[test]
    fn a_named_folder_is_found_from_elsewhere() {
        let tree = Tree { files: files(&["skeletons/x/a", "templates/t/own/b"]), version: "1".to_owned() };
        let given = Given::below(tree, "templates/t").unwrap();
        assert_eq!(listed(&given, "../../templates/t/own"), "b");
        assert_eq!(listed(&given, "../../skeletons/x"), "a");
        assert_eq!(listed(&given, "../.."), "skeletons/x/a templates/t/own/b");
        let empty = Given::beside(Vec::new(), "1".to_owned()).unwrap();
        assert_eq!(listed(&empty, "./"), "");
    }
}
