//! News between the workers and readers of runs: in this process at once, between processes through Postgres.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store;

/// News that a slow reader may miss before it has to look for itself.
const KEPT: usize = 1024;
/// Wait before a broken connection is opened again.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

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
    process: Uuid,
}

impl Bulletin {
    /// Without readers.
    pub(super) fn new() -> Self {
        Self { sender: broadcast::Sender::new(KEPT), process: Uuid::now_v7() }
    }

    /// Sees every notice from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.sender.subscribe()
    }

    /// Tells this process; after the commit that the notice is about.
    pub(super) fn tell(&self, notice: Notice) {
        // Nobody listening is fine.
        let _ = self.sender.send(notice);
    }

    /// What to notify other processes with, in the transaction that the notice is about.
    pub(super) fn payload(&self, notice: Notice) -> String {
        let (word, task) = match notice {
            Notice::Opened(task) => ("opened", task),
            Notice::Said(task) => ("said", task),
            Notice::Cancel(task) => ("cancel", task),
        };
        format!("{word} {task} {}", self.process)
    }

    /// Passes on what other processes tell, until `shutdown`.
    pub(super) async fn listen(self, pool: PgPool, shutdown: CancellationToken) {
        loop {
            let listened = tokio::select! {
                () = shutdown.cancelled() => return,
                listened = self.hear(&pool) => listened,
            };
            if let Err(error) = listened {
                tracing::warn!(%error, "the scaffolder cannot listen to other processes, trying again");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RECONNECT_AFTER) => {}
            }
        }
    }

    async fn hear(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(store::CHANNEL).await?;
        loop {
            let notification = listener.recv().await?;
            if let Some(notice) = self.parse(notification.payload()) {
                self.tell(notice);
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
