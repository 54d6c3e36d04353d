//! Workers: they take open runs, keep a sign of life while they work, and settle what a dead worker left.
//!
//! A run belongs to the worker whose id it has; every write names the worker, so one that was given up by the others
//! (its process was frozen, say) can write no more. A run whose worker is silent for [`Limits::silence`] goes to the
//! next worker, and so does one whose server is stopped: steps on the workspace are repeated, outside steps that are done
//! are not. A run that ended [`ATTEMPTS`] servers fails.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;

use super::action::ActionError;
use super::bulletin::Notice;
use super::desk::{Place, Places};
use super::journal::Pen;
use super::log::{Entry, EventKind, NewEvent, TaskLog};
use super::run::{self, Ending, Means, Mode, Outcome};
use super::secret::Mask;
use super::store::{self, Claimed};
use super::workspace::Workspace;
use super::{Scaffolder, task};

/// After the database failed.
const RETRY: Duration = Duration::from_secs(5);

/// So many workers take a run before it is given up.
pub(super) const ATTEMPTS: i32 = 5;

/// The times of a worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Between two signs of life.
    pub(super) beat: Duration,
    /// Without a sign of life for this long, a worker counts as dead.
    pub(super) silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { beat: Duration::from_secs(1), silence: Duration::from_secs(10) }
    }
}

impl Scaffolder {
    /// Takes and runs tasks until `shutdown`; returns when the steps under way are done and recorded.
    pub(crate) async fn work(self, shutdown: CancellationToken) {
        let tracker = TaskTracker::new();
        tracker.spawn(self.bulletin().clone().listen(self.pool().clone(), shutdown.clone()));
        tracker.spawn(self.bulletin().clone().announce(self.pool().clone(), shutdown.clone()));
        tracker.spawn(self.clone().settle(shutdown.clone()));
        tracker.spawn(self.clone().place_problems(shutdown.clone()));
        let places = Places::new(self.config().concurrency(), tracker.clone(), shutdown.clone());
        self.desk().open(places.clone());
        let mut notices = self.bulletin().subscribe();
        while let Some(Ok(permit)) = shutdown.run_until_cancelled(Arc::clone(&places.free).acquire_owned()).await {
            match store::claim(self.pool(), places.worker, Utc::now()).await {
                Ok(Some(claimed)) => {
                    self.take(claimed, places.place(permit));
                    continue;
                }
                Ok(None) => drop(permit),
                Err(error) => {
                    drop(permit);
                    tracing::warn!(%error, "cannot look for runs");
                    shutdown.run_until_cancelled(tokio::time::sleep(RETRY)).await;
                    continue;
                }
            }
            // Should a notice get lost: what settles runs looks now and then, and tells.
            shutdown.run_until_cancelled(opened(&mut notices)).await;
        }
        self.desk().close();
        tracker.close();
        tracker.wait().await;
    }

    /// Runs a task that was stored as taken by the place's worker.
    pub(super) fn take(&self, claimed: Claimed, place: Place) {
        let scaffolder = self.clone();
        tokio::spawn(async move {
            scaffolder.perform(claimed, &place).await;
            drop(place);
        });
    }

    /// Runs one claimed task to its end.
    async fn perform(&self, claimed: Claimed, place: &Place) {
        let pen = self.pen(claimed.id, place.worker);
        let span = tracing::info_span!("scaffolder.run", task.id = %claimed.id);
        let started = std::time::Instant::now();
        let (sender, entries) = mpsc::unbounded_channel();
        let secrets = claimed.secrets.as_deref().and_then(|text| store::json(text).ok()).unwrap_or_default();
        let log = TaskLog::new(sender, Mask::new(&secrets));
        log.hide(&Value::Object(self.surroundings().secrets.clone()));
        let keeping = tokio::spawn(pen.clone().keep(entries));
        let cancelled = CancellationToken::new();
        if claimed.cancel_requested {
            cancelled.cancel();
        }
        let ended = CancellationToken::new();
        let beating = tokio::spawn(beat(self.clone(), pen.clone(), cancelled.clone(), ended.clone()));
        let running = self.outcome(&claimed, &pen, &log, cancelled, place.stopping.clone());
        let outcome = running.instrument(span.clone()).await;
        let unwritten = log.unwritten().await;
        self.conclude(&pen, &log, unwritten, outcome).await;
        ended.cancel();
        drop(log);
        // Both end by themselves now; a panic in them is already reported.
        let _ = tokio::join!(keeping, beating);
        tracing::info!(parent: &span, duration_ms = started.elapsed().as_millis(), "run ended");
    }

