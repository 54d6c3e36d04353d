//! Methods of lists. Those that change the list change it for everybody who has it.

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::limits::{Fault, Meter, Result};
use super::super::number;
use super::super::sorting;
use super::super::text::Text;
use super::super::value::{Array, Value};
use super::{Call, from_end};

pub(super) fn call(array: &Rc<Array>, name: &str, call: &mut Call, is_cookiecutter: bool) -> Result<Value> {
    let items = array.items();
    match name {
        "at" | "concat" | "flat" | "includes" | "indexOf" | "index" | "find" | "lastIndexOf" | "join" | "slice"
        | "count" => read(items, name, call),
        "sort" | "reverse" | "fill" | "copyWithin" => {
            let (items, added) = arranged(items, name, call)?;
            array.replace(items, &added, call.meter)?;
            Ok(Value::Array(array.clone()))
        }
        _ => change(array, items, name, call, is_cookiecutter),
    }
}

fn read(items: Vec<Value>, name: &str, call: &mut Call) -> Result<Value> {
    let length = items.len();
    let first = call.argument(0);
    Ok(match name {
        "at" => {
            let position = first.to_integer(call.meter)?;
            let position = if position < 0.0 { position + length_as_number(length) } else { position };
            if position < 0.0 {
                Value::Undefined
            } else {
                items.get(number::to_index(position)).cloned().unwrap_or(Value::Undefined)
            }
        }
        "concat" => {
            let mut all = items;
            for argument in call.arguments {
                match argument {
                    Value::Array(more) => all.extend(more.items()),
                    single => all.push(single.clone()),
                }
            }
            Value::array(all)?
        }
        "flat" => {
            let depth = call.integer(0)?.unwrap_or(1.0);
            let mut flat = Vec::new();
            flatten(&items, depth, &mut flat, call.meter)?;
            Value::array(flat)?
        }
        "includes" | "index" | "find" | "indexOf" | "lastIndexOf" => return search(&items, name, call),
        "join" => join(&items, &first, call.meter)?,
        "count" => Value::count(items.iter().filter(|item| item.is_same(&first)).count()),
        _ => {
            let (start, end) = (call.relative(0, length, 0)?, call.relative(1, length, length)?);
            Value::array(items[start..end.max(start)].to_vec())?
        }
    })
}

