//! From socket to shutdown.
//!
//! When told to stop, the service first says so on `/readyz` and goes on serving for [`Config::drain`], because a load
//! balancer keeps sending until it has noticed. Then it stops accepting and waits for open requests, for
//! [`Config::shutdown`] at most.

use std::{future::Future, io, net::SocketAddr};

use thiserror::Error;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};

use crate::{
    config::{Config, ConfigError},
    http::{self, health::Readiness},
};

/// Why the service could not start, or ended.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The environment holds something unusable.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// The address is taken or not allowed.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address from the configuration.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused a signal handler or the listening socket broke.
    #[error("system: {0}")]
    System(#[from] io::Error),
}

/// Opens the listening socket.
///
/// # Errors
///
/// [`ServeError::Bind`], with the address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })
}

/// Resolves on the first SIGTERM (from an orchestrator) or SIGINT (Ctrl-C).
///
/// # Errors
///
/// When the system refuses the handlers.
pub fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, ServeError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Serves until `stop` resolves, then drains and returns.
///
/// # Errors
///
/// When the listening socket breaks.
pub async fn serve(
    listener: TcpListener,
    config: &Config,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    tracing::info!(address = %listener.local_addr()?, "listening");
    let readiness = Readiness::default();
    let router = http::router(readiness.clone(), config.request_timeout);
    let (accepting, closed) = oneshot::channel::<()>();
    let drain = config.drain;
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        readiness.stop();
        tracing::info!(seconds = drain.as_secs(), "draining");
        sleep(drain).await;
        drop(accepting);
    });
    let overdue = async {
        let _closed = closed.await;
        sleep(config.shutdown).await;
    };
    tokio::select! {
        result = async { server.await } => result?,
        () = overdue => tracing::warn!("requests still open at the end of the shutdown time"),
    }
    tracing::info!("stopped");
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn serves_until_told_to_stop() {
        let config = Config::from_variables(|_| None).unwrap();
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let told = async move { stopped.await.unwrap() };
            serve(listener, &config, told).await
        });

        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");

        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let taken = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = taken.local_addr().unwrap();
        let error = bind(address).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")), "{error}");
    }
}
