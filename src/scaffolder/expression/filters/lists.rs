//! Filters about lists: parts, joins, sums and choices.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::rc::Rc;

use super::super::interpreter::own_member;
use super::super::limits::{Fault, Result};
use super::super::number;
use super::super::predicates;
use super::super::text::Text;
use super::super::value::{Record, Value, is_reserved};
use super::{Call, indexed_count, plus};

/// The items of a list, or the units of a text.
pub(super) fn sequence(input: &Value) -> Option<Vec<Value>> {
    match input {
        Value::Array(array) => Some(array.items()),
        _ => input.as_text().map(|text| text.split(&Text::from("")).into_iter().map(Value::Text).collect()),
    }
}

/// The values at `0`, `1`, … of an object that looks like a list.
pub(super) fn indexed(record: &Rc<Record>, call: &mut Call) -> Result<Vec<Value>> {
    let count = indexed_count(&record.get("length"), call.meter)?;
    Ok((0..count).map(|index| record.get(&index.to_string())).collect())
}

/// The same for filters that make a list of that length, which has to be possible.
pub(super) fn mapped(record: &Rc<Record>, call: &mut Call) -> Result<Vec<Value>> {
    if let Value::Number(length) = record.get("length")
        && !length.is_nan()
        && (length.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&length))
    {
        return Err(Fault::new("the 'length' of the object is no length of a list"));
    }
    indexed(record, call)
}

pub(super) fn length(call: &Call) -> Value {
    match call.input {
        Value::Array(array) => Value::count(array.len()),
        Value::Record(record) => Value::count(record.entries().len()),
        Value::Undefined | Value::Null | Value::Bool(false) => Value::Number(0.0),
        input => input.as_text().map_or(Value::Undefined, |text| Value::count(text.len())),
    }
}

/// A positive whole number of rows or columns.
fn positive(call: &mut Call, what: &str) -> Result<usize> {
    let count = call.argument(0).to_number(call.meter)?.trunc();
    if (1.0..=9_007_199_254_740_991.0).contains(&count) {
        Ok(number::to_index(count))
    } else {
        Err(Fault::new(format!("{what} has to be a number above 0")))
    }
}

pub(super) fn batch(call: &mut Call) -> Result<Value> {
    if call.input.is_nullish() {
        return call.fail("a list");
    }
    let width = positive(call, "the size of a batch")?;
    let items = match call.input {
        Value::Record(record) => indexed(record, call)?,
        input => sequence(input).unwrap_or_default(),
    };
    let fill = call.given(1);
    let mut rows = Vec::new();
    for row in items.chunks(width) {
        let mut row = row.to_vec();
        if let Some(fill) = &fill {
            call.meter.work(width - row.len())?;
            row.resize(width, fill.clone());
        }
        rows.push(Value::array(row)?);
    }
    Value::array(rows)
}

pub(super) fn slice(call: &mut Call) -> Result<Value> {
    let Some(items) = sequence(call.input) else {
        return call.fail("a list or text");
    };
    let count = positive(call, "the number of slices")?;
    call.meter.work(count)?;
    let text = call.input.as_text();
    let (base, extra) = (items.len() / count, items.len() % count);
    let fill = call.given(1);
    let mut start = 0;
    let mut slices = Vec::new();
    for index in 0..count {
        let end = start + base + usize::from(index < extra);
        let filled = fill.clone().filter(|_| index >= extra);
        slices.push(match text {
            Some(_) if filled.is_some() => return Err(Fault::new("slices of a text cannot be filled up")),
            Some(text) => Value::Text(text.slice(start, end)),
            None => Value::array(items[start..end].iter().cloned().chain(filled).collect())?,
        });
        start = end;
    }
    Value::array(slices)
}

/// The first or last item.
pub(super) fn edge(call: &mut Call, is_last: bool) -> Result<Value> {
    let at = |length: usize| if is_last { length.wrapping_sub(1) } else { 0 };
    match call.input {
        Value::Undefined | Value::Null => call.fail("a list"),
        Value::Array(array) => Ok(array.get(at(array.len()))),
        Value::Record(record) if !is_last => Ok(record.get("0")),
        Value::Record(record) => {
            let last = record.get("length").to_number(call.meter)? - 1.0;
            Ok(record.get(&number::print(last)))
        }
        input => Ok(input.as_text().and_then(|text| text.at(at(text.len()))).map_or(Value::Undefined, Value::Text)),
    }
}

pub(super) fn list(call: &Call) -> Result<Value> {
    match call.input {
        Value::Array(_) => Ok(call.input.clone()),
        Value::Record(record) => {
            let entry = |(key, value): &(Text, Value)| {
                Value::record(vec![(Text::from("key"), Value::Text(key.clone())), (Text::from("value"), value.clone())])
            };
            let entries: Result<Vec<Value>> = record.entries().iter().map(entry).collect();
            Value::array(entries?)
        }
        input => match sequence(input) {
            Some(units) => Value::array(units),
            None => call.fail("a list, object or text"),
        },
    }
}

