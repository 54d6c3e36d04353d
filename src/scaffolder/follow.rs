//! Following a run: what happened so far, then what happens, until it is over.

use std::time::Duration;

use futures_util::Stream;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use super::bulletin::Notice;
use super::task::Event;
use super::{Scaffolder, store};
use crate::permission::Credentials;

/// Events that wait for a slow reader.
const AHEAD: usize = 64;
/// How often to look unasked, should a notice get lost.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Scaffolder {
    /// Every event of a run after one of them, as it happens; ends when the run is over.
    pub(crate) fn follow(
        &self,
        _who: &Credentials,
        id: Uuid,
        after: Option<i64>,
    ) -> impl Stream<Item = Event> + Send + use<> {
        let (sender, events) = mpsc::channel(AHEAD);
        let scaffolder = self.clone();
        tokio::spawn(async move {
            if let Err(error) = scaffolder.pass_on(id, after.unwrap_or(0), &sender).await {
                tracing::warn!(task.id = %id, %error, "cannot follow a run any further");
            }
        });
        ReceiverStream::new(events)
    }

    async fn pass_on(&self, id: Uuid, after: i64, reader: &mpsc::Sender<Event>) -> Result<(), sqlx::Error> {
        let mut notices = self.bulletin().subscribe();
        let mut last = after;
        loop {
            // Asked before the events, so that none can come in between.
            let is_over = store::is_over(self.pool(), id).await?;
            for row in store::events(self.pool(), id, last).await? {
                last = row.id;
                if reader.send(Event::of(id, &row)?).await.is_err() {
                    return Ok(());
                }
            }
            if is_over {
                return Ok(());
            }
            tokio::select! {
                () = reader.closed() => return Ok(()),
                () = said(&mut notices, id) => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

async fn said(notices: &mut broadcast::Receiver<Notice>, task: Uuid) {
    loop {
        match notices.recv().await {
            Ok(Notice::Said(about)) if about == task => return,
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
