//! What the cases of a template showed, for people, scripts and pull requests.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::super::finding::{Finding, Format, Severity};
use super::super::super::print;
use super::compare::Difference;
use crate::scaffolder::Branch;
use crate::yaml::Positions;

/// What one template's cases showed.
#[derive(Debug)]
pub(super) struct Report {
    /// The template.
    pub(super) file: PathBuf,
    /// Its cases, by name.
    pub(super) cases: Vec<CaseReport>,
    /// How many ways there are through its steps.
    pub(super) branches: usize,
    /// Those that no case took.
    pub(super) uncovered: Vec<Uncovered>,
}

/// What one case showed.
#[derive(Debug)]
pub(super) struct CaseReport {
    /// Its name.
    pub(super) name: String,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Whether what came out is now what is expected.
    pub(super) is_updated: bool,
    /// What is not as expected.
    pub(super) differences: Vec<Difference>,
}

/// A branch that no case took.
#[derive(Debug)]
pub(super) struct Uncovered {
    /// Which.
    pub(super) branch: Branch,
    line: u32,
    column: u32,
}

impl Uncovered {
    /// With its place in the template.
    pub(super) fn of(branch: &Branch, positions: &Positions) -> Self {
        let position = positions.nearest(&format!("/spec/steps/{}/{}", branch.index, branch.way.key()));
        Self { branch: branch.clone(), line: position.line, column: position.column }
    }

    fn message(&self) -> String {
        format!("step {}: {} in any case", self.branch.step, self.branch.way.words())
    }
}

impl CaseReport {
    fn outcome(&self) -> &'static str {
        match (self.differences.is_empty(), self.is_updated) {
            (false, _) => "failed",
            (true, true) => "updated",
            (true, false) => "passed",
        }
    }
}

impl Report {
    /// The share of branches that were taken, in percent, rounded down; all of none.
    pub(super) fn coverage(&self) -> usize {
        (100 * (self.branches - self.uncovered.len())).checked_div(self.branches).unwrap_or(100)
    }

    /// Whether every case is as expected, and enough branches are taken.
    pub(super) fn is_good(&self, least: Option<u8>) -> bool {
        self.cases.iter().all(|case| case.differences.is_empty()) && !self.is_short(least)
    }

    fn is_short(&self, least: Option<u8>) -> bool {
        least.is_some_and(|least| self.coverage() < usize::from(least))
    }

    fn covered(&self) -> String {
        let taken = self.branches - self.uncovered.len();
        format!("{} % of branches ({taken} of {})", self.coverage(), self.branches)
    }

    /// For scripts.
    pub(super) fn json(&self) -> Value {
        let case = |case: &CaseReport| json!({"name": case.name, "folder": case.folder, "outcome": case.outcome(), "differences": case.differences});
        let branch = |uncovered: &Uncovered| json!({"step": uncovered.branch.step, "way": uncovered.branch.way, "line": uncovered.line, "column": uncovered.column});
        json!({
            "template": self.file,
            "cases": self.cases.iter().map(case).collect::<Vec<_>>(),
            "coverage": {
                "percent": self.coverage(),
                "branches": self.branches,
                "uncovered": self.uncovered.iter().map(branch).collect::<Vec<_>>(),
            },
        })
    }

    fn text(&self) {
        for case in &self.cases {
            print::line(format_args!("{} {}", case.outcome(), case.folder.display()));
            for difference in &case.differences {
                print::line(format_args!("  {}", difference.message));
                for line in difference.diff.iter().flat_map(|diff| diff.lines()) {
                    print::line(format_args!("    {line}"));
                }
            }
        }
        for uncovered in &self.uncovered {
            let (file, line, column) = (self.file.display(), uncovered.line, uncovered.column);
            print::line(format_args!("{file}:{line}:{column}: {}", uncovered.message()));
        }
        print::line(format_args!("{}: {}", self.file.display(), self.covered()));
    }

    fn annotations(&self, least: Option<u8>) {
        let finding = |file: &Path, line: u32, column: u32, severity, message: String| Finding {
            file: file.to_path_buf(),
            line,
            column,
            rule: None,
            severity,
            message,
        };
        for case in &self.cases {
            for difference in &case.differences {
                let diff = difference.diff.as_ref().map(|diff| format!("\n{diff}")).unwrap_or_default();
                let message = format!("{}: {}{diff}", case.name, difference.message);
                print::line(finding(&difference.file, 1, 1, Severity::Error, message).annotation());
            }
        }
        for uncovered in &self.uncovered {
            let (line, column) = (uncovered.line, uncovered.column);
            let told = finding(&self.file, line, column, Severity::Warning, uncovered.message());
            print::line(told.annotation());
        }
        if self.is_short(least) {
            let message = format!("{}, {} % are asked for", self.covered(), least.unwrap_or_default());
            print::line(finding(&self.file, 1, 1, Severity::Error, message).annotation());
        }
    }
}

/// Prints the reports of every template, and a line that sums them up.
pub(super) fn print(reports: &[Report], format: Format, least: Option<u8>) -> anyhow::Result<()> {
    match format {
        Format::Text => reports.iter().for_each(Report::text),
        Format::Github => reports.iter().for_each(|report| report.annotations(least)),
        Format::Json => {
            let document = json!({"templates": reports.iter().map(Report::json).collect::<Vec<_>>()});
            print::line(serde_json::to_string_pretty(&document)?);
        }
    }
    let cases = || reports.iter().flat_map(|report| &report.cases);
    let failed = cases().filter(|case| !case.differences.is_empty()).count();
    print::note(format_args!("{} cases, {failed} failed", cases().count()));
    for report in reports.iter().filter(|report| report.is_short(least)) {
        let asked = least.unwrap_or_default();
        print::note(format_args!("{}: {}, {asked} % are asked for", report.file.display(), report.covered()));
    }
    Ok(())
}
