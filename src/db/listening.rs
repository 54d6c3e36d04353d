//! Listening to what other processes tell over the database, for as long as the process runs.
//!
//! A connection that listens ends with whatever ends it; then it is made anew after a moment. What was told in between is
//! not told again, so whoever listens looks for itself each time it begins.

use std::fmt::Display;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long after a lost connection the next one is made.
const RETRY: Duration = Duration::from_secs(1);

/// Listens again and again until `shutdown`. `listen` ends when its connection does; `what` is what is not heard then.
pub(crate) async fn keep_listening<L, E>(what: &str, shutdown: &CancellationToken, listen: impl Fn() -> L)
where
    L: Future<Output = Result<(), E>>,
    E: Display,
{
    keep(what, RETRY, shutdown, listen).await;
}

async fn keep<L, E>(what: &str, retry: Duration, shutdown: &CancellationToken, listen: impl Fn() -> L)
where
    L: Future<Output = Result<(), E>>,
    E: Display,
{
    loop {
        let ended = tokio::select! {
            () = shutdown.cancelled() => return,
            ended = listen() => ended,
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "cannot follow {what}; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(retry) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn it_begins_again_after_a_loss_and_ends_with_the_process() {
        let (shutdown, begun) = (CancellationToken::new(), Cell::new(0));
        let listen = || async {
            begun.set(begun.get() + 1);
            if begun.get() < 3 {
                return Err("lost");
            }
            shutdown.cancel();
            std::future::pending().await
        };
        keep("a test", Duration::ZERO, &shutdown, listen).await;
        assert_eq!(begun.get(), 3);
    }
}
