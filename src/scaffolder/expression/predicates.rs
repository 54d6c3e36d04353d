//! The tests after `is`.

use super::coercion;
use super::limits::{Fault, Meter, Result};
use super::text::Text;
use super::value::Value;

/// The tests about a value alone.
pub(super) const PLAIN: [&str; 15] = [
    "callable",
    "defined",
    "escaped",
    "even",
    "falsy",
    "iterable",
    "lower",
    "mapping",
    "null",
    "number",
    "odd",
    "string",
    "truthy",
    "undefined",
    "upper",
];
/// The tests that compare with an argument.
pub(super) const COMPARING: [&str; 11] =
    ["divisibleby", "eq", "equalto", "ge", "greaterthan", "gt", "le", "lessthan", "lt", "ne", "sameas"];

/// How many arguments a test takes; `None` when there is no such test.
pub(super) fn arity(name: &str) -> Option<usize> {
    let takes_one = COMPARING.contains(&name).then_some(1);
    takes_one.or_else(|| PLAIN.contains(&name).then_some(0))
}

/// Whether `input` passes the test; the number of arguments was checked.
pub(super) fn holds(name: &str, input: &Value, arguments: &[Value], meter: &mut Meter) -> Result<bool> {
    let other = arguments.first().unwrap_or(&Value::Undefined);
    if !matches!(name, "callable" | "eq" | "equalto" | "sameas" | "ne") {
        input.refuse_functions()?;
        other.refuse_functions()?;
    }
    Ok(match name {
        "callable" => matches!(input, Value::Function(_)),
        "defined" => !input.is_undefined(),
        "undefined" => input.is_undefined(),
        "divisibleby" => is_zero(input.to_number(meter)? % other.to_number(meter)?),
        "even" => is_zero(input.to_number(meter)? % 2.0),
        "odd" => is_zero(input.to_number(meter)? % 2.0 - 1.0),
        "escaped" => matches!(input, Value::Safe(_)),
        "eq" | "equalto" | "sameas" => input.is_same(other),
        "ne" => !input.is_same(other),
        "falsy" => !input.is_truthy(),
        "truthy" => input.is_truthy(),
        "ge" => coercion::order(input, other, meter)?.is_some_and(std::cmp::Ordering::is_ge),
        "gt" | "greaterthan" => coercion::order(input, other, meter)?.is_some_and(std::cmp::Ordering::is_gt),
        "le" => coercion::order(input, other, meter)?.is_some_and(std::cmp::Ordering::is_le),
        "lt" | "lessthan" => coercion::order(input, other, meter)?.is_some_and(std::cmp::Ordering::is_lt),
        "iterable" if input.is_nullish() => return Err(Fault::new(format!("this is {}", input.kind()))),
        "iterable" => matches!(input, Value::Text(_) | Value::Safe(_) | Value::Array(_)),
        "mapping" => matches!(input, Value::Record(_) | Value::Safe(_) | Value::Regex(_)),
        "null" => matches!(input, Value::Null),
        "number" => matches!(input, Value::Number(_)),
        "string" => matches!(input, Value::Text(_)),
        "lower" => is_unchanged(input, Text::lower)?,
        _ => is_unchanged(input, Text::upper)?,
    })
}

fn is_zero(number: f64) -> bool {
    number.abs().to_bits() == 0
}

/// Whether a text is all in one case. String objects never are: JavaScript compares them by identity.
fn is_unchanged(input: &Value, map: fn(&Text) -> Text) -> Result<bool> {
    match input {
        Value::Safe(_) => Ok(false),
        Value::Text(text) => Ok(map(text) == *text),
        _ => Err(Fault::new(format!("the input has to be text, and this is {}", input.kind()))),
    }
}
