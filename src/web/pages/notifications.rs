//! `/notifications`: what the viewer was told, and what of it is read.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use super::markdown;
use super::shown::{self, Moment};
use crate::notification::{Notification, NotificationQuery, Notifications};
use crate::web::AppState;
use crate::web::extract::{Answer, Form, Query};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

const PAGE: usize = 50;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/notifications", get(list).post(mark))
}

/// The list.
#[derive(Template)]
#[template(path = "notifications.html")]
pub(super) struct NotificationsPage {
    chrome: Chrome,
    /// Only unread ones, or all.
    all: bool,
    unread: usize,
    rows: Vec<Row>,
    /// `1–50 of 120 notifications`
    shown: String,
    newer: Option<String>,
    older: Option<String>,
}

/// One notification.
struct Row {
    id: Uuid,
    title: String,
    /// Sanitised.
    about: Option<String>,
    link: Option<String>,
    /// Of one that is urgent.
    severity: Option<(&'static str, String)>,
    to_everybody: bool,
    since: Moment,
    read: bool,
}

impl Row {
    fn new(notification: Notification) -> Self {
        let hue = match notification.severity.as_str() {
            "critical" => Some("red"),
            "high" => Some("amber"),
            _ => None,
        };
        Self {
            id: notification.id,
            severity: hue.map(|hue| (hue, notification.severity)),
            title: notification.title,
            about: notification.description.as_deref().map(markdown::note),
            link: notification.link,
            to_everybody: notification.is_broadcast,
            since: Moment(notification.created_at),
            read: notification.read_at.is_some(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// `all`, or only what is not read.
    #[serde(default)]
    show: String,
    #[serde(default)]
    page: usize,
}

async fn list(
    State(notifications): State<Notifications>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<NotificationsPage> {
    let all = asked.show == "all";
    let page = asked.page.min(10_000);
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let read = (!all).then_some(false);
    let query = NotificationQuery { read, limit: Some(number(PAGE)), offset: number(page * PAGE), ids: None };
    let (found, total) = notifications.of(&viewer.credentials, &query).await?;
    let unread = unread(&notifications, &viewer).await?;
    let total = usize::try_from(total).unwrap_or_default();
    let first = (page * PAGE + 1).min(total);
    let last = page * PAGE + found.len();
    Ok(Page(NotificationsPage {
        chrome: viewer.chrome(Area::Notifications, "Notifications"),
        all,
        unread,
        rows: found.into_iter().map(Row::new).collect(),
        shown: format!("{first}–{last} of {}", shown::count(total, "notification", "notifications")),
        newer: page.checked_sub(1).map(|page| link::notifications(all, page)),
        older: (last < total).then(|| link::notifications(all, page + 1)),
    }))
}

/// How many the viewer has not read.
pub(crate) async fn unread(
    notifications: &Notifications,
    viewer: &Viewer,
) -> Result<usize, crate::notification::NotificationError> {
    let query = NotificationQuery { read: Some(false), limit: Some(0), ..NotificationQuery::default() };
    let (_, count) = notifications.of(&viewer.credentials, &query).await?;
    Ok(usize::try_from(count).unwrap_or_default())
}

#[derive(Deserialize)]
struct Marking {
    /// One of them; all without.
    #[serde(default)]
    id: Option<Uuid>,
    /// `read` or `unread`.
    state: String,
    /// What was shown.
    #[serde(default)]
    show: String,
}

async fn mark(State(notifications): State<Notifications>, viewer: Viewer, Form(marking): Form<Marking>) -> Answer {
    let who = &viewer.credentials;
    match marking.id {
        Some(id) => notifications.mark(who, &[id], marking.state == "read").await?,
        None => notifications.mark_all_read(who).await?,
    }
    Ok(Redirect::to(&link::notifications(marking.show == "all", 0)).into_response())
}
