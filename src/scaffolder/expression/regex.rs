//! Regular expressions of JavaScript, and what text does with them: `test`, `replace`, `split` (ECMA-262: `RegExp`).

mod classes;
mod matcher;
mod pattern;

use std::cell::Cell;
use std::rc::Rc;

use super::limits::{Fault, Meter, Result};
use super::text::Text;
use super::value::Value;
use pattern::Pattern;

/// A regular expression value. With the flags `g` and `y` it remembers where the last match ended.
#[derive(Debug, Clone)]
pub(super) struct Regex {
    source: Rc<str>,
    flags: Rc<str>,
    pattern: Rc<Pattern>,
    last_index: Cell<usize>,
}

/// Start and end of a match or group, in units.
pub(super) type Span = (usize, usize);

/// The groups of a match; the first is the whole.
type Groups = Vec<Option<Span>>;

impl Regex {
    pub(super) fn new(source: &str, flags: &str) -> Result<Regex> {
        let pattern = Pattern::parse(source, flags.contains('i'), flags.contains('m'))
            .map_err(|error| Fault::new(format!("the regular expression is not valid: {error}")))?;
        Ok(Regex { source: source.into(), flags: flags.into(), pattern: Rc::new(pattern), last_index: Cell::new(0) })
    }

    /// The same expression without memory of matches.
    pub(super) fn fresh(&self) -> Regex {
        Regex { last_index: Cell::new(0), ..self.clone() }
    }

    fn is_global(&self) -> bool {
        self.flags.contains('g')
    }

    fn is_sticky(&self) -> bool {
        self.flags.contains('y')
    }

    /// `/source/flags`, with line ends escaped and flags in alphabetical order.
    pub(super) fn print(&self) -> Text {
        let source = if self.source.is_empty() { "(?:)" } else { &self.source };
        let source = source.replace('\n', "\\n").replace('\r', "\\r");
        let source = source.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
        let flags: String = ['g', 'i', 'm', 'y'].into_iter().filter(|flag| self.flags.contains(*flag)).collect();
        Text::from(format!("/{source}/{flags}"))
    }

    /// `RegExp.prototype.exec`: matches from where the flags say, and remembers the end.
    fn exec(&self, text: &[u16], meter: &mut Meter) -> Result<Option<Groups>> {
        let remembers = self.is_global() || self.is_sticky();
        let from = if remembers { self.last_index.get() } else { 0 };
        let found =
            if from > text.len() { None } else { matcher::find(&self.pattern, text, from, self.is_sticky(), meter)? };
        if remembers {
            self.last_index.set(found.as_ref().and_then(|groups| groups[0]).map_or(0, |(_, end)| end));
        }
        Ok(found)
    }

    pub(super) fn test(&self, text: &Text, meter: &mut Meter) -> Result<bool> {
        Ok(self.exec(&text.units(), meter)?.is_some())
    }
}

/// `text.replace(regex, replacement)`.
pub(super) fn replace(regex: &Regex, text: &Text, replacement: &Text, meter: &mut Meter) -> Result<Text> {
    let units = text.units();
    let mut matches = Vec::new();
    if regex.is_global() {
        regex.last_index.set(0);
    }
    while let Some(groups) = regex.exec(&units, meter)? {
        let (start, end) = groups[0].unwrap_or_default();
        matches.push(groups);
        if !regex.is_global() {
            break;
        }
        if start == end {
            regex.last_index.set(end + 1);
        }
    }
    let mut result = Vec::with_capacity(units.len());
    let mut position = 0;
    for groups in matches {
        let (start, end) = groups[0].unwrap_or_default();
        result.extend_from_slice(&units[position..start]);
        let filled = expand(replacement, text, &groups, regex.pattern.names());
        meter.text(result.len().saturating_add(filled.len()).min(filled.len() * 64 + 64))?;
        result.extend(filled.units());
        if result.len() > super::limits::MAX_TEXT {
            meter.text(result.len())?;
        }
        position = end;
    }
    result.extend_from_slice(&units[position..]);
    meter.made(Text::from_units(&result))
}

