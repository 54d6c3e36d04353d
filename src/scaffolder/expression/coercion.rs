//! JavaScript's conversions and the operators built on them: `String(x)`, `Number(x)`, `+`, `==`, `<`.

use std::cmp::Ordering;

use super::limits::{Meter, Result};
use super::number;
use super::text::Text;
use super::value::{Value, function_as_value};

impl Value {
    /// The primitive an operator sees: lists, objects, regular expressions and string objects become text.
    pub(super) fn to_primitive(&self, meter: &mut Meter) -> Result<Value> {
        Ok(match self {
            Value::Safe(text) => Value::Text((**text).clone()),
            Value::Array(_) | Value::Record(_) | Value::Regex(_) | Value::Function(_) => {
                Value::Text(self.to_text(meter)?)
            }
            _ => self.clone(),
        })
    }

    /// `String(value)`.
    pub(super) fn to_text(&self, meter: &mut Meter) -> Result<Text> {
        Ok(match self {
            Value::Undefined => Text::from("undefined"),
            Value::Null => Text::from("null"),
            _ => self.to_output(meter)?,
        })
    }

    /// The text an output `{{ value }}` writes: as `String`, but undefined and null write nothing.
    pub(super) fn to_output(&self, meter: &mut Meter) -> Result<Text> {
        Ok(match self {
            Value::Undefined | Value::Null => Text::from(""),
            Value::Bool(value) => Text::from(if *value { "true" } else { "false" }),
            Value::Number(number) => Text::from(number::print(*number)),
            Value::Text(text) => text.clone(),
            Value::Safe(text) => (**text).clone(),
            Value::Array(array) => {
                let mut parts = Vec::with_capacity(array.len());
                let mut length = 0;
                for item in array.items() {
                    meter.work(1)?;
                    let part = item.to_output(meter)?;
                    length += part.len() + 1;
                    parts.push(part);
                }
                meter.text(length)?;
                Text::join(&parts, &Text::from(","))
            }
            Value::Record(_) => {
                self.refuse_functions()?;
                Text::from("[object Object]")
            }
            Value::Regex(regex) => regex.print(),
            Value::Function(_) => return Err(function_as_value()),
        })
    }

    /// `Number(value)`.
    pub(super) fn to_number(&self, meter: &mut Meter) -> Result<f64> {
        Ok(match self {
            Value::Undefined => f64::NAN,
            Value::Null | Value::Bool(false) => 0.0,
            Value::Bool(true) => 1.0,
            Value::Number(number) => *number,
            _ => number::parse(&self.to_text(meter)?),
        })
    }

    /// `ToIntegerOrInfinity(value)`.
    pub(super) fn to_integer(&self, meter: &mut Meter) -> Result<f64> {
        Ok(number::integer(self.to_number(meter)?))
    }
}

/// `left + right`.
pub(super) fn add(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value> {
    let (left, right) = (left.to_primitive(meter)?, right.to_primitive(meter)?);
    if matches!(left, Value::Text(_)) || matches!(right, Value::Text(_)) {
        return concat(&left, &right, meter);
    }
    Ok(Value::Number(left.to_number(meter)? + right.to_number(meter)?))
}

/// `left ~ right`.
pub(super) fn concat(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value> {
    let (left, right) = (left.to_text(meter)?, right.to_text(meter)?);
    meter.text(left.len() + right.len())?;
    Ok(Value::Text(Text::concat(&[&left, &right])))
}

/// `left == right`.
pub(super) fn loosely_equal(left: &Value, right: &Value, meter: &mut Meter) -> Result<bool> {
    if left.is_same(right) {
        return Ok(true);
    }
    let is_object = |value: &Value| {
        !matches!(value, Value::Undefined | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_))
    };
    if is_object(left) && is_object(right) {
        return Ok(false);
    }
    let (left, right) = (left.to_primitive(meter)?, right.to_primitive(meter)?);
    Ok(match (&left, &right) {
        (Value::Undefined | Value::Null, _) | (_, Value::Undefined | Value::Null) => {
            left.is_nullish() && right.is_nullish()
        }
        (Value::Text(left), Value::Text(right)) => left == right,
        #[expect(clippy::float_cmp, reason = "this is JavaScript's comparison")]
        _ => left.to_number(meter)? == right.to_number(meter)?,
    })
}

/// How `left` and `right` are ordered; `None` when neither `<`, `>` nor equality holds (not a number).
pub(super) fn order(left: &Value, right: &Value, meter: &mut Meter) -> Result<Option<Ordering>> {
    let (left, right) = (left.to_primitive(meter)?, right.to_primitive(meter)?);
    if let (Value::Text(left), Value::Text(right)) = (&left, &right) {
        return Ok(Some(left.order(right)));
    }
    Ok(left.to_number(meter)?.partial_cmp(&right.to_number(meter)?))
}
