//! The words between: text, its abbreviations, its signs, and the plain text of a node.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use comrak::nodes::{AstNode, NodeValue};
use regex::Regex;

use super::super::attributes::{escape_into, escaped};
use super::super::inline;
use super::Writer;

/// Icons of Material's sets, which are pictures nobody has here.
static ICON: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r":(?:material|fontawesome|octicons|simple)-[a-z0-9-]+: ?").ok());

impl Writer<'_> {
    pub(super) fn text<'a>(&mut self, node: &'a AstNode<'a>, text: &str) {
        if !self.dialect.docs {
            escape_into(&mut self.html, text);
            self.gathered.add(text);
            return;
        }
        let mut text = Cow::Borrowed(text);
        if text.contains(":material-")
            || text.contains("-icons-")
            || text.contains(":octicons-")
            || text.contains(":fontawesome-")
            || text.contains(":simple-")
        {
            // With the attributes that stand behind an icon.
            let icons = ICON.as_ref().map(|icon| icon.replace_all(&text, "").into_owned());
            let bare =
                icons.as_deref().and_then(|text| self.prepared.taken.leading(text)).map(|(_, rest)| rest.to_owned());
            text = bare.or(icons).map_or(text, Cow::Owned);
        }
        if self.dialect.smart_symbols && !self.in_link {
            text = match inline::smart(&text) {
                Cow::Borrowed(_) => text,
                Cow::Owned(signed) => Cow::Owned(signed),
            };
        }
        _ = node;
        self.gathered.add(&text);
        match &self.abbreviations {
            Some(pattern) => {
                let html = abbreviated(&text, pattern, &self.prepared.abbreviations);
                self.html.push_str(&html);
            }
            None => escape_into(&mut self.html, &text),
        }
    }
}

/// A pattern of all abbreviations, longest first.
pub(super) fn abbreviations(all: &[(String, String)]) -> Option<Regex> {
    if all.is_empty() {
        return None;
    }
    let mut words: Vec<&str> = all.iter().map(|(short, _)| short.as_str()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut pattern = String::new();
    for word in words {
        if !pattern.is_empty() {
            pattern.push('|');
        }
        pattern.push_str(&regex::escape(word));
    }
    Regex::new(&pattern).ok()
}

fn abbreviated(text: &str, pattern: &Regex, all: &[(String, String)]) -> String {
    let mut html = String::with_capacity(text.len());
    let mut at = 0;
    let joined = |letter: char| letter.is_alphanumeric() || letter == '_';
    for found in pattern.find_iter(text) {
        if text[..found.start()].ends_with(joined) || text[found.end()..].starts_with(joined) {
            continue;
        }
        escape_into(&mut html, &text[at..found.start()]);
        let long = all.iter().rev().find(|(short, _)| short == found.as_str()).map_or("", |(_, long)| long);
        _ = write!(html, "<abbr title=\"{}\">{}</abbr>", escaped(long), escaped(found.as_str()));
        at = found.end();
    }
    escape_into(&mut html, &text[at..]);
    html
}

/// The words of a node.
pub(super) fn plain<'a>(node: &'a AstNode<'a>) -> String {
    let mut text = String::new();
    for inner in node.descendants() {
        match &inner.data.borrow().value {
            NodeValue::Text(words) => text.push_str(words),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::CodeBlock(code) => text.push_str(&code.literal),
            NodeValue::ShortCode(code) => text.push_str(&code.emoji),
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            _ => {}
        }
    }
    text
}
