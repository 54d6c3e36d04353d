//! The accept loop: connections with limits, and a shutdown that lets answers finish.
//!
//! `axum::serve` sets no limit to how long and how large request headers may be; hyper's own builder does. On
//! shutdown the listener closes first, idle connections next, and requests under way get [`GRACE`] to finish;
//! streams of events end themselves at that moment (see [`super::sse`]).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Entrance;

/// How long a client may take to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of request line and headers together. There may be a hundred headers, hyper's own limit; to set another one
/// would cost an allocation for every request.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// How long requests under way may take once the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Cancelled when the server stops; in the extensions of every request. Shared, because a copy of a token takes a lock
/// that all its copies have in common.
#[derive(Debug, Clone)]
pub(super) struct Stopping(pub(super) Arc<CancellationToken>);

/// Serves until `shutdown` is cancelled and the requests under way are answered.
pub(crate) async fn serve(listener: TcpListener, entrance: Entrance, shutdown: CancellationToken) {
    let entrance = entrance.until(Stopping(Arc::new(shutdown.clone())));
    let connections = GracefulShutdown::new();
    let builder = builder();
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to come back instead of spinning.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = shutdown.cancelled() => break,
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch off Nagle's algorithm");
        }
        let entrance = entrance.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            entrance.clone().enter(request).map(Ok::<_, Infallible>)
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let watched = connections.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within {} s of the shutdown", GRACE.as_secs());
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(64 * 1024)
        .keep_alive_interval(Duration::from_secs(30));
    builder
}
