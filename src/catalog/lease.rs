//! The claim on a source that is being read: short, and renewed while its reader lives.
//!
//! Who dies in the middle of a reading renews no more, and another process reads the source soon. Who is only slow keeps
//! it. Claims are by the database's clock, so processes need not agree on the time. Nothing depends on a claim but work
//! that is not done twice: a reading that others overtook is not written (see `store::set_read`).

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{Catalog, CatalogError, store};

/// How long claims hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    /// A claim that is not renewed ends after this.
    pub(crate) length: Duration,
    /// How often it is renewed.
    pub(crate) renewal: Duration,
}

impl Default for Lease {
    fn default() -> Self {
        Self { length: Duration::from_secs(30), renewal: Duration::from_secs(10) }
    }
}

impl Catalog {
    /// Claims a source unless another process reads it, which is no reason not to read it too.
    pub(super) async fn claim(&self, reference: &str) -> Result<(), CatalogError> {
        Ok(store::claim(&self.inner.pool, reference, self.inner.process, self.inner.config.lease.length).await?)
    }

    /// Renews the claim on a source until the work is done.
    pub(super) async fn holding<T>(&self, reference: &str, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.renew(reference) => match never {},
        }
    }

    async fn renew(&self, reference: &str) -> Infallible {
        let Lease { length, renewal } = self.inner.config.lease;
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + renewal, renewal);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match store::renew(&self.inner.pool, reference, self.inner.process, length).await {
                Ok(true) => {}
                // It is somebody else's now, or what was read is being written.
                Ok(false) => std::future::pending().await,
                Err(error) => tracing::warn!(%error, source = reference, "cannot renew the claim on a source"),
            }
        }
    }

    /// Lets go of everything that this process claims, so that others need not wait.
    pub(super) async fn let_go(&self) {
        if let Err(error) = store::let_go(&self.inner.pool, self.inner.process).await {
            tracing::warn!(%error, "cannot let go of the sources that were being read");
        }
    }
}
