//! A site: its files, its pages and their order, known from `mkdocs.yml` and the files alone. Pages are rendered when they
//! are asked for.
//!
//! Pages have the addresses that MkDocs gives them (`guide/x.md` is `guide/x/`), relative to the site's root; so the same HTML
//! is right wherever a site is put.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use super::config::SiteConfig;
use super::nav::{self, NavNode};
use super::page::Content;
use super::path;
use super::survey::DocumentSection;
use crate::markdown;

/// Larger pages are not read.
pub(crate) const LARGEST_PAGE: usize = 10 * 1024 * 1024;

/// What a site is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SiteFiles {
    /// `mkdocs.yml`, if there is one.
    pub(crate) config: Option<String>,
    /// The files below `docs_dir`.
    pub(crate) docs: BTreeMap<String, Bytes>,
    /// Files outside of it that pages include, by their path from the folder of `mkdocs.yml`.
    pub(crate) beside: BTreeMap<String, Bytes>,
}

/// Where the files of a site can be seen and edited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    /// Before the path of a file within its repository, to see it.
    pub(crate) view: Option<String>,
    /// The same, to edit it.
    pub(crate) edit: Option<String>,
    /// The folder of `mkdocs.yml` within the repository.
    pub(crate) folder: String,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Its file below `docs_dir`.
    pub(crate) path: String,
    /// Its address below the site's root.
    pub(crate) url: String,
    /// What it is called.
    pub(crate) title: String,
}

impl Page {
    /// Whether it is the first page of its folder.
    pub(crate) fn is_index(&self) -> bool {
        is_index(&self.path)
    }
}

/// A site.
#[derive(Debug)]
pub(crate) struct Site {
    /// What it says about itself.
    pub(crate) config: SiteConfig,
    /// Equal versions mean equal sites.
    pub(crate) version: String,
    /// Every page, sorted by path.
    pub(crate) pages: Vec<Page>,
    /// The navigation.
    pub(crate) nav: Vec<NavNode>,
    /// Where its files can be seen.
    pub(crate) place: Place,
    /// What is wrong with `mkdocs.yml` and the navigation.
    pub(crate) problems: Vec<String>,
    pub(super) files: SiteFiles,
    pub(super) by_path: BTreeMap<String, usize>,
    pub(super) by_url: BTreeMap<String, usize>,
    order: Vec<usize>,
    pub(super) contents: Vec<OnceLock<Arc<Content>>>,
    /// What is said in it, once somebody searched.
    pub(super) said: OnceLock<Arc<Vec<DocumentSection>>>,
    /// Whether images of other hosts are shown: where no policy forbids them.
    pub(crate) other_images: bool,
}

impl Site {
    /// Looks through the files.
    pub(crate) fn new(files: SiteFiles, version: String, place: Place) -> Self {
        let config = files.config.as_deref().map(SiteConfig::parse).unwrap_or_default();
        let mut problems = config.remarks.clone();
        let excluded = globs(&config.exclude);
        let mut pages = Vec::new();
        for (path, bytes) in &files.docs {
            let is_left_out = excluded.is_match(path) || path.split('/').any(|part| part.starts_with('.'));
            let is_shadowed = readme_of(path).is_some_and(|index| files.docs.contains_key(&index));
            if !is_page(path) || is_left_out || is_shadowed {
                continue;
            }
            if bytes.len() > LARGEST_PAGE {
                problems.push(format!("{path} has {} MiB and is left out", bytes.len() >> 20));
                continue;
            }
            let title = title_of(path, bytes);
            pages.push(Page { path: path.clone(), url: url_of(path, config.directory_urls), title });
        }
        let by_path = pages.iter().enumerate().map(|(number, page)| (page.path.clone(), number)).collect();
        let by_url = pages.iter().enumerate().map(|(number, page)| (page.url.clone(), number)).collect();
        let nav = match &config.nav {
            Some(entries) => nav::written(entries, &pages, &by_path, &mut problems),
            None => nav::implied(&pages),
        };
        let order = nav::order(&nav);
        let contents = pages.iter().map(|_| OnceLock::new()).collect();
        Self {
            config,
            version,
            pages,
            nav,
            place,
            problems,
            files,
            by_path,
            by_url,
            order,
            contents,
            said: OnceLock::new(),
            other_images: false,
        }
    }

    /// What the site is called.
    pub(crate) fn name(&self) -> Option<&str> {
        self.config.name.as_deref()
    }

