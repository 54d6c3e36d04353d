//! `greenroom validate`: checks descriptors in files, without a server.
//!
//! The configuration counts as it does for the portal: its `catalog.model` has the organisation's own kinds, its
//! `backend.reading.allow` the hosts that placeholders may name. Placeholders are read as the portal would read them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{Common, print};
use crate::catalog::{self, LocationRef, Reader};
use crate::config::Config;
use crate::entity::{self, Model, ValidationError};
use crate::forge::Forges;
use crate::scaffolder::{self, ActionRegistry, TemplateProblem};
use crate::yaml::{self, Document, Positions};

/// Names of descriptors looked for in folders.
const DESCRIPTORS: [&str; 4] = ["catalog-info.yaml", "catalog-info.yml", "template.yaml", "template.yml"];

/// `greenroom validate`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Descriptors, or folders to look for catalog-info.yaml and template.yaml in.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// What is wrong, where.
pub(super) struct Finding {
    /// 1-based line, 0 when the whole file is meant.
    pub(super) line: u32,
    /// 1-based column.
    pub(super) column: u32,
    /// What it is and what to do.
    pub(super) message: String,
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
            let (mut errors, _) = rules.check(document, &text, file).await?;
            for finding in errors.iter_mut().filter(|_| !is_one) {
                finding.message = format!("document {number}: {}", finding.message);
            }
            entities += 1;
            wrong += usize::from(!errors.is_empty());
            for finding in &errors {
                print_finding(file, finding);
            }
        }
    }
    print::note(format_args!("{entities} entities in {} files, {wrong} with errors", files.len()));
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `file:line:column: message`, which editors and terminals make a link of.
pub(super) fn print_finding(file: &Path, finding: &Finding) {
    print::line(format_args!("{}:{}:{}: {}", file.display(), finding.line, finding.column, finding.message));
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

    /// Errors and notes of one document of a file. Every kind is checked as an entity; templates are linted besides.
    pub(super) async fn check(
        &self,
        document: Result<Document, yaml::YamlError>,
        text: &str,
        file: &Path,
    ) -> anyhow::Result<(Vec<Finding>, Vec<Finding>)> {
        let Document { value, positions } = match document {
            Ok(document) => document,
            Err(error) => {
                let (line, column) = (error.position.line, error.position.column);
                return Ok((vec![Finding { line, column, message: error.message }], Vec::new()));
            }
        };
        if value.is_null() {
            return Ok(Default::default());
        }
        let file = std::path::absolute(file).with_context(|| format!("cannot find {}", file.display()))?;
        let location = LocationRef::new("file", file.to_string_lossy());
        let read = match entity::check_envelope(value) {
            Ok(entity) => catalog::fill(&self.reader, entity, &location).await,
            Err(error) => Err(error),
        };
        let entity = match read {
            Ok(entity) => entity,
            Err(error) => return Ok((vec![placed(&error, &positions)], Vec::new())),
        };
        let checked = entity::check(&self.model, &entity);
        let mut errors: Vec<Finding> = checked.err().iter().map(|error| placed(error, &positions)).collect();
        if entity.kind() != "Template" {
            return Ok((errors, Vec::new()));
        }
        let template = scaffolder::lint(&entity, positions, text, &self.actions);
        errors.extend(template.problems.iter().map(finding));
        Ok((errors, template.notes.iter().map(finding).collect()))
    }
}

fn placed(error: &ValidationError, positions: &Positions) -> Finding {
    let position = positions.nearest(&error.pointer);
    Finding { line: position.line, column: position.column, message: error.to_string() }
}

fn finding(problem: &TemplateProblem) -> Finding {
    let message = if problem.pointer.is_empty() {
        problem.message.clone()
    } else {
        format!("{}: {}", problem.pointer.trim_start_matches('/').replace('/', "."), problem.message)
    };
    Finding { line: problem.line.unwrap_or(1), column: problem.column.unwrap_or(1), message }
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
