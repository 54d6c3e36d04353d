//! Logs and metrics.
//!
//! Logging guide: a message reads well alone; identifiers are fields too, dotted (`task.id`, `entity.ref`,
//! `duration_ms`); an error is logged once, where it is handled. `error`: somebody has to act; `warn`: it will need
//! somebody; `info`: what changed; `debug`: how. Never a secret, a token, a cookie or a person's answer.
//! Logs go to standard error: as lines on a terminal, as JSON everywhere else. `RUST_LOG` filters.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged without `RUST_LOG`.
const DEFAULT_FILTER: &str = "info,sqlx=warn,tower_http=warn,hyper=warn,html5ever=error,selectors=error";

/// Upper bounds of duration histograms, in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 300.0];

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines on a terminal, JSON everywhere else.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging for this process; a second call changes nothing. `quiet` keeps all but warnings for lack of `RUST_LOG`.
pub(crate) fn start_logging(format: LogFormat, quiet: bool) {
    let default = if quiet { "warn" } else { DEFAULT_FILTER };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let terminal = std::io::stderr().is_terminal();
    let registry = tracing_subscriber::registry().with(filter);
    let json = format == LogFormat::Json || (format == LogFormat::Auto && !terminal);
    // The error says that a subscriber is there already.
    let started = if json {
        let layer = tracing_subscriber::fmt::layer().json().with_current_span(true).with_span_list(false);
        registry.with(layer.with_writer(std::io::stderr)).try_init()
    } else {
        let layer = tracing_subscriber::fmt::layer().compact().with_target(false).with_ansi(terminal);
        registry.with(layer.with_writer(std::io::stderr)).try_init()
    };
    drop(started);
}

/// The recorder behind `/metrics`, installed for the process at the first call.
pub(crate) fn metrics() -> &'static PrometheusHandle {
    METRICS.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Only one recorder can be global; another one here means that a library installed its own.
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics will be empty");
        }
        handle
    })
}
