//! Cuts a template into text, outputs, blocks and comments, and applies the whitespace rules on the way.
//!
//! `raw` and `verbatim` end here: their content is text. The inside of a tag is cut further by [`code`].

pub(super) mod code;

use super::Syntax;
use super::limits::{Fault, Result};
use super::text::is_space;
use code::trim;

/// A piece of a template. Ranges are byte offsets into the source.
#[derive(Debug)]
pub(super) enum Piece {
    Text { text: String, at: usize },
    Tag(Tag),
}

/// An output or a block; `start..end` is its content without the surrounding space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    pub(super) is_output: bool,
    /// Where the opening delimiter stands.
    pub(super) at: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Output,
    Block,
    Comment,
}

impl Kind {
    fn close(self) -> &'static str {
        match self {
            Kind::Output => "}}",
            Kind::Block => "%}",
            Kind::Comment => "#}",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Output => "output",
            Kind::Block => "block",
            Kind::Comment => "comment",
        }
    }
}

/// Whether `source` holds anything but plain text. Quick: most strings of a template do not.
pub(super) fn is_plain(source: &str, syntax: &Syntax) -> bool {
    let has = |delimiter: &str| memchr::memmem::find(source.as_bytes(), delimiter.as_bytes()).is_some();
    !(has(syntax.open()) || has("{%") || has("{#") || has("#}"))
}

pub(super) fn cut(source: &str, syntax: &Syntax) -> Result<Vec<Piece>> {
    let mut lexer = Lexer { source, syntax, index: 0, text: String::new(), text_at: 0, pieces: Vec::new() };
    while lexer.index < source.len() {
        lexer.step()?;
    }
    lexer.flush();
    Ok(lexer.pieces)
}

struct Lexer<'s> {
    source: &'s str,
    syntax: &'s Syntax,
    index: usize,
    text: String,
    text_at: usize,
    pieces: Vec<Piece>,
}

