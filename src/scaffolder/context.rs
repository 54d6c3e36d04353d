//! What expressions of a template see, and how they are evaluated.
//!
//! `parameters`, `steps.<id>.output`, `user.{entity,ref}`, `context.task.id`, `environment.parameters` and our
//! `environments` are always there, `each` in the rounds of a step that has them, and `secrets` in the input of an
//! action only. An expression that fails is an error that names its place.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::action::ActionError;
use super::expression::{Engine, ExpressionError, Syntax, is_truthy_condition};
use super::log::TaskLog;

/// Names that a condition calls to run after a failure.
const STATUS_FUNCTIONS: [&str; 2] = ["always", "failure"];

/// What stands for a secret where nobody may see it.
const VEIL: &str = "***";

/// What is the same for all runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// `environment.parameters`: from configuration.
    pub(crate) parameters: Map<String, Value>,
    /// `environment.secrets`: from configuration, in inputs only.
    pub(crate) secrets: Map<String, Value>,
    /// `environments`: where services run.
    pub(crate) environments: Value,
}

impl Surroundings {
    /// The same without the texts of secrets: for runs whose files are shown to whoever wrote the template.
    pub(super) fn veiled(&self) -> Self {
        let veil = |(name, _): (&String, &Value)| (name.clone(), Value::String(VEIL.to_owned()));
        Self { secrets: self.secrets.iter().map(veil).collect(), ..self.clone() }
    }
}

/// The engines for values and for conditions.
#[derive(Clone)]
pub(super) struct Engines {
    values: Engine,
    before_failure: Engine,
    after_failure: Engine,
}

impl Engines {
    /// Backstage's syntax in all of them.
    pub(super) fn new() -> Self {
        let always = || Engine::new(Syntax::backstage()).global("always", |_| Ok(Some(Value::Bool(true))));
        Self {
            values: Engine::new(Syntax::backstage()),
            before_failure: always().global("failure", |_| Ok(Some(Value::Bool(false)))),
            after_failure: always().global("failure", |_| Ok(Some(Value::Bool(true)))),
        }
    }

    /// The one that values are evaluated with.
    pub(super) fn values(&self) -> &Engine {
        &self.values
    }

    /// Whether a condition asks for every run.
    pub(super) fn holds_always(&self, condition: &Value) -> bool {
        self.calls(condition).iter().any(|call| call == "always")
    }

    fn calls(&self, condition: &Value) -> Vec<String> {
        condition.as_str().and_then(|source| self.values.calls(source).ok()).unwrap_or_default()
    }

    /// The one that conditions are evaluated with while nothing has failed: it has every function there is.
    pub(super) fn conditions(&self) -> &Engine {
        &self.before_failure
    }

    /// Whether a condition can be true after a failure.
    pub(super) fn asks_for_failures(&self, condition: &Value) -> bool {
        self.calls(condition).iter().any(|call| STATUS_FUNCTIONS.contains(&call.as_str()))
    }
}

/// The values of one run, growing with its steps.
pub(super) struct Scope {
    engines: Engines,
    values: Map<String, Value>,
    secrets: Value,
    environment: Value,
    environment_with_secrets: Value,
}

/// What a scope starts with.
pub(super) struct Start<'a> {
    pub(super) task: Uuid,
    pub(super) parameters: &'a Map<String, Value>,
    pub(super) secrets: &'a Map<String, Value>,
    pub(super) user: &'a Value,
    pub(super) surroundings: &'a Surroundings,
}

impl Scope {
    /// Before the first step.
    pub(super) fn new(engines: &Engines, start: &Start<'_>) -> Self {
        let environment = json!({"parameters": start.surroundings.parameters});
        let values = json!({
            "parameters": start.parameters,
            "steps": {},
            "user": start.user,
            "context": {"task": {"id": start.task}},
            "environment": environment,
            "environments": start.surroundings.environments,
        });
        let values = if let Value::Object(values) = values { values } else { Map::new() };
        let environment_with_secrets =
            json!({"parameters": start.surroundings.parameters, "secrets": start.surroundings.secrets});
        Self { engines: engines.clone(), values, secrets: json!(start.secrets), environment, environment_with_secrets }
    }

    /// Makes a step's outputs visible.
    pub(super) fn add_output(&mut self, step: &str, output: Value) {
        if let Some(Value::Object(steps)) = self.values.get_mut("steps") {
            steps.insert(step.to_owned(), Value::Object(Map::from_iter([("output".to_owned(), output)])));
        }
    }

    /// Enters or leaves a round of a step.
    pub(super) fn set_each(&mut self, each: Option<Value>) {
        match each {
            Some(each) => drop(self.values.insert("each".to_owned(), each)),
            None => drop(self.values.shift_remove("each")),
        }
    }

    /// A value without secrets: `each`, the output.
    pub(super) fn value(&self, value: &Value, what: &str) -> Result<Option<Value>, ActionError> {
        self.engines.values.evaluate_all(value, &self.values).map_err(|error| failed(what, &error))
    }

