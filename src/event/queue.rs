//! The queue of events: they wait in the database, and whichever process has a place takes the next.
//!
//! An event is in hand for a short while that is renewed until it is done, so one whose process died is another's soon. What
//! failed in passing is tried again, later each time; what cannot be followed is given up and may be delivered again.
//! Pull requests have places of their own: looking at one takes longer than reading a file.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Events;
use super::store::{self, Claimed};
use crate::catalog::{ForgeEvent, ProviderError};
use crate::forge::{ForgeError, Told};

/// How long an event may take.
const TIMEOUT: Duration = Duration::from_mins(5);
/// How long an event is in hand without being renewed, and how often that is done.
const LEASE: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(5);
/// How often it is looked what waits for its time, or was left by other processes: soon after there was something, and
/// when there was nothing for a while.
const POLL: Duration = Duration::from_secs(5);
const IDLE_POLL: Duration = Duration::from_secs(30);
const IDLE_AFTER: Duration = Duration::from_mins(2);
/// After the database failed.
const RETRY: Duration = Duration::from_secs(2);
/// How often an event is begun, and how long it waits after the first failure.
const ATTEMPTS: i32 = 6;
const PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Events that do not hold up those of the other lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    PullRequests,
    Others,
}

impl Lane {
    /// Events that one process follows at the same time, so that a slow one does not hold up the others.
    fn places(self) -> usize {
        match self {
            Self::PullRequests => 4,
            // Pushes that are followed together are read together.
            Self::Others => 32,
        }
    }
}

/// Says that something was put into the queue.
#[derive(Debug, Default)]
pub(super) struct Bell {
    pull_requests: Notify,
    others: Notify,
}

impl Bell {
    /// Something of this kind waits.
    pub(super) fn ring(&self, told: &Told) {
        let lane = if matches!(told, Told::PullRequest(_)) { Lane::PullRequests } else { Lane::Others };
        self.of(lane).notify_one();
    }

    fn of(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::PullRequests => &self.pull_requests,
            Lane::Others => &self.others,
        }
    }
}

impl Events {
    /// Follows what waits, until `shutdown`.
    pub(super) async fn follow_all(&self, shutdown: &CancellationToken) {
        join_all([Lane::PullRequests, Lane::Others].map(|lane| self.follow_lane(lane, shutdown))).await;
    }

