//! Filters about HTML and URLs.

use super::super::limits::{Fault, Result};
use super::super::number;
use super::super::text::{Text, is_space};
use super::super::value::Value;
use super::Call;

/// How often tags are taken out of what is left after taking out tags.
const MAX_TAG_PASSES: usize = 8;

pub(super) fn apply(name: &str, call: &mut Call) -> Result<Value> {
    match name {
        "safe" | "escape" | "e" if matches!(call.input, Value::Safe(_)) => Ok(call.input.clone()),
        "safe" => Ok(Value::safe(call.input.to_output(call.meter)?)),
        "escape" | "e" | "forceescape" => {
            let text = escape(&call.input.to_output(call.meter)?);
            Ok(Value::safe(call.meter.made(text)?))
        }
        "nl2br" => {
            let text = if call.input.is_nullish() { Text::from("") } else { call.strict_text()? };
            let text = text.split(&Text::from("\r\n"));
            let text = Text::join(&text, &Text::from("\n")).split(&Text::from("\n"));
            call.like_input(Text::join(&text, &Text::from("<br />\n")))
        }
        "striptags" => striptags(call),
        "urlencode" => urlencode(call),
        _ => urlize(call),
    }
}

fn escape(text: &Text) -> Text {
    let mut units = Vec::with_capacity(text.len());
    for unit in text.units() {
        let replacement = match unit {
            0x26 => "&amp;",
            0x22 => "&quot;",
            0x27 => "&#39;",
            0x3C => "&lt;",
            0x3E => "&gt;",
            0x5C => "&#92;",
            _ => {
                units.push(unit);
                continue;
            }
        };
        units.extend(replacement.encode_utf16());
    }
    Text::from_units(&units)
}

fn striptags(call: &mut Call) -> Result<Value> {
    let mut units = call.text()?.units();
    for pass in 0..=MAX_TAG_PASSES {
        call.meter.text(units.len())?;
        let next = without_tags(&units);
        if next == units {
            break;
        }
        if pass == MAX_TAG_PASSES {
            return Err(Fault::new("tags are hidden inside each other too often"));
        }
        units = next;
    }
    let text = Text::from_units(&units).trim();
    let text = if call.is_set(0) { tidy_lines(&text) } else { collapse_space(&text) };
    call.like_input(text)
}

/// Takes out `<name …>`, `</name …>` and comments, once.
fn without_tags(units: &[u16]) -> Vec<u16> {
    let mut kept = Vec::with_capacity(units.len());
    let mut index = 0;
    // Where no `>` or `-->` was found there is none further on: searching once keeps this linear.
    let (mut has_close, mut has_comment_end) = (true, true);
    while index < units.len() {
        let end = if units[index] == u16::from(b'<') {
            tag_end(units, index, &mut has_close).or_else(|| comment_end(units, index, &mut has_comment_end))
        } else {
            None
        };
        if let Some(end) = end {
            index = end;
        } else {
            kept.push(units[index]);
            index += 1;
        }
    }
    kept
}

fn tag_end(units: &[u16], start: usize, has_close: &mut bool) -> Option<usize> {
    let byte = |index: usize| units.get(index).and_then(|unit| u8::try_from(*unit).ok()).unwrap_or(0);
    let mut index = start + 1 + usize::from(byte(start + 1) == b'/');
    if !byte(index).is_ascii_alphabetic() || !*has_close {
        return None;
    }
    while byte(index).is_ascii_alphanumeric() {
        index += 1;
    }
    if byte(index) == b'_' {
        return None;
    }
    let close = units[index..].iter().position(|unit| *unit == u16::from(b'>'));
    *has_close = close.is_some();
    close.map(|offset| index + offset + 1)
}

fn comment_end(units: &[u16], start: usize, has_end: &mut bool) -> Option<usize> {
    let (open, close): (Vec<u16>, Vec<u16>) = ("<!--".encode_utf16().collect(), "-->".encode_utf16().collect());
    if !units[start..].starts_with(&open) || !*has_end {
        return None;
    }
    let end = units[start + 4..].windows(3).position(|window| window == close);
    *has_end = end.is_some();
    end.map(|offset| start + 4 + offset + 3)
}

fn collapse_space(text: &Text) -> Text {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut in_space = false;
    for unit in text.units() {
        if !is_space(unit) {
            units.push(unit);
        } else if !in_space {
            units.push(0x20);
        }
        in_space = is_space(unit);
    }
    Text::from_units(&units)
}

