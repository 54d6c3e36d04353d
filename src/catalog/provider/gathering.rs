//! Looking at many repositories of which something is told at about the same time.
//!
//! The first is asked for at once and by itself. While that is under way the others gather, and are the next request
//! together; so a burst of pushes is a few requests, and a single one waits for nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::forge::{Discovered, ForgeError, GitHub, Look, RepositoryId};

/// Repositories of one request.
const MOST: usize = 50;

/// Those that wait to be looked at, all in the same way.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by whoever asks, for those that waited with it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    id: RepositoryId,
    answer: oneshot::Sender<Seen>,
}

/// What a request for many told of one.
#[derive(Debug)]
enum Seen {
    Found(Box<Discovered>),
    /// GitHub takes no requests for now.
    Unavailable(ForgeError),
    /// Nothing: it is asked for by itself.
    Unknown,
}

impl Gathering {
    /// A repository as it is after this was called; `ForgeError::NotFound` if there is none.
    pub(super) async fn look(&self, github: &GitHub, id: &RepositoryId, look: &Look) -> Result<Discovered, ForgeError> {
        let (answer, mut told) = oneshot::channel();
        self.lock().push(Waiting { id: id.clone(), answer });
        let turn = self.turn.lock().await;
        if told.is_empty() {
            let batch = self.next(id.owner());
            if batch.len() > 1 {
                ask(github, id.owner(), batch, look).await;
            } else {
                // Whoever comes now gathers for the next request.
                let found = github.discover_one(id, look).await;
                drop(turn);
                return found;
            }
        }
        drop(turn);
        match told.try_recv() {
            Ok(Seen::Found(found)) => Ok(*found),
            Ok(Seen::Unavailable(error)) => Err(error),
            // Not there, moved, or whoever asked was stopped.
            Ok(Seen::Unknown) | Err(_) => github.discover_one(id, look).await,
        }
    }

    /// Takes those of an owner that wait.
    fn next(&self, owner: &str) -> Vec<Waiting> {
        let mut waiting = self.lock();
        // Nobody waits any more for what was stopped.
        waiting.retain(|one| !one.answer.is_closed());
        let mut taken = 0;
        let is_next = |one: &mut Waiting| {
            let is_next = one.id.owner().eq_ignore_ascii_case(owner) && taken < MOST;
            taken += usize::from(is_next);
            is_next
        };
        waiting.extract_if(.., is_next).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for all of these with one request, and tells everybody.
async fn ask(github: &GitHub, owner: &str, batch: Vec<Waiting>, look: &Look) {
    let mut names: Vec<&str> = batch.iter().map(|one| one.id.name()).collect();
    names.sort_unstable();
    names.dedup();
    let found = github.discover_some(owner, &names, look).await;
    for one in batch {
        let is_this = |found: &&Discovered| found.id.name().eq_ignore_ascii_case(one.id.name());
        let seen = match &found {
            Ok(found) => found.iter().find(is_this).map_or(Seen::Unknown, |found| Seen::Found(Box::new(found.clone()))),
            Err(ForgeError::Unavailable { what, retry_after }) => {
                Seen::Unavailable(ForgeError::Unavailable { what: what.clone(), retry_after: *retry_after })
            }
            Err(_) => Seen::Unknown,
        };
        // Who is stopped meanwhile does not want to know.
        let _ = one.answer.send(seen);
    }
}
