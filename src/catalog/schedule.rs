//! When sources are read: each has its own next time, kept in the database, so any process may do it.
//!
//! A source is claimed (`SKIP LOCKED`) before it is read; a claim ends by itself should the process die (see `lease`).
//! The next time is the interval with a little chance in it, and twice, four times… as long after failures. Changes
//! that other processes make arrive by `NOTIFY`; a slow poll catches what a lost connection missed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesUnordered;
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::location::LocationRef;
use super::provider::{Connection, Due, Found, NEVER, Provider};
use super::walk::{Before, Walk};
use super::{Catalog, CatalogError, ingest, store, walk};
use crate::db;

/// Sources read by one process at the same time, beside those that are slow.
const AT_ONCE: usize = 8;
/// Slow sources, and those that could not be read, at the same time. They never take a place from the others.
const SLOW_AT_ONCE: usize = 4;
/// A source that takes longer is slow.
const SLOW: Duration = Duration::from_secs(5);
/// How often a reading is begun anew because others overtook it.
const ATTEMPTS: usize = 5;
/// Files on disk are cheap to look at, and people who edit them wait for it.
const FILE_INTERVAL: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// How often it is looked whether other processes made something due.
const POLL: Duration = Duration::from_secs(15);
/// Without any notification, how often the change log is looked at: a connection that ends says so itself.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How soon a source is looked at again that is due and cannot be had: somebody else reads it, or there is no room.
const SOON: Duration = Duration::from_millis(100);
/// After the database failed.
const RETRY: Duration = Duration::from_secs(2);

/// The sources that this process reads now.
#[derive(Default)]
struct InFlight {
    readings: FuturesUnordered<BoxFuture<'static, (bool, Result<(), CatalogError>)>>,
    slow: usize,
}

/// What a reading may take for true.
#[derive(Debug, Clone, Copy)]
enum Trust {
    /// Where providers saw branches lately.
    Tips,
    /// Nothing: the forge itself says what there is now.
    Nothing,
    /// An earlier reading, if it began after this.
    After(DateTime<Utc>),
}

/// What came of reading a source.
enum Finding {
    Source(Before, Walk),
    Provider(Found),
}

impl Finding {
    fn walk(&self) -> &Walk {
        match self {
            Self::Source(_, walk) => walk,
            Self::Provider(found) => &found.walk,
        }
    }
}

impl InFlight {
    fn room(&self, is_slow: bool) -> usize {
        let quick = self.readings.len() - self.slow;
        if is_slow { SLOW_AT_ONCE.saturating_sub(self.slow) } else { AT_ONCE.saturating_sub(quick) }
    }

    fn start(&mut self, catalog: Catalog, reference: String, is_slow: bool) {
        self.slow += usize::from(is_slow);
        self.readings.push(Box::pin(async move { (is_slow, catalog.read_claimed(&reference).await) }));
    }

    fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    /// The end of one reading; none if nothing is read.
    async fn next(&mut self) -> Option<Result<(), CatalogError>> {
        let (is_slow, read) = self.readings.next().await?;
        self.slow -= usize::from(is_slow);
        Some(read)
    }
}

