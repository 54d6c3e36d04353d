//! HTML between the lines: what stays HTML, and what has Markdown in it (`<div markdown>`).
//!
//! Python-Markdown leaves everything within a block element alone; GitHub reads Markdown there after a blank line, and
//! people write for both. So: tags stay tags, however they are indented, and text that stands apart is Markdown.

use std::collections::HashSet;

use super::block::{STEP, Scanner, indent_of, is_blank, moved_left};

/// Elements that begin a block.
const BLOCKS: [&str; 51] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "button",
    "canvas",
    "center",
    "colgroup",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "iframe",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "object",
    "ol",
    "optgroup",
    "option",
    "p",
    "picture",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];
/// Elements whose content is no HTML, or is shown as it is written.
const VERBATIM: [&str; 5] = ["pre", "script", "style", "svg", "textarea"];
/// Elements without an end.
const VOID: [&str; 9] = ["hr", "col", "base", "link", "meta", "param", "source", "track", "embed"];
/// Lines that an opening tag may have.
const TAG_LINES: usize = 12;

/// The name of the tag that a line begins with.
fn tag_name(body: &str) -> Option<String> {
    let rest = body.strip_prefix('<')?;
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let fits = end > 0
        && end <= 12
        && rest.as_bytes()[0].is_ascii_alphabetic()
        && (rest.len() == end || rest[end..].starts_with([' ', '>', '/']));
    fits.then(|| rest[..end].to_ascii_lowercase())
}

/// How much deeper a line leads in elements of a name; `at_start` looks from the first tag on.
fn balance(line: &str, name: &str) -> i32 {
    let lower = line.to_ascii_lowercase();
    let mut depth = 0;
    for (at, _) in lower.match_indices('<') {
        let rest = &lower[at + 1..];
        let (step, rest) = rest.strip_prefix('/').map_or((1, rest), |rest| (-1, rest));
        if let Some(after) = rest.strip_prefix(name)
            && (after.is_empty() || after.starts_with([' ', '>', '/', '\n']))
            && !after.split('>').next().is_some_and(|inside| inside.ends_with('/'))
        {
            depth += step;
        }
    }
    depth
}

/// The opening tag that `lines` begin with: its text, the line it ends in, and where.
fn opening(lines: &[&str], at: usize) -> Option<(String, usize, usize)> {
    let mut tag = String::new();
    let mut quote = None;
    for (offset, line) in lines[at..].iter().take(TAG_LINES).enumerate() {
        for (column, letter) in line.char_indices() {
            match (quote, letter) {
                (None, '>') => {
                    tag.push_str(&line[..=column]);
                    return Some((tag.trim_start().to_owned(), at + offset, column + 1));
                }
                (None, '"' | '\'') => quote = Some(letter),
                (Some(open), letter) if open == letter => quote = None,
                _ => {}
            }
        }
        if is_blank(line) {
            return None;
        }
        tag.push_str(line);
        tag.push(' ');
    }
    None
}

/// The tag without its attribute `markdown`; `None` if it has none, or says no.
fn without_markdown(tag: &str) -> Option<String> {
    let at = tag.find(" markdown")?;
    let rest = &tag[at + " markdown".len()..];
    let rest = match rest.strip_prefix('=') {
        None if rest.starts_with([' ', '>', '/']) => rest,
        None => return None,
        Some(value) => {
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let (value, after) = match quote {
                Some(quote) => value[1..].split_once(quote)?,
                None => value.split_at(value.find([' ', '>'])?),
            };
            if value == "0" {
                return None;
            }
            after
        }
    };
    Some(format!("{}{rest}", &tag[..at]))
}

impl Scanner {
    /// HTML that begins at a line.
    pub(super) fn html(
        &mut self,
        lines: &[&str],
        at: usize,
        indent: usize,
        unclosed: &mut HashSet<String>,
    ) -> Option<usize> {
        let own = indent_of(lines[at]);
        let body = &lines[at][own..];
        if body.starts_with("<!--") {
            let end = at + 1 + close_of(lines, at, "-->", unclosed)?;
            self.push_all(&lines[at..end], own, indent + own);
            return Some(end);
        }
        let name = tag_name(body)?;
        if VERBATIM.contains(&&*name) {
            let close = format!("</{name}");
            let end = at + 1 + close_of(lines, at, &close, unclosed)?;
            self.verbatim(&lines[at..end], own, indent + own);
            return Some(end);
        }
        if VOID.contains(&&*name) {
            return None;
        }
        if !BLOCKS.contains(&&*name) {
            // Within a line of text; alone on a line CommonMark would take the lines below for HTML too.
            self.paragraph_of(body, own, indent);
            return Some(at + 1);
        }
        if body.starts_with("</") {
            return None;
        }
        let last = at + closed_at(&lines[at..], &name, unclosed)?;
        if let Some((tag, line, column)) = opening(lines, at)
            && let Some(tag) = without_markdown(&tag)
        {
            self.around(lines, (line, column), last, (&tag, &name), indent + own);
        } else {
            self.tags(&lines[at..=last], indent + own);
        }
        Some(last + 1)
    }

