//! Taking back what a run made outside: newest first, each thing only if somebody asks for it by name.
//!
//! What was made stands in the run's ledger. Its action says what taking it back would do and what stands against it; what
//! was taken back leaves the ledger, so that the run can be tried again, and is told in the run's log. A run under way is
//! not undone, and one that is being undone does not begin again: the run's row is locked meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::action::{Action, ActionError, Inverse, Made};
use super::bulletin::Notice;
use super::error::no_task;
use super::log::{EventKind, NewEvent};
use super::run::{BEGAN, OUTPUTS};
use super::{Scaffolder, ScaffolderError, store};
use crate::permission::{Credentials, Principal};

/// How long taking one thing back may take.
const LIMIT: Duration = Duration::from_secs(20);

/// One thing that a run made, and what taking it back would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Undoing {
    /// Names it among the things that the run made.
    pub(crate) id: String,
    /// The step that made it, with the key of its round.
    pub(crate) step: String,
    /// What it is: "repository acme/payments-api".
    pub(crate) made: String,
    /// What would be done: "delete repository acme/payments-api".
    pub(crate) sentence: String,
    /// Why it is not possible, and what to do instead.
    pub(crate) obstacle: Option<String>,
}

/// What became of one thing that was to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Undone {
    /// As in [`Undoing`].
    pub(crate) id: String,
    /// What was done, or was to be.
    pub(crate) sentence: String,
    /// Why it was not done.
    pub(crate) error: Option<String>,
}

impl Scaffolder {
    /// What a run made that is still there as far as the run knows, newest first.
    pub(crate) async fn undoable(&self, _who: &Credentials, run: Uuid) -> Result<Vec<Undoing>, ScaffolderError> {
        let task = store::task(self.pool(), run).await?.ok_or_else(|| no_task(run))?;
        let actions = actions_of(&store::json(&task.spec)?);
        let mut found = Vec::new();
        for thing in store::things_made(self.pool(), run).await? {
            let inverse = self.inverse(&actions, run, &thing).await;
            found.push(thing.shown(inverse));
        }
        Ok(found)
    }

    /// Takes back some of it, newest first; what fails is told, and the rest goes on.
    pub(crate) async fn undo(
        &self,
        who: &Credentials,
        run: Uuid,
        ids: &[String],
    ) -> Result<Vec<Undone>, ScaffolderError> {
        let mut transaction = self.pool().begin().await?;
        let task = store::lock_task(&mut *transaction, run).await?.ok_or_else(|| no_task(run))?;
        if matches!(task.status.as_str(), "open" | "processing" | "waiting") {
            return Err(ScaffolderError::Invalid(format!("run {run} is under way: cancel it, then undo it")));
        }
        allow(who, task.created_by.as_deref())?;
        let things = store::things_made(&mut *transaction, run).await?;
        if let Some(unknown) = ids.iter().find(|id| things.iter().all(|thing| thing.id() != **id)) {
            return Err(ScaffolderError::Invalid(format!(
                "run {run} made nothing called \"{unknown}\", or it is undone"
            )));
        }
        let actions = actions_of(&store::json(&task.spec)?);
        let mut undone = Vec::new();
        for thing in things.iter().filter(|thing| ids.contains(&thing.id())) {
            let done = self.take_back(who, &actions, run, thing).await;
            if done.error.is_none() {
                for key in [thing.key.as_str(), OUTPUTS, BEGAN] {
                    store::forget_one(&mut *transaction, run, &thing.step, key).await?;
                }
            }
            store::add_event(&mut *transaction, run, &told(who, &done)).await?;
            undone.push(done);
        }
        transaction.commit().await?;
        self.bulletin().tell(Notice::Said(run));
        Ok(undone)
    }

    async fn take_back(
        &self,
        who: &Credentials,
        actions: &HashMap<String, String>,
        run: Uuid,
        thing: &store::Thing,
    ) -> Undone {
        let id = thing.id();
        let inverse = match self.inverse(actions, run, thing).await {
            Ok(inverse) => inverse,
            Err(error) => return Undone { id, sentence: format!("undo {}", thing.made), error: Some(error.message) },
        };
        let Inverse { sentence, obstacle } = inverse;
        let error = match (obstacle, self.action_of(actions, thing)) {
            (Some(obstacle), _) => Some(obstacle),
            (None, None) => Some("its action is not known any more".to_owned()),
            (None, Some(action)) => {
                let made = thing.told(run);
                let limit = tokio::time::timeout(LIMIT, action.undo(who, &made));
                let done = limit.await.unwrap_or_else(|_| {
                    Err(ActionError::failed(format!("it took longer than {} seconds", LIMIT.as_secs())))
                });
                done.err().map(|error| error.message)
            }
        };
        Undone { id, sentence, error }
    }

    async fn inverse(
        &self,
        actions: &HashMap<String, String>,
        run: Uuid,
        thing: &store::Thing,
    ) -> Result<Inverse, ActionError> {
        match self.action_of(actions, thing) {
            Some(action) => action.inverse(&thing.told(run)).await,
            None => Ok(Inverse::impossible(&thing.made)),
        }
    }

    fn action_of(&self, actions: &HashMap<String, String>, thing: &store::Thing) -> Option<Arc<dyn Action>> {
        let step = thing.step.split('[').next().unwrap_or_default();
        let registered = self.registry().get(actions.get(step)?)?;
        Some(Arc::clone(&registered.action))
    }
}

impl store::Thing {
    fn id(&self) -> String {
        format!("{}/{}", self.step, self.key)
    }

    fn told(&self, run: Uuid) -> Made {
        let value = store::json(&self.value).unwrap_or_default();
        Made { task: run, key: self.key.clone(), value, sentence: self.made.clone() }
    }

    fn shown(&self, inverse: Result<Inverse, ActionError>) -> Undoing {
        let Inverse { sentence, obstacle } = inverse.unwrap_or_else(|error| Inverse {
            obstacle: Some(format!("it cannot be looked at: {}", error.message)),
            ..Inverse::impossible(&self.made)
        });
        Undoing { id: self.id(), step: self.step.clone(), made: self.made.clone(), sentence, obstacle }
    }
}

/// Only who started a run takes back what it made; a service may do so for everybody.
fn allow(who: &Credentials, created_by: Option<&str>) -> Result<(), ScaffolderError> {
    let is_own = match who.principal() {
        Principal::User { user, .. } => created_by.is_none_or(|by| by == user.as_str()),
        Principal::Service { .. } | Principal::Anonymous => true,
    };
    let refusal = || format!("only {} can undo this run, who started it", created_by.unwrap_or_default());
    if is_own { Ok(()) } else { Err(ScaffolderError::NotAllowed(refusal())) }
}

/// The actions of a run's steps, by the steps' ids.
fn actions_of(spec: &Value) -> HashMap<String, String> {
    let steps = spec.get("steps").and_then(Value::as_array).into_iter().flatten();
    let text = |step: &Value, key: &str| step.get(key).and_then(Value::as_str).map(str::to_owned);
    steps.filter_map(|step| Some((text(step, "id")?, text(step, "action")?))).collect()
}

fn told(who: &Credentials, done: &Undone) -> NewEvent {
    let by = who.user_ref().map(|user| format!(" ({user})")).unwrap_or_default();
    let message = match &done.error {
        None => format!("Undone: {}{by}", done.sentence),
        Some(error) => format!("Not undone: {}{by}: {error}", done.sentence),
    };
    NewEvent::new(EventKind::Log, json!({ "message": message }))
}
