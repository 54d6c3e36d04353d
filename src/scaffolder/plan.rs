//! What a run would make, with nothing made: the plan of a form ([`Plan`]), Backstage's dry run ([`DryRun`]), the author's
//! text in the editor ([`Trial`]), a case of the author's tests ([`Rehearsal`]).
//!
//! The run's own loop does the work: workspace actions run for real in a workspace that is thrown away, outside actions
//! are asked what they would do. So a plan's files are the run's files.

mod rehearsal;
mod trial;

pub(super) use self::rehearsal::Way;
pub(crate) use self::rehearsal::{Branch, Rehearsal};
pub(crate) use self::trial::{Draught, Trial};

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chrono::Utc;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::action::{Effect, Forgetful, Given, TemplateInfo};
use super::context::Surroundings;
use super::log::{Entry, TaskLog};
use super::run::{self, Job, Means, Mode, Outcome};
use super::secret::Mask;
use super::template::{KnownActions as _, Template};
use super::{Scaffolder, ScaffolderError, form, workspace};
use crate::catalog::{Tree, TreeFile};
use crate::entity::{Entity, EntityRef};
use crate::forge::FileMode;
use crate::permission::Credentials;

/// What a run would do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// The template.
    pub(crate) template: EntityRef,
    /// Every file, by path.
    pub(crate) files: Vec<PlannedFile>,
    /// What would happen outside, in order.
    pub(crate) effects: Vec<Effect>,
    /// Why it would fail.
    pub(crate) problems: Vec<PlanProblem>,
    /// What to know before starting it.
    pub(crate) warnings: Vec<String>,
    /// What the steps said.
    pub(crate) log: Vec<String>,
    /// The template's output, as far as it is known.
    pub(crate) output: Value,
}

impl Plan {
    /// Whether the run can be expected to succeed.
    pub(crate) fn is_clear(&self) -> bool {
        self.problems.is_empty() && self.effects.iter().all(|effect| effect.conflict.is_none())
    }
}

/// One file of a plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlannedFile {
    /// Path from the root.
    pub(crate) path: String,
    /// Regular, executable or symbolic link.
    pub(crate) mode: FileMode,
    /// The content; of a link its target.
    pub(crate) content: Bytes,
    /// Whether it can be shown as text.
    pub(crate) is_text: bool,
}

/// A step that would fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanProblem {
    /// The step's id.
    pub(crate) step: String,
    /// Why.
    pub(crate) message: String,
}

/// A dry run of a template that need not be in the catalog.
#[derive(Debug, Clone, Default)]
pub(crate) struct DryRun {
    /// The Template entity.
    pub(crate) template: Value,
    /// The answers.
    pub(crate) values: Map<String, Value>,
    /// The secrets.
    pub(crate) secrets: Map<String, Value>,
    /// `[{path, base64Content, executable}]`: the files beside the template; `../` leads out of its folder.
    pub(crate) directory_contents: Value,
    /// The template's folder, where paths count from the root of its repository.
    pub(crate) folder: Option<String>,
    /// The feature flags that are on beside those of configuration; without, those of whoever asks.
    pub(crate) flags: Option<Vec<String>>,
}

impl Scaffolder {
    /// What a run with these answers would do.
    #[cfg(test)]
    pub(crate) async fn plan(
        &self,
        who: &Credentials,
        template: &EntityRef,
        values: Map<String, Value>,
        secrets: Map<String, Value>,
    ) -> Result<Plan, ScaffolderError> {
        let template = self.template(who, template)?;
        self.plan_as(who, &template, Uuid::now_v7(), (values, &BTreeSet::new()), secrets).await
    }

    /// A plan for the run that will have this id. The answers come with the pages where nothing means nothing.
    pub(super) async fn plan_as(
        &self,
        who: &Credentials,
        template: &Template,
        task: Uuid,
        (values, answered): (Map<String, Value>, &BTreeSet<usize>),
        secrets: Map<String, Value>,
    ) -> Result<Plan, ScaffolderError> {
        Self::refuse_broken(template, false)?;
        let flags = self.flags(who, template).await?;
        let settled = self.settled(who, template, &values, answered, &flags);
        self.refuse_invalid(who, template, &settled.pages, &values, &secrets)?;
        let job = self.job(who, template, task, (values, &settled.pages), secrets, None);
        let (outcome, events) = self.imagine(&job, Mode::Plan, Arc::clone(self.surroundings())).await;
        Ok(plan_of(template, outcome, &events))
    }

    /// Backstage's dry run.
    pub(crate) async fn dry_run(&self, who: &Credentials, run: DryRun) -> Result<Value, ScaffolderError> {
        let DryRun { template, values, secrets, directory_contents, folder, flags } = run;
        let Value::Object(entity) = template else {
            return Err(ScaffolderError::Invalid("the template must be an object".to_owned()));
        };
        let contents = contents(&directory_contents, folder.as_deref())?;
        let template = Template::parse(&Entity(entity), "", self.engines().values(), self.registry());
        if let Some(step) = template.steps.iter().find(|step| !self.registry().knows(&step.action)) {
            let message = format!("Template action with ID '{}' is not registered. {}", step.action, run::HELP);
            return Err(ScaffolderError::NotFound(message));
        }
        Self::refuse_broken(&template, false)?;
        let flags = match flags {
            Some(flags) => self.common_flags().into_iter().chain(flags).collect(),
            None => self.flags(who, &template).await?,
        };
        let settled = self.settled_blindly(&self.user(who), &template, &values, &flags);
        let values = form::with_computed(&settled.pages, &values);
        Self::refuse(&form::Anything, &template, &settled.pages, &values, &secrets)?;
        let answers = (values, settled.pages.as_slice());
        let job = self.job(who, &template, Uuid::now_v7(), answers, secrets, Some(Arc::new(contents)));
        let (outcome, events) = self.imagine(&job, Mode::DryRun, Arc::new(self.surroundings().veiled())).await;
        let files = outcome.workspace.files().map(|(path, file)| {
            json!({"path": path, "executable": file.mode == FileMode::Executable, "base64Content": BASE64.encode(&file.bytes)})
        });
        Ok(json!({
            "log": events.into_iter().map(|body| json!({"body": body})).collect::<Vec<_>>(),
            "directoryContents": files.collect::<Vec<_>>(),
            "output": outcome.output,
            "steps": template.steps.iter().map(|step| &step.shown).collect::<Vec<_>>(),
        }))
    }