    async fn follow_lane(&self, lane: Lane, shutdown: &CancellationToken) {
        let (mut under_way, mut held) = (JoinSet::new(), HashSet::new());
        let mut last_at = None::<Instant>;
        loop {
            match self.claimed(lane, lane.places() - under_way.len()).await {
                Ok(claimed) => {
                    for one in claimed {
                        last_at = Some(Instant::now());
                        held.insert(one.id.clone());
                        let events = self.clone();
                        under_way.spawn(async move { events.follow(one).await });
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot look for webhooks that wait"),
            }
            let is_idle = last_at.is_none_or(|at| at.elapsed() > IDLE_AFTER);
            let pause = if is_idle { IDLE_POLL } else { POLL };
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(done) = under_way.join_next() => match done {
                    Ok(id) => drop(held.remove(&id)),
                    // It is let go of by itself.
                    Err(error) => tracing::error!(%error, "following a webhook broke off"),
                },
                () = self.inner.bell.of(lane).notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        under_way.shutdown().await;
        let held: Vec<String> = held.into_iter().collect();
        if let Err(error) = store::release(&self.inner.pool, &held).await {
            tracing::warn!(%error, "webhooks that are not followed to the end wait for a moment");
        }
    }

    async fn claimed(&self, lane: Lane, places: usize) -> Result<Vec<Claimed>, sqlx::Error> {
        if places == 0 {
            return Ok(Vec::new());
        }
        let most = i64::try_from(places).unwrap_or(i64::MAX);
        store::claim(&self.inner.pool, lane == Lane::PullRequests, most, LEASE).await
    }

    /// Follows an event as far as it goes now; gives its id.
    async fn follow(self, claimed: Claimed) -> String {
        let Claimed { id, kind, host, told, attempts, received_at } = claimed;
        let followed = match serde_json::from_value(told.0) {
            Ok(told) => self.follow_held(&id, &ForgeEvent { host, told, received_at }).await,
            Err(error) => Err(anyhow::anyhow!("another release wrote it: {error}")),
        };
        let taken = (Utc::now() - received_at).to_std().unwrap_or_default();
        metrics::histogram!("webhook_duration_seconds").record(taken);
        let noted = match followed {
            Ok(()) => {
                tracing::debug!(kind, id, took_ms = taken.as_millis(), "followed a webhook");
                store::set_done(&self.inner.pool, &id, Utc::now()).await
            }
            Err(error) => {
                let (pause, error) = (pause_after(&error, attempts), format!("{error:#}"));
                if let Some(pause) = pause {
                    tracing::info!(error, kind, id, after = ?pause, "a webhook is followed later");
                } else {
                    // The next run of the schedules finds out the same, where everybody sees it.
                    tracing::warn!(error, kind, id, "cannot follow a webhook");
                }
                store::set_failed(&self.inner.pool, &id, &error, pause).await
            }
        };
        if let Err(error) = noted {
            tracing::warn!(%error, id, "cannot note what became of a webhook; it is followed again");
        }
        id
    }

    /// Follows an event, and keeps it in hand meanwhile.
    async fn follow_held(&self, id: &str, event: &ForgeEvent) -> anyhow::Result<()> {
        let hold = async {
            loop {
                tokio::time::sleep(RENEWAL).await;
                if let Err(error) = store::renew(&self.inner.pool, id, LEASE).await {
                    tracing::warn!(%error, id, "cannot keep a webhook in hand");
                    tokio::time::sleep(RETRY).await;
                }
            }
        };
        tokio::select! {
            followed = tokio::time::timeout(TIMEOUT, self.followed(event)) => {
                followed.unwrap_or_else(|_| Err(anyhow::anyhow!("not done within {} s", TIMEOUT.as_secs())))
            }
            () = hold => Ok(()),
        }
    }
}

/// After how long an event is tried again; none if that does not help, or was done often enough.
fn pause_after(error: &anyhow::Error, attempts: i32) -> Option<Duration> {
    let forge = error.downcast_ref::<ForgeError>().or_else(|| match error.downcast_ref::<ProviderError>() {
        Some(ProviderError::Forge(forge)) => Some(forge),
        _ => None,
    });
    if attempts >= ATTEMPTS {
        return None;
    }
    let doubled = PAUSE * 2_u32.pow(u32::try_from(attempts - 1).unwrap_or_default());
    match forge {
        Some(ForgeError::Unavailable { retry_after, .. }) => {
            Some(retry_after.map_or(doubled, |wait| wait.max(PAUSE)).min(LONGEST_PAUSE))
        }
        // It says the same the next time.
        Some(_) => None,
        None => Some(doubled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_what_stays_is_not() {
        let unavailable = |seconds: Option<u64>| {
            let retry_after = seconds.map(Duration::from_secs);
            anyhow::Error::from(ForgeError::Unavailable { what: "github.com".to_owned(), retry_after })
        };
        let cases = [
            (unavailable(None), 1, Some(10)),
            (unavailable(None), 3, Some(40)),
            (unavailable(Some(90)).context("a provider"), 1, Some(90)),
            (unavailable(Some(1)), 1, Some(10)),
            (unavailable(Some(86_400)), 1, Some(3600)),
            (unavailable(None), ATTEMPTS, None),
            (ProviderError::from(ForgeError::Refused("no".to_owned())).into(), 1, None),
            (ForgeError::Refused("no".to_owned()).into(), 1, None),
            (anyhow::anyhow!("the database failed"), 2, Some(20)),
        ];
        for (error, attempts, expected) in cases {
            let pause = pause_after(&error, attempts).map(|pause| pause.as_secs());
            assert_eq!(pause, expected, "{error:#} for the {attempts}. time");
        }
    }
}
