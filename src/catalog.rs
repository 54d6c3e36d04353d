//! The catalog: what the organisation has, who owns it, and how it hangs together.
//!
//! A root location (configured, registered, or found by a `provider`) is a *source*. Reading one goes
//! `reader` (file, forge, web) → `descriptor` (documents with positions, placeholders) → `entity` (validation) → `walk`
//! (what the source declares, with the locations in it) → `ingest` (one transaction: entities, problems, change log) →
//! `index` (follows the change log) → `query` (everything that is asked).
//!
//! Postgres is the truth. All reads are answered from an [`Index`] in memory, which every process keeps by applying the
//! change log in order, or by loading everything where that is less work; a verb that writes returns when its effect is
//! visible in this process's index. Errors of sources and entities are data ([`Problem`], `status.items`); the last good
//! version of everything stays.

mod ahead;
mod analysis;
mod bits;
mod change;
mod config;
mod descriptor;
mod early;
mod edges;
mod facts;
mod feed;
mod field;
mod fields;
mod filter;
pub(crate) mod fuzzing;
mod graph;
mod hearing;
mod index;
mod ingest;
mod lease;
mod location;
mod nearby;
mod neighbourhood;
mod origin;
mod outline;
mod ownership;
mod problem;
mod provider;
mod query;
mod reader;
mod record;
mod registration;
mod relocation;
mod removal;
mod revisions;
mod schedule;
mod sorted;
mod store;
mod sweep;
mod table;
mod unprocessed;
mod versions;
mod walk;

pub(crate) use analysis::Analysis;
pub(crate) use change::{Change, Operation};
pub(crate) use config::{CatalogConfig, ConfiguredLocation, Interval, ReadingRules};
pub(crate) use early::Early;
pub(crate) use feed::{FeedEvent, Following};
pub(crate) use filter::{EntityFilter, FilterError};
pub(crate) use hearing::{ForgeEvent, locations_of_branch};
pub(crate) use index::Index;
pub(crate) use location::LocationRef;
pub(crate) use neighbourhood::{Neighbour, Neighbourhood, Walk};
pub(crate) use problem::{Holder, Problem};
pub(crate) use provider::{ProviderError, ProviderState};
pub(crate) use query::{Counts, Cursor, Direction, EntityPage, EntityQuery, FullText, Order};
pub(crate) use reader::{ELSEWHERE, ReadError, Reader, Tree, TreeFile};
pub(crate) use record::{Record, STATUS_LEVEL};
pub(crate) use registration::{Location, Registered, Registration};
pub(crate) use removal::Removal;
pub(crate) use revisions::Revision;
pub(crate) use unprocessed::Unprocessed;
pub(crate) use versions::Version;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use chrono::Utc;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Mutex, MutexGuard, Notify, watch};
use uuid::Uuid;

use self::index::{Changed, Gathered};
use self::provider::Provider;
use crate::entity::{self, Entity, EntityRef, ValidationError};
use crate::forge::Forges;
use crate::permission::Credentials;

/// The catalog. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    /// Names this process among those that read.
    process: Uuid,
    reader: Reader,
    config: Arc<CatalogConfig>,
    providers: Vec<Arc<dyn Provider>>,
    early: Early,
    index: ArcSwap<Index>,
    /// Held by whoever moves the index forward.
    advancing: Mutex<()>,
    /// Held by whoever reads a source in this process, so that an older reading is not written after a newer one.
    reading: std::sync::Mutex<HashMap<String, Arc<Mutex<()>>>>,
    /// Wakes the schedule when something became due.
    due: Notify,
    /// The number of the index's last change.
    advanced: watch::Sender<i64>,
}

/// What can go wrong with a request to the catalog.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// What it is about is not there.
    #[error("{0}")]
    NotFound(String),
    /// It is there already.
    #[error("{0}")]
    Conflict(String),
    /// The database failed.
    #[error("the catalog's database failed: {0}")]
    Store(#[from] sqlx::Error),
}

