//! JSON bodies of the API: read and checked with the messages of Backstage's body parser and validator.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde_json::{Map, Value};

use crate::web::error::Error;

/// A JSON object that was posted; an absent body is an empty one.
#[derive(Debug, Clone, Default)]
pub(super) struct Body(pub(super) Map<String, Value>, Sent);

/// How many bytes a body may have: the plugin's limit, in the request's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimit(pub(super) usize);

/// Whether there was a body at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Sent {
    #[default]
    Nothing,
    Json,
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let limit = request.extensions().get::<BodyLimit>().map_or(0, |limit| limit.0);
        let bytes = to_bytes(request.into_body(), limit)
            .await
            .map_err(|_| Error::Input("request entity too large".to_owned()))?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let content_type = content_type.as_ref().map_or("undefined", |value| value.to_str().unwrap_or("undefined"));
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Error::Input(format!("unsupported media type {essence}")));
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Self(object, Sent::Json)),
            Ok(_) => Err(Error::Input("request/body must be object".to_owned())),
            Err(error) if error.is_eof() => Err(Error::Input("Unexpected end of JSON input".to_owned())),
            Err(error) => Err(Error::Input(format!("the body is not valid JSON: {error}"))),
        }
    }
}

/// What a field of a body must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// `string`
    Text,
    /// `number`
    Number,
    /// `object`
    Object,
    /// `array` of strings
    Texts,
    /// `array` of objects
    Objects,
    /// An object whose values are strings.
    TextMap,
    /// One of some words.
    OneOf(&'static [&'static str]),
}

impl Body {
    /// Refuses a body that lacks a field, or has one of another shape. Only the first fault is told.
    pub(super) fn check(&self, required: &[&str], shapes: &[(&str, Shape)]) -> Result<(), Error> {
        if self.is_absent() && !required.is_empty() {
            return Err(Error::Input("unsupported media type undefined".to_owned()));
        }
        if let Some(name) = required.iter().find(|name| !self.0.contains_key(**name)) {
            return Err(Error::Input(format!("request/body must have required property '{name}'")));
        }
        for (name, shape) in shapes {
            let Some(value) = self.0.get(*name) else { continue };
            if let Some((place, fault)) = fault(value, *shape) {
                return Err(Error::Input(format!("request/body/{name}{place} {fault}")));
            }
        }
        Ok(())
    }

    /// Whether there was no body at all.
    pub(super) fn is_absent(&self) -> bool {
        self.1 == Sent::Nothing
    }

    /// A field that passed the check as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A field that passed the check as a list of texts.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = self.0.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// A field that passed the check as an object.
    pub(super) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name)?.as_object()
    }
}

fn fault(value: &Value, shape: Shape) -> Option<(String, String)> {
    let here = |fault: &str| Some((String::new(), fault.to_owned()));
    match shape {
        Shape::Text => (!value.is_string()).then(|| here("must be string"))?,
        Shape::Number => (!value.is_number()).then(|| here("must be number"))?,
        Shape::Object => (!value.is_object()).then(|| here("must be object"))?,
        Shape::OneOf(words) => {
            let known = value.as_str().is_some_and(|word| words.contains(&word));
            let fault = format!("must be equal to one of the allowed values: {}", words.join(", "));
            (!known).then_some((String::new(), fault))
        }
        Shape::Texts | Shape::Objects => {
            let Some(items) = value.as_array() else {
                return here("must be array");
            };
            let item = if matches!(shape, Shape::Texts) { Shape::Text } else { Shape::Object };
            items
                .iter()
                .enumerate()
                .find_map(|(index, value)| fault(value, item).map(|(place, fault)| (format!("/{index}{place}"), fault)))
        }
        Shape::TextMap => {
            let Some(map) = value.as_object() else {
                return here("must be object");
            };
            map.iter().find_map(|(key, value)| fault(value, Shape::Text).map(|(_, fault)| (format!("/{key}"), fault)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_are_told_in_the_words_of_backstage() {
        let shapes =
            [("target", Shape::Text), ("limit", Shape::Number), ("query", Shape::Object), ("facets", Shape::Texts)];
        let cases = [
            (json!({"target": "x"}), None),
            (json!({}), Some("request/body must have required property 'target'")),
            (json!({"target": 1}), Some("request/body/target must be string")),
            (json!({"target": "x", "limit": "x"}), Some("request/body/limit must be number")),
            (json!({"target": "x", "query": "component"}), Some("request/body/query must be object")),
            (json!({"target": "x", "facets": ["a", 1]}), Some("request/body/facets/1 must be string")),
        ];
        for (body, expected) in cases {
            let got = Body(body.as_object().unwrap().clone(), Sent::Json).check(&["target"], &shapes);
            assert_eq!(got.err().map(|error| error.to_string()).as_deref(), expected, "{body}");
        }
    }
}
