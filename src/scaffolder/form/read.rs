//! What a browser posted becomes answers.
//!
//! The page's own fields say how to read each pair, so types come from the schema. An answer can reveal further fields,
//! so reading goes round until the fields stay the same. A field that was not shown when the page was sent keeps its
//! default instead of being read as empty (an unticked checkbox posts nothing).

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    Choice, EntityChoice, Field, FieldKind, Page, TokenRequest, branch, button, defaults, each, field, host_of,
    parts_of, text_of,
};
use crate::entity::{EntityRef, RefDefaults};

/// How often an answer may reveal further fields.
const ROUNDS: usize = 8;

/// The answers after a page was posted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Posted {
    /// All answers, those of other pages too.
    pub(crate) values: Map<String, Value>,
    /// Texts of `Secret` fields and tokens, kept apart from the answers; null for one to be forgotten.
    pub(crate) secrets: Map<String, Value>,
    /// A button of a list was pressed: show the page again.
    pub(crate) stay: bool,
}

/// Reads one posted page. `before` are the answers the page was shown with, defaults filled in.
///
/// A pair `_add=ports` appends an item to a list, `_remove=ports.1` takes one out, `_up` and `_down` move one.
pub(crate) fn read(page: &Page, before: &Map<String, Value>, posted: &[(String, String)]) -> Posted {
    let document = page.schema.document();
    let reader = Reader::new(document, before, posted);
    let mut current = before.clone();
    let mut secrets = Map::new();
    for _ in 0..ROUNDS {
        let mut next = others(document, before, &current);
        secrets.clear();
        for field in field::fields(document, &current, &[]) {
            let key = key_of(&field.pointer);
            let value = if reader.was_shown(&field) { reader.value(&field, &mut secrets) } else { None };
            if let Some(value) = value {
                next.insert(key, value);
            } else if !reader.was_shown(&field) {
                default(page, &key, &mut next);
            }
        }
        if next == current {
            break;
        }
        current = next;
    }
    let stay = button::press(posted, &mut current);
    Posted { values: current, secrets, stay }
}

/// The answers with those of one page replaced. `read` are all values after reading it; only what the page asked before
/// or asks now is taken over, so that defaults of other pages are not fixed by this one.
pub(crate) fn merged(
    page: &Page,
    answers: &Map<String, Value>,
    before: &Map<String, Value>,
    read: &Map<String, Value>,
) -> Map<String, Value> {
    let document = page.schema.document();
    let mut merged = answers.clone();
    for values in [before, read] {
        for (name, _) in branch::resolve(document, document, values).properties {
            merged.shift_remove(&name);
        }
    }
    for (name, _) in branch::resolve(document, document, read).properties {
        if let Some(value) = read.get(&name) {
            merged.insert(name, value.clone());
        }
    }
    merged
}

fn default(page: &Page, key: &str, values: &mut Map<String, Value>) {
    let mut filled = values.clone();
    defaults::fill(page.schema.document(), &mut filled);
    if let Some(value) = filled.shift_remove(key) {
        values.insert(key.to_owned(), value);
    }
}

/// The last segment of a JSON pointer, as a key.
fn key_of(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~")
}

/// The answers of the other pages: everything but what this page asks now or asked before.
fn others(document: &Value, before: &Map<String, Value>, current: &Map<String, Value>) -> Map<String, Value> {
    let mut others = before.clone();
    for values in [before, current] {
        for (name, _) in branch::resolve(document, document, values).properties {
            others.shift_remove(&name);
        }
    }
    others
}

struct Reader<'a> {
    pairs: HashMap<&'a str, Vec<&'a str>>,
    shown: BTreeSet<String>,
    /// The hosts that repositories were at, by the names of their fields.
    hosts: HashMap<String, String>,
}

