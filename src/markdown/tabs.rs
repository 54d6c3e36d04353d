//! Content tabs, `=== "Title"`, and the blocks between slashes, `/// note | Title`.
//!
//! Tabs become radio buttons, their labels, and panels, in the shape Material for MkDocs gives them: a stylesheet alone
//! shows the panel of the button that is checked.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::block::{Admonition, STEP, Scanner, indent_of, is_blank, moved_left, owned};

/// More tabs than these have no rule in the stylesheet, and are shown one below the other.
const MOST: usize = 20;

/// One tab: its title and its lines.
struct Tab<'l> {
    title: &'l str,
    body: Vec<&'l str>,
    is_chosen: bool,
}

/// `=== "Title"`, with `!` for a new set and `+` for the one that is shown.
fn head(body: &str) -> Option<(&str, bool, bool)> {
    let rest = body.strip_prefix("===")?;
    let flags = rest.len() - rest.trim_start_matches(['!', '+']).len();
    let (flags, rest) = rest.split_at(flags);
    let title = rest.trim().strip_prefix('"')?.strip_suffix('"')?;
    rest.starts_with(' ').then_some((title, flags.contains('!'), flags.contains('+')))
}

impl Scanner {
    /// Tabs that follow each other.
    pub(super) fn tab_set(&mut self, lines: &[&str], at: usize, indent: usize) -> Option<usize> {
        let own = indent_of(lines[at]);
        head(&lines[at][own..])?;
        let mut tabs: Vec<Tab<'_>> = Vec::new();
        let mut next = at;
        while let Some(line) = lines.get(next)
            && indent_of(line) == own
            && let Some((title, is_new, is_chosen)) = head(&line[own..])
            && tabs.len() < MOST
            && (tabs.is_empty() || !is_new)
        {
            let end = owned(lines, next + 1, own + STEP);
            tabs.push(Tab { title, body: moved_left(&lines[next + 1..end], own + STEP), is_chosen });
            let blank = lines[end..].iter().take_while(|line| is_blank(line)).count();
            next = end + blank;
        }
        self.tabbed(&tabs, indent + own);
        Some(next)
    }

    fn tabbed(&mut self, tabs: &[Tab<'_>], indent: usize) {
        self.tabs += 1;
        let set = self.tabs;
        let chosen = tabs.iter().position(|tab| tab.is_chosen).unwrap_or_default();
        let mut start = String::from("<div class=\"tabbed-set tabbed-alternate\">");
        for number in 0..tabs.len() {
            let checked = if number == chosen { " checked" } else { "" };
            let id = id(set, number);
            _ = write!(start, "<input{checked} id=\"{id}\" name=\"__tabbed_{set}\" type=\"radio\">");
        }
        start.push_str("<div class=\"tabbed-labels\">");
        self.blank();
        self.push(indent, &start);
        self.blank();
        for (number, tab) in tabs.iter().enumerate() {
            self.titled_paragraph("label", "", Some(("for".to_owned(), id(set, number))), tab.title, indent);
        }
        self.tag(indent, format_args!("</div><div class=\"tabbed-content\">"));
        for tab in tabs {
            self.tag(indent, format_args!("<div class=\"tabbed-block\">"));
            self.blank();
            self.scan(&tab.body, indent);
            self.blank();
            self.tag(indent, format_args!("</div>"));
        }
        self.tag(indent, format_args!("</div></div>"));
        self.blank();
    }

    /// `/// type | Title`, options indented below, content, `///`.
    pub(super) fn slashes(&mut self, lines: &[&str], at: usize, indent: usize) -> Option<usize> {
        let own = indent_of(lines[at]);
        let (length, name, title) = slashed(&lines[at][own..])?;
        let end = lines[at + 1..].iter().position(|line| {
            let line = line.trim();
            line.len() == length && line.bytes().all(|byte| byte == b'/')
        })?;
        let end = at + 1 + end;
        // Options, such as `type: warning`, stand indented right below.
        let options = lines[at + 1..end].iter().take_while(|line| line.starts_with("    ") && line.contains(':'));
        let options: Vec<&str> = options.map(|line| line.trim()).collect();
        let option = |key: &str| {
            let found = options.iter().find_map(|line| line.split_once(':').filter(|(name, _)| *name == key));
            found.map(|(_, value)| value.trim())
        };
        let body = &lines[at + 1 + options.len()..end];
        if name == "tab" {
            let tab = Tab { title: title.unwrap_or("Tab"), body: body.to_vec(), is_chosen: true };
            let mut tabs = vec![tab];
            let mut next = end + 1;
            // Tabs that follow belong to the same set.
            while let Some(start) = lines[next.min(lines.len())..].iter().position(|line| !is_blank(line))
                && let Some((again, "tab", title)) = slashed(lines[next + start].trim_start())
                && again == length
                && tabs.len() < MOST
                && let Some(stop) = lines[next + start + 1..].iter().position(|line| slashed_end(line, length))
            {
                let first = next + start + 1;
                tabs.push(Tab {
                    title: title.unwrap_or("Tab"),
                    body: lines[first..first + stop].to_vec(),
                    is_chosen: false,
                });
                next = first + stop + 1;
            }
            self.tabbed(&tabs, indent + own);
            return Some(next);
        }
        let (classes, open): (Cow<'_, str>, _) = match name {
            "details" => (option("type").unwrap_or_default().into(), Some(option("open") == Some("True"))),
            "admonition" => (option("type").unwrap_or("note").into(), None),
            name if name.starts_with("details-") => {
                (name["details-".len()..].into(), Some(option("open") == Some("True")))
            }
            name if KNOWN.contains(&name) => (name.into(), None),
            _ => return None,
        };
        let title = title.or((name == "details").then_some("Details"));
        self.boxed(&Admonition { classes, title, open }, body, indent + own);
        Some(end + 1)
    }
}

/// Types of boxes between slashes.
const KNOWN: [&str; 14] = [
    "note",
    "attention",
    "caution",
    "danger",
    "error",
    "tip",
    "hint",
    "warning",
    "info",
    "example",
    "question",
    "quote",
    "success",
    "bug",
];

fn slashed(body: &str) -> Option<(usize, &str, Option<&str>)> {
    let length = body.len() - body.trim_start_matches('/').len();
    let rest = body[length..].trim();
    if length < 3 || rest.is_empty() || !body[length..].starts_with(' ') {
        return None;
    }
    let (name, title) = rest.split_once('|').map_or((rest, None), |(name, title)| (name.trim(), Some(title.trim())));
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-').then_some((length, name, title))
}

fn slashed_end(line: &str, length: usize) -> bool {
    let line = line.trim();
    line.len() == length && line.bytes().all(|byte| byte == b'/')
}

fn id(set: usize, number: usize) -> String {
    format!("__tabbed_{set}_{}", number + 1)
}
