//! Templates `scaffolder.backstage.io/v1beta3`, parsed once into a checked form.
//!
//! [`Template::parse`] never fails: a template with mistakes is listed with them ([`Template::problems`]) and its run
//! is refused. What is merely unknown is a note for the author. `check` looks at steps, references and expressions;
//! `place` turns the pointer of a problem into line and column once the descriptor's text is at hand.
//!
//! Format: <https://backstage.io/docs/features/software-templates/writing-templates>.

mod check;
mod place;
mod rule;
pub(super) mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

pub(super) use self::check::texts;
pub(crate) use self::place::Source;
pub(crate) use self::rule::Rule;
use super::expression::Engine;
use super::form::Page;
use super::schema::Schema;
use crate::entity::{Entity, EntityRef};

/// The one version of the format that runs.
const API_VERSION: &str = "scaffolder.backstage.io/v1beta3";
/// The title of the only page of a template whose parameters are no list, as Backstage calls it.
const ONLY_PAGE: &str = "Please enter the following information";

/// A template, checked.
#[derive(Debug)]
pub(crate) struct Template {
    /// `template:default/rust-service`
    pub(crate) reference: EntityRef,
    /// The entity as the catalog has it.
    pub(crate) entity: Entity,
    /// Where it was read from, `type:target`: the base of relative URLs in its steps.
    pub(crate) location: String,
    /// Commit or content hash of its file.
    pub(crate) version: Option<String>,
    /// The pages of the form.
    pub(crate) pages: Vec<Arc<Page>>,
    /// The parameters' schemas as written, one for each page: keys for other programs are kept.
    pub(crate) schemas: Vec<Value>,
    /// The steps in their order.
    pub(crate) steps: Vec<Step>,
    /// `spec.output`, not evaluated.
    pub(crate) output: Map<String, Value>,
    /// `spec.secrets.schema`: what secrets a caller of the API must give.
    pub(crate) secrets: Option<Schema>,
    /// What keeps it from running.
    pub(crate) problems: Vec<TemplateProblem>,
    /// What its author may want to know.
    pub(crate) notes: Vec<TemplateProblem>,
}

/// The key of a step as tasks show it: [`Step::outputs_as`].
const OUTPUTS_AS: &str = "outputsAs";

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Unique within the template.
    pub(crate) id: String,
    /// The id as written, where an earlier step has it too.
    pub(crate) outputs_as: Option<String>,
    /// For people.
    pub(crate) name: String,
    /// The action's id.
    pub(crate) action: String,
    /// Not evaluated.
    pub(crate) input: Map<String, Value>,
    /// `if`, not evaluated.
    pub(crate) condition: Option<Value>,
    /// `each`, not evaluated.
    pub(crate) each: Option<Value>,
    /// The step as tasks show it: as written, with `id` and `name`.
    pub(crate) shown: Value,
}

impl Step {
    /// A step as tasks show it, with `id`, `name` and `action`.
    pub(crate) fn of_task(shown: &Value) -> Option<Self> {
        let text = |key: &str| shown.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            id: text("id")?,
            outputs_as: text(OUTPUTS_AS),
            name: text("name")?,
            action: text("action")?,
            input: shown.get("input").and_then(Value::as_object).cloned().unwrap_or_default(),
            condition: shown.get("if").cloned(),
            each: shown.get("each").cloned(),
            shown: shown.clone(),
        })
    }

    /// The id that its outputs are read under: `steps.<id>.output`.
    pub(crate) fn read_as(&self) -> &str {
        self.outputs_as.as_deref().unwrap_or(&self.id)
    }

    /// Gives it an id of its own; its outputs are still read under the written one.
    fn rename(&mut self, id: String) {
        let written = std::mem::replace(&mut self.id, id);
        if let Some(shown) = self.shown.as_object_mut() {
            shown.insert("id".to_owned(), json!(self.id));
            shown.insert(OUTPUTS_AS.to_owned(), json!(written));
        }
        self.outputs_as = Some(written);
    }
}

/// One mistake of a template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TemplateProblem {
    /// Which rule it breaks.
    pub(crate) rule: Rule,
    /// What is wrong and what to do.
    pub(crate) message: String,
    /// The JSON pointer of the place in the entity.
    pub(crate) pointer: String,
    /// The line in the descriptor, from 1, once its text is known.
    pub(crate) line: Option<u32>,
    /// The column, from 1.
    pub(crate) column: Option<u32>,
    /// Line and column within the text at `pointer`, from 1: where an expression is wrong.
    pub(crate) within: Option<(u32, u32)>,
    /// Whether line and column are as exact as they can be; without the file's text a column can be one off.
    pub(crate) exact: bool,
    /// The action that is not registered, where that is the problem.
    pub(crate) unknown_action: bool,
}

