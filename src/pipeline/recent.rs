//! What GitHub told a moment ago.
//!
//! Of one repository one thing is asked at a time; who asks the same meanwhile waits and gets the same answer. Failures
//! are kept as long as answers: a GitHub in trouble is not asked more often for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

use super::{Place, RunDetails, Told};
use crate::forge::{ForgeError, Run};

/// How long an answer is taken for true.
const FRESH: Duration = Duration::from_secs(5);
/// Repositories of which something is kept.
const REPOSITORIES: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The repositories that were asked last.
pub(super) struct Recent {
    shelves: Mutex<LruCache<Place, Arc<Shelf>>>,
    fresh: Duration,
}

/// The answers of one repository.
pub(super) struct Shelf {
    fresh: Duration,
    answers: tokio::sync::Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    /// By branch; all branches by none.
    runs: HashMap<Option<String>, (Instant, Told<Vec<Run>>)>,
    details: HashMap<u64, (Instant, Told<RunDetails>)>,
}

impl Default for Recent {
    fn default() -> Self {
        Self::fresh_for(FRESH)
    }
}

impl Recent {
    /// With another time that answers are taken for true.
    pub(super) fn fresh_for(fresh: Duration) -> Self {
        Self { shelves: Mutex::new(LruCache::new(REPOSITORIES)), fresh }
    }

    /// What is kept of a repository.
    pub(super) fn of(&self, place: &Place) -> Arc<Shelf> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = || Arc::new(Shelf { fresh: self.fresh, answers: tokio::sync::Mutex::default() });
        Arc::clone(shelves.get_or_insert(place.clone(), shelf))
    }

    /// Nothing that was told of a repository counts any more.
    pub(super) fn forget(&self, place: &Place) {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner).pop(place);
    }
}

impl Shelf {
    /// The runs of a branch.
    pub(super) async fn runs(
        &self,
        branch: Option<&str>,
        ask: impl Future<Output = Result<Vec<Run>, ForgeError>>,
    ) -> Told<Vec<Run>> {
        let mut answers = self.answers.lock().await;
        recent(&mut answers.runs, branch.map(str::to_owned), self.fresh, ask).await
    }

    /// One run.
    pub(super) async fn details(
        &self,
        run: u64,
        ask: impl Future<Output = Result<RunDetails, ForgeError>>,
    ) -> Told<RunDetails> {
        let mut answers = self.answers.lock().await;
        recent(&mut answers.details, run, self.fresh, ask).await
    }
}

async fn recent<K: Hash + Eq, T>(
    known: &mut HashMap<K, (Instant, Told<T>)>,
    key: K,
    fresh: Duration,
    ask: impl Future<Output = Result<T, ForgeError>>,
) -> Told<T> {
    known.retain(|_, (told, _)| told.elapsed() < fresh);
    if let Some((_, answer)) = known.get(&key) {
        return answer.clone();
    }
    let answer = ask.await.map(Arc::new).map_err(Arc::new);
    known.insert(key, (Instant::now(), answer.clone()));
    answer
}
