//! The states of runs and steps: word, picture and label.

#![allow(unused_qualifications, reason = "in what askama derives for an enum")]

use askama::Template;

use crate::scaffolder::Task;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(path = "task/state.html")]
pub(crate) enum State {
    /// Waits for a worker, or for somebody.
    Open,
    /// Is being carried out.
    Processing,
    /// Done.
    Completed,
    /// Ended by an error, or interrupted.
    Failed,
    /// Stopped by a person.
    Cancelled,
    /// A step that was left out.
    Skipped,
}

/// The same states, of a step.
pub(crate) type StepState = State;

impl askama::filters::HtmlSafe for State {}

impl State {
    /// Of a run.
    pub(crate) fn of(task: &Task) -> Self {
        if task.waiting { Self::Open } else { Self::parse(&task.status) }
    }

    /// From the word of the API.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "processing" => Self::Processing,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            "skipped" => Self::Skipped,
            _ => Self::Open,
        }
    }

    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// The symbol.
    pub(crate) fn icon(self) -> &'static str {
        match self {
            Self::Open => "waiting",
            Self::Processing => "running",
            Self::Completed => "done",
            Self::Failed => "failed",
            Self::Cancelled | Self::Skipped => "skipped",
        }
    }

    /// What it is called.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Open => "Waiting",
            Self::Processing => "Running",
            Self::Completed => "Done",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Skipped => "Skipped",
        }
    }

    /// Whether it is over.
    pub(crate) fn is_over(self) -> bool {
        !matches!(self, Self::Open | Self::Processing)
    }
}
