//! `${{ … }}`: the expressions and templates of the scaffolder.
//!
//! An interpreter of the subset of Nunjucks 3.2.4 that Backstage renders templates with, value for value: JavaScript's
//! values, conversions and printing, the same tags, filters, tests and methods. A template reads its context and the
//! filters and functions given to the [`Engine`], and nothing else; every render has limits ([`limits`]).
//!
//! Text goes through [`lexer`] (pieces, whitespace rules), [`parser`] (tree), [`plan`] (slots of names) and
//! [`interpreter`]. Values are in [`value`], their conversions in [`coercion`].

mod ast;
mod backstage;
mod coercion;
mod filters;
pub(crate) mod guide;
mod inspection;
mod interpreter;
mod json;
mod lexer;
mod limits;
mod methods;
mod number;
mod parser;
mod plan;
mod predicates;
mod regex;
mod sorting;
mod text;
mod value;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use interpreter::Interpreter;
use limits::{Fault, MAX_SOURCE};

/// Delimiters and whitespace rules of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// Outputs are `{{ … }}`, and Jinja's names and methods are known.
    pub(crate) cookiecutter: bool,
    /// Drops the line end right after a block.
    pub(crate) trim_blocks: bool,
    /// Drops the indentation of a block that is first on its line.
    pub(crate) lstrip_blocks: bool,
}

impl Syntax {
    /// `${{ … }}`, `{% … %}`, `{# … #}`.
    pub(crate) fn backstage() -> Syntax {
        Syntax { cookiecutter: false, trim_blocks: false, lstrip_blocks: false }
    }

    /// `{{ … }}`, `{% … %}`, `{# … #}`, with what cookiecutter templates take from Jinja.
    pub(crate) fn cookiecutter() -> Syntax {
        Syntax { cookiecutter: true, ..Syntax::backstage() }
    }

    /// What begins an output.
    fn open(&self) -> &'static str {
        if self.cookiecutter { "{{" } else { "${{" }
    }
}

/// A filter or function of the embedding program: JSON in and out, `None` is undefined, the error is its message.
type Callback = Arc<dyn Fn(&[Value]) -> Result<Option<Value>, String> + Send + Sync>;

/// An interpreter with its syntax and the filters and functions beyond the built-in ones. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    syntax: Syntax,
    filters: Arc<HashMap<&'static str, Callback>>,
    globals: Arc<HashMap<&'static str, Callback>>,
}

/// A place in the context that a template reads: `["steps", "publish", "output", "remoteUrl"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) path: Vec<String>,
    /// From 1, in the source.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
}

/// Whether what a template gives depends on its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constancy {
    /// It may.
    Varies,
    /// It is the empty text.
    Empty,
    /// It is a text that is never empty.
    Filled,
}

/// Why a template could not be read or rendered, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub(crate) struct ExpressionError {
    pub(crate) message: String,
    /// From 1, in the source.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// Which string of a larger value it was, as a JSON pointer.
    pub(crate) pointer: Option<String>,
}

impl Engine {
    /// An engine with Backstage's filters.
    pub(crate) fn new(syntax: Syntax) -> Engine {
        Engine { syntax, filters: Arc::default(), globals: Arc::default() }
            .filter("parseRepoUrl", backstage::parse_repo_url)
            .filter("parseEntityRef", backstage::parse_entity_ref)
            .filter("pick", backstage::pick)
            .filter("projectSlug", backstage::project_slug)
    }

    /// Adds a filter `input | name(args…)`; the input is the first argument. Undefined arguments are null.
    pub(crate) fn filter(
        mut self,
        name: &'static str,
        filter: impl Fn(&[Value]) -> Result<Option<Value>, String> + Send + Sync + 'static,
    ) -> Engine {
        Arc::make_mut(&mut self.filters).insert(name, Arc::new(filter));
        self
    }

    /// Adds a function `name(args…)`.
    pub(crate) fn global(
        mut self,
        name: &'static str,
        function: impl Fn(&[Value]) -> Result<Option<Value>, String> + Send + Sync + 'static,
    ) -> Engine {
        Arc::make_mut(&mut self.globals).insert(name, Arc::new(function));
        self
    }

    /// Renders text to text: files and their names.
    pub(crate) fn render(&self, source: &str, context: &Map<String, Value>) -> Result<String, ExpressionError> {
        if lexer::is_plain(source, &self.syntax) && source.len() <= MAX_SOURCE {
            return Ok(source.to_owned());
        }
        self.with_tree(source, |body, plan| Interpreter::new(self, plan, context).render(body))
    }

    /// Evaluates a string of a step: one that is exactly one output keeps the type of its value, any other is text.
    /// `None` is undefined.
    pub(crate) fn evaluate(
        &self,
        source: &str,
        context: &Map<String, Value>,
    ) -> Result<Option<Value>, ExpressionError> {
        if lexer::is_plain(source, &self.syntax) && source.len() <= MAX_SOURCE {
            return Ok(Some(Value::String(source.to_owned())));
        }
        self.with_tree(source, |body, plan| Interpreter::new(self, plan, context).evaluate(body))
    }

