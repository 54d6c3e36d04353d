//! YAML as JSON values with positions, for everything that a stranger can write: descriptors, templates, configuration.
//!
//! [`documents`] reads a stream of documents the way Backstage does (npm `yaml` 2.x, core schema of YAML 1.2, merge
//! keys off): `yes`, `on` and dates are text, `0755` is the number 755, keys become text, `.inf` has no JSON form and
//! is null. A document with an error does not stop the ones after it. [`Positions`] maps the JSON pointer of every
//! node to the line and column of its key and of its value, so that an error found later (validation, an expression)
//! can be shown where it was written.
//!
//! [`write()`] is the way back, in the style that npm `yaml` writes, with the comments of the text that was read if they
//! are wanted ([`Remarks`]).
//!
//! Invariants: depth, work and memory are bounded by [`Limits`], with aliases counted as often as they are used; reading
//! is not recursive, so a hostile text cannot exhaust the stack. A `%YAML 1.1` directive does not switch the schema.
//! Formats: <https://yaml.org/spec/1.2.2/>, <https://www.rfc-editor.org/rfc/rfc6901> (JSON pointer).

mod build;
mod control;
mod position;
mod remark;
mod scalar;
mod write;

pub(crate) use position::{Position, Positions, pointer_push};
pub(crate) use remark::Remarks;
pub(crate) use write::{Style, Text as TextStyle, write};

use self::control::Controls;
use granit_parser::{ErrorKind, Event, Parser, StrInput};
use serde_json::Value;

/// One document that could be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// The content; `null` for an empty document.
    pub(crate) value: Value,
    /// Where each node was written.
    pub(crate) positions: Positions,
}

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {}, column {}", position.line, position.column)]
pub(crate) struct YamlError {
    /// Where it was noticed.
    pub(crate) position: Position,
    /// What is wrong.
    pub(crate) message: String,
}

/// How much one source may ask for.
#[derive(Debug, Clone, Copy)]
struct Limits {
    bytes: usize,
    depth: usize,
    nodes: usize,
    aliases: usize,
}

/// For one large text that is read because somebody looks at it, not with thousands of others.
const LARGE: Limits = Limits { bytes: 16 * 1024 * 1024, nodes: 2_000_000, aliases: 100_000, ..LIMITS };

const LIMITS: Limits = Limits { bytes: 1024 * 1024, depth: 100, nodes: 200_000, aliases: 10_000 };

/// Reads every document of a source, each to a value or to its first error.
pub(crate) fn documents(source: &str) -> Vec<Result<Document, YamlError>> {
    documents_within(source, LIMITS)
}

/// The first document of a source that may be large, such as the definition of an API; none of an empty source.
pub(crate) fn large_document(source: &str) -> Option<Result<Document, YamlError>> {
    documents_within(source, LARGE).into_iter().next()
}

fn documents_within(source: &str, limits: Limits) -> Vec<Result<Document, YamlError>> {
    if source.len() > limits.bytes {
        let message = format!("the file has {} bytes, at most {} are read", source.len(), limits.bytes);
        return vec![Err(YamlError { position: Position::START, message })];
    }
    let options = granit_parser::options! { emit_comments: false, bom_inside_document_as_content: true, flow_nesting_limit: LIMITS.depth, block_nesting_limit: LIMITS.depth };
    let (source, controls) = Controls::hide(source);
    let mut parser = Parser::new_from_str_with_options(&source, options);
    let mut documents = Vec::new();
    let mut budget = build::Budget::new(limits);
    loop {
        match document(&mut parser, &mut budget, controls) {
            Ok(None) => return documents,
            Ok(Some(document)) => documents.push(Ok(document)),
            Err(Refused { error, is_of_last }) => {
                if is_of_last && documents.last().is_some_and(Result::is_ok) {
                    documents.pop();
                }
                documents.push(Err(error));
                // What cannot be recovered from has been told by the error just pushed.
                if budget.is_spent() || !parser.proceed_next_document().unwrap_or(false) {
                    return documents;
                }
            }
        }
    }
}

/// Why reading stopped.
struct Refused {
    error: YamlError,
    /// What was noticed after the end of a document stands in that document: `[a] b`.
    is_of_last: bool,
}

impl From<YamlError> for Refused {
    fn from(error: YamlError) -> Self {
        Self { error, is_of_last: false }
    }
}

/// The next document, or none at the end of the stream.
fn document<'a>(
    parser: &mut Parser<'a, StrInput<'a>>,
    budget: &mut build::Budget,
    controls: Controls,
) -> Result<Option<Document>, Refused> {
    let mut builder = build::Builder::new(budget, controls);
    loop {
        let Some(next) = parser.next_event() else {
            return Ok(None);
        };
        let (event, span) = next.map_err(|error| {
            let message = match error.kind() {
                ErrorKind::RecursionLimitExceeded => build::too_deep(LIMITS.depth),
                _ => controls.restore(error.info().into()).into_owned(),
            };
            let is_of_last = matches!(error.kind(), ErrorKind::ExpectedDocumentStart);
            Refused { error: YamlError { position: Position::of(error.marker()), message }, is_of_last }
        })?;
        match event {
            Event::DocumentEnd => return Ok(Some(builder.finish())),
            Event::StreamEnd => return Ok(None),
            event => builder.event(event, Position::of(&span.start))?,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
