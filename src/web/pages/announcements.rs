//! `/announcements`: what the organisation tells everybody, and that somebody has read it.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::markdown;
use crate::announcement::{Announcement, Announcements};
use crate::preference::{PreferenceError, Preferences};
use crate::web::AppState;
use crate::web::extract::{Answer, Form};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Bucket and key of the version that somebody hid.
const HIDDEN: (&str, &str) = ("greenroom", "announcements");

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/announcements", get(list)).route("/announcements/hidden", post(hide))
}

/// All announcements.
#[derive(Template)]
#[template(path = "announcements.html")]
pub(super) struct AnnouncementsPage {
    chrome: Chrome,
    news: Vec<NewsView>,
    /// Where they are edited.
    page: Option<String>,
}

/// One piece of news.
pub(crate) struct NewsView {
    pub(crate) title: String,
    /// Sanitised.
    pub(crate) html: String,
}

/// What the start page shows of the announcements.
pub(crate) struct Latest {
    /// The newest.
    pub(crate) first: NewsView,
    /// How many there are besides.
    pub(crate) more: usize,
    /// What is hidden when somebody presses Hide.
    pub(crate) version: String,
}

fn views(announcement: &Announcement) -> Vec<NewsView> {
    let view = |news: crate::announcement::News| NewsView { title: news.title, html: markdown::note(&news.text) };
    announcement.news().into_iter().map(view).collect()
}

/// The newest announcement, unless the viewer hid it.
pub(super) async fn latest(
    announcements: &Announcements,
    preferences: &Preferences,
    viewer: &Viewer,
) -> Result<Option<Latest>, PreferenceError> {
    let Some(current) = announcements.current() else { return Ok(None) };
    let hidden = preferences.setting(&viewer.credentials, HIDDEN.0, HIDDEN.1).await?;
    if hidden.as_ref().and_then(Value::as_str) == Some(&*current.version) {
        return Ok(None);
    }
    let mut news = views(&current);
    let more = news.len().saturating_sub(1);
    let first = (!news.is_empty()).then(|| news.swap_remove(0));
    Ok(first.map(|first| Latest { first, more, version: current.version.clone() }))
}

async fn list(State(announcements): State<Announcements>, viewer: Viewer) -> PageResult<AnnouncementsPage> {
    let current = announcements.current();
    Ok(Page(AnnouncementsPage {
        chrome: viewer.chrome(Area::Home, "Announcements"),
        news: current.as_deref().map(views).unwrap_or_default(),
        page: current.as_ref().and_then(|current| current.page.clone()),
    }))
}

#[derive(Deserialize)]
struct Hiding {
    version: String,
}

/// `POST /announcements/hidden`: they come back when there is something new.
async fn hide(State(preferences): State<Preferences>, viewer: Viewer, Form(hiding): Form<Hiding>) -> Answer {
    preferences.set(&viewer.credentials, HIDDEN.0, HIDDEN.1, &json!(hiding.version)).await?;
    Ok(Redirect::to(&link::home()).into_response())
}
