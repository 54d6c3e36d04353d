//! What Python-Markdown's family writes as blocks, turned into what CommonMark carries: HTML around Markdown.
//!
//! `!!! note`, `??? tip` and `=== "Tab"` own the lines that are indented below them; those lines are moved left and looked
//! at in the same way, so that everything nests. Lines keep the indentation of the list they are in. Code is passed as it
//! is. What is found here and cannot be said in HTML (a title with Markdown in it) becomes a paragraph that begins with a
//! token, see [`super::attributes`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use super::attributes::{Attributes, Taken};
use super::fence::Fence;
use super::{Dialect, inline};

/// How deep blocks may be in each other; deeper ones are text.
const DEPTH: usize = 24;
/// What an indented block is indented by.
pub(super) const STEP: usize = 4;

/// A source that CommonMark reads, and what was taken out of it.
#[derive(Debug, Default)]
pub(super) struct Prepared<'s> {
    pub(super) text: Cow<'s, str>,
    pub(super) taken: Taken,
    pub(super) abbreviations: Vec<(String, String)>,
}

impl<'s> Prepared<'s> {
    /// A source that needs no preparation.
    pub(super) fn plain(text: &'s str) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// Prepares a source.
pub(super) fn prepare(source: &str, dialect: Dialect) -> Prepared<'static> {
    let lines: Vec<Cow<'_, str>> = without_front_matter(source).1.lines().map(untabbed).collect();
    let lines: Vec<&str> = lines.iter().map(|line| &**line).collect();
    let mut scanner = Scanner { dialect, prepared: Prepared::default(), text: String::new(), tabs: 0, depth: 0 };
    scanner.text.reserve(source.len() + source.len() / 4);
    scanner.scan(&lines, 0);
    scanner.prepared.text = Cow::Owned(scanner.text);
    scanner.prepared
}

/// The YAML between `---` at the top, and the rest.
pub(crate) fn without_front_matter(source: &str) -> (Option<&str>, &str) {
    let source = source.strip_prefix('\u{FEFF}').unwrap_or(source);
    let Some(rest) = source.strip_prefix("---").filter(|rest| rest.starts_with(['\n', '\r', ' '])) else {
        return (None, source);
    };
    let Some((first, rest)) = rest.split_once('\n') else { return (None, source) };
    if !first.trim().is_empty() {
        return (None, source);
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return (Some(&rest[..at]), &rest[at + line.len()..]);
        }
        at += line.len();
    }
    (None, source)
}

fn untabbed(line: &str) -> Cow<'_, str> {
    if !line.contains('\t') {
        return line.into();
    }
    let mut out = String::with_capacity(line.len() + 16);
    let mut column = 0;
    for letter in line.chars() {
        let width = if letter == '\t' { STEP - column % STEP } else { 1 };
        if letter == '\t' {
            out.extend(std::iter::repeat_n(' ', width));
        } else {
            out.push(letter);
        }
        column += width;
    }
    out.into()
}

pub(super) struct Scanner {
    dialect: Dialect,
    pub(super) prepared: Prepared<'static>,
    text: String,
    pub(super) tabs: usize,
    depth: usize,
}

/// How many spaces a line begins with.
pub(super) fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether a line has nothing to read.
pub(super) fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// The lines from `at` that are blank or indented by this much; blank ones at the end do not count.
pub(super) fn owned(lines: &[&str], at: usize, indent: usize) -> usize {
    let mut end = at;
    for (offset, line) in lines[at..].iter().enumerate() {
        if is_blank(line) {
            continue;
        }
        if indent_of(line) < indent {
            break;
        }
        end = at + offset + 1;
    }
    end
}

/// Lines without their first columns.
pub(super) fn moved_left<'l>(lines: &[&'l str], by: usize) -> Vec<&'l str> {
    lines.iter().map(|line| &line[by.min(indent_of(line))..]).collect()
}

/// Whether a line begins an item of a list.
fn is_item(body: &str) -> bool {
    let bytes = body.as_bytes();
    match bytes.first() {
        Some(b'-' | b'*' | b'+') => bytes.get(1).is_none_or(|next| *next == b' '),
        Some(digit) if digit.is_ascii_digit() => {
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            digits <= 9 && matches!(bytes.get(digits), Some(b'.' | b')')) && bytes.get(digits + 1) == Some(&b' ')
        }
        _ => false,
    }
}

