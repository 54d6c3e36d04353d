//! `fields=kind,metadata.name`: the parts of an entity that a client wants.
//!
//! A path is split at its dots; where a part is not found, it is tried again together with the next one, so a key
//! with dots (`metadata.annotations.example.com/note`) is found too. What an entity does not have is left out.

use serde_json::{Map, Value};

use crate::web::error::Error;

/// Paths to pick; all of an entity without.
#[derive(Debug, Clone)]
pub(super) struct Fields(Vec<String>);

impl Fields {
    /// Reads the parameter; `None` if there is nothing to pick by.
    pub(super) fn read(fields: Option<Vec<String>>) -> Result<Option<Self>, Error> {
        let Some(fields) = fields.filter(|fields| !fields.is_empty()) else {
            return Ok(None);
        };
        match fields.iter().find(|field| field.contains('[')) {
            Some(field) => Err(Error::Input(format!("Invalid field \"{field}\", array type fields are not supported"))),
            None => Ok(Some(Self(fields))),
        }
    }

    /// The picked parts, in the order of the paths.
    pub(super) fn pick(&self, entity: &Map<String, Value>) -> Map<String, Value> {
        let mut picked = Map::new();
        for field in &self.0 {
            if let Some((path, value)) = find(entity, field) {
                put(&mut picked, &path, value);
            }
        }
        picked
    }
}

/// The keys that lead to a field, and what is there.
fn find<'a>(entity: &'a Map<String, Value>, field: &str) -> Option<(Vec<String>, &'a Value)> {
    let (mut path, mut key) = (Vec::new(), String::new());
    let mut here: Option<&Value> = None;
    for part in field.split('.') {
        if !key.is_empty() {
            key.push('.');
        }
        key.push_str(part);
        let object = match here {
            None => Some(entity),
            Some(value) => value.as_object(),
        };
        if let Some(found) = object.and_then(|object| object.get(&key)) {
            path.push(std::mem::take(&mut key));
            here = Some(found);
        }
    }
    key.is_empty().then_some(path).zip(here)
}

fn put(picked: &mut Map<String, Value>, path: &[String], value: &Value) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let mut place = picked;
    for key in parents {
        let next = place.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
        // A parent was picked whole before: it has this field already.
        let Value::Object(object) = next else { return };
        place = object;
    }
    place.insert(last.clone(), value.clone());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_picked_whole_or_in_part() {
        let entity = json!({
            "kind": "Component",
            "metadata": { "name": "x", "annotations": { "example.com/note": "hello", "a": "b" }, "tags": ["t"] },
            "spec": { "null": null },
        });
        let cases = [
            (vec!["kind"], json!({ "kind": "Component" })),
            (vec!["metadata.name", "kind"], json!({ "metadata": { "name": "x" }, "kind": "Component" })),
            (
                vec!["metadata.annotations.example.com/note"],
                json!({ "metadata": { "annotations": { "example.com/note": "hello" } } }),
            ),
            (vec!["nope.nope", "metadata.nope", "kind.nope"], json!({})),
            (vec!["spec.null"], json!({ "spec": { "null": null } })),
            (vec!["metadata.tags"], json!({ "metadata": { "tags": ["t"] } })),
        ];
        for (fields, expected) in cases {
            let fields = Fields::read(Some(fields.into_iter().map(str::to_owned).collect())).unwrap().unwrap();
            assert_eq!(Value::Object(fields.pick(entity.as_object().unwrap())), expected, "{fields:?}");
        }
        let refused = Fields::read(Some(vec!["metadata.links[0]".to_owned()])).unwrap_err();
        assert_eq!(refused.to_string(), "Invalid field \"metadata.links[0]\", array type fields are not supported");
        assert!(Fields::read(Some(Vec::new())).unwrap().is_none());
    }
}
