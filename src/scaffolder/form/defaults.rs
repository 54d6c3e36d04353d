//! Fills answers in from the schema's `default` (and `const`), the way the web form does.
//!
//! Only what is absent is filled. A default can open a branch whose properties have defaults of their own, so filling
//! goes round until nothing changes (bounded).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Page, branch, type_of};

/// How often a default may open a further branch.
const ROUNDS: usize = 8;

/// The answers with every absent one that has a default filled in.
pub(crate) fn filled(pages: &[Arc<Page>], values: &Map<String, Value>) -> Map<String, Value> {
    let mut values = values.clone();
    for page in pages {
        fill(page.schema.document(), &mut values);
    }
    values
}

/// Fills in the defaults of one page's schema.
pub(super) fn fill(schema: &Value, values: &mut Map<String, Value>) {
    if let Some(whole) = schema.get("default").and_then(Value::as_object) {
        for (name, value) in whole {
            values.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    object(schema, schema, values);
}

fn object(root: &Value, schema: &Value, values: &mut Map<String, Value>) {
    for _ in 0..ROUNDS {
        let before = values.len();
        for (name, property) in branch::resolve(root, schema, values).properties {
            property_default(root, &name, &property, values);
        }
        if values.len() == before {
            return;
        }
    }
}

fn property_default(root: &Value, name: &str, property: &Value, values: &mut Map<String, Value>) {
    if !values.contains_key(name)
        && let Some(default) = property.get("default").or_else(|| property.get("const"))
    {
        values.insert(name.to_owned(), default.clone());
    }
    if type_of(property) != "object" {
        return;
    }
    match values.get_mut(name) {
        Some(Value::Object(inner)) => object(root, property, inner),
        Some(_) => {}
        None => {
            let mut inner = Map::new();
            object(root, property, &mut inner);
            if !inner.is_empty() {
                values.insert(name.to_owned(), Value::Object(inner));
            }
        }
    }
}
