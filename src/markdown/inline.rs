//! What stands within a line and comrak does not know: critic marks, keys, `^^inserted^^`, attribute lists.
//!
//! Code between backticks is left alone.

use super::attributes::Taken;
use super::{Dialect, keys};

/// Writes a line so that comrak reads what is meant.
pub(super) fn prepare(text: &str, dialect: Dialect, taken: &mut Taken, out: &mut String) {
    if !text.contains('{') && !text.contains("++") && !text.contains("^^") {
        out.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        let (plain, code) = rest.split_at(at);
        let ticks = code.len() - code.trim_start_matches('`').len();
        let Some(end) = closing(code, ticks) else { break };
        piece(plain, dialect, taken, out);
        out.push_str(&code[..end]);
        rest = &code[end..];
    }
    piece(rest, dialect, taken, out);
}

/// Where a span of code ends that begins with this many backticks.
fn closing(code: &str, ticks: usize) -> Option<usize> {
    let mut at = ticks;
    while let Some(next) = code[at..].find('`') {
        let start = at + next;
        let length = code[start..].len() - code[start..].trim_start_matches('`').len();
        at = start + length;
        if length == ticks {
            return Some(at);
        }
    }
    None
}

/// A mark with its ends and the tags that show it.
struct Mark {
    open: &'static str,
    close: &'static str,
    before: &'static str,
    after: &'static str,
}

const CRITIC: [Mark; 4] = [
    Mark { open: "{++", close: "++}", before: "<ins class=\"critic\">", after: "</ins>" },
    Mark { open: "{--", close: "--}", before: "<del class=\"critic\">", after: "</del>" },
    Mark { open: "{==", close: "==}", before: "<mark class=\"critic\">", after: "</mark>" },
    Mark { open: "{>>", close: "<<}", before: "<span class=\"critic comment\">", after: "</span>" },
];

/// A piece of a line without code.
fn piece(text: &str, dialect: Dialect, taken: &mut Taken, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '+', '^']) {
        taken.take(&rest[..at], out);
        let here = &rest[at..];
        rest = if let Some(after) = critic(here, dialect, taken, out) {
            after
        } else if let Some((html, after)) = keys::parse(here) {
            out.push_str(&html);
            after
        } else if let Some(after) = inserted(here, dialect, taken, out) {
            after
        } else if here.starts_with('{') {
            // Up to the end of the list, if it is one.
            let end = here.find('}').map_or(here.len(), |end| end + 1);
            taken.take(&here[..end], out);
            &here[end..]
        } else {
            out.push_str(&here[..1]);
            &here[1..]
        };
    }
    out.push_str(rest);
}

fn critic<'t>(here: &'t str, dialect: Dialect, taken: &mut Taken, out: &mut String) -> Option<&'t str> {
    if let Some(rest) = here.strip_prefix("{~~") {
        let (inside, after) = split_near(rest, "~~}")?;
        let (old, new) = split_near(inside, "~>")?;
        out.push_str("<del class=\"critic\">");
        piece(old, dialect, taken, out);
        out.push_str("</del><ins class=\"critic\">");
        piece(new, dialect, taken, out);
        out.push_str("</ins>");
        return Some(after);
    }
    let mark = CRITIC.iter().find(|mark| here.starts_with(mark.open))?;
    let (inside, after) = split_near(&here[mark.open.len()..], mark.close)?;
    out.push_str(mark.before);
    piece(inside, dialect, taken, out);
    out.push_str(mark.after);
    Some(after)
}

fn inserted<'t>(here: &'t str, dialect: Dialect, taken: &mut Taken, out: &mut String) -> Option<&'t str> {
    let rest = here.strip_prefix("^^").filter(|_| dialect.caret)?;
    let (inside, after) = split_near(rest, "^^")?;
    if inside.is_empty() || inside.starts_with(' ') || inside.ends_with(' ') {
        return None;
    }
    out.push_str("<ins>");
    piece(inside, dialect, taken, out);
    out.push_str("</ins>");
    Some(after)
}

/// Most that may stand between two marks.
const NEAR: usize = 2000;

/// What stands before and after a mark that is not far.
fn split_near<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let at = text[..text.floor_char_boundary(NEAR)].find(mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}

/// Signs that are written with plain letters.
const SYMBOLS: [(&str, &str); 16] = [
    ("(tm)", "™"),
    ("(c)", "©"),
    ("(r)", "®"),
    ("c/o", "℅"),
    ("+/-", "±"),
    ("<-->", "↔"),
    ("-->", "→"),
    ("<--", "←"),
    ("<==>", "⇔"),
    ("==>", "⇒"),
    ("<==", "⇐"),
    ("=/=", "≠"),
    ("1/2", "½"),
    ("1/4", "¼"),
    ("3/4", "¾"),
    ("1/3", "⅓"),
];

/// A text with its signs.
pub(super) fn smart(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(['(', '/', '-', '=']) || !SYMBOLS.iter().any(|(plain, _)| text.contains(plain)) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    'next: while let Some(first) = rest.chars().next() {
        for (plain, sign) in SYMBOLS {
            if let Some(after) = rest.strip_prefix(plain) {
                let is_word = plain.starts_with(|letter: char| letter.is_alphanumeric());
                let joined = is_word
                    && (out.ends_with(|letter: char| letter.is_alphanumeric() || letter == '/')
                        || after.starts_with(|letter: char| letter.is_alphanumeric() || letter == '/'));
                if !joined {
                    out.push_str(sign);
                    rest = after;
                    continue 'next;
                }
            }
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &str) -> String {
        let mut out = String::new();
        let mut taken = Taken::default();
        prepare(text, Dialect::DOCS, &mut taken, &mut out);
        taken.restore(&out, false)
    }

    #[test]
    fn marks_become_tags_and_code_stays() {
        for (source, expected) in [
            ("a {++b++} c", "a <ins class=\"critic\">b</ins> c"),
            ("{~~a~>b~~}", "<del class=\"critic\">a</del><ins class=\"critic\">b</ins>"),
            ("`{++b++}` {--c--}", "`{++b++}` <del class=\"critic\">c</del>"),
            ("``a ` {++b++}`` ^^x^^", "``a ` {++b++}`` <ins>x</ins>"),
            ("x ^^ y", "x ^^ y"),
            ("{name} {{ x }} { a", "{name} {{ x }} { a"),
            ("i++ and C++", "i++ and C++"),
        ] {
            assert_eq!(prepared(source), expected, "{source}");
        }
        assert!(prepared("++ctrl+alt+del++").contains("<kbd class=\"key-control\">Ctrl</kbd>"));
    }

    #[test]
    fn signs_are_not_made_within_words() {
        assert_eq!(smart("(c) --> 1/2 of 11/2 and 1/2/3"), "© → ½ of 11/2 and 1/2/3");
    }
}
