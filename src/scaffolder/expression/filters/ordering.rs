//! Filters that order and group: `sort`, `dictsort`, `groupby`.

use std::cmp::Ordering;

use super::super::coercion;
use super::super::interpreter::own_member;
use super::super::limits::{Fault, Meter, Result};
use super::super::sorting;
use super::super::text::Text;
use super::super::value::{Value, is_reserved};
use super::Call;
use super::lists::{attribute, indexed, mapped, sequence};

/// The steps of an attribute such as `owner.name`.
fn path(value: &Value, call: &mut Call) -> Result<Vec<Text>> {
    if !value.is_truthy() {
        return Ok(Vec::new());
    }
    let parts = match value {
        Value::Text(text) => text.split(&Text::from(".")),
        value => vec![value.to_text(call.meter)?],
    };
    parts.into_iter().map(|part| attribute(&Value::Text(part), call)).collect()
}

fn follow(value: &Value, path: &[Text]) -> Result<Value> {
    let mut current = value.clone();
    for part in path {
        if current.is_nullish() {
            return Err(Fault::new("an item is empty and has no attributes"));
        }
        match own_member(&current, part) {
            Some(member) => current = member,
            None => return Ok(Value::Undefined),
        }
    }
    Ok(current)
}

/// Text in one case, when case does not count.
fn folded(value: &Value, is_case_sensitive: bool, fold: fn(&Text) -> Text) -> Value {
    match value.as_text() {
        Some(text) if !is_case_sensitive => Value::Text(fold(text)),
        _ => value.clone(),
    }
}

pub(super) fn sort(call: &mut Call) -> Result<Value> {
    let items = match call.input {
        Value::Record(record) => mapped(record, call)?,
        input => sequence(input).unwrap_or_default(),
    };
    let (is_reversed, is_case_sensitive) = (call.is_set(0), call.is_set(1));
    let attribute = call.argument(2);
    let path = path(&attribute, call)?;
    let compare = |left: &Value, right: &Value, meter: &mut Meter| {
        let (mut left, mut right) = (follow(left, &path)?, follow(right, &path)?);
        if left.as_text().is_some() && right.as_text().is_some() {
            left = folded(&left, is_case_sensitive, Text::lower);
            right = folded(&right, is_case_sensitive, Text::lower);
        }
        let order = coercion::order(&left, &right, meter)?.unwrap_or(Ordering::Equal);
        Ok(if is_reversed { order.reverse() } else { order })
    };
    Value::array(sorting::sort(items, compare, call.meter)?)
}

pub(super) fn dictsort(call: &mut Call) -> Result<Value> {
    let Value::Record(record) = call.input else {
        return call.fail("an object");
    };
    let is_case_sensitive = call.is_set(0);
    let by_value = match call.argument(1) {
        Value::Undefined => false,
        Value::Text(by) if by.is("key") => false,
        Value::Text(by) if by.is("value") => true,
        _ => return Err(Fault::new("an object is sorted by 'key' or 'value'")),
    };
    let mut pairs = Vec::new();
    for (key, value) in record.entries() {
        pairs.push(Value::array(vec![Value::Text(key.clone()), value.clone()])?);
    }
    let compare = |left: &Value, right: &Value, meter: &mut Meter| {
        let part = |pair: &Value| {
            let value = if let Value::Array(pair) = pair { pair.get(usize::from(by_value)) } else { Value::Undefined };
            folded(&value, is_case_sensitive, Text::upper)
        };
        let (left, right) = (part(left), part(right));
        if coercion::order(&left, &right, meter)? == Some(Ordering::Greater) {
            return Ok(Ordering::Greater);
        }
        Ok(if left.is_same(&right) { Ordering::Equal } else { Ordering::Less })
    };
    Value::array(sorting::sort(pairs, compare, call.meter)?)
}

pub(super) fn groupby(call: &mut Call) -> Result<Value> {
    if call.input.is_nullish() {
        return call.fail("a list");
    }
    let items = match call.input {
        Value::Record(record) => indexed(record, call)?,
        input => match sequence(input) {
            Some(items) => items,
            None => return Value::record(Vec::new()),
        },
    };
    let attribute = call.argument(0);
    let path = path(&attribute, call)?;
    let mut groups: Vec<(Text, Vec<Value>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for item in items {
        let key = follow(&item, &path)?.to_text(call.meter)?;
        if let Text::Ascii(name) = &key
            && is_reserved(name)
        {
            return Err(Fault::new(format!("the key '{name}' is reserved")));
        }
        let place = *places.entry(key.clone()).or_insert(groups.len());
        if place == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[place].1.push(item);
    }
    let mut entries = Vec::with_capacity(groups.len());
    for (key, items) in groups {
        entries.push((key, Value::array(items)?));
    }
    Value::record(entries)
}
