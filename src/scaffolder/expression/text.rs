//! JavaScript strings: sequences of UTF-16 units.
//!
//! Lengths, indexes and order are those of UTF-16, and a string may hold half of a surrogate pair. ASCII, nearly every
//! string, is kept as bytes; anything else as units, so that every index costs the same.
//!
//! Invariant: `Wide` always holds a unit above 127, so equal strings have equal representations.

use std::cmp::Ordering;
use std::rc::Rc;

/// A JavaScript string. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Text {
    Ascii(Rc<str>),
    Wide(Rc<[u16]>),
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        if text.is_ascii() { Text::Ascii(text.into()) } else { Text::Wide(text.encode_utf16().collect()) }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        if text.is_ascii() { Text::Ascii(text.into()) } else { Text::from(text.as_str()) }
    }
}

impl Text {
    pub(super) fn from_units(units: &[u16]) -> Text {
        if units.iter().all(|unit| *unit < 128) {
            let bytes: String = units.iter().filter_map(|unit| char::from_u32(u32::from(*unit))).collect();
            Text::Ascii(bytes.into())
        } else {
            Text::Wide(units.into())
        }
    }

    /// Length in UTF-16 units.
    pub(super) fn len(&self) -> usize {
        match self {
            Text::Ascii(text) => text.len(),
            Text::Wide(units) => units.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn unit(&self, index: usize) -> Option<u16> {
        match self {
            Text::Ascii(text) => text.as_bytes().get(index).map(|byte| u16::from(*byte)),
            Text::Wide(units) => units.get(index).copied(),
        }
    }

    /// The string of the one unit at `index`.
    pub(super) fn at(&self, index: usize) -> Option<Text> {
        self.unit(index).map(|unit| Text::from_units(&[unit]))
    }

    pub(super) fn units(&self) -> Vec<u16> {
        match self {
            Text::Ascii(text) => text.bytes().map(u16::from).collect(),
            Text::Wide(units) => units.to_vec(),
        }
    }

    /// Units `start..end`; bounds past the end are moved to it, and crossed bounds give the empty string.
    pub(super) fn slice(&self, start: usize, end: usize) -> Text {
        let end = end.min(self.len());
        let start = start.min(end);
        match self {
            Text::Ascii(text) => Text::Ascii(text[start..end].into()),
            Text::Wide(units) => Text::from_units(&units[start..end]),
        }
    }

    pub(super) fn concat(parts: &[&Text]) -> Text {
        if parts.iter().all(|part| matches!(part, Text::Ascii(_))) {
            let mut joined = String::with_capacity(parts.iter().map(|part| part.len()).sum());
            for part in parts {
                if let Text::Ascii(text) = part {
                    joined.push_str(text);
                }
            }
            return Text::Ascii(joined.into());
        }
        let mut units = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            units.extend(part.units());
        }
        Text::Wide(units.into())
    }

    /// The first place at or after `from` where `needle` starts.
    pub(super) fn find(&self, needle: &Text, from: usize) -> Option<usize> {
        if from > self.len() {
            return None;
        }
        match (self, needle) {
            (Text::Ascii(text), Text::Ascii(needle)) => text[from..].find(&**needle).map(|at| at + from),
            (Text::Ascii(_), Text::Wide(_)) => None,
            (Text::Wide(units), needle) => {
                let needle = needle.units();
                if needle.is_empty() {
                    return Some(from);
                }
                units[from..].windows(needle.len()).position(|window| window == needle).map(|at| at + from)
            }
        }
    }

    /// The last place at or before `from` where `needle` starts.
    pub(super) fn rfind(&self, needle: &Text, from: usize) -> Option<usize> {
        let last = self.len().checked_sub(needle.len())?;
        let (units, needle) = (self.units(), needle.units());
        (0..=last.min(from)).rev().find(|at| units[*at..].starts_with(&needle))
    }

    /// The pieces between occurrences of `separator`; an empty separator gives single units.
    pub(super) fn split(&self, separator: &Text) -> Vec<Text> {
        if separator.is_empty() {
            return (0..self.len()).filter_map(|index| self.at(index)).collect();
        }
        let mut pieces = Vec::new();
        let mut start = 0;
        while let Some(at) = self.find(separator, start) {
            pieces.push(self.slice(start, at));
            start = at + separator.len();
        }
        pieces.push(self.slice(start, self.len()));
        pieces
    }

    pub(super) fn join(parts: &[Text], separator: &Text) -> Text {
        let mut all = Vec::with_capacity(parts.len() * 2);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 && !separator.is_empty() {
                all.push(separator);
            }
            all.push(part);
        }
        Text::concat(&all)
    }

