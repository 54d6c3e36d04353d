//! Pages: what every page has around it, how a page becomes a response, and the page face of an [`Error`].
//!
//! A page is a struct with an askama template and a `chrome` field; its handler returns [`PageResult`].
//! Templates lie in `templates/portal/` and extend `layout.html`, which shows the [`Chrome`].

use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use url::Url;

use super::AppState;
use super::assets::CachePolicy;
use super::error::{Error, Failure};
use super::observe::{self, Route};
use super::pages::shown::Moment;
use super::session::{Theme, Viewer};
use super::url as link;
use crate::db::Reach;
use crate::entity::EntityRef;

/// What a handler of a page returns.
pub(crate) type PageResult<T> = Result<Page<T>, Error>;

/// What the portal says about itself.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// `app.title`
    pub(crate) title: String,
    /// `organization.name`
    pub(crate) organization: String,
    /// `backend.baseUrl`: where browsers and API clients reach this portal; no slash at the end of its path.
    pub(crate) base_url: Url,
    /// Greenroom's version.
    pub(crate) version: String,
    /// Which database it uses, in words, for the operators' page.
    pub(crate) database: String,
    /// Where its files are.
    pub(crate) data_dir: PathBuf,
    /// Whether its database can be reached.
    pub(crate) reach: Reach,
}

impl Site {
    /// An absolute URL for a path of this site, e.g. for `git clone`.
    pub(crate) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.as_str().trim_end_matches('/'))
    }

    /// Since when what is shown comes from memory alone; none while the database can be reached.
    pub(crate) fn stale_since(&self) -> Option<Moment> {
        self.reach.lost_since().map(Moment)
    }

    /// What a part of a page needs of the database; while that is away the page is shown without.
    pub(crate) async fn at_hand<T: Default, E>(&self, asked: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        if self.reach.lost_since().is_some() { Ok(T::default()) } else { asked.await }
    }

    /// Whether browsers reach this portal encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.base_url.scheme() == "https"
    }
}

/// The part of the portal that a page belongs to: which entry of the navigation is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// The start page.
    Home,
    /// Entities, locations, problems.
    Catalog,
    /// Documentation.
    Docs,
    /// Templates, forms, runs.
    Create,
    /// Runs of templates.
    Runs,
    /// What the person was told.
    Notifications,
    /// What runs where.
    Delivery,
    /// The local forge.
    Repositories,
    /// The operators' page.
    Status,
    /// Sign-in and error pages.
    Elsewhere,
}

/// What stands around the content of every page.
#[derive(Debug, Clone)]
pub(crate) struct Chrome {
    /// The portal.
    pub(crate) site: Arc<Site>,
    /// This page's title, without the portal's.
    pub(crate) title: String,
    /// The marked entry of the navigation.
    pub(crate) area: Area,
    /// Who looks at it; nobody on the sign-in page.
    pub(crate) person: Option<Person>,
    /// Light or dark.
    pub(crate) theme: Theme,
}

/// The signed-in person, as a page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// What to call them.
    pub(crate) name: String,
    /// Their User entity.
    pub(crate) user: EntityRef,
    /// The hidden field `csrf` of every form that posts.
    pub(crate) csrf: String,
}

impl Chrome {
    /// A page for nobody in particular.
    pub(crate) fn anonymous(site: Arc<Site>, title: impl Into<String>) -> Self {
        Self { site, title: title.into(), area: Area::Elsewhere, person: None, theme: Theme::System }
    }

    /// The value of every posting form's hidden field `csrf`; empty where nobody is signed in.
    pub(crate) fn csrf(&self) -> &str {
        self.person.as_ref().map_or("", |person| &person.csrf)
    }
}

/// A page as a response.
#[derive(Debug, Clone)]
pub(crate) struct Page<T>(pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => ([(header::CACHE_CONTROL, CachePolicy::Private.header())], Html(html)).into_response(),
            Err(error) => Error::internal(error).into_response(),
        }
    }
}

/// The page that says what went wrong and what to do next.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    chrome: Chrome,
    status: u16,
    message: String,
    /// For internal errors: what an operator looks for in the log.
    log_id: Option<String>,
    /// Ways on: label and link.
    ways: Vec<(&'static str, String)>,
}

/// Gives an [`Error`] of a page's handler its face. Without a session that is the sign-in page, and afterwards
/// the page that was asked for.
pub(crate) async fn face(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let target = request.uri().path_and_query().map_or("/".to_owned(), ToString::to_string);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = faced(&state, &method, &target, next.run(request).await);
    observe::tell(route.map(Route::Matched), &mut response);
    response
}

fn faced(state: &AppState, method: &Method, target: &str, mut response: Response) -> Response {
    let viewer = response.extensions_mut().remove::<Viewer>();
    let Some(failure) = response.extensions_mut().remove::<Failure>() else {
        return response;
    };
    if matches!(failure.error, Error::Authentication(_)) && viewer.is_none() {
        let next = matches!(*method, Method::GET | Method::HEAD).then_some(target);
        return Redirect::to(&link::sign_in(next)).into_response();
    }
    let page = error_page(state, viewer.as_ref(), &failure);
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    match page.render() {
        Ok(html) => failure.mark((failure.error.status(), no_store, failure.headers(), Html(html)).into_response()),
        Err(error) => {
            tracing::error!(%error, "the error page cannot be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, failure.message()).into_response()
        }
    }
}

fn error_page(state: &AppState, viewer: Option<&Viewer>, failure: &Failure) -> ErrorPage {
    let title = match &failure.error {
        Error::Input(_) => "That cannot be read",
        Error::Authentication(_) => "Sign in first",
        Error::NotAllowed(_) => "Not allowed",
        Error::NotFound(_) => "Not found",
        Error::Conflict(_) => "It exists already, or has changed",
        Error::NotImplemented(_) => "Not offered",
        Error::Unavailable(_) => "Not available for the moment",
        Error::Internal(_) => "Something went wrong here",
    };
    let chrome = match viewer {
        Some(viewer) => viewer.chrome(Area::Elsewhere, title),
        None => Chrome::anonymous(Arc::clone(&state.site), title),
    };
    let message = match &failure.error {
        Error::Internal(_) => "The portal could not do this. Nothing you typed is at fault; try again in a moment, \
                               and if it stays so, give the people who run the portal the number below."
            .to_owned(),
        error => sentence(&error.to_string()),
    };
    let ways = match (&failure.error, viewer) {
        (Error::Authentication(_), _) | (_, None) => vec![("Sign in", link::sign_in(None))],
        (Error::NotFound(_), _) => {
            vec![("Search", link::search()), ("Catalog", link::catalog()), ("Home", link::home())]
        }
        _ => vec![("Home", link::home()), ("Catalog", link::catalog())],
    };
    ErrorPage { chrome, status: failure.error.status().as_u16(), message, log_id: failure.log_id.clone(), ways }
}

/// An error's message (lower case, no period) as a sentence.
fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", characters.as_str())
}