impl<'a> Reader<'a> {
    fn new(document: &Value, before: &Map<String, Value>, posted: &'a [(String, String)]) -> Self {
        let mut pairs: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, value) in posted {
            pairs.entry(name).or_default().push(value);
        }
        let fields = field::fields(document, before, &[]);
        let mut hosts = HashMap::new();
        each(&fields, &mut |field| {
            if matches!(field.kind, FieldKind::RepoUrl(_)) {
                hosts.insert(field.name.clone(), host_of(&field.value).to_owned());
            }
        });
        let shown = fields.into_iter().map(|field| field.name).collect();
        Self { pairs, shown, hosts }
    }

    fn was_shown(&self, field: &Field) -> bool {
        let below = format!("{}.", field.name);
        self.shown.contains(&field.name)
            || self.pairs.keys().any(|name| *name == field.name || name.starts_with(&below))
    }

    fn last(&self, name: &str) -> Option<&'a str> {
        self.pairs.get(name).and_then(|values| values.last().copied())
    }

    /// A text without the carriage returns that browsers put in; nothing when it is empty.
    fn text(&self, name: &str) -> Option<String> {
        self.last(name).map(|text| text.replace("\r\n", "\n")).filter(|text| !text.is_empty())
    }

    /// The answer of one field; none when it was left empty, unless that has a value of its own.
    fn value(&self, field: &Field, secrets: &mut Map<String, Value>) -> Option<Value> {
        self.answer(field, secrets).or_else(|| field.empty.clone())
    }

    fn answer(&self, field: &Field, secrets: &mut Map<String, Value>) -> Option<Value> {
        let present = || Some(field.value.clone()).filter(|value| !value.is_null());
        if field.disabled || field.readonly {
            return present();
        }
        match &field.kind {
            FieldKind::Group { fields } => self.group(field, fields, secrets),
            FieldKind::List { template, items, .. } => self.list(field, template, items, secrets),
            FieldKind::Checkbox => Some(Value::Bool(matches!(self.last(&field.name), Some("true" | "on" | "1")))),
            FieldKind::Select { options } | FieldKind::Radio { options } => self.choice(&field.name, options),
            FieldKind::Checkboxes { options } => {
                let chosen = self.pairs.get(field.name.as_str()).into_iter().flatten().filter(|key| !key.is_empty());
                some_list(chosen.map(|key| chosen_value(options, key)).collect(), field.required)
            }
            FieldKind::Tags { .. } => some_list(self.words(&field.name).map(Value::String).collect(), field.required),
            FieldKind::Entity(choice) | FieldKind::Owner(choice) => self.entity(field, choice),
            FieldKind::RepoUrl(choice) => {
                let url = self.repository(&field.name).map(Value::String);
                let before = self.hosts.get(&field.name).map_or("", String::as_str);
                let is_elsewhere = host_of(url.as_ref().unwrap_or(&Value::Null)) != before;
                self.token(&field.name, choice.token.as_ref(), is_elsewhere, secrets);
                url
            }
            FieldKind::RepoOwner { token, .. } => {
                self.token(&field.name, token.as_ref(), false, secrets);
                self.text(&field.name).map(Value::String)
            }
            FieldKind::Number { .. } => self.text(&field.name).map(|text| number(text.trim())),
            FieldKind::Secret => self.secret(field, secrets),
            FieldKind::Hidden => match self.last(&field.name) {
                Some(text) if text_of(&field.value) != text => Some(json_or_text(text)),
                _ => present(),
            },
            FieldKind::Json => self.text(&field.name).map(|text| json_or_text(&text)),
            FieldKind::Text { .. }
            | FieldKind::TextArea { .. }
            | FieldKind::Password
            | FieldKind::RepoBranch { .. }
            | FieldKind::EntityName { .. } => self.text(&field.name).map(Value::String),
        }
    }

    fn group(&self, field: &Field, fields: &[Field], secrets: &mut Map<String, Value>) -> Option<Value> {
        let answers: Map<String, Value> =
            fields.iter().filter_map(|inner| Some((key_of(&inner.pointer), self.value(inner, secrets)?))).collect();
        (field.required || !answers.is_empty()).then_some(Value::Object(answers))
    }

    fn list(
        &self,
        field: &Field,
        template: &[Field],
        items: &[Vec<Field>],
        secrets: &mut Map<String, Value>,
    ) -> Option<Value> {
        let below = format!("{}.", field.name);
        let index = |name: &&str| name.strip_prefix(&below)?.split('.').next()?.parse::<usize>().ok();
        let indexes: BTreeSet<usize> = self.pairs.keys().filter_map(index).collect();
        let read = |(position, index): (usize, usize)| {
            let (fields, from) = match items.get(position) {
                Some(item) => (item.as_slice(), format!("{below}{position}")),
                None => (template, format!("{below}*")),
            };
            let to = format!("{below}{index}");
            let fields: Vec<Field> = fields.iter().map(|inner| renamed(inner, &from, &to)).collect();
            match fields.as_slice() {
                [only] if only.name == to => self.value(only, secrets),
                fields => self.group(&Field { required: true, ..field.clone() }, fields, secrets),
            }
        };
        some_list(indexes.into_iter().enumerate().filter_map(read).collect(), field.required)
    }

    fn choice(&self, name: &str, options: &[Choice]) -> Option<Value> {
        self.last(name).filter(|key| !key.is_empty()).map(|key| chosen_value(options, key))
    }

    /// Every word of every pair of that name, split at commas and line ends.
    fn words(&self, name: &str) -> impl Iterator<Item = String> {
        let texts = self.pairs.get(name).into_iter().flatten();
        texts
            .flat_map(|text| text.split([',', '\n']))
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
    }

    fn entity(&self, field: &Field, choice: &EntityChoice) -> Option<Value> {
        if choice.multiple {
            let references = self.words(&field.name).map(|text| Value::String(completed(choice, &text)));
            return some_list(references.collect(), field.required);
        }
        // The list comes first, and below it a field for what is not listed.
        let mut written = self.pairs.get(field.name.as_str()).into_iter().flatten().map(|text| text.trim());
        written.rfind(|text| !text.is_empty()).map(|text| Value::String(completed(choice, text)))
    }

    /// A token goes to the secrets; one that was given for another host must not go to this one.
    fn token(&self, name: &str, asked: Option<&TokenRequest>, is_elsewhere: bool, secrets: &mut Map<String, Value>) {
        let Some(asked) = asked else { return };
        match self.text(&format!("{name}.token")) {
            Some(token) => drop(secrets.insert(asked.key.clone(), Value::String(token.trim().to_owned()))),
            None if is_elsewhere => drop(secrets.insert(asked.key.clone(), Value::Null)),
            None => {}
        }
    }

    /// `host?owner=…&repo=…` from an input for each part, or from one that has it all.
    fn repository(&self, name: &str) -> Option<String> {
        let part = |part: &str| self.last(&format!("{name}.{part}")).map(str::trim).filter(|text| !text.is_empty());
        let host = part("host").unwrap_or_default();
        // What another host has, whose inputs are on the page too, is not said of this one.
        let parts = parts_of(host).iter().map(|part| part.key());
        let given: Vec<(&str, &str)> = parts.filter_map(|key| Some((key, part(key)?))).collect();
        if given.is_empty() {
            return self.text(name).map(|text| text.trim().to_owned());
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        Some(format!("{host}?{query}"))
    }

    /// A secret goes to the secrets; what stays among the answers only tells that there is one.
    fn secret(&self, field: &Field, secrets: &mut Map<String, Value>) -> Option<Value> {
        match self.text(&field.name) {
            Some(text) => {
                let mask = "*".repeat(text.chars().count());
                secrets.insert(key_of(&field.pointer), Value::String(text));
                Some(Value::String(mask))
            }
            None => Some(field.value.clone()).filter(|value| !value.is_null()),
        }
    }
}

