//! `greenroom validate`: checks descriptors in files, without a server.
//!
//! The configuration counts as it does for the portal: its `catalog.model` has the organisation's own kinds, its
//! `backend.reading.allow` the hosts that placeholders may name. Placeholders are read as the portal would read them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::finding::{Finding, Severity};
use super::{Common, print};
use crate::catalog::{self, LocationRef, Reader};
use crate::config::Config;
use crate::entity::{self, Entity, Model, ValidationError};
use crate::forge::Forges;
use crate::scaffolder::{self, ActionRegistry, Care, Rule};
use crate::yaml::{self, Document};

/// Names of descriptors looked for in folders.
const DESCRIPTORS: [&str; 4] = ["catalog-info.yaml", "catalog-info.yml", "template.yaml", "template.yml"];

/// `greenroom validate`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Descriptors, or folders to look for catalog-info.yaml and template.yaml in.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// Checks every document of every file; prints one finding a line.
pub(super) async fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let rules = Rules::new(&common.load()?.config)?;
    let mut files = Vec::new();
    for path in &options.paths {
        descriptors(path, &mut files)?;
    }
    anyhow::ensure!(!files.is_empty(), "there is no catalog-info.yaml or template.yaml below the given paths");
    let (mut entities, mut wrong) = (0, 0);
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let documents = yaml::documents(&text);
        let is_one = documents.len() == 1;
        for (number, document) in (1..).zip(documents) {
            let mut errors = rules.check(document, &text, file, Care::Portal).await?;
            errors.retain(|finding| finding.severity == Severity::Error);
            for finding in errors.iter_mut().filter(|_| !is_one) {
                finding.message = format!("document {number}: {}", finding.message);
            }
            entities += 1;
            wrong += usize::from(!errors.is_empty());
            for finding in &errors {
                print::line(finding.line());
            }
        }
    }
    print::note(format_args!("{entities} entities in {} files, {wrong} with errors", files.len()));
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What documents are checked with.
pub(super) struct Rules {
    actions: ActionRegistry,
    model: Model,
    reader: Reader,
}

impl Rules {
    /// Those of a portal with this configuration.
    pub(super) fn new(config: &Config) -> anyhow::Result<Self> {
        let reader = Reader::new(Forges::default(), config.backend.reading.clone());
        Ok(Self { actions: crate::app::known_actions()?, model: config.catalog.model.clone(), reader })
    }

    /// What is wrong with one document of a file. Every kind is checked as an entity; templates are linted besides.
    pub(super) async fn check(
        &self,
        document: Result<Document, yaml::YamlError>,
        text: &str,
        file: &Path,
        care: Care,
    ) -> anyhow::Result<Vec<Finding>> {
        let Document { value, positions } = match document {
            Ok(document) => document,
            Err(error) => return Ok(unreadable(file, &error, text, care)),
        };
        if value.is_null() {
            return Ok(Vec::new());
        }
        let entity = match self.entity(value, file).await? {
            Ok(entity) => entity,
            Err(error) => return Ok(vec![Finding::of_entity(file, &error, &positions)]),
        };
        let checked = entity::check(&self.model, &entity);
        let mut found: Vec<Finding> =
            checked.err().iter().map(|error| Finding::of_entity(file, error, &positions)).collect();
        if entity.kind() == "Template" {
            let template = scaffolder::lint(&entity, positions, text, &self.actions, care);
            let told = |problem, severity| Finding::of_template(file, problem, severity);
            found.extend(template.problems.iter().map(|problem| told(problem, Severity::Error)));
            found.extend(template.notes.iter().map(|note| told(note, Severity::Warning)));
        }
        Ok(found)
    }

    /// The entity of a document, with its placeholders replaced.
    pub(super) async fn entity(&self, value: Value, file: &Path) -> anyhow::Result<Result<Entity, ValidationError>> {
        let full = std::path::absolute(file).with_context(|| format!("cannot find {}", file.display()))?;
        let location = LocationRef::new("file", full.to_string_lossy());
        Ok(match entity::check_envelope(value) {
            Ok(entity) => catalog::fill(&self.reader, entity, &location).await,
            Err(error) => Err(error),
        })
    }
}

fn unreadable(file: &Path, error: &yaml::YamlError, text: &str, care: Care) -> Vec<Finding> {
    let mut finding = Finding::unreadable(file, error);
    if care == Care::Author
        && let Some(hint) = scaffolder::quoting_hint(text, error.position)
    {
        finding.rule = Some(Rule::UnquotedExpression);
        finding.message = format!("{}; {hint}", finding.message);
    }
    vec![finding]
}

/// A named file as it is; of a folder, the descriptors anywhere below it.
fn descriptors(path: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !path.is_dir() {
        found.push(path.to_path_buf());
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_dir() && !name.starts_with('.') && name != "node_modules" && name != "target" {
            descriptors(&entry.path(), found)?;
        } else if kind.is_file() && DESCRIPTORS.contains(&name.as_ref()) {
            found.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
