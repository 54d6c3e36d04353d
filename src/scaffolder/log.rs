//! What a run tells: events, in the words and shapes of Backstage, with secrets hidden.
//!
//! [`TaskLog`] is the narrow end that a run and its actions write to. Events go to a channel; what drains it writes
//! them to the database in batches (`journal`), or keeps them for a plan. Nothing waits for a log line.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::secret::Mask;

/// One event before it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewEvent {
    /// `log`, `cancelled` or `completion`.
    pub(crate) kind: EventKind,
    /// `message`, and with some events `stepId`, `status`, `output`, `error`.
    pub(crate) body: Value,
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
}

impl NewEvent {
    /// An event that happens now.
    pub(crate) fn new(kind: EventKind, body: Value) -> Self {
        Self { kind, body, at: Utc::now() }
    }
}

/// What an event means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// A line of the log, or a change of a step's status.
    Log,
    /// Somebody cancelled the run.
    Cancelled,
    /// The last event of a run.
    Completion,
}

impl EventKind {
    /// Backstage's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Cancelled => "cancelled",
            Self::Completion => "completion",
        }
    }

    /// The kind of that word; anything unknown is a line of the log.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "completion" => Self::Completion,
            "cancelled" => Self::Cancelled,
            _ => Self::Log,
        }
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepStatus {
    /// It runs.
    Processing,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
    /// It did not run.
    Skipped,
}

impl StepStatus {
    /// Backstage's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Something for the journal of a run.
#[derive(Debug)]
pub(crate) enum Entry {
    /// An event.
    Event(NewEvent),
    /// Asks for the events before it that are not kept yet: whoever asks keeps them.
    Unwritten(tokio::sync::oneshot::Sender<Vec<NewEvent>>),
}

/// The severity of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Progress.
    Info,
    /// Something to look at that does not stop the run.
    Warn,
}

/// Where a run writes what it does. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct TaskLog {
    journal: UnboundedSender<Entry>,
    mask: Arc<RwLock<Mask>>,
    step: Option<Arc<str>>,
}

impl TaskLog {
    /// A log that hides what `mask` knows.
    pub(crate) fn new(journal: UnboundedSender<Entry>, mask: Mask) -> Self {
        Self { journal, mask: Arc::new(RwLock::new(mask)), step: None }
    }

    /// The same secrets, written elsewhere.
    pub(crate) fn to(&self, journal: UnboundedSender<Entry>) -> Self {
        Self { journal, ..self.clone() }
    }

    /// The same log, for lines of one step.
    pub(crate) fn of_step(&self, id: &str) -> Self {
        Self { step: Some(Arc::from(id)), ..self.clone() }
    }

    /// Hides further texts from now on.
    pub(crate) fn hide(&self, value: &Value) {
        self.mask.write().unwrap_or_else(PoisonError::into_inner).hide(value);
    }

    /// A text without secrets.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.mask.read().unwrap_or_else(PoisonError::into_inner).text(text)
    }

    /// A value without secrets.
    pub(crate) fn masked_value(&self, value: &Value) -> Value {
        self.mask.read().unwrap_or_else(PoisonError::into_inner).value(value)
    }

    /// A line of an action.
    pub(crate) fn info(&self, message: impl AsRef<str>) {
        self.line(Level::Info, message.as_ref());
    }

    /// A line about something to look at.
    pub(crate) fn warn(&self, message: impl AsRef<str>) {
        self.line(Level::Warn, message.as_ref());
    }

    fn line(&self, level: Level, message: &str) {
        // Backstage's logger colours the level; clients show or strip it.
        let level = match level {
            Level::Info => "\u{1b}[32minfo\u{1b}[39m",
            Level::Warn => "\u{1b}[33mwarn\u{1b}[39m",
        };
        self.event(EventKind::Log, &format!("{level}: {message}"), []);
    }

    /// A line of the run itself.
    pub(crate) fn say(&self, message: &str) {
        self.event(EventKind::Log, message, []);
    }

    /// A step's new status, with the line that tells it.
    pub(crate) fn step(&self, id: &str, status: StepStatus, message: &str) {
        self.of_step(id).event(EventKind::Log, message, [("status", json!(status.as_str()))]);
    }

    /// Any event.
    pub(crate) fn event<const N: usize>(&self, kind: EventKind, message: &str, more: [(&str, Value); N]) {
        let mut body = Map::from_iter([("message".to_owned(), json!(self.masked(message)))]);
        if let Some(step) = &self.step {
            body.insert("stepId".to_owned(), json!(&**step));
        }
        for (key, value) in more {
            body.insert(key.to_owned(), self.masked_value(&value));
        }
        self.send(Entry::Event(NewEvent::new(kind, Value::Object(body))));
    }

    fn send(&self, entry: Entry) {
        // A journal that is gone belongs to a run that was given up; its lines have no reader.
        let _ = self.journal.send(entry);
    }

    /// What was said so far and is not kept: from now on that is the caller's to do.
    pub(crate) async fn unwritten(&self) -> Vec<NewEvent> {
        let (sender, unwritten) = tokio::sync::oneshot::channel();
        self.send(Entry::Unwritten(sender));
        unwritten.await.unwrap_or_default()
    }
}