pub(super) fn random(call: &mut Call) -> Result<Value> {
    if call.input.is_nullish() {
        return call.fail("a list");
    }
    let items = match call.input {
        Value::Record(record) => indexed(record, call)?,
        input => sequence(input).unwrap_or_default(),
    };
    if items.is_empty() {
        return Ok(Value::Undefined);
    }
    // The keys of a fresh hasher are random; this decides nothing that has to be unpredictable.
    let random = RandomState::new().hash_one(items.len());
    let count = u64::try_from(items.len()).unwrap_or(1);
    Ok(items[usize::try_from(random % count).unwrap_or(0)].clone())
}

pub(super) fn reverse(call: &mut Call) -> Result<Value> {
    let mut items = match call.input {
        Value::Array(array) => array.items(),
        Value::Record(record) => mapped(record, call)?,
        input => match input.as_text() {
            Some(text) => {
                let mut units = text.units();
                units.reverse();
                return call.like_input(Text::from_units(&units));
            }
            None => Vec::new(),
        },
    };
    items.reverse();
    Value::array(items)
}

/// The values of one attribute of all items.
fn project(call: &mut Call, attribute: &Text) -> Result<Vec<Value>> {
    let items = match call.input {
        Value::Array(array) => array.items(),
        Value::Text(_) => sequence(call.input).unwrap_or_default(),
        Value::Record(record) => mapped(record, call)?,
        Value::Safe(text) if !text.is_empty() => return Err(nullish_attribute()),
        _ => Vec::new(),
    };
    items.iter().map(|item| attribute_of(item, attribute)).collect()
}

fn nullish_attribute() -> Fault {
    Fault::new("an item is empty and has no attributes")
}

fn attribute_of(item: &Value, attribute: &Text) -> Result<Value> {
    if item.is_nullish() {
        return Err(nullish_attribute());
    }
    Ok(own_member(item, attribute).unwrap_or(Value::Undefined))
}

/// The key an attribute argument means.
pub(super) fn attribute(value: &Value, call: &mut Call) -> Result<Text> {
    let key = value.to_text(call.meter)?;
    match &key {
        Text::Ascii(name) if is_reserved(name) => Err(Fault::new(format!("the attribute '{name}' is reserved"))),
        _ => Ok(key),
    }
}

/// The items a filter adds up or joins: those of the list, or one attribute of each.
fn items(call: &mut Call, attribute_index: usize) -> Result<Vec<Value>> {
    if let Some(name) = call.given(attribute_index) {
        let attribute = attribute(&name, call)?;
        return project(call, &attribute);
    }
    match call.input {
        Value::Array(array) => Ok(array.items()),
        _ => call.fail("a list"),
    }
}

pub(super) fn join(call: &mut Call) -> Result<Value> {
    let separator = match call.given(0) {
        Some(separator) => separator.to_text(call.meter)?,
        None => Text::from(""),
    };
    let mut parts = Vec::new();
    let mut length = 0;
    for item in items(call, 1)? {
        let part = item.to_output(call.meter)?;
        length += part.len() + separator.len();
        parts.push(part);
    }
    call.meter.text(length)?;
    Ok(Value::Text(Text::join(&parts, &separator)))
}

pub(super) fn sum(call: &mut Call) -> Result<Value> {
    let mut total = Value::Number(0.0);
    for item in items(call, 0)? {
        total = plus(&total, &item, call.meter)?;
    }
    let start = match call.argument(1) {
        Value::Undefined => Value::Number(0.0),
        start => start,
    };
    plus(&start, &total, call.meter)
}

pub(super) fn select(call: &mut Call, keeps: bool) -> Result<Value> {
    let name = match call.argument(0) {
        Value::Undefined => "truthy".to_owned(),
        name => name.to_text(call.meter)?.to_utf8(),
    };
    let Some(arity) = predicates::arity(&name) else {
        return Err(Fault::new(format!("unknown test '{name}'")));
    };
    if call.input.is_nullish() {
        return call.fail("a list");
    }
    let items = match call.input {
        Value::Record(record) => present(record, call)?,
        input => sequence(input).unwrap_or_default(),
    };
    let arguments = call.arguments.get(1..).unwrap_or_default();
    let is_sequence = call.input.as_text().is_some() || matches!(call.input, Value::Array(_) | Value::Record(_));
    if is_sequence && arguments.len() != arity {
        return Err(Fault::new(format!("test '{name}' takes {arity} arguments")));
    }
    let mut chosen = Vec::new();
    for item in items {
        if predicates::holds(&name, &item, arguments, call.meter)? == keeps {
            chosen.push(item);
        }
    }
    Value::array(chosen)
}

/// The values an object that looks like a list really has.
fn present(record: &Rc<Record>, call: &mut Call) -> Result<Vec<Value>> {
    let count = record.get("length").to_number(call.meter)?.floor();
    if count > 1e9 {
        return Err(Fault::limit("an object says it has more than 1000000000 items"));
    }
    let count = number::to_index(count);
    call.meter.work(count)?;
    Ok((0..count).filter_map(|index| record.find(&Text::from(index.to_string())).cloned()).collect())
}

pub(super) fn select_attribute(call: &mut Call, keeps: bool) -> Result<Value> {
    let Value::Array(array) = call.input else {
        return call.fail("a list");
    };
    let name = call.argument(0);
    let attribute = attribute(&name, call)?;
    let mut chosen = Vec::new();
    for item in array.items() {
        if attribute_of(&item, &attribute)?.is_truthy() == keeps {
            chosen.push(item);
        }
    }
    Value::array(chosen)
}
