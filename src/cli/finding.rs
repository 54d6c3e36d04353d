//! How findings are written: for people, for scripts and for the pages of a pull request.

use clap::ValueEnum;
use serde_json::json;

use super::print;
pub(super) use crate::review::{Finding, Severity};

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

impl Finding {
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
    let (errors, warnings) =
        (print::counted(errors, "error", "errors"), print::counted(warnings, "warning", "warnings"));
    print::note(format_args!("{errors}, {warnings}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::scaffolder::Rule;

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
