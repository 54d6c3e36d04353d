//! HTTP: pages, Backstage's API, assets, Git. The only room that knows axum and askama.
//!
//! A handler takes what it needs from the request (extractors), asks a context, and shows the answer: 5 to 15
//! lines. Errors have two faces (see [`error`]); links come from [`url`]; who is asking from [`session`] for pages
//! and from [`api`] for API clients.
//!
//! What a request passes, outermost first, and why in this order:
//!
//! 1. the entrance: id, figures, security headers, refusals, CORS, compression (see [`entrance`]);
//! 2. — routing —
//! 3. the face: errors become pages, or Backstage's JSON;
//! 4. the session or the token, since a 401 needs a face;
//! 5. refusal of other sites' posts, a deadline, the panic catcher and the body limit, closest to the handler.
//!
//! For the API, 3 to 5 are one layer, see [`api`].
//!
//! Git and event streams have no deadline: they last as long as they take.

pub(crate) mod api;
pub(crate) mod assets;
mod cors;
pub(crate) mod entrance;
pub(crate) mod error;
pub(crate) mod extract;
mod git;
mod observe;
mod own;
pub(crate) mod page;
mod pages;
mod security;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod sse;
pub(crate) mod url;

use std::any::Any;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures_util::poll;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use cors::CorsConfig;
pub(crate) use own::OwnApi;
pub(crate) use page::Site;
pub(crate) use pages::{docs_stylesheet, whole_docs_page};

use crate::announcement::Announcements;
use crate::auth::Auth;
use crate::catalog::Catalog;
use crate::db::Reach;
use crate::delivery::Delivery;
use crate::event::Events;
use crate::forge::{Forges, LocalForge};
use crate::import::Imports;
use crate::notification::Notifications;
use crate::ownership::Ownership;
use crate::pipeline::Pipelines;
use crate::preference::Preferences;
use crate::scaffolder::Scaffolder;
use crate::search::Search;
use crate::techdocs::TechDocs;
use api::Quick;
use entrance::Edge;
pub(crate) use entrance::Entrance;
use error::Error;
use observe::Figures;

/// What handlers can ask for; each names only the parts it uses, as `State<Part>`. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Parts>);

/// The parts of an [`AppState`].
pub(crate) struct Parts {
    /// Entities, locations, problems.
    pub(crate) catalog: Catalog,
    /// Templates, drafts, plans, runs.
    pub(crate) scaffolder: Scaffolder,
    /// Everything, found by its words.
    pub(crate) search: Search,
    /// Documentation of entities.
    pub(crate) techdocs: TechDocs,
    /// What runs in repositories.
    pub(crate) pipelines: Pipelines,
    /// Bringing repositories into the catalog.
    pub(crate) imports: Imports,
    /// Who has what.
    pub(crate) ownership: Ownership,
    /// What people are told.
    pub(crate) notifications: Notifications,
    /// What everybody is told.
    pub(crate) announcements: Announcements,
    /// What people set for themselves.
    pub(crate) preferences: Preferences,
    /// What forges tell.
    pub(crate) events: Events,
    /// Environments, and what is declared in them.
    pub(crate) delivery: Delivery,
    /// All forges, by host.
    pub(crate) forges: Forges,
    /// The one that Git clients and the pages of repositories read.
    pub(crate) forge: LocalForge,
    /// Sessions and tokens.
    pub(crate) auth: Auth,
    /// What the portal says about itself.
    pub(crate) site: Arc<Site>,
    /// The figures of `/metrics`.
    pub(crate) metrics: PrometheusHandle,
}

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Lets handlers take a part as `State<Part>`.
macro_rules! parts {
    ($($field:ident: $part:ty),+ $(,)?) => {
        $(impl FromRef<AppState> for $part {
            fn from_ref(state: &AppState) -> Self {
                state.$field.clone()
            }
        })+
    };
}

