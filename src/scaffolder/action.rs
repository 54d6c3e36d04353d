//! Actions: what the steps of a template do.
//!
//! An [`Action`] says what it takes and gives (JSON Schema), and whether it only touches the workspace (repeatable at
//! will: a plan runs it for real, a retry runs it again) or the outside world (done once: a plan asks [`Action::inspect`]
//! instead, a retry reuses what is recorded). Outside actions record what they made before and after making it, so a
//! run that was cut off knows what is its own.
//!
//! What a step is given stands in `context`. [`ActionRegistry`] holds the actions by id and checks their input.

mod archive;
mod catalog;
mod context;
mod cookiecutter;
mod debug;
mod error;
mod fetch;
mod fs;
mod github;
mod given;
mod input;
mod json_text;
mod merge;
mod notify;
mod provenance;
mod publish;
mod registry;
mod render;
mod replace;
mod request;
mod serialize;
mod skeleton;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text_file;
mod transform;
mod unregister;
mod wait;
mod yaml_style;

use futures_util::future::BoxFuture;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::permission::Credentials;

pub(crate) use self::context::{ActionContext, Forgetful, Ledger, StepInfo, TemplateInfo};
pub(crate) use self::error::ActionError;
pub(crate) use self::given::Given;
pub(super) use self::input::distance;
pub(crate) use self::notify::send_notification;
pub(crate) use self::publish::Author;
pub(crate) use self::registry::ActionRegistry;
pub(super) use self::registry::Registered;
pub(crate) use self::request::{Portal, PortalAnswer, PortalError, PortalRequest, portal_request};

/// What an action did or would do, and the keys that later steps see.
pub(crate) type Outputs = Map<String, Value>;

/// Whether an action can be repeated at will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EffectClass {
    /// Only the workspace and the log.
    Workspace,
    /// Anything that stays when the run is gone.
    Outside,
}

/// What an outside effect is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EffectKind {
    /// A repository comes to be.
    Repository,
    /// Commits are pushed.
    Push,
    /// Changes are proposed.
    PullRequest,
    /// The catalog gets an entry.
    Register,
    /// Something is deployed.
    Deploy,
    /// Anything else.
    Other,
}

/// One thing that a run will do outside of its workspace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effect {
    /// The step's id.
    pub(crate) step: String,
    /// The step's name.
    pub(crate) step_name: String,
    /// The action's id.
    pub(crate) action: String,
    /// What will happen: "create repository acme/payments-api".
    pub(crate) sentence: String,
    /// What it is about.
    pub(crate) kind: EffectKind,
    /// Why it will not succeed.
    pub(crate) conflict: Option<String>,
    /// What exactly changes, as a unified diff.
    pub(crate) diff: Option<String>,
}

/// What an outside action would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Inspection {
    /// The effects in their order.
    pub(crate) effects: Vec<Effect>,
    /// The outputs that later steps of a plan see.
    pub(crate) outputs: Outputs,
    /// What the reader of a plan should know.
    pub(crate) warnings: Vec<String>,
}

/// What an action made outside, as it noted that with [`ActionContext::made`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Made {
    /// The run.
    pub(crate) task: Uuid,
    /// The key it was noted under.
    pub(crate) key: String,
    /// What was noted.
    pub(crate) value: Value,
    /// What it is: "repository acme/payments-api".
    pub(crate) sentence: String,
}

/// What taking something back would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inverse {
    /// "delete repository acme/payments-api"
    pub(crate) sentence: String,
    /// Why it is not possible, and what to do instead.
    pub(crate) obstacle: Option<String>,
}

impl Inverse {
    /// The action has no inverse.
    pub(crate) fn impossible(made: &str) -> Self {
        let obstacle = "this cannot be undone from here; do it by hand, where it was made".to_owned();
        Self { sentence: format!("undo {made}"), obstacle: Some(obstacle) }
    }
}

/// An example of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    /// What it shows.
    pub(crate) description: &'static str,
    /// The step, as YAML.
    pub(crate) example: &'static str,
}

/// What is told about an action.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ActionDescription {
    /// The id that steps name.
    pub(crate) id: &'static str,
    /// What it does.
    pub(crate) description: &'static str,
    /// The JSON Schema of its input.
    pub(crate) input: Value,
    /// The JSON Schema of its outputs.
    pub(crate) output: Option<Value>,
    /// Steps to start from.
    pub(crate) examples: Vec<Example>,
}

impl ActionDescription {
    /// What `GET /v2/actions` answers for it.
    pub(crate) fn backstage(&self) -> Value {
        let with_dialect = |schema: &Value| {
            let mut schema = schema.clone();
            if let Some(keys) = schema.as_object_mut() {
                keys.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
            }
            schema
        };
        let mut schema = Map::from_iter([("input".to_owned(), with_dialect(&self.input))]);
        if let Some(output) = &self.output {
            schema.insert("output".to_owned(), with_dialect(output));
        }
        let mut answer = json!({"id": self.id, "description": self.description, "schema": schema});
        if !self.examples.is_empty() {
            let examples = self
                .examples
                .iter()
                .map(|example| json!({"description": example.description, "example": example.example}));
            answer["examples"] = examples.collect();
        }
        answer
    }
}

impl Serialize for ActionDescription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.backstage().serialize(serializer)
    }
}

/// One action.
pub(crate) trait Action: Send + Sync {
    /// What is told about it; the id among it.
    fn description(&self) -> ActionDescription;

    /// Whether it can be repeated at will.
    fn effect(&self) -> EffectClass {
        EffectClass::Workspace
    }

    /// Of an outside action: whether another attempt of the same run finds what a first one made that was cut off, and
    /// makes nothing twice. One that cannot is not repeated unasked.
    fn adopts(&self) -> bool {
        false
    }

    /// Does it.
    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>>;

    /// Of an outside action: what taking back would do that it made, and what stands against it now.
    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(async { Ok(Inverse::impossible(&made.sentence)) })
    }

    /// Takes it back. What is gone already is no error.
    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async { Err(ActionError::failed(format!("{} cannot be undone from here", made.sentence))) })
    }

    /// Of an outside action: what it would do, whether it exists already, and the outputs that later steps of a plan see.
    fn inspect<'a>(&'a self, _: &'a ActionContext, _: &'a Outputs) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(async { Ok(Inspection::default()) })
    }
}

/// The text at a key of an input.
fn text<'a>(input: &'a Outputs, key: &str) -> Option<&'a str> {
    input.get(key).and_then(Value::as_str)
}

/// The texts of a list at a key.
fn texts(input: &Outputs, key: &str) -> Vec<String> {
    let list = input.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a key is set to true.
fn flag(input: &Outputs, key: &str) -> bool {
    input.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// Outputs from pairs.
fn outputs<const N: usize>(pairs: [(&str, Value); N]) -> Outputs {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
