//! Parameters that are read and not declared, or declared and not read.
//!
//! A page may declare its parameters anywhere below it: in the branches of `dependencies`, of `oneOf`, of `if`. What
//! steers the form (the key of a dependency, the property of an `if`) is read by it, and a question that takes only one
//! answer is there to be agreed to. A page with `$ref`, `patternProperties` or `additionalProperties` may bring any name,
//! so none of its template's is unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::expression::Engine;
use super::super::schema::escape;
use super::super::template::schema::is_own_field;
use super::super::template::{Rule, Template, TemplateProblem, texts};
use super::{distinct, meant};

/// What the pages say.
#[derive(Default)]
struct Form {
    /// Name → where it is declared first.
    declared: BTreeMap<String, String>,
    steering: BTreeSet<String>,
    /// Whether names may come that are not written in it.
    open: bool,
    /// Texts in it that may be expressions.
    texts: Vec<String>,
}

/// Parameters that are not declared (errors), and those that are not read (warnings).
pub(super) fn check(template: &Template, engine: &Engine) -> (Vec<TemplateProblem>, Vec<TemplateProblem>) {
    let form = form(template);
    let mut used: BTreeSet<String> = form.steering.clone();
    let mut all_used = false;
    let mut unknown = Vec::new();
    let mut read = |source: &str, pointer: Option<&str>| {
        // An expression that cannot be read is told by the template's own check.
        for reference in engine.references(source).unwrap_or_default() {
            match reference.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["parameters"] => all_used = true,
                ["secrets", name, ..] => drop(used.insert((*name).to_owned())),
                ["parameters", name, ..] => {
                    used.insert((*name).to_owned());
                    if let Some(pointer) = pointer.filter(|_| !form.open && !form.declared.contains_key(*name)) {
                        let hint = meant(name, form.declared.keys().map(String::as_str));
                        let message = format!("no page of `parameters` declares `{name}`{hint}");
                        let problem = TemplateProblem::new(pointer, message).of(Rule::UnknownParameter);
                        unknown.push(problem.at(reference.line, reference.column));
                    }
                }
                _ => {}
            }
        }
    };
    for text in texts(template) {
        read(&text.source, Some(&text.pointer));
    }
    for text in &form.texts {
        read(text, None);
    }
    let unused = form.declared.iter().filter(|(name, _)| !all_used && !used.contains(*name)).map(|(name, pointer)| {
        let message = format!("nothing reads the parameter `{name}`; use it or ask no question for it");
        TemplateProblem::new(pointer.clone(), message).of(Rule::UnusedParameter)
    });
    let unused = unused.collect();
    (distinct(unknown), unused)
}

fn form(template: &Template) -> Form {
    let mut form = Form::default();
    match template.entity.at(&["spec", "parameters"]) {
        Some(Value::Array(pages)) => {
            for (index, page) in pages.iter().enumerate() {
                form.page(page, &format!("/spec/parameters/{index}"));
            }
        }
        Some(page) => form.page(page, "/spec/parameters"),
        None => {}
    }
    form
}

impl Form {
    fn page(&mut self, page: &Value, pointer: &str) {
        gather(page, &mut self.texts);
        self.schema(page, pointer);
    }

    fn schema(&mut self, schema: &Value, pointer: &str) {
        let Some(keys) = schema.as_object() else { return };
        let map = |key: &str| keys.get(key).and_then(Value::as_object).into_iter().flatten();
        self.open |= is_open(keys);
        for (name, property) in map("properties") {
            if asks_nothing(property) {
                self.steering.insert(name.clone());
            }
            let place = || format!("{pointer}/properties/{}", escape(name));
            self.declared.entry(name.clone()).or_insert_with(place);
        }
        for (name, branch) in map("dependencies") {
            self.steering.insert(name.clone());
            self.schema(branch, &format!("{pointer}/dependencies/{}", escape(name)));
        }
        if let Some(condition) = keys.get("if") {
            let names = condition.get("properties").and_then(Value::as_object).into_iter().flatten();
            self.steering.extend(names.map(|(name, _)| name.clone()));
        }
        for key in ["then", "else"] {
            if let Some(branch) = keys.get(key) {
                self.schema(branch, &format!("{pointer}/{key}"));
            }
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            for (index, branch) in keys.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
                self.schema(branch, &format!("{pointer}/{key}/{index}"));
            }
        }
    }
}

/// Whether there is nothing to answer: one value only, or a field of somebody's own, which may only show something.
fn asks_nothing(property: &Value) -> bool {
    let one = property.get("enum").and_then(Value::as_array).is_some_and(|values| values.len() == 1);
    let foreign = property.get("ui:field").and_then(Value::as_str).is_some_and(|field| !is_own_field(field));
    one || foreign || property.get("const").is_some()
}

fn is_open(schema: &Map<String, Value>) -> bool {
    let more = schema.get("additionalProperties");
    schema.contains_key("$ref")
        || schema.contains_key("patternProperties")
        || more.is_some_and(|more| more.is_object() || *more == Value::Bool(true))
}

/// The texts of a form that hold an expression.
fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("${{") => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Value::Object(keys) => keys.values().for_each(|value| gather(value, found)),
        _ => {}
    }
}
