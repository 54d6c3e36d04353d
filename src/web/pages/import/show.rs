//! One import: how far each of its items is.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use crate::catalog::Catalog;
use crate::import::{Imports, Item, ItemState};
use crate::web::extract::{Answer, Form, Path, Query};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// An import.
#[derive(Template)]
#[template(path = "import/show.html")]
pub(super) struct ImportPage {
    chrome: Chrome,
    target: String,
    by: Option<EntityLink>,
    at: Moment,
    lines: Vec<Line>,
    /// This page after the pull requests were looked at.
    now: String,
    /// Whether they were.
    is_fresh: bool,
    attempts: String,
}

struct Line {
    state: ItemState,
    word: &'static str,
    hue: &'static str,
    name: String,
    /// The number of the pull request, and its page.
    pull: Option<(u64, String)>,
    message: Option<String>,
    at: Moment,
}

impl ImportPage {
    /// Whether something changes without anybody.
    fn is_moving(&self) -> bool {
        self.lines.iter().any(|line| line.state == ItemState::Waiting)
    }

    fn has_open(&self) -> bool {
        self.lines.iter().any(|line| line.state == ItemState::Open)
    }

    fn can_try_again(&self) -> bool {
        self.lines.iter().any(|line| matches!(line.state, ItemState::Failed | ItemState::Closed))
    }

    /// How many are how far, in words.
    fn told(&self) -> Vec<(usize, &'static str, &'static str)> {
        let all = [
            ItemState::Waiting,
            ItemState::Open,
            ItemState::Registered,
            ItemState::Merged,
            ItemState::Closed,
            ItemState::Failed,
        ];
        let count = |state| self.lines.iter().filter(|line| line.state == state).count();
        all.into_iter().map(|state| (count(state), state.as_str(), hue(state))).filter(|told| told.0 > 0).collect()
    }
}

impl Line {
    fn new(imports: &Imports, item: Item) -> Self {
        Self {
            pull: item.number().zip(imports.pull_request_url(&item)),
            state: item.state,
            word: item.state.as_str(),
            hue: hue(item.state),
            name: format!("{}: {}", item.repository, item.path),
            message: item.message,
            at: Moment(item.updated_at),
        }
    }
}

fn hue(state: ItemState) -> &'static str {
    match state {
        ItemState::Waiting | ItemState::Closed => "grey",
        ItemState::Open => "green",
        ItemState::Registered => "teal",
        ItemState::Merged => "violet",
        ItemState::Failed => "red",
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    now: String,
}

/// `GET /catalog-import/{id}`
pub(super) async fn show(
    State(imports): State<Imports>,
    State(catalog): State<Catalog>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> PageResult<ImportPage> {
    let is_fresh = asked.now == "yes";
    if is_fresh {
        imports.look(id).await?;
    }
    let (import, items) = imports.import(&viewer.credentials, id).await?;
    Ok(Page(ImportPage {
        chrome: viewer.chrome(Area::Catalog, "Import"),
        by: EntityLink::read(&catalog, &viewer, &import.created_by),
        at: Moment(import.created_at),
        target: import.target,
        lines: items.into_iter().map(|item| Line::new(&imports, item)).collect(),
        now: link::import(id, true),
        is_fresh,
        attempts: link::import_attempts(id),
    }))
}

#[derive(Deserialize)]
pub(super) struct Pressed {}

/// `POST /catalog-import/{id}/attempts`
pub(super) async fn try_again(
    State(imports): State<Imports>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    _: Form<Pressed>,
) -> Answer {
    imports.try_again(&viewer.credentials, id).await?;
    Ok(Redirect::to(&link::import(id, false)).into_response())
}
