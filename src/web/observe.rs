//! What the operators see of a request: its id, its span, its figures.
//!
//! The span names the route, never the address: query values can be tokens or cursors. A client may send its
//! own `x-request-id`; it is repeated in the answer and stands in every log line of the request.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use metrics::{Counter, Histogram};
use tracing::Span;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a request is called in the logs.
#[derive(Debug, Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The one that the client sent, or a new one: a part for the process, and a number.
    pub(super) fn of(request: &Request) -> Self {
        static PROCESS: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().simple().to_string()[..12].to_owned());
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        if let Some(sent) = request.headers().get(REQUEST_ID).filter(|sent| is_plain(sent)) {
            return Self(sent.clone());
        }
        let mut id = String::with_capacity(24);
        // Writing to a String never fails.
        let _ = write!(id, "{}{:08x}", *PROCESS, NUMBER.fetch_add(1, Ordering::Relaxed));
        Self(HeaderValue::try_from(id).expect("hexadecimal digits make a header"))
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
    route: Option<MatchedPath>,
    pub(super) span: Span,
}

impl Seen {
    pub(super) fn new(request: &Request, id: &RequestId) -> Self {
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let id = id.0.to_str().unwrap_or_default();
        let name = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        let span = tracing::info_span!("http.request", request.id = id, http.method = %method, http.route = name);
        Self { started: Instant::now(), method, route, span }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str)
    }
}

const NO_ROUTE: &str = "(none)";

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
    /// Counts an answer.
    pub(super) fn count(&self, seen: &Seen, status: StatusCode) {
        let elapsed = seen.started.elapsed().as_secs_f64();
        let key = (seen.method.clone(), status.as_u16());
        let known = {
            let by_route = self.by_route.read().unwrap_or_else(PoisonError::into_inner);
            by_route.get(seen.route()).and_then(|figures| figures.get(&key)).cloned()
        };
        let figure = known.unwrap_or_else(|| self.begin(seen.route(), key));
        figure.requests.increment(1);
        figure.duration.record(elapsed);
        let _entered = seen.span.enter();
        let (method, route, duration_ms) = (&seen.method, seen.route(), elapsed * 1000.0);
        tracing::debug!(http.status = status.as_u16(), duration_ms, "{method} {route} answered {status}");
    }

    fn begin(&self, route: &str, (method, status): (Method, u16)) -> Figure {
        let labels = [("method", method.to_string()), ("route", route.to_owned()), ("status", status.to_string())];
        let figure = Figure {
            requests: metrics::counter!("http_requests_total", &labels),
            duration: metrics::histogram!("http_request_duration_seconds", &labels),
        };
        let mut by_route = self.by_route.write().unwrap_or_else(PoisonError::into_inner);
        by_route.entry(route.to_owned()).or_default().insert((method, status), figure.clone());
        figure
    }
}
