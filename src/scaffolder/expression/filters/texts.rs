//! Filters about text.

use super::super::coercion;
use super::super::limits::{Fault, Result};
use super::super::number;
use super::super::regex;
use super::super::text::Text;
use super::super::value::Value;
use super::Call;

/// Spaces one filter may put around a text.
const MAX_SPACES: f64 = 16_777_216.0;

pub(super) fn apply(name: &str, call: &mut Call) -> Result<Value> {
    match name {
        "capitalize" => {
            let text = call.text()?.capitalized();
            call.like_input(text)
        }
        "lower" => Ok(Value::Text(call.text()?.lower())),
        "upper" => Ok(Value::Text(call.text()?.upper())),
        "title" => {
            let words: Vec<Text> = call.text()?.split(&Text::from(" ")).iter().map(Text::capitalized).collect();
            call.like_input(Text::join(&words, &Text::from(" ")))
        }
        "trim" => {
            let text = call.strict_text()?.trim();
            call.like_input(text)
        }
        "string" => string(call),
        "center" => center(call),
        "indent" => indent(call),
        "replace" => replace(call),
        "truncate" => truncate(call),
        "wordcount" => wordcount(call),
        _ => Err(Fault::new("there is no such filter")),
    }
}

fn string(call: &mut Call) -> Result<Value> {
    match call.input {
        Value::Undefined | Value::Null => call.fail("a value"),
        Value::Safe(_) => Ok(call.input.clone()),
        input => Ok(Value::Text(input.to_output(call.meter)?)),
    }
}

fn spaces(count: f64) -> Result<Text> {
    if count.is_nan() || count <= 0.0 {
        return Ok(Text::from(""));
    }
    if count > MAX_SPACES {
        return Err(Fault::limit(format!("more than {MAX_SPACES} spaces are asked for")));
    }
    Ok(Text::from(" ".repeat(number::to_index(count.ceil()))))
}

/// The `length` a value shows to JavaScript.
fn length_of(value: &Value) -> Value {
    match value {
        Value::Array(array) => Value::count(array.len()),
        Value::Record(record) => record.get("length"),
        value => value.as_text().map_or(Value::Undefined, |text| Value::count(text.len())),
    }
}

fn center(call: &mut Call) -> Result<Value> {
    let input = call.normalized();
    let width = call.given(0).unwrap_or(Value::Number(80.0));
    let length = length_of(&input);
    if coercion::order(&length, &width, call.meter)?.is_some_and(std::cmp::Ordering::is_ge) {
        return Ok(input);
    }
    let missing = width.to_number(call.meter)? - length.to_number(call.meter)?;
    let (before, after) = (spaces(missing / 2.0 - missing % 2.0)?, spaces(missing / 2.0)?);
    let text = input.to_text(call.meter)?;
    call.like_input(Text::concat(&[&before, &text, &after]))
}

fn indent(call: &mut Call) -> Result<Value> {
    let text = call.text()?;
    if text.is_empty() && !matches!(call.input, Value::Safe(_)) {
        return Ok(Value::text(""));
    }
    let width = call.given(0).unwrap_or(Value::Number(4.0)).to_number(call.meter)?;
    let indentation = spaces(width)?;
    let lines = text.split(&Text::from("\n"));
    call.meter.text(text.len() + lines.len().saturating_mul(indentation.len()))?;
    let separator = Text::concat(&[&Text::from("\n"), &indentation]);
    let joined = Text::join(&lines, &separator);
    let joined = if call.is_set(1) { Text::concat(&[&indentation, &joined]) } else { joined };
    call.like_input(joined)
}

fn replace(call: &mut Call) -> Result<Value> {
    let search = call.argument(0);
    if let Value::Regex(pattern) = &search {
        let text = call.strict_text()?;
        let replacement = call.argument(1).to_text(call.meter)?;
        return regex::replace(&pattern.fresh(), &text, &replacement, call.meter).map(Value::Text);
    }
    if !matches!(search, Value::Text(_) | Value::Number(_)) {
        return Ok(call.input.clone());
    }
    let input = match call.input {
        Value::Number(_) => Value::Text(call.input.to_text(call.meter)?),
        input => input.clone(),
    };
    let Some(text) = input.as_text() else {
        return Ok(input.clone());
    };
    let (needle, replacement) = (search.to_text(call.meter)?, call.argument(1).to_text(call.meter)?);
    if needle.is_empty() {
        let separator = if call.argument(1).is_undefined() { Text::from(",") } else { replacement.clone() };
        call.meter.text(text.len().saturating_mul(separator.len() + 1))?;
        let joined = Text::join(&text.split(&needle), &separator);
        return call.like_input(Text::concat(&[&replacement, &joined, &replacement]));
    }
    let limit = match call.argument(2) {
        Value::Undefined => Value::Number(-1.0),
        limit => limit,
    };
    if limit.is_same(&Value::Number(0.0)) || text.find(&needle, 0).is_none() {
        return Ok(input.clone());
    }
    let most = if limit.is_same(&Value::Number(-1.0)) { f64::INFINITY } else { limit.to_number(call.meter)? };
    let result = replace_some(text, &needle, &replacement, most, call)?;
    call.like_input(result)
}

/// Replaces the first `most` occurrences.
fn replace_some(text: &Text, needle: &Text, replacement: &Text, most: f64, call: &mut Call) -> Result<Text> {
    let mut pieces = Vec::new();
    let (mut start, mut count, mut length) = (0, 0.0, text.len());
    while count < most
        && let Some(at) = text.find(needle, start)
    {
        length += replacement.len();
        call.meter.text(length)?;
        pieces.push(text.slice(start, at));
        start = at + needle.len();
        count += 1.0;
    }
    pieces.push(text.slice(start, text.len()));
    Ok(Text::join(&pieces, replacement))
}

fn truncate(call: &mut Call) -> Result<Value> {
    let input = call.normalized();
    let limit = call.given(0).unwrap_or(Value::Number(255.0));
    if coercion::order(&length_of(&input), &limit, call.meter)?.is_some_and(std::cmp::Ordering::is_le) {
        return Ok(input);
    }
    let text = call.text()?;
    let length = limit.to_number(call.meter)?;
    let mut end = number::to_index(number::integer(length));
    if !call.is_set(1) {
        let from = if length.is_nan() { usize::MAX } else { end };
        end = text.rfind(&Text::from(" "), from).unwrap_or(end);
    }
    let ending = match call.argument(2) {
        Value::Undefined | Value::Null => Text::from("..."),
        ending => ending.to_text(call.meter)?,
    };
    call.like_input(Text::concat(&[&text.slice(0, end), &ending]))
}

fn wordcount(call: &mut Call) -> Result<Value> {
    if !call.normalized().is_truthy() {
        return Ok(Value::Null);
    }
    let units = call.text()?.units();
    let is_word = |unit: &u16| char::from_u32(u32::from(*unit)).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let words = units.split(|unit| !is_word(unit)).filter(|word| !word.is_empty()).count();
    Ok(if words == 0 { Value::Null } else { Value::count(words) })
}