/// Keeps lines, but no space at their ends, no double space and no more than one empty line.
fn tidy_lines(text: &Text) -> Text {
    let is_line_end = |unit: u16| matches!(unit, 0x0A | 0x0D | 0x2028 | 0x2029);
    let mut units: Vec<u16> = Vec::new();
    for unit in text.units() {
        let after_space = units.last().is_none_or(|last| *last == 0x20 || is_line_end(*last));
        if unit == 0x20 && after_space {
            continue;
        }
        if is_line_end(unit) {
            while units.last() == Some(&0x20) {
                units.pop();
            }
        }
        units.push(unit);
    }
    while units.last() == Some(&0x20) {
        units.pop();
    }
    let mut tidy: Vec<u16> = Vec::with_capacity(units.len());
    for (index, unit) in units.iter().enumerate() {
        let is_windows_end = *unit == 0x0D && units.get(index + 1) == Some(&0x0A);
        if is_windows_end || (*unit == 0x0A && tidy.ends_with(&[0x0A, 0x0A])) {
            continue;
        }
        tidy.push(*unit);
    }
    Text::from_units(&tidy)
}

/// `encodeURIComponent`.
fn encode(text: &Text) -> Result<Text> {
    let well_formed = match text {
        Text::Ascii(text) => text.to_string(),
        Text::Wide(units) => String::from_utf16(units).map_err(|_| Fault::new("the text holds half a character"))?,
    };
    let mut encoded = String::with_capacity(well_formed.len());
    for byte in well_formed.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    Ok(Text::from(encoded))
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
}

fn urlencode(call: &mut Call) -> Result<Value> {
    let pairs: Vec<(Value, Value)> = match call.input {
        Value::Text(text) => return Ok(Value::Text(encode(text)?)),
        Value::Safe(text) => return Ok(Value::Text(encode(text)?)),
        Value::Record(record) => {
            record.entries().iter().map(|(key, value)| (Value::Text(key.clone()), value.clone())).collect()
        }
        Value::Array(array) => array.items().iter().map(entry).collect::<Result<_>>()?,
        _ => Vec::new(),
    };
    let mut parts = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let (key, value) = (encode(&key.to_text(call.meter)?)?, encode(&value.to_text(call.meter)?)?);
        parts.push(call.meter.made(Text::concat(&[&key, &Text::from("="), &value]))?);
    }
    Ok(Value::Text(Text::join(&parts, &Text::from("&"))))
}

/// Key and value of one item of a list.
fn entry(item: &Value) -> Result<(Value, Value)> {
    Ok(match item {
        Value::Undefined | Value::Null => return Err(Fault::new("an item is empty: a pair is expected")),
        Value::Array(pair) => (pair.get(0), pair.get(1)),
        Value::Record(record) => (record.get("0"), record.get("1")),
        item => match item.as_text() {
            Some(text) => {
                let unit = |index| text.at(index).map_or(Value::Undefined, Value::Text);
                (unit(0), unit(1))
            }
            None => (Value::Undefined, Value::Undefined),
        },
    })
}

fn urlize(call: &mut Call) -> Result<Value> {
    let length = match call.argument(0) {
        Value::Undefined => usize::MAX,
        Value::Number(number) if number.is_nan() => usize::MAX,
        limit => number::to_index(limit.to_number(call.meter)?),
    };
    let nofollow = if matches!(call.argument(1), Value::Bool(true)) { " rel=\"nofollow\"" } else { "" };
    let text = call.strict_text()?;
    let units = text.units();
    let mut pieces = Vec::new();
    for word in units.chunk_by(|left, right| is_space(*left) == is_space(*right)) {
        let word = Text::from_units(word);
        pieces.push(match link(&word, length, nofollow) {
            Some(link) => call.meter.made(link)?,
            None => word,
        });
    }
    Ok(Value::Text(Text::concat(&pieces.iter().collect::<Vec<_>>())))
}

/// The link for a word that is a URL, a host or an e-mail address, without the punctuation around it.
fn link(word: &Text, length: usize, nofollow: &str) -> Option<Text> {
    let full = word.to_utf8();
    let opened = ["(", "<", "&lt;"].iter().find_map(|prefix| full.strip_prefix(prefix)).unwrap_or(&full);
    let possible = [".", ",", ")", "&gt;"].iter().find_map(|suffix| opened.strip_suffix(suffix)).unwrap_or(opened);
    let short = Text::from(possible).slice(0, length).to_utf8();
    let target = if possible.starts_with("http://") || possible.starts_with("https://") {
        possible.to_owned()
    } else if possible.starts_with("www.") {
        format!("http://{possible}")
    } else if is_email(possible) {
        return Some(Text::from(format!("<a href=\"mailto:{possible}\">{possible}</a>")));
    } else if has_common_domain(possible) {
        format!("http://{possible}")
    } else {
        return None;
    };
    Some(Text::from(format!("<a href=\"{target}\"{nofollow}>{short}</a>")))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_local = |c: char| c.is_ascii_alphanumeric() || "_.!#$%&'*+-/=?^`{|}~".contains(c);
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    !local.is_empty() && local.chars().all(is_local) && domain.contains('.') && domain.split('.').all(is_label)
}

fn has_common_domain(text: &str) -> bool {
    [".org", ".net", ".com"].iter().any(|domain| {
        text.match_indices(domain).any(|(at, _)| matches!(text.as_bytes().get(at + 4), None | Some(b':' | b'/')))
    })
}
