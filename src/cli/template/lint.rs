//! `greenroom template lint`: everything that can be known about a template without running it, without a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::super::Common;
use super::super::finding::{Finding, Format, Severity, print_all};
use super::super::validate::rules;
use crate::entity::Entity;
use crate::review::Rules;
use crate::scaffolder::Care;
use crate::yaml::{self, Positions};

/// `greenroom template lint`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Template files, or their folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Fail on warnings, too.
    #[arg(long)]
    strict: bool,
    /// How findings are written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Lints every file. The code is 1 if something is wrong.
pub(super) async fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let rules = rules(&common.load()?.config)?;
    let mut findings = Vec::new();
    for path in &options.paths {
        findings.extend(check(&rules, &template_file(path)).await?);
    }
    print_all(&findings, options.format)?;
    let failed = findings.iter().any(|finding| options.strict || finding.severity == Severity::Error);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is wrong with one file, from its top to its end.
async fn check(rules: &Rules, file: &Path) -> anyhow::Result<Vec<Finding>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let documents = yaml::documents(&text);
    anyhow::ensure!(!documents.is_empty(), "{} is empty; a template is an entity of kind Template", file.display());
    let mut findings = Vec::new();
    for document in documents {
        findings.extend(rules.check(document, &text, file, Care::Author).await?);
    }
    findings.sort_by_key(|finding| (finding.line, finding.column, finding.severity));
    Ok(findings)
}

/// The file of a template that is named by its folder.
pub(super) fn template_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("template.yaml") } else { path.to_path_buf() }
}

/// The Template document of a file, for a dry run: with its placeholders replaced, as the catalog would have it.
pub(super) async fn read_template(rules: &Rules, file: &Path) -> anyhow::Result<(Entity, Positions)> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    for document in yaml::documents(&text) {
        match document {
            Ok(document) if document.value.get("kind").and_then(Value::as_str) == Some("Template") => {
                let entity = rules.entity(document.value, file).await?;
                return Ok((entity.with_context(|| format!("cannot read {}", file.display()))?, document.positions));
            }
            Ok(_) => {}
            Err(error) => {
                let position = error.position;
                anyhow::bail!("{}:{}:{}: {}", file.display(), position.line, position.column, error.message);
            }
        }
    }
    anyhow::bail!("{} holds no entity of kind Template", file.display())
}

#[cfg(test)]
mod tests;
