//! `greenroom template test`: the cases beside a template, run in this process.
//!
//! `tests/<case>/values.yaml` has the answers, `expected/` the files that a run makes of them, `expected.yaml` what else
//! is expected (`case`). Every case is a rehearsal (no database, no network, no effect) whose outcome is compared
//! (`compare`), or written as the new expectation with `--update`. At the end stands which branches of the steps no case
//! takes (`report`).

mod case;
mod compare;
mod report;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;

use self::case::Case;
use self::report::{CaseReport, Report, Uncovered};
use super::super::Common;
use super::super::finding::Format;
use super::super::validate::rules;
use super::beside::{self, Beside};
use super::lint::{read_template, template_file};
use crate::config::Config;
use crate::scaffolder::{Branch, Rehearsal, Scaffolder, Template};

/// The folder of a template's cases.
const TESTS: &str = "tests";

/// `greenroom template test`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Folder of a template, or its template.yaml.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// Write what came out as what is expected.
    #[arg(long)]
    update: bool,
    /// Fail below this share of branches, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// How the outcome is written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Runs every case. The code is 1 if one is not as expected, or too few branches are taken.
pub(super) async fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let config = common.load()?.config;
    let mut reports = Vec::new();
    for path in &options.paths {
        reports.push(test(&config, &template_file(path), options.case.as_deref(), options.update).await?);
    }
    report::print(&reports, options.format, options.min_coverage)?;
    let is_good = reports.iter().all(|report| report.is_good(options.min_coverage));
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the cases of one template.
async fn test(config: &Config, file: &Path, only: Option<&str>, update: bool) -> anyhow::Result<Report> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let cases = case::all(&folder.join(TESTS), only)?;
    let scratch = tempfile::tempdir().context("cannot make a folder for what the cases need")?;
    let scaffolder = crate::app::rehearsal(config, scratch.path())?;
    let (entity, positions) = read_template(&rules(config)?, file).await?;
    let template = scaffolder.template_of(&entity);
    let problem = template.problems.first().map(|problem| {
        let position = positions.nearest(&problem.pointer);
        format!("{}:{}:{}: {}", file.display(), position.line, position.column, problem.message)
    });
    ensure!(problem.is_none(), "{}; see `greenroom template lint`", problem.unwrap_or_default());
    // A template that fetches its own folder must not get what is expected of it.
    let beside = beside::read(folder, &template, &|path| path == TESTS)?;
    let mut taken = BTreeSet::new();
    let mut reports = Vec::new();
    for case in cases {
        let (report, branches) = one(&scaffolder, &template, &case, &beside, update).await?;
        taken.extend(branches);
        reports.push(report);
    }
    let all = template.branches();
    let uncovered = all.difference(&taken).map(|branch| Uncovered::of(branch, &positions)).collect();
    Ok(Report { file: file.to_path_buf(), cases: reports, branches: all.len(), uncovered })
}

async fn one(
    scaffolder: &Scaffolder,
    template: &Template,
    case: &Case,
    beside: &Beside,
    update: bool,
) -> anyhow::Result<(CaseReport, BTreeSet<Branch>)> {
    let given = &case.given;
    let rehearsal = Rehearsal {
        values: given.values.clone(),
        secrets: given.secrets.clone(),
        user: given.user()?,
        flags: given.flags.clone(),
        files: beside.files.clone(),
        folder: beside.folder.clone(),
    };
    let run = tokio::time::timeout(case::TIMEOUT, scaffolder.rehearse(template, rehearsal)).await;
    let outcome = match run {
        Ok(Ok(rehearsed)) => case::Outcome::of(&rehearsed.plan, rehearsed.taken),
        Ok(Err(error)) => case::Outcome::refused(error.to_string()),
        Err(_) => case::Outcome::refused(format!("it takes longer than {} s", case::TIMEOUT.as_secs())),
    };
    let is_updated = update && case.update(&outcome)?;
    let differences = if is_updated { Vec::new() } else { compare::differences(case, &outcome)? };
    Ok((CaseReport { name: case.name.clone(), folder: case.folder.clone(), is_updated, differences }, outcome.taken))
}

#[cfg(test)]
mod tests;
