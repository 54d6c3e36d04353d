//! Who looks at a page: the session cookie, the [`Viewer`] that handlers take, signing in and out.
//!
//! The cookie is opaque and only an index into the sessions of [`Auth`]. Every form that posts carries the
//! session's CSRF token (see [`super::extract::Form`]); requests from other sites are refused before that
//! (see [`super::security`]).

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::Deserialize;

use super::error::Error;
use super::extract::Form;
use super::page::{Area, Chrome, Person, Site};
use super::{AppState, url as link};
use crate::auth::{Auth, Session};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// The signed-in person that a page is made for. A handler that takes one answers nobody else; take
/// `Option<Viewer>` where it does not matter.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// For the contexts' verbs.
    pub(crate) credentials: Credentials,
    /// How pages look to them.
    pub(crate) theme: Theme,
    session: Arc<Session>,
    site: Arc<Site>,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];
    const COOKIE: &'static str = "theme";

    /// As cookies, forms and stylesheets name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// As people read it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The one of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    fn of(jar: &CookieJar) -> Self {
        jar.get(Self::COOKIE).and_then(|cookie| Self::named(cookie.value())).unwrap_or_default()
    }

    /// Keeps it in a browser for a year.
    pub(crate) fn cookie(self, site: &Site) -> Cookie<'static> {
        let mut cookie = Cookie::new(Self::COOKIE, self.name());
        cookie.set_same_site(SameSite::Lax);
        cookie.set_secure(site.is_https());
        cookie.set_http_only(true);
        cookie.set_path("/");
        cookie.set_max_age(Some(std::time::Duration::from_hours(365 * 24).try_into().unwrap_or_default()));
        cookie
    }
}

impl Viewer {
    /// The User entity.
    pub(crate) fn user(&self) -> &EntityRef {
        &self.session.user
    }

    /// What to call the person.
    pub(crate) fn name(&self) -> &str {
        &self.session.name
    }

    /// The token that every posting form carries.
    pub(crate) fn csrf(&self) -> &str {
        &self.session.csrf
    }

    /// What stands around a page for this person.
    pub(crate) fn chrome(&self, area: Area, title: impl Into<String>) -> Chrome {
        let person = Person { name: self.name().to_owned(), user: self.user().clone(), csrf: self.csrf().to_owned() };
        Chrome { site: Arc::clone(&self.site), title: title.into(), area, person: Some(person), theme: self.theme }
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Error::Authentication("sign in first".to_owned()))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// Looks the session cookie up; handlers then find the [`Viewer`].
///
/// The answer carries the viewer too: `page::face` stands outside of this layer, and its error pages are for somebody.
pub(crate) async fn load(State(state): State<AppState>, jar: CookieJar, mut request: Request, next: Next) -> Response {
    if let Some(cookie) = jar.get(cookie_name(&state.site)) {
        match state.auth.session(cookie.value()).await {
            Ok(Some(session)) => {
                let credentials = session.credentials.clone();
                let viewer = Viewer {
                    credentials,
                    theme: Theme::of(&jar),
                    session: Arc::new(session),
                    site: Arc::clone(&state.site),
                };
                request.extensions_mut().insert(viewer.clone());
                let mut response = next.run(request).await;
                response.extensions_mut().insert(viewer);
                return response;
            }
            Ok(None) => {}
            Err(error) => return Error::from(error).into_response(),
        }
    }
    next.run(request).await
}

/// Lets nobody past without a session; for the routes of pages other than the sign-in page.
pub(crate) async fn require(viewer: Option<Viewer>, request: Request, next: Next) -> Response {
    match viewer {
        Some(_) => next.run(request).await,
        None => Error::Authentication("sign in first".to_owned()).into_response(),
    }
}

/// `POST /sign-in/guest` and `POST /sign-out`; the sign-in page itself is `pages::sign_in`.
pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/sign-in/guest", post(enter_as_guest)).route("/sign-out", post(leave))
}

#[derive(Deserialize)]
struct Entering {
    #[serde(default)]
    next: String,
}

/// There is no session yet, so no CSRF token: [`super::security::refuse_cross_site`] keeps other sites out.
async fn enter_as_guest(
    State(auth): State<Auth>,
    State(site): State<Arc<Site>>,
    axum_extra::extract::Form(entering): axum_extra::extract::Form<Entering>,
) -> Result<Response, Error> {
    let signed_in = auth.sign_in_guest().await?;
    let cookie = session_cookie(&site, signed_in.token, signed_in.max_age);
    let next = link::same_site(&entering.next).to_owned();
    Ok((CookieJar::new().add(cookie), Redirect::to(&next)).into_response())
}

#[derive(Deserialize)]
struct Leaving {}

async fn leave(
    State(auth): State<Auth>,
    State(site): State<Arc<Site>>,
    jar: CookieJar,
    _: Form<Leaving>,
) -> Result<Response, Error> {
    if let Some(cookie) = jar.get(cookie_name(&site)) {
        auth.sign_out(cookie.value()).await?;
    }
    let gone = session_cookie(&site, String::new(), chrono::Duration::zero());
    Ok((CookieJar::new().add(gone), Redirect::to(&link::sign_in(None))).into_response())
}

/// The prefix makes browsers insist that the cookie is encrypted and for this host alone.
pub(crate) fn cookie_name(site: &Site) -> &'static str {
    if site.is_https() { "__Host-greenroom" } else { "greenroom" }
}

fn session_cookie(site: &Site, token: String, max_age: chrono::Duration) -> Cookie<'static> {
    let mut cookie = Cookie::new(cookie_name(site), token);
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(site.is_https());
    cookie.set_path("/");
    if let Ok(seconds) = max_age.num_seconds().try_into() {
        cookie.set_max_age(Some(std::time::Duration::from_secs(seconds).try_into().unwrap_or_default()));
    }
    cookie
}

/// The session cookie of a request's headers, for routes outside the pages.
pub(crate) fn cookie_of(headers: &HeaderMap, site: &Site) -> Option<String> {
    headers.get(header::COOKIE)?;
    CookieJar::from_headers(headers).get(cookie_name(site)).map(|cookie| cookie.value().to_owned())
}
