//! Events: what forges tell the portal by webhooks.
//!
//! Flow: who signed it, and so which forge (`signature`) → what it says (`forge::Webhook`) → a place in the queue, and its
//! id in the store → 202 → the catalog hears of it. Any process may be told; what the others must know goes through the
//! store, and that the installations of an App changed through a notification of the database.
//!
//! Invariants:
//! - nothing is read from a payload before its signature is found right;
//! - the same delivery has its effect once, but again if the process that took it could not follow it;
//! - a lost event costs time, nothing else: schedules find out the same.

mod signature;
mod store;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, ForgeEvent};
use crate::forge::{Forges, Told, Webhook};

/// Events that wait; more are refused, and GitHub shows them as such.
const QUEUE: usize = 1_000;
/// Events that are followed at the same time, so that a slow one does not hold up the others.
const AT_ONCE: usize = 4;
/// How long an event may take.
const TIMEOUT: Duration = Duration::from_mins(5);
/// After the database failed.
const RETRY: Duration = Duration::from_secs(2);

/// The section `events`, as Backstage has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EventsConfig {
    modules: Modules,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Modules {
    github: GitHubModule,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GitHubModule {
    /// What webhooks of organisations and repositories are signed with; those of Apps have secrets of their own.
    webhook_secret: Option<SecretString>,
}

/// Who acts on what forges tell, beside the catalog.
pub(crate) trait Follower: Send + Sync {
    /// Does what follows from an event, or sees to it that it is done soon.
    fn hear<'a>(&'a self, event: &'a ForgeEvent) -> BoxFuture<'a, anyhow::Result<()>>;
}

/// What forges tell. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    forges: Forges,
    catalog: Catalog,
    followers: Vec<Arc<dyn Follower>>,
    secret: Option<SecretString>,
    queue: mpsc::Sender<Waiting>,
    /// Taken by [`Events::run`].
    waiting: Mutex<Option<mpsc::Receiver<Waiting>>>,
}

/// An event that was taken.
struct Waiting {
    id: String,
    kind: String,
    event: ForgeEvent,
    since: Instant,
}

/// What came from outside, as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivered<'a> {
    /// `X-GitHub-Event`
    pub(crate) kind: &'a str,
    /// `X-GitHub-Delivery`
    pub(crate) id: &'a str,
    /// `X-Hub-Signature-256`
    pub(crate) signature: Option<&'a str>,
    /// The bytes that were signed.
    pub(crate) body: &'a [u8],
    /// The payload in them.
    pub(crate) payload: &'a [u8],
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// A trial; it is as it should be.
    Pong,
    /// It waits for its turn, or nothing depends on it.
    Taken,
    /// It was taken before.
    Known,
}

