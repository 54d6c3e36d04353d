//! One page rendered: its HTML with links that lead to the other pages, and what is wrong with it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use super::path;
use super::site::Site;
use crate::markdown::{self, Heading, Remark, Section, Surroundings, Target};

/// A rendered page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    /// Safe to show.
    pub(crate) html: String,
    /// Whether it begins with its own first-level heading.
    pub(crate) has_title: bool,
    /// Its headings.
    pub(crate) headings: Vec<Heading>,
    /// Its words by heading.
    pub(crate) sections: Vec<Section>,
    /// What its author should know.
    pub(crate) problems: Vec<String>,
    /// Links to places within pages: the page and the anchor.
    pub(super) anchored: Vec<(usize, String, String)>,
}

impl Content {
    /// Every id of the page.
    pub(super) fn ids(&self) -> HashSet<String> {
        ids(&self.html)
    }
}

/// What a page can refer to: the files and pages of its site.
struct Around<'s> {
    site: &'s Site,
    page: usize,
    broken: RefCell<Vec<String>>,
    anchored: RefCell<Vec<(usize, String, String)>>,
}

/// More problems of one page than these are not told.
const MOST_PROBLEMS: usize = 50;

impl Site {
    /// A page, rendered once.
    pub(crate) fn content(&self, page: usize) -> Arc<Content> {
        Arc::clone(self.contents[page].get_or_init(|| Arc::new(self.render(page, self.other_images))))
    }

    /// A page rendered anew; with images of other hosts, where no policy forbids them.
    pub(crate) fn render(&self, page: usize, other_images: bool) -> Content {
        let Some(bytes) = self.pages.get(page).and_then(|page| self.files.docs.get(&page.path)) else {
            return Content::default();
        };
        let around = Around { site: self, page, broken: RefCell::default(), anchored: RefCell::default() };
        let source = String::from_utf8_lossy(bytes);
        let dialect = markdown::Dialect { other_images, ..self.config.dialect };
        let rendered = markdown::render(&source, dialect, &around);
        let mut problems = around.broken.into_inner();
        problems.extend(rendered.remarks.iter().map(|remark| match remark {
            Remark::Include { name, reason } => format!("`{name}` could not be included: {reason}"),
            Remark::Cut => format!("the page is longer than {} MiB, the rest is not shown", markdown::LONGEST >> 20),
        }));
        Content {
            html: rendered.html,
            has_title: rendered.headings.iter().any(|heading| heading.level == 1),
            headings: rendered.headings,
            sections: rendered.sections,
            problems,
            anchored: around.anchored.into_inner(),
        }
    }
}

impl Around<'_> {
    fn broken(&self, url: &str) {
        let mut broken = self.broken.borrow_mut();
        if broken.len() < MOST_PROBLEMS {
            broken.push(format!("`{url}` leads to no page or file of the site"));
        }
    }

    /// The link to a page.
    fn page_link(&self, target: usize, rest: &str, url: &str) -> String {
        let (from, to) = (&self.site.pages[self.page].url, &self.site.pages[target].url);
        if let Some((_, anchor)) = rest.split_once('#')
            && !anchor.is_empty()
        {
            self.anchored.borrow_mut().push((target, path::decoded(anchor), url.to_owned()));
            if target == self.page {
                return format!("#{anchor}");
            }
        }
        format!("{}{rest}", path::relative(from, to))
    }
}

impl Surroundings for Around<'_> {
    fn resolve(&self, url: &str, target: Target) -> Option<String> {
        let (plain, rest) = path::split(url);
        if path::is_absolute(url) {
            return None;
        }
        if plain.is_empty() {
            if let Some(anchor) = rest.strip_prefix('#').filter(|anchor| !anchor.is_empty()) {
                self.anchored.borrow_mut().push((self.page, path::decoded(anchor), url.to_owned()));
            }
            return None;
        }
        let site = self.site;
        let own = &site.pages[self.page];
        let wanted = path::decoded(plain);
        // As MkDocs reads it: from the file. As a browser would: from the page's address.
        let from_file = path::joined(path::folder(&own.path), &wanted);
        let from_page = path::joined(path::folder(&own.url), &wanted);
        for found in [&from_file, &from_page].into_iter().flatten() {
            if target == Target::Link
                && let Some(page) = site.by_path.get(found).copied().or_else(|| page_of(site, found))
            {
                return Some(self.page_link(page, rest, url));
            }
            if site.files.docs.contains_key(found) {
                return Some(format!("{}{rest}", path::relative(&own.url, found)));
            }
        }
        // A file of the repository that is no part of the site is shown where the repository is.
        let within = format!("{}/{}", site.config.docs_dir, path::folder(&own.path));
        if let (Target::Link, Some(view)) = (target, &site.place.view)
            && !plain.starts_with('/')
            && path::joined(path::folder(&own.path), &wanted).is_none()
            && let Some(outside) =
                path::joined(&site.place.folder, &within).and_then(|folder| path::joined(&folder, &wanted))
        {
            return Some(format!("{view}{outside}{rest}"));
        }
        self.broken(url);
        None
    }

    fn include(&self, name: &str) -> Result<Cow<'_, str>, String> {
        if path::is_absolute(name) {
            return Err("files of other hosts are not included".to_owned());
        }
        self.site.included(name).map(String::from_utf8_lossy).ok_or_else(|| format!("there is no file `{name}`"))
    }
}

impl Site {
    /// The file that a page includes under this name.
    pub(super) fn included(&self, name: &str) -> Option<&[u8]> {
        let found = self.places_of(name).find_map(|path| {
            let docs = self.config.docs_dir.as_str();
            let below = if docs.is_empty() {
                Some(&*path)
            } else {
                path.strip_prefix(docs).and_then(|rest| rest.strip_prefix('/'))
            };
            below.and_then(|below| self.files.docs.get(below)).or_else(|| self.files.beside.get(&path))
        });
        found.map(|bytes| &bytes[..])
    }

    /// Where an included file may be, seen from the folder of `mkdocs.yml`.
    pub(super) fn places_of(&self, name: &str) -> impl Iterator<Item = String> {
        let places = self.config.snippet_paths.iter().map(String::as_str).chain([self.config.docs_dir.as_str()]);
        places.filter_map(|place| path::joined(place, name.trim_start_matches('/')))
    }
}

/// The page at an address within a site.
fn page_of(site: &Site, address: &str) -> Option<usize> {
    let with_slash = if address.is_empty() { String::new() } else { format!("{address}/") };
    let plain = address.strip_suffix("/index.html").map(|folder| format!("{folder}/"));
    let found = site.by_url.get(&with_slash).or_else(|| site.by_url.get(address));
    found.or_else(|| site.by_url.get(&plain?)).copied()
}

/// The ids in HTML that was cleaned, so its form is known.
fn ids(html: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    for mark in [" id=\"", " name=\""] {
        for (at, _) in html.match_indices(mark) {
            let rest = &html[at + mark.len()..];
            if let Some((id, _)) = rest.split_once('"') {
                found.insert(id.replace("&amp;", "&"));
            }
        }
    }
    found
}
