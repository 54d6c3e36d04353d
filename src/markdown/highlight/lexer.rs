//! Colours of the languages that documentation is full of, in one pass over the text.
//!
//! The syntaxes of Sublime Text are exact and take long to get ready: a fifth of a second of regular expressions for a page
//! with three languages. These few are told apart by comments, strings, numbers and words instead. What a line leaves open
//! (a comment, a string) goes on in the next one.

use super::super::attributes::escape_into;
use super::language::{Language, Shape};

/// What a line leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    /// Up to this end, in this class.
    Until(&'static str, &'static str),
    /// Within a tag of HTML.
    Tag,
}

/// The lines of a block as HTML.
pub(super) fn lines(code: &str, language: &Language) -> Vec<String> {
    let mut open = Open::Nothing;
    code.split_inclusive('\n')
        .map(|line| {
            let line = line.strip_suffix('\n').unwrap_or(line);
            let mut pen = Pen { html: String::with_capacity(line.len() * 2), plain: String::new() };
            open = match language.shape {
                Shape::Diff => diff(line, &mut pen),
                Shape::Markup => markup(line, open, &mut pen),
                Shape::Prose => prose(line, &mut pen),
                _ => words(line, language, open, &mut pen),
            };
            pen.end()
        })
        .collect()
}

/// Writes pieces with their classes.
struct Pen {
    html: String,
    plain: String,
}

impl Pen {
    fn write(&mut self, text: &str, class: &str) {
        if class.is_empty() || text.trim().is_empty() {
            self.plain.push_str(text);
            return;
        }
        self.flush();
        self.html.extend(["<span class=\"", class, "\">"]);
        escape_into(&mut self.html, text);
        self.html.push_str("</span>");
    }

    fn flush(&mut self) {
        escape_into(&mut self.html, &self.plain);
        self.plain.clear();
    }

    fn end(mut self) -> String {
        self.flush();
        self.html
    }
}

fn diff(line: &str, pen: &mut Pen) -> Open {
    let class = match line.as_bytes().first() {
        Some(b'+') => "gi",
        Some(b'-') => "gd",
        Some(b'@') => "gh",
        _ => "",
    };
    pen.write(line, class);
    Open::Nothing
}

fn prose(line: &str, pen: &mut Pen) -> Open {
    let body = line.trim_start();
    if body.starts_with('#') {
        pen.write(line, "gh");
        return Open::Nothing;
    }
    let marks = ["- ", "* ", "> ", "!!! ", "??? ", "=== ", "```"];
    let mut rest = line;
    if let Some(mark) = marks.iter().find(|mark| body.starts_with(**mark)) {
        let end = line.len() - body.len() + mark.len();
        pen.write(&line[..end], "k");
        rest = &line[end..];
    }
    while let Some(at) = rest.find('`') {
        pen.write(&rest[..at], "");
        let end = quoted(&rest[at..], '`', false);
        pen.write(&rest[at..at + end], "s");
        rest = &rest[at + end..];
    }
    pen.write(rest, "");
    Open::Nothing
}

/// HTML, XML, and the marks of Jinja and Go templates.
fn markup(line: &str, mut open: Open, pen: &mut Pen) -> Open {
    let mut rest = line;
    while !rest.is_empty() {
        rest = match open {
            Open::Until(end, class) => until(rest, end, class, &mut open, pen),
            Open::Tag => in_tag(rest, &mut open, pen),
            Open::Nothing => {
                let at = rest.find(['<', '{']).unwrap_or(rest.len());
                pen.write(&rest[..at], "");
                between(&rest[at..], &mut open, pen)
            }
        };
    }
    open
}

/// The rest of what an earlier line, or the mark before, left open.
fn until<'l>(rest: &'l str, end: &str, class: &str, open: &mut Open, pen: &mut Pen) -> &'l str {
    let (inside, after) = rest.split_at(rest.find(end).map_or(rest.len(), |at| at + end.len()));
    pen.write(inside, class);
    if inside.ends_with(end) {
        *open = Open::Nothing;
    }
    after
}

