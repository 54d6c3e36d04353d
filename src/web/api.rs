//! Backstage's REST API: the same paths, parameters, envelopes and messages.
//!
//! Each plugin is a router of its own below `/api/{plugin}`, inside which paths are the plugin's own, as they
//! stand in error bodies. [`gate`] puts the caller's [`Credentials`] into the request; handlers take
//! them as [`Caller`]. Unknown routes, wrong methods and unknown plugins answer 404 with an empty body.

mod auth;
mod body;
mod catalog;
mod envelope;
mod events;
mod health;
mod kubernetes;
mod notifications;
mod parameters;
mod permission;
mod quick;
mod reply;
mod scaffolder;
mod search;
mod techdocs;
mod user_settings;

pub(crate) use envelope::face;
pub(crate) use quick::Quick;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use chrono::SecondsFormat;
use futures_util::FutureExt as _;

use self::body::BodyLimit;
use self::envelope::Asked;
use super::cors::Listed;
use super::error::Error;
use super::page::Site;
use super::{AppState, Patience, caught, empty_not_found, security, session, unknown_plugins};
use crate::auth::Auth;
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

/// What [`gate`] needs.
struct Gate {
    auth: Auth,
    site: Arc<Site>,
    plugin: &'static str,
    /// Routes of the plugin that nobody needs credentials for.
    open: fn(&str) -> bool,
    /// Bytes of a body at most.
    limit: usize,
    /// How long a handler may take.
    deadline: Duration,
}

impl Gate {
    /// Public keys are public in every plugin.
    fn is_open(&self, path: &str) -> bool {
        path == KEYS || (self.open)(path)
    }
}

/// The cookie in which a browser has the token of an app elsewhere, for what it asks by itself: pictures of documentation.
/// As Backstage names it; good for reading alone.
const APP_COOKIE: &str = "backstage-auth";

const KEYS: &str = "/.backstage/auth/v1/jwks.json";

/// Says since when the database is away and answers come from memory.
const STALE_SINCE: HeaderName = HeaderName::from_static("greenroom-stale-since");

/// Body parsers' limits in Backstage.
const SMALL_BODY: usize = 100 * 1024;
const LARGE_BODY: usize = 10 * 1024 * 1024;

/// The whole API.
pub(crate) fn router(state: &AppState, deadline: Duration) -> Router<AppState> {
    let plugin = |name: &'static str, routes: Router<AppState>, limit: usize, open: fn(&str) -> bool| {
        let (auth, site) = (state.auth.clone(), Arc::clone(&state.site));
        let gate_of = Gate { auth, site, plugin: name, open, limit, deadline };
        let routes = routes
            .route(KEYS, get(auth::keys))
            .fallback(empty_not_found)
            .method_not_allowed_fallback(empty_not_found)
            .layer(from_fn_with_state(Arc::new(gate_of), gate));
        Router::new().nest(&format!("/api/{name}"), routes)
    };
    Router::new()
        .merge(plugin("auth", auth::router(), SMALL_BODY, |_| true))
        .merge(plugin("catalog", catalog::router(), SMALL_BODY, |_| false))
        .merge(plugin("scaffolder", scaffolder::router(), LARGE_BODY, |_| false))
        .merge(plugin("events", events::router(), events::LARGEST, |_| true))
        .merge(plugin("kubernetes", kubernetes::router(), SMALL_BODY, |_| false))
        .merge(plugin("notifications", notifications::router(), SMALL_BODY, |_| false))
        .merge(plugin("search", search::router(), SMALL_BODY, |_| false))
        .merge(plugin("techdocs", techdocs::router(), SMALL_BODY, |_| false))
        .merge(plugin("user-settings", user_settings::router(), SMALL_BODY, |_| false))
        .merge(plugin("permission", permission::router(), SMALL_BODY, |_| false))
        .merge(health::router().layer(from_fn(face)))
        .merge(unknown_plugins())
}

/// Everything around the handler of a plugin, in one layer: the caller, the deadline, the net under panics, and the
/// face of errors.
async fn gate(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    if let Err(error) = gate.admit(&mut request).await {
        return asked.face(error.into_response());
    }
    let stale_since = gate.site.reach.lost_since();
    let patience = Patience::new(gate.deadline, &gate.site.reach);
    let mut response = asked.face(match AssertUnwindSafe(patience.wait(next.run(request))).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => caught(panic),
    });
    if let Some(since) = stale_since {
        let since = HeaderValue::try_from(since.to_rfc3339_opts(SecondsFormat::Secs, true));
        response.headers_mut().extend(since.map(|since| (STALE_SINCE, since)));
    }
    response
}

impl Gate {
    /// Finds out who calls: a bearer token, or the session of a browser. Without either the call is refused, unless
    /// the route or the configuration lets anybody in.
    async fn admit(&self, request: &mut Request) -> Result<(), Error> {
        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_cross_site = !is_safe
            && request.extensions().get::<Listed>().is_none()
            && security::is_cross_site(request.headers(), &self.site.base_url);
        let anybody = || Caller(Credentials::anonymous());
        let caller = match caller(self, is_safe, is_cross_site, request.headers()).await {
            Ok(Some(credentials)) => Caller(credentials),
            Ok(None) if is_cross_site => {
                return Err(Error::NotAllowed("this request was sent by another site, so it is refused".to_owned()));
            }
            Ok(None) if self.auth.is_open() || self.is_open(request.uri().path()) => anybody(),
            Ok(None) => return Err(missing_credentials()),
            Err(_) if self.is_open(request.uri().path()) => anybody(),
            Err(error) => return Err(error),
        };
        request.extensions_mut().insert(caller);
        if !is_safe {
            request.extensions_mut().insert(BodyLimit(self.limit));
        }
        Ok(())
    }
}

/// Another site cannot use the session of a browser.
async fn caller(
    gate: &Gate,
    is_safe: bool,
    cross_site: bool,
    headers: &HeaderMap,
) -> Result<Option<Credentials>, Error> {
    let Gate { auth, site, .. } = gate;
    if let Some(token) = bearer(headers) {
        return Ok(Some(auth.authenticate(token, gate.plugin).await?));
    }
    if let Some(cookie) = session::cookie_of(headers, site).filter(|_| !cross_site)
        && let Some(session) = auth.session(&cookie).await?
    {
        return Ok(Some(session.credentials));
    }
    match app_cookie(headers).filter(|_| is_safe) {
        Some(token) => Ok(Some(auth.authenticate(&token, gate.plugin).await?)),
        None => Ok(None),
    }
}

fn app_cookie(headers: &HeaderMap) -> Option<String> {
    headers.get(header::COOKIE)?;
    CookieJar::from_headers(headers).get(APP_COOKIE).map(|cookie| cookie.value().to_owned())
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