/// Where the first argument stands, or whether it does.
fn search(items: &[Value], name: &str, call: &mut Call) -> Result<Value> {
    let length = items.len();
    let found = |at: Option<usize>| at.map_or(Value::Number(-1.0), Value::count);
    let first = call.argument(0);
    Ok(match name {
        "includes" => {
            let from = call.relative(1, length, 0)?;
            let is_nan = |value: &Value| matches!(value, Value::Number(number) if number.is_nan());
            let is_first = |item: &Value| item.is_same(&first) || (is_nan(item) && is_nan(&first));
            Value::Bool(items[from..].iter().any(is_first))
        }
        "index" | "find" => found(items.iter().position(|item| item.is_same(&first))),
        "indexOf" => {
            let from = call.relative(1, length, 0)?;
            found(items[from..].iter().position(|item| item.is_same(&first)).map(|at| at + from))
        }
        _ => {
            let position = call.integer(1)?.unwrap_or(f64::INFINITY);
            let position = if position < 0.0 { position + length_as_number(length) } else { position };
            let end = if position < 0.0 { 0 } else { number::to_index(position).saturating_add(1).min(length) };
            found(items[..end].iter().rposition(|item| item.is_same(&first)))
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "lists have at most 100000 items")]
fn length_as_number(length: usize) -> f64 {
    length as f64
}

fn flatten(items: &[Value], depth: f64, flat: &mut Vec<Value>, meter: &mut Meter) -> Result<()> {
    for item in items {
        meter.work(1)?;
        match item {
            Value::Array(inner) if depth > 0.0 => flatten(&inner.items(), depth - 1.0, flat, meter)?,
            _ => flat.push(item.clone()),
        }
    }
    Ok(())
}

fn join(items: &[Value], separator: &Value, meter: &mut Meter) -> Result<Value> {
    let separator = match separator {
        Value::Undefined => Text::from(","),
        separator => separator.to_text(meter)?,
    };
    let mut parts = Vec::with_capacity(items.len());
    let mut length = 0;
    for item in items {
        meter.work(1)?;
        let part = item.to_output(meter)?;
        length += part.len() + separator.len();
        parts.push(part);
    }
    meter.text(length)?;
    Ok(Value::Text(Text::join(&parts, &separator)))
}

/// The items in another order or filled, for the methods that give back the list itself; and what was put in.
fn arranged(mut items: Vec<Value>, name: &str, call: &mut Call) -> Result<(Vec<Value>, Vec<Value>)> {
    let length = items.len();
    match name {
        "sort" => {
            let compare = |left: &Value, right: &Value, meter: &mut Meter| -> Result<Ordering> {
                Ok(left.to_text(meter)?.order(&right.to_text(meter)?))
            };
            items = sorting::sort(items, compare, call.meter)?;
        }
        "reverse" => items.reverse(),
        "fill" => {
            let value = call.argument(0);
            let (start, end) = (call.relative(1, length, 0)?, call.relative(2, length, length)?);
            items[start..end.max(start)].fill(value.clone());
            return Ok((items, vec![value]));
        }
        _ => {
            let target = call.relative(0, length, 0)?;
            let (start, end) = (call.relative(1, length, 0)?, call.relative(2, length, length)?);
            let count = end.saturating_sub(start).min(length - target);
            let copied = items[start..start + count].to_vec();
            items[target..target + count].clone_from_slice(&copied);
        }
    }
    Ok((items, Vec::new()))
}

/// The methods that add or remove items.
fn change(
    array: &Rc<Array>,
    mut items: Vec<Value>,
    name: &str,
    call: &mut Call,
    is_cookiecutter: bool,
) -> Result<Value> {
    let length = items.len();
    let given = call.arguments.to_vec();
    let mut added: &[Value] = &[];
    let result = match name {
        "push" | "append" => {
            items.extend(given.iter().cloned());
            added = &given;
            Value::count(items.len())
        }
        "unshift" => {
            items.splice(0..0, given.iter().cloned());
            added = &given;
            Value::count(items.len())
        }
        "pop" if is_cookiecutter && !call.argument(0).is_undefined() => {
            let position = call.integer(0)?.unwrap_or(0.0);
            let position = if position < 0.0 { position + length_as_number(length) } else { position };
            if position < 0.0 || position >= length_as_number(length) {
                return Ok(Value::Undefined);
            }
            items.remove(number::to_index(position))
        }
        "pop" => items.pop().unwrap_or(Value::Undefined),
        "shift" if length == 0 => Value::Undefined,
        "shift" => items.remove(0),
        "splice" => {
            let (removed, rest) = splice(&mut items, &given, call)?;
            added = &given[rest.min(given.len())..];
            Value::array(removed)?
        }
        "insert" => {
            let at = from_end(call.integer(0)?.unwrap_or(0.0), length);
            items.insert(at, call.argument(1));
            added = given.get(1..).unwrap_or_default();
            Value::array(Vec::new())?
        }
        "remove" => {
            let at = items.iter().position(|item| item.is_same(&call.argument(0)));
            Value::array(at.map(|at| items.remove(at)).into_iter().collect())?
        }
        _ => return Err(Fault::new(format!("there is no method '{name}'"))),
    };
    array.replace(items, added, call.meter)?;
    Ok(result)
}

/// Removes and inserts; gives the removed items and the index of the first argument that was inserted.
fn splice(items: &mut Vec<Value>, given: &[Value], call: &mut Call) -> Result<(Vec<Value>, usize)> {
    let Some(start) = call.integer(0)? else {
        return Ok((Vec::new(), given.len()));
    };
    let start = from_end(start, items.len());
    let Some(count) = call.integer(1)? else {
        return Ok((items.split_off(start), given.len()));
    };
    let end = start.saturating_add(number::to_index(count)).min(items.len());
    let inserted = given.get(2..).unwrap_or_default().iter().cloned();
    Ok((items.splice(start..end, inserted).collect(), 2))
}