/// The next piece within a tag.
fn in_tag<'l>(rest: &'l str, open: &mut Open, pen: &mut Pen) -> &'l str {
    let first = rest.chars().next().unwrap_or(' ');
    if let Some(end) = ["/>", "?>", ">"].into_iter().find(|end| rest.starts_with(end)) {
        pen.write(end, "nt");
        *open = Open::Nothing;
        return &rest[end.len()..];
    }
    let (end, class) = if matches!(first, '"' | '\'') {
        (quoted(rest, first, false), "s")
    } else if first.is_alphabetic() || matches!(first, '@' | ':' | '_') {
        (rest.find(['=', '>', ' ', '/']).unwrap_or(rest.len()).max(1), "na")
    } else {
        (first.len_utf8(), "")
    };
    pen.write(&rest[..end], class);
    &rest[end..]
}

/// The mark that a text begins with, or its first letter.
fn between<'l>(here: &'l str, open: &mut Open, pen: &mut Pen) -> &'l str {
    const MARKS: [(&str, &str, &str); 4] =
        [("<!--", "-->", "c"), ("{{", "}}", "si"), ("{%", "%}", "k"), ("{#", "#}", "c")];
    if let Some((_, end, class)) = MARKS.into_iter().find(|(start, ..)| here.starts_with(start)) {
        *open = Open::Until(end, class);
        return here;
    }
    let Some(first) = here.chars().next() else { return here };
    let name = here.strip_prefix('<').map(|rest| rest.strip_prefix(['/', '?', '!']).unwrap_or(rest));
    let name = name.filter(|name| name.starts_with(char::is_alphabetic));
    let Some(name) = name else {
        let (letter, after) = here.split_at(first.len_utf8());
        pen.write(letter, "");
        return after;
    };
    let start = here.len() - name.len();
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '>' | '/');
    let end = start + name.find(is_end).unwrap_or(name.len());
    pen.write(&here[..end], "nt");
    *open = Open::Tag;
    &here[end..]
}

/// How long the string is that a text begins with, with its quotes.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if letter == '\\' && escapes {
            escaped = true;
        } else if letter == quote {
            return at + letter.len_utf8();
        }
    }
    text.len()
}

