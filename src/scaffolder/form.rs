//! Forms: JSON Schema with `ui:` keys becomes pages of fields, and what a browser posts becomes JSON values again.
//!
//! Flow: the pages of a template's `spec.parameters` are [`Page`]s; `branch` flattens a page's schema to the
//! properties that count for the answers so far (`dependencies`, `if/then/else`, `oneOf`, `anyOf`, `allOf`, `$ref`),
//! `settle` computes expressions with what they see (`sight`) and leaves out what a feature flag hides (`flag`), `defaults` fills in what the author gave, `field`, `picker` and `repository` turn each property into a [`Field`] for the page,
//! `read` turns posted pairs into values, and `check` says what is wrong, in one way for browser, API and CLI.
//!
//! The schema dialect is draft 7 as react-jsonschema-form shows it; `ui:` keys and pickers are those of
//! <https://backstage.io/docs/features/software-templates/input-examples/> and `…/ui-options-examples`.
//!
//! Names of inputs are dotted paths (`resources.cpu`, `ports.0.name`); a dot inside a key is written `%2E`.

mod branch;
mod button;
mod check;
mod defaults;
mod field;
mod flag;
mod picker;
mod read;
mod repository;
mod settle;
mod sight;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) use self::button::BUTTONS;
pub(crate) use self::check::{Anything, Directory, FieldError, check, check_page};
pub(crate) use self::defaults::filled;
pub(crate) use self::flag::{FLAG, flags_in};
pub(crate) use self::read::{merged, read};
pub(crate) use self::repository::{
    RepoChoice, RepoPart, TokenRequest, each, host_of, missing_tokens, parts_of, takes_token,
};
pub(crate) use self::settle::{Settled, follow, settled, with_computed};
pub(crate) use self::sight::Sight;
use super::schema::Schema;
use crate::catalog::EntityFilter;

/// One page of a template's parameters.
#[derive(Debug)]
pub(crate) struct Page {
    /// The page's heading.
    pub(crate) title: String,
    /// What the page asks, in Markdown.
    pub(crate) description: Option<String>,
    /// The schema, compiled and as written.
    pub(crate) schema: Schema,
    /// It has expressions or feature flags, which [`settled`] computes.
    pub(crate) computed: bool,
    /// What it asks depends on its own answers.
    pub(crate) changes: bool,
    /// Its `ui:if` does not hold, or its feature flag is off: nothing is asked.
    pub(crate) skipped: bool,
}

impl Page {
    /// A page as the template has it.
    pub(crate) fn new(title: String, description: Option<String>, schema: Schema) -> Self {
        let computed = settle::is_computed(schema.document());
        let changes = computed || branch::is_conditional(schema.document());
        Self { title, description, schema, computed, changes, skipped: false }
    }

    /// The names of what it asks for these answers.
    pub(crate) fn asks(&self, values: &Map<String, Value>) -> BTreeSet<String> {
        let document = self.schema.document();
        branch::resolve(document, document, values).properties.into_iter().map(|(name, _)| name).collect()
    }
}

/// One page, ready to be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FormPage {
    /// The page's heading.
    pub(crate) title: String,
    /// What the page asks, in Markdown.
    pub(crate) description: Option<String>,
    /// The fields in their order.
    pub(crate) fields: Vec<Field>,
}

/// One input of a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// The input's name in what is posted.
    pub(crate) name: String,
    /// The JSON pointer of its value among the answers.
    pub(crate) pointer: String,
    /// What the field is called.
    pub(crate) label: String,
    /// What the field is for, in Markdown.
    pub(crate) description: Option<String>,
    /// `ui:help`: a hint below the field.
    pub(crate) help: Option<String>,
    /// Shown while the field is empty.
    pub(crate) placeholder: Option<String>,
    /// Must be answered.
    pub(crate) required: bool,
    /// Gets the focus when the page opens.
    pub(crate) autofocus: bool,
    /// Cannot be changed and is not posted.
    pub(crate) disabled: bool,
    /// Cannot be changed.
    pub(crate) readonly: bool,
    /// The answer so far, or the default; null when there is none.
    pub(crate) value: Value,
    /// `ui:emptyValue`: the answer of a field that is left empty.
    pub(crate) empty: Option<Value>,
    /// How the plan shows the answer.
    pub(crate) review: Review,
    /// What is wrong with it.
    pub(crate) error: Option<String>,
    /// For the template's author: a `ui:` key that is not understood.
    pub(crate) note: Option<String>,
    /// How it is shown.
    pub(crate) kind: FieldKind,
}

