//! A parsed document as HTML, with its headings and its plain text.
//!
//! The shape is that of Python-Markdown and its extensions (`div.highlight`, `sup.footnote-ref`, `a.headerlink`), which
//! stylesheets and add-ons of Backstage know. What is written here still goes through the sanitiser.

mod blocks;
mod code;
mod links;
mod words;

use std::fmt::Write as _;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Anchorizer, Arena, Options};
use regex::Regex;

use super::attributes::escape_into;
use super::block::Prepared;
use super::outline::{Anchors, Gathered};
use super::{Dialect, Heading, Rendered, Surroundings};

/// How deep elements may be in each other; what is deeper is shown as its text.
const DEPTH: usize = 100;
/// Ids of the portal's own pages, which a document must not take.
const RESERVED: [&str; 2] = ["content", "menu"];

/// Writes one document.
struct Writer<'p> {
    prepared: &'p Prepared<'p>,
    dialect: Dialect,
    surroundings: &'p dyn Surroundings,
    html: String,
    anchors: Anchors,
    github_anchors: Anchorizer,
    headings: Vec<Heading>,
    gathered: Gathered,
    abbreviations: Option<Regex>,
    /// Where tables of contents go.
    contents: Vec<usize>,
    in_footnotes: bool,
    in_link: bool,
}

/// Parses and writes a document.
pub(super) fn render(prepared: &Prepared<'_>, dialect: Dialect, surroundings: &dyn Surroundings) -> Rendered {
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, &prepared.text, &options(dialect));
    let mut writer = Writer {
        prepared,
        dialect,
        surroundings,
        html: String::with_capacity(prepared.text.len() * 2),
        anchors: Anchors::default(),
        github_anchors: Anchorizer::new(),
        headings: Vec::new(),
        gathered: Gathered::default(),
        abbreviations: words::abbreviations(&prepared.abbreviations),
        contents: Vec::new(),
        in_footnotes: false,
        in_link: false,
    };
    for reserved in RESERVED {
        writer.anchors.note(reserved);
    }
    writer.children(root, 0);
    writer.finish()
}

fn options(dialect: Dialect) -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.table = true;
    extension.strikethrough = true;
    extension.autolink = dialect.magic_links;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.alerts = true;
    extension.shortcodes = true;
    if dialect.docs {
        extension.description_lists = true;
        extension.superscript = dialect.caret;
        extension.subscript = dialect.tilde;
        extension.highlight = dialect.mark;
        extension.math_dollars = dialect.math;
    }
    options
}

impl Writer<'_> {
    fn children<'a>(&mut self, node: &'a AstNode<'a>, depth: usize) {
        for child in node.children() {
            self.node(child, depth + 1);
        }
    }

    fn node<'a>(&mut self, node: &'a AstNode<'a>, depth: usize) {
        if depth > DEPTH {
            let text = words::plain(node);
            escape_into(&mut self.html, &text);
            self.gathered.add(&text);
            return;
        }
        let value = node.data.borrow().value.clone();
        match value {
            NodeValue::Text(text) => self.text(node, &text),
            NodeValue::SoftBreak if self.dialect.line_breaks => self.line_break("<br>\n"),
            NodeValue::SoftBreak => self.line_break("\n"),
            NodeValue::LineBreak => self.line_break("<br>\n"),
            NodeValue::Code(code) => self.inline_code(node, &code.literal),
            NodeValue::HtmlInline(html) => {
                let html = self.rewritten(&html);
                self.html.push_str(&html);
            }
            NodeValue::HtmlBlock(block) => self.html_block(&block.literal),
            NodeValue::Emph => self.inline(node, "em", depth),
            NodeValue::Strong => self.inline(node, "strong", depth),
            NodeValue::Strikethrough => self.inline(node, "del", depth),
            NodeValue::Superscript => self.inline(node, "sup", depth),
            NodeValue::Subscript => self.inline(node, "sub", depth),
            NodeValue::Highlight => self.inline(node, "mark", depth),
            NodeValue::Link(link) => self.link(node, &link, depth),
            NodeValue::Image(link) => self.image(node, &link),
            NodeValue::ShortCode(code) => {
                self.html.push_str(&code.emoji);
                self.gathered.add(&code.emoji);
            }
            NodeValue::Math(math) => self.formula(&math.literal, math.display_math),
            NodeValue::FootnoteReference(reference) => {
                self.footnote_reference(&reference.name, reference.ref_num, reference.ix);
            }
            _ => self.block(node, &value, depth),
        }
    }

    fn line_break(&mut self, html: &str) {
        self.html.push_str(html);
        self.gathered.gap();
    }

    /// An element within a line, with the list of attributes that follows it.
    fn inline<'a>(&mut self, node: &'a AstNode<'a>, tag: &str, depth: usize) {
        _ = write!(self.html, "<{tag}");
        self.claim(node, "");
        self.html.push('>');
        self.children(node, depth);
        _ = write!(self.html, "</{tag}>");
    }

    /// Writes the attributes that stand right after an element, and takes them out of the text.
    fn claim<'a>(&mut self, node: &'a AstNode<'a>, own_class: &str) {
        if let Some(next) = node.next_sibling()
            && let NodeValue::Text(text) = &mut next.data.borrow_mut().value
            && let Some((list, after)) = self.prepared.taken.leading(text)
        {
            list.write(&mut self.html, own_class);
            let after = after.to_owned();
            *text = after.into();
        } else if !own_class.is_empty() {
            _ = write!(self.html, " class=\"{own_class}\"");
        }
    }

    /// A link within this document.
    fn fragment(&self, anchor: &str) -> String {
        let prefix = if self.dialect.docs { "" } else { super::clean::PREFIX };
        format!("#{prefix}{anchor}")
    }

    fn finish(mut self) -> Rendered {
        if self.in_footnotes {
            self.html.push_str("</ol>\n</div>\n");
        }
        self.gathered.end();
        for at in self.contents.iter().rev() {
            self.html.insert_str(*at, &contents(&self.headings));
        }
        let taken = &self.prepared.taken;
        let mut sections = self.gathered.sections;
        for section in &mut sections {
            section.text = taken.restore(&section.text, false);
        }
        Rendered { html: taken.restore(&self.html, true), headings: self.headings, sections, remarks: Vec::new() }
    }
}

/// The table of contents that `[TOC]` asks for.
fn contents(headings: &[Heading]) -> String {
    let mut html = String::from("<div class=\"toc\">\n");
    let mut open: Vec<u8> = Vec::new();
    for heading in headings {
        while open.len() > 1 && open.last().is_some_and(|level| *level > heading.level) {
            html.push_str("</li></ul>");
            open.pop();
        }
        if open.last().is_some_and(|level| *level >= heading.level) {
            html.push_str("</li>\n");
        } else {
            html.push_str("<ul>");
            open.push(heading.level);
        }
        html.extend(["<li><a href=\"#", &heading.anchor, "\">"]);
        escape_into(&mut html, &heading.text);
        html.push_str("</a>");
    }
    for _ in open {
        html.push_str("</li></ul>");
    }
    html.push_str("</div>\n");
    html
}