impl From<FilterError> for CatalogError {
    fn from(error: FilterError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl Catalog {
    /// Loads the index and takes over the configured locations. Nothing is read from sources yet: see
    /// [`Catalog::read_due`] and [`Catalog::run`].
    #[cfg(test)]
    pub(crate) async fn open(pool: PgPool, forges: Forges, config: CatalogConfig) -> Result<Self, CatalogError> {
        Self::open_after(Early::default(), pool, forges, config).await
    }

    /// The same, where some sources were read before.
    pub(crate) async fn open_after(
        early: Early,
        pool: PgPool,
        forges: Forges,
        config: CatalogConfig,
    ) -> Result<Self, CatalogError> {
        let providers = provider::configured(&config.providers, &forges);
        let providers = providers.map_err(|error| {
            CatalogError::Invalid(format!("configuration `catalog.providers` asks for a forge: {error}"))
        })?;
        Self::open_with(early, pool, forges, config, providers).await
    }

    /// The same with these providers.
    async fn open_with(
        early: Early,
        pool: PgPool,
        forges: Forges,
        config: CatalogConfig,
        providers: Vec<Arc<dyn Provider>>,
    ) -> Result<Self, CatalogError> {
        let reader = Reader::new(forges, config.reading.clone());
        let config = config.settled(&reader);
        let catalog = Self::with(early, pool, reader, config, providers);
        // One after the other: another connection would take longer to make than the first of them does.
        let mut connection = catalog.inner.pool.acquire().await?;
        catalog.configure(&mut connection).await?;
        let index = load(&mut connection).await?;
        drop(connection);
        let index = catalog.publish(index);
        catalog.advance().await?;
        tokio::spawn(async move {
            tokio::time::sleep(LEARNED_AFTER).await;
            aside(move || _ = index.fields()).await;
        });
        Ok(catalog)
    }

    /// A catalog with nothing in it that reads no database: for looking at templates without a portal.
    pub(crate) fn detached(pool: PgPool, forges: Forges) -> Self {
        let config = CatalogConfig::default();
        Self::with(Early::default(), pool, Reader::new(forges, config.reading.clone()), config, Vec::new())
    }

    fn with(
        early: Early,
        pool: PgPool,
        reader: Reader,
        config: CatalogConfig,
        providers: Vec<Arc<dyn Provider>>,
    ) -> Self {
        let inner = Inner {
            pool,
            process: Uuid::new_v4(),
            reader,
            config: Arc::new(config),
            providers,
            early,
            advanced: watch::Sender::new(0),
            index: ArcSwap::default(),
            advancing: Mutex::default(),
            reading: std::sync::Mutex::default(),
            due: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// A snapshot, for several reads that must agree.
    pub(crate) fn index(&self) -> Arc<Index> {
        self.inner.index.load_full()
    }

    /// The number of the last change that is visible: a version of the whole catalog.
    pub(crate) fn version(&self) -> i64 {
        self.inner.index.load().sequence
    }

    /// What reads files and trees.
    pub(crate) fn reader(&self) -> &Reader {
        &self.inner.reader
    }

    /// Sees the number of every change that becomes visible.
    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.inner.advanced.subscribe()
    }

    /// One entity.
    pub(crate) fn entity(&self, _who: &Credentials, reference: &EntityRef) -> Option<Arc<Record>> {
        self.inner.index.load().get(reference).cloned()
    }

    /// One entity by its uid.
    pub(crate) fn entity_by_uid(&self, _who: &Credentials, uid: Uuid) -> Option<Arc<Record>> {
        self.inner.index.load().by_uid(uid).cloned()
    }

    /// One page of entities.
    pub(crate) fn query(&self, _who: &Credentials, query: &EntityQuery) -> EntityPage {
        query::page(&self.inner.index.load(), query)
    }

    /// How many entities have each value of some fields, sorted by value.
    pub(crate) fn facets(
        &self,
        _who: &Credentials,
        filter: &EntityFilter,
        facets: &[String],
    ) -> Vec<(String, Vec<(String, usize)>)> {
        let index = self.inner.index.load();
        let selected = filter.select(&index);
        facets.iter().map(|facet| (facet.clone(), query::facet(&index, &selected, facet))).collect()
    }

    /// Owners that entities name and the catalog does not have.
    pub(crate) fn lost_owners(&self, _who: &Credentials) -> Vec<String> {
        let index = self.inner.index.load();
        let owners = query::facet(&index, index.all(), "relations.ownedby");
        owners.into_iter().map(|(owner, _)| owner).filter(|owner| index.get_exact(owner).is_none()).collect()
    }

    /// Counts among the entities with all words of a text, or among all.
    pub(crate) fn counts(&self, _who: &Credentials, text: &str) -> Counts {
        Counts::new(self.index(), text)
    }

    /// The entity and the locations that led to it, each with the references of its parents.
    pub(crate) fn ancestry(&self, _who: &Credentials, reference: &EntityRef) -> Vec<(Arc<Record>, Vec<String>)> {
        let index = self.inner.index.load();
        let mut chain: Vec<(Arc<Record>, Vec<String>)> = Vec::new();
        let mut next = index.get(reference).cloned();
        while let Some(record) = next.take().filter(|record| chain.iter().all(|(seen, _)| seen.uid != record.uid)) {
            next = record.parent.as_deref().and_then(|parent| index.get_exact(parent)).cloned();
            let parents = record.parent.iter().map(ToString::to_string).collect();
            chain.push((record, parents));
        }
        chain
    }

    /// Reads the source of an entity now, from its forge itself; the effect is visible when this returns.
    pub(crate) async fn refresh(&self, who: &Credentials, reference: &EntityRef) -> Result<(), CatalogError> {
        let not_found = || CatalogError::NotFound(format!("Entity {reference} not found"));
        let record = self.entity(who, reference).ok_or_else(not_found)?;
        self.read_source_anew(&record.source).await
    }

    /// Deletes one entity. Its source is read again soon: if the file still declares it, it comes back with a new uid.
    pub(crate) async fn delete(&self, who: &Credentials, uid: Uuid) -> Result<(), CatalogError> {
        let Some(record) = self.entity_by_uid(who, uid) else {
            return Ok(());
        };
        let reference = record.reference.to_string();
        let mut transaction = self.inner.pool.begin().await?;
        store::lock(&mut *transaction).await?;
        store::delete(&mut *transaction, &[&reference]).await?;
        let logged = store::Logged::bare(reference, Operation::Delete, uid);
        store::log(&mut *transaction, &record.source, &[logged], Utc::now()).await?;
        store::notify(&mut *transaction).await?;
        store::invalidate(&mut transaction, &record.source, &record.location, Utc::now()).await?;
        transaction.commit().await?;
        self.advance().await?;
        self.inner.due.notify_one();
        Ok(())
    }

    /// Whether an entity could come from a location (`type:target`).
    pub(crate) async fn validate(&self, entity: Value, location: &str) -> Result<(), Vec<ValidationError>> {
        let wrong = |message: String| vec![ValidationError::new("TypeError", message)];
        let Some(location) = LocationRef::parse(location) else {
            return Err(wrong(format!(
                "Unable to parse location ref '{location}', expected '<type>:<target>', e.g. 'url:https://host/path'"
            )));
        };
        if !location.is_url() {
            return Err(wrong(format!(
                "Invalid location ref {location}, only 'url:<target>' is supported, e.g. url:https://host/path"
            )));
        }
        let entity = entity::check_envelope(entity).map_err(|error| vec![error])?;
        walk::validate(self.reader(), &self.inner.config.model, entity, &location).await.map_err(|error| vec![error])
    }

    /// The lock of one source.
    fn reading(&self, source: &str) -> Arc<Mutex<()>> {
        let mut locks = self.inner.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else can take a lock that only the map knows.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(source.to_owned()).or_default())
    }

    /// Brings the index to the newest change.
    async fn advance(&self) -> Result<(), CatalogError> {
        let advancing = self.inner.advancing.lock().await;
        let mut connection = self.inner.pool.acquire().await?;
        self.advance_by(&advancing, &mut connection).await
    }

    /// The same over one connection, by whoever moves the index forward.
    async fn advance_by(&self, _: &MutexGuard<'_, ()>, db: &mut PgConnection) -> Result<(), CatalogError> {
        let mut index = self.index();
        let mut next = store::changed_since(&mut *db, index.sequence).await?;
        // Asked for after the changes: what is swept meanwhile makes the floor higher than need be, never lower.
        let floor = store::floor(&mut *db).await?;
        if index.sequence < floor || (!next.is_last && is_far_behind(&index, &mut *db).await?) {
            // What is loaded is never older than the floor that was seen.
            let mut loaded = load(&mut *db).await?;
            loaded.sequence = loaded.sequence.max(floor);
            index = self.publish(loaded);
            next = store::changed_since(&mut *db, index.sequence).await?;
        }
        let (mut published, mut ahead) = (Instant::now(), None);
        loop {
            let store::Batch { sequence, changed, is_last } = next;
            if !changed.is_empty() {
                let current = match ahead.take() {
                    Some(current) => current,
                    None => known(&index).await,
                };
                ahead = Some(taken(current, changed, sequence).await);
            }
            // Many changes at once are taken into one copy, which is shown now and then.
            if (is_last || published.elapsed() > SHOWN_EVERY)
                && let Some(shown) = ahead.take()
            {
                index = self.publish(shown);
                published = Instant::now();
            }
            if is_last {
                return Ok(());
            }
            next = store::changed_since(&mut *db, sequence).await?;
        }
    }

    fn publish(&self, index: Index) -> Arc<Index> {
        let index = Arc::new(index);
        self.inner.index.store(Arc::clone(&index));
        self.inner.advanced.send_replace(index.sequence);
        index
    }
}

/// An entity of the file at `location` with its placeholders replaced, as reading the file would: for looking at files
/// without a portal.
pub(crate) async fn fill(reader: &Reader, entity: Entity, location: &LocationRef) -> Result<Entity, ValidationError> {
    descriptor::Placeholders { reader, location }.replace(entity, &mut Vec::new()).await
}

/// Whether so much is new that reading everything is less work than taking the changes in one after the other, in what
/// somebody may be looking at.
async fn is_far_behind(index: &Index, db: &mut PgConnection) -> Result<bool, CatalogError> {
    let missing = store::last_change(db).await?.saturating_sub(index.sequence);
    Ok(usize::try_from(missing).is_ok_and(|missing| missing > FAR_BEHIND.max(index.len())))
}

/// Fewer changes than that are taken in as they are. No less than what is looked ahead at: that is there already.
const FAR_BEHIND: usize = if cfg!(test) { 1_000 } else { 20_000 };

/// How often a process that has many changes to take in shows how far it has come.
const SHOWN_EVERY: Duration = Duration::from_millis(500);

/// A copy of an index, to be changed: all that it shares is learned before.
async fn known(index: &Arc<Index>) -> Index {
    if index.is_learned() {
        return (**index).clone();
    }
    let index = Arc::clone(index);
    aside(move || {
        index.fields();
        (*index).clone()
    })
    .await
}

/// An index with some changes taken in.
async fn taken(mut index: Index, changed: Vec<Changed>, sequence: i64) -> Index {
    let is_large = changed.len() > LARGE;
    let take = move || {
        index.apply(changed);
        index.sequence = sequence;
        index
    };
    if is_large { aside(take).await } else { take() }
}

/// So many changes take so long that other work should not wait behind them.
const LARGE: usize = 50;

/// The index of everything that is stored. While one part is taken in, the next one is read.
async fn load(db: &mut PgConnection) -> Result<Index, CatalogError> {
    // What changes while this reads comes again with the log.
    let mut index = Index::at(store::last_change(&mut *db).await?);
    let mut gathered = Gathered::default();
    let mut rows = store::entities_after(&mut *db, "").await?;
    while let Some(last) = rows.last().map(|row| row.reference().to_owned()) {
        let gathering = aside(move || {
            let changed: Result<Vec<Changed>, sqlx::Error> = rows.into_iter().map(store::EntityRow::changed).collect();
            index.gather(changed?, &mut gathered);
            Ok::<_, sqlx::Error>((index, gathered))
        });
        let (done, next) = tokio::join!(gathering, store::entities_after(&mut *db, &last));
        (index, gathered) = done?;
        rows = next?;
    }
    Ok(aside(move || {
        index.settle(gathered);
        if index.len() > SOON_LEARNED {
            index.fields();
        }
        index
    })
    .await)
}

/// What few entities are found by is learned when the start is over, unless somebody asks sooner.
const LEARNED_AFTER: Duration = Duration::from_millis(200);

/// What so many entities are found by is learned so soon that whoever asks for it can wait.
const SOON_LEARNED: usize = 20_000;

/// Computes on a thread that nobody waits for.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
}

#[cfg(test)]
mod tests;
