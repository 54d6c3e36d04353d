//! `/settings`: how the portal looks to somebody, what they starred, and the tokens of their programs.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{get, post};
use axum_extra::extract::CookieJar;
use serde::Deserialize;
use uuid::Uuid;

use super::shown::{EntityLink, Moment};
use crate::auth::{Auth, AuthError, NewToken, PersonalToken};
use crate::web::error::Error;
use crate::web::extract::{Answer, Form};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::{Theme, Viewer};
use crate::web::{AppState, Site, url as link};

/// Days that a token can last, as they are offered.
const DAYS: [(i64, &str); 4] = [(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year")];

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/settings", get(show))
        .route("/settings/theme", post(theme))
        .route("/settings/tokens", post(make))
        .route("/settings/tokens/revocation", post(revoke))
}

/// The settings.
#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage {
    chrome: Chrome,
    themes: Vec<(&'static str, &'static str, bool)>,
    /// What is starred, and where its form posts to.
    starred: Vec<(EntityLink, String)>,
    tokens: Vec<TokenRow>,
    days: [(i64, &'static str); 4],
    /// A token that was made just now: it is never shown again.
    made: Option<String>,
    /// Why none was made, and the name that was given.
    refusal: Option<String>,
    name: String,
    /// How a program uses one.
    example: String,
}

struct TokenRow {
    id: Uuid,
    name: String,
    hint: String,
    created: Moment,
    expires: Moment,
    used: Option<Moment>,
}

impl From<PersonalToken> for TokenRow {
    fn from(token: PersonalToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            hint: token.hint,
            created: Moment(token.created_at),
            expires: Moment(token.expires_at),
            used: token.last_used_at.map(Moment),
        }
    }
}

async fn page(state: &AppState, viewer: &Viewer) -> Result<SettingsPage, Error> {
    let (catalog, site) = (&state.catalog, &state.site);
    let stars = site.at_hand(state.preferences.starred(&viewer.credentials)).await?;
    let tokens = site.at_hand(state.auth.tokens_of(&viewer.credentials)).await?;
    let star = |reference| (EntityLink::find(catalog, viewer, reference), link::entity_star(reference));
    Ok(SettingsPage {
        chrome: viewer.chrome(Area::Elsewhere, "Settings"),
        themes: Theme::ALL.map(|theme| (theme.name(), theme.label(), viewer.theme == theme)).into(),
        starred: stars.iter().map(star).collect(),
        tokens: tokens.into_iter().map(TokenRow::from).collect(),
        days: DAYS,
        made: None,
        refusal: None,
        name: String::new(),
        example: format!("curl -H \"Authorization: Bearer $TOKEN\" {}", site.absolute("/api/catalog/entities?limit=1")),
    })
}

async fn show(State(state): State<AppState>, viewer: Viewer) -> PageResult<SettingsPage> {
    Ok(Page(page(&state, &viewer).await?))
}

#[derive(Deserialize)]
struct Chosen {
    theme: String,
    #[serde(default)]
    next: String,
}

/// `POST /settings/theme`: kept in a cookie, since another screen may want another one.
async fn theme(State(site): State<Arc<Site>>, _: Viewer, Form(chosen): Form<Chosen>) -> Answer {
    let theme = Theme::named(&chosen.theme)
        .ok_or_else(|| Error::Input(format!("no theme is called `{}`; choose system, light or dark", chosen.theme)))?;
    let next = if chosen.next.is_empty() { link::settings() } else { link::same_site(&chosen.next).to_owned() };
    Ok((CookieJar::new().add(theme.cookie(&site)), Redirect::to(&next)).into_response())
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    name: String,
    days: i64,
}

/// `POST /settings/tokens`: the answer is the page with the token on it, once.
async fn make(State(state): State<AppState>, viewer: Viewer, Form(wanted): Form<Wanted>) -> Answer {
    let new = NewToken { name: wanted.name.clone(), days: wanted.days };
    let made = state.auth.make_token(&viewer.credentials, &new).await;
    let page = page(&state, &viewer).await?;
    let page = match made {
        Ok(token) => SettingsPage { made: Some(token), ..page },
        Err(AuthError::BadToken(sentence)) => SettingsPage { refusal: Some(sentence), name: wanted.name, ..page },
        Err(error) => return Err(error.into()),
    };
    Ok(Page(page).into_response())
}

#[derive(Deserialize)]
struct Revoked {
    id: Uuid,
}

/// `POST /settings/tokens/revocation`
async fn revoke(State(auth): State<Auth>, viewer: Viewer, Form(Revoked { id }): Form<Revoked>) -> Answer {
    auth.revoke_token(&viewer.credentials, id).await?;
    Ok(Redirect::to(&link::settings()).into_response())
}