/// Why it was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    /// Nobody says who sent it.
    #[error("the webhook is not signed: give it a secret, and the same one to `{0}`")]
    Unsigned(&'static str),
    /// Somebody else sent it.
    #[error("the signature of the webhook is wrong: its secret is another than that of `{0}`")]
    WrongSignature(&'static str),
    /// Nobody could send it.
    #[error("no secret for webhooks is configured, so none is taken: set `{0}`")]
    NoSecret(&'static str),
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Too many wait.
    #[error("{QUEUE} events wait already; deliver this one again later")]
    Full,
    /// The database failed.
    #[error("the database of events failed: {0}")]
    Store(#[from] sqlx::Error),
}

impl Events {
    /// Takes what forges tell for this catalog, and for others.
    pub(crate) fn new(
        pool: PgPool,
        forges: Forges,
        catalog: Catalog,
        config: &EventsConfig,
        followers: Vec<Arc<dyn Follower>>,
    ) -> Self {
        let secret = config.modules.github.webhook_secret.clone();
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Mutex::new(Some(waiting));
        Self { inner: Arc::new(Inner { pool, forges, catalog, followers, secret, queue, waiting }) }
    }

    /// Takes an event of GitHub.
    pub(crate) async fn take(&self, delivered: Delivered<'_>) -> Result<Receipt, EventError> {
        let taken = self.taken(delivered).await;
        let outcome = match &taken {
            Ok(_) => "taken",
            Err(EventError::Full) => "full",
            Err(EventError::Store(_)) => "failed",
            Err(_) => "refused",
        };
        metrics::counter!("webhooks_total", "outcome" => outcome).increment(1);
        taken
    }

    async fn taken(&self, delivered: Delivered<'_>) -> Result<Receipt, EventError> {
        let Delivered { kind, id, signature, body, payload } = delivered;
        let signers = signature::signers(&self.inner.forges, self.inner.secret.as_ref(), body, signature)?;
        if kind.is_empty() || id.is_empty() || id.len() > 200 || kind.len() > 200 {
            let message = "a webhook of GitHub has the headers X-GitHub-Event and X-GitHub-Delivery";
            return Err(EventError::Invalid(message.to_owned()));
        }
        let Webhook { host, told } = Webhook::read(kind, payload).map_err(EventError::Invalid)?;
        if told == Told::Ping {
            return Ok(Receipt::Pong);
        }
        let place = self.inner.queue.try_reserve().map_err(|_| EventError::Full)?;
        let digest = matches!(told, Told::Push(_)).then(|| signature::digest(payload));
        let received_at = Utc::now();
        if !store::add(&self.inner.pool, id, kind, digest.as_deref(), received_at).await? {
            return Ok(Receipt::Known);
        }
        let host = signers.of(host.as_deref());
        let event = ForgeEvent { host, told, received_at };
        place.send(Waiting { id: id.to_owned(), kind: kind.to_owned(), event, since: Instant::now() });
        Ok(Receipt::Taken)
    }

    /// Follows what was taken, until told to stop.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let waiting = self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(waiting) = waiting else { return };
        let follow = ReceiverStream::new(waiting).for_each_concurrent(AT_ONCE, |waiting| -> BoxFuture<'static, ()> {
            let events = self.clone();
            Box::pin(async move { events.follow(waiting).await })
        });
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = follow => {}
            () = self.listen_forever() => {}
        }
    }

    async fn follow(&self, waiting: Waiting) {
        let Waiting { id, kind, event, since } = waiting;
        let followed = tokio::time::timeout(TIMEOUT, self.followed(&id, &event)).await;
        let followed = followed.unwrap_or_else(|_| Err(anyhow::anyhow!("not done within {} s", TIMEOUT.as_secs())));
        metrics::histogram!("webhook_duration_seconds").record(since.elapsed());
        match followed {
            Ok(()) => tracing::debug!(kind, id, took_ms = since.elapsed().as_millis(), "followed a webhook"),
            // The next run of the schedules finds out the same, where everybody sees it.
            Err(error) => tracing::warn!(error = format!("{error:#}"), kind, id, "cannot follow a webhook"),
        }
    }

    async fn followed(&self, id: &str, event: &ForgeEvent) -> anyhow::Result<()> {
        if matches!(event.told, Told::Installation { .. }) {
            self.forget_installations(&event.host).await;
            store::tell_installations(&self.inner.pool, &event.host).await?;
        }
        self.inner.catalog.hear(event).await?;
        for follower in &self.inner.followers {
            follower.hear(event).await?;
        }
        Ok(store::set_done(&self.inner.pool, id, Utc::now()).await?)
    }

    async fn forget_installations(&self, host: &str) {
        let forge = self.inner.forges.by_host(host);
        if let Some(github) = forge.ok().and_then(|forge| forge.github()) {
            github.forget_installations().await;
        }
    }

    /// Hears what other processes were told of the installations of Apps.
    async fn listen_forever(&self) {
        loop {
            if let Err(error) = self.listen().await {
                tracing::warn!(%error, "cannot hear of other processes' webhooks");
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn listen(&self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.inner.pool).await?;
        listener.listen(store::INSTALLATIONS).await?;
        loop {
            let told = listener.recv().await?;
            self.forget_installations(told.payload()).await;
        }
    }

    /// Forgets deliveries that nobody sends again.
    pub(crate) async fn sweep(&self) -> Result<(), sqlx::Error> {
        store::sweep(&self.inner.pool, Utc::now()).await
    }
}
