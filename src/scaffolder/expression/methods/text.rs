//! Methods of text.

use super::super::limits::{Fault, Result};
use super::super::number;
use super::super::regex;
use super::super::text::Text;
use super::super::value::Value;
use super::Call;

pub(super) fn call(text: &Text, name: &str, call: &mut Call) -> Result<Value> {
    let length = text.len();
    let result = match name {
        "includes" | "startsWith" | "endsWith" | "indexOf" | "lastIndexOf" => return search(text, name, call),
        "replace" => return replace(text, call),
        "split" => return split(text, call),
        "slice" => {
            let (start, end) = (call.relative(0, length, 0)?, call.relative(1, length, length)?);
            text.slice(start, end.max(start))
        }
        "substring" => {
            let (start, end) = (call.clamped(0, length, 0)?, call.clamped(1, length, length)?);
            text.slice(start.min(end), start.max(end))
        }
        "trim" => text.trim(),
        "trimStart" => text.trim_start(),
        "trimEnd" => text.trim_end(),
        "toLowerCase" => text.lower(),
        "toUpperCase" => text.upper(),
        "charAt" => unit(call, length)?.and_then(|index| text.at(index)).unwrap_or(Text::from("")),
        "charCodeAt" => {
            let unit = unit(call, length)?.and_then(|index| text.unit(index));
            return Ok(Value::Number(unit.map_or(f64::NAN, f64::from)));
        }
        "concat" => {
            let mut parts = vec![text.clone()];
            for argument in call.arguments {
                parts.push(argument.to_text(call.meter)?);
            }
            call.meter.text(parts.iter().map(Text::len).sum())?;
            Text::concat(&parts.iter().collect::<Vec<_>>())
        }
        _ => return Err(Fault::new(format!("there is no method '{name}'"))),
    };
    Ok(Value::Text(call.meter.made(result)?))
}

/// The index in the first argument, when it is inside the text.
fn unit(call: &mut Call, length: usize) -> Result<Option<usize>> {
    let position = call.integer(0)?.unwrap_or(0.0);
    Ok((position >= 0.0).then(|| number::to_index(position)).filter(|index| *index < length))
}

fn search(text: &Text, name: &str, call: &mut Call) -> Result<Value> {
    let needle = call.argument(0).to_text(call.meter)?;
    call.meter.text(text.len())?;
    let length = text.len();
    let found = |at: Option<usize>| at.map_or(Value::Number(-1.0), Value::count);
    Ok(match name {
        "lastIndexOf" => {
            let from = match call.argument(1) {
                Value::Undefined => f64::NAN,
                from => from.to_number(call.meter)?,
            };
            found(text.rfind(&needle, if from.is_nan() { length } else { number::to_index(from) }))
        }
        "endsWith" => {
            let end = call.clamped(1, length, length)?;
            let start = end.checked_sub(needle.len());
            Value::Bool(start.is_some_and(|start| text.starts_with(&needle, start)))
        }
        _ => {
            let from = call.clamped(1, length, 0)?;
            match name {
                "includes" => Value::Bool(text.find(&needle, from).is_some()),
                "startsWith" => Value::Bool(text.starts_with(&needle, from)),
                _ => found(text.find(&needle, from)),
            }
        }
    })
}

fn replace(text: &Text, call: &mut Call) -> Result<Value> {
    let replacement = call.argument(1).to_text(call.meter)?;
    if let Value::Regex(pattern) = call.argument(0) {
        return regex::replace(&pattern, text, &replacement, call.meter).map(Value::Text);
    }
    let needle = call.argument(0).to_text(call.meter)?;
    let Some(at) = text.find(&needle, 0) else {
        return Ok(Value::Text(text.clone()));
    };
    let (before, after) = (text.slice(0, at), text.slice(at + needle.len(), text.len()));
    let groups = [Some((at, at + needle.len()))];
    let replacement = regex::expand(&replacement, text, &groups, &[]);
    let result = Text::concat(&[&before, &replacement, &after]);
    Ok(Value::Text(call.meter.made(result)?))
}

fn split(text: &Text, call: &mut Call) -> Result<Value> {
    let limit = match call.argument(1) {
        Value::Undefined => u32::MAX,
        limit => number::to_uint32(limit.to_number(call.meter)?),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let pieces = match call.argument(0) {
        Value::Regex(pattern) => return Value::array(regex::split(&pattern, text, limit, call.meter)?),
        Value::Undefined => vec![text.clone()],
        separator => text.split(&separator.to_text(call.meter)?),
    };
    call.meter.work(pieces.len().min(limit))?;
    Value::array(pieces.into_iter().take(limit).map(Value::Text).collect())
}
