//! `/create/templating-extensions`: what expressions know, and a box to try one.
//!
//! Every example's result is the engine's own. An expression that somebody tries runs under the engine's limits, on a
//! thread where it holds nobody else up, and reads nothing but the context beside it.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::scaffolder::{Explained, Scaffolder};
use crate::web::error::Error;
use crate::web::extract::{Form, Query};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::markdown;
use crate::web::session::Viewer;
use crate::web::url as link;
use crate::yaml;

/// The longest expression that is tried, in bytes.
const LONGEST_EXPRESSION: usize = 20_000;
/// The largest context, in bytes.
const LARGEST_CONTEXT: usize = 200_000;
/// The longest result that is shown, in characters.
const LONGEST_RESULT: usize = 20_000;

/// The page.
#[derive(Template)]
#[template(path = "create/extensions.html")]
pub(crate) struct ExtensionsPage {
    pub(crate) chrome: Chrome,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) sections: Vec<Section>,
    pub(crate) trial: Trial,
}

/// Entries of one kind.
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) entries: Vec<EntryView>,
}

/// One entry.
pub(crate) struct EntryView {
    /// `filter-join`
    pub(crate) anchor: String,
    pub(crate) name: &'static str,
    pub(crate) signature: &'static str,
    /// Sanitised.
    pub(crate) about: String,
    pub(crate) example: &'static str,
    pub(crate) result: String,
    /// The box with the example in it.
    pub(crate) attempt: String,
    /// What the filter looks at, lower case.
    pub(crate) searched: String,
}

/// The box to try an expression.
#[derive(Default)]
pub(crate) struct Trial {
    pub(crate) expression: String,
    pub(crate) context: String,
    pub(crate) outcome: Option<Tried>,
}

/// What became of an expression.
pub(crate) enum Tried {
    /// Its value as JSON, and the kind of value in words.
    Value { text: String, kind: &'static str },
    /// It failed at a place: the line of the source up to there, and from there on.
    Failed { message: String, line: usize, column: usize, before: String, after: String },
    /// The context beside it cannot be read.
    BadContext(String),
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// Fills the box.
    #[serde(default)]
    expression: String,
}

/// Shows what there is.
pub(super) async fn show(
    State(scaffolder): State<Scaffolder>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<ExtensionsPage> {
    let trial = Trial { expression: asked.expression, ..Trial::default() };
    Ok(Page(ExtensionsPage::new(&viewer, &scaffolder, trial)))
}

/// An expression to try, with what it reads.
#[derive(Debug, Deserialize)]
pub(super) struct Attempt {
    #[serde(default)]
    expression: String,
    #[serde(default)]
    context: String,
}

/// Tries an expression and shows the page again.
pub(super) async fn attempt(
    State(scaffolder): State<Scaffolder>,
    viewer: Viewer,
    Form(attempt): Form<Attempt>,
) -> PageResult<ExtensionsPage> {
    for (what, text, most) in
        [("expression", &attempt.expression, LONGEST_EXPRESSION), ("context", &attempt.context, LARGEST_CONTEXT)]
    {
        if text.len() > most {
            let message = format!("the {what} has {} bytes, and at most {most} are tried here", text.len());
            return Err(Error::Input(message));
        }
    }
    let engine = scaffolder.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let outcome = outcome(&engine, &attempt);
        Trial { outcome: Some(outcome), expression: attempt.expression, context: attempt.context }
    });
    let trial = tried.await.map_err(Error::internal)?;
    Ok(Page(ExtensionsPage::new(&viewer, &scaffolder, trial)))
}

fn outcome(scaffolder: &Scaffolder, attempt: &Attempt) -> Tried {
    let context = match context(&attempt.context) {
        Ok(context) => context,
        Err(message) => return Tried::BadContext(message),
    };
    // Without delimiters the whole text is meant.
    let written = attempt.expression.trim_end();
    let bare = !written.contains("${{") && !written.contains("{%") && !written.is_empty();
    let source = if bare { format!("${{{{{written}}}}}") } else { written.to_owned() };
    match scaffolder.try_expression(&source, &context) {
        Ok(value) => Tried::Value { kind: kind(value.as_ref()), text: shown(value.as_ref()) },
        Err(error) => {
            let added = if bare && error.line == 1 { "${{".len() } else { 0 };
            let column = error.column.saturating_sub(added).max(1);
            let line = written.lines().nth(error.line - 1).unwrap_or_default();
            let split = line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at);
            Tried::Failed {
                message: error.message,
                line: error.line,
                column,
                before: line[..split].to_owned(),
                after: line[split..].to_owned(),
            }
        }
    }
}

/// Reads a context; JSON is YAML, so either will do.
fn context(text: &str) -> Result<Map<String, Value>, String> {
    let mut documents = yaml::documents(text);
    match (documents.len(), documents.pop()) {
        (_, None) => Ok(Map::new()),
        (1, Some(Ok(document))) => match document.value {
            Value::Null => Ok(Map::new()),
            Value::Object(context) => Ok(context),
            _ => Err("the context must be a map, such as {\"parameters\": {\"name\": \"cart\"}}".to_owned()),
        },
        (_, Some(Err(error))) => Err(error.to_string()),
        (number, _) => Err(format!("the context must be one document, and these are {number}")),
    }
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined: its key is left out",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "text",
        Some(Value::Array(_)) => "list",
        Some(Value::Object(_)) => "map",
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => format!("{value:#}"),
    };
    match text.char_indices().nth(LONGEST_RESULT) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}

impl ExtensionsPage {
    fn new(viewer: &Viewer, scaffolder: &Scaffolder, mut trial: Trial) -> Self {
        let guide = scaffolder.guide();
        if trial.outcome.is_none() {
            trial.context.clone_from(&guide.context);
        }
        let section = |id, title, about, entries: Vec<Explained>| Section {
            id,
            title,
            about,
            entries: entries.into_iter().map(|entry| EntryView::new(id, entry)).collect(),
        };
        Self {
            chrome: viewer.chrome(Area::Create, "Expressions"),
            crumbs: vec![("Create".to_owned(), link::create())],
            sections: vec![
                section("value", "Values", "What an expression of a step reads.", guide.values),
                section("filter", "Filters", "Written after a value and a bar.", guide.filters),
                section("test", "Tests", "Written after is, or is not.", guide.tests),
                section("function", "Functions", "Called by their name.", guide.functions),
            ],
            trial,
        }
    }
}

impl EntryView {
    fn new(section: &str, explained: Explained) -> Self {
        let Explained { entry, result } = explained;
        Self {
            anchor: format!("{section}-{}", entry.name),
            name: entry.name,
            signature: entry.signature,
            about: markdown::note(entry.about),
            example: entry.example,
            result,
            attempt: link::try_expression(entry.example),
            searched: format!("{section} {} {}", entry.signature, entry.about).to_lowercase(),
        }
    }
}
