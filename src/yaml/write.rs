//! Writes JSON values as YAML in the style of npm `yaml` 2.x, which Backstage's ecosystem writes with.
//!
//! Lists are indented below their key, texts are plain where they can be, else in double quotes, and texts of several
//! lines are literal blocks. [`Style`] has the options of that library that change how values look. Two things are
//! left out: long lines are not folded, and what a plain or quoted text says is never spread over lines. Reading gives
//! the same value either way.
//!
//! [`Remarks`] are comments to put beside the nodes they belong to.

mod scalar;

use serde_json::{Map, Number, Value};

use super::pointer_push;
use super::remark::Remarks;

/// How values look; the defaults are those of npm `yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Style {
    /// Spaces of one level of a map.
    pub(crate) indent: usize,
    /// Whether a list is indented below its key.
    pub(crate) indents_lists: bool,
    /// Whether every collection is on one line: `{ a: 1 }`.
    pub(crate) is_flow: bool,
    /// Whether there are blanks inside the brackets of a collection on one line.
    pub(crate) pads_flow: bool,
    /// Whether texts of several lines are blocks.
    pub(crate) has_blocks: bool,
    /// How texts are written where they can be written in several ways.
    pub(crate) texts: Text,
    /// How keys are written.
    pub(crate) keys: Text,
    /// Which quotes a text gets that needs some; none: the ones it has fewer of, and double if it has neither.
    pub(crate) single_quotes: Option<bool>,
    /// Whether double quotes have JSON's escapes only.
    pub(crate) escapes_as_json: bool,
    /// `null`
    pub(crate) null: String,
    /// `true`
    pub(crate) yes: String,
    /// `false`
    pub(crate) no: String,
    /// Whether the document begins with `---`.
    pub(crate) has_marker: bool,
}

/// A way to write a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// Bare words.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|` and lines.
    Block,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            indent: 2,
            indents_lists: true,
            is_flow: false,
            pads_flow: true,
            has_blocks: true,
            texts: Text::Plain,
            keys: Text::Plain,
            single_quotes: None,
            escapes_as_json: false,
            null: "null".to_owned(),
            yes: "true".to_owned(),
            no: "false".to_owned(),
            has_marker: false,
        }
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// Spaces before each of its lines.
    indent: usize,
    /// Whether it stands inside a collection on one line.
    in_flow: bool,
    is_key: bool,
}

/// Writes one document.
pub(crate) fn write(value: &Value, style: &Style, remarks: &Remarks) -> String {
    let mut writer = Writer { out: String::new(), style, remarks, pointer: String::new() };
    if style.has_marker {
        writer.out.push_str("---\n");
    }
    writer.remark_before(0);
    let place = Place { indent: 0, in_flow: false, is_key: false };
    writer.value(value, place);
    writer.remark_beside();
    writer.out.push('\n');
    writer.out.push_str(&remarks.end);
    writer.out
}

struct Writer<'a> {
    out: String,
    style: &'a Style,
    remarks: &'a Remarks,
    pointer: String,
}