impl TemplateProblem {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            rule: Rule::TemplateForm,
            message: message.into(),
            pointer: pointer.into(),
            line: None,
            column: None,
            within: None,
            exact: false,
            unknown_action: false,
        }
    }

    /// The same, as a breach of this rule.
    pub(super) fn of(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }

    /// The same, at a place within the text at its pointer.
    pub(super) fn at(self, line: usize, column: usize) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { within: Some((count(line), count(column))), ..self }
    }
}

/// What the check asks about the actions there are.
pub(crate) trait KnownActions: Sync {
    /// Whether an action of that id is registered.
    fn knows(&self, id: &str) -> bool;
    /// An id that the author may have meant.
    fn like(&self, id: &str) -> Option<String>;
    /// The input keys that an action cannot do without.
    fn required(&self, id: &str) -> Vec<String>;
}

impl Template {
    /// Takes a Template entity apart and checks it.
    pub(crate) fn parse(entity: &Entity, location: &str, engine: &Engine, actions: &dyn KnownActions) -> Self {
        let mut template = Self {
            reference: entity.reference(),
            entity: entity.clone(),
            location: location.to_owned(),
            version: None,
            pages: Vec::new(),
            schemas: Vec::new(),
            steps: Vec::new(),
            output: Map::new(),
            secrets: None,
            problems: Vec::new(),
            notes: Vec::new(),
        };
        template.read_envelope();
        template.read_parameters();
        template.read_steps();
        template.read_rest();
        check::check(&mut template, engine, actions);
        template
    }

    /// A template that the catalog could not take in, so that it can be listed with what is wrong.
    pub(crate) fn unread(reference: EntityRef, title: &str, location: &str, problem: TemplateProblem) -> Self {
        let metadata = json!({"name": reference.name(), "namespace": reference.namespace(), "title": title});
        let entity = json!({"apiVersion": API_VERSION, "kind": "Template", "metadata": metadata});
        Self {
            entity: Entity(if let Value::Object(entity) = entity { entity } else { Map::new() }),
            reference,
            location: location.to_owned(),
            version: None,
            pages: Vec::new(),
            schemas: Vec::new(),
            steps: Vec::new(),
            output: Map::new(),
            secrets: None,
            problems: vec![problem],
            notes: Vec::new(),
        }
    }

    /// Whether it can run.
    #[cfg(test)]
    pub(crate) fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// `spec.type`
    pub(crate) fn kind(&self) -> &str {
        self.entity.text(&["spec", "type"]).unwrap_or_default()
    }

    /// `spec.presentation.buttonLabels.…`
    pub(crate) fn button(&self, label: &str) -> Option<&str> {
        self.entity.text(&["spec", "presentation", "buttonLabels", label])
    }

    /// The numbers of its pages: all answered means that nothing is to be filled in.
    pub(crate) fn every_page(&self) -> BTreeSet<usize> {
        (0..self.pages.len()).collect()
    }

    /// What `GET …/parameter-schema` answers.
    pub(crate) fn parameter_schema(&self) -> Value {
        let name = self.entity.text(&["metadata", "title"]).unwrap_or_else(|| self.entity.name());
        let mut answer = Map::from_iter([("title".to_owned(), json!(name))]);
        if let Some(description) = self.entity.description() {
            answer.insert("description".to_owned(), json!(description));
        }
        if let Some(presentation) = self.entity.at(&["spec", "presentation"]) {
            answer.insert("presentation".to_owned(), presentation.clone());
        }
        let steps = self.pages.iter().zip(&self.schemas).map(|(page, schema)| {
            let mut step = Map::from_iter([("title".to_owned(), json!(page.title))]);
            if let Some(description) = &page.description {
                step.insert("description".to_owned(), json!(description));
            }
            step.insert("schema".to_owned(), schema.clone());
            Value::Object(step)
        });
        answer.insert("steps".to_owned(), steps.collect());
        Value::Object(answer)
    }

    /// Fills in line and column of problems and notes from the descriptor.
    pub(crate) fn place(&mut self, source: &Source) {
        for problem in self.problems.iter_mut().chain(&mut self.notes) {
            source.place(problem);
        }
    }

    fn problem(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.problems.push(TemplateProblem::new(pointer, message));
    }

    fn unknown_key(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.notes.push(TemplateProblem::new(pointer, message).of(Rule::UnknownKey));
    }

