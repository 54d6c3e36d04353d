//! Events: what forges tell the portal by webhooks.
//!
//! Flow: who signed it, and so which forge (`signature`) → what it says (`forge::Webhook`) → the queue in the database
//! (`store`) → 202 → some process follows it (`queue`): the catalog hears of it, and whoever else acts on it. What all
//! processes must know goes through the store, and that the installations of an App changed through a notification.
//!
//! Invariants:
//! - nothing is read from a payload before its signature is found right;
//! - what was answered with 202 is followed, also if the process that took it dies;
//! - the same delivery has its effect once; it is begun again where that broke off, which does no harm;
//! - what cannot be followed costs time, nothing else: schedules find out the same.

mod queue;
mod signature;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use self::queue::Bell;
use self::store::{Added, New};
use crate::catalog::{Catalog, ForgeEvent};
use crate::db;
use crate::forge::{Forges, Told, Webhook};

/// Events that wait; more are refused, and GitHub shows them as such.
const QUEUE: i64 = 10_000;

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

/// How what was told in the last days stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Figures {
    /// When something was told last.
    pub(crate) newest: Option<DateTime<Utc>>,
    /// What waits.
    pub(crate) waiting: i64,
    /// What could not be followed.
    pub(crate) lost: i64,
    /// Why the newest of those that wait again, or could not be followed, was not.
    pub(crate) error: Option<String>,
}

/// Who acts on what forges tell, beside the catalog.
pub(crate) trait Follower: Send + Sync {
    /// Does what follows from an event, or sees to it that it is done soon; perhaps a second time.
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
    bell: Bell,
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
        Self { inner: Arc::new(Inner { pool, forges, catalog, followers, secret, bell: Bell::default() }) }
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
        match told {
            Told::Ping => return Ok(Receipt::Pong),
            Told::Other => return Ok(Receipt::Taken),
            _ => {}
        }
        let digest = matches!(told, Told::Push(_)).then(|| signature::digest(payload));
        let host = signers.of(host.as_deref());
        let new = New { id, kind, digest: digest.as_deref(), host: &host, told: &told, received_at: Utc::now() };
        match store::add(&self.inner.pool, new, QUEUE).await? {
            Added::Waiting => self.inner.bell.ring(&told),
            Added::Known => return Ok(Receipt::Known),
            Added::Full => return Err(EventError::Full),
        }
        Ok(Receipt::Taken)
    }

    /// Follows what was taken, by any process, until told to stop.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let listen = db::keep_listening("other processes' webhooks", &shutdown, || self.listen());
        tokio::join!(self.follow_all(&shutdown), listen);
    }

    /// Does what follows from an event.
    async fn followed(&self, event: &ForgeEvent) -> anyhow::Result<()> {
        if matches!(event.told, Told::Installation { .. }) {
            self.forget_installations(&event.host).await;
            store::tell_installations(&self.inner.pool, &event.host).await?;
        }
        let mut followed = self.inner.catalog.hear(event).await;
        // One that fails does not keep it from the others.
        for follower in &self.inner.followers {
            followed = followed.and(follower.hear(event).await);
        }
        followed
    }

    async fn forget_installations(&self, host: &str) {
        let forge = self.inner.forges.by_host(host);
        if let Some(github) = forge.ok().and_then(|forge| forge.github()) {
            github.forget_installations().await;
        }
    }

    /// Hears what other processes were told of the installations of Apps.
    async fn listen(&self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.inner.pool).await?;
        listener.listen(store::INSTALLATIONS).await?;
        loop {
            let told = listener.recv().await?;
            self.forget_installations(told.payload()).await;
        }
    }

    /// How what was told in the last days stands.
    pub(crate) async fn figures(&self) -> Result<Figures, sqlx::Error> {
        store::figures(&self.inner.pool).await
    }

    /// Forgets deliveries that nobody sends again.
    pub(crate) async fn sweep(&self) -> Result<(), sqlx::Error> {
        store::sweep(&self.inner.pool, Utc::now()).await
    }
}
