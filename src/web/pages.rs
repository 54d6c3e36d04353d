//! The pages, one file per area; templates in `templates/portal/<area>/`.

mod announcements;
mod catalog;
mod create;
mod delivery;
mod diff;
mod graph;
mod docs;
mod home;
mod import;
mod markdown;
mod notifications;
mod repository;
mod search;
mod settings;
pub(crate) mod shown;
mod sign_in;
mod status;
mod task;

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

pub(in crate::web) use self::docs::docs_file;
pub(crate) use self::docs::{docs_stylesheet, whole_docs_page};
use super::AppState;
use super::error::Error;
use super::page::{Area, Chrome};
use super::url as link;

/// Pages for signed-in people; anybody else is sent to the sign-in page.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .merge(home::router())
        .merge(announcements::router())
        .merge(catalog::router())
        .merge(graph::router())
        .merge(import::router())
        .merge(docs::router())
        .merge(create::router())
        .merge(delivery::router())
        .merge(task::router())
        .merge(notifications::router())
        .merge(repository::router())
        .merge(search::router())
        .merge(settings::router())
        .merge(status::router())
}

/// Pages for everybody: the sign-in page.
pub(crate) fn open_router() -> Router<AppState> {
    Router::new().merge(sign_in::router())
}

/// One entry of the navigation.
pub(crate) struct NavigationItem {
    /// What it says.
    pub(crate) label: &'static str,
    /// Symbol of the sprite.
    pub(crate) icon: &'static str,
    /// Where it leads.
    pub(crate) link: String,
    /// Whether the page belongs to it.
    pub(crate) current: bool,
}

/// The navigation of every page.
pub(crate) fn navigation(chrome: &Chrome) -> Vec<NavigationItem> {
    let entry = |area, label, icon, link| NavigationItem { label, icon, link, current: chrome.area == area };
    vec![
        entry(Area::Home, "Home", "home", link::home()),
        entry(Area::Catalog, "Catalog", "catalog", link::catalog()),
        entry(Area::Docs, "Docs", "docs", link::docs()),
        entry(Area::Create, "Create", "create", link::create()),
        entry(Area::Runs, "Runs", "run", link::tasks()),
        entry(Area::Delivery, "Delivery", "deploy", link::delivery()),
        entry(Area::Notifications, "Notifications", "bell", link::notifications(false, 0)),
        entry(Area::Repositories, "Repositories", "repository", link::repositories()),
        entry(Area::Status, "Status", "status", link::status()),
    ]
}

/// The letter that stands for a person.
pub(crate) fn initial(name: &str) -> String {
    name.chars().next().unwrap_or('?').to_string()
}

/// Everything that no route answers.
pub(crate) async fn nowhere(OriginalUri(uri): OriginalUri) -> Response {
    let path = uri.path();
    if path.starts_with("/api/") || path.starts_with("/.backstage/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    if path.len() > 1 && path.ends_with('/') && !path.starts_with("//") {
        let path = path.trim_end_matches('/');
        return Redirect::permanent(&uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
            .into_response();
    }
    Error::NotFound("there is no page at this address".to_owned()).into_response()
}

#[cfg(test)]
mod tests;
