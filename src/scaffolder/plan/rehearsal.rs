//! Rehearsals: a template's run for its author's tests, with which branches of its steps were taken.
//!
//! It is a plan: workspace actions run, outside actions only say what they would do. What changes from run to run (the
//! run's id, the time) is fixed, so the same template and answers give the same files. Answers are taken as a form gives
//! them, with the defaults of its fields.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::DateTime;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::action::{Given, TemplateInfo};
use super::super::context::Engines;
use super::super::run::{Job, Mode};
use super::super::template::{Step, Template};
use super::super::{Scaffolder, ScaffolderError, form};
use super::{Plan, plan_of};
use crate::catalog::{Tree, TreeFile};
use crate::entity::{Entity, EntityRef};
use crate::permission::Credentials;

/// The run's id in every rehearsal.
const TASK: Uuid = Uuid::nil();

/// What is given to a rehearsal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rehearsal {
    /// The answers.
    pub(crate) values: Map<String, Value>,
    /// The secrets.
    pub(crate) secrets: Map<String, Value>,
    /// The person as expressions see them: `{entity, ref}`.
    pub(crate) user: Option<Value>,
    /// The feature flags that are on, beside those of configuration.
    pub(crate) flags: Vec<String>,
    /// The files of its repository, by their paths from the root, as far as it reads them.
    pub(crate) files: Vec<TreeFile>,
    /// The template's folder there.
    pub(crate) folder: String,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Rehearsed {
    /// Files, effects, log, output, and why it would fail.
    pub(crate) plan: Plan,
    /// The branches that were taken.
    pub(crate) taken: BTreeSet<Branch>,
}

/// One way through a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Branch {
    /// Which step of the template, from 0.
    pub(crate) index: usize,
    /// The step's id.
    pub(crate) step: String,
    /// Which way.
    pub(crate) way: Way,
}

/// How a condition or a loop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    /// `if` held.
    IfTrue,
    /// `if` did not hold.
    IfFalse,
    /// `each` had nothing to go over.
    NoRounds,
    /// `each` had something to go over.
    Rounds,
}

impl Way {
    /// The key of the step that it is about.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::IfTrue | Self::IfFalse => "if",
            Self::NoRounds | Self::Rounds => "each",
        }
    }

    /// What a test must bring about.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::IfTrue => "`if` never holds",
            Self::IfFalse => "`if` always holds",
            Self::NoRounds => "`each` is never empty",
            Self::Rounds => "`each` is always empty",
        }
    }
}

impl Template {
    /// Every way through its steps that a run can take.
    pub(crate) fn branches(&self) -> BTreeSet<Branch> {
        let engines = Engines::new();
        let of_step = |(index, step): (usize, &Step)| {
            let ways = conditions(step, &engines).into_iter().chain(rounds(step));
            ways.map(|way| Branch { index, step: step.id.clone(), way }).collect::<Vec<_>>()
        };
        self.steps.iter().enumerate().flat_map(of_step).collect()
    }
}

/// `true`, `false` and `always()` are no choice.
fn conditions(step: &Step, engines: &Engines) -> Vec<Way> {
    match &step.condition {
        Some(condition @ Value::String(_)) if !engines.holds_always(condition) => vec![Way::IfTrue, Way::IfFalse],
        _ => Vec::new(),
    }
}

/// A list that is written in the template is no choice.
fn rounds(step: &Step) -> Vec<Way> {
    if step.each.as_ref().is_some_and(Value::is_string) { vec![Way::NoRounds, Way::Rounds] } else { Vec::new() }
}

impl Scaffolder {
    /// The template of an entity as a rehearsal reads it: checked, without a place of its own.
    pub(crate) fn template_of(&self, entity: &Entity) -> Template {
        Template::parse(entity, "", self.engines().values(), self.registry())
    }

    /// Runs a template without effect.
    pub(crate) async fn rehearse(
        &self,
        template: &Template,
        rehearsal: Rehearsal,
    ) -> Result<Rehearsed, ScaffolderError> {
        let Rehearsal { values, secrets, user, flags, files, folder } = rehearsal;
        Self::refuse_broken(template, false)?;
        let nobody = Value::Object(Map::new());
        let flags = self.common_flags().into_iter().chain(flags).collect();
        let settled = self.settled_blindly(user.as_ref().unwrap_or(&nobody), template, &values, &flags);
        let values = form::filled(&settled.pages, &values);
        Self::refuse(&form::Anything, template, &settled.pages, &values, &secrets)?;
        let reference = user.as_ref().and_then(|user| user.get("ref")?.as_str());
        let user_ref: Option<EntityRef> = match reference {
            Some(text) => {
                let wrong = |error| ScaffolderError::Invalid(format!("the user `{text}` is no entity: {error}"));
                Some(text.parse().map_err(wrong)?)
            }
            None => None,
        };
        let who = user_ref.clone().map_or_else(Credentials::anonymous, |user| Credentials::user(user, Vec::new()));
        let contents = Given::below(Tree { files, version: "test".to_owned() }, &folder)
            .map_err(|error| ScaffolderError::Invalid(error.to_string()))?;
        let job = Job {
            task: TASK,
            created_at: DateTime::UNIX_EPOCH,
            steps: template.steps.clone(),
            output: template.output.clone(),
            answers: values.clone(),
            parameters: values,
            secrets,
            user: user.unwrap_or(nobody),
            user_ref,
            who,
            template: TemplateInfo {
                reference: template.reference.clone(),
                location: template.location.clone(),
                contents: Some(Arc::new(contents)),
            },
        };
        let (mut outcome, events) = self.imagine(&job, Mode::Plan, Arc::clone(self.surroundings())).await;
        let taken = std::mem::take(&mut outcome.taken);
        let step = |id: &str| template.steps.iter().position(|step| step.id == id);
        let taken = taken.into_iter().filter_map(|(id, way)| Some(Branch { index: step(&id)?, step: id, way }));
        Ok(Rehearsed { taken: taken.collect(), plan: plan_of(template, outcome, &events) })
    }
}
