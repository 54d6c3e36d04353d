//! `GET /sign-in`: the ways in.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::get;
use serde::Deserialize;

use crate::auth::Auth;
use crate::web::extract::{Answer, Query};
use crate::web::page::{Chrome, Page, Site};
use crate::web::session::Viewer;
use crate::web::{AppState, url as link};

/// The route, open to everybody.
pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/sign-in", get(show))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    chrome: Chrome,
    /// Where to go afterwards.
    next: String,
    guest_offered: bool,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
}

async fn show(
    State(auth): State<Auth>,
    State(site): State<Arc<Site>>,
    viewer: Option<Viewer>,
    Query(asked): Query<Asked>,
) -> Answer {
    let next = link::same_site(&asked.next).to_owned();
    if viewer.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let chrome = Chrome::anonymous(site, "Sign in");
    Ok(Page(SignInPage { chrome, next, guest_offered: auth.guest_offered() }).into_response())
}
