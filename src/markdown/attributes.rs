//! Attribute lists, `{: #id .class key="value" }`, as Python-Markdown and its extensions write them.
//!
//! A list is taken out of the source before Markdown sees it (its quotes and underscores would mean something else there)
//! and a token stands in its place. What no element claims is put back as it was written.

use std::fmt::Write as _;

/// Opens a token: a punctuation mark, so that emphasis may end before it, and a character that no source has.
const OPEN: &str = "\u{2E28}\u{F0000}";
const CLOSE: char = '\u{F0001}';

/// Longer ones are text.
const LONGEST: usize = 500;

/// What an element is given besides its own attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// The element that a paragraph becomes; only we say so.
    pub(super) tag: Option<&'static str>,
    pub(super) id: Option<String>,
    pub(super) classes: Vec<String>,
    pub(super) pairs: Vec<(String, String)>,
}

impl Attributes {
    /// Reads what stands between the braces; `None` if it is no list.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix(':').unwrap_or(text).trim();
        let mut found = Self::default();
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (first, name_at) = match rest.as_bytes()[0] {
                mark @ (b'#' | b'.') => (Some(mark), 1),
                _ => (None, 0),
            };
            let name = &rest[name_at..];
            let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ':' | '.' | '@');
            let end = name.find(|letter: char| !is_name(letter)).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            if name.is_empty() {
                return None;
            }
            rest = match first {
                Some(b'#') => {
                    found.id = Some(name.to_owned());
                    after
                }
                Some(_) => {
                    found.classes.extend(name.split('.').map(str::to_owned));
                    after
                }
                None => {
                    if let Some(value) = after.strip_prefix('=') {
                        let (value, after) = value_of(value)?;
                        match name {
                            "id" => found.id = Some(value),
                            "class" => found.classes.extend(value.split_whitespace().map(str::to_owned)),
                            _ => found.pairs.push((name.to_owned(), value)),
                        }
                        after
                    } else {
                        found.pairs.push((name.to_owned(), String::new()));
                        after
                    }
                }
            };
            if !rest.is_empty() && !rest.starts_with([' ', '.', '#']) {
                return None;
            }
            rest = rest.trim_start();
        }
        Some(found)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether the list says anything a reader of plain braces would not.
    fn is_marked(&self) -> bool {
        self.id.is_some() || !self.classes.is_empty() || self.pairs.iter().any(|(_, value)| !value.is_empty())
    }

    /// Writes everything but the id and the classes of the element itself.
    pub(super) fn write(&self, html: &mut String, own_class: &str) {
        if let Some(id) = &self.id {
            _ = write!(html, " id=\"{}\"", escaped(id));
        }
        self.write_rest(html, own_class);
    }

    /// The same without the id.
    pub(super) fn write_rest(&self, html: &mut String, own_class: &str) {
        let classes: Vec<&str> =
            own_class.split(' ').filter(|one| !one.is_empty()).chain(self.classes.iter().map(String::as_str)).collect();
        if !classes.is_empty() {
            _ = write!(html, " class=\"{}\"", escaped(&classes.join(" ")));
        }
        for (name, value) in &self.pairs {
            // What may be given is the sanitiser's choice; here only the form matters.
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if plain && !matches!(&**name, "markdown" | "href" | "src" | "style") {
                _ = write!(html, " {name}=\"{}\"", escaped(value));
            }
        }
    }
}

fn value_of(text: &str) -> Option<(String, &str)> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let (value, after) = inner.split_once(quote)?;
            return Some((value.to_owned(), after));
        }
    }
    let end = text.find([' ', '}']).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

/// Text for HTML, in an attribute or between tags.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 8);
    escape_into(&mut html, text);
    html
}

/// The same, appended.
pub(super) fn escape_into(html: &mut String, text: &str) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => continue,
        };
        html.push_str(&text[plain..at]);
        html.push_str(entity);
        plain = at + 1;
    }
    html.push_str(&text[plain..]);
}

