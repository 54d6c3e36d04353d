//! Prometheus metrics: requests and their duration by method, route and status. The route is the pattern, never the
//! path, so that clients cannot grow the number of series.

use std::{fmt, sync::Arc, time::Duration};

use axum::http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

/// Upper bounds in seconds, from a cached answer to the slowest that a client waits for.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

/// Counts what passes; cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    registry: Arc<Registry>,
}

impl Metrics {
    /// Starts at zero.
    pub(crate) fn new() -> Self {
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let mut registry = Registry::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer", seconds.clone());
        Self { requests, seconds, registry: Arc::new(registry) }
    }

    /// Records one answered request.
    pub(crate) fn record(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let labels =
            Labels { method: known(method), route: route.unwrap_or("unmatched").to_owned(), status: status.as_u16() };
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
        self.requests.get_or_create(&labels).inc();
    }

    /// Everything so far in the `OpenMetrics` text format.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

/// Clients may invent methods; labels may not.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
