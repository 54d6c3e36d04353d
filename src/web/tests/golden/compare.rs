//! Two answers, compared: what is volatile is replaced on both sides, what is called differently is translated.

use serde_json::Value;

use super::{Pair, headers, pages};
use crate::web::tests::client::Answer;

/// What of a list is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matters {
    All,
    NotOrder,
    Form,
}

/// Says how an answer differs from the recorded one, if it does.
pub(crate) fn difference(
    pair: &Pair,
    answer: &Answer,
    translate: &dyn Fn(&str) -> String,
    order: Matters,
) -> Option<String> {
    let Pair { request, response: recorded, .. } = pair;
    let is_safe = ["GET", "HEAD"].contains(&request.method.as_str());
    if answer.status.as_u16() != recorded.status {
        return Some(format!("status {} instead of {}: {}", answer.status, recorded.status, answer.text));
    }
    if let Some(difference) = headers::difference(is_safe, &recorded.headers, &answer.headers) {
        return Some(difference);
    }
    if let Some(text) = &recorded.text
        && text.is_empty()
        && !answer.text.is_empty()
    {
        return Some(format!("a body where there was none: {}", answer.text));
    }
    let Some(json) = &recorded.json else { return None };
    let Ok(got) = serde_json::from_str(&answer.text) else {
        return Some(format!("no JSON: {}", answer.text));
    };
    let (mut expected, mut got) = (stable(json, &str::to_owned), stable(&got, translate));
    match order {
        Matters::All => {}
        Matters::NotOrder => [&mut expected, &mut got].map(sort).into_iter().collect(),
        Matters::Form => [&mut expected, &mut got].map(pages::blur).into_iter().collect(),
    }
    differs("", &expected, &got)
}

/// Sorts a list whose order nobody asked for: entities, or what a search found, which is ranked by each in its way.
fn sort(answer: &mut Value) {
    if let Some(Value::Array(results)) = answer.get_mut("results") {
        for result in &mut *results {
            drop(result.as_object_mut().unwrap().remove("rank"));
        }
        results.sort_by_key(|result| result["document"]["location"].to_string());
        return;
    }
    let list = match answer {
        Value::Object(map) => map.get_mut("items"),
        other => Some(other),
    };
    if let Some(Value::Array(items)) = list {
        let key = |item: &Value| {
            let at = |pointer: &str| item.pointer(pointer).map(ToString::to_string).unwrap_or_default();
            [at("/kind"), at("/metadata/namespace"), at("/metadata/name"), item.to_string()]
        };
        items.sort_by_key(key);
    }
}

/// The value with everything volatile replaced and every text translated.
fn stable(value: &Value, translate: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| (key.clone(), stable_field(key, value, translate)));
            Value::Object(pairs.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| stable(item, translate)).collect()),
        // The place in the program where a step failed is nobody's business.
        Value::String(text) => {
            Value::String(without_tags(&without_log_id(&translate(text)).replace("\n    (stack)", "")))
        }
        other => other.clone(),
    }
}

fn stable_field(key: &str, value: &Value, translate: &dyn Fn(&str) -> String) -> Value {
    const VOLATILE: [&str; 13] = [
        "uid",
        "etag",
        "id",
        "taskId",
        "createdAt",
        "lastHeartbeatAt",
        "token",
        "kid",
        "x",
        "y",
        "nextCursor",
        "prevCursor",
        "expiresInSeconds",
    ];
    let volatile = VOLATILE.contains(&key) && (value.is_string() || value.is_number());
    let action_or_item = value.as_str().is_some_and(|text| key == "id" && text.len() < 32);
    if volatile && !action_or_item { Value::String(format!("({key})")) } else { stable(value, translate) }
}

fn without_log_id(text: &str) -> String {
    text.split_once("logId=").map_or_else(|| text.to_owned(), |(before, _)| format!("{before}logId="))
}

/// The tags around marked words have the id of a process in them.
fn without_tags(text: &str) -> String {
    let mut parts = text.split('<');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let tag = part.trim_start_matches('/');
        let is_tag =
            tag.get(36..37) == Some(">") && tag[..36].bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        plain.push('<');
        plain.push_str(&if is_tag { part.replacen(&tag[..36], "mark", 1) } else { part.to_owned() });
    }
    plain
}

/// The first place where two values differ.
fn differs(place: &str, expected: &Value, got: &Value) -> Option<String> {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            let extra = got.keys().find(|key| !expected.contains_key(*key));
            if let Some(key) = extra {
                return Some(format!("{place}/{key} is too much: {}", got[key]));
            }
            expected.iter().find_map(|(key, expected)| match got.get(key) {
                Some(got) => differs(&format!("{place}/{key}"), expected, got),
                None => Some(format!("{place}/{key} is missing, was {expected}")),
            })
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            let mut pairs = expected.iter().zip(got).enumerate();
            pairs.find_map(|(index, (expected, got))| differs(&format!("{place}/{index}"), expected, got))
        }
        _ => (expected != got).then(|| format!("{place} is {got}, was {expected}")),
    }
}