impl Lexer<'_> {
    /// Takes the text up to the next tag, and the tag.
    fn step(&mut self) -> Result<()> {
        let Some((at, kind)) = self.next_opening()? else {
            self.take_text(self.source.len());
            return Ok(());
        };
        self.take_text(at);
        if kind == Kind::Block && self.syntax.lstrip_blocks {
            self.strip_indent(at);
        }
        let open = if kind == Kind::Output { self.syntax.open().len() } else { 2 };
        self.index = at + open;
        if self.rest().starts_with('-') {
            self.index += 1;
            self.text.truncate(trimmed_end(&self.text));
        }
        self.flush();
        self.take_tag(at, kind)
    }

    fn rest(&self) -> &str {
        &self.source[self.index..]
    }

    fn next_opening(&self) -> Result<Option<(usize, Kind)>> {
        let bytes = self.source.as_bytes();
        let open = self.syntax.open().as_bytes();
        let mut from = self.index;
        // Most of a file is text without a tag: it is searched many bytes at once.
        while let Some(offset) = memchr::memchr3(b'{', b'#', b'$', &bytes[from..]) {
            let at = from + offset;
            let rest = &bytes[at..];
            if rest.starts_with(open) {
                return Ok(Some((at, Kind::Output)));
            }
            if rest.starts_with(b"{%") {
                return Ok(Some((at, Kind::Block)));
            }
            if rest.starts_with(b"{#") {
                return Ok(Some((at, Kind::Comment)));
            }
            if rest.starts_with(b"#}") {
                return Err(Fault::at("'#}' ends a comment that was not begun: put {% raw %} around it", at));
            }
            from = at + 1;
        }
        Ok(None)
    }

    fn take_text(&mut self, end: usize) {
        if self.text.is_empty() {
            self.text_at = self.index;
        }
        self.text.push_str(&self.source[self.index..end]);
        self.index = end;
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text { text: std::mem::take(&mut self.text), at: self.text_at });
        }
    }

    /// `lstrip_blocks`: drops the indentation of a block that stands first on its line.
    fn strip_indent(&mut self, at: usize) {
        let line = self.source[..at].rfind('\n').map_or(0, |newline| newline + 1);
        if self.source[line..at].chars().all(is_space_char) {
            // After trimmed text the line in front of the tag may not be the last one that is kept.
            let keep = self.text.rfind('\n').map_or(0, |newline| newline + 1);
            if self.text[keep..].chars().all(is_space_char) {
                self.text.truncate(keep);
            }
        }
    }

    fn take_tag(&mut self, at: usize, kind: Kind) -> Result<()> {
        let close = kind.close();
        let end = match kind {
            Kind::Comment => self.rest().find(close).map(|offset| self.index + offset),
            _ => code::find_end(self.source, self.index, close)?,
        };
        let Some(end) = end else {
            return Err(Fault::at(format!("the {} is not closed: '{close}' is missing", kind.name()), at));
        };
        let trim_right = self.source[..end].ends_with('-');
        let content_end = if trim_right { end - 1 } else { end };
        let (start, content_end) = trim(self.source, self.index.min(content_end), content_end);
        self.index = end + close.len();
        if kind == Kind::Block && self.take_raw(at, start, content_end, trim_right)? {
            return Ok(());
        }
        if kind != Kind::Comment {
            self.pieces.push(Piece::Tag(Tag { is_output: kind == Kind::Output, at, start, end: content_end }));
        }
        if trim_right {
            self.skip_space();
        } else if kind == Kind::Block && self.syntax.trim_blocks {
            self.skip_newline();
        }
        Ok(())
    }

    /// Takes the content of `raw` and `verbatim` as text.
    fn take_raw(&mut self, at: usize, start: usize, end: usize, trim_right: bool) -> Result<bool> {
        let content = &self.source[start..end];
        let name = code::tag_name(content);
        if name != "raw" && name != "verbatim" {
            return Ok(false);
        }
        if content.len() > name.len() {
            return Err(Fault::at(format!("'{name}' takes nothing after its name"), at));
        }
        if self.syntax.trim_blocks {
            self.skip_newline();
        }
        let Some((close, close_end)) = find_raw_end(self.source, self.index, name) else {
            return Err(Fault::at(format!("'{{% end{name} %}}' is missing"), at));
        };
        if self.source[close..close_end].contains('\n') {
            return Err(Fault::at(format!("'end{name}' has to stand on one line with its delimiters"), close));
        }
        self.take_text(close);
        self.index = close_end;
        if trim_right {
            self.skip_space();
        }
        Ok(true)
    }

    fn skip_space(&mut self) {
        self.index = self.source.len() - self.rest().trim_start_matches(is_space_char).len();
    }

    fn skip_newline(&mut self) {
        let rest = self.rest();
        if rest.starts_with('\n') {
            self.index += 1;
        } else if rest.starts_with("\r\n") {
            self.index += 2;
        }
    }
}

fn is_space_char(character: char) -> bool {
    u16::try_from(u32::from(character)).is_ok_and(is_space)
}

fn trimmed_end(text: &str) -> usize {
    text.trim_end_matches(is_space_char).len()
}

/// The start and end of the closing tag that belongs to a `raw` block whose content starts at `from`. Nested blocks of
/// the same name count; tags with a minus after the opening delimiter do not.
fn find_raw_end(source: &str, from: usize, name: &str) -> Option<(usize, usize)> {
    let mut depth = 1;
    let mut index = from;
    loop {
        let start = index + source[index..].find("{%")?;
        let Some((is_close, end)) = raw_marker(source, start, name) else {
            index = start + 2;
            continue;
        };
        depth = if is_close { depth - 1 } else { depth + 1 };
        if depth == 0 {
            return Some((start, end));
        }
        index = end;
    }
}

fn raw_marker(source: &str, start: usize, name: &str) -> Option<(bool, usize)> {
    let inside = source[start + 2..].trim_start_matches(is_space_char);
    let (is_close, rest) = match inside.strip_prefix("end").and_then(|rest| rest.strip_prefix(name)) {
        Some(rest) => (true, rest),
        None => (false, inside.strip_prefix(name)?),
    };
    let rest = rest.trim_start_matches(is_space_char).strip_prefix("%}")?;
    Some((is_close, source.len() - rest.len()))
}