/// The lists taken out of one source.
#[derive(Debug, Default)]
pub(super) struct Taken {
    lists: Vec<(String, Attributes)>,
}

impl Taken {
    /// Puts tokens into a piece of text that has no code in it.
    pub(super) fn take(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, braced) = rest.split_at(at);
            out.push_str(before);
            let end = braced.char_indices().take(LONGEST).find(|(_, letter)| *letter == '}').map(|(at, _)| at);
            let list = end.filter(|end| braced.as_bytes().get(1) != Some(&b'{') && *end > 1);
            let list = list.and_then(|end| {
                let parsed = Attributes::parse(&braced[1..end])?;
                (braced[1..].starts_with(':') || parsed.is_marked()).then_some((end, parsed))
            });
            rest = if let Some((end, parsed)) = list {
                _ = write!(out, "{OPEN}{}{CLOSE}", self.lists.len());
                self.lists.push((braced[..=end].to_owned(), parsed));
                &braced[end + 1..]
            } else {
                out.push('{');
                &braced[1..]
            };
        }
        out.push_str(rest);
    }

    /// Writes a token for a list of our own, which shows as nothing where it is not claimed.
    pub(super) fn note(&mut self, list: Attributes, out: &mut String) {
        _ = write!(out, "{OPEN}{}{CLOSE}", self.lists.len());
        self.lists.push((String::new(), list));
    }

    /// The list a text begins with, and the text after it.
    pub(super) fn leading<'t>(&self, text: &'t str) -> Option<(&Attributes, &'t str)> {
        let (number, after) = text.strip_prefix(OPEN)?.split_once(CLOSE)?;
        Some((&self.lists.get(number.parse::<usize>().ok()?)?.1, after))
    }

    /// The list a text ends with, and the text before it.
    pub(super) fn trailing<'t>(&self, text: &'t str) -> Option<(&'t str, &Attributes)> {
        let text = text.trim_end();
        let at = text.rfind(OPEN)?;
        let (list, after) = self.leading(&text[at..])?;
        after.is_empty().then(|| (&text[..at], list))
    }

    /// Puts back what nothing claimed.
    pub(super) fn restore(&self, text: &str, is_html: bool) -> String {
        if !text.contains(OPEN) {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(OPEN) {
            let (before, token) = rest.split_at(at);
            out.push_str(before);
            let known = token[OPEN.len()..].split_once(CLOSE);
            let list = known.and_then(|(number, after)| Some((self.lists.get(number.parse::<usize>().ok()?)?, after)));
            rest = if let Some(((source, _), after)) = list {
                if is_html {
                    escape_into(&mut out, source);
                } else {
                    out.push_str(source);
                }
                after
            } else {
                &token[OPEN.len()..]
            };
        }
        out.push_str(rest);
        out
    }
}

/// A source without the characters that tokens are made of.
pub(super) fn without_marks(source: &str) -> std::borrow::Cow<'_, str> {
    if source.contains(['\u{F0000}', CLOSE, '\0']) {
        source.replace(['\u{F0000}', CLOSE, '\0'], "\u{FFFD}").into()
    } else {
        source.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let list = Attributes::parse(": #top .a .b width=\"300\" target=_blank hidden").unwrap();
        assert_eq!(list.id.as_deref(), Some("top"));
        assert_eq!(list.classes, ["a", "b"]);
        assert_eq!(list.get("width"), Some("300"));
        assert_eq!(list.get("target"), Some("_blank"));
        assert_eq!(list.get("hidden"), Some(""));
        for text in ["", ":", "{x", "a, b", "\"x\": 1", "% if %", "a=\"b"] {
            assert_eq!(Attributes::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_claimed_comes_back() {
        let mut taken = Taken::default();
        let mut out = String::new();
        taken.take("a {: .x } b { name } c {{ y }} d {", &mut out);
        assert_ne!(out, "a {: .x } b { name } c {{ y }} d {");
        assert_eq!(taken.restore(&out, false), "a {: .x } b { name } c {{ y }} d {");
    }
}
