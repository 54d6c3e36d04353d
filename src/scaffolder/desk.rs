//! The places of this process's workers: a run that is asked for where one is free begins there at once.
//!
//! It is stored as taken by the worker from the start, so nobody else looks at it, and nothing has to be found again. A run
//! that finds no place is stored as open, for whoever has one next.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use uuid::Uuid;

/// Where the workers of this process sit, while there are any.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<Option<Places>>);

/// The places of one crew of workers. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The name that runs are taken under.
    pub(super) worker: Uuid,
    /// One permit for each run at the same time.
    pub(super) free: Arc<Semaphore>,
    /// What has to end before the process does.
    pub(super) tracker: TaskTracker,
    /// The process ends: no further run begins.
    pub(super) stopping: CancellationToken,
}

/// A place for one run, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// The name that the run is taken under.
    pub(super) worker: Uuid,
    /// The process ends: no further step begins.
    pub(super) stopping: CancellationToken,
    _permit: OwnedSemaphorePermit,
    /// Whoever waits for the workers waits for this run, too.
    _token: TaskTrackerToken,
}

impl Desk {
    /// Lets runs be begun here.
    pub(super) fn open(&self, places: Places) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(places);
    }

    /// Lets no further run be begun here.
    pub(super) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A free place, if there is one.
    pub(super) fn place(&self) -> Option<Place> {
        let desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let places = desk.as_ref().filter(|places| !places.stopping.is_cancelled())?;
        let permit = Arc::clone(&places.free).try_acquire_owned().ok()?;
        Some(places.place(permit))
    }
}

impl Places {
    /// Places for so many runs at the same time.
    pub(super) fn new(count: usize, tracker: TaskTracker, stopping: CancellationToken) -> Self {
        Self { worker: Uuid::now_v7(), free: Arc::new(Semaphore::new(count)), tracker, stopping }
    }

    /// The place of a permit.
    pub(super) fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        let (worker, stopping) = (self.worker, self.stopping.clone());
        Place { worker, stopping, _permit: permit, _token: self.tracker.token() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_places_as_runs_at_a_time_until_the_process_stops() {
        let (desk, tracker, stopping) = (Desk::default(), TaskTracker::new(), CancellationToken::new());
        assert!(desk.place().is_none(), "nobody works yet");
        desk.open(Places::new(2, tracker.clone(), stopping.clone()));
        let (one, two) = (desk.place().unwrap(), desk.place().unwrap());
        assert_eq!(one.worker, two.worker);
        assert!(desk.place().is_none());
        drop(one);
        assert_eq!(tracker.len(), 1, "the workers wait for what has a place");
        assert!(desk.place().is_some());
        stopping.cancel();
        assert!(desk.place().is_none());
    }

    #[test]
    fn nothing_is_begun_where_nobody_works_any_more() {
        let desk = Desk::default();
        desk.open(Places::new(1, TaskTracker::new(), CancellationToken::new()));
        desk.close();
        assert!(desk.place().is_none());
    }
}
