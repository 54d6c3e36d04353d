//! Trials: a template that its author is still writing, looked at and run without effect.
//!
//! Nothing of it is kept. The text is a stranger's, so a trial reads the files it was given and those of the
//! catalog's template that it began as, never other files of the machine, and secrets of the configuration are veiled:
//! what a step would write with them is shown to whoever tries.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::action::Given;
use super::super::lint::{Care, lint};
use super::super::run::Mode;
use super::super::template::{Template, TemplateProblem};
use super::super::workspace::WorkspaceError;
use super::super::{Scaffolder, ScaffolderError};
use super::{Plan, files_of, plan_of};
use crate::catalog::{LocationRef, TreeFile};
use crate::entity::{self, Entity, EntityRef, Model, ValidationError};
use crate::permission::Credentials;
use crate::yaml::{self, Document, Positions};

/// How long a trial may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The version of files that came with a trial.
const VERSION: &str = "dry-run";

/// What a text turned out to be.
#[derive(Debug, Default)]
pub(crate) struct Draught {
    /// The template in it, if there is one.
    pub(crate) template: Option<Template>,
    /// What keeps it from running, in the order of the text.
    pub(crate) problems: Vec<TemplateProblem>,
    /// What its author may want to know.
    pub(crate) notes: Vec<TemplateProblem>,
}

/// What a trial runs with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trial {
    /// The catalog's template that the text began as: its files are found beside it.
    pub(crate) base: Option<EntityRef>,
    /// `[{path, base64Content, executable}]`: files that count as lying beside the template.
    pub(crate) files: Value,
    /// The answers.
    pub(crate) values: Map<String, Value>,
    /// The secrets.
    pub(crate) secrets: Map<String, Value>,
}

impl Scaffolder {
    /// Reads a text: the first template in it, and what is wrong with it.
    pub(crate) fn read_text(&self, text: &str) -> Draught {
        let mut draught = Draught::default();
        for document in yaml::documents(text) {
            match document {
                Ok(document) => draught.take(document, text, self),
                Err(error) => draught.problems.push(TemplateProblem {
                    line: Some(error.position.line),
                    column: Some(error.position.column),
                    exact: true,
                    ..TemplateProblem::new("", error.message)
                }),
            }
        }
        if draught.template.is_none() && draught.problems.is_empty() {
            let message = "there is no template here; begin with `apiVersion: scaffolder.backstage.io/v1beta3` and `kind: Template`";
            draught.problems.push(TemplateProblem {
                line: Some(1),
                column: Some(1),
                ..TemplateProblem::new("", message)
            });
        }
        draught.problems.sort_by_key(|problem| (problem.line, problem.column));
        draught.notes.sort_by_key(|problem| (problem.line, problem.column));
        draught
    }

    /// Runs a template without effect.
    pub(crate) async fn try_out(
        &self,
        who: &Credentials,
        template: &Template,
        trial: Trial,
    ) -> Result<Plan, ScaffolderError> {
        Self::refuse_broken(template, false)?;
        let Trial { base, files, values, secrets } = trial;
        let flags = self.flags(who, template).await?;
        let settled = self.settled(who, template, &values, &template.every_page(), &flags);
        self.refuse_invalid(who, template, &settled.pages, &values, &secrets)?;
        let given = files_of(&files)?;
        let base = base.map(|base| self.template(who, &base)).transpose()?;
        let (location, contents) = self.surroundings_of(base.as_deref(), given).await?;
        let lacking = contents.as_ref().map(|contents| lacking(template, contents)).unwrap_or_default();
        let mut job =
            self.job(who, template, Uuid::now_v7(), (values, &settled.pages), secrets, contents.map(Arc::new));
        job.template.location = location;
        let imagined = self.imagine(&job, Mode::Plan, Arc::new(self.surroundings().veiled()));
        let late = || format!("the dry run took longer than {} seconds and was given up", PATIENCE.as_secs());
        let (outcome, events) =
            tokio::time::timeout(PATIENCE, imagined).await.map_err(|_| ScaffolderError::Invalid(late()))?;
        let mut plan = plan_of(template, outcome, &events);
        plan.warnings.extend(lacking);
        Ok(plan)
    }

    /// The text of a template of the catalog, without the other documents of its file.
    pub(crate) async fn template_text(&self, who: &Credentials, base: &EntityRef) -> Result<String, ScaffolderError> {
        let template = self.template(who, base)?;
        let location = LocationRef::parse(&template.location);
        let location = location.ok_or_else(|| ScaffolderError::Invalid(format!("{base} has no file")))?;
        let unreadable = |error: &dyn std::fmt::Display| {
            ScaffolderError::Invalid(format!("the file of {base} cannot be read: {error}"))
        };
        let file = self.catalog().reader().read(&location).await.map_err(|error| unreadable(&error))?;
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        if yaml::documents(&text).len() == 1 {
            return Ok(text);
        }
        let found = parts(&text).into_iter().find(|part| declares(part, base));
        // A file that cannot be cut is told by what the catalog made of it.
        found.map_or_else(|| serde_yaml::to_string(&template.entity).map_err(|error| unreadable(&error)), Ok)
    }

