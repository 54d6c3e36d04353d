//! Placeholders: `{$text: ./file}` and its like, replaced by what the file contains.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bundle::Bundle;
use crate::catalog::location::LocationRef;
use crate::catalog::reader::Reader;
use crate::entity::{Entity, ValidationError};
use crate::forge::LocationKind;
use crate::yaml;

/// Replaces placeholders in entities.
pub(in crate::catalog) struct Placeholders<'a> {
    pub(in crate::catalog) reader: &'a Reader,
    pub(in crate::catalog) location: &'a LocationRef,
}

/// A file that a placeholder brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::catalog) struct Include {
    /// `type:target`
    pub(in crate::catalog) location: String,
    /// As in [`crate::catalog::reader::Fetched`].
    pub(in crate::catalog) stamp: Option<String>,
    /// As in [`crate::catalog::reader::Fetched`].
    pub(in crate::catalog) version: String,
}

/// How many placeholders one entity may have.
const MAX_PLACEHOLDERS: usize = 100;

impl Placeholders<'_> {
    /// Whether an entity has any.
    pub(in crate::catalog) fn are_in(entity: &Entity) -> bool {
        let mut found = Vec::new();
        entity.0.iter().for_each(|(key, value)| find(value, &mut key.clone(), &mut found));
        !found.is_empty()
    }

    /// The entity with every placeholder replaced; what a placeholder brings in is not searched again, only noted.
    pub(in crate::catalog) async fn replace(
        &self,
        entity: Entity,
        includes: &mut Vec<Include>,
    ) -> Result<Entity, ValidationError> {
        let mut found = Vec::new();
        find(&Value::Object(entity.0.clone()), &mut String::new(), &mut found);
        if found.is_empty() {
            return Ok(entity);
        }
        let during =
            |error: ValidationError| error.during("Processor PlaceholderProcessor threw an error while preprocessing");
        if found.len() > MAX_PLACEHOLDERS {
            let message =
                format!("{} placeholders in one entity, at most {MAX_PLACEHOLDERS} are replaced", found.len());
            return Err(during(ValidationError::new("Error", message)));
        }
        let mut value = Value::Object(entity.0);
        for placeholder in found {
            let content = self.content(&placeholder, includes).await;
            let content =
                content.map_err(|message| during(ValidationError::new("Error", message).at(&placeholder.pointer)))?;
            if let Some(place) = value.pointer_mut(&placeholder.pointer) {
                *place = content;
            }
        }
        match value {
            Value::Object(map) => Ok(Entity(map)),
            // A placeholder for the whole entity is not found: an entity has more than one key.
            _ => Ok(Entity(Map::new())),
        }
    }

    fn content<'a>(
        &'a self,
        placeholder: &'a Placeholder,
        includes: &'a mut Vec<Include>,
    ) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(async move {
            let Placeholder { key, value, .. } = placeholder;
            let Some(target) = value.as_str() else {
                return Err(format!(
                    "Placeholder ${key} expected a string value parameter, in the form of an absolute URL or a relative path"
                ));
            };
            let base = &self.location.target;
            let location = self.reader.resolve(self.location, target, LocationKind::Blob);
            let location = location.map_err(|error| {
                format!("Placeholder ${key} could not form a URL out of {base} and {target}, {error}")
            })?;
            let unreadable =
                |error: &dyn std::fmt::Display| format!("Placeholder ${key} could not read location {target}, {error}");
            let fetched = self.reader.read(&location).await;
            let fetched = fetched.map_err(|error| unreadable(&format!("{}: {error}", error.name())))?;
            let (version, stamp) = (fetched.version, fetched.stamp);
            includes.push(Include { location: location.to_string(), stamp, version });
            let text = String::from_utf8_lossy(&fetched.bytes);
            match key.as_str() {
                "json" => serde_json::from_str(&text)
                    .map_err(|error| format!("Placeholder $json failed to parse JSON data at {target}, {error}")),
                "yaml" => yaml_content(&text, target),
                "openapi" | "asyncapi" => Bundle::new(self.reader, includes)
                    .of(&text, &location)
                    .await
                    .map(Value::String)
                    .map_err(|error| format!("Placeholder ${key} unable to bundle the file at {target}, {error}")),
                _ => Ok(Value::String(text.into_owned())),
            }
        })
    }
}

fn yaml_content(text: &str, target: &str) -> Result<Value, String> {
    let mut documents = yaml::documents(text);
    let count = documents.len();
    match documents.pop() {
        Some(document) if count == 1 => document
            .map(|document| document.value)
            .map_err(|error| format!("Placeholder $yaml found an error in the data at {target}, {error}")),
        _ => Err(format!("Placeholder $yaml expected to find exactly one document of data at {target}, found {count}")),
    }
}

/// One `{$key: value}`.
struct Placeholder {
    pointer: String,
    /// Without the `$`.
    key: String,
    value: Value,
}

/// Collects placeholders. Depth is bounded by what YAML documents may have.
fn find(value: &Value, pointer: &mut String, found: &mut Vec<Placeholder>) {
    let length = pointer.len();
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                yaml::pointer_push(pointer, &at.to_string());
                find(item, pointer, found);
                pointer.truncate(length);
            }
        }
        Value::Object(map) if map.keys().any(|key| key.starts_with('$')) => {
            let only = map.iter().next().filter(|_| map.len() == 1);
            if let Some((key, value)) = only.and_then(|(key, value)| Some((key.strip_prefix('$')?, value)))
                && matches!(key, "text" | "json" | "yaml" | "openapi" | "asyncapi")
            {
                found.push(Placeholder { pointer: pointer.clone(), key: key.to_owned(), value: value.clone() });
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                yaml::pointer_push(pointer, key);
                find(item, pointer, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_where_they_may_be() {
        let value = serde_json::json!({
            "spec": {"definition": {"$text": "./a"}, "list": [{"$yaml": "b"}, {"$unknown": 1}, {"$text": 1, "x": 2}]},
            "plain": {"text": "x"}
        });
        let mut found = Vec::new();
        find(&value, &mut String::new(), &mut found);
        let shown: Vec<_> = found.iter().map(|place| (place.pointer.as_str(), place.key.as_str())).collect();
        assert_eq!(shown, [("/spec/definition", "text"), ("/spec/list/0", "yaml")]);
    }
}
