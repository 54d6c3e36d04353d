//! `greenroom validate`: checks descriptors in files, without a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{Common, print};
use crate::entity::{self, Model};
use crate::scaffolder::{self, ActionRegistry, TemplateProblem};
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

/// What is wrong, where.
pub(super) struct Finding {
    /// 1-based line, 0 when the whole file is meant.
    pub(super) line: u32,
    /// 1-based column.
    pub(super) column: u32,
    /// What it is and what to do.
    pub(super) message: String,
}

/// Checks every document of every file, with the kinds of the configuration; prints one finding a line.
pub(super) fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let model = common.load()?.config.catalog.model;
    let actions = crate::app::known_actions()?;
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
            let (mut errors, _) = check(document, &text, &actions, &model);
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

/// Errors and notes of one document. Every kind is checked as an entity; templates are linted besides.
pub(super) fn check(
    document: Result<Document, yaml::YamlError>,
    text: &str,
    actions: &ActionRegistry,
    model: &Model,
) -> (Vec<Finding>, Vec<Finding>) {
    let Document { value, positions } = match document {
        Ok(document) => document,
        Err(error) => {
            let (line, column) = (error.position.line, error.position.column);
            return (vec![Finding { line, column, message: error.message }], Vec::new());
        }
    };
    if value.is_null() {
        return Default::default();
    }
    let entity = match entity::check_envelope(value) {
        Ok(entity) => entity,
        Err(error) => {
            let position = positions.nearest(&error.pointer);
            let finding = Finding { line: position.line, column: position.column, message: error.to_string() };
            return (vec![finding], Vec::new());
        }
    };
    let mut errors = Vec::new();
    if let Err(error) = entity::check(model, &entity) {
        let position = positions.nearest(&error.pointer);
        errors.push(Finding { line: position.line, column: position.column, message: error.to_string() });
    }
    if entity.kind() != "Template" {
        return (errors, Vec::new());
    }
    let template = scaffolder::lint(&entity, positions, text, actions);
    errors.extend(template.problems.iter().map(finding));
    (errors, template.notes.iter().map(finding).collect())
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
mod tests {
    use super::*;

    /// Findings of the only document, each `line:column: message`. The actions want a runtime.
    fn found(text: &str, model: &Model) -> Vec<String> {
        let actions = crate::app::known_actions().unwrap();
        let document = yaml::documents(text).remove(0);
        let (errors, _) = check(document, text, &actions, model);
        errors.iter().map(|finding| format!("{}:{}: {}", finding.line, finding.column, finding.message)).collect()
    }

    #[tokio::test]
    async fn kinds_of_the_configuration_are_known() {
        let model: Model = serde_yaml::from_str(
            "kinds: [{kind: Cluster, apiVersions: [acme.example/v1], schema: {type: object, required: [region]}}]",
        )
        .unwrap();
        let cluster = "apiVersion: acme.example/v1\nkind: Cluster\nmetadata: {name: one}\nspec: {region: north}\n";
        assert_eq!(found(cluster, &model), Vec::<String>::new());
        let foreign = found(cluster, &Model::default());
        assert!(foreign[0].starts_with("2:1: ") && foreign[0].contains("No processor recognized"), "{foreign:?}");
        let regionless = found(&cluster.replace("region", "zone"), &model);
        assert!(regionless[0].starts_with("4:1: ") && regionless[0].contains("region"), "{regionless:?}");
    }
}
