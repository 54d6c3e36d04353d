//! A page as a whole document, the way MkDocs writes it: for Backstage's clients, and for a site in a folder.
//!
//! The parts have the class names of Material for MkDocs, which Backstage's reader looks for.

use std::sync::Arc;

use askama::Template;

use super::lines::{self, Line};
use crate::techdocs::{Site, path};
use crate::web::assets;

/// One page.
#[derive(Template)]
#[template(path = "docs/whole.html")]
struct WholePage<'s> {
    site: &'s str,
    title: &'s str,
    has_title: bool,
    html: &'s str,
    stylesheet: Option<String>,
    lines: Vec<Line>,
    contents: Vec<(&'s str, &'s str)>,
    previous: Option<(&'s str, String)>,
    next: Option<(&'s str, String)>,
    edit: Option<String>,
}

/// A page as a document of its own. `stylesheet`: a file of the site, from its root.
pub(crate) fn page(site: &Site, page: usize, name: &str, stylesheet: Option<&str>) -> Result<String, askama::Error> {
    let content = if site.other_images { site.content(page) } else { Arc::new(site.render(page, true)) };
    let own = &site.pages[page];
    let step = |page: usize| (site.pages[page].title.as_str(), path::relative(&own.url, &site.pages[page].url));
    let (previous, next) = site.neighbours(page);
    let headings = content.headings.iter().filter(|heading| heading.level > 1);
    WholePage {
        site: site.name().unwrap_or(name),
        title: &own.title,
        has_title: content.has_title,
        html: &content.html,
        stylesheet: stylesheet.map(|file| path::relative(&own.url, file)),
        lines: lines::short(site, page),
        contents: headings.map(|heading| (heading.anchor.as_str(), heading.text.as_str())).collect(),
        previous: previous.map(step),
        next: next.map(step),
        edit: site.edit_url(page),
    }
    .render()
}

/// What a site in a folder looks like: the portal's tokens and documents, and where the parts of a page are.
pub(crate) fn stylesheet() -> String {
    const PARTS: [&str; 5] = [
        "css/reset.css",
        "css/tokens.css",
        "css/base.css",
        "css/components/markdown.css",
        "css/components/docs-whole.css",
    ];
    PARTS.iter().filter_map(|path| assets::text(path)).collect::<Vec<_>>().join("\n")
}
