//! What is wrong with the answers: one check for browser, API and command line.
//!
//! The schema comes first; then what a schema cannot say: that an entity exists where only existing ones are taken, and
//! that a repository's host is one this portal knows.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::schema::{Schema, Violation, escape};
use super::{EntityChoice, Field, FieldKind, Page, branch, field, repository};
use crate::entity::{EntityRef, RefDefaults};

/// One answer that is wrong or missing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldError {
    /// The JSON pointer of the answer; empty when the page as a whole is meant.
    pub(crate) pointer: String,
    /// What to do about it.
    pub(crate) message: String,
    /// The error object of Backstage's API.
    pub(crate) backstage: Value,
}

/// What the check asks about the world outside the form.
pub(crate) trait Directory {
    /// Whether the entity is there and is one the picker offers.
    fn offers(&self, choice: &EntityChoice, reference: &EntityRef) -> bool;
    /// The hosts of the forges that repositories can be created at.
    fn hosts(&self) -> Vec<String>;
    /// Whether a repository can be created at a host.
    fn knows(&self, host: &str) -> bool {
        self.hosts().iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// A world in which everything is there: for dry runs, which make nothing and need no catalog.
pub(crate) struct Anything;

impl Directory for Anything {
    fn offers(&self, _: &EntityChoice, _: &EntityRef) -> bool {
        true
    }

    fn hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn knows(&self, _: &str) -> bool {
        true
    }
}

/// Checks all answers against every page.
pub(crate) fn check(pages: &[Arc<Page>], values: &Map<String, Value>, directory: &dyn Directory) -> Vec<FieldError> {
    pages.iter().flat_map(|page| check_page(page, values, directory)).collect()
}

/// Checks the answers against one page.
pub(crate) fn check_page(page: &Page, values: &Map<String, Value>, directory: &dyn Directory) -> Vec<FieldError> {
    let document = page.schema.document();
    let mut errors = schema_errors(page, values);
    let fields = field::fields(document, values, &[]);
    for field in &fields {
        beyond_schema(field, directory, &mut errors);
    }
    // In the order in which the page shows the fields.
    let place = |error: &FieldError| {
        let holds =
            |field: &Field| error.pointer == field.pointer || error.pointer.starts_with(&format!("{}/", field.pointer));
        fields.iter().position(holds)
    };
    errors.sort_by_cached_key(|error| place(error).unwrap_or(usize::MAX));
    errors
}

fn schema_errors(page: &Page, values: &Map<String, Value>) -> Vec<FieldError> {
    let whole = Value::Object(values.clone());
    let violations = page.schema.violations(&whole);
    if violations.is_empty() {
        return Vec::new();
    }
    let document = page.schema.document();
    let (placed, unplaced): (Vec<_>, Vec<_>) =
        violations.into_iter().partition(|violation| !violation.pointer().is_empty());
    let mut errors: Vec<FieldError> = placed.iter().map(|violation| told(document, violation)).collect();
    if unplaced.is_empty() {
        return errors;
    }
    // "fits none of the alternatives" helps nobody: say what the alternative that is shown misses.
    let flat = branch::resolve(document, document, values);
    let flat = json!({ "properties": Map::from_iter(flat.properties), "required": flat.required });
    let closer = Schema::compile(&flat).map(|schema| schema.violations(&whole)).unwrap_or_default();
    for violation in &closer {
        let error = told(&flat, violation);
        if errors.iter().all(|known| known.pointer != error.pointer) {
            errors.push(error);
        }
    }
    if errors.is_empty() {
        errors.extend(unplaced.iter().map(|violation| told(document, violation)));
    }
    errors
}

/// The violation with the field's name in front.
fn told(document: &Value, violation: &Violation) -> FieldError {
    let mut schema = document;
    let mut name = None;
    for segment in violation.path.iter().chain(&violation.missing) {
        let Some(next) = schema.get("properties").and_then(|properties| properties.get(segment)) else {
            break;
        };
        schema = next;
        name = Some(next.get("title").and_then(Value::as_str).unwrap_or(segment));
    }
    let name = name.or_else(|| violation.path.last().or(violation.missing.as_ref()).map(String::as_str));
    let message = match name {
        Some(name) => format!("{name} {}", violation.sentence),
        None => violation.sentence.clone(),
    };
    FieldError { pointer: violation.pointer(), message, backstage: violation.backstage() }
}

fn beyond_schema(field: &Field, directory: &dyn Directory, errors: &mut Vec<FieldError>) {
    // An optional answer that a client sends empty is not given.
    if !field.required && field.value.as_str() == Some("") {
        return;
    }
    match &field.kind {
        FieldKind::Group { fields } => fields.iter().for_each(|inner| beyond_schema(inner, directory, errors)),
        FieldKind::List { items, .. } => {
            items.iter().flatten().for_each(|inner| beyond_schema(inner, directory, errors));
        }
        FieldKind::Entity(choice) | FieldKind::Owner(choice) if !choice.allow_arbitrary => {
            let named = match &field.value {
                Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
                value => Vec::from_iter(value.as_str()),
            };
            errors.extend(named.into_iter().filter_map(|text| entity_error(field, choice, text, directory)));
        }
        FieldKind::RepoUrl(choice) => {
            if let Some(text) = field.value.as_str()
                && let Err(problem) = repository::check(choice, text, directory)
            {
                errors.push(own(field, &problem));
            }
        }
        FieldKind::RepoOwner { allowed, excluded, .. } => {
            let Some(owner) = field.value.as_str() else { return };
            let is_in = |list: &[String]| list.iter().any(|known| known.eq_ignore_ascii_case(owner));
            if let Some(allowed) = allowed.as_deref().filter(|allowed| !is_in(allowed)) {
                errors.push(own(field, &format!("must be {}, not `{owner}`", allowed.join(" or "))));
            } else if is_in(excluded) {
                errors.push(own(field, &format!("must not be `{owner}`; choose another owner")));
            }
        }
        _ => {}
    }
}

fn entity_error(field: &Field, choice: &EntityChoice, text: &str, directory: &dyn Directory) -> Option<FieldError> {
    let defaults = RefDefaults {
        kind: choice.default_kind.as_deref(),
        namespace: choice.default_namespace.as_deref().filter(|namespace| !namespace.is_empty()),
    };
    match EntityRef::parse(text, defaults) {
        Ok(reference) if directory.offers(choice, &reference) => None,
        Ok(reference) => Some(own(field, &format!("must be one of the offered entities; `{reference}` is not"))),
        Err(error) => Some(own(field, &error.to_string())),
    }
}

/// An error that no schema told, in the same form.
pub(super) fn own(field: &Field, problem: &str) -> FieldError {
    let path: Vec<&str> = field.pointer.split('/').skip(1).collect();
    let property = path.iter().fold("instance".to_owned(), |property, segment| format!("{property}.{segment}"));
    let backstage = json!({
        "path": path, "property": property, "message": problem, "schema": {}, "instance": field.value,
        "name": "custom", "argument": escape(&field.name), "stack": format!("{property} {problem}"),
    });
    FieldError { pointer: field.pointer.clone(), message: format!("{} {problem}", field.label), backstage }
}