impl Catalog {
    /// Reads sources when they are due and follows the change log, until told to stop.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let follow = self.clone().follow(shutdown.clone());
        let sweep = self.clone().sweep_forever(shutdown.clone());
        let told = self.clone().follow_providers(shutdown.clone());
        let nearby = self.clone().follow_forges(shutdown.clone());
        let read = self.read_forever(shutdown);
        tokio::join!(follow, sweep, told, nearby, read);
    }

    /// Reads every source that is due now, and tells how many.
    pub(crate) async fn read_due(&self) -> Result<usize, CatalogError> {
        let mut total = 0;
        let mut reading = InFlight::default();
        loop {
            total += self.start_due(&mut reading).await?;
            match reading.next().await {
                Some(read) => read?,
                None => return Ok(total),
            }
        }
    }

    /// Begins to read as many due sources as there is room for; gives how many.
    async fn start_due(&self, reading: &mut InFlight) -> Result<usize, CatalogError> {
        let mut started = 0;
        for is_slow in [false, true] {
            let room = reading.room(is_slow);
            if room == 0 {
                continue;
            }
            let now = Utc::now();
            let (by, length) = (self.inner.process, self.inner.config.lease.length);
            let providers = self.provider_names();
            let due = store::claim_due(&self.inner.pool, by, length, is_slow, now, room, &providers).await?;
            started += due.len();
            for reference in due {
                reading.start(self.clone(), reference, is_slow);
            }
        }
        Ok(started)
    }

    /// Reads one source, writes what changed, and brings the index up to it.
    pub(super) async fn read_source(&self, reference: &str) -> Result<(), CatalogError> {
        self.claim(reference).await?;
        self.read_claimed(reference).await
    }

    /// The same, whatever providers saw lately: its forge itself says what there is now.
    pub(super) async fn read_source_anew(&self, reference: &str) -> Result<(), CatalogError> {
        self.claim(reference).await?;
        self.holding(reference, self.read_held(reference, Trust::Nothing)).await
    }

    /// The same, unless a reading began after this time that asked by itself what there is.
    pub(super) async fn read_source_since(&self, reference: &str, time: DateTime<Utc>) -> Result<(), CatalogError> {
        // Not claimed: it is read at most by who does so already.
        self.read_held(reference, Trust::After(time)).await
    }

    async fn read_claimed(&self, reference: &str) -> Result<(), CatalogError> {
        self.holding(reference, self.read_held(reference, Trust::Tips)).await
    }

    async fn read_held(&self, reference: &str, trust: Trust) -> Result<(), CatalogError> {
        let reading = self.reading(reference);
        let _reading = reading.lock().await;
        // Another process may have read it meanwhile, or a name become free: then it is read again.
        for _ in 0..ATTEMPTS {
            let Some(mut source) = store::source(&self.inner.pool, reference).await? else {
                return Ok(());
            };
            match trust {
                Trust::Tips => {}
                Trust::After(time) if source.asked_at.is_some_and(|asked| asked > time) => break,
                Trust::After(_) | Trust::Nothing => source.tip = None,
            }
            if self.read_once(reference, &source).await? {
                break;
            }
        }
        self.advance().await?;
        self.inner.due.notify_one();
        Ok(())
    }

    /// One reading; false if it was overtaken and nothing was written.
    pub(super) async fn read_once(&self, reference: &str, source: &store::Source) -> Result<bool, CatalogError> {
        let (started, asked_at) = (Instant::now(), Utc::now());
        let finding = match self.provider(reference) {
            Some(provider) => Finding::Provider(self.found(&**provider).await),
            // Another process knows it, or it was configured once: it stays as it is.
            None if source.is_provider => return Ok(true),
            None => {
                let mut before = store::before(&self.inner.pool, reference).await?;
                let (config, root) = (&self.inner.config, source.root());
                let reader = self.reader().once(&root, source.tip.as_deref());
                let early = before.files.is_empty().then(|| self.inner.early.take(&root)).flatten();
                let mut walk = match early {
                    Some(walk) => walk,
                    None => walk::walk(&reader, config, &root, &before).await,
                };
                if source.digest.as_deref() != Some(&*walk.digest) && before.has_claims(&walk) {
                    before.doubt_claims();
                    walk = walk::walk(&reader, config, &root, &before).await;
                }
                Finding::Source(before, walk)
            }
        };
        let is_slow = started.elapsed() > SLOW;
        let asked_at = source.tip.is_none().then_some(asked_at);
        self.write(reference, source, &finding, is_slow, asked_at).await
    }

    /// Writes what a reading found; false if it was overtaken.
    async fn write(
        &self,
        reference: &str,
        source: &store::Source,
        finding: &Finding,
        is_slow: bool,
        asked_at: Option<DateTime<Utc>>,
    ) -> Result<bool, CatalogError> {
        let walk = finding.walk();
        let now = Utc::now();
        let failures = if walk.is_failed { source.failures.saturating_add(1) } else { 0 };
        let next = self.next(&source.root(), failures, now);
        let changed = source.digest.as_deref() != Some(&*walk.digest);
        let has_tips = matches!(finding, Finding::Provider(found) if found.has_tips());
        let mut transaction = self.inner.pool.begin().await?;
        if changed || has_tips {
            store::lock(&mut *transaction).await?;
        }
        let reading = store::Reading { digest: &walk.digest, failures, is_slow, at: now, next, asked_at };
        // Before anything is written: names that this reading lets go may make the source itself due again.
        if !store::set_read(&mut *transaction, reference, source.revision, &reading).await? {
            return Ok(false);
        }
        let mut ahead = None;
        match finding {
            Finding::Provider(found) if changed => found.write(&mut transaction, reference, now).await?,
            Finding::Provider(found) => found.renew(&mut transaction, reference, now).await?,
            Finding::Source(before, _) if changed => {
                let how = (self.inner.config.orphan_strategy, Some(self));
                ahead = ingest::apply(&mut transaction, reference, before, walk, how, now).await?;
            }
            Finding::Source(before, _) => ingest::restamp(&mut transaction, reference, before, walk).await?,
        }
        transaction.commit().await?;
        if let Some(ahead) = ahead {
            ahead.show().await;
        }
        tracing::debug!(source = reference, files = walk.seen.len(), problems = walk.troubles.len(), "read");
        Ok(true)
    }

    async fn read_forever(&self, shutdown: CancellationToken) {
        let mut reading = InFlight::default();
        loop {
            let pause = match self.begin_due(&mut reading).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "cannot read the catalog's sources");
                    RETRY
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.inner.due.notified() => {}
                Some(read) = reading.next(), if !reading.is_empty() => {
                    if let Err(error) = read {
                        tracing::warn!(%error, "cannot write what a source declares");
                        tokio::time::sleep(RETRY).await;
                    }
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
        // What is being read is given up, and not read on by this process.
        drop(reading);
        self.let_go().await;
    }

    /// Begins to read what is due; gives how long to wait before the next look. Mostly nothing is, and that is asked first.
    async fn begin_due(&self, reading: &mut InFlight) -> Result<Duration, CatalogError> {
        loop {
            let next = store::next_due(&self.inner.pool, &self.provider_names()).await?;
            let pause = next.map_or(POLL, |next| (next - Utc::now()).to_std().unwrap_or_default());
            if !pause.is_zero() {
                return Ok(pause.clamp(SOON, POLL));
            }
            if self.start_due(reading).await? == 0 {
                return Ok(SOON);
            }
        }
    }

    async fn follow(self, shutdown: CancellationToken) {
        db::keep_listening("the catalog's changes", &shutdown, || self.listen()).await;
    }

    /// Applies changes as they are told; ends with an error when the connection does.
    async fn listen(&self) -> Result<(), CatalogError> {
        let mut listener = PgListener::connect_with(&self.inner.pool).await?;
        listener.listen(store::CHANNEL).await?;
        loop {
            self.advance().await?;
            // Nothing told and a lost connection both mean: look.
            if let Ok(told) = tokio::time::timeout(LOOK_EVERY, listener.try_recv()).await {
                told?;
            }
        }
    }

    /// Lets providers tell of changes as they happen.
    async fn follow_providers(self, shutdown: CancellationToken) {
        let follow = |provider: &'_ Arc<dyn Provider>| {
            let (provider, catalog) = (Arc::clone(provider), self.clone());
            async move { provider.follow(Connection::new(catalog, provider.name())).await }
        };
        let told = join_all(self.inner.providers.iter().map(follow));
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = told => shutdown.cancelled().await,
        }
    }

    fn provider_names(&self) -> Vec<String> {
        self.inner.providers.iter().map(|provider| provider.name().to_owned()).collect()
    }

    /// When a source is read again: after the interval, longer after failures, a tenth more or less; or when its provider
    /// says.
    fn next(&self, root: &LocationRef, failures: i32, now: DateTime<Utc>) -> DateTime<Utc> {
        let due = match self.provider(&root.to_string()) {
            Some(provider) => provider.schedule().next(u32::try_from(failures).unwrap_or_default(), now),
            None if root.is_file() => Due::After(self.inner.config.read_interval().min(FILE_INTERVAL)),
            None => Due::After(self.inner.config.read_interval()),
        };
        match due {
            Due::After(interval) => now + backoff(interval, failures),
            // The first failure is not put off any further.
            Due::At(moment, Some(interval)) => moment.min(now + backoff(interval, failures - 1)),
            Due::At(moment, None) => moment,
            Due::OnDemand => NEVER,
        }
    }
}

/// An interval, twice, four times… as long after failures, a tenth more or less.
fn backoff(interval: Duration, failures: i32) -> Duration {
    let doubled = interval.saturating_mul(1 << failures.clamp(0, 6)).min(LONGEST_WAIT.max(interval));
    let chance = u32::try_from(Uuid::new_v4().as_u128() % 200).unwrap_or_default();
    doubled * (900 + chance) / 1000
}