    /// An element with Markdown in it.
    fn around(&mut self, lines: &[&str], start: (usize, usize), last: usize, tag: (&str, &str), indent: usize) {
        let ((line, column), (tag, name)) = (start, tag);
        let close = format!("</{name}");
        let closing = lines[last].to_ascii_lowercase().rfind(&close).unwrap_or(lines[last].len());
        let (mut inner, mut after) = (Vec::new(), "");
        if line == last {
            inner.push(lines[line].get(column..closing).unwrap_or_default());
        } else {
            inner.push(&lines[line][column..]);
            inner.extend(&lines[line + 1..last]);
            inner.push(&lines[last][..closing]);
        }
        if let Some(rest) = lines[last].get(closing..).and_then(|rest| rest.split_once('>')) {
            after = rest.1;
        }
        if inner.first().is_some_and(|line| is_blank(line)) {
            inner.remove(0);
        }
        let least = inner.iter().filter(|line| !is_blank(line)).map(|line| indent_of(line)).min().unwrap_or_default();
        self.blank();
        self.push(indent, tag);
        self.blank();
        self.scan(&moved_left(&inner, least), indent);
        self.blank();
        self.push(indent, &format!("{close}>{after}"));
        self.blank();
    }

    /// Lines as they are, in HTML that no blank line ends.
    fn verbatim(&mut self, lines: &[&str], own: usize, indent: usize) {
        for line in moved_left(lines, own) {
            self.push(indent, line);
        }
        self.blank();
    }

    fn push_all(&mut self, lines: &[&str], own: usize, indent: usize) {
        for line in moved_left(lines, own) {
            self.push(indent, line);
        }
    }

    /// A block element whose content may be tags or text.
    fn tags(&mut self, lines: &[&str], indent: usize) {
        self.blank();
        let mut at = 0;
        let mut in_tags = true;
        let mut unclosed = HashSet::new();
        while at < lines.len() {
            let line = lines[at].trim_start();
            let name = tag_name(line);
            if is_blank(line) {
                let next = lines[at..].iter().find(|line| !is_blank(line));
                let more_tags = next.is_some_and(|next| {
                    let body = next.trim_start();
                    body.starts_with('<') && tag_name(body).is_some() || indent_of(next) >= 2 * STEP
                });
                if !(in_tags && more_tags) {
                    self.blank();
                    in_tags = false;
                }
                at += 1;
            } else if let Some(name) = name.as_deref().filter(|name| VERBATIM.contains(name)) {
                let close = format!("</{name}");
                let end = close_of(lines, at, &close, &mut unclosed);
                let end = end.map_or(at + 1, |end| at + end + 1);
                if !in_tags {
                    self.blank();
                }
                for (offset, line) in lines[at..end].iter().enumerate() {
                    // A blank line would end the HTML.
                    let line = if offset == 0 { line.trim_start() } else { line };
                    if is_blank(line) { self.push(0, "<!-- -->") } else { self.push(0, line) }
                }
                (at, in_tags) = (end, true);
            } else if name.is_some()
                && at > 0
                && let Some((tag, end_line, column)) = opening(lines, at)
                && let Some(tag) = without_markdown(&tag)
                && let Some(name) = name.as_deref()
                && let Some(last) = closed_at(&lines[at..], name, &mut unclosed)
            {
                self.around(lines, (end_line, column), at + last, (&tag, name), indent);
                (at, in_tags) = (at + last + 1, false);
            } else if name.is_some() || in_tags {
                if !in_tags {
                    self.blank();
                }
                self.push(indent, line);
                (at, in_tags) = (at + 1, true);
            } else {
                // Text that stands apart, up to the next tag.
                let end = lines[at..]
                    .iter()
                    .position(|line| tag_name(line.trim_start()).is_some_and(|name| BLOCKS.contains(&&*name)));
                let end = end.map_or(lines.len(), |end| at + end.max(1));
                let own = indent_of(lines[at]);
                self.scan(&moved_left(&lines[at..end], own), indent);
                at = end;
            }
        }
        self.blank();
    }
}

/// How many lines further an element is closed. What was looked for in vain is not looked for again.
fn closed_at(lines: &[&str], name: &str, unclosed: &mut HashSet<String>) -> Option<usize> {
    if unclosed.contains(name) {
        return None;
    }
    let mut depth = 0;
    let found = lines.iter().position(|line| {
        depth += balance(line, name);
        depth <= 0
    });
    if found.is_none() {
        unclosed.insert(name.to_owned());
    }
    found
}

/// How many lines further this text stands.
fn close_of(lines: &[&str], at: usize, close: &str, unclosed: &mut HashSet<String>) -> Option<usize> {
    if unclosed.contains(close) {
        return None;
    }
    let found = lines[at..].iter().position(|line| line.to_ascii_lowercase().contains(close));
    if found.is_none() {
        unclosed.insert(close.to_owned());
    }
    found
}