parts! {
    catalog: Catalog,
    scaffolder: Scaffolder,
    search: Search,
    techdocs: TechDocs,
    pipelines: Pipelines,
    imports: Imports,
    ownership: Ownership,
    notifications: Notifications,
    announcements: Announcements,
    preferences: Preferences,
    events: Events,
    delivery: Delivery,
    forges: Forges,
    forge: LocalForge,
    auth: Auth,
    site: Arc<Site>,
    metrics: PrometheusHandle,
}

/// What the HTTP side can be told.
#[derive(Debug, Clone)]
pub(crate) struct WebConfig {
    /// `backend.cors`
    pub(crate) cors: CorsConfig,
    /// Whether the portal listens on loopback only.
    pub(crate) loopback: bool,
    /// How long a page or an API call may take.
    pub(crate) deadline: Duration,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self { cors: CorsConfig::default(), loopback: true, deadline: Duration::from_mins(1) }
    }
}

/// A posted form is at most this large.
const LARGEST_FORM: usize = 1024 * 1024;

/// The whole HTTP side.
pub(crate) fn router(state: AppState, config: WebConfig) -> Entrance {
    let edge = Edge {
        site: Arc::clone(&state.site),
        cors: config.cors,
        own_names: config.loopback,
        figures: Figures::default(),
    };
    let quick = Quick::new(&state);
    let router = Router::new()
        .merge(page_routes(&state, config.deadline))
        .merge(api::router(&state, config.deadline))
        .merge(git::router())
        .merge(assets::router())
        .route("/metrics", get(figures))
        .with_state(state);
    Entrance::new(quick, router, edge)
}

fn page_routes(state: &AppState, deadline: Duration) -> Router<AppState> {
    let guarded = pages::router().layer(from_fn(session::require));
    Router::new()
        .merge(guarded)
        .merge(pages::open_router())
        .merge(session::router())
        .fallback(pages::nowhere)
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(CatchPanicLayer::custom(caught))
        .layer(from_fn_with_state((deadline, state.site.reach.clone()), within))
        .layer(from_fn_with_state(Arc::clone(&state.site), security::refuse_cross_site))
        .layer(from_fn_with_state(state.clone(), session::load))
        .layer(from_fn_with_state(state.clone(), page::face))
}

/// A handler's panic as an internal error; the process goes on.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn caught(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("(no message)"))).into_response()
}

/// Ends a handler that takes too long. The body of an answer may take longer: streams are not cut.
async fn within(State((deadline, reach)): State<(Duration, Reach)>, request: Request, next: Next) -> Response {
    let patience = Patience::new(deadline, &reach);
    patience.wait(next.run(request)).await
}

/// How long a handler may take.
struct Patience {
    limit: Duration,
    is_away: bool,
}

impl Patience {
    /// While the database is away, what needs it would only wait for it, and so would who asked.
    const WITHOUT_DATABASE: Duration = Duration::from_secs(2);

    fn new(deadline: Duration, reach: &Reach) -> Self {
        let is_away = reach.lost_since().is_some();
        Self { limit: if is_away { deadline.min(Self::WITHOUT_DATABASE) } else { deadline }, is_away }
    }

    /// The answer of a handler, or that it was given up.
    async fn wait(self, answer: impl Future<Output = Response>) -> Response {
        let mut answer = pin!(answer);
        // Most answers are there at once: no clock needs to be set.
        if let Poll::Ready(response) = poll!(&mut answer) {
            return response;
        }
        match tokio::time::timeout(self.limit, answer).await {
            Ok(response) => response,
            Err(_) => self.over().into_response(),
        }
    }

    /// Why a handler was given up.
    fn over(&self) -> Error {
        if self.is_away {
            return Error::database_away();
        }
        Error::Unavailable("this took too long and was given up; try again".to_owned())
    }
}

/// `GET /metrics`
async fn figures(State(metrics): State<PrometheusHandle>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}

/// 404 with nothing in it, as Backstage answers unknown routes.
async fn empty_not_found() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// Everything below `/api/` that no plugin answers.
fn unknown_plugins() -> Router<AppState> {
    Router::new().route("/api", any(empty_not_found)).route("/api/{*rest}", any(empty_not_found))
}

#[cfg(test)]
pub(crate) mod tests;
