//! A run: the steps of a template, one after the other.
//!
//! The same loop runs a task for real, makes a plan, and answers a dry run ([`Mode`]). For each step: its condition,
//! its rounds (`each`), its input (expressions, then the action's schema), then the action. Actions on the workspace run
//! in every mode; of outside actions a plan only learns what they would do, and another attempt of a run takes the
//! outputs that the ledger has. After a failure only steps whose condition calls `always()` or `failure()` run, and
//! the first error is the run's. Messages are Backstage's.
//!
//! Whatever is wrong before the first step (an action that is not registered) fails the run before anything is made.

mod step;

pub(super) use self::step::HELP;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::action::{ActionContext, ActionError, ActionRegistry, Effect, Ledger, StepInfo, TemplateInfo};
use super::context::{Engines, Scope, Start, Surroundings};
use super::log::{EventKind, StepStatus, TaskLog};
use super::plan::Way;
use super::template::{KnownActions as _, Step};
use super::workspace::Workspace;
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// The key under which the ledger keeps the outputs of an outside step that is done.
pub(super) const OUTPUTS: &str = "outputs";

/// The key of what may have been done, though nobody noted its outputs. Somebody who retries the run has looked.
pub(super) const BEGAN: &str = "began";

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Everything happens.
    Real,
    /// Outside actions are inspected.
    Plan,
    /// As a plan, in the words of Backstage's dry run.
    DryRun,
}

/// Everything that a run is given.
pub(super) struct Job {
    pub(super) task: Uuid,
    pub(super) created_at: DateTime<Utc>,
    pub(super) steps: Vec<Step>,
    pub(super) output: Map<String, Value>,
    pub(super) parameters: Map<String, Value>,
    /// The parameters with defaults filled in.
    pub(super) answers: Map<String, Value>,
    pub(super) secrets: Map<String, Value>,
    /// `{entity, ref}`, or empty.
    pub(super) user: Value,
    pub(super) user_ref: Option<EntityRef>,
    pub(super) who: Credentials,
    pub(super) template: TemplateInfo,
}

/// What a run needs besides its job.
pub(super) struct Means {
    pub(super) mode: Mode,
    pub(super) actions: ActionRegistry,
    pub(super) engines: Engines,
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) log: TaskLog,
    pub(super) ledger: Arc<dyn Ledger>,
    /// How long one step may take.
    pub(super) step_limit: Duration,
    /// Somebody asked for the run to be cancelled.
    pub(super) cancelled: CancellationToken,
    /// The process ends: no further step begins.
    pub(super) stopping: CancellationToken,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Completed,
    Failed,
    Cancelled,
    /// The process ends before its last step.
    Interrupted,
    /// A step waits, and no worker is to wait with it.
    Waiting,
}

/// What a run gave.
pub(super) struct Outcome {
    pub(super) ending: Ending,
    pub(super) output: Map<String, Value>,
    pub(super) error: Option<ActionError>,
    /// Of one that waits: when to look again, unless it is woken.
    pub(super) wake_at: Option<DateTime<Utc>>,
    /// The step that failed.
    pub(super) failed_step: Option<String>,
    pub(super) workspace: Workspace,
    pub(super) effects: Vec<Effect>,
    pub(super) warnings: Vec<String>,
    /// How conditions and loops went, with the step's id.
    pub(super) taken: Vec<(String, Way)>,
}

/// A run under way.
struct Run<'a> {
    job: &'a Job,
    means: &'a Means,
    scope: Scope,
    context: ActionContext,
    failure: Option<(String, ActionError)>,
    interrupted: bool,
    waiting: bool,
    effects: Vec<Effect>,
    warnings: Vec<String>,
    taken: Vec<(String, Way)>,
}

/// Runs every step.
pub(super) async fn run(job: &Job, means: &Means) -> Outcome {
    let hidden_steps = usize::from(means.mode == Mode::DryRun);
    means.log.say(&format!("Starting up task with {} steps", job.steps.len() + hidden_steps));
    let mut run = Run {
        scope: scope(job, means),
        context: context(job, means),
        job,
        means,
        failure: None,
        interrupted: false,
        waiting: false,
        effects: Vec::new(),
        warnings: Vec::new(),
        taken: Vec::new(),
    };
    let impossible = job.steps.iter().position(|step| !means.actions.knows(&step.action));
    for (index, step) in job.steps.iter().enumerate() {
        if impossible.is_some_and(|first| index < first) {
            // Nothing is made by a run that cannot come to its end.
            means.log.step(
                &step.id,
                StepStatus::Skipped,
                &format!("Skipping step {} because a later step cannot run", step.id),
            );
            continue;
        }
        run.step(step).await;
    }
    run.finish()
}