    async fn outcome(
        &self,
        claimed: &Claimed,
        pen: &Pen,
        log: &TaskLog,
        cancelled: CancellationToken,
        stopping: CancellationToken,
    ) -> Outcome {
        let job = match task::job(claimed) {
            Ok(job) => job,
            Err(error) => return broken(ActionError::failed(format!("the stored run cannot be read: {error}"))),
        };
        let stop = stopping.child_token();
        let means = Means {
            mode: Mode::Real,
            actions: self.registry().clone(),
            engines: self.engines().clone(),
            surroundings: Arc::clone(self.surroundings()),
            step_limit: self.config().step_timeout.0,
            log: log.clone(),
            ledger: pen.ledger(),
            cancelled,
            stopping: stop.clone(),
        };
        let running = AssertUnwindSafe(run::run(&job, &means)).catch_unwind();
        tokio::pin!(running);
        let outcome = tokio::select! {
            outcome = &mut running => outcome,
            () = pen.lost.cancelled() => {
                // Somebody else has the run: no further step, and nothing more to say.
                stop.cancel();
                running.await
            }
        };
        outcome.unwrap_or_else(|_| {
            broken(ActionError::failed("an action of this program failed unexpectedly; its log has the details"))
        })
    }

    /// Records how a run ended, in one transaction with its last events. One that the end of this process cut short is
    /// given back, and so is one that waits.
    async fn conclude(&self, pen: &Pen, log: &TaskLog, mut events: Vec<NewEvent>, outcome: Outcome) {
        if matches!(outcome.ending, Ending::Interrupted | Ending::Waiting) {
            pen.write(&events).await;
            if outcome.ending == Ending::Waiting {
                self.call_approvers(pen.task, log).await;
            }
            let given_back =
                if outcome.ending == Ending::Waiting { pen.park(outcome.wake_at).await } else { pen.release().await };
            match given_back {
                Ok(true) => {}
                Ok(false) => tracing::warn!(task.id = %pen.task, "a run was taken over by another worker"),
                Err(error) => {
                    tracing::warn!(task.id = %pen.task, %error, "a run cannot be given back; it is taken up later");
                }
            }
            return;
        }
        let (sender, mut last) = mpsc::unbounded_channel();
        run::complete(&log.to(sender), &outcome);
        while let Ok(Entry::Event(event)) = last.try_recv() {
            events.push(event);
        }
        match pen.finish(&events, outcome.ending.status()).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(task.id = %pen.task, "a run was taken over before it could be concluded"),
            Err(error) => {
                tracing::error!(task.id = %pen.task, %error, "a run's end cannot be recorded; it is taken up again later");
            }
        }
        metrics::counter!("scaffolder_task_count", "result" => outcome.ending.status()).increment(1);
    }

    /// Finds the exact places of what is wrong with templates, whenever the catalog changes, until `shutdown`.
    async fn place_problems(self, shutdown: CancellationToken) {
        let mut changes = self.catalog().watch();
        loop {
            self.place().await;
            let changed = shutdown.run_until_cancelled(changes.changed()).await;
            if !matches!(changed, Some(Ok(()))) {
                return;
            }
        }
    }

    /// Looks after runs whose worker died, and those that waited long enough, until `shutdown`. While there are none that
    /// is seldom: what other processes begin is told.
    async fn settle(self, shutdown: CancellationToken) {
        let soon = self.limits().silence / 2;
        loop {
            let mut notices = self.bulletin().subscribe();
            let pause = self.look().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot look for runs that were interrupted or waited");
                soon
            });
            let heard = async {
                // Whatever is told: somebody works.
                let _ = notices.recv().await;
                tokio::time::sleep(soon).await;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = heard => {}
            }
        }
    }

    /// Looks once after the runs that are not over; gives how long to wait before the next look.
    async fn look(&self) -> Result<Duration, sqlx::Error> {
        let silence = self.limits().silence;
        let seldom = silence * 3 / 2;
        let store::Unsettled { oldest_sign, next_wake, is_open } = store::unsettled(self.pool()).await?;
        if oldest_sign.is_some_and(|sign| sign < Utc::now() - silence) {
            self.settle_abandoned(silence).await?;
        }
        if next_wake.is_some_and(|wake| wake <= Utc::now()) {
            self.wake_due().await?;
            return Ok(silence / 2);
        }
        if is_open {
            self.bulletin().remind();
        }
        let until_wake = next_wake.and_then(|wake| (wake - Utc::now()).to_std().ok());
        let pause = if oldest_sign.is_some() || is_open { silence / 2 } else { seldom };
        Ok(until_wake.map_or(pause, |wake| pause.min(wake)))
    }

    /// Opens every run under way again: for a start of the only server that the database has.
    pub(crate) async fn take_over(&self) -> Result<(), super::ScaffolderError> {
        self.settle_abandoned(Duration::ZERO).await?;
        Ok(())
    }

    /// Opens every run again whose worker is silent for so long; how many. One that many workers did not survive is
    /// given up.
    pub(super) async fn settle_abandoned(&self, silence: Duration) -> Result<usize, sqlx::Error> {
        let mut settled = 0;
        loop {
            let now = Utc::now();
            let mut transaction = self.pool().begin().await?;
            let Some(store::Abandoned { id, attempt }) = store::abandoned(&mut *transaction, now - silence).await?
            else {
                return Ok(settled);
            };
            let said = store::events(&mut *transaction, id, 0).await?;
            let step = under_way(&said);
            let notice = if attempt < ATTEMPTS {
                store::add_event(&mut *transaction, id, &goes_on(step.as_deref())).await?;
                store::take_from_worker(&mut *transaction, id).await?;
                Notice::Opened(id)
            } else {
                let made = store::made(&mut *transaction, id).await?;
                for event in last_words(step.as_deref(), &made) {
                    store::add_event(&mut *transaction, id, &event).await?;
                }
                store::give_up(&mut *transaction, id, now).await?;
                Notice::Said(id)
            };
            transaction.commit().await?;
            self.bulletin().tell(Notice::Said(id));
            self.bulletin().tell(notice);
            tracing::warn!(task.id = %id, attempt, "nobody works on a run any more");
            settled += 1;
        }
    }

    fn pen(&self, task: Uuid, worker: Uuid) -> Pen {
        Pen {
            pool: self.pool().clone(),
            bulletin: self.bulletin().clone(),
            task,
            worker,
            lost: CancellationToken::new(),
            has_noted: Arc::default(),
        }
    }
}