impl Field {
    /// The repository whose branches the field asks for.
    pub(crate) fn repository(&self, values: &Map<String, Value>) -> Option<String> {
        let FieldKind::RepoBranch { repository } = &self.kind else { return None };
        let answered = || values.get("repoUrl").and_then(Value::as_str).map(str::to_owned);
        repository.clone().or_else(answered)
    }
}

/// `ui:backstage.review`: how an answer is shown before the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Review {
    /// Whether it is shown.
    pub(crate) show: bool,
    /// What stands in its place.
    pub(crate) mask: Option<String>,
    /// What it is called there.
    pub(crate) name: Option<String>,
    /// Whether the fields of an object are shown one by one.
    pub(crate) explode: bool,
}

/// One choice of a closed list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// What is stored; posted as [`Choice::key`].
    pub(crate) value: Value,
    /// What is shown.
    pub(crate) label: String,
    /// Listed in `ui:enumDisabled`.
    pub(crate) disabled: bool,
}

impl Choice {
    /// The text that is posted for this choice.
    pub(crate) fn key(&self) -> String {
        text_of(&self.value)
    }
}

/// Which entities a picker offers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct EntityChoice {
    /// Backstage's `catalogFilter`: alternatives of key → value, list of values or `{exists: bool}`.
    pub(crate) filter: Vec<Map<String, Value>>,
    /// The kind of a reference that leaves it out.
    pub(crate) default_kind: Option<String>,
    /// The namespace of a reference that leaves it out; an empty text asks for one to be written.
    pub(crate) default_namespace: Option<String>,
    /// Whether a text that names no entity is taken.
    pub(crate) allow_arbitrary: bool,
    /// Several are chosen, and the value is a list.
    pub(crate) multiple: bool,
    /// Only what the person who fills the form owns by or belongs to.
    pub(crate) own: Own,
}

impl EntityChoice {
    /// The entities that are offered, as the catalog is asked; what is the person's own comes on top.
    pub(crate) fn catalog_filter(&self) -> EntityFilter {
        let condition = |(key, value): (&String, &Value)| {
            let key = key.to_lowercase();
            match value {
                Value::Array(values) => {
                    EntityFilter::In(key, values.iter().map(|value| text_of(value).to_lowercase()).collect())
                }
                Value::Object(test) if test.get("exists") == Some(&Value::Bool(false)) => {
                    EntityFilter::Not(Box::new(EntityFilter::Exists(key)))
                }
                Value::Object(_) => EntityFilter::Exists(key),
                value => EntityFilter::is(&key, &text_of(value)),
            }
        };
        let sets: Vec<EntityFilter> =
            self.filter.iter().map(|set| EntityFilter::All(set.iter().map(condition).collect())).collect();
        if sets.is_empty() { EntityFilter::default() } else { EntityFilter::Any(sets) }
    }
}

/// What of the person's own a picker is restricted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Own {
    /// Not restricted.
    #[default]
    Anyone,
    /// Entities owned by the person or one of their groups.
    Owned,
    /// Groups that the person is a member of.
    Groups,
}

/// What can be done with the items of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListLimits {
    /// `minItems`
    pub(crate) min: Option<u64>,
    /// `maxItems`
    pub(crate) max: Option<u64>,
    /// `ui:options.addable`
    pub(crate) addable: bool,
    /// `ui:options.removable`
    pub(crate) removable: bool,
    /// `ui:options.orderable`
    pub(crate) orderable: bool,
}

