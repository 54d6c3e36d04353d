//! The service as a library, so that tests reach all of it and `main.rs` stays a few lines.
//!
//! A request goes from [`server`] (sockets, shutdown) through `http` (routes, middleware, problem documents) to the
//! domain (`allocation`), which knows nothing of HTTP.

mod allocation;
pub mod config;
mod http;
mod metrics;
pub mod server;
pub mod telemetry;
