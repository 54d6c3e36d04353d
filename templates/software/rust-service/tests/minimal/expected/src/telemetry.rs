//! Logs: one JSON object a line on standard output, each with the span of the request it belongs to.

use tracing::Level;
use tracing_subscriber::{Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Installs the process's logger; without a filter, `info` and above is written. A second call changes nothing.
pub fn init(filter: Option<&Targets>) {
    let filter = filter.cloned().unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_filter(filter);
    if let Err(error) = tracing_subscriber::registry().with(lines).try_init() {
        tracing::warn!(%error, "a logger was installed before");
    }
}