/// How a field is shown, with what that needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FieldKind {
    /// One line of text; `format` becomes the input's type where there is one.
    Text { format: Option<String>, pattern: Option<String>, min_length: Option<u64>, max_length: Option<u64> },
    /// Several lines of text.
    TextArea { rows: u64 },
    /// A text that is not shown while typing.
    Password,
    /// A text that is kept with the run's secrets, never among its parameters.
    Secret,
    /// A number.
    Number { min: Option<Value>, max: Option<Value>, step: Option<Value>, integer: bool, range: bool },
    /// Yes or no.
    Checkbox,
    /// One of a list, in a drop-down.
    Select { options: Vec<Choice> },
    /// One of a list, all visible.
    Radio { options: Vec<Choice> },
    /// Any of a list.
    Checkboxes { options: Vec<Choice> },
    /// A list of free texts.
    Tags { suggestions_for: Option<Vec<String>>, counts: bool },
    /// Entities of the catalog.
    Entity(EntityChoice),
    /// Groups and users that can own something.
    Owner(EntityChoice),
    /// A repository: posted as `name.host` and its parts, `name.owner`, `name.repo`, …; a token as `name.token`.
    RepoUrl(RepoChoice),
    /// The owner of a repository at a host.
    RepoOwner { host: Option<String>, allowed: Option<Vec<String>>, excluded: Vec<String>, token: Option<TokenRequest> },
    /// A branch of a repository: that of the answer `repoUrl`, or of the option of that name.
    RepoBranch { repository: Option<String> },
    /// The name of a new entity.
    EntityName { pattern: Option<String>, max_length: Option<u64> },
    /// Fields that belong together.
    Group { fields: Vec<Field> },
    /// A list of items: `template` is an empty item, `items` are those there are.
    List { template: Vec<Field>, items: Vec<Vec<Field>>, limits: ListLimits },
    /// Part of the answers, not shown.
    Hidden,
    /// Anything else: a text area of JSON.
    Json,
}

/// One page with the answers so far.
pub(crate) fn show(page: &Page, values: &Map<String, Value>, errors: &[FieldError]) -> FormPage {
    FormPage {
        title: page.title.clone(),
        description: page.description.clone(),
        fields: field::fields(page.schema.document(), values, errors),
    }
}

/// The same, where the form says which tokens are among the secrets.
pub(crate) fn show_given(
    page: &Page,
    values: &Map<String, Value>,
    secrets: &Map<String, Value>,
    errors: &[FieldError],
) -> FormPage {
    let mut shown = show(page, values, errors);
    repository::mark_given(&mut shown.fields, secrets);
    shown
}

/// Whether the answers to a page made it ask what it did not ask before, and nobody has answered that yet.
pub(crate) fn reveals(before: &FormPage, after: &FormPage, posted: &[(String, String)]) -> bool {
    let (mut known, mut now) = (BTreeSet::new(), BTreeSet::new());
    visible(&before.fields, &mut known);
    visible(&after.fields, &mut now);
    let is_posted = |name: &str| {
        let below = format!("{name}.");
        posted.iter().any(|(posted, _)| posted == name || posted.starts_with(&below))
    };
    now.difference(&known).any(|name| !is_posted(name))
}

fn visible<'a>(fields: &'a [Field], names: &mut BTreeSet<&'a str>) {
    for field in fields {
        match &field.kind {
            FieldKind::Hidden => {}
            FieldKind::Group { fields } => visible(fields, names),
            _ => drop(names.insert(&field.name)),
        }
    }
}

/// A value as the text of an input: texts without quotes, anything else as JSON, nothing for null.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The texts of the schema's `ui:` key, looked up beside the schema and in `ui:options`.
fn ui<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema.get(format!("ui:{key}")).or_else(|| schema.get("ui:options").and_then(|options| options.get(key)))
}

fn ui_text(schema: &Value, key: &str) -> Option<String> {
    ui(schema, key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn ui_flag(schema: &Value, key: &str) -> bool {
    ui(schema, key).and_then(Value::as_bool).unwrap_or(false)
}

/// The schema's type; the first that is not null where there are several, guessed where there is none.
fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => match schema
            .get("const")
            .or_else(|| schema.get("enum").and_then(|list| list.get(0)))
            .or_else(|| schema.get("default"))
        {
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(_)) => "number",
            Some(Value::Array(_)) => "array",
            Some(Value::Object(_)) => "object",
            _ => "string",
        },
    }
}
