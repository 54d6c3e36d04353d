//! The navigation of a site: what `nav` says, or the files as they lie.

use std::collections::BTreeMap;

use super::config::NavEntry;
use super::path;
use super::site::Page;

/// A node of the navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NavNode {
    /// A page.
    Page {
        /// What it is called here.
        title: String,
        /// Its number among the pages.
        page: usize,
    },
    /// An address elsewhere.
    Link {
        /// What it is called.
        title: String,
        /// The address.
        url: String,
    },
    /// Nodes below a heading.
    Section {
        /// The heading.
        title: String,
        /// What is below it.
        nodes: Vec<NavNode>,
    },
}

/// The navigation that was written.
pub(super) fn written(
    entries: &[NavEntry],
    pages: &[Page],
    by_path: &BTreeMap<String, usize>,
    problems: &mut Vec<String>,
) -> Vec<NavNode> {
    let mut nodes = Vec::new();
    for entry in entries {
        match entry {
            NavEntry::Section { title, entries } => {
                let inner = written(entries, pages, by_path, problems);
                nodes.push(NavNode::Section { title: title.clone(), nodes: inner });
            }
            NavEntry::Leaf { title, target } => {
                let known = path::joined("", target).and_then(|path| by_path.get(&path));
                if let Some(&page) = known {
                    let title = title.clone().unwrap_or_else(|| pages[page].title.clone());
                    nodes.push(NavNode::Page { title, page });
                } else if path::is_absolute(target) || target.starts_with('/') {
                    let title = title.clone().unwrap_or_else(|| target.clone());
                    nodes.push(NavNode::Link { title, url: target.clone() });
                } else if target.ends_with("mkdocs.yml") || target.ends_with("mkdocs.yaml") {
                    problems.push(format!("nav: `{target}` is another site, and is not included"));
                } else {
                    problems.push(format!("nav: there is no page `{target}`"));
                }
            }
        }
    }
    nodes
}

/// A folder while the files are looked at.
#[derive(Default)]
struct Folder {
    pages: Vec<usize>,
    folders: Vec<(String, Folder)>,
}

/// The navigation that follows from the files: pages of a folder, its first page in front, then the folders below it.
pub(super) fn implied(pages: &[Page]) -> Vec<NavNode> {
    let mut root = Folder::default();
    for (number, page) in pages.iter().enumerate() {
        let mut folder = &mut root;
        for part in path::folder(&page.path).split('/').filter(|part| !part.is_empty()) {
            let at = folder.folders.iter().position(|(name, _)| name == part).unwrap_or_else(|| {
                folder.folders.push((part.to_owned(), Folder::default()));
                folder.folders.len() - 1
            });
            folder = &mut folder.folders[at].1;
        }
        folder.pages.push(number);
    }
    nodes(root, pages)
}

fn nodes(mut folder: Folder, pages: &[Page]) -> Vec<NavNode> {
    folder.pages.sort_by_key(|page| (!pages[*page].is_index(), pages[*page].path.clone()));
    folder.folders.sort_by(|(one, _), (other, _)| one.cmp(other));
    let leaf = |page: usize| NavNode::Page { title: pages[page].title.clone(), page };
    let mut found: Vec<NavNode> = folder.pages.into_iter().map(leaf).collect();
    for (name, inner) in folder.folders {
        found.push(NavNode::Section { title: titled(&name), nodes: nodes(inner, pages) });
    }
    found
}

/// A file's or folder's name as a title: `getting-started` is "Getting started".
pub(super) fn titled(name: &str) -> String {
    let title = name.replace(['-', '_'], " ");
    if title.to_lowercase() != title {
        return title;
    }
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The pages in the order in which they are read.
pub(crate) fn order(nodes: &[NavNode]) -> Vec<usize> {
    fn walk(nodes: &[NavNode], found: &mut Vec<usize>) {
        for node in nodes {
            match node {
                NavNode::Page { page, .. } => found.push(*page),
                NavNode::Section { nodes, .. } => walk(nodes, found),
                NavNode::Link { .. } => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(nodes, &mut found);
    let mut seen = std::collections::HashSet::new();
    found.retain(|page| seen.insert(*page));
    found
}
