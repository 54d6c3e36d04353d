//! When commits were made: asked of the forge once, in the background, and remembered.
//!
//! A page with three hundred deployments must wait for no forge. What is not known yet is shown without its age, and
//! with it the next time.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use lru::LruCache;
use tokio::sync::Semaphore;

use super::promotion;
use crate::forge::{Forges, LogQuery};

/// Commits that are remembered.
const KEPT: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
/// Questions to forges at once.
const AT_ONCE: usize = 4;

/// What is known of commits. Cheap to clone.
#[derive(Clone)]
pub(super) struct Commits(Arc<Inner>);

/// `host/owner/repository` and a commit.
type Key = (String, String);

struct Inner {
    known: Mutex<LruCache<Key, Option<DateTime<Utc>>>>,
    asked: Mutex<HashSet<Key>>,
    turn: Semaphore,
}

impl Default for Commits {
    fn default() -> Self {
        Self(Arc::new(Inner {
            known: Mutex::new(LruCache::new(KEPT)),
            asked: Mutex::default(),
            turn: Semaphore::new(AT_ONCE),
        }))
    }
}

impl Commits {
    /// When a commit of `host/owner/repository` was made, if that is known already.
    pub(super) fn time(&self, forges: &Forges, repository: &str, commit: &str) -> Option<DateTime<Utc>> {
        let key = (repository.to_owned(), commit.to_owned());
        if let Some(known) = self.0.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return *known;
        }
        if self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            let (commits, forges) = (self.clone(), forges.clone());
            tokio::spawn(async move { commits.ask(&forges, key).await });
        }
        None
    }

    async fn ask(&self, forges: &Forges, key: Key) {
        let Ok(_turn) = self.0.turn.acquire().await else { return };
        let found = match promotion::located(forges, &key.0) {
            Ok((forge, repository)) => {
                let query = LogQuery { revision: key.1.clone(), path: None, skip: 0, limit: 1 };
                forge.log(&repository, query).await.ok().and_then(|log| Some(log.first()?.committer.time.to_utc()))
            }
            Err(_) => None,
        };
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).put(key.clone(), found);
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}