/// The end of a run that could not even begin, or that broke.
fn broken(error: ActionError) -> Outcome {
    Outcome {
        ending: Ending::Failed,
        output: Map::new(),
        error: Some(error),
        wake_at: None,
        failed_step: None,
        workspace: Workspace::default(),
        effects: Vec::new(),
        warnings: Vec::new(),
        taken: Vec::new(),
    }
}

/// The step that was under way when a run last said something.
fn under_way(said: &[store::EventRow]) -> Option<String> {
    let mut under_way = None;
    for row in said {
        let body: Value = store::json(&row.body).unwrap_or_default();
        match body.get("status").and_then(Value::as_str) {
            Some("processing") => under_way = body.get("stepId").and_then(Value::as_str).map(str::to_owned),
            Some(_) => under_way = None,
            None => {}
        }
    }
    under_way
}

/// What is said when a run goes on that a dead server had.
fn goes_on(step: Option<&str>) -> NewEvent {
    let place = step.map(|step| format!(", in step {step}")).unwrap_or_default();
    let message = format!("The server stopped, or lost its database, while the run was under way{place}. It goes on.");
    NewEvent::new(EventKind::Log, json!({ "message": message }))
}

/// The events that a run ends with that is given up: for the step that was under way, and for the run.
fn last_words(step: Option<&str>, made: &[String]) -> Vec<NewEvent> {
    let mut events = Vec::new();
    let message = format!(
        "The server stopped, or lost its database, {ATTEMPTS} times while the run was under way. {} Retry it to go on.",
        made_so_far(made)
    );
    if let Some(step) = step {
        let body = json!({"message": "InterruptedError: The server stopped, or lost its database, while this step ran.", "stepId": step, "status": "failed"});
        events.push(NewEvent::new(EventKind::Log, body));
    }
    let error = json!({"name": "InterruptedError", "message": message});
    events.push(NewEvent::new(
        EventKind::Completion,
        json!({"message": "Run completed with status: failed", "error": error}),
    ));
    events
}

fn made_so_far(made: &[String]) -> String {
    if made.is_empty() {
        "Nothing was made outside of the run.".to_owned()
    } else {
        format!("Made so far: {}.", made.join(", "))
    }
}

/// Waits for a run that wants a worker.
async fn opened(notices: &mut broadcast::Receiver<Notice>) {
    loop {
        match notices.recv().await {
            Ok(Notice::Opened(_)) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Signs of life, and an ear for the wish to cancel.
async fn beat(scaffolder: Scaffolder, pen: Pen, cancelled: CancellationToken, ended: CancellationToken) {
    let mut notices = scaffolder.bulletin().subscribe();
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(scaffolder.limits().beat) => {}
            () = cancel_of(&mut notices, pen.task) => {}
        }
        match store::beat(&pen.pool, pen.task, pen.worker, Utc::now()).await {
            Ok(Some(true)) => cancelled.cancel(),
            Ok(Some(false)) => {}
            Ok(None) => return pen.lost.cancel(),
            Err(error) => tracing::warn!(task.id = %pen.task, %error, "cannot give a sign of life"),
        }
    }
}

async fn cancel_of(notices: &mut broadcast::Receiver<Notice>, task: Uuid) {
    loop {
        match notices.recv().await {
            Ok(Notice::Cancel(wanted)) if wanted == task => return,
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
