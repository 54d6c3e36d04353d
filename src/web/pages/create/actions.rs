//! `GET /create/actions`: every action that a step can name, with what it takes, what it gives and examples.
//!
//! Each action has an anchor, its id, so that others can be pointed at it.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::schema::SchemaTable;
use crate::scaffolder::{ActionDescription, EffectClass, Scaffolder};
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::markdown;
use crate::web::session::Viewer;
use crate::web::url as link;

/// The list.
#[derive(Template)]
#[template(path = "create/actions.html")]
pub(crate) struct ActionsPage {
    pub(crate) chrome: Chrome,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) q: String,
    pub(crate) actions: Vec<ActionView>,
    /// How many there are without a filter.
    pub(crate) total: usize,
}

/// One action.
pub(crate) struct ActionView {
    pub(crate) id: &'static str,
    /// Sanitised.
    pub(crate) about: String,
    /// It changes something that stays when the run is gone.
    pub(crate) outside: bool,
    pub(crate) input: SchemaTable,
    pub(crate) output: SchemaTable,
    pub(crate) examples: Vec<ExampleView>,
    /// What the filter looks at, lower case.
    pub(crate) searched: String,
}

/// One example.
pub(crate) struct ExampleView {
    pub(crate) about: &'static str,
    /// YAML.
    pub(crate) text: &'static str,
    /// The editor with this example in it.
    pub(crate) edit: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

/// Shows the actions that the address asks for.
pub(super) async fn show(
    State(scaffolder): State<Scaffolder>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<ActionsPage> {
    let all = scaffolder.actions();
    let total = all.len();
    let views = all.into_iter().map(|action| {
        let outside = scaffolder.action_effect(action.id) == Some(EffectClass::Outside);
        ActionView::new(action, outside)
    });
    let asked_for = asked.q.to_lowercase();
    let actions = views.filter(|view| asked_for.split_whitespace().all(|word| view.searched.contains(word))).collect();
    Ok(Page(ActionsPage {
        chrome: viewer.chrome(Area::Create, "Actions"),
        crumbs: vec![("Create".to_owned(), link::create())],
        q: asked.q,
        actions,
        total,
    }))
}

impl ActionView {
    fn new(action: ActionDescription, outside: bool) -> Self {
        let ActionDescription { id, description, input, output, examples } = action;
        let input = SchemaTable::new(format!("What {id} takes"), &input);
        let keys: Vec<&str> = input.rows.iter().map(|row| row.name.as_str()).collect();
        let effect = if outside { "outside effect" } else { "workspace" };
        let searched = format!("{id} {description} {effect} {}", keys.join(" ")).to_lowercase();
        let output = output.map(|schema| SchemaTable::new(format!("What {id} gives"), &schema)).unwrap_or_default();
        let example = |(index, example): (usize, crate::scaffolder::Example)| ExampleView {
            about: example.description,
            text: example.example,
            edit: link::edit_example(id, index),
        };
        Self {
            id,
            about: markdown::note(description),
            outside,
            input,
            output,
            examples: examples.into_iter().enumerate().map(example).collect(),
            searched,
        }
    }
}
