//! What is wrong with files, for people, for scripts and for the pages of a pull request.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::print;
use crate::entity::ValidationError;
use crate::scaffolder::{Rule, TemplateProblem};
use crate::yaml::{Positions, YamlError};

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// `file:line:column: severity: message [rule]`
    #[default]
    Text,
    /// One document.
    Json,
    /// Annotations of GitHub Actions.
    Github,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It does not work.
    Error,
    /// It works, perhaps not as meant.
    Warning,
}

impl Severity {
    /// `error`
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What is wrong, where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Finding {
    /// The file, as it was named.
    #[serde(serialize_with = "shown")]
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) line: u32,
    /// From 1.
    pub(super) column: u32,
    /// Which rule is broken; none for what is no matter of the file's text.
    pub(super) rule: Option<Rule>,
    /// How bad it is.
    pub(super) severity: Severity,
    /// What it is and what to do.
    pub(super) message: String,
}

fn shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

impl Finding {
    /// A file, or a document of it, that cannot be read.
    pub(super) fn unreadable(file: &Path, error: &YamlError) -> Self {
        let (line, column) = (error.position.line, error.position.column);
        let message = error.message.clone();
        Self { file: file.to_path_buf(), line, column, rule: Some(Rule::Yaml), severity: Severity::Error, message }
    }

    /// What the catalog says of an entity.
    pub(super) fn of_entity(file: &Path, error: &ValidationError, positions: &Positions) -> Self {
        let position = positions.nearest(&error.pointer);
        Self {
            file: file.to_path_buf(),
            line: position.line,
            column: position.column,
            rule: Some(Rule::Entity),
            severity: Severity::Error,
            message: error.to_string(),
        }
    }

    /// What is said of a template.
    pub(super) fn of_template(file: &Path, problem: &TemplateProblem, severity: Severity) -> Self {
        let message = if problem.pointer.is_empty() {
            problem.message.clone()
        } else {
            format!("{}: {}", problem.pointer.trim_start_matches('/').replace('/', "."), problem.message)
        };
        let (line, column) = (problem.line.unwrap_or(1), problem.column.unwrap_or(1));
        Self { file: file.to_path_buf(), line, column, rule: Some(problem.rule), severity, message }
    }

    /// `file:line:column: message`, which editors and terminals make a link of.
    pub(super) fn line(&self) -> String {
        format!("{}:{}:{}: {}", self.file.display(), self.line, self.column, self.message)
    }

    /// The same with severity and rule.
    fn text(&self) -> String {
        let rule = self.rule.map(|rule| format!(" [{}]", rule.id())).unwrap_or_default();
        let (file, severity) = (self.file.display(), self.severity.word());
        format!("{file}:{}:{}: {severity}: {}{rule}", self.line, self.column, self.message)
    }

    /// `::error file=…,line=…,col=…,title=…::message`
    pub(super) fn annotation(&self) -> String {
        let file = property(&self.file.to_string_lossy());
        let title = self.rule.map(|rule| format!(",title={}", rule.id())).unwrap_or_default();
        let (severity, message) = (self.severity.word(), data(&self.message));
        format!("::{severity} file={file},line={},col={}{title}::{message}", self.line, self.column)
    }
}

/// A message as workflow commands take it: one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command: without its separators, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Prints all of them.
pub(super) fn print_all(findings: &[Finding], format: Format) -> anyhow::Result<()> {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match format {
        Format::Text => findings.iter().for_each(|finding| print::line(finding.text())),
        Format::Github => findings.iter().for_each(|finding| print::line(finding.annotation())),
        Format::Json => {
            let document = json!({"errors": errors, "warnings": warnings, "findings": findings});
            print::line(serde_json::to_string_pretty(&document)?);
        }
    }
    print::note(format_args!("{errors} errors, {warnings} warnings"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_or_an_annotation() {
        let finding = Finding {
            file: PathBuf::from("a,b/c:d.yaml"),
            line: 3,
            column: 7,
            rule: Some(Rule::UnknownAction),
            severity: Severity::Error,
            message: "100 %\nno".to_owned(),
        };
        assert_eq!(finding.text(), "a,b/c:d.yaml:3:7: error: 100 %\nno [unknown-action]");
        assert_eq!(
            finding.annotation(),
            "::error file=a%2Cb/c%3Ad.yaml,line=3,col=7,title=unknown-action::100 %25%0Ano"
        );
        assert_eq!(
            json!(finding),
            json!({"file": "a,b/c:d.yaml", "line": 3, "column": 7, "rule": "unknown-action", "severity": "error", "message": "100 %\nno"})
        );
        let bare = Finding { rule: None, severity: Severity::Warning, message: "m".to_owned(), ..finding };
        assert_eq!(bare.text(), "a,b/c:d.yaml:3:7: warning: m");
        assert_eq!(bare.annotation(), "::warning file=a%2Cb/c%3Ad.yaml,line=3,col=7::m");
    }
}
