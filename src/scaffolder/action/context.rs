//! What a step's action is given: files, log, answers, and the ledger of what its run made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::context::Engines;
use super::super::log::TaskLog;
use super::super::workspace::Workspace;
use super::{ActionError, ActionRegistry, Effect, EffectKind, Given};
use crate::catalog::Tree;
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// The template that a run is of.
#[derive(Debug, Clone)]
pub(crate) struct TemplateInfo {
    /// Its reference; none for a dry run of a text.
    pub(crate) reference: EntityRef,
    /// `type:target` of its descriptor: the base of relative URLs.
    pub(crate) location: String,
    /// The files around it, where the caller gave them instead of a location.
    pub(crate) contents: Option<Arc<Given>>,
}

/// What a step's action is given.
pub(crate) struct ActionContext {
    /// The files made so far.
    pub(crate) workspace: Workspace,
    /// The run's log, for lines of this step.
    pub(crate) log: TaskLog,
    /// The run.
    pub(crate) task: Uuid,
    /// When the run was asked for.
    pub(crate) created_at: DateTime<Utc>,
    /// The step, with the key of the round where it has several: `deploy[dev]`.
    pub(crate) step: StepInfo,
    /// On whose behalf.
    pub(crate) who: Credentials,
    /// The person's entity.
    pub(crate) user: Option<EntityRef>,
    /// The template.
    pub(crate) template: TemplateInfo,
    /// The answers, with defaults filled in, without secrets.
    pub(crate) answers: Map<String, Value>,
    /// The actions there are.
    pub(crate) actions: ActionRegistry,
    /// What expressions are evaluated with.
    pub(in super::super) engines: Engines,
    /// When to look again after [`ActionError::waiting`]; none: when somebody decided something.
    pub(crate) wake_at: Option<DateTime<Utc>>,
    /// Fires when the run is cancelled.
    pub(crate) cancelled: CancellationToken,
    /// Fires when the server stops: what takes long can give up with [`ActionError::interrupted`].
    pub(crate) stopping: CancellationToken,
    /// What this run has made outside, kept over restarts.
    pub(crate) ledger: Arc<dyn Ledger>,
    /// Which folder of the workspace went to which repository: its contents URL → the folder.
    pub(crate) published: Arc<Mutex<BTreeMap<String, String>>>,
    /// Folders that this run fetched, by their URL as written: each is read once, and is the same in every round.
    pub(crate) fetched: Arc<Mutex<BTreeMap<String, Arc<Tree>>>>,
}

/// The step that runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StepInfo {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its action.
    pub(crate) action: String,
    /// The id with the key of the round, which the ledger keeps things under.
    pub(crate) key: String,
}

impl ActionContext {
    /// One effect of this step.
    pub(crate) fn effect(&self, kind: EffectKind, sentence: impl Into<String>, conflict: Option<String>) -> Effect {
        Effect {
            step: self.step.id.clone(),
            step_name: self.step.name.clone(),
            action: self.step.action.clone(),
            sentence: sentence.into(),
            kind,
            conflict,
            diff: None,
        }
    }

    /// A path of the workspace as logs and outputs show it whole; it is no path on a disk.
    pub(crate) fn shown_path(&self, path: &str) -> String {
        format!("workspace/{}/{path}", self.task).trim_end_matches('/').to_owned()
    }

    /// What an earlier attempt of this step noted under a key.
    pub(crate) async fn noted(&self, key: &str) -> Result<Option<Value>, ActionError> {
        self.ledger.get(&self.step.key, key).await
    }

    /// Notes something that a later attempt must know; kept when this returns.
    pub(crate) async fn note(&self, key: &str, value: Value) -> Result<(), ActionError> {
        self.ledger.put(&self.step.key, key, value, None).await
    }

    /// The end of a wait, set when the step first asks and the same for every later attempt.
    pub(crate) async fn deadline(&self, wait: Duration) -> Result<DateTime<Utc>, ActionError> {
        const KEY: &str = "until";
        if let Some(until) = self.noted(KEY).await?.and_then(|noted| serde_json::from_value(noted).ok()) {
            return Ok(until);
        }
        let until = Utc::now() + wait;
        self.note(KEY, json!(until)).await?;
        Ok(until)
    }

    /// Notes that something now exists outside; `sentence` names it: "repository acme/payments-api".
    pub(crate) async fn made(&self, key: &str, sentence: &str, value: Value) -> Result<(), ActionError> {
        self.ledger.put(&self.step.key, key, value, Some(sentence)).await
    }

    /// Remembers that the folder of the workspace is what the repository holds.
    pub(crate) fn remember_published(&self, contents_url: &str, folder: &str) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.insert(contents_url.trim_end_matches('/').to_owned(), folder.to_owned());
    }

    /// The folder of the workspace that was published at a contents URL.
    pub(crate) fn published_folder(&self, contents_url: &str) -> Option<String> {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.get(contents_url.trim_end_matches('/')).cloned()
    }
}

/// What a run keeps of the outside effects it had, step by step.
pub(crate) trait Ledger: Send + Sync {
    /// The value under a key of a step.
    fn get<'a>(&'a self, step: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Value>, ActionError>>;
    /// Keeps a value; `made` names what exists from now on.
    fn put<'a>(
        &'a self,
        step: &'a str,
        key: &'a str,
        value: Value,
        made: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), ActionError>>;
}

/// A ledger that is forgotten: for plans.
#[derive(Debug, Default)]
pub(crate) struct Forgetful;

impl Ledger for Forgetful {
    fn get<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Option<Value>, ActionError>> {
        Box::pin(async { Ok(None) })
    }

    fn put<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: Value,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async { Ok(()) })
    }
}
