//! Backstage's REST API: the same paths, parameters, envelopes and messages.
//!
//! Each plugin is a router of its own below `/api/{plugin}`, inside which paths are the plugin's own, as they
//! stand in error bodies. [`authenticate`] puts the caller's [`Credentials`] into the request; handlers take
//! them as [`Caller`]. Unknown routes, wrong methods and unknown plugins answer 404 with an empty body.

mod auth;
mod body;
mod catalog;
mod envelope;
mod health;
mod parameters;
mod permission;
mod reply;
mod scaffolder;

pub(crate) use envelope::face;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use super::cors::Listed;
use super::error::Error;
use super::{AppState, caught, empty_not_found, security, session, unknown_plugins, within};
use crate::permission::Credentials;

/// Who calls the API.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Credentials);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or_else(missing_credentials)
    }
}

/// The part of the state that [`authenticate`] needs.
#[derive(Clone)]
struct Gate {
    state: AppState,
    plugin: &'static str,
    /// Routes of the plugin that nobody needs credentials for.
    open: fn(&str) -> bool,
}

impl Gate {
    /// Public keys are public in every plugin.
    fn is_open(&self, path: &str) -> bool {
        path == KEYS || (self.open)(path)
    }
}

const KEYS: &str = "/.backstage/auth/v1/jwks.json";

/// Body parsers' limits in Backstage.
const SMALL_BODY: usize = 100 * 1024;
const LARGE_BODY: usize = 10 * 1024 * 1024;

/// The whole API.
pub(crate) fn router(state: &AppState, deadline: Duration) -> Router<AppState> {
    let plugin = |name: &'static str, routes: Router<AppState>, limit: usize, open: fn(&str) -> bool| {
        let gate = Gate { state: state.clone(), plugin: name, open };
        let routes = routes
            .route(KEYS, get(auth::keys))
            .fallback(empty_not_found)
            .method_not_allowed_fallback(empty_not_found)
            .layer(DefaultBodyLimit::max(limit))
            .layer(CatchPanicLayer::custom(caught))
            .layer(from_fn_with_state(deadline, within))
            .layer(from_fn_with_state(gate, authenticate))
            .layer(from_fn(face));
        Router::new().nest(&format!("/api/{name}"), routes)
    };
    Router::new()
        .merge(plugin("auth", auth::router(), SMALL_BODY, |_| true))
        .merge(plugin("catalog", catalog::router(), SMALL_BODY, |_| false))
        .merge(plugin("scaffolder", scaffolder::router(), LARGE_BODY, |_| false))
        .merge(plugin("permission", permission::router(), SMALL_BODY, |_| false))
        .merge(health::router().layer(from_fn(face)))
        .merge(unknown_plugins())
}

/// Finds out who calls: a bearer token, or the session of a browser. Without either the call is refused, unless
/// the route or the configuration lets anybody in.
async fn authenticate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let cross_site = !safe
        && request.extensions().get::<Listed>().is_none()
        && security::is_cross_site(request.headers(), &gate.state.site.base_url);
    match caller(&gate, cross_site, request.headers()).await {
        Ok(Some(credentials)) => {
            request.extensions_mut().insert(Caller(credentials));
        }
        Ok(None) if cross_site => {
            return Error::NotAllowed("this request was sent by another site, so it is refused".to_owned())
                .into_response();
        }
        Ok(None) if gate.state.auth.is_open() || gate.is_open(request.uri().path()) => {
            request.extensions_mut().insert(Caller(Credentials::anonymous()));
        }
        Ok(None) => return missing_credentials().into_response(),
        Err(_) if gate.is_open(request.uri().path()) => {
            request.extensions_mut().insert(Caller(Credentials::anonymous()));
        }
        Err(error) => return error.into_response(),
    }
    next.run(request).await
}

/// Another site cannot use the session of a browser.
async fn caller(gate: &Gate, cross_site: bool, headers: &HeaderMap) -> Result<Option<Credentials>, Error> {
    let AppState { auth, site, .. } = &gate.state;
    if let Some(token) = bearer(headers) {
        return Ok(Some(auth.authenticate(token, gate.plugin).await?));
    }
    let cookie = session::cookie_of(headers, site).filter(|_| !cross_site);
    let Some(cookie) = cookie else { return Ok(None) };
    Ok(auth.session(&cookie).await?.map(|session| session.credentials))
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

fn missing_credentials() -> Error {
    Error::Authentication("Missing credentials".to_owned())
}