/// Everything that is made of words.
fn words(line: &str, language: &Language, mut open: Open, pen: &mut Pen) -> Open {
    let mut rest = line;
    if open == Open::Nothing {
        rest = beginning(line, language, pen);
    }
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        if let Open::Until(end, class) = open {
            (rest, before) = (until(rest, end, class, &mut open, pen), '"');
            continue;
        }
        let length = if let Some(mark) = language.line_comments.iter().find(|mark| rest.starts_with(**mark))
            && (!mark.starts_with('#') || before.is_whitespace())
        {
            pen.write(rest, "c");
            return Open::Nothing;
        } else if let Some((start, end)) = language.block_comment
            && rest.starts_with(start)
        {
            pen.write(start, "c");
            open = Open::Until(end, "c");
            start.len()
        } else if let Some(triple) = language.long_strings.iter().find(|triple| rest.starts_with(**triple)) {
            pen.write(triple, "s");
            open = Open::Until(triple, "s");
            triple.len()
        } else if language.quotes.contains(first) && !(first == '\'' && before.is_alphanumeric()) {
            string(rest, first, language, pen)
        } else if first.is_ascii_digit() && !before.is_alphanumeric() && before != '_' {
            number(rest, pen)
        } else if language.shape == Shape::Shell && first == '$' {
            variable(rest, pen)
        } else if language.shape == Shape::Shell && first == '-' && before.is_whitespace() && rest.len() > 1 {
            let end = rest.find(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or(rest.len());
            pen.write(&rest[..end], "na");
            end
        } else if first.is_alphabetic() || first == '_' || (first == '@' && language.decorators) {
            word(rest, language, pen)
        } else {
            pen.write(&rest[..first.len_utf8()], "");
            first.len_utf8()
        };
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    open
}

/// What only stands at the beginning of a line: keys, sections, instructions.
fn beginning<'l>(line: &'l str, language: &Language, pen: &mut Pen) -> &'l str {
    let body = line.trim_start();
    let margin = &line[..line.len() - body.len()];
    match language.shape {
        Shape::Keyed => {
            let dashes = body.len() - body.trim_start_matches(['-', ' ']).len();
            let (marks, rest) = body.split_at(dashes);
            pen.write(margin, "");
            pen.write(marks, "");
            let end = match rest.chars().next() {
                Some(quote @ ('"' | '\'')) => quoted(rest, quote, quote == '"'),
                Some('#') | None => return rest,
                _ => rest.find(": ").or_else(|| rest.strip_suffix(':').map(str::len)).unwrap_or(0),
            };
            let is_key = end > 0
                && rest[end..].starts_with(':')
                && !rest[..end].contains(" #")
                && !rest.starts_with(['{', '[', '|', '>']);
            if is_key {
                pen.write(&rest[..end], "nt");
                return &rest[end..];
            }
            rest
        }
        Shape::Sections => {
            pen.write(margin, "");
            if body.starts_with('[') && body.trim_end().ends_with(']') {
                pen.write(body, "gh");
                return "";
            }
            if let Some((key, _)) = body.split_once('=')
                && !body.starts_with(['#', ';', '"'])
            {
                pen.write(key, "na");
                return &body[key.len()..];
            }
            body
        }
        Shape::Shell => {
            // The prompt of a session.
            if let Some(rest) =
                body.strip_prefix("$ ").or_else(|| body.strip_prefix("# ").filter(|_| language.has_prompt))
            {
                pen.write(margin, "");
                pen.write(&body[..2], "gp");
                return rest;
            }
            line
        }
        Shape::Instructions => {
            let end = body.find(' ').unwrap_or(body.len());
            if !body.is_empty() && body[..end].bytes().all(|byte| byte.is_ascii_uppercase()) {
                pen.write(margin, "");
                pen.write(&body[..end], "k");
                return &body[end..];
            }
            line
        }
        Shape::Words | Shape::Data | Shape::Diff | Shape::Markup | Shape::Prose => line,
    }
}

fn string(rest: &str, quote: char, language: &Language, pen: &mut Pen) -> usize {
    let end = quoted(rest, quote, language.shape != Shape::Keyed || quote == '"');
    // A character that stands alone is no string: lifetimes, and apostrophes in words.
    if quote == '\'' && end == rest.len() && !rest[1..].contains('\'') {
        pen.write("'", "");
        return 1;
    }
    let is_key = language.shape == Shape::Data && rest[end..].trim_start().starts_with(':');
    pen.write(&rest[..end], if is_key { "nt" } else { "s" });
    end
}

fn number(rest: &str, pen: &mut Pen) -> usize {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_');
    let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
    let is_number =
        rest[..end].bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b'_' | b'x' | b'o'));
    pen.write(&rest[..end], if is_number { "m" } else { "" });
    end
}

fn variable(rest: &str, pen: &mut Pen) -> usize {
    let end = if rest.starts_with("${") {
        rest.find('}').map_or(rest.len(), |at| at + 1)
    } else {
        let name =
            rest[1..].find(|letter: char| !letter.is_alphanumeric() && letter != '_').map_or(rest.len(), |at| at + 1);
        if name == 1 && rest.len() > 1 { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { name }
    };
    pen.write(&rest[..end], "nv");
    end
}

fn word(rest: &str, language: &Language, pen: &mut Pen) -> usize {
    let is_part =
        |letter: char| letter.is_alphanumeric() || letter == '_' || (letter == '-' && language.dashes) || letter == '@';
    let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    let class = if word.starts_with('@') {
        "nd"
    } else if language.constants.contains(&word) {
        "kc"
    } else if language.has_keyword(word) {
        "k"
    } else if language.shape == Shape::Words && after.starts_with('(') {
        "nf"
    } else if language.shape == Shape::Words && word.starts_with(char::is_uppercase) {
        "nc"
    } else {
        ""
    };
    pen.write(word, class);
    end
}
