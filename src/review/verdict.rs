//! What is said of a pull request: findings as a check with remarks on the lines.

use std::fmt::Write as _;

use super::finding::{Finding, Severity};
use crate::forge::{Annotation, Conclusion, NewCheck};

/// The name of the check, which rules for branches can ask for.
pub(super) const NAME: &str = "Greenroom";
/// Remarks that are written; more help nobody.
const MOST: usize = 300;
/// Letters of one remark.
const LONGEST: usize = 4000;

/// What was looked at and what was found in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// The files, sorted.
    pub(crate) files: Vec<String>,
    /// What is wrong with them.
    pub(crate) findings: Vec<Finding>,
}

impl Verdict {
    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// How it ends.
    pub(crate) fn conclusion(&self) -> Conclusion {
        match (self.count(Severity::Error), self.count(Severity::Warning)) {
            (0, 0) => Conclusion::Success,
            (0, _) => Conclusion::Neutral,
            _ => Conclusion::Failure,
        }
    }

    /// The check of a commit.
    pub(super) fn check(&self, head: &str) -> NewCheck {
        NewCheck {
            name: NAME,
            head: head.to_owned(),
            conclusion: self.conclusion(),
            title: self.title(),
            summary: self.summary(),
            annotations: self.findings.iter().take(MOST).map(annotation).collect(),
        }
    }

    fn title(&self) -> String {
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        match (errors, warnings) {
            (0, 0) => "The catalog can take these files".to_owned(),
            (0, warnings) => counted(warnings, "warning"),
            (errors, 0) => counted(errors, "error"),
            (errors, warnings) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        }
    }

    fn summary(&self) -> String {
        let mut summary = String::from("| File | Errors | Warnings |\n| --- | ---: | ---: |\n");
        for file in &self.files {
            let of = |severity| {
                let found =
                    |finding: &&Finding| finding.severity == severity && finding.file.as_os_str() == file.as_str();
                self.findings.iter().filter(found).count()
            };
            let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
            // Nothing fails in writing to a text.
            let _ = writeln!(summary, "| {} | {errors} | {warnings} |", quoted(file));
        }
        if self.findings.len() > MOST {
            let _ = writeln!(summary, "\nOnly the first {MOST} are shown on their lines.");
        }
        summary.push_str(
            "\nDescriptors are checked as `greenroom validate` does, templates as `greenroom template lint`.\n",
        );
        summary
    }
}

fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// A path as code in a table, whatever letters are in it.
fn quoted(path: &str) -> String {
    format!("`{}`", path.replace(['`', '|', '\n', '\r'], "_"))
}

fn annotation(finding: &Finding) -> Annotation {
    let mut message: String = finding.message.chars().take(LONGEST).collect();
    if message.len() < finding.message.len() {
        message.push('…');
    }
    Annotation {
        path: finding.file.to_string_lossy().into_owned(),
        start_line: finding.line.max(1),
        end_line: finding.line.max(1),
        start_column: finding.column.max(1),
        end_column: finding.column.max(1),
        annotation_level: match finding.severity {
            Severity::Error => "failure",
            Severity::Warning => "warning",
        },
        message,
        title: finding.rule.map(|rule| rule.id().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn finding(file: &str, severity: Severity) -> Finding {
        Finding { file: PathBuf::from(file), line: 3, column: 7, rule: None, severity, message: "no".to_owned() }
    }

    #[test]
    fn findings_decide_how_the_check_ends() {
        let verdict = |findings: Vec<Finding>| Verdict { files: vec!["a`|.yaml".to_owned()], findings };
        let check = |findings, conclusion, title: &str| {
            let check = verdict(findings).check("head");
            assert_eq!((check.conclusion, check.title.as_str()), (conclusion, title));
            check
        };
        check(Vec::new(), Conclusion::Success, "The catalog can take these files");
        check(vec![finding("a", Severity::Warning)], Conclusion::Neutral, "1 warning");
        let mixed = vec![finding("a`|.yaml", Severity::Error), finding("b", Severity::Warning)];
        let mixed = check(mixed, Conclusion::Failure, "1 error, 1 warning");
        assert!(mixed.summary.contains("| `a__.yaml` | 1 | 0 |"), "{}", mixed.summary);
        assert_eq!((mixed.annotations[0].start_line, mixed.annotations[0].end_column), (3, 7));
        let long = Finding { message: "ü".repeat(LONGEST + 1), ..finding("a", Severity::Error) };
        let many = check(vec![long; MOST + 1], Conclusion::Failure, "301 errors");
        assert_eq!(many.annotations.len(), MOST);
        assert_eq!(many.annotations[0].message.chars().count(), LONGEST + 1);
        assert!(many.summary.contains("Only the first 300"));
    }
}
