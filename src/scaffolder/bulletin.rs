//! News between the workers and readers of runs: in this process at once, between processes through Postgres.
//!
//! What is told here is announced to the others by a task of its own, many notices in one statement: a commit that
//! notifies holds a lock that all of them have in common, so they would wait for each other's disk. A notice can get lost
//! with its process; whoever waits for one also looks by itself now and then.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Mutex, broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store;
use crate::db;

/// News that a slow reader may miss before it has to look for itself.
const KEPT: usize = 1024;
/// Notices that wait to be announced; what is more is found by looking.
const WAITING: usize = 4096;
/// How long notices gather before they are announced.
const GATHERING: Duration = Duration::from_millis(2);

/// Something that somebody may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// A run wants a worker.
    Opened(Uuid),
    /// A run has new events.
    Said(Uuid),
    /// A run is to be cancelled.
    Cancel(Uuid),
}

/// The news of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Bulletin {
    sender: broadcast::Sender<Notice>,
    announced: mpsc::Sender<Notice>,
    /// Taken by whoever announces.
    to_announce: Arc<Mutex<mpsc::Receiver<Notice>>>,
    process: Uuid,
}

impl Bulletin {
    /// Without readers.
    pub(super) fn new() -> Self {
        let (announced, to_announce) = mpsc::channel(WAITING);
        let to_announce = Arc::new(Mutex::new(to_announce));
        Self { sender: broadcast::Sender::new(KEPT), announced, to_announce, process: Uuid::now_v7() }
    }

    /// Sees every notice from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.sender.subscribe()
    }

    /// Tells everybody; after the commit that the notice is about.
    pub(super) fn tell(&self, notice: Notice) {
        self.pass_on(notice);
        // A full queue is announced to those who look.
        let _ = self.announced.try_send(notice);
    }

    /// Has the workers of this process look whether there is something to do.
    pub(super) fn remind(&self) {
        self.pass_on(Notice::Opened(Uuid::nil()));
    }

    /// Tells this process.
    fn pass_on(&self, notice: Notice) {
        // Nobody listening is fine.
        let _ = self.sender.send(notice);
    }

    /// Announces to other processes what this one tells, until `shutdown`, and then what is left.
    pub(super) async fn announce(self, pool: PgPool, shutdown: CancellationToken) {
        let mut to_announce = self.to_announce.lock().await;
        let mut notices = Vec::new();
        while let Some(1..) = shutdown.run_until_cancelled(to_announce.recv_many(&mut notices, WAITING)).await {
            tokio::time::sleep(GATHERING).await;
            notices.extend(std::iter::from_fn(|| to_announce.try_recv().ok()).take(WAITING));
            self.notify(&pool, &mut notices).await;
        }
        while let Ok(notice) = to_announce.try_recv() {
            notices.push(notice);
        }
        self.notify(&pool, &mut notices).await;
    }

    async fn notify(&self, pool: &PgPool, notices: &mut Vec<Notice>) {
        let mut payloads: Vec<String> = notices.drain(..).map(|notice| self.payload(notice)).collect();
        // They do not depend on each other, and most runs say more than one thing meanwhile.
        payloads.sort_unstable();
        payloads.dedup();
        if let Err(error) = store::notify(pool, &payloads).await {
            tracing::debug!(%error, "other processes cannot be told; they look by themselves");
        }
    }

    /// What other processes are notified with.
    fn payload(&self, notice: Notice) -> String {
        let (word, task) = match notice {
            Notice::Opened(task) => ("opened", task),
            Notice::Said(task) => ("said", task),
            Notice::Cancel(task) => ("cancel", task),
        };
        format!("{word} {task} {}", self.process)
    }

    /// Passes on what other processes tell, until `shutdown`.
    pub(super) async fn listen(self, pool: PgPool, shutdown: CancellationToken) {
        db::keep_listening("what other processes tell of runs", &shutdown, || self.hear(&pool)).await;
    }

    async fn hear(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(store::CHANNEL).await?;
        // Something may have been told before.
        self.remind();
        loop {
            let notification = listener.recv().await?;
            if let Some(notice) = self.parse(notification.payload()) {
                self.pass_on(notice);
            }
        }
    }

    /// A notice of another process; our own are told already.
    fn parse(&self, payload: &str) -> Option<Notice> {
        let mut words = payload.split(' ');
        let (word, task, process) = (words.next()?, words.next()?, words.next()?);
        if Uuid::from_str(process).ok()? == self.process {
            return None;
        }
        let task = Uuid::from_str(task).ok()?;
        match word {
            "opened" => Some(Notice::Opened(task)),
            "said" => Some(Notice::Said(task)),
            "cancel" => Some(Notice::Cancel(task)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_of_other_processes_are_understood_and_own_ones_are_not_repeated() {
        let (ours, theirs) = (Bulletin::new(), Bulletin::new());
        let task = Uuid::now_v7();
        for notice in [Notice::Opened(task), Notice::Said(task), Notice::Cancel(task)] {
            assert_eq!(ours.parse(&theirs.payload(notice)), Some(notice));
            assert_eq!(ours.parse(&ours.payload(notice)), None);
        }
        assert_eq!(ours.parse("nonsense"), None);
    }
}
