//! What a run's events say: how each step stands, how long it took, and the lines of the log.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{LogLine, State};
use crate::scaffolder::Event;
use crate::web::pages::shown;

/// Lines of the log that a page starts with; the rest is a longer story than anybody reads at once.
const LINES: usize = 800;

/// The state of a run after some events.
#[derive(Default)]
pub(super) struct Progress {
    steps: HashMap<String, Step>,
    pub(super) log: Vec<LogLine>,
    pub(super) last_event: i64,
    /// What the run gave, from its last event.
    pub(super) output: Value,
    /// Why it ended.
    pub(super) error: Option<String>,
    pub(super) failed_step: Option<String>,
    finished: Option<DateTime<Utc>>,
}

struct Step {
    state: State,
    began: DateTime<Utc>,
    ended: Option<DateTime<Utc>>,
}

impl Progress {
    /// Reads a run's events in their order.
    pub(super) fn of(events: &[Event]) -> Self {
        let mut progress = Self::default();
        for event in events {
            progress.add(event);
        }
        let many = progress.log.len().saturating_sub(LINES);
        progress.log.drain(..many);
        progress
    }

    fn add(&mut self, event: &Event) {
        self.last_event = event.id;
        if let Some((id, state)) = step_change(event) {
            let step = self.steps.entry(id.clone()).or_insert(Step { state, began: event.created_at, ended: None });
            step.state = state;
            match state {
                // Another attempt begins anew.
                State::Processing => (step.began, step.ended) = (event.created_at, None),
                _ => step.ended = Some(event.created_at),
            }
            if state == State::Failed {
                self.failed_step = Some(id);
            }
        }
        if event.kind() == "completion" {
            self.finished = Some(event.created_at);
            self.output = event.body.get("output").cloned().unwrap_or_default();
            self.error = event.body.pointer("/error/message").and_then(Value::as_str).map(str::to_owned);
        }
        self.log.push(line(event));
    }

    /// How a step stands; waiting when nothing was said of it.
    pub(super) fn state(&self, step: &str, run: State) -> State {
        match self.steps.get(step).map(|step| step.state) {
            // A run that is over has no step under way or to come.
            Some(State::Processing) if run.is_over() => State::Failed,
            Some(state) => state,
            None if run.is_over() => State::Skipped,
            None => State::Open,
        }
    }

    /// How long a step took; empty while it runs.
    pub(super) fn took(&self, step: &str) -> String {
        let step = self.steps.get(step).filter(|step| step.state != State::Skipped);
        step.and_then(|step| Some((step.ended? - step.began).num_milliseconds()))
            .map(shown::duration)
            .unwrap_or_default()
    }
}

/// The step an event is about and how it stands from then on.
pub(super) fn step_change(event: &Event) -> Option<(String, State)> {
    let id = event.body.get("stepId").and_then(Value::as_str)?;
    let status = event.body.get("status").and_then(Value::as_str)?;
    Some((id.to_owned(), State::parse(status)))
}

/// One event as a line of the log.
pub(super) fn line(event: &Event) -> LogLine {
    let message = event.body.get("message").and_then(Value::as_str).unwrap_or_default();
    let plain = without_colours(message);
    let (level, text) = match plain.split_once(": ") {
        Some((level @ ("info" | "warn" | "error"), text)) => (level, text),
        _ => ("", plain.as_str()),
    };
    let status = event.body.get("status").and_then(Value::as_str).unwrap_or_default();
    let error = event.body.pointer("/error/message").and_then(Value::as_str);
    LogLine {
        time: event.created_at.format("%H:%M:%S").to_string(),
        text: error
            .filter(|_| event.kind() == "completion")
            .map_or_else(|| text.to_owned(), |error| format!("{text}\n{error}")),
        head: status == "processing",
        bad: matches!(level, "error" | "warn") || status == "failed" || event.body.get("error").is_some(),
    }
}

/// Backstage's loggers colour their levels for terminals.
pub(crate) fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // To the letter that ends the sequence.
            characters.find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_left_out() {
        assert_eq!(without_colours("\u{1b}[32minfo\u{1b}[39m: Hello"), "info: Hello");
        assert_eq!(without_colours("plain [32m"), "plain [32m");
        assert_eq!(without_colours("cut \u{1b}[3"), "cut ");
    }
}
