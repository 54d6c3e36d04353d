//! `/create/feature-flags`: the flags that templates use, and which of them the person has switched on.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;

use crate::scaffolder::{FlagState, Scaffolder};
use crate::web::extract::{Answer, Form};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

/// The list.
#[derive(Template)]
#[template(path = "create/flags.html")]
pub(crate) struct FlagsPage {
    chrome: Chrome,
    crumbs: Vec<(String, String)>,
    flags: Vec<FlagView>,
}

/// One flag.
struct FlagView {
    name: String,
    /// Title and page of the templates that use it.
    templates: Vec<(String, String)>,
    for_all: bool,
    own: bool,
}

impl FlagView {
    fn new(flag: FlagState) -> Self {
        let shown = |template: &Arc<crate::scaffolder::Template>| {
            (template.entity.title().to_owned(), link::template_about(&template.reference))
        };
        let templates = flag.templates.iter().map(shown).collect();
        Self { name: flag.name, templates, for_all: flag.for_all, own: flag.own }
    }
}

/// Shows every flag.
pub(super) async fn show(State(scaffolder): State<Scaffolder>, viewer: Viewer) -> PageResult<FlagsPage> {
    let flags = scaffolder.all_flags(&viewer.credentials).await?;
    Ok(Page(FlagsPage {
        chrome: viewer.chrome(Area::Create, "Feature flags"),
        crumbs: vec![("Create".to_owned(), link::create())],
        flags: flags.into_iter().map(FlagView::new).collect(),
    }))
}

#[derive(Deserialize)]
pub(super) struct Switch {
    flag: String,
    /// `on`, or anything else for off.
    state: String,
}

/// Switches one for the person.
pub(super) async fn switch(State(scaffolder): State<Scaffolder>, viewer: Viewer, Form(switch): Form<Switch>) -> Answer {
    scaffolder.switch_flag(&viewer.credentials, &switch.flag, switch.state == "on").await?;
    Ok(Redirect::to(&link::feature_flags()).into_response())
}
