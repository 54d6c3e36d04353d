//! Pages as they are for one set of answers: `ui:` keys with expressions become plain ones.
//!
//! `ui:if` and a feature flag that is off take a page or a property away, `ui:default` becomes `default`, `ui:enum` becomes `enum` (with
//! `enumNames`), and expressions in any other `ui:` key become their values. An expression reads the answers with the
//! defaults of the pages before its own and of its own; so pages are settled in order, and one page until nothing
//! changes (bounded). After that the rest of the form knows nothing of expressions.
//!
//! An expression that fails leaves its field open: shown, not required, any value taken, with a note for the author.

#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use self::walk::{declares, names, unrequire};
use super::super::expression::ExpressionError;
use super::super::schema::Schema;
use super::flag::{FLAG, flag_of};
use super::{Page, Sight, branch, defaults, text_of};

/// How often a default may change what depends on it.
const ROUNDS: usize = 6;
/// Where a note for the author is kept in a settled schema.
pub(super) const NOTE: &str = "ui:note";

/// A form for one set of answers.
pub(crate) struct Settled {
    /// The pages, as many as the template has; those that are not asked have no field.
    pub(crate) pages: Vec<Arc<Page>>,
    /// The answers to what is asked, with the defaults of the pages that were not answered yet.
    pub(crate) values: Map<String, Value>,
}

/// Whether a schema has a key that must be computed.
pub(crate) fn is_computed(schema: &Value) -> bool {
    match schema {
        Value::Object(keys) => keys.iter().any(|(key, value)| {
            matches!(key.as_str(), "ui:if" | "ui:enum" | "ui:default" | FLAG)
                || (key == "ui:backstage" && value.get("featureFlag").is_some())
                || (key.starts_with("ui:") && has_expression(value))
                || is_computed(value)
        }),
        Value::Array(items) => items.iter().any(is_computed),
        _ => false,
    }
}

/// Settles every page for these answers; `answered` are the pages where nothing means nothing, not a default.
pub(crate) fn settled(
    pages: &[Arc<Page>],
    answers: &Map<String, Value>,
    answered: &BTreeSet<usize>,
    sight: &Sight,
) -> Settled {
    let mut values = answers.clone();
    let (mut settled, mut declared, mut asked) = (Vec::with_capacity(pages.len()), BTreeSet::new(), BTreeSet::new());
    for (index, page) in pages.iter().enumerate() {
        let page = if page.computed {
            settle(page, &mut values, answered.contains(&index), sight)
        } else {
            if !answered.contains(&index) {
                defaults::fill(page.schema.document(), &mut values);
            }
            Arc::clone(page)
        };
        names(pages[index].schema.document(), &mut declared);
        let document = page.schema.document();
        asked.extend(branch::resolve(document, document, &values).properties.into_iter().map(|(name, _)| name));
        // What somebody answered before it was not asked any more must not steer the pages after it.
        let later = |name: &String| pages[index + 1..].iter().any(|page| declares(page.schema.document(), name));
        values.retain(|name, _| !declared.contains(name) || asked.contains(name) || later(name));
        settled.push(page);
    }
    Settled { pages: settled, values }
}

/// The answers with computed defaults for what is absent: a caller without a browser cannot compute them.
pub(crate) fn with_computed(settled: &[Arc<Page>], values: &Map<String, Value>) -> Map<String, Value> {
    let mut values = values.clone();
    for page in settled {
        let document = page.schema.document();
        for (name, property) in branch::resolve(document, document, &values).properties {
            if let Some(default) = property.get("ui:default") {
                values.entry(name).or_insert_with(|| default.clone());
            }
        }
    }
    values
}

/// Lets answers that are still their field's default follow it where an earlier answer changed it.
pub(crate) fn follow(before: &Settled, after: &Settled, answers: &mut Map<String, Value>) -> bool {
    let mut moved = false;
    for (old, new) in before.pages.iter().zip(&after.pages) {
        let (old, new) = (old.schema.document(), new.schema.document());
        let was = branch::resolve(old, old, &before.values).properties;
        for (name, property) in branch::resolve(new, new, &after.values).properties {
            let default = |property: &Value| property.get("ui:default").cloned();
            let former = was.iter().find(|(known, _)| *known == name).and_then(|(_, property)| default(property));
            let (Some(former), Some(current)) = (former, default(&property)) else { continue };
            if former != current && answers.get(&name) == Some(&former) {
                answers.insert(name, current);
                moved = true;
            }
        }
    }
    moved
}

/// Settles one page; the values get the defaults of its fields, unless it was answered.
fn settle(page: &Arc<Page>, values: &mut Map<String, Value>, is_answered: bool, sight: &Sight) -> Arc<Page> {
    let given = values.clone();
    let mut document = page.schema.document().clone();
    let mut skipped = false;
    for _ in 0..ROUNDS {
        document = page.schema.document().clone();
        let settler = Settler { sight, parameters: values };
        let is_refused = |condition| !settler.holds(condition).unwrap_or(true);
        skipped = !settler.is_on(&document) || document.get("ui:if").is_some_and(is_refused);
        if skipped {
            document = Value::Object(Map::new());
        } else {
            settler.schema(&mut document);
        }
        let mut filled = given.clone();
        if !is_answered {
            defaults::fill(&document, &mut filled);
        }
        if filled == *values {
            break;
        }
        *values = filled;
    }
    match Schema::compile(&document) {
        Ok(schema) => Arc::new(Page { skipped, ..Page::new(page.title.clone(), page.description.clone(), schema) }),
        // What was computed is no schema: the page stays as written.
        Err(_) => Arc::clone(page),
    }
}