fn some_list(list: Vec<Value>, required: bool) -> Option<Value> {
    (required || !list.is_empty()).then_some(Value::Array(list))
}

fn chosen_value(options: &[Choice], key: &str) -> Value {
    options
        .iter()
        .find(|choice| choice.key() == key)
        .map_or_else(|| Value::String(key.to_owned()), |choice| choice.value.clone())
}

/// The reference in full where it can be completed, as Backstage's pickers store it; else the text.
fn completed(choice: &EntityChoice, text: &str) -> String {
    if choice.default_namespace.as_deref() == Some("") && !text.contains('/') {
        return text.to_owned();
    }
    let namespace = choice.default_namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let defaults = RefDefaults { kind: choice.default_kind.as_deref(), namespace };
    EntityRef::parse(text, defaults).map_or_else(|_| text.to_owned(), |reference| reference.to_string())
}

/// A number; what is none stays text, for the schema's check to name.
fn number(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(value @ Value::Number(_)) => value,
        _ => Value::String(text.to_owned()),
    }
}

fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn renamed(field: &Field, from: &str, to: &str) -> Field {
    let mut field = field.clone();
    if let Some(rest) = field.name.strip_prefix(from) {
        field.name = format!("{to}{rest}");
    }
    match &mut field.kind {
        FieldKind::Group { fields } => fields.iter_mut().for_each(|inner| *inner = renamed(inner, from, to)),
        FieldKind::List { template, items, .. } => {
            for inner in template.iter_mut().chain(items.iter_mut().flatten()) {
                *inner = renamed(inner, from, to);
            }
        }
        _ => {}
    }
    field
}