fn scope(job: &Job, means: &Means) -> Scope {
    let start = Start {
        task: job.task,
        parameters: &job.parameters,
        secrets: &job.secrets,
        user: &job.user,
        surroundings: &means.surroundings,
    };
    Scope::new(&means.engines, &start)
}

fn context(job: &Job, means: &Means) -> ActionContext {
    ActionContext {
        workspace: Workspace::default(),
        log: means.log.clone(),
        task: job.task,
        created_at: job.created_at,
        step: StepInfo::default(),
        who: job.who.clone(),
        user: job.user_ref.clone(),
        template: job.template.clone(),
        answers: job.answers.clone(),
        actions: means.actions.clone(),
        engines: means.engines.clone(),
        wake_at: None,
        cancelled: means.cancelled.clone(),
        stopping: means.stopping.clone(),
        ledger: Arc::clone(&means.ledger),
        published: Arc::default(),
        fetched: Arc::default(),
    }
}

impl Run<'_> {
    /// One step, with everything that is said about it.
    async fn step(&mut self, step: &Step) {
        #[cfg(test)]
        super::tests::killed::moment();
        let log = self.means.log.clone();
        if self.waiting {
            return;
        }
        if self.means.stopping.is_cancelled() {
            // Another worker goes on, from what is kept.
            self.interrupted = true;
            return;
        }
        let condition = step.condition.as_ref();
        let runs_after_failure = condition.is_some_and(|condition| self.means.engines.asks_for_failures(condition));
        if self.failure.is_some() && !runs_after_failure {
            let message = format!("Skipping step {} because a previous step failed", step.id);
            return log.step(&step.id, StepStatus::Skipped, &message);
        }
        log.step(&step.id, StepStatus::Processing, &format!("Beginning step {}", step.name));
        let span = tracing::info_span!("scaffolder.step", step.id = step.id, step.action = step.action);
        let done = self.perform(step).instrument(span).await;
        match done {
            Ok(step::Done::Finished) => {
                log.step(&step.id, StepStatus::Completed, &format!("Finished step {}", step.name));
            }
            Ok(step::Done::ConditionFalse) => {
                let message = format!("Skipping step {} because its if condition was false", step.id);
                log.step(&step.id, StepStatus::Skipped, &message);
            }
            Ok(step::Done::NoDryRun) => {
                let message = format!("Skipping because {} does not support dry-run", step.action);
                log.step(&step.id, StepStatus::Skipped, &message);
            }
            Err(error) if error.is_interruption() && self.means.stopping.is_cancelled() => self.interrupted = true,
            Err(error) if error.is_waiting() => self.waiting = true,
            Err(error) => self.fail(step, &error),
        }
    }

    fn fail(&mut self, step: &Step, error: &ActionError) {
        let log = &self.means.log;
        log.step(&step.id, StepStatus::Failed, &format!("{}: {}", error.name, error.message));
        if self.failure.is_none() {
            let error = ActionError { name: error.name, message: log.masked(&error.message) };
            self.failure = Some((step.id.clone(), error));
        }
    }

    fn finish(self) -> Outcome {
        let (failed_step, error) = self.failure.unzip();
        let ending = match &error {
            _ if self.interrupted => Ending::Interrupted,
            None if self.waiting => Ending::Waiting,
            None => Ending::Completed,
            Some(_) if self.means.cancelled.is_cancelled() => Ending::Cancelled,
            Some(_) => Ending::Failed,
        };
        let output = match ending {
            Ending::Completed => self.scope.output(&self.job.output, &self.means.log),
            _ => Map::new(),
        };
        Outcome {
            ending,
            output,
            error,
            wake_at: self.context.wake_at,
            failed_step,
            workspace: self.context.workspace,
            effects: self.effects,
            warnings: each_once(self.warnings),
            taken: self.taken,
        }
    }
}

/// The last event of a run.
pub(super) fn complete(log: &TaskLog, outcome: &Outcome) {
    let status = outcome.ending.status();
    let message = format!("Run completed with status: {status}");
    match &outcome.error {
        None => log.event(EventKind::Completion, &message, [("output", Value::Object(outcome.output.clone()))]),
        Some(error) => {
            let error = json!({"name": error.name, "message": error.message});
            log.event(EventKind::Completion, &message, [("error", error)]);
        }
    }
}

impl Ending {
    /// The status of a task that ended so.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed | Self::Interrupted | Self::Waiting => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What several steps say is told once, where it was said first.
fn each_once(said: Vec<String>) -> Vec<String> {
    let mut known = HashSet::new();
    said.into_iter().filter(|one| known.insert(one.clone())).collect()
}