struct Settler<'a> {
    sight: &'a Sight,
    parameters: &'a Map<String, Value>,
}

impl Settler<'_> {
    fn holds(&self, condition: &Value) -> Result<bool, ExpressionError> {
        self.sight.holds(condition, self.parameters)
    }

    /// Whether no flag hides a page or a field.
    fn is_on(&self, schema: &Value) -> bool {
        flag_of(schema).is_none_or(|flag| self.sight.flags.contains(flag))
    }

    fn schema(&self, schema: &mut Value) {
        match schema {
            Value::Array(items) => items.iter_mut().for_each(|item| self.schema(item)),
            Value::Object(keys) => {
                let free = self.properties(keys);
                unrequire(keys, &free);
                self.keys(keys);
                for (key, value) in keys.iter_mut() {
                    match key.as_str() {
                        "properties" | "patternProperties" | "definitions" | "$defs" | "dependencies" => {
                            if let Value::Object(schemas) = value {
                                schemas.values_mut().for_each(|schema| self.schema(schema));
                            }
                        }
                        "items" | "additionalProperties" | "then" | "else" | "oneOf" | "anyOf" | "allOf" => {
                            self.schema(value);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes away the properties whose flag is off or whose `ui:if` does not hold; the names that cannot be required.
    fn properties(&self, keys: &mut Map<String, Value>) -> Vec<String> {
        let mut free = Vec::new();
        let Some(Value::Object(properties)) = keys.get_mut("properties") else { return free };
        properties.retain(|name, property| {
            if !self.is_on(property) {
                free.push(name.clone());
                return false;
            }
            let Some(condition) = property.get("ui:if") else { return true };
            match self.holds(condition) {
                Ok(true) => true,
                Ok(false) => {
                    free.push(name.clone());
                    false
                }
                Err(error) => {
                    free.push(name.clone());
                    note(property, "ui:if", &error);
                    true
                }
            }
        });
        free
    }

    fn keys(&self, keys: &mut Map<String, Value>) {
        let computed = |(key, value): (&String, &Value)| {
            let always = matches!(key.as_str(), "ui:enum" | "ui:default");
            (always || (key.starts_with("ui:") && key != "ui:if" && has_expression(value))).then(|| key.clone())
        };
        for key in keys.iter().filter_map(computed).collect::<Vec<_>>() {
            let Some(value) = keys.shift_remove(&key) else { continue };
            match self.sight.evaluate(&value, self.parameters) {
                Ok(value) => put(keys, &key, value.filter(|value| !value.is_null())),
                Err(error) => drop(keys.insert(NOTE.to_owned(), Value::String(told(&key, &error)))),
            }
        }
    }
}

fn put(keys: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match (key, value) {
        ("ui:enum", value) => {
            let list = if let Some(Value::Array(list)) = value { list } else { Vec::new() };
            let (values, labels): (Vec<Value>, Vec<Value>) = list.iter().map(choice).unzip();
            keys.insert("enum".to_owned(), Value::Array(values));
            keys.insert("enumNames".to_owned(), Value::Array(labels));
        }
        ("ui:default", Some(value)) => {
            keys.insert("default".to_owned(), value.clone());
            keys.insert(key.to_owned(), value);
        }
        (key, Some(value)) => drop(keys.insert(key.to_owned(), value)),
        (_, None) => {}
    }
}

/// Value and label of one choice: a value, `{value, label}`, `{const, title}`, or an entity.
fn choice(item: &Value) -> (Value, Value) {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
    if let (Some(kind), Some(name)) = (text("/kind"), text("/metadata/name")) {
        let namespace = text("/metadata/namespace").unwrap_or("default");
        let reference = crate::entity::EntityRef::new(kind, namespace, name).to_string();
        let label = text("/metadata/title").or_else(|| text("/spec/profile/displayName")).unwrap_or(name);
        return (Value::String(reference), Value::String(label.to_owned()));
    }
    let value = item.get("value").or_else(|| item.get("const")).unwrap_or(item);
    let label = item.get("label").or_else(|| item.get("title")).map_or_else(|| text_of(value), text_of);
    (value.clone(), Value::String(label))
}

fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${{") || text.contains("{%"),
        Value::Array(items) => items.iter().any(has_expression),
        Value::Object(keys) => keys.values().any(has_expression),
        _ => false,
    }
}

fn note(property: &mut Value, key: &str, error: &ExpressionError) {
    if let Value::Object(keys) = property {
        keys.insert(NOTE.to_owned(), Value::String(told(key, error)));
    }
}

fn told(key: &str, error: &ExpressionError) -> String {
    format!("`{key}` cannot be computed: {error}")
}