    /// Runs a job without effect; the outcome and what was said.
    pub(super) async fn imagine(
        &self,
        job: &Job,
        mode: Mode,
        surroundings: Arc<Surroundings>,
    ) -> (Outcome, Vec<Value>) {
        let (sender, mut said) = mpsc::unbounded_channel();
        let log = TaskLog::new(sender, Mask::new(&job.secrets));
        log.hide(&Value::Object(surroundings.secrets.clone()));
        let means = Means {
            mode,
            actions: self.registry().clone(),
            engines: self.engines().clone(),
            surroundings,
            step_limit: self.config().step_timeout.0,
            log,
            ledger: Arc::new(Forgetful),
            cancelled: CancellationToken::new(),
            stopping: CancellationToken::new(),
        };
        let outcome = run::run(job, &means).await;
        let mut events = Vec::new();
        while let Ok(entry) = said.try_recv() {
            if let Entry::Event(event) = entry {
                events.push(event.body);
            }
        }
        (outcome, events)
    }

    pub(super) fn job(
        &self,
        who: &Credentials,
        template: &Template,
        task: Uuid,
        (parameters, pages): (Map<String, Value>, &[Arc<form::Page>]),
        secrets: Map<String, Value>,
        contents: Option<Arc<Given>>,
    ) -> Job {
        Job {
            task,
            created_at: Utc::now(),
            steps: template.steps.clone(),
            output: template.output.clone(),
            answers: form::filled(pages, &parameters),
            parameters,
            secrets,
            user: self.user(who),
            user_ref: who.user_ref().cloned(),
            who: who.clone(),
            template: TemplateInfo {
                reference: template.reference.clone(),
                location: template.location.clone(),
                contents,
            },
        }
    }
}

/// The plan that a run without effect shows.
pub(super) fn plan_of(template: &Template, outcome: Outcome, events: &[Value]) -> Plan {
    let problem = outcome.error.as_ref().map(|error| PlanProblem {
        step: outcome.failed_step.clone().unwrap_or_default(),
        message: error.message.clone(),
    });
    Plan {
        template: template.reference.clone(),
        files: outcome.workspace.files().map(|(path, file)| planned(path, file)).collect(),
        effects: distinct(outcome.effects),
        problems: problem.into_iter().collect(),
        warnings: outcome.warnings,
        log: events.iter().filter_map(|body| body["message"].as_str().map(str::to_owned)).collect(),
        output: Value::Object(outcome.output),
    }
}

/// What several rounds of a step say is one thing: the same project for three environments.
fn distinct(effects: Vec<Effect>) -> Vec<Effect> {
    let mut kept: Vec<Effect> = Vec::with_capacity(effects.len());
    for effect in effects {
        if !kept.iter().any(|one| one.step == effect.step && one.sentence == effect.sentence) {
            kept.push(effect);
        }
    }
    kept
}

fn planned(path: &str, file: &workspace::WorkspaceFile) -> PlannedFile {
    let is_text =
        file.mode != FileMode::Symlink && !file.bytes.contains(&0) && std::str::from_utf8(&file.bytes).is_ok();
    PlannedFile { path: path.to_owned(), mode: file.mode, content: file.bytes.clone(), is_text }
}

/// Files that came with a request, by their paths as written.
fn files_of(value: &Value) -> Result<Vec<TreeFile>, ScaffolderError> {
    let mut files = Vec::new();
    for file in value.as_array().into_iter().flatten() {
        let path = file.get("path").and_then(Value::as_str).ok_or_else(|| misplaced(&"a file has no path"))?;
        let content = file.get("base64Content").and_then(Value::as_str).unwrap_or_default();
        let decoded = BASE64.decode(content);
        let bytes = decoded.map_err(|error| misplaced(&format!("{path} is not base64: {error}")))?;
        let executable = file.get("executable").and_then(Value::as_bool).unwrap_or(false);
        let mode = if executable { FileMode::Executable } else { FileMode::Regular };
        files.push(TreeFile { path: path.to_owned(), mode, bytes: bytes.into() });
    }
    Ok(files)
}

/// The same by their paths from the template's folder, or from the root of its repository where that folder is named.
fn contents(value: &Value, folder: Option<&str>) -> Result<Given, ScaffolderError> {
    let (mut files, version) = (files_of(value)?, "dry-run".to_owned());
    let given = match folder {
        None => Given::beside(files, version),
        Some(folder) => {
            for file in &mut files {
                file.path = workspace::normal(&file.path).map_err(|error| misplaced(&error))?;
            }
            Given::below(Tree { files, version }, folder)
        }
    };
    given.map_err(|error| misplaced(&error))
}

fn misplaced(what: &dyn std::fmt::Display) -> ScaffolderError {
    ScaffolderError::Invalid(format!("directoryContents: {what}"))
}