    fn spec(&self, key: &str) -> Option<Value> {
        self.entity.at(&["spec", key]).filter(|value| !value.is_null()).cloned()
    }

    fn read_envelope(&mut self) {
        match self.entity.text(&["apiVersion"]) {
            Some(API_VERSION) => {}
            Some(other) => {
                let message = format!("templates of version `{other}` cannot run; migrate it to `{API_VERSION}`");
                self.problem("/apiVersion", message);
            }
            None => self.problem("/apiVersion", format!("`apiVersion` is missing; write `{API_VERSION}`")),
        }
        if !self.entity.at(&["spec"]).is_some_and(Value::is_object) {
            return self.problem("/spec", "`spec` is missing; it holds `type`, `parameters` and `steps`");
        }
        if self.kind().is_empty() {
            self.problem("/spec/type", "`spec.type` is missing; name what the template makes, such as `service`");
        }
    }

    fn read_parameters(&mut self) {
        match self.spec("parameters") {
            None => {}
            Some(Value::Array(pages)) => {
                for (index, page) in pages.iter().enumerate() {
                    self.read_page(&format!("/spec/parameters/{index}"), page);
                }
            }
            Some(page) => self.read_page("/spec/parameters", &page),
        }
    }

    fn read_page(&mut self, pointer: &str, page: &Value) {
        let Some(object) = page.as_object() else {
            return self.problem(pointer, "a page of parameters is an object with `title` and `properties`");
        };
        for key in ["properties", "dependencies"] {
            if object.get(key).is_some_and(|value| !value.is_object()) {
                self.problem(format!("{pointer}/{key}"), format!("`{key}` must be a map from names to schemas"));
                return;
            }
        }
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        match Schema::compile(page) {
            Ok(schema) => {
                let title = text("title").unwrap_or_else(|| ONLY_PAGE.to_owned());
                self.pages.push(Arc::new(Page::new(title, text("description"), schema)));
                self.schemas.push(page.clone());
            }
            Err((place, message)) => self.problem(format!("{pointer}{place}"), format!("not a JSON Schema: {message}")),
        }
    }

    fn read_steps(&mut self) {
        let steps = match self.spec("steps") {
            Some(Value::Array(steps)) => steps,
            Some(_) => return self.problem("/spec/steps", "`spec.steps` must be a list of steps"),
            None if self.entity.at(&["spec"]).is_none() => return,
            None => return self.problem("/spec/steps", "`spec.steps` is missing; list what the template does"),
        };
        for (index, step) in steps.iter().enumerate() {
            let pointer = format!("/spec/steps/{index}");
            match step.as_object() {
                Some(step) => self.read_step(&pointer, index, step),
                None => self.problem(pointer, "a step is an object with `id`, `action` and `input`"),
            }
        }
    }

    fn read_step(&mut self, pointer: &str, index: usize, step: &Map<String, Value>) {
        let text = |key: &str| step.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(action) = text("action") else {
            return self
                .problem(format!("{pointer}/action"), "`action` is missing; name the action that the step runs");
        };
        for (key, value) in step {
            let wrong = match key.as_str() {
                "id" | "name" | "action" if !value.is_string() => "must be a text",
                "input" if !value.is_object() && !value.is_null() => "must be a map",
                "if" if !value.is_string() && !value.is_boolean() => "must be an expression or true or false",
                "each" if !(value.is_string() || value.is_array() || value.is_object()) => {
                    "must be an expression, a list or a map"
                }
                _ => continue,
            };
            self.problem(format!("{pointer}/{key}"), format!("`{key}` of a step {wrong}"));
        }
        let id = text("id").map_or_else(|| format!("step-{}", index + 1), str::to_owned);
        let name = text("name").unwrap_or(action).to_owned();
        let mut shown = step.clone();
        shown.remove(OUTPUTS_AS);
        shown.insert("id".to_owned(), json!(id));
        shown.insert("name".to_owned(), json!(name));
        self.steps.extend(Step::of_task(&Value::Object(shown)));
    }

    fn read_rest(&mut self) {
        match self.spec("output") {
            None => {}
            Some(Value::Object(output)) => self.output = output,
            Some(_) => self.problem("/spec/output", "`spec.output` must be a map"),
        }
        if let Some(schema) = self.entity.at(&["spec", "secrets", "schema"]).cloned() {
            match Schema::compile(&schema) {
                Ok(schema) => self.secrets = Some(schema),
                Err((place, message)) => {
                    self.problem(format!("/spec/secrets/schema{place}"), format!("not a JSON Schema: {message}"));
                }
            }
        }
    }
}
