//! One step: condition, rounds, input, action.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::action::{ActionError, EffectClass, Inspection, Outputs, Registered, StepInfo};
use super::super::plan::Way;
use super::super::template::Step;
use super::{BEGAN, Mode, OUTPUTS, Run};
use crate::scaffolder::log::EventKind;

/// Where Backstage's message for an unknown action points.
pub(in super::super) const HELP: &str =
    "See https://backstage.io/docs/features/software-templates/builtin-actions/ on how to add a new action module.";

/// How a step went that did not fail.
pub(super) enum Done {
    /// It ran.
    Finished,
    /// Its condition did not hold.
    ConditionFalse,
    /// It is not run in a dry run.
    NoDryRun,
}

/// One round of a step.
struct Round {
    each: Option<Value>,
    input: Map<String, Value>,
    /// The action's id with the key of the round.
    name: String,
    /// The step's id with the key of the round.
    key: String,
}

impl Run<'_> {
    /// Runs a step in all its rounds.
    pub(super) async fn perform(&mut self, step: &Step) -> Result<Done, ActionError> {
        let log = self.means.log.of_step(&step.id);
        let by_round = step.each.is_some() && step.condition.as_ref().is_some_and(mentions_each);
        if !by_round && !self.holds(step)? {
            return Ok(Done::ConditionFalse);
        }
        let action = self.means.actions.get(&step.action).map(Arc::clone).ok_or_else(|| ActionError {
            name: "NotFoundError",
            message: format!("Template action with ID '{}' is not registered. {HELP}", step.action),
        })?;
        let rounds = self.rounds(step, by_round, &action)?;
        let mut collected: Option<Map<String, Value>> = step.each.is_some().then(Map::new);
        let mut skipped = false;
        for round in rounds {
            if let Some(each) = &round.each {
                log.info(format!("Running step each: {}", shown_each(each)));
            }
            self.context.step = StepInfo {
                id: step.id.clone(),
                name: step.name.clone(),
                action: step.action.clone(),
                key: round.key.clone(),
            };
            self.context.log = log.clone();
            let outputs = self.round(&action, round, &mut skipped).await?;
            match &mut collected {
                None => self.scope.add_output(step.read_as(), Value::Object(outputs)),
                Some(lists) => collect(lists, outputs),
            }
            self.check_cancelled(step)?;
        }
        if let Some(lists) = collected {
            self.scope.add_output(step.read_as(), Value::Object(lists));
        }
        Ok(if skipped { Done::NoDryRun } else { Done::Finished })
    }

    fn holds(&mut self, step: &Step) -> Result<bool, ActionError> {
        let Some(condition) = &step.condition else { return Ok(true) };
        let holds = self.scope.holds(condition, self.failure.is_some())?;
        self.taken.push((step.id.clone(), if holds { Way::IfTrue } else { Way::IfFalse }));
        Ok(holds)
    }

    /// The rounds with their inputs, all checked before the first runs.
    fn rounds(&mut self, step: &Step, by_round: bool, action: &Registered) -> Result<Vec<Round>, ActionError> {
        let log = self.means.log.of_step(&step.id);
        let eaches = match &step.each {
            None => vec![None],
            Some(each) => self.eaches(each)?.into_iter().map(Some).collect(),
        };
        if step.each.is_some() {
            self.taken.push((step.id.clone(), if eaches.is_empty() { Way::NoRounds } else { Way::Rounds }));
        }
        let mut rounds = Vec::new();
        for each in eaches {
            let key = each.as_ref().and_then(|each| each["key"].as_str()).map(str::to_owned);
            self.scope.set_each(each.clone());
            let made = if by_round && !self.holds(step)? { None } else { Some(self.scope.input(&step.input, &log)?) };
            self.scope.set_each(None);
            let Some(input) = made else { continue };
            let suffix = key.map(|key| format!("[{key}]")).unwrap_or_default();
            let name = format!("{}{suffix}", step.action);
            let is_checked = self.means.mode != Mode::DryRun || action.action.effect() == EffectClass::Workspace;
            if is_checked {
                for warning in action.check(&name, &input)? {
                    log.warn(&warning);
                    self.warnings.push(format!("step {}: {warning}", step.id));
                }
            }
            rounds.push(Round { each, input, name, key: format!("{}{suffix}", step.id) });
        }
        Ok(rounds)
    }

    /// What a step goes over: `{key, value}` of a list's items or a map's entries.
    fn eaches(&self, each: &Value) -> Result<Vec<Value>, ActionError> {
        match self.scope.value(each, "`each`")? {
            Some(Value::Array(items)) => Ok(items
                .into_iter()
                .enumerate()
                .map(|(index, value)| json!({"key": index.to_string(), "value": value}))
                .collect()),
            Some(Value::Object(entries)) => {
                Ok(entries.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect())
            }
            other => {
                let found = other.map_or_else(|| "undefined".to_owned(), |value| value.to_string());
                Err(ActionError::input(format!("`each` must be a list or a map, it is {found}")))
            }
        }
    }

    async fn round(&mut self, action: &Registered, round: Round, skipped: &mut bool) -> Result<Outputs, ActionError> {
        let outside = action.action.effect() == EffectClass::Outside;
        if self.means.mode == Mode::DryRun {
            let shown = self.means.log.masked_value(&Value::Object(round.input.clone()));
            self.context
                .log
                .info(format!("Running {} in dry-run mode with inputs (secrets redacted): {shown:#}", round.name));
        }
        match (self.means.mode, outside) {
            (_, false) => self.limited(action, round.input).await,
            (Mode::Real, true) => self.once(action, round).await,
            (Mode::Plan, true) => {
                let Inspection { effects, outputs, warnings } =
                    action.action.inspect(&self.context, &round.input).await?;
                self.effects.extend(effects);
                self.warnings.extend(warnings);
                Ok(outputs)
            }
            (Mode::DryRun, true) => {
                *skipped = true;
                // What it would give is a help to the steps after it, not a reason to fail.
                let inspected = action.action.inspect(&self.context, &round.input).await;
                Ok(inspected.map(|inspection| inspection.outputs).unwrap_or_default())
            }
        }
    }

    /// The action, which is given up when it takes too long.
    async fn limited(&mut self, action: &Registered, input: Map<String, Value>) -> Result<Outputs, ActionError> {
        let limit = self.means.step_limit;
        let running = action.action.run(&mut self.context, input);
        tokio::time::timeout(limit, running).await.unwrap_or_else(|_| Err(ActionError::timed_out(limit)))
    }

    /// An outside action, unless an earlier attempt of this run had done it, or may have.
    async fn once(&mut self, action: &Registered, round: Round) -> Result<Outputs, ActionError> {
        if let Some(Value::Object(outputs)) = self.context.noted(OUTPUTS).await? {
            self.context.log.info("Done by an earlier attempt of this run, kept as it is");
            return Ok(outputs);
        }
        if !action.action.adopts() {
            if self.context.noted(BEGAN).await?.is_some() {
                return Err(ActionError::unclear(&round.name));
            }
            self.context.note(BEGAN, json!(true)).await?;
        }
        let outputs = self.limited(action, round.input).await?;
        if !self.means.cancelled.is_cancelled() {
            self.context.note(OUTPUTS, Value::Object(outputs.clone())).await?;
        }
        Ok(outputs)
    }

    /// Ends a step whose run was cancelled meanwhile.
    fn check_cancelled(&self, step: &Step) -> Result<(), ActionError> {
        if !self.means.cancelled.is_cancelled() || self.failure.is_some() {
            return Ok(());
        }
        let message = format!("Step {} has been cancelled.", step.id);
        self.context.log.event(EventKind::Cancelled, &message, [("status", json!("cancelled"))]);
        Err(ActionError::failed(format!(
            "Step {} ({}) of task {} has been cancelled.",
            step.id, step.name, self.job.task
        )))
    }
}

fn mentions_each(condition: &Value) -> bool {
    condition.as_str().is_some_and(|text| text.contains("each"))
}

fn collect(lists: &mut Map<String, Value>, outputs: Outputs) {
    for (key, value) in outputs {
        let list = lists.entry(key).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(value);
        }
    }
}

/// Key and value as text, as Backstage logs them.
fn shown_each(each: &Value) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    json!({"key": text(&each["key"]), "value": text(&each["value"])})
}
