//! Which entities are meant: Backstage's `filter` parameters and its JSON predicates, as one tree.
//!
//! `filter=a=b,c=d` is AND, one key twice is OR of its values, several parameters are OR, a key alone means that it is
//! there. Predicates: `$all $any $not`, fields equal to a value, `$exists $in $hasPrefix $contains`. Keys and values are
//! compared in lower case. Written form: <https://backstage.io/docs/features/software-catalog/software-catalog-api>.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bits::{Bits, Union};
use super::index::Index;
use crate::entity::EntityRef;

/// Which entities are meant. The default is all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EntityFilter {
    /// Everything in every part.
    All(Vec<EntityFilter>),
    /// Everything in any part.
    Any(Vec<EntityFilter>),
    /// Everything else.
    Not(Box<EntityFilter>),
    /// Has the field.
    Exists(String),
    /// Has the field with one of the values.
    In(String, Vec<String>),
    /// Has the field with a value that starts so.
    HasPrefix(String, String),
}

/// Why a text or a value is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FilterError(String);

impl Default for EntityFilter {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl EntityFilter {
    /// Parses the `filter` parameters of a request; none means everything.
    pub(crate) fn parse<S: AsRef<str>>(parameters: &[S]) -> Result<Self, FilterError> {
        let sets: Result<Vec<Self>, FilterError> = parameters.iter().map(|text| set(text.as_ref())).collect();
        let mut sets = sets?;
        sets.retain(|set| *set != Self::default());
        Ok(match sets.len() {
            0 => Self::default(),
            1 => sets.remove(0),
            _ => Self::Any(sets),
        })
    }

    /// The field has the value.
    pub(crate) fn is(key: &str, value: &str) -> Self {
        Self::In(key.to_lowercase(), vec![value.to_lowercase()])
    }

    /// One entity.
    pub(crate) fn entity(reference: &EntityRef) -> Self {
        let parts = [
            ("metadata.name", reference.name()),
            ("kind", reference.kind()),
            ("metadata.namespace", reference.namespace()),
        ];
        Self::All(parts.map(|(key, value)| Self::is(key, value)).into())
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(mut parts), Self::All(others)) => {
                parts.extend(others);
                Self::All(parts)
            }
            (Self::All(mut parts), other) => {
                parts.push(other);
                Self::All(parts)
            }
            (first, other) => Self::All(vec![first, other]),
        }
    }

    /// Parses a JSON predicate.
    pub(crate) fn predicate(value: &Value) -> Result<Self, FilterError> {
        let Value::Object(map) = value else {
            return Err(FilterError("Invalid query: expected an object".to_owned()));
        };
        let list = |value: &Value, key: &str| -> Result<Vec<Self>, FilterError> {
            let Value::Array(parts) = value else {
                return Err(FilterError(format!("Invalid query: expected an array at \"{key}\"")));
            };
            parts.iter().map(Self::predicate).collect()
        };
        let mut parts = Vec::new();
        for (key, value) in map {
            let is_alone = map.len() == 1;
            parts.push(match key.as_str() {
                "$all" if is_alone => Self::All(list(value, key)?),
                "$any" if is_alone => Self::Any(list(value, key)?),
                "$not" if is_alone => Self::Not(Box::new(Self::predicate(value)?)),
                operator if operator.starts_with('$') => {
                    return Err(FilterError(format!(
                        "Invalid query: \"{operator}\" is not an operator, or does not stand alone"
                    )));
                }
                field => condition(field, value)?,
            });
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Self::All(parts) })
    }

    /// The entities that are meant.
    pub(super) fn select<'i>(&self, index: &'i Index) -> Cow<'i, Bits> {
        match self {
            Self::All(parts) => {
                let mut parts = parts.iter();
                let Some(first) = parts.next() else {
                    return Cow::Borrowed(index.all());
                };
                parts.fold(first.select(index), |found, part| {
                    if found.is_empty() { found } else { Cow::Owned(found.and(&part.select(index))) }
                })
            }
            Self::Any(parts) => union(parts.iter().map(|part| part.select(index))),
            Self::Not(part) => Cow::Owned(index.all().without(&part.select(index))),
            Self::Exists(key) => index.field(key).map(|field| Cow::Borrowed(field.present())).unwrap_or_default(),
            Self::In(key, values) => {
                let Some(field) = index.field(key) else {
                    return Cow::default();
                };
                let sets = values.iter().filter_map(|value| field.having(value));
                union(sets.map(Cow::Borrowed))
            }
            Self::HasPrefix(key, prefix) => {
                Cow::Owned(index.field(key).map(|field| field.beginning(prefix)).unwrap_or_default())
            }
        }
    }
}