    /// Evaluates every string inside `value`. What becomes undefined is dropped from objects and null in lists; keys
    /// stay as they are. The error says which string it was.
    pub(crate) fn evaluate_all(
        &self,
        value: &Value,
        context: &Map<String, Value>,
    ) -> Result<Option<Value>, ExpressionError> {
        let under = |step: &str| {
            let step = step.replace('~', "~0").replace('/', "~1");
            move |mut error: ExpressionError| {
                error.pointer = Some(format!("/{step}{}", error.pointer.unwrap_or_default()));
                error
            }
        };
        Ok(Some(match value {
            Value::String(source) => {
                let result = self.evaluate(source, context);
                return result.map_err(|error| ExpressionError { pointer: Some(String::new()), ..error });
            }
            Value::Array(items) => {
                let item = |(index, item): (usize, &Value)| {
                    let result = self.evaluate_all(item, context).map_err(under(&index.to_string()))?;
                    Ok(result.unwrap_or_default())
                };
                Value::Array(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => {
                let mut evaluated = Map::with_capacity(map.len());
                for (key, value) in map {
                    if let Some(value) = self.evaluate_all(value, context).map_err(under(key))? {
                        evaluated.insert(key.clone(), value);
                    }
                }
                Value::Object(evaluated)
            }
            other => other.clone(),
        }))
    }

    /// Reads the template without running it.
    #[cfg(test)]
    pub(crate) fn check(&self, source: &str) -> Result<(), ExpressionError> {
        self.with_tree(source, |_, _| Ok(()))
    }

    /// The places of the context a template reads.
    pub(crate) fn references(&self, source: &str) -> Result<Vec<Reference>, ExpressionError> {
        self.with_tree(source, |body, _| {
            let reference = |found: inspection::Path| {
                let (line, column) = position(source, found.at);
                Reference { path: found.steps, line, column }
            };
            Ok(inspection::inspect(body).paths.into_iter().map(reference).collect())
        })
    }

    /// The names of the functions a template calls.
    pub(crate) fn calls(&self, source: &str) -> Result<Vec<String>, ExpressionError> {
        self.with_tree(source, |body, _| Ok(inspection::inspect(body).calls))
    }

    /// Whether the value of a template, as text or not, is always empty or never.
    pub(crate) fn constancy(&self, source: &str) -> Result<Constancy, ExpressionError> {
        self.with_tree(source, |body, _| {
            let is_text =
                |statement: &ast::Stmt| matches!(&statement.kind, ast::StmtKind::Text(text) if !text.is_empty());
            Ok(match body {
                [] => Constancy::Empty,
                body if body.iter().any(is_text) => Constancy::Filled,
                _ => Constancy::Varies,
            })
        })
    }

    /// Parses `source` and hands its tree to `work`, on a thread with more stack when the nesting may need it.
    fn with_tree<T: Send>(
        &self,
        source: &str,
        work: impl FnOnce(&[ast::Stmt], &plan::Plan) -> limits::Result<T> + Send,
    ) -> Result<T, ExpressionError> {
        let located = |fault: Fault| {
            let (line, column) = position(source, fault.at.unwrap_or(0));
            ExpressionError { message: fault.message.clone(), line, column, pointer: None }
        };
        if source.len() > MAX_SOURCE {
            return Err(located(Fault::limit(format!("the template is longer than {MAX_SOURCE} bytes"))));
        }
        let pieces = lexer::cut(source, &self.syntax).map_err(located)?;
        let is_deep = parser::is_deep(source, &pieces);
        limits::with_stack(is_deep, move || {
            let body = parser::parse(source, pieces)?;
            work(&body, &plan::Plan::new(&body)?)
        })
        .map_err(located)
    }

    /// The names of filters and functions beyond the built-in ones.
    #[cfg(test)]
    fn added(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        (self.filters.keys().copied().collect(), self.globals.keys().copied().collect())
    }

    fn is_cookiecutter(&self) -> bool {
        self.syntax.cookiecutter
    }

    fn has_filter(&self, name: &str) -> bool {
        self.filters.contains_key(name)
    }

    fn call_filter(&self, name: &str, arguments: &[Value]) -> Result<Option<Value>, String> {
        self.filters.get(name).map_or(Ok(None), |filter| filter(arguments))
    }

    fn global_name(&self, name: &str) -> Option<&'static str> {
        self.globals.get_key_value(name).map(|(name, _)| *name)
    }

    fn call_global(&self, name: &str, arguments: &[Value]) -> Result<Option<Value>, String> {
        self.globals.get(name).map_or(Ok(None), |function| function(arguments))
    }
}

/// A number as JavaScript prints it.
pub(super) fn print_number(number: f64) -> String {
    number::print(number)
}

/// Whether an `if` of a step holds. Unlike in templates, an empty list does not.
pub(crate) fn is_truthy_condition(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(value)) => *value,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(_)) => true,
    }
}

/// Line and column, from 1, of a byte offset.
fn position(source: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let before = &source[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
