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
use crate::catalog::{LocationRef, Reader};
use crate::config::Config;
use crate::entity::{Entity, ValidationError};
use crate::forge::Forges;
use crate::review::Rules;
use crate::scaffolder::Care;
use crate::yaml::{self, Document, YamlError};

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
    let rules = rules(&common.load()?.config)?;
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
    let (entities, files) =
        (print::counted(entities, "entity", "entities"), print::counted(files.len(), "file", "files"));
    print::note(format_args!("{entities} in {files}, {wrong} with errors"));
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Those of a portal with this configuration.
pub(super) fn rules(config: &Config) -> anyhow::Result<Rules> {
    let reader = Reader::new(Forges::default(), config.backend.reading.clone());
    Ok(Rules::new(crate::app::known_actions()?, config.catalog.model.clone(), reader))
}

impl Rules {
    /// What is wrong with one document of a file on disk.
    pub(super) async fn check(
        &self,
        document: Result<Document, YamlError>,
        text: &str,
        file: &Path,
        care: Care,
    ) -> anyhow::Result<Vec<Finding>> {
        Ok(self.check_at(document, text, file, &on_disk(file)?, care).await)
    }

    /// The entity of a document of a file on disk, with its placeholders replaced.
    pub(super) async fn entity(&self, value: Value, file: &Path) -> anyhow::Result<Result<Entity, ValidationError>> {
        Ok(self.entity_at(value, &on_disk(file)?).await)
    }
}

fn on_disk(file: &Path) -> anyhow::Result<LocationRef> {
    let full = std::path::absolute(file).with_context(|| format!("cannot find {}", file.display()))?;
    Ok(LocationRef::new("file", full.to_string_lossy()))
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
