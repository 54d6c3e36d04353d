//! `/healthz`: the process answers, so do not restart it. `/readyz`: send requests here. They differ while draining.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{extract::State, http::StatusCode};

/// Whether requests are welcome; clones share the answer.
#[derive(Clone, Default)]
pub(crate) struct Readiness {
    stopping: Arc<AtomicBool>,
}

impl Readiness {
    /// From now on `/readyz` says no.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// `GET /healthz`
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`
pub(crate) async fn ready(State(readiness): State<Readiness>) -> (StatusCode, &'static str) {
    if readiness.stopping.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}