impl Scanner {
    /// Looks at lines; what comes of them is indented.
    pub(super) fn scan(&mut self, lines: &[&str], indent: usize) {
        if self.depth >= DEPTH {
            for line in lines {
                self.push(indent, line);
            }
            return;
        }
        self.depth += 1;
        let mut place = Place::default();
        let mut at = 0;
        while at < lines.len() {
            at = self.line(lines, at, indent, &mut place);
        }
        self.depth -= 1;
    }

    /// Looks at one line or at the block it begins; gives where the next one is.
    fn line(&mut self, lines: &[&str], at: usize, indent: usize, place: &mut Place) -> usize {
        let line = lines[at];
        let own = indent_of(line);
        let body = &line[own..];
        if is_blank(body) {
            self.blank();
            place.after_blank = true;
            return at + 1;
        }
        if place.is_code(own) {
            self.push(indent, line);
            return at + 1;
        }
        place.enter(own, is_item(body));
        if let Some(fence) = Fence::open(body) {
            let end = fence.end(lines, at);
            for line in &lines[at..end] {
                self.push(indent, line);
            }
            place.after_blank = false;
            return end;
        }
        let block = match body.as_bytes()[0] {
            b'!' | b'?' => self.admonition(lines, at, indent),
            b'=' => self.tab_set(lines, at, indent),
            b'/' => self.slashes(lines, at, indent),
            b'<' => self.html(lines, at, indent, &mut place.unclosed),
            b'*' => self.abbreviation(body, at),
            _ => None,
        };
        if let Some(end) = block {
            place.after_blank = true;
            return end;
        }
        self.text_line(own, body, indent);
        place.after_blank = false;
        at + 1
    }

    /// A line of plain Markdown.
    fn text_line(&mut self, own: usize, body: &str, indent: usize) {
        self.margin(indent + own);
        let hashes = body.len() - body.trim_start_matches('#').len();
        if own == 0 && (1..=6).contains(&hashes) && body[hashes..].starts_with(char::is_alphabetic) {
            // Python-Markdown needs no space there.
            self.text.push_str(&body[..hashes]);
            self.text.push(' ');
            inline::prepare(&body[hashes..], self.dialect, &mut self.prepared.taken, &mut self.text);
        } else {
            inline::prepare(body, self.dialect, &mut self.prepared.taken, &mut self.text);
        }
        self.text.push('\n');
    }

    /// `!!! type "Title"`, `??? type "Title"`, `???+ type`.
    fn admonition(&mut self, lines: &[&str], at: usize, indent: usize) -> Option<usize> {
        let own = indent_of(lines[at]);
        let head = Admonition::parse(&lines[at][own..])?;
        let end = owned(lines, at + 1, own + STEP);
        self.boxed(&head, &moved_left(&lines[at + 1..end], own + STEP), indent + own);
        Some(end)
    }

    /// The box around some lines.
    pub(super) fn boxed(&mut self, head: &Admonition<'_>, body: &[&str], indent: usize) {
        self.blank();
        let classes = head.classes.to_ascii_lowercase();
        let (tag, class, title_tag) = match head.open {
            None => ("div", format!("admonition {classes}"), "p"),
            Some(_) => ("details", classes.clone(), "summary"),
        };
        self.margin(indent);
        let mut start = format!("<{tag}");
        Attributes { classes: vec![class], ..Attributes::default() }.write(&mut start, "");
        self.text.push_str(&start);
        self.text.push_str(if head.open == Some(true) { " open>\n" } else { ">\n" });
        self.blank();
        let title = head.title.map_or_else(|| titled(&classes), |title| title.replace("\\\"", "\""));
        if !title.trim().is_empty() || head.open.is_some() {
            let class = if head.open.is_none() { "admonition-title" } else { "" };
            self.titled_paragraph(title_tag, class, None, &title, indent);
        }
        self.scan(body, indent);
        self.blank();
        self.push(indent, &format!("</{tag}>"));
        self.blank();
    }