    /// Where relative URLs lead: the location of the template in a repository, or files at hand. A folder of the
    /// machine is taken as it is, with what the catalog's template itself names outside of it, so that the text cannot
    /// name files beyond those.
    async fn surroundings_of(
        &self,
        base: Option<&Template>,
        given: Vec<TreeFile>,
    ) -> Result<(String, Option<Given>), ScaffolderError> {
        let wrong = |error: WorkspaceError| ScaffolderError::Invalid(format!("the files beside the template: {error}"));
        let Some(base) = base else {
            return Ok((String::new(), Some(Given::beside(given, VERSION.to_owned()).map_err(wrong)?)));
        };
        let place = &base.location;
        let is_file = LocationRef::parse(place).is_none_or(|location| location.is_file());
        if !is_file && given.is_empty() {
            return Ok((place.clone(), None));
        }
        let beside = self.catalog().reader().read_tree(place, "./").await.map_err(|error| {
            ScaffolderError::Invalid(format!("the files beside the template cannot be read: {error}"))
        })?;
        let mut files = beside.files;
        for url in relative(base).filter(|(_, url)| url.starts_with("../")).map(|(_, url)| url) {
            // What cannot be read is told by the step that reads it.
            if let Ok(tree) = self.catalog().reader().read_tree(place, url).await {
                let below = url.trim_end_matches('/');
                files.extend(
                    tree.files.into_iter().map(|file| TreeFile { path: format!("{below}/{}", file.path), ..file }),
                );
            }
        }
        let is_given = |path: &str| given.iter().any(|file| file.path == path);
        files.retain(|file| !is_given(&file.path));
        files.extend(given);
        Ok((String::new(), Some(Given::beside(files, beside.version).map_err(wrong)?)))
    }
}

impl Draught {
    fn take(&mut self, document: Document, text: &str, scaffolder: &Scaffolder) {
        let Document { value, positions } = document;
        if value.is_null() || self.template.is_some() {
            return;
        }
        let is_template = value.get("kind").and_then(Value::as_str).is_none_or(|kind| kind == "Template");
        if !is_template {
            return;
        }
        match entity::check_envelope(value) {
            Ok(entity) => self.lint(&entity, positions, text, scaffolder),
            Err(error) => self.problems.push(placed(&error, &positions)),
        }
    }

    fn lint(&mut self, entity: &Entity, positions: Positions, text: &str, scaffolder: &Scaffolder) {
        let invalid = entity::check(&Model::default(), entity).err().map(|error| placed(&error, &positions));
        let mut template = lint(entity, positions, text, scaffolder.registry(), Care::Portal);
        self.problems.extend(template.problems.iter().cloned());
        // The template's own check says the same of `spec` more clearly.
        let is_new = |invalid: &TemplateProblem| self.problems.iter().all(|known| known.pointer != invalid.pointer);
        if let Some(invalid) = invalid.filter(is_new) {
            template.problems.push(invalid.clone());
            self.problems.push(invalid);
        }
        self.notes.clone_from(&template.notes);
        self.template = Some(template);
    }
}

fn placed(error: &ValidationError, positions: &Positions) -> TemplateProblem {
    let position = positions.nearest(&error.pointer);
    TemplateProblem {
        line: Some(position.line),
        column: Some(position.column),
        exact: true,
        ..TemplateProblem::new(error.pointer.clone(), error.to_string())
    }
}

/// The steps that read a folder or file of the template's repository by a URL without expressions: name and URL.
fn relative(template: &Template) -> impl Iterator<Item = (&str, &str)> {
    let reads = template.steps.iter().filter(|step| step.action.starts_with("fetch:"));
    let urls = reads.filter_map(|step| Some((step.name.as_str(), step.input.get("url")?.as_str()?)));
    urls.filter(|(_, url)| !url.contains("${{") && url::Url::parse(url).is_err())
}

/// Steps that read a folder or file beside the template which was not given.
fn lacking(template: &Template, contents: &Given) -> Vec<String> {
    let lacking = relative(template).filter(|(_, url)| !contents.has(url));
    let told = |(step, url)| format!("“{step}” reads {url}, and there is no such file or folder beside the template");
    lacking.map(told).collect()
}

/// The documents of a file as texts, cut at lines that begin with `---`.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.split_inclusive('\n') {
        match parts.last_mut() {
            Some(part) if !line.starts_with("---") => part.push_str(line),
            _ => parts.push(String::new()),
        }
    }
    parts
}

fn declares(part: &str, wanted: &EntityRef) -> bool {
    let documents = yaml::documents(part);
    let [Ok(document)] = documents.as_slice() else { return false };
    entity::check_envelope(document.value.clone()).is_ok_and(|entity| entity.reference() == *wanted)
}
