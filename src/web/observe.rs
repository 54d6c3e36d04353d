//! What the operators see of a request: its id, its span, its figures.
//!
//! The span names the route, never the address: query values can be tokens or cursors. A client may send its
//! own `x-request-id`; it is repeated in the answer and stands in every log line of the request.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Instant;

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use hashbrown::HashMap;
use metrics::{Counter, Histogram};
use tracing::Span;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a request is called in the logs.
#[derive(Debug, Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The one that the client sent, or a new one: a part for the process, and a number.
    pub(super) fn of(request: &Parts) -> Self {
        static PROCESS: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().simple().to_string()[..12].to_owned());
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        if let Some(sent) = request.headers.get(REQUEST_ID).filter(|sent| is_plain(sent)) {
            return Self(sent.clone());
        }
        // Exactly: a text with room to spare costs another allocation as a header.
        let mut id = String::with_capacity(PROCESS.len() + 8);
        // Writing to a String never fails.
        let _ = write!(id, "{}{:08x}", *PROCESS, NUMBER.fetch_add(1, Ordering::Relaxed));
        Self(HeaderValue::try_from(id).expect("hexadecimal digits make a header"))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Tells the client.
    pub(super) fn repeat(self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.0);
    }
}

/// Ids that can stand in a log as they are.
fn is_plain(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Seen {
    started: Instant,
    method: Method,
    /// What to count it under if no route took it.
    area: &'static str,
    pub(super) span: Span,
}

impl Seen {
    pub(super) fn new(request: &Parts, id: &RequestId) -> Self {
        let method = request.method.clone();
        // For those who look closely: a span that nobody sees would cost more than many a handler.
        let span = tracing::debug_span!("http.request", request.id = id.as_str(), http.method = %method);
        Self { started: Instant::now(), method, area: area_of(request.uri.path()), span }
    }
}

/// The route that took a request, told with the answer: what is outside of the router cannot see it otherwise.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// The router's.
    Matched(MatchedPath),
    /// What would have been the router's, had it been asked.
    Quick(&'static str),
}

impl Route {
    fn as_str(&self) -> &str {
        match self {
            Self::Matched(path) => path.as_str(),
            Self::Quick(path) => path,
        }
    }
}

/// Where the log tells why a request failed, told with the answer.
#[derive(Debug, Clone)]
pub(super) struct LogId(pub(super) String);

/// Tells the route with the answer.
pub(super) fn tell(route: Option<Route>, response: &mut Response) {
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
}

/// What has no route of its own name, or none at all.
fn area_of(path: &str) -> &'static str {
    const AREAS: [&str; 4] = ["/assets", "/git", "/metrics", "/.backstage"];
    let area = AREAS
        .into_iter()
        .find(|area| path.strip_prefix(area).is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'/', ..])));
    area.unwrap_or("(none)")
}

/// The counters of requests, found without building their labels again.
#[derive(Default)]
pub(super) struct Figures {
    by_route: RwLock<HashMap<String, Answers>>,
}

/// The figures of one route by method and status.
type Answers = HashMap<(Method, u16), Figure>;

#[derive(Clone)]
struct Figure {
    requests: Counter,
    duration: Histogram,
}

impl Figures {
    /// Counts an answer, and says in the log which request went wrong here.
    pub(super) fn count(&self, seen: &Seen, id: &RequestId, response: &mut Response) {
        let elapsed = seen.started.elapsed().as_secs_f64();
        let status = response.status();
        let told = response.extensions_mut().remove::<Route>();
        let route = told.as_ref().map_or(seen.area, Route::as_str);
        let key = (seen.method.clone(), status.as_u16());
        let known = {
            let by_route = self.by_route.read().unwrap_or_else(PoisonError::into_inner);
            by_route.get(route).and_then(|figures| figures.get(&key)).cloned()
        };
        let figure = known.unwrap_or_else(|| self.begin(route, key));
        figure.requests.increment(1);
        figure.duration.record(elapsed);
        let (id, method, duration_ms) = (id.as_str(), &seen.method, elapsed * 1000.0);
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            let log_id = response.extensions_mut().remove::<LogId>().map(|LogId(id)| id);
            tracing::error!(request.id = id, log_id, http.route = route, duration_ms, "{method} {route} failed");
        } else {
            let status = status.as_u16();
            tracing::debug!(
                request.id = id,
                http.status = status,
                http.route = route,
                duration_ms,
                "{method} {route} answered {status}"
            );
        }
    }

    fn begin(&self, route: &str, (method, status): (Method, u16)) -> Figure {
        let labels = [("method", method.to_string()), ("route", route.to_owned()), ("status", status.to_string())];
        let figure = Figure {
            requests: metrics::counter!("http_requests_total", &labels),
            duration: metrics::histogram!("http_request_duration_seconds", &labels),
        };
        let mut by_route = self.by_route.write().unwrap_or_else(PoisonError::into_inner);
        by_route.entry_ref(route).or_default().insert((method, status), figure.clone());
        figure
    }
}
