//! The methods values have: JavaScript's on text, numbers, lists and regular expressions, and in cookiecutter mode
//! Python's on lists and objects.

mod list;
mod text;

use super::limits::{Fault, Meter, Result};
use super::number;
use super::text::Text;
use super::value::Value;

const TEXT: [&str; 17] = [
    "charAt",
    "charCodeAt",
    "concat",
    "endsWith",
    "includes",
    "indexOf",
    "lastIndexOf",
    "replace",
    "slice",
    "split",
    "startsWith",
    "substring",
    "toLowerCase",
    "toUpperCase",
    "trim",
    "trimEnd",
    "trimStart",
];
const NUMBER: [&str; 4] = ["toExponential", "toFixed", "toPrecision", "toString"];
const LIST: [&str; 17] = [
    "at",
    "concat",
    "copyWithin",
    "fill",
    "flat",
    "includes",
    "indexOf",
    "join",
    "lastIndexOf",
    "pop",
    "push",
    "reverse",
    "shift",
    "slice",
    "sort",
    "splice",
    "unshift",
];
const PYTHON_LIST: [&str; 6] = ["append", "count", "find", "index", "insert", "remove"];
const PYTHON_OBJECT: [&str; 5] = ["get", "has_key", "items", "keys", "values"];

/// The method `name` of `receiver`, if it has one.
pub(super) fn find(receiver: &Value, name: &str, is_cookiecutter: bool) -> Option<&'static str> {
    let known = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
    match receiver {
        Value::Text(_) | Value::Safe(_) => known(&TEXT),
        Value::Number(_) => known(&NUMBER),
        Value::Array(_) => known(&LIST).or_else(|| known(&PYTHON_LIST).filter(|_| is_cookiecutter)),
        Value::Record(_) => known(&PYTHON_OBJECT).filter(|_| is_cookiecutter),
        Value::Regex(_) => known(&["test"]),
        _ => None,
    }
}

/// The least and most arguments a method takes.
pub(super) fn arity(receiver: &Value, name: &str, is_cookiecutter: bool) -> (usize, usize) {
    match (receiver, name) {
        (Value::Text(_) | Value::Safe(_), _) => match name {
            "replace" => (2, 2),
            "split" | "slice" | "substring" => (0, 2),
            "includes" | "startsWith" | "endsWith" | "indexOf" | "lastIndexOf" => (1, 2),
            "charAt" | "charCodeAt" => (0, 1),
            "concat" => (0, usize::MAX),
            _ => (0, 0),
        },
        (Value::Number(_), _) => (0, 1),
        (Value::Array(_), _) => match name {
            "at" | "count" | "index" | "find" | "remove" | "append" => (1, 1),
            "insert" => (2, 2),
            "includes" | "indexOf" | "lastIndexOf" => (1, 2),
            "copyWithin" | "fill" => (1, 3),
            "flat" | "join" => (0, 1),
            "slice" => (0, 2),
            "pop" => (0, usize::from(is_cookiecutter)),
            "shift" | "sort" | "reverse" => (0, 0),
            _ => (0, usize::MAX),
        },
        (Value::Record(_), "get") => (1, 2),
        (Value::Record(_), "has_key") | (Value::Regex(_), _) => (1, 1),
        _ => (0, 0),
    }
}

pub(super) fn call(
    receiver: &Value,
    name: &str,
    arguments: &[Value],
    is_cookiecutter: bool,
    meter: &mut Meter,
) -> Result<Value> {
    let mut call = Call { arguments, meter };
    match receiver {
        Value::Text(text) => text::call(text, name, &mut call),
        Value::Safe(text) => text::call(text, name, &mut call),
        Value::Number(number) => number_method(*number, name, &mut call),
        Value::Array(array) => list::call(array, name, &mut call, is_cookiecutter),
        Value::Record(record) => match name {
            "get" => {
                let key = call.argument(0).to_text(call.meter)?;
                Ok(record.find(&key).cloned().unwrap_or_else(|| call.argument(1)))
            }
            "has_key" => {
                let key = call.argument(0).to_text(call.meter)?;
                Ok(Value::Bool(record.has(&key)))
            }
            "keys" => Value::array(record.entries().iter().map(|(key, _)| Value::Text(key.clone())).collect()),
            "values" => Value::array(record.entries().iter().map(|(_, value)| value.clone()).collect()),
            _ => {
                let pair = |(key, value): &(Text, Value)| Value::array(vec![Value::Text(key.clone()), value.clone()]);
                let pairs: Result<Vec<Value>> = record.entries().iter().map(pair).collect();
                Value::array(pairs?)
            }
        },
        Value::Regex(regex) => {
            let text = call.argument(0).to_text(call.meter)?;
            regex.test(&text, call.meter).map(Value::Bool)
        }
        _ => Err(Fault::new(format!("there is no method '{name}'"))),
    }
}

/// The arguments of one call.
struct Call<'c> {
    arguments: &'c [Value],
    meter: &'c mut Meter,
}

impl Call<'_> {
    fn argument(&self, index: usize) -> Value {
        self.arguments.get(index).cloned().unwrap_or(Value::Undefined)
    }

    /// The argument as a whole number, if it is there.
    fn integer(&mut self, index: usize) -> Result<Option<f64>> {
        match self.argument(index) {
            Value::Undefined => Ok(None),
            value => value.to_integer(self.meter).map(Some),
        }
    }

    /// An index relative to `length`: below zero counts from the end. Missing gives `default`.
    fn relative(&mut self, index: usize, length: usize, default: usize) -> Result<usize> {
        Ok(self.integer(index)?.map_or(default, |position| from_end(position, length)))
    }

    /// An index between zero and `length`.
    fn clamped(&mut self, index: usize, length: usize, default: usize) -> Result<usize> {
        Ok(self.integer(index)?.map_or(default, |position| number::to_index(position).min(length)))
    }
}

fn from_end(position: f64, length: usize) -> usize {
    if position < 0.0 {
        length.saturating_sub(number::to_index(-position))
    } else {
        number::to_index(position).min(length)
    }
}

fn number_method(value: f64, name: &str, call: &mut Call) -> Result<Value> {
    let argument = match call.argument(0) {
        Value::Undefined => None,
        argument => Some(argument.to_number(call.meter)?),
    };
    let text = match (name, argument) {
        ("toFixed", places) => number::to_fixed(value, places.unwrap_or(0.0)),
        ("toExponential", places) => number::to_exponential(value, places),
        ("toPrecision", Some(count)) => number::to_precision(value, count),
        ("toString", Some(radix)) => number::to_radix(value, radix),
        _ => Some(number::print(value)),
    };
    text.map(|text| Value::text(&text)).ok_or_else(|| Fault::new(format!("{name}: the argument is out of range")))
}
