//! `/create`: the gallery of templates, the form, the plan, and the pages for those who write templates.

pub(crate) mod about;
pub(crate) mod actions;
pub(crate) mod editor;
pub(crate) mod entities;
pub(crate) mod extensions;
pub(crate) mod field;
pub(crate) mod file;
pub(crate) mod flags;
pub(crate) mod form;
mod gallery;
mod offers;
pub(crate) mod plan;
pub(crate) mod schema;
pub(crate) mod tree;

use askama::Template;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;

use super::shown::EntityLink;
use crate::web::AppState;
use crate::web::page::Chrome;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/create", get(gallery::show))
        .route("/create/actions", get(actions::show))
        .route("/create/entities", get(entities::show))
        .route("/create/feature-flags", get(flags::show).post(flags::switch))
        .route("/create/templating-extensions", get(extensions::show).post(extensions::attempt))
        .route(
            "/create/edit",
            get(editor::show).post(editor::answer).layer(DefaultBodyLimit::max(editor::LARGEST_BODY)),
        )
        .route("/create/templates/{namespace}/{name}", get(form::begin))
        .route("/create/templates/{namespace}/{name}/about", get(about::show))
        .route("/create/drafts/{id}/{page}", get(form::show).post(form::answer))
        .route("/create/drafts/{id}/plan", get(plan::show).post(plan::submit))
}

/// The gallery.
#[derive(Template)]
#[template(path = "create/index.html")]
pub(crate) struct GalleryPage {
    pub(crate) chrome: Chrome,
    pub(crate) q: String,
    /// The filters: type, owner, tag.
    pub(crate) choices: Vec<Filter>,
    pub(crate) filtered: bool,
    /// Those that can be used.
    pub(crate) templates: Vec<TemplateCard>,
    pub(crate) broken: Vec<TemplateCard>,
    /// How many there are without filters.
    pub(crate) total: usize,
}

/// One drop-down of the gallery.
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// What the empty choice says.
    pub(crate) any: &'static str,
    pub(crate) options: Vec<FilterOption>,
}

/// One value of a filter.
pub(crate) struct FilterOption {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) count: usize,
    pub(crate) selected: bool,
}

/// One template.
pub(crate) struct TemplateCard {
    pub(crate) title: String,
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) type_: String,
    pub(crate) owner: Option<EntityLink>,
    pub(crate) owner_ref: String,
    pub(crate) tags: Vec<String>,
    /// Starts its form.
    pub(crate) create: String,
    /// What it makes and asks; of one that the catalog could not take in its page there.
    pub(crate) details: String,
    pub(crate) problems: Vec<Problem>,
}

/// What is wrong with a template, and where.
pub(crate) struct Problem {
    pub(crate) message: String,
    /// `templates/broken.yaml:12:3`
    pub(crate) spot: String,
}

impl TemplateCard {
    /// What the search looks at.
    fn searched(&self) -> String {
        format!("{} {} {} {} {}", self.title, self.name, self.about, self.type_, self.tags.join(" ")).to_lowercase()
    }
}
