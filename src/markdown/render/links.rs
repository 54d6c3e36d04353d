//! Links, images, and the addresses in HTML that somebody wrote by hand.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use comrak::nodes::{AstNode, NodeLink};
use regex::{Captures, Regex};

use super::super::Target;
use super::super::attributes::{escape_into, escaped};
use super::{Writer, words};

static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)([\s"'](href|src)\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)"#).ok());

impl Writer<'_> {
    pub(super) fn link<'a>(&mut self, node: &'a AstNode<'a>, link: &NodeLink, depth: usize) {
        let url = self.address(&link.url, Target::Link);
        self.html.push_str("<a href=\"");
        escape_into(&mut self.html, &url);
        self.html.push('"');
        if !link.title.is_empty() {
            _ = write!(self.html, " title=\"{}\"", escaped(&link.title));
        }
        self.claim(node, "");
        self.html.push('>');
        let outer = std::mem::replace(&mut self.in_link, true);
        self.children(node, depth);
        self.in_link = outer;
        self.html.push_str("</a>");
    }

    pub(super) fn image<'a>(&mut self, node: &'a AstNode<'a>, link: &NodeLink) {
        let alt = self.prepared.taken.restore(&words::plain(node), false);
        let url = self.address(&link.url, Target::Image);
        self.gathered.add(&alt);
        if self.dialect.docs && !self.dialect.other_images && is_elsewhere(&url) {
            return self.image_of_another_host(node, &url, &alt);
        }
        _ = write!(self.html, "<img alt=\"{}\" src=\"{}\"", escaped(&alt), escaped(&url));
        if !link.title.is_empty() {
            _ = write!(self.html, " title=\"{}\"", escaped(&link.title));
        }
        self.claim(node, "");
        self.html.push_str(" loading=\"lazy\">");
    }

    /// What the page's policy does not load: a link to it, or its words where a link would be within a link.
    fn image_of_another_host<'a>(&mut self, node: &'a AstNode<'a>, url: &str, alt: &str) {
        let alt = if alt.trim().is_empty() { "image" } else { alt };
        if self.in_link {
            self.html.push_str("<span");
            self.claim(node, "external-image");
        } else {
            _ = write!(self.html, "<a href=\"{}\"", escaped(url));
            self.claim(node, "external-image");
        }
        self.html.push('>');
        escape_into(&mut self.html, alt);
        self.html.push_str(if self.in_link { "</span>" } else { "</a>" });
    }

    fn address<'u>(&self, url: &'u str, target: Target) -> Cow<'u, str> {
        if !self.dialect.docs
            && target == Target::Link
            && let Some(anchor) = url.strip_prefix('#')
        {
            return self.fragment(anchor).into();
        }
        match self.surroundings.resolve(url, target) {
            Some(resolved) => resolved.into(),
            None => url.into(),
        }
    }

    /// HTML with its addresses resolved.
    pub(super) fn rewritten<'h>(&self, html: &'h str) -> Cow<'h, str> {
        if !html.contains('=') {
            return html.into();
        }
        let Some(pattern) = &*ADDRESS else { return html.into() };
        pattern.replace_all(html, |found: &Captures<'_>| {
            let value = found[3].trim_matches(['"', '\'']).replace("&amp;", "&");
            let target = if found[2].eq_ignore_ascii_case("src") { Target::Image } else { Target::Link };
            format!("{}\"{}\"", &found[1], escaped(&self.address(&value, target)))
        })
    }

    pub(super) fn html_block(&mut self, literal: &str) {
        let html = self.rewritten(literal);
        self.html.push_str(&html);
        self.gathered.gap();
        let start = literal.trim_start().get(..4).unwrap_or_default().to_ascii_lowercase();
        if matches!(&*start, "<scr" | "<sty" | "<!--") {
            return;
        }
        let mut rest = literal;
        while let Some(at) = rest.find('<') {
            self.gathered.add(&rest[..at]);
            self.gathered.gap();
            let end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
            rest = &rest[end..];
        }
        self.gathered.add(rest);
        self.gathered.gap();
    }
}

/// Whether an address leads to another host.
fn is_elsewhere(url: &str) -> bool {
    url.starts_with("//") || url.split_once(':').is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']))
}
