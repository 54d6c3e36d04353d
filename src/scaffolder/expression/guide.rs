//! What expressions know, for template authors: every filter, test, function and value with an example.
//!
//! The words are data beside the engine; the results of the examples are the engine's own ([`Guide::of`]). A test
//! holds both together: what the engine knows is described here, and nothing else is.

mod filters;
mod functions;
mod predicates;
#[cfg(test)]
mod tests;
mod values;

use serde_json::{Map, Value};

use super::Engine;

/// One thing that an expression can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As an expression names it.
    pub(crate) name: &'static str,
    /// How it is written, with its arguments.
    pub(crate) signature: &'static str,
    /// What it does, in Markdown.
    pub(crate) about: &'static str,
    /// An expression that shows it.
    pub(crate) example: &'static str,
}

/// An entry of the data files: name, signature, description, example.
const fn entry(name: &'static str, signature: &'static str, about: &'static str, example: &'static str) -> Entry {
    Entry { name, signature, about, example }
}

/// An entry with what its example gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Explained {
    /// The words.
    pub(crate) entry: Entry,
    /// The value as JSON; `undefined` where there is none, the message where it fails.
    pub(crate) result: String,
}

/// Everything that an engine knows.
#[derive(Debug, Clone)]
pub(crate) struct Guide {
    /// After `|`.
    pub(crate) filters: Vec<Explained>,
    /// After `is`.
    pub(crate) tests: Vec<Explained>,
    /// Called by their name.
    pub(crate) functions: Vec<Explained>,
    /// Read by their name.
    pub(crate) values: Vec<Explained>,
    /// What the examples read, as JSON.
    pub(crate) context: String,
}

impl Guide {
    /// The guide with results of this engine.
    pub(crate) fn of(engine: &Engine) -> Self {
        let context = values::context();
        let explained = |entries: &[Entry]| entries.iter().map(|entry| explain(engine, *entry, &context)).collect();
        Self {
            filters: explained(&filters::FILTERS),
            tests: explained(&predicates::TESTS),
            functions: explained(&functions::FUNCTIONS),
            values: explained(&values::VALUES),
            context: format!("{:#}", Value::Object(context)),
        }
    }
}

fn explain(engine: &Engine, entry: Entry, context: &Map<String, Value>) -> Explained {
    let result = match engine.evaluate(entry.example, context) {
        Ok(value) => value.map_or_else(|| "undefined".to_owned(), |value| value.to_string()),
        Err(error) => error.message,
    };
    Explained { entry, result }
}
