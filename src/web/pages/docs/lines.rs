//! The navigation of a site as a template goes through it: one line after the other, with the ends of sections.

use crate::techdocs::Site;
use crate::techdocs::nav::{self, NavNode};
use crate::techdocs::path;

/// Sites with fewer pages have all their sections open.
const SHORT: usize = 30;

/// Sites with more pages are large.
const LARGE: usize = 100;

/// One line of the navigation.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::web) enum Line {
    /// A page, or an address elsewhere.
    Leaf {
        /// What it is called.
        title: String,
        /// Where it leads.
        link: String,
        /// Whether it is this page.
        current: bool,
        /// Whether it leads out of the site.
        external: bool,
    },
    /// A section begins.
    Open {
        /// Its heading.
        title: String,
        /// Whether its pages are shown.
        open: bool,
    },
    /// The section that was begun last ends.
    Close,
}

/// The lines for a page of a site.
pub(in crate::web) fn of(site: &Site, page: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    let from = page.and_then(|page| site.pages.get(page)).map_or("", |page| page.url.as_str());
    add(site, &site.nav, page, from, &mut lines);
    lines
}

/// The same for a page that is written as a file. In a large site a section that is not open is a link to its first page:
/// each page would name all the others.
pub(in crate::web) fn short(site: &Site, page: usize) -> Vec<Line> {
    if site.pages.len() < LARGE {
        return of(site, Some(page));
    }
    let mut lines = Vec::new();
    add_short(site, &site.nav, page, &mut lines);
    lines
}

fn add_short(site: &Site, nodes: &[NavNode], current: usize, lines: &mut Vec<Line>) {
    let from = &site.pages[current].url;
    for node in nodes {
        match node {
            NavNode::Section { title, nodes } if has(nodes, current) => {
                lines.push(Line::Open { title: title.clone(), open: true });
                add_short(site, nodes, current, lines);
                lines.push(Line::Close);
            }
            NavNode::Section { title, nodes } => {
                if let Some(first) = nav::order(nodes).first() {
                    let link = path::relative(from, &site.pages[*first].url);
                    lines.push(Line::Leaf { title: title.clone(), link, current: false, external: false });
                }
            }
            leaf => add(site, std::slice::from_ref(leaf), Some(current), from, lines),
        }
    }
}

fn add(site: &Site, nodes: &[NavNode], current: Option<usize>, from: &str, lines: &mut Vec<Line>) {
    for node in nodes {
        match node {
            NavNode::Page { title, page } => lines.push(Line::Leaf {
                title: title.clone(),
                link: path::relative(from, &site.pages[*page].url),
                current: current == Some(*page),
                external: false,
            }),
            NavNode::Link { title, url } => {
                let is_web = url.starts_with("https://") || url.starts_with("http://") || url.starts_with("mailto:");
                if is_web || (url.starts_with('/') && !url.starts_with("//")) {
                    lines.push(Line::Leaf {
                        title: title.clone(),
                        link: url.clone(),
                        current: false,
                        external: is_web,
                    });
                }
            }
            NavNode::Section { title, nodes } => {
                let open = site.pages.len() < SHORT || current.is_some_and(|page| has(nodes, page));
                lines.push(Line::Open { title: title.clone(), open });
                add(site, nodes, current, from, lines);
                lines.push(Line::Close);
            }
        }
    }
}

fn has(nodes: &[NavNode], page: usize) -> bool {
    nodes.iter().any(|node| match node {
        NavNode::Page { page: number, .. } => *number == page,
        NavNode::Link { .. } => false,
        NavNode::Section { nodes, .. } => has(nodes, page),
    })
}