    /// The page at an address: `guide/x/`, also without its slash, as `guide/x/index.html` or as the file's path.
    pub(crate) fn page_at(&self, address: &str) -> Option<usize> {
        let address = address.trim_start_matches('/');
        let plain = address.strip_suffix("index.html").unwrap_or(address);
        let with_slash =
            || if plain.is_empty() || plain.ends_with('/') { plain.to_owned() } else { format!("{plain}/") };
        let known = self.by_url.get(address).or_else(|| self.by_url.get(&with_slash()));
        let known = known.or_else(|| self.by_path.get(address)).copied();
        // A site whose files have no first page begins with the first of its navigation.
        known.or_else(|| plain.is_empty().then(|| self.first()).flatten())
    }

    /// The page to begin with.
    pub(crate) fn first(&self) -> Option<usize> {
        self.by_url
            .get("")
            .or_else(|| self.by_url.get("index.html"))
            .copied()
            .or_else(|| self.order.first().copied())
            .or((!self.pages.is_empty()).then_some(0))
    }

    /// A file that is no page, such as an image.
    pub(crate) fn file(&self, path: &str) -> Option<&Bytes> {
        let path = path::joined("", path)?;
        if self.by_path.contains_key(&path) {
            return None;
        }
        self.files.docs.get(&path)
    }

    /// The pages before and after one, in the order in which they are read.
    pub(crate) fn neighbours(&self, page: usize) -> (Option<usize>, Option<usize>) {
        let Some(at) = self.order.iter().position(|number| *number == page) else { return (None, None) };
        (at.checked_sub(1).map(|at| self.order[at]), self.order.get(at + 1).copied())
    }

    /// The headings of the navigation above a page.
    pub(crate) fn above(&self, page: usize) -> Vec<&str> {
        fn find<'n>(nodes: &'n [NavNode], page: usize, above: &mut Vec<&'n str>) -> bool {
            nodes.iter().any(|node| match node {
                NavNode::Page { page: number, .. } => *number == page,
                NavNode::Link { .. } => false,
                NavNode::Section { title, nodes } => {
                    above.push(title);
                    let found = find(nodes, page, above);
                    if !found {
                        above.pop();
                    }
                    found
                }
            })
        }
        let mut above = Vec::new();
        find(&self.nav, page, &mut above);
        above
    }

    /// Where a person edits a page.
    pub(crate) fn edit_url(&self, page: usize) -> Option<String> {
        let file = &self.pages[page].path;
        if let (Some(repository), Some(uri)) = (&self.config.repo_url, &self.config.edit_uri) {
            let uri = uri.replace("{path}", file);
            let base = if path::is_absolute(&uri) {
                uri.clone()
            } else {
                format!("{}/{}", repository.trim_end_matches('/'), uri.trim_start_matches('/'))
            };
            let is_web = base.starts_with("https://") || base.starts_with("http://");
            let whole = if self.config.edit_uri.as_deref().is_some_and(|uri| uri.contains("{path}")) {
                base
            } else {
                format!("{}/{file}", base.trim_end_matches('/'))
            };
            return is_web.then_some(whole);
        }
        let within = path::joined(&self.place.folder, &format!("{}/{file}", self.config.docs_dir))?;
        self.place.edit.as_ref().map(|edit| format!("{edit}{within}"))
    }

    /// How much memory the site takes, roughly, with its pages rendered.
    pub(crate) fn weight(&self) -> usize {
        let pages: usize = self.pages.iter().filter_map(|page| self.files.docs.get(&page.path)).map(Bytes::len).sum();
        let files = self.files.docs.values().chain(self.files.beside.values()).map(Bytes::len).sum::<usize>();
        files + pages * 4 + self.pages.len() * 400
    }
}

/// Whether a file is a page by its name.
pub(super) fn is_page(path: &str) -> bool {
    ends_with(path, ".md") || ends_with(path, ".markdown")
}

fn ends_with(path: &str, ending: &str) -> bool {
    path.len() > ending.len()
        && path.is_char_boundary(path.len() - ending.len())
        && path[path.len() - ending.len()..].eq_ignore_ascii_case(ending)
}

fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let anchored = pattern.strip_prefix('/').map_or_else(|| format!("**/{pattern}"), str::to_owned);
        let anchored = anchored.strip_suffix('/').map_or_else(|| anchored.clone(), |folder| format!("{folder}/**"));
        if let Ok(glob) = Glob::new(&anchored) {
            set.add(glob);
        }
    }
    set.build().unwrap_or_default()
}

fn is_index(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "index.md" | "README.md" | "index.markdown")
}

/// The `index.md` that stands before a `README.md`.
fn readme_of(path: &str) -> Option<String> {
    let folder = path.strip_suffix("README.md")?;
    (folder.is_empty() || folder.ends_with('/')).then(|| format!("{folder}index.md"))
}

