//! `POST /locations/by-query`: pages of registered locations, by a predicate over `id`, `type`, `target`, `entityRef`.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::locations::wire;
use crate::catalog::Catalog;
use crate::web::api::body::{Body, Shape};
use crate::web::api::{Caller, reply};
use crate::web::error::Error;

/// How many locations a page has if nobody says.
const DEFAULT_LIMIT: u64 = 1000;

/// What is asked, from the body or from the cursor of a former page.
struct Asked {
    limit: u64,
    after: Option<String>,
    query: Option<Value>,
}

/// `POST /locations/by-query`
pub(super) async fn by_query(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    body.check(&[], &[("cursor", Shape::Text), ("limit", Shape::Number), ("query", Shape::Object)])?;
    let asked = Asked::read(&body)?;
    let mut found = Vec::new();
    for location in catalog.locations(&who).await? {
        let location = wire(&location);
        if asked.query.as_ref().map_or(Ok(true), |query| is_meant(query, &location))? {
            found.push(location);
        }
    }
    found.sort_by(|a, b| id_of(a).cmp(id_of(b)));
    let total = found.len();
    let rest: Vec<Value> = found
        .into_iter()
        .filter(|location| asked.after.as_deref().is_none_or(|after| id_of(location) > after))
        .collect();
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let items = &rest[..limit.min(rest.len())];
    let mut page_info = Map::new();
    if let Some(last) = items.last().filter(|_| rest.len() > limit) {
        let mut cursor = json!({ "limit": asked.limit, "afterId": id_of(last) });
        if let Some(query) = asked.query {
            cursor["query"] = query;
        }
        page_info.insert("nextCursor".to_owned(), json!(STANDARD.encode(cursor.to_string())));
    }
    Ok(reply::ok(&json!({ "items": items, "totalItems": total, "pageInfo": page_info })))
}

fn id_of(location: &Value) -> &str {
    location["id"].as_str().unwrap_or_default()
}

impl Asked {
    fn read(body: &Body) -> Result<Self, Error> {
        let Some(cursor) = body.text("cursor") else {
            let limit = match body.0.get("limit") {
                None => DEFAULT_LIMIT,
                Some(limit) => {
                    whole(limit).ok_or_else(|| Error::Input("Limit must be a positive integer >= 1".to_owned()))?
                }
            };
            return Ok(Self { limit, after: None, query: body.0.get("query").cloned() });
        };
        if cursor.is_empty() {
            return Err(Error::Input("Cursor cannot be empty".to_owned()));
        }
        let decoded = STANDARD.decode(cursor).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        let place = decoded.ok_or_else(|| Error::Input("Malformed cursor, unknown encoding".to_owned()))?;
        let limit = place.get("limit").and_then(whole);
        let limit = limit.ok_or_else(|| Error::Input("Malformed cursor: it has no limit".to_owned()))?;
        let after = place.get("afterId").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { limit, after, query: place.get("query").cloned() })
    }
}

/// A whole number from 1, also one that is written as `2.0`.
fn whole(number: &Value) -> Option<u64> {
    let read = number.as_u64().or_else(|| {
        let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
        format!("{number:.0}").parse().ok()
    });
    read.filter(|number| *number >= 1)
}

/// Whether a predicate means a location; texts are compared without regard to case.
fn is_meant(query: &Value, location: &Value) -> Result<bool, Error> {
    let Value::Object(query) = query else {
        return Err(Error::Input("Invalid filter predicate, expected an object".to_owned()));
    };
    let list = |value: &Value| -> Result<Vec<bool>, Error> {
        let parts = value.as_array().ok_or_else(|| Error::Input("Invalid query: expected an array".to_owned()))?;
        parts.iter().map(|part| is_meant(part, location)).collect()
    };
    if let Some(parts) = query.get("$all") {
        let parts = list(parts)?;
        return Ok(!parts.is_empty() && parts.into_iter().all(|meant| meant));
    }
    if let Some(parts) = query.get("$any") {
        return Ok(list(parts)?.into_iter().any(|meant| meant));
    }
    if let Some(part) = query.get("$not") {
        return Ok(!is_meant(part, location)?);
    }
    if query.keys().any(|key| key.starts_with('$')) {
        let keys: Vec<_> = query.keys().map(String::as_str).collect();
        return Err(Error::Input(format!("Invalid filter predicate, unknown logic operator '{}'", keys.join(", "))));
    }
    query.iter().try_fold(true, |meant, (key, wanted)| Ok(fits(key, wanted, location)? && meant))
}

fn fits(key: &str, wanted: &Value, location: &Value) -> Result<bool, Error> {
    let known = ["id", "type", "target", "entityRef"].into_iter().find(|known| known.eq_ignore_ascii_case(key));
    let Some(known) = known else {
        let expected = "expected key to be 'id', 'type', 'target', or 'entityRef'";
        return Err(Error::Input(format!("Invalid filter predicate, {expected}, got '{key}'")));
    };
    let value = location[known].as_str().unwrap_or_default().to_uppercase();
    let unknown = || Error::Input(format!("Invalid filter predicate, got unknown matcher object '{wanted}'"));
    if let Some(text) = text_of(wanted) {
        return Ok(value == text);
    }
    let Value::Object(matcher) = wanted else { return Err(unknown()) };
    match (matcher.get("$exists"), matcher.get("$in"), matcher.get("$hasPrefix")) {
        (Some(Value::Bool(exists)), ..) => Ok(*exists),
        (None, Some(Value::Array(any)), _) => Ok(any.iter().any(|one| text_of(one).is_some_and(|one| one == value))),
        (None, None, Some(Value::String(prefix))) => Ok(value.starts_with(&prefix.to_uppercase())),
        _ => Err(unknown()),
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_uppercase()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string().to_uppercase()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_mean_what_they_mean_for_entities() {
        let location =
            json!({ "id": "a1", "type": "url", "target": "https://x/Y.yaml", "entityRef": "location:default/g" });
        let cases = [
            (json!({}), Ok(true)),
            (json!({ "type": "URL" }), Ok(true)),
            (json!({ "type": "url", "target": "no" }), Ok(false)),
            (json!({ "target": { "$hasPrefix": "HTTPS://x/" } }), Ok(true)),
            (json!({ "entityref": { "$in": ["no", "location:default/G"] } }), Ok(true)),
            (json!({ "id": { "$exists": false } }), Ok(false)),
            (json!({ "$not": { "id": "a1" } }), Ok(false)),
            (json!({ "$any": [{ "id": "b" }, { "type": "url" }] }), Ok(true)),
            (json!({ "$any": [] }), Ok(false)),
            (json!({ "$all": [{ "id": "a1" }, { "type": "url" }] }), Ok(true)),
            (json!({ "$all": [] }), Ok(false)),
            (json!({ "$nope": 1 }), Err("Invalid filter predicate, unknown logic operator '$nope'")),
            (
                json!({ "kind": "x" }),
                Err("Invalid filter predicate, expected key to be 'id', 'type', 'target', or 'entityRef', got 'kind'"),
            ),
            (json!({ "id": null }), Err("Invalid filter predicate, got unknown matcher object 'null'")),
        ];
        for (query, expected) in cases {
            let got = is_meant(&query, &location).map_err(|error| error.to_string());
            assert_eq!(got, expected.map_err(str::to_owned), "{query}");
        }
    }
}