impl Writer<'_> {
    /// Writes a value from the current column on, without the end of its last line.
    fn value(&mut self, value: &Value, place: Place) {
        match value {
            Value::Null => self.out.push_str(&self.style.null),
            Value::Bool(true) => self.out.push_str(&self.style.yes),
            Value::Bool(false) => self.out.push_str(&self.style.no),
            Value::Number(number) => self.out.push_str(&number_text(number)),
            Value::String(text) => self.out.push_str(&scalar::text(text, place, self.style)),
            Value::Array(items) if items.is_empty() => self.out.push_str("[]"),
            Value::Object(map) if map.is_empty() => self.out.push_str("{}"),
            Value::Array(items) if self.is_flow(place) => self.flow('[', ']', items.iter().map(|item| (None, item))),
            Value::Object(map) if self.is_flow(place) => {
                self.flow('{', '}', map.iter().map(|(key, item)| (Some(&**key), item)));
            }
            Value::Array(items) => self.list(items, place),
            Value::Object(map) => self.map(map, place),
        }
    }

    fn is_flow(&self, place: Place) -> bool {
        self.style.is_flow || place.in_flow
    }

    fn list(&mut self, items: &[Value], place: Place) {
        for (index, item) in items.iter().enumerate() {
            let length = self.enter(&index.to_string());
            if index > 0 {
                self.new_line(place.indent);
            }
            self.remark_before(place.indent);
            self.out.push_str("- ");
            self.value(item, Place { indent: place.indent + 2, ..place });
            self.remark_beside_scalar(item);
            self.pointer.truncate(length);
        }
    }

    fn map(&mut self, map: &Map<String, Value>, place: Place) {
        for (index, (key, value)) in map.iter().enumerate() {
            let length = self.enter(key);
            if index > 0 {
                self.new_line(place.indent);
            }
            self.remark_before(place.indent);
            let name = scalar::text(key, Place { is_key: true, ..place }, self.style);
            self.out.push_str(&name);
            self.out.push(':');
            self.below(value, place);
            self.remark_beside_scalar(value);
            self.pointer.truncate(length);
        }
    }

    /// The value of a key: behind it, or on the lines below.
    fn below(&mut self, value: &Value, place: Place) {
        let step = self.style.indent;
        let indent = match value {
            Value::Array(_) if !self.style.indents_lists => place.indent + step.saturating_sub(2),
            _ => place.indent + step,
        };
        let is_block = match value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => false,
        };
        if is_block && !self.is_flow(place) {
            self.remark_beside();
            self.new_line(indent);
        } else {
            self.out.push(' ');
        }
        self.value(value, Place { indent, ..place });
    }

    fn flow<'v>(&mut self, open: char, close: char, items: impl Iterator<Item = (Option<&'v str>, &'v Value)>) {
        let blank = if self.style.pads_flow { " " } else { "" };
        let place = Place { indent: 0, in_flow: true, is_key: false };
        self.out.push(open);
        for (index, (key, value)) in items.enumerate() {
            self.out.push_str(if index > 0 { ", " } else { blank });
            if let Some(key) = key {
                self.out.push_str(&scalar::text(key, Place { is_key: true, ..place }, self.style));
                self.out.push_str(": ");
            }
            self.value(value, place);
        }
        self.out.push_str(blank);
        self.out.push(close);
    }

    fn enter(&mut self, step: &str) -> usize {
        let length = self.pointer.len();
        // Without remarks nobody asks where a node is.
        if !self.remarks.is_empty() {
            pointer_push(&mut self.pointer, step);
        }
        length
    }

    fn new_line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Lines of remarks above the node that comes; the current line is indented and empty.
    fn remark_before(&mut self, indent: usize) {
        let Some(lines) = self.remarks.above.get(&self.pointer) else {
            return;
        };
        for line in lines {
            if line.is_empty() {
                self.out.truncate(self.out.trim_end_matches(' ').len());
            }
            self.out.push_str(line);
            self.new_line(indent);
        }
    }

    fn remark_beside(&mut self) {
        if let Some(remark) = self.remarks.beside.get(&self.pointer) {
            self.out.push(' ');
            self.out.push_str(remark);
        }
    }

    /// A collection's remark stands beside its key, a block of text has no place for one.
    fn remark_beside_scalar(&mut self, value: &Value) {
        let is_block = |text: &str| text.contains('\n');
        match value {
            Value::Array(items) if !items.is_empty() => {}
            Value::Object(map) if !map.is_empty() => {}
            Value::String(text) if is_block(text) => {}
            _ => self.remark_beside(),
        }
    }
}

/// Whole numbers without a fraction, as JavaScript prints them.
fn number_text(number: &Number) -> String {
    const LARGEST: f64 = 1e21;
    match number.as_f64().filter(|value| number.is_f64() && value.fract() == 0.0 && value.abs() < LARGEST) {
        Some(value) => value.to_string(),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests;