    /// Whether a step's condition holds.
    pub(super) fn holds(&self, condition: &Value, failed_before: bool) -> Result<bool, ActionError> {
        let engine = if failed_before { &self.engines.after_failure } else { &self.engines.before_failure };
        let value = engine.evaluate_all(condition, &self.values).map_err(|error| failed("`if`", &error))?;
        Ok(is_truthy_condition(value.as_ref()))
    }

    /// An action's input. Texts made with a secret are hidden in the log from now on.
    pub(super) fn input(
        &mut self,
        input: &Map<String, Value>,
        log: &TaskLog,
    ) -> Result<Map<String, Value>, ActionError> {
        let source = Value::Object(input.clone());
        if !mentions_secrets(&source) {
            return Ok(object(self.value(&source, "input")?));
        }
        self.reveal(true);
        let evaluated = self.value(&source, "input");
        self.reveal(false);
        let evaluated = object(evaluated?);
        for (key, value) in input {
            self.hide_made(value, evaluated.get(key), log);
        }
        Ok(evaluated)
    }

    /// Outputs of the template: an entry whose `if` does not hold is left out, what cannot be evaluated stays as written
    /// and is told, since everything is made already.
    pub(super) fn output(&self, output: &Map<String, Value>, log: &TaskLog) -> Map<String, Value> {
        let entry = |(key, value): (&String, &Value)| {
            let value = match (key.as_str(), value) {
                ("links" | "text", Value::Array(items)) => {
                    Value::Array(items.iter().filter_map(|item| self.output_item(item, log)).collect())
                }
                (_, value) => self.lenient(value, log)?,
            };
            Some((key.clone(), value))
        };
        output.iter().filter_map(entry).collect()
    }

    fn output_item(&self, item: &Value, log: &TaskLog) -> Option<Value> {
        let Value::Object(keys) = item else {
            return self.lenient(item, log);
        };
        let mut keys = keys.clone();
        if let Some(condition) = keys.shift_remove("if") {
            match self.holds(&condition, false) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => log.warn(format!("output: {error}")),
            }
        }
        self.lenient(&Value::Object(keys), log)
    }

    fn lenient(&self, value: &Value, log: &TaskLog) -> Option<Value> {
        match value {
            Value::Array(items) => {
                Some(items.iter().map(|item| self.lenient(item, log).unwrap_or(Value::Null)).collect())
            }
            Value::Object(keys) => {
                let kept = keys.iter().filter_map(|(key, value)| Some((key.clone(), self.lenient(value, log)?)));
                Some(Value::Object(kept.collect()))
            }
            other => self.value(other, "output").unwrap_or_else(|error| {
                log.warn(&error.message);
                Some(other.clone())
            }),
        }
    }

    fn reveal(&mut self, visible: bool) {
        let environment = if visible { &self.environment_with_secrets } else { &self.environment };
        self.values.insert("environment".to_owned(), environment.clone());
        if visible {
            self.values.insert("secrets".to_owned(), self.secrets.clone());
        } else {
            self.values.shift_remove("secrets");
        }
    }

    /// Hides the texts that would be others without the secrets.
    fn hide_made(&self, source: &Value, made: Option<&Value>, log: &TaskLog) {
        match (source, made) {
            (Value::String(text), Some(made)) if text.contains("secrets") => {
                let without = self.engines.values.evaluate(text, &self.values).ok().flatten();
                // A word as short as "y" would hide half of the log, and tells nothing.
                let tells = made.as_str().is_none_or(|text| text.len() > 3);
                if tells && without.as_ref() != Some(made) {
                    log.hide(made);
                }
            }
            (Value::Array(sources), Some(Value::Array(made))) => {
                sources.iter().enumerate().for_each(|(index, source)| self.hide_made(source, made.get(index), log));
            }
            (Value::Object(sources), Some(Value::Object(made))) => {
                sources.iter().for_each(|(key, source)| self.hide_made(source, made.get(key), log));
            }
            _ => {}
        }
    }
}

fn mentions_secrets(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("secrets"),
        Value::Array(items) => items.iter().any(mentions_secrets),
        Value::Object(keys) => keys.values().any(mentions_secrets),
        _ => false,
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    if let Some(Value::Object(keys)) = value { keys } else { Map::new() }
}

fn failed(what: &str, error: &ExpressionError) -> ActionError {
    let place = error.pointer.as_deref().unwrap_or_default().replace('/', ".");
    ActionError { name: "TemplateError", message: format!("{what}{place}: {error}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_guide_describes_what_a_step_reads() {
        let (nothing, surroundings) = (Map::new(), Surroundings::default());
        let start = Start {
            task: Uuid::nil(),
            parameters: &nothing,
            secrets: &nothing,
            user: &Value::Null,
            surroundings: &surroundings,
        };
        let mut scope = Scope::new(&Engines::new(), &start);
        scope.set_each(Some(json!({})));
        scope.reveal(true);
        let known: BTreeSet<&str> = scope.values.keys().map(String::as_str).collect();
        let guide = super::super::expression::guide::Guide::of(Engines::new().values());
        assert_eq!(guide.values.iter().map(|value| value.entry.name).collect::<BTreeSet<_>>(), known);
    }
}