    pub(super) fn lower(&self) -> Text {
        match self {
            Text::Ascii(text) => Text::Ascii(text.to_ascii_lowercase().into()),
            Text::Wide(units) => map_well_formed(units, str::to_lowercase),
        }
    }

    pub(super) fn upper(&self) -> Text {
        match self {
            Text::Ascii(text) => Text::Ascii(text.to_ascii_uppercase().into()),
            Text::Wide(units) => map_well_formed(units, str::to_uppercase),
        }
    }

    /// First unit in upper case, the rest in lower case.
    pub(super) fn capitalized(&self) -> Text {
        let lower = self.lower();
        Text::concat(&[&lower.slice(0, 1).upper(), &lower.slice(1, lower.len())])
    }

    pub(super) fn trim_start(&self) -> Text {
        let start = (0..self.len()).find(|index| !self.unit(*index).is_some_and(is_space)).unwrap_or(self.len());
        if start == 0 { self.clone() } else { self.slice(start, self.len()) }
    }

    pub(super) fn trim_end(&self) -> Text {
        let end =
            (0..self.len()).rev().find(|index| !self.unit(*index).is_some_and(is_space)).map_or(0, |last| last + 1);
        if end == self.len() { self.clone() } else { self.slice(0, end) }
    }

    pub(super) fn trim(&self) -> Text {
        self.trim_start().trim_end()
    }

    pub(super) fn starts_with(&self, prefix: &Text, at: usize) -> bool {
        at + prefix.len() <= self.len() && (0..prefix.len()).all(|index| self.unit(at + index) == prefix.unit(index))
    }

    /// As UTF-8; half a surrogate pair becomes U+FFFD.
    pub(super) fn to_utf8(&self) -> String {
        match self {
            Text::Ascii(text) => text.to_string(),
            Text::Wide(units) => String::from_utf16_lossy(units),
        }
    }

    /// JavaScript's order: by units, not by characters.
    pub(super) fn order(&self, other: &Text) -> Ordering {
        match (self, other) {
            (Text::Ascii(left), Text::Ascii(right)) => left.cmp(right),
            _ => self.units().cmp(&other.units()),
        }
    }

    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self, Text::Ascii(own) if &**own == text)
    }
}

/// Maps the well-formed runs and keeps lone surrogates.
fn map_well_formed(units: &[u16], map: fn(&str) -> String) -> Text {
    if let Ok(text) = String::from_utf16(units) {
        return Text::from(map(&text));
    }
    let mut mapped = Vec::with_capacity(units.len());
    let mut run = String::new();
    for item in char::decode_utf16(units.iter().copied()) {
        match item {
            Ok(character) => run.push(character),
            Err(lone) => {
                mapped.extend(map(&run).encode_utf16());
                run.clear();
                mapped.push(lone.unpaired_surrogate());
            }
        }
    }
    mapped.extend(map(&run).encode_utf16());
    Text::from_units(&mapped)
}

/// White space and line ends as `String.prototype.trim` and `\s` know them.
pub(super) fn is_space(unit: u16) -> bool {
    matches!(unit, 9..=13 | 0x20 | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 | 0xFEFF)
}

/// Output under construction. Text stays UTF-8 until a lone surrogate comes: its other half may follow.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    text: String,
    units: Option<Vec<u16>>,
}

impl Buffer {
    pub(super) fn push_str(&mut self, text: &str) {
        match &mut self.units {
            None => self.text.push_str(text),
            Some(units) => units.extend(text.encode_utf16()),
        }
    }

    pub(super) fn push(&mut self, text: &Text) {
        let units = match text {
            Text::Ascii(text) => return self.push_str(text),
            Text::Wide(units) => units,
        };
        if self.units.is_none() {
            if let Ok(text) = String::from_utf16(units) {
                return self.text.push_str(&text);
            }
            self.units = Some(std::mem::take(&mut self.text).encode_utf16().collect());
        }
        self.units.get_or_insert_default().extend_from_slice(units);
    }

    pub(super) fn into_text(self) -> Text {
        match self.units {
            None => Text::from(self.text),
            Some(units) => Text::from_units(&units),
        }
    }

    pub(super) fn into_utf8(self) -> String {
        match self.units {
            None => self.text,
            Some(units) => String::from_utf16_lossy(&units),
        }
    }
}
