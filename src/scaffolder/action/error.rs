//! Why a step failed, under the name of the class that Backstage would report.

use std::time::Duration;

use crate::catalog::{CatalogError, ReadError};
use crate::forge::ForgeError;
use crate::scaffolder::workspace::WorkspaceError;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ActionError {
    /// `Error`, `InputError`, `NotFoundError`, `ConflictError`, …
    pub(crate) name: &'static str,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl ActionError {
    /// Anything without a class of its own.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { name: "Error", message: message.into() }
    }

    /// The step's input is wrong.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { name: "InputError", message: message.into() }
    }

    /// Something is there that must not be.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self { name: "ConflictError", message: message.into() }
    }
}

/// What is not over, and goes on with another attempt.
const INTERRUPTED: &str = "InterruptedError";
const WAITING: &str = "WaitingError";

impl ActionError {
    /// The server stops while the step waits for something: another attempt goes on.
    pub(crate) fn interrupted() -> Self {
        Self { name: INTERRUPTED, message: "The server stopped while the step was waiting.".to_owned() }
    }

    /// The step waits for something, without a worker meanwhile: the action said in its context when to look again.
    pub(crate) fn waiting() -> Self {
        Self { name: WAITING, message: "The step is waiting.".to_owned() }
    }

    /// Whether the run is to be let go until there is something to see.
    pub(crate) fn is_waiting(&self) -> bool {
        self.name == WAITING
    }

    /// The step took longer than steps may.
    pub(crate) fn timed_out(limit: Duration) -> Self {
        let message = format!("it took longer than {limit:?}, which `scaffolder.stepTimeout` allows");
        Self { name: "TimeoutError", message }
    }

    /// Nobody can tell whether an action was done that an earlier attempt had begun.
    pub(crate) fn unclear(action: &str) -> Self {
        let message = format!(
            "The server stopped while {action} was under way, and nobody can tell whether it was done. Look, then retry \
             the run: that does it again."
        );
        Self { name: INTERRUPTED, message }
    }

    /// Whether another attempt may go on.
    pub(crate) fn is_interruption(&self) -> bool {
        self.name == INTERRUPTED
    }
}

impl From<WorkspaceError> for ActionError {
    fn from(error: WorkspaceError) -> Self {
        Self { name: "NotAllowedError", message: error.to_string() }
    }
}

impl From<ReadError> for ActionError {
    fn from(error: ReadError) -> Self {
        Self { name: error.name(), message: error.to_string() }
    }
}

impl From<ForgeError> for ActionError {
    fn from(error: ForgeError) -> Self {
        let name = match &error {
            ForgeError::AlreadyExists(_) | ForgeError::Conflict { .. } | ForgeError::Refused(_) => "ConflictError",
            ForgeError::NotFound(_) => "NotFoundError",
            ForgeError::InvalidName(_) | ForgeError::Location(_) => "InputError",
            _ => "Error",
        };
        Self { name, message: error.to_string() }
    }
}

impl From<CatalogError> for ActionError {
    fn from(error: CatalogError) -> Self {
        let name = match &error {
            CatalogError::Invalid(_) => "InputError",
            CatalogError::NotFound(_) => "NotFoundError",
            CatalogError::Conflict(_) => "ConflictError",
            CatalogError::Store(_) => "Error",
        };
        Self { name, message: error.to_string() }
    }
}