/// The address of a page.
fn url_of(path: &str, directory_urls: bool) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let folder = path::folder(path);
    match (is_index(path), directory_urls) {
        (true, true) if folder.is_empty() => String::new(),
        (true, true) => format!("{folder}/"),
        (true, false) if folder.is_empty() => "index.html".to_owned(),
        (true, false) => format!("{folder}/index.html"),
        (false, true) => format!("{stem}/"),
        (false, false) => format!("{stem}.html"),
    }
}

/// What a page is called: what its front matter says, its first heading, its file's name.
fn title_of(path: &str, bytes: &[u8]) -> String {
    let source = String::from_utf8_lossy(&bytes[..bytes.len().min(64 * 1024)]);
    let (front, body) = markdown::without_front_matter(&source);
    if let Some(title) = front.and_then(front_title) {
        return title;
    }
    let first = body.lines().find(|line| !line.trim().is_empty() && !line.starts_with("<!--"));
    if let Some(heading) = first.and_then(|line| line.strip_prefix('#')).filter(|rest| !rest.starts_with('#')) {
        let title = markdown::plain(heading);
        if !title.is_empty() {
            return title;
        }
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if is_index(path) {
        let folder = path::folder(path);
        return if folder.is_empty() {
            "Home".to_owned()
        } else {
            nav::titled(folder.rsplit('/').next().unwrap_or(folder))
        };
    }
    nav::titled(stem)
}

fn front_title(front: &str) -> Option<String> {
    let line = front.lines().find_map(|line| line.strip_prefix("title:"))?;
    let title = line.trim().trim_matches(['"', '\'']).trim();
    (!title.is_empty() && !title.starts_with(['|', '>', '!', '{', '['])).then(|| title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn site(config: &str, files: &[(&str, &str)]) -> Site {
        let docs = files.iter().map(|(path, text)| ((*path).to_owned(), Bytes::from((*text).to_owned()))).collect();
        let files = SiteFiles { config: Some(config.to_owned()), docs, beside: BTreeMap::new() };
        Site::new(files, "1".to_owned(), Place::default())
    }

    #[test]
    fn pages_have_the_addresses_of_mkdocs() {
        let site = site(
            "site_name: X",
            &[
                ("index.md", "# Hello `x`"),
                ("README.md", "no"),
                ("b/index.md", ""),
                ("b/a-page.md", "text"),
                ("c.md", "---\ntitle: Own\n---\n# T"),
                ("img/x.png", ""),
            ],
        );
        let urls: Vec<_> = site.pages.iter().map(|page| (&*page.url, &*page.title)).collect();
        assert_eq!(urls, [("b/a-page/", "A page"), ("b/", "B"), ("c/", "Own"), ("", "Hello x")]);
        for (address, path) in [
            ("", "index.md"),
            ("c", "c.md"),
            ("c/", "c.md"),
            ("c/index.html", "c.md"),
            ("b/a-page.md", "b/a-page.md"),
            ("b", "b/index.md"),
        ] {
            assert_eq!(site.page_at(address).map(|page| &*site.pages[page].path), Some(path), "{address}");
        }
        assert!(site.page_at("nowhere").is_none() && site.file("img/x.png").is_some() && site.file("c.md").is_none());
        let first = site.page_at("").unwrap();
        assert_eq!(site.neighbours(first).1, site.page_at("c"));
        assert_eq!(site.above(site.page_at("b/a-page/").unwrap()), ["B"]);
    }

    #[test]
    fn a_written_nav_names_what_is_missing() {
        let site = site(
            "nav:\n - Start: index.md\n - Gone: gone.md\n - S:\n   - c.md\n - https://example.com\n - x: '!include ./y/mkdocs.yml'\n",
            &[("index.md", ""), ("c.md", "# See")],
        );
        assert!(site.problems.iter().any(|problem| problem.contains("`gone.md`")), "{:?}", site.problems);
        assert_eq!(site.nav.len(), 3);
        assert!(
            matches!(&site.nav[1], NavNode::Section { nodes, .. } if matches!(&nodes[0], NavNode::Page { title, .. } if title == "See"))
        );
    }

    #[test]
    fn a_page_is_edited_where_its_source_says() {
        let mut one = site("repo_url: https://example.com/a/b\nedit_uri: edit/main/docs/", &[("c/d.md", "")]);
        assert_eq!(one.edit_url(0).as_deref(), Some("https://example.com/a/b/edit/main/docs/c/d.md"));
        one = site("repo_url: javascript:alert(1)\nedit_uri: x", &[("c.md", "")]);
        assert_eq!(one.edit_url(0), None);
        one = site("", &[("c.md", "")]);
        one.place = Place { view: None, edit: Some("https://forge/edit/".to_owned()), folder: "x/y".to_owned() };
        assert_eq!(one.edit_url(0).as_deref(), Some("https://forge/edit/x/y/docs/c.md"));
    }
}