fn union<'i>(mut sets: impl Iterator<Item = Cow<'i, Bits>>) -> Cow<'i, Bits> {
    let (Some(first), second) = (sets.next(), sets.next()) else {
        return Cow::default();
    };
    let Some(second) = second else { return first };
    let mut all = Union::default();
    for set in [first, second].into_iter().chain(sets) {
        all.add(&set);
    }
    Cow::Owned(all.finish())
}

/// One `filter` parameter.
fn set(text: &str) -> Result<EntityFilter, FilterError> {
    // In the order of first mention; a key with values forgets that it was also asked for alone.
    let mut keys: Vec<String> = Vec::new();
    let mut values: HashMap<String, Vec<String>> = HashMap::new();
    for statement in text.split(',').map(str::trim).filter(|statement| !statement.is_empty()) {
        let (key, value) = match statement.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (statement, None),
        };
        if key.is_empty() {
            let message = format!(
                "Invalid filter, '{statement}' is not a valid statement (expected a string on the form a=b or a= or a)"
            );
            return Err(FilterError(message));
        }
        let key = key.to_lowercase();
        if !keys.contains(&key) {
            keys.push(key.clone());
        }
        if let Some(value) = value {
            values.entry(key).or_default().push(value.to_lowercase());
        }
    }
    let condition = |key: String| match values.remove(&key) {
        Some(values) => EntityFilter::In(key, values),
        None => EntityFilter::Exists(key),
    };
    Ok(EntityFilter::All(keys.into_iter().map(condition).collect()))
}

/// The right-hand side of a field in a predicate.
fn condition(field: &str, value: &Value) -> Result<EntityFilter, FilterError> {
    let key = field.to_lowercase();
    let wrong = || FilterError(format!("Invalid query: Validation error: unsupported value at \"{field}\""));
    if let Some(text) = primitive(value) {
        return Ok(EntityFilter::In(key, vec![text]));
    }
    let Value::Object(map) = value else { return Err(wrong()) };
    let (Some((operator, operand)), 1) = (map.iter().next(), map.len()) else {
        return Err(wrong());
    };
    match (operator.as_str(), operand) {
        ("$exists", Value::Bool(true)) => Ok(EntityFilter::Exists(key)),
        ("$exists", Value::Bool(false)) => Ok(EntityFilter::Not(Box::new(EntityFilter::Exists(key)))),
        ("$in", Value::Array(values)) => {
            let values: Option<Vec<String>> = values.iter().map(primitive).collect();
            Ok(EntityFilter::In(key, values.ok_or_else(wrong)?))
        }
        ("$hasPrefix", Value::String(prefix)) => Ok(EntityFilter::HasPrefix(key, prefix.to_lowercase())),
        ("$contains", Value::Object(object)) => relation(field, object),
        ("$contains", operand) => Ok(EntityFilter::In(key, vec![primitive(operand).ok_or_else(wrong)?])),
        _ => Err(wrong()),
    }
}

/// `relations: {$contains: {type, targetRef}}`
fn relation(field: &str, object: &serde_json::Map<String, Value>) -> Result<EntityFilter, FilterError> {
    if field != "relations" {
        return Err(FilterError(format!("Object form of $contains is not supported for field \"{field}\"")));
    }
    let Some(kind) = object.get("type").and_then(Value::as_str) else {
        return Err(FilterError("Invalid query: $contains on relations needs a \"type\"".to_owned()));
    };
    let key = format!("relations.{}", kind.to_lowercase());
    match object.get("targetRef") {
        None => Ok(EntityFilter::Exists(key)),
        Some(target) => condition(&key, target),
    }
}

fn primitive(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_lowercase()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
pub(super) mod tests;
