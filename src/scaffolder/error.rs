//! What can go wrong with a request to the scaffolder.

use uuid::Uuid;

use super::form::FieldError;
use super::template::TemplateProblem;
use crate::entity::EntityRef;

/// What can go wrong with a request to the scaffolder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScaffolderError {
    /// What it is about is not there.
    #[error("{0}")]
    NotFound(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The answers break the template's rules.
    #[error("{}", .0.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; "))]
    Values(Vec<FieldError>),
    /// The template cannot run as it is.
    #[error("template {template} cannot run: {}", told(.problems))]
    Broken {
        /// The template.
        template: EntityRef,
        /// What is wrong with it.
        problems: Vec<TemplateProblem>,
    },
    /// Somebody else's.
    #[error("{0}")]
    NotAllowed(String),
    /// The database failed.
    #[error("the scaffolder's database failed: {0}")]
    Store(#[from] sqlx::Error),
}

fn told(problems: &[TemplateProblem]) -> String {
    let one = |problem: &TemplateProblem| match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("{} (line {line}, column {column})", problem.message),
        _ => format!("{} (at {})", problem.message, problem.pointer),
    };
    problems.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// There is no such run.
pub(super) fn no_task(id: Uuid) -> ScaffolderError {
    ScaffolderError::NotFound(format!("No task with id '{id}' found"))
}
