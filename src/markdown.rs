//! Markdown to HTML that is safe to show: CommonMark with GitHub's extensions, and for documentation what
//! Python-Markdown, `PyMdown` and Material for MkDocs add to it.
//!
//! A source goes `include` (snippets, with limits) → `block` (admonitions, tabs, HTML with Markdown in it, attribute
//! lists become what CommonMark can carry) → comrak → `render` (tree to HTML, headings, plain text by section) → `clean`
//! (the sanitiser's allow-list). Nothing in the source runs or loads from another host, whatever the steps before did:
//! the sanitiser has the last word.
//!
//! Invariants: time and memory are bounded by the size of the source ([`LONGEST`], depth and number of includes); nothing
//! panics; links are written by whoever asks ([`Surroundings`]), who knows what there is.

mod attributes;
mod block;
mod clean;
mod fence;
mod highlight;
mod html;
mod include;
mod inline;
mod keys;
mod outline;
mod render;
mod tabs;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(crate) use block::without_front_matter;
pub(crate) use include::names as included;
pub(crate) use outline::{Heading, Section};

/// Longer sources are cut; more is no reading matter.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// What a reference in the source is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Something to open.
    Link,
    /// Something to show.
    Image,
}

/// What a document can refer to.
pub(crate) trait Surroundings {
    /// Where a link or an image leads; `None` leaves it as it is.
    fn resolve(&self, _: &str, _: Target) -> Option<String> {
        None
    }

    /// The text of an included file, or why there is none.
    fn include(&self, _: &str) -> Result<Cow<'_, str>, String> {
        Err("nothing can be included here".to_owned())
    }
}

/// A document by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alone;

impl Surroundings for Alone {}

/// How a source is read and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Whether what Python-Markdown's family adds is known; else the source is GitHub's.
    pub(crate) docs: bool,
    /// Images of other hosts are shown, where no policy forbids it; else a link stands for them.
    pub(crate) other_images: bool,
    /// `^up^` and `^^inserted^^`.
    pub(crate) caret: bool,
    /// `~down~`.
    pub(crate) tilde: bool,
    /// `==marked==`.
    pub(crate) mark: bool,
    /// Addresses in the text are links.
    pub(crate) magic_links: bool,
    /// `(c)`, `-->` and the like.
    pub(crate) smart_symbols: bool,
    /// `$x$` is a formula.
    pub(crate) math: bool,
    /// A line's end is one on the page too.
    pub(crate) line_breaks: bool,
    /// `> NOTE: text` is a note.
    pub(crate) callouts: bool,
    /// Headings keep letters that are not ASCII in their anchors.
    pub(crate) unicode_anchors: bool,
}

impl Dialect {
    /// As GitHub shows a README. Headings are moved down, so that a page keeps its single `h1`, and ids have a prefix.
    pub(crate) const GITHUB: Self = Self {
        docs: false,
        other_images: false,
        caret: false,
        tilde: false,
        mark: false,
        magic_links: true,
        smart_symbols: false,
        math: false,
        line_breaks: false,
        callouts: false,
        unicode_anchors: true,
    };

    /// As the plugin `techdocs-core` sets MkDocs up.
    pub(crate) const DOCS: Self = Self {
        docs: true,
        other_images: false,
        caret: true,
        tilde: true,
        mark: true,
        magic_links: true,
        smart_symbols: true,
        math: false,
        line_breaks: false,
        callouts: false,
        unicode_anchors: false,
    };
}

/// Something about a document that its author should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remark {
    /// A file could not be included.
    Include {
        /// As it was written.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The rest of the source was left out.
    Cut,
}

/// A document as HTML, and what is known of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rendered {
    /// Safe to show.
    pub(crate) html: String,
    /// In their order.
    pub(crate) headings: Vec<Heading>,
    /// Plain text, by heading.
    pub(crate) sections: Vec<Section>,
    /// What could not be done.
    pub(crate) remarks: Vec<Remark>,
}

/// Renders a document.
pub(crate) fn render(source: &str, dialect: Dialect, surroundings: &dyn Surroundings) -> Rendered {
    let end = if source.len() > LONGEST { source.floor_char_boundary(LONGEST) } else { source.len() };
    let mut remarks = Vec::new();
    if end < source.len() {
        remarks.push(Remark::Cut);
    }
    let source = attributes::without_marks(&source[..end]);
    let mut rendered = if dialect.docs {
        let mut includes = include::Includes::new(surroundings);
        let source = includes.expand(&source).map_or(source, Cow::Owned);
        remarks.append(&mut includes.remarks);
        let prepared = block::prepare(&source, dialect);
        render::render(&prepared, dialect, surroundings)
    } else {
        render::render(&block::Prepared::plain(&source), dialect, surroundings)
    };
    rendered.html = clean::clean(&rendered.html, dialect);
    rendered.remarks = remarks;
    rendered
}

/// The words of one line, without its marks.
pub(crate) fn plain(line: &str) -> String {
    let line = line.trim().trim_end_matches('#').trim_end();
    if !line.contains(['*', '_', '`', '[', '<', '&', '\\', '{', ':', '~', '=', '^', '+']) {
        return line.to_owned();
    }
    let rendered = render(&format!("# {line}"), Dialect { smart_symbols: false, ..Dialect::DOCS }, &Alone);
    rendered.headings.into_iter().next().map(|heading| heading.text).unwrap_or_default()
}
