//! `greenroom template lint`: everything that can be known about a template without running it, without a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::super::validate::{Finding, Rules, print_finding};
use super::super::{Common, print};
use crate::yaml;

/// `greenroom template lint`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Template files, or their folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Fail on notes, too.
    #[arg(long)]
    strict: bool,
}

/// Lints every file; prints a finding a line.
pub(super) async fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let rules = Rules::new(&common.load()?.config)?;
    let (mut errors, mut notes) = (0, 0);
    for path in &options.paths {
        let file = template_file(path);
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let documents = yaml::documents(&text);
        anyhow::ensure!(!documents.is_empty(), "{} is empty; a template is an entity of kind Template", file.display());
        for document in documents {
            let (found, noted) = rules.check(document, &text, &file).await?;
            for finding in &found {
                print_finding(&file, finding);
            }
            for finding in &noted {
                print_finding(&file, &Finding { message: format!("note: {}", finding.message), ..*finding });
            }
            errors += found.len();
            notes += noted.len();
        }
    }
    print::note(format_args!("{errors} errors, {notes} notes"));
    let failed = errors > 0 || (options.strict && notes > 0);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The file of a template that is named by its folder.
pub(super) fn template_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("template.yaml") } else { path.to_path_buf() }
}

/// The Template document of a file, for a dry run.
pub(super) fn read_template(file: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    for document in yaml::documents(&text) {
        match document {
            Ok(document) if document.value.get("kind").and_then(Value::as_str) == Some("Template") => {
                return Ok(document.value);
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
