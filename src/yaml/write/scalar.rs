//! Texts: plain, quoted or as a block of lines.

use std::fmt::Write as _;

use granit_parser::ScalarStyle;
use serde_json::Value;

use super::super::scalar;
use super::{Place, Style, Text};

/// A text at a place.
pub(super) fn text(text: &str, place: Place, style: &Style) -> String {
    let one_line = place.is_key || place.in_flow;
    if text.chars().any(needs_escape) {
        return double(text, style);
    }
    match if place.is_key { style.keys } else { style.texts } {
        Text::Double => double(text, style),
        Text::Single => single(text, place, style),
        Text::Block if !one_line => block(text, place, style),
        Text::Block => quoted(text, place, style),
        Text::Plain => plain(text, place, style),
    }
}

/// Control characters but tabs and line ends, and the mark that a reader takes for the beginning of a file.
fn needs_escape(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{feff}')
}

fn plain(text: &str, place: Place, style: &Style) -> String {
    let one_line = place.is_key || place.in_flow;
    if text.contains('\n') {
        return if one_line { quoted(text, place, style) } else { block(text, place, style) };
    }
    let in_brackets = place.in_flow && text.contains(['[', ']', '{', '}', ',']);
    let means_more = !matches!(scalar::resolve(text, ScalarStyle::Plain, None), Value::String(_));
    if in_brackets || means_more || reads_otherwise(text) || is_marker(text) {
        return quoted(text, place, style);
    }
    text.to_owned()
}

/// Whether a line would be something else without quotes.
fn reads_otherwise(text: &str) -> bool {
    const FIRST: &[char] =
        &['\t', ' ', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`'];
    let mut characters = text.chars();
    let begins_block =
        matches!(characters.next(), Some('?' | '-')) && matches!(characters.next(), None | Some(' ' | '\t'));
    let has_comment = text.contains(" #") || text.contains("\t#");
    let has_key = text.contains(": ") || text.contains(":\t");
    text.starts_with(FIRST) || begins_block || has_comment || has_key || text.ends_with([' ', '\t', ':'])
}

/// Whether a line of the text begins or ends a document.
fn is_marker(text: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    })
}

fn quoted(text: &str, place: Place, style: &Style) -> String {
    let is_single = match style.single_quotes {
        Some(false) => false,
        preferred => match (text.contains('"'), text.contains('\'')) {
            (true, false) => true,
            (false, true) => false,
            _ => preferred == Some(true),
        },
    };
    if is_single { single(text, place, style) } else { double(text, style) }
}

/// Single quotes cannot hold every text on one line: then double ones.
fn single(text: &str, _: Place, style: &Style) -> String {
    if style.single_quotes == Some(false) || text.contains('\n') {
        return double(text, style);
    }
    format!("'{}'", text.replace('\'', "''"))
}

fn double(text: &str, style: &Style) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        let short = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\t' => "\\t",
            '\r' => "\\r",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\0' if !style.escapes_as_json => "\\0",
            '\u{7}' if !style.escapes_as_json => "\\a",
            '\u{b}' if !style.escapes_as_json => "\\v",
            '\u{1b}' if !style.escapes_as_json => "\\e",
            '\u{feff}' => "\\ufeff",
            '\0'..='\u{1f}' => {
                let code = u32::from(character);
                // Writing to a string cannot fail.
                let _ = if style.escapes_as_json { write!(out, "\\u{code:04x}") } else { write!(out, "\\x{code:02x}") };
                continue;
            }
            other => {
                out.push(other);
                continue;
            }
        };
        out.push_str(short);
    }
    out.push('"');
    out
}

/// `|`, with what says how the text begins and ends. What a block cannot hold exactly is quoted.
fn block(text: &str, place: Place, style: &Style) -> String {
    let body = text.trim_end_matches('\n');
    let ends = text.len() - body.len();
    // Blanks at the end of the text are easily lost, and a first line with blanks needs its indentation
    // counted, which readers do differently at the root.
    let is_delicate = body.is_empty() || body.ends_with([' ', '\t']) || (ends > 0 && body.lines().any(is_blank));
    let first = body.trim_start_matches('\n');
    let begins_with_blank = first.starts_with([' ', '\t']);
    if !style.has_blocks || is_delicate || (begins_with_blank && (style.indent != 2 || place.indent == 0)) {
        return quoted(text, place, style);
    }
    let indent = if place.indent == 0 && is_marker(text) { 2 } else { place.indent };
    let lead = if begins_with_blank { "2" } else { "" };
    let chomp = match ends {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let mut out = format!("|{lead}{chomp}");
    let spaces = " ".repeat(indent);
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&spaces);
            out.push_str(line);
        }
    }
    out.extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
    out
}

fn is_blank(line: &str) -> bool {
    !line.is_empty() && line.trim().is_empty()
}
