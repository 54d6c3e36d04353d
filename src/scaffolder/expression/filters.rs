//! The filters every template has. A filter gets its input and positional arguments.

mod lists;
mod ordering;
mod texts;
mod web;

use super::coercion;
use super::interpreter::Values;
use super::json;
use super::limits::{Fault, Meter, Result};
use super::number;
use super::text::Text;
use super::value::Value;

/// All names, as listed for template authors.
pub(super) const NAMES: [&str; 43] = [
    "abs",
    "batch",
    "capitalize",
    "center",
    "d",
    "default",
    "dictsort",
    "dump",
    "e",
    "escape",
    "first",
    "float",
    "forceescape",
    "groupby",
    "indent",
    "int",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "nl2br",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "trim",
    "truncate",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
];

pub(super) fn exists(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The arguments of one call.
struct Call<'c> {
    input: &'c Value,
    arguments: &'c [Value],
    meter: &'c mut Meter,
}

impl Call<'_> {
    fn argument(&self, index: usize) -> Value {
        self.arguments.get(index).cloned().unwrap_or(Value::Undefined)
    }

    /// The argument, when it is truthy.
    fn given(&self, index: usize) -> Option<Value> {
        self.arguments.get(index).filter(|value| value.is_truthy()).cloned()
    }

    fn is_set(&self, index: usize) -> bool {
        self.given(index).is_some()
    }

    fn fail<T>(&self, expected: &str) -> Result<T> {
        Err(Fault::new(format!("the input has to be {expected}, and this is {}", self.input.kind())))
    }

    /// The input as text; nothing and false are empty.
    fn text(&self) -> Result<Text> {
        match self.input {
            Value::Undefined | Value::Null | Value::Bool(false) => Ok(Text::from("")),
            _ => self.strict_text(),
        }
    }

    fn strict_text(&self) -> Result<Text> {
        match self.input.as_text() {
            Some(text) => Ok(text.clone()),
            None => self.fail("text"),
        }
    }

    /// The input with nothing and false turned into empty text.
    fn normalized(&self) -> Value {
        match self.input {
            Value::Undefined | Value::Null | Value::Bool(false) => Value::text(""),
            input => input.clone(),
        }
    }

    /// The result as a string object when the input is one.
    fn like_input(&mut self, text: Text) -> Result<Value> {
        let text = self.meter.made(text)?;
        Ok(if matches!(self.input, Value::Safe(_)) { Value::safe(text) } else { Value::Text(text) })
    }
}

/// Turns arguments given by name into the positional ones the filters of Nunjucks see: two of them name theirs, the
/// others get one object with all of them.
pub(super) fn lower(name: &str, mut values: Values) -> Result<Vec<Value>> {
    let names: &[&str] = match name {
        "int" => &["default", "base"],
        "sort" => &["reverse", "case_sensitive", "attribute"],
        _ => {
            if !values.keyword.is_empty() {
                let mut entries: Vec<(Text, Value)> =
                    values.keyword.into_iter().map(|(name, value)| (Text::from(&*name), value)).collect();
                entries.push((Text::from("__keywords"), Value::Bool(true)));
                values.positional.push(Value::record(entries)?);
            }
            return Ok(values.positional);
        }
    };
    values.fit(names, &[]);
    Ok(values.positional)
}

/// Applies a filter of [`NAMES`].
pub(super) fn apply(name: &str, input: &Value, arguments: &[Value], meter: &mut Meter) -> Result<Value> {
    let mut call = Call { input, arguments, meter };
    match name {
        "abs" => Ok(Value::Number(input.to_number(call.meter)?.abs())),
        "default" | "d" => Ok(default(&call)),
        "dump" => dump(&mut call),
        "float" => float(&mut call),
        "int" => int(&mut call),
        "round" => round(&mut call),
        "length" => Ok(lists::length(&call)),
        "batch" => lists::batch(&mut call),
        "slice" => lists::slice(&mut call),
        "first" => lists::edge(&mut call, false),
        "last" => lists::edge(&mut call, true),
        "list" => lists::list(&call),
        "random" => lists::random(&mut call),
        "reverse" => lists::reverse(&mut call),
        "join" => lists::join(&mut call),
        "sum" => lists::sum(&mut call),
        "select" => lists::select(&mut call, true),
        "reject" => lists::select(&mut call, false),
        "selectattr" => lists::select_attribute(&mut call, true),
        "rejectattr" => lists::select_attribute(&mut call, false),
        "sort" => ordering::sort(&mut call),
        "dictsort" => ordering::dictsort(&mut call),
        "groupby" => ordering::groupby(&mut call),
        "escape" | "e" | "forceescape" | "safe" | "nl2br" | "striptags" | "urlencode" | "urlize" => {
            web::apply(name, &mut call)
        }
        _ => texts::apply(name, &mut call),
    }
}

fn default(call: &Call) -> Value {
    let keeps = if call.is_set(1) { call.input.is_truthy() } else { !call.input.is_undefined() };
    if keeps { call.input.clone() } else { call.argument(0) }
}

/// `dump(indent)`: JSON, indented by a number of spaces or a text.
fn dump(call: &mut Call) -> Result<Value> {
    let indent = match call.argument(0) {
        Value::Text(text) => text.slice(0, 10),
        Value::Number(count) if count >= 1.0 => Text::from(" ".repeat(number::to_index(count.min(10.0)))),
        _ => Text::from(""),
    };
    Ok(json::stringify(call.input, &indent, call.meter)?.map_or(Value::Undefined, Value::Text))
}

fn float(call: &mut Call) -> Result<Value> {
    let parsed = number::parse_float(&call.input.to_text(call.meter)?);
    Ok(if parsed.is_nan() { call.argument(0) } else { Value::Number(parsed) })
}

fn int(call: &mut Call) -> Result<Value> {
    let base = match call.argument(1) {
        Value::Undefined => 10.0,
        base => base.to_number(call.meter)?.trunc(),
    };
    let parsed = number::parse_int(&call.input.to_text(call.meter)?, base);
    Ok(if parsed.is_nan() { call.argument(0) } else { Value::Number(parsed) })
}

fn round(call: &mut Call) -> Result<Value> {
    let precision = call.given(0).unwrap_or(Value::Number(0.0)).to_number(call.meter)?;
    let factor = number::power(10.0, precision);
    let round = match call.argument(1) {
        Value::Text(method) if method.is("ceil") => f64::ceil,
        Value::Text(method) if method.is("floor") => f64::floor,
        _ => number::round,
    };
    Ok(Value::Number(round(call.input.to_number(call.meter)? * factor) / factor))
}

/// The number of items of an object that looks like a list (`length`), rounded up.
fn indexed_count(length: &Value, meter: &mut Meter) -> Result<usize> {
    let count = length.to_number(meter)?.ceil();
    if count > 1e9 {
        return Err(Fault::limit("an object says it has more than 1000000000 items"));
    }
    let count = number::to_index(count);
    meter.work(count)?;
    Ok(count)
}

/// Adds, as `+` does.
fn plus(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value> {
    coercion::add(left, right, meter)
}
