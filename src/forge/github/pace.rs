//! How fast a credential may ask: GitHub's documented limits, kept before GitHub has to say so.
//!
//! - *Primary*: `x-ratelimit-remaining` and `x-ratelimit-reset` of the last answer; at zero nothing is sent until then.
//! - *Secondary*: at most 80 content-generating requests a minute and 500 an hour (every request that is not a reading
//!   one counts here), and whatever `Retry-After` an answer names.
//!
//! Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.
//!
//! A place in the queue is taken once and not given back: what was asked waits its turn, nothing overtakes.

use std::collections::VecDeque;
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
    budget: Option<Budget>,
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

    /// Takes the next place: how long to wait for it, or, where that is longer than `patience`, the wait that is
    /// refused.
    pub(super) fn take(&self, now: Instant, content: bool, patience: Duration) -> Result<Duration, Duration> {
        let mut state = self.lock();
        let mut at = state.closed_until.filter(|until| *until > now).unwrap_or(now);
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

    /// What an answer said is left.
    pub(super) fn learn(&self, budget: Budget) {
        self.lock().budget = Some(budget);
    }

    /// What the last answer said is left.
    pub(super) fn budget(&self) -> Option<Budget> {
        self.lock().budget
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
        let waits: Vec<u64> = (0..600).map(|_| pace.take(start, true, forever).unwrap().as_secs()).collect();
        assert!(waits[..80].iter().all(|wait| *wait == 0));
        assert!(waits[80..160].iter().all(|wait| *wait == 60));
        assert_eq!(waits[499], 360);
        assert!(waits[500..580].iter().all(|wait| *wait == 3600));
        assert_eq!(waits[580], 3660);
        assert_eq!(pace.take(start, false, forever), Ok(Duration::ZERO));
        let refused = pace.take(start, true, Duration::from_mins(1)).unwrap_err();
        assert!(refused > Duration::from_hours(1));
    }

    #[tokio::test]
    async fn a_closed_gate_holds_everything_back() {
        let pace = Pace::new(Tempo::default());
        let start = Instant::now();
        pace.close(start, Duration::from_secs(30));
        pace.close(start, Duration::from_secs(10));
        assert_eq!(pace.take(start, false, Duration::from_mins(1)), Ok(Duration::from_secs(30)));
        assert_eq!(pace.take(start, true, Duration::from_secs(5)), Err(Duration::from_secs(30)));
        assert_eq!(pace.take(start + Duration::from_secs(31), false, Duration::ZERO), Ok(Duration::ZERO));
    }
}