    /// A paragraph whose element is another one.
    pub(super) fn titled_paragraph(
        &mut self,
        tag: &'static str,
        class: &str,
        pair: Option<(String, String)>,
        text: &str,
        indent: usize,
    ) {
        self.margin(indent);
        let attributes = Attributes {
            tag: Some(tag),
            classes: class.split_whitespace().map(str::to_owned).collect(),
            pairs: pair.into_iter().collect(),
            id: None,
        };
        self.prepared.taken.note(attributes, &mut self.text);
        inline::prepare(text.trim(), self.dialect, &mut self.prepared.taken, &mut self.text);
        self.text.push('\n');
        self.blank();
    }

    /// `*[HTML]: Hypertext Markup Language`
    fn abbreviation(&mut self, body: &str, at: usize) -> Option<usize> {
        let (short, long) = body.strip_prefix("*[")?.split_once("]:")?;
        if short.trim().is_empty() || self.prepared.abbreviations.len() >= 300 {
            return None;
        }
        self.prepared.abbreviations.push((short.trim().to_owned(), long.trim().to_owned()));
        Some(at + 1)
    }

    /// Makes sure that what follows stands apart.
    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    pub(super) fn margin(&mut self, indent: usize) {
        self.text.extend(std::iter::repeat_n(' ', indent));
    }

    /// A line as it is.
    pub(super) fn push(&mut self, indent: usize, line: &str) {
        if !is_blank(line) {
            self.margin(indent);
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    /// Begins a paragraph with a token that shows as nothing, so that the line is not read as HTML.
    pub(super) fn paragraph_of(&mut self, line: &str, own: usize, indent: usize) {
        self.margin(indent + own);
        self.prepared.taken.note(Attributes::default(), &mut self.text);
        inline::prepare(line, self.dialect, &mut self.prepared.taken, &mut self.text);
        self.text.push('\n');
    }

    /// Writes a tag of our own.
    pub(super) fn tag(&mut self, indent: usize, arguments: std::fmt::Arguments<'_>) {
        self.margin(indent);
        _ = self.text.write_fmt(arguments);
        self.text.push('\n');
    }
}

/// Where a scan is: in which lists, below which line.
pub(super) struct Place {
    /// The columns at which the lists around begin.
    lists: Vec<usize>,
    after_blank: bool,
    in_code: bool,
    /// Elements that are never closed in these lines.
    unclosed: HashSet<String>,
}

impl Default for Place {
    fn default() -> Self {
        Self { lists: Vec::new(), after_blank: true, in_code: false, unclosed: HashSet::new() }
    }
}

impl Place {
    /// Whether a line that is indented by this much is code.
    fn is_code(&mut self, own: usize) -> bool {
        let base = self.lists.iter().rev().find(|column| **column < own).map_or(0, |column| column + STEP);
        self.in_code = own >= base + STEP && (self.after_blank || self.in_code);
        self.in_code
    }

    fn enter(&mut self, own: usize, is_item: bool) {
        if is_item || self.after_blank {
            while self.lists.last().is_some_and(|column| *column >= own) {
                self.lists.pop();
            }
        }
        if is_item {
            self.lists.push(own);
        }
    }
}

/// The head of a box.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admonition<'l> {
    pub(super) classes: Cow<'l, str>,
    pub(super) title: Option<&'l str>,
    /// Whether it can be folded, and then whether it is unfolded.
    pub(super) open: Option<bool>,
}

impl<'l> Admonition<'l> {
    fn parse(body: &'l str) -> Option<Self> {
        let (open, rest) = if let Some(rest) = body.strip_prefix("!!!") {
            (None, rest)
        } else if let Some(rest) = body.strip_prefix("???+") {
            (Some(true), rest)
        } else {
            (Some(false), body.strip_prefix("???")?)
        };
        let rest = rest.trim();
        let (classes, title) = match rest.split_once('"') {
            Some((classes, title)) => (classes, Some(title.strip_suffix('"')?)),
            None => (rest, None),
        };
        let classes = classes.trim();
        let is_word = |word: &str| word.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_'));
        let fits = classes.split_whitespace().all(is_word);
        (fits && (!classes.is_empty() || (title.is_some() && open.is_some()))).then_some(Self {
            classes: classes.into(),
            title,
            open,
        })
    }
}

/// A class as the title of its box.
pub(super) fn titled(classes: &str) -> String {
    let first = classes.split_whitespace().next().unwrap_or_default();
    let mut letters = first.chars();
    letters.next().map_or_else(String::new, |letter| letter.to_uppercase().chain(letters).collect())
}
