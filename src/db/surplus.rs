//! Lets connections go that a quiet portal does not need.
//!
//! The pool hands its connections out in turn. After a busy minute there are many, and the few statements of a quiet one
//! would go round all of them: each keeps a process of the server alive, and plans for itself what another has planned.
//! Closing whatever lay idle is no way out, for then most statements of a quiet portal begin with a connection, which
//! costs more than they do. So it is decided when a connection comes back: if it had lain idle for long when it was
//! taken, and others lie there, it is one too many. Under load none lies idle for long, and none is closed.
//!
//! Flow: [`Surplus::opened`], [`Surplus::taken`], [`Surplus::is_wanted`] are the pool's hooks. The number that lies idle is
//! counted here, for a hook is not told it; should the count go wrong (a connection broke on its way back), it is right
//! again when the next one is opened, because that happens where none is idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Connections that a quiet portal keeps: now and then two things are done at once.
const KEPT: usize = 2;
/// How long a connection lies idle in a pool that is larger than it need be.
pub(super) const LONG: Duration = Duration::from_secs(5);
/// How long a connection lives at most: what the server keeps for it grows with what it was asked.
const LIFETIME: Duration = Duration::from_mins(30);

/// What is known of one pool; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Surplus {
    long: Duration,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: AtomicUsize,
    is_quiet: AtomicBool,
}

impl Surplus {
    pub(super) fn new(long: Duration) -> Self {
        Self { long, state: Arc::default() }
    }

    /// A connection was opened: none was idle.
    pub(super) fn opened(&self) {
        self.state.idle.store(0, Ordering::Relaxed);
        self.state.is_quiet.store(false, Ordering::Relaxed);
    }

    /// A connection was taken that lay idle for so long.
    pub(super) fn taken(&self, idle_for: Duration) {
        let _ = self.state.idle.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |idle| idle.checked_sub(1));
        self.state.is_quiet.store(idle_for >= self.long, Ordering::Relaxed);
    }

    /// Whether a connection of this age, which is given back, is kept.
    pub(super) fn is_wanted(&self, age: Duration) -> bool {
        let is_surplus = self.state.is_quiet.load(Ordering::Relaxed) && self.state.idle.load(Ordering::Relaxed) >= KEPT;
        let is_wanted = age < LIFETIME && !is_surplus;
        if is_wanted {
            self.state.idle.fetch_add(1, Ordering::Relaxed);
        }
        is_wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YOUNG: Duration = Duration::ZERO;

    fn after_a_burst() -> Surplus {
        let surplus = Surplus::new(LONG);
        for _ in 0..5 {
            surplus.opened();
        }
        assert!((0..5).all(|_| surplus.is_wanted(YOUNG)));
        surplus
    }

    #[test]
    fn under_load_every_connection_is_kept() {
        let surplus = after_a_burst();
        for _ in 0..20 {
            surplus.taken(Duration::from_millis(3));
            assert!(surplus.is_wanted(YOUNG));
        }
    }

    #[test]
    fn a_quiet_pool_shrinks_to_what_it_keeps() {
        let surplus = after_a_burst();
        let kept = (0..10).filter(|_| {
            surplus.taken(LONG);
            surplus.is_wanted(YOUNG)
        });
        assert_eq!(kept.count(), 7, "three of five were closed");
    }

    #[test]
    fn what_lived_long_is_not_kept() {
        assert!(!Surplus::new(LONG).is_wanted(LIFETIME));
    }

    #[test]
    fn a_wrong_count_is_right_after_the_next_connection() {
        let surplus = after_a_burst();
        surplus.opened();
        surplus.taken(LONG);
        assert!(surplus.is_wanted(YOUNG), "it counts none that lies idle");
    }
}