/// `text.split(regex, limit)`: the pieces between matches, with the groups of each match between them.
pub(super) fn split(regex: &Regex, text: &Text, limit: usize, meter: &mut Meter) -> Result<Vec<Value>> {
    let units = text.units();
    let mut pieces = Vec::new();
    if limit == 0 {
        return Ok(pieces);
    }
    if units.is_empty() {
        let matches = matcher::find(&regex.pattern, &units, 0, true, meter)?.is_some();
        return Ok(if matches { pieces } else { vec![Value::Text(text.clone())] });
    }
    let (mut start, mut index) = (0, 0);
    while index < units.len() {
        let Some(groups) = matcher::find(&regex.pattern, &units, index, false, meter)? else {
            break;
        };
        let (at, end) = groups[0].unwrap_or_default();
        if at >= units.len() {
            break;
        }
        if end == start {
            index = at.max(index) + 1;
            continue;
        }
        // A match that is empty at the end of the last one splits nothing.
        pieces.push(Value::Text(text.slice(start, at)));
        if pieces.len() == limit {
            return Ok(pieces);
        }
        for group in &groups[1..] {
            pieces.push(group.map_or(Value::Undefined, |(start, end)| Value::Text(text.slice(start, end))));
            if pieces.len() == limit {
                return Ok(pieces);
            }
        }
        start = end;
        index = if at == end { end + 1 } else { end };
    }
    pieces.push(Value::Text(text.slice(start, units.len())));
    Ok(pieces)
}

/// Fills `$1`, `$&`, `` $` ``, `$'`, `$<name>` and `$$` of a replacement.
pub(super) fn expand(replacement: &Text, text: &Text, groups: &[Option<Span>], names: &[(String, usize)]) -> Text {
    const DOLLAR: u16 = 0x24;
    let template = replacement.units();
    if !template.contains(&DOLLAR) {
        return replacement.clone();
    }
    let (start, end) = groups.first().copied().flatten().unwrap_or_default();
    let group = |index: usize| {
        groups.get(index).copied().flatten().map_or(Vec::new(), |(from, to)| text.slice(from, to).units())
    };
    let digit = |index: usize| template.get(index).and_then(|unit| char::from_u32(u32::from(*unit))?.to_digit(10));
    let mut filled = Vec::new();
    let mut index = 0;
    while index < template.len() {
        let next = template.get(index + 1).and_then(|unit| char::from_u32(u32::from(*unit)));
        let (part, length) = match next.filter(|_| template[index] == DOLLAR) {
            Some('$') => (vec![DOLLAR], 2),
            Some('&') => (text.slice(start, end).units(), 2),
            Some('`') => (text.slice(0, start).units(), 2),
            Some('\'') => (text.slice(end, text.len()).units(), 2),
            Some('<') if !names.is_empty() => match template[index..].iter().position(|unit| *unit == 0x3E) {
                Some(close) => {
                    let name = String::from_utf16_lossy(&template[index + 2..index + close]);
                    let known = names.iter().find(|(own, _)| *own == name);
                    (known.map_or(Vec::new(), |(_, index)| group(*index)), close + 1)
                }
                None => (vec![DOLLAR], 1),
            },
            Some('0'..='9') => {
                let (one, two) = (digit(index + 1), digit(index + 2));
                let both = one.zip(two).map(|(one, two)| one * 10 + two);
                let known = |number: Option<u32>| {
                    number
                        .and_then(|number| usize::try_from(number).ok())
                        .filter(|number| (1..groups.len()).contains(number))
                };
                match (known(both), known(one)) {
                    (Some(number), _) => (group(number), 3),
                    (None, Some(number)) => (group(number), 2),
                    (None, None) => (vec![DOLLAR], 1),
                }
            }
            _ => (vec![template[index]], 1),
        };
        filled.extend(part);
        index += length;
    }
    Text::from_units(&filled)
}
