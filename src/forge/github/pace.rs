//! How fast a credential may ask: GitHub's documented limits, kept before GitHub has to say so.
//!
//! - *Primary*: `x-ratelimit-remaining` and `x-ratelimit-reset` of the last answer; at zero nothing is sent until then. REST
//!   and GraphQL have budgets of their own.
//! - *Secondary*: at most 80 content-generating requests a minute and 500 an hour (every request that is not a reading
//!   one counts here), and whatever `Retry-After` an answer names.
//!
//! Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.
//!
//! A place in the queue is taken once and not given back: what was asked waits its turn, nothing overtakes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// GitHub's windows. A test's GitHub may have a faster clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tempo {
    /// What GitHub calls a second.
    pub(crate) second: Duration,
}

impl Default for Tempo {
    fn default() -> Self {
        Self { second: Duration::from_secs(1) }
    }
}

impl Tempo {
    /// So many of GitHub's seconds.
    pub(super) fn seconds(self, count: u32) -> Duration {
        self.second.saturating_mul(count)
    }
}

/// Content-generating requests, by window in seconds.
const CONTENT: [(usize, u32); 2] = [(80, 60), (500, 3600)];

/// What one credential has used and may use.
#[derive(Debug)]
pub(super) struct Pace {
    tempo: Tempo,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When content was or will be generated, oldest first.
    content: VecDeque<Instant>,
    /// Nothing is sent before.
    closed_until: Option<Instant>,
    /// By GitHub's name of them.
    budgets: BTreeMap<String, Known>,
}

/// A budget, and when it is there again if it is used up.
#[derive(Debug)]
struct Known {
    budget: Budget,
    again: Option<Instant>,
}

/// What GitHub said is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Requests an hour.
    pub(crate) limit: u64,
    /// Requests that are left of them.
    pub(crate) remaining: u64,
    /// When all are there again, in seconds since 1970.
    pub(crate) reset: i64,
}

impl Pace {
    pub(super) fn new(tempo: Tempo) -> Self {
        Self { tempo, state: Mutex::default() }
    }

    pub(super) fn tempo(&self) -> Tempo {
        self.tempo
    }

    /// Takes the next place for a budget: how long to wait for it, or, where that is longer than `patience`, the wait that
    /// is refused.
    pub(super) fn take(
        &self,
        now: Instant,
        resource: &str,
        content: bool,
        patience: Duration,
    ) -> Result<Duration, Duration> {
        let mut state = self.lock();
        let again = state.budgets.get(resource).and_then(|known| known.again);
        let mut at = state.closed_until.into_iter().chain(again).fold(now, Instant::max);
        if content {
            for (most, seconds) in CONTENT {
                if let Some(nth) = state.content.len().checked_sub(most) {
                    at = at.max(state.content[nth] + self.tempo.seconds(seconds));
                }
            }
        }
        let wait = at.saturating_duration_since(now);
        if wait > patience {
            return Err(wait);
        }
        if content {
            state.content.push_back(at);
            if state.content.len() > CONTENT[1].0 {
                state.content.pop_front();
            }
        }
        Ok(wait)
    }

    /// Nothing is sent for so long.
    pub(super) fn close(&self, now: Instant, wait: Duration) {
        let mut state = self.lock();
        let until = now + wait;
        state.closed_until = Some(state.closed_until.map_or(until, |before| before.max(until)));
    }

    /// What an answer said is left of a resource, and for how long nothing is where that is none.
    pub(super) fn learn(&self, now: Instant, resource: &str, budget: Budget, reset: Duration) {
        let again = (budget.remaining == 0).then(|| now + reset);
        let mut state = self.lock();
        let before = state.budgets.get(resource).and_then(|known| known.again);
        // An answer that was on its way meanwhile opens nothing.
        let again = again.or_else(|| before.filter(|before| *before > now));
        state.budgets.insert(resource.to_owned(), Known { budget, again });
    }

    /// What the last answers said is left, by resource.
    pub(super) fn budgets(&self) -> Vec<(String, Budget)> {
        let state = self.lock();
        state.budgets.iter().map(|(resource, known)| (resource.clone(), known.budget)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Numbers only: a panic elsewhere leaves nothing half-written.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn content_is_spread_over_the_windows_and_reading_is_not() {
        let pace = Pace::new(Tempo::default());
        let start = Instant::now();
        let forever = Duration::MAX;
        let waits: Vec<u64> = (0..600).map(|_| pace.take(start, "core", true, forever).unwrap().as_secs()).collect();
        assert!(waits[..80].iter().all(|wait| *wait == 0));
        assert!(waits[80..160].iter().all(|wait| *wait == 60));
        assert_eq!(waits[499], 360);
        assert!(waits[500..580].iter().all(|wait| *wait == 3600));
        assert_eq!(waits[580], 3660);
        assert_eq!(pace.take(start, "core", false, forever), Ok(Duration::ZERO));
        let refused = pace.take(start, "core", true, Duration::from_mins(1)).unwrap_err();
        assert!(refused > Duration::from_hours(1));
    }

    #[tokio::test]
    async fn a_closed_gate_holds_everything_back() {
        let pace = Pace::new(Tempo::default());
        let start = Instant::now();
        pace.close(start, Duration::from_secs(30));
        pace.close(start, Duration::from_secs(10));
        assert_eq!(pace.take(start, "core", false, Duration::from_mins(1)), Ok(Duration::from_secs(30)));
        assert_eq!(pace.take(start, "core", true, Duration::from_secs(5)), Err(Duration::from_secs(30)));
        assert_eq!(pace.take(start + Duration::from_secs(31), "core", false, Duration::ZERO), Ok(Duration::ZERO));
    }

    #[tokio::test]
    async fn a_budget_that_is_used_up_closes_its_own_gate() {
        let pace = Pace::new(Tempo::default());
        let start = Instant::now();
        let minute = Duration::from_mins(1);
        let budget = |remaining| Budget { limit: 5000, remaining, reset: 0 };
        pace.learn(start, "graphql", budget(1), minute);
        assert_eq!(pace.take(start, "graphql", false, Duration::ZERO), Ok(Duration::ZERO));
        pace.learn(start, "graphql", budget(0), minute);
        // What was answered before that comes later.
        pace.learn(start, "graphql", budget(1), minute);
        assert_eq!(pace.take(start, "graphql", false, Duration::ZERO), Err(minute));
        assert_eq!(pace.take(start, "core", false, Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(pace.take(start + minute, "graphql", false, Duration::ZERO), Ok(Duration::ZERO));
        pace.learn(start + minute, "graphql", budget(5000), minute);
        assert_eq!(pace.budgets(), [("graphql".to_owned(), budget(5000))]);
    }
}
