//! What is wrong with a file, and where.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::entity::ValidationError;
use crate::scaffolder::{Rule, TemplateProblem};
use crate::yaml::{Positions, YamlError};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// It does not work.
    Error,
    /// It works, perhaps not as meant.
    Warning,
}

impl Severity {
    /// `error`
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What is wrong, where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// The file, as it was named.
    #[serde(serialize_with = "shown")]
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: u32,
    /// From 1.
    pub(crate) column: u32,
    /// Which rule is broken; none for what is no matter of the file's text.
    pub(crate) rule: Option<Rule>,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What it is and what to do.
    pub(crate) message: String,
}

fn shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

impl Finding {
    /// A file, or a document of it, that cannot be read.
    pub(crate) fn unreadable(file: &Path, error: &YamlError) -> Self {
        let (line, column) = (error.position.line, error.position.column);
        let message = error.message.clone();
        Self { file: file.to_path_buf(), line, column, rule: Some(Rule::Yaml), severity: Severity::Error, message }
    }

    /// What the catalog says of an entity.
    pub(crate) fn of_entity(file: &Path, error: &ValidationError, positions: &Positions) -> Self {
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
    pub(crate) fn of_template(file: &Path, problem: &TemplateProblem, severity: Severity) -> Self {
        let message = if problem.pointer.is_empty() {
            problem.message.clone()
        } else {
            format!("{}: {}", problem.pointer.trim_start_matches('/').replace('/', "."), problem.message)
        };
        let (line, column) = (problem.line.unwrap_or(1), problem.column.unwrap_or(1));
        Self { file: file.to_path_buf(), line, column, rule: Some(problem.rule), severity, message }
    }
}
