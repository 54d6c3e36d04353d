//! The catalog: what the organisation has, who owns it, and how it hangs together.
//!
//! A root location (configured or registered) is a *source*. Reading one goes
//! `reader` (file, forge, web) → `descriptor` (documents with positions, placeholders) → `entity` (validation) → `walk`
//! (what the source declares, with the locations in it) → `ingest` (one transaction: entities, problems, change log) →
//! `index` (follows the change log) → `query` (everything that is asked).
//!
//! Postgres is the truth. All reads are answered from an [`Index`] in memory, which every process keeps by applying the
//! change log in order; a verb that writes returns when its effect is visible in this process's index. Errors of
//! sources and entities are data ([`Problem`], `status.items`); the last good version of everything stays.

mod bits;
mod config;
mod descriptor;
mod filter;
mod index;
mod ingest;
mod location;
mod query;
mod reader;
mod record;
mod schedule;
mod store;
mod walk;

pub(crate) use config::{AllowedHost, AllowedKind, CatalogConfig, ConfiguredLocation, KindRule, OrphanStrategy, ReadingRules};
pub(crate) use filter::{EntityFilter, FilterError};
pub(crate) use index::Index;
pub(crate) use location::LocationRef;
pub(crate) use query::{Cursor, Direction, EntityPage, EntityQuery, FullText, Order};
pub(crate) use reader::{Fetched, ReadError, Reader, Tree, TreeFile};
pub(crate) use record::Record;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgPool};
use tokio::sync::{Mutex, Notify, watch};
use url::Url;
use uuid::Uuid;

use crate::entity::{self, Entity, EntityRef, ValidationError};
use crate::forge::Forges;
use crate::permission::{Credentials, Principal};

/// The catalog. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    reader: Reader,
    config: CatalogConfig,
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

/// A registered location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub(crate) struct Location {
    /// Its id.
    pub(crate) id: Uuid,
    /// `url`
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// What is read.
    pub(crate) target: String,
}

impl Location {
    /// `type:target`
    pub(crate) fn reference(&self) -> String {
        self.location().to_string()
    }

    /// The `Location` entity that stands for it.
    pub(crate) fn entity_ref(&self) -> EntityRef {
        EntityRef::new("location", "default", &self.location().entity_name())
    }

    fn location(&self) -> LocationRef {
        LocationRef::new(self.kind.clone(), self.target.clone())
    }
}

/// What to do with a location that is registered already, or whether to only try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registration {
    /// It must be new.
    New,
    /// If it is there, it is read again.
    Refresh,
    /// Nothing is stored.
    DryRun,
}

/// What registering a location gave.
#[derive(Debug)]
pub(crate) struct Registered {
    /// The location; of a dry run, one that is not stored.
    pub(crate) location: Location,
    /// What it declares: finished entities, of a dry run without uid and relations.
    pub(crate) entities: Vec<Entity>,
    /// Whether it was there before.
    pub(crate) existed: bool,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
}

/// Something that is broken: a source, a file, an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// The root location: `type:target`.
    pub(crate) source: String,
    /// The file: `type:target`.
    pub(crate) location: String,
    /// The entity, if it is known which: a canonical reference. An entity of that name may show its last good version.
    pub(crate) entity: Option<String>,
    /// The kind that the text declares or seems to declare.
    pub(crate) kind: Option<String>,
    /// The name that the text declares or seems to declare.
    pub(crate) name: Option<String>,
    /// Class of the error: `InputError`, `NotFoundError`, `ConflictError`, …
    pub(crate) error_name: String,
    /// What is wrong.
    pub(crate) message: String,
    /// JSON pointer within the document; may be empty.
    pub(crate) pointer: String,
    /// Line in the file, from 1.
    pub(crate) line: Option<i32>,
    /// Column in the line, from 1.
    pub(crate) column: Option<i32>,
    /// Since when.
    pub(crate) since: DateTime<Utc>,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    /// The entity is new.
    Insert,
    /// It has another document.
    Update,
    /// Its document is the same; errors appeared or went, or it became an orphan.
    Status,
    /// It is gone.
    Delete,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Status => "status",
            Self::Delete => "delete",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Insert, Self::Update, Self::Status, Self::Delete].into_iter().find(|operation| operation.as_str() == text)
    }
}

/// One change of one entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    /// Grows with every change of the catalog.
    pub(crate) sequence: i64,
    /// What it did.
    pub(crate) operation: Operation,
    /// The document from then on; none for a change of status or the end.
    pub(crate) document: Option<Value>,
    /// The root location it came from.
    pub(crate) source: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

impl Catalog {
    /// Loads the index and takes over the configured locations. Nothing is read from sources yet: see
    /// [`Catalog::read_due`] and [`Catalog::run`].
    pub(crate) async fn open(pool: PgPool, forges: Forges, config: CatalogConfig) -> Result<Self, CatalogError> {
        let reader = Reader::new(forges, config.reading.clone());
        let (sequence, rows) = store::all(&pool).await?;
        let mut index = Index::default();
        index.apply(rows);
        index.sequence = sequence;
        let inner = Inner {
            pool,
            reader,
            config,
            index: ArcSwap::from_pointee(index),
            advancing: Mutex::default(),
            reading: std::sync::Mutex::default(),
            due: Notify::new(),
            advanced: watch::Sender::new(sequence),
        };
        let catalog = Self { inner: Arc::new(inner) };
        catalog.configure().await?;
        catalog.advance().await?;
        Ok(catalog)
    }

    /// A snapshot, for several reads that must agree.
    pub(crate) fn index(&self) -> Arc<Index> {
        self.inner.index.load_full()
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
    pub(crate) fn facets(&self, _who: &Credentials, filter: &EntityFilter, facets: &[String]) -> Vec<(String, Vec<(String, usize)>)> {
        let index = self.inner.index.load();
        let selected = filter.select(&index);
        facets.iter().map(|facet| (facet.clone(), query::facet(&index, &selected, facet))).collect()
    }

    /// The entity and the locations that led to it, each with the references of its parents.
    pub(crate) fn ancestry(&self, _who: &Credentials, reference: &EntityRef) -> Vec<(Arc<Record>, Vec<String>)> {
        let index = self.inner.index.load();
        let mut chain: Vec<(Arc<Record>, Vec<String>)> = Vec::new();
        let mut next = index.get(reference).cloned();
        while let Some(record) = next.take().filter(|record| chain.iter().all(|(seen, _)| seen.uid != record.uid)) {
            next = record.parent.as_deref().and_then(|parent| index.get_exact(parent)).cloned();
            let parents = record.parent.iter().cloned().collect();
            chain.push((record, parents));
        }
        chain
    }

    /// Registers a location and reads it; what it declares is visible when this returns.
    pub(crate) async fn register(
        &self,
        who: &Credentials,
        kind: &str,
        target: &str,
        how: Registration,
    ) -> Result<Registered, CatalogError> {
        if kind != "url" {
            return Err(CatalogError::Invalid("Registered locations must be of an allowed type [\"url\"]".to_owned()));
        }
        let url = Url::parse(target).map_err(|error| CatalogError::Invalid(format!("\"{target}\" is not a URL: {error}")))?;
        let target = if self.reader().is_forge(&url) { self.reader().canonical(&url) } else { target.to_owned() };
        let location = Location { id: Uuid::now_v7(), kind: kind.to_owned(), target };
        if how == Registration::DryRun {
            return self.try_location(location).await;
        }
        let existing = self.store_location(who, &location, how).await?;
        let existed = existing.is_some();
        let location = existing.unwrap_or(location);
        let reference = location.reference();
        self.read_source(&reference).await?;
        let index = self.inner.index.load();
        let entities = index.records().filter(|record| record.source == reference).map(|record| record.entity.clone()).collect();
        let problems = store::problems(&self.inner.pool, Some(&reference)).await?;
        Ok(Registered { location, entities, existed, problems })
    }

    /// Forgets a location and everything that only it declared.
    pub(crate) async fn unregister(&self, _who: &Credentials, id: Uuid) -> Result<(), CatalogError> {
        let location = store::location(&self.inner.pool, id).await?.ok_or_else(|| no_location(id))?;
        let reading = self.reading(&location.reference());
        let _reading = reading.lock().await;
        let mut transaction = self.inner.pool.begin().await?;
        store::lock(&mut *transaction).await?;
        store::remove_location(&mut *transaction, id).await?;
        if !store::is_configured(&mut *transaction, &location.reference()).await? {
            ingest::remove(&mut transaction, &location.reference(), Utc::now()).await?;
        }
        transaction.commit().await?;
        self.advance().await?;
        self.inner.due.notify_one();
        Ok(())
    }

    /// Reads the source of an entity now; the effect is visible when this returns.
    pub(crate) async fn refresh(&self, who: &Credentials, reference: &EntityRef) -> Result<(), CatalogError> {
        let not_found = || CatalogError::NotFound(format!("Entity {reference} not found"));
        let record = self.entity(who, reference).ok_or_else(not_found)?;
        self.read_source(&record.source).await
    }

    /// Deletes one entity. Its source is read again soon: if the file still declares it, it comes back with a new uid.
    pub(crate) async fn delete(&self, who: &Credentials, uid: Uuid) -> Result<(), CatalogError> {
        let Some(record) = self.entity_by_uid(who, uid) else { return Ok(()) };
        let reference = record.reference.to_string();
        let logged = store::Logged { reference: reference.clone(), operation: Operation::Delete, uid, document: None };
        let mut transaction = self.inner.pool.begin().await?;
        store::lock(&mut *transaction).await?;
        store::delete(&mut *transaction, &[reference]).await?;
        store::log(&mut *transaction, &record.source, &[logged], Utc::now()).await?;
        store::notify(&mut *transaction).await?;
        store::invalidate(&mut *transaction, &record.source, Utc::now()).await?;
        transaction.commit().await?;
        self.advance().await?;
        self.inner.due.notify_one();
        Ok(())
    }

    /// Every registered location, oldest first.
    pub(crate) async fn locations(&self, _who: &Credentials) -> Result<Vec<Location>, CatalogError> {
        Ok(store::locations(&self.inner.pool).await?)
    }

    /// One registered location.
    pub(crate) async fn location(&self, _who: &Credentials, id: Uuid) -> Result<Location, CatalogError> {
        store::location(&self.inner.pool, id).await?.ok_or_else(|| no_location(id))
    }

    /// The registered location that an entity comes from.
    pub(crate) async fn location_by_entity(&self, who: &Credentials, reference: &EntityRef) -> Result<Location, CatalogError> {
        let missing = || CatalogError::NotFound(format!("found no entity for ref {reference}"));
        let source = self.entity(who, reference).ok_or_else(missing)?.source.clone();
        let found = store::location_of(&self.inner.pool, &source).await?;
        found.ok_or_else(|| {
            let (kind, target) = source.split_once(':').unwrap_or_default();
            CatalogError::NotFound(format!("Found no location with type {kind} and target {target}"))
        })
    }

    /// The changes of an entity, newest first.
    pub(crate) async fn history(&self, _who: &Credentials, reference: &EntityRef) -> Result<Vec<Change>, CatalogError> {
        const SHOWN: i64 = 200;
        Ok(store::history(&self.inner.pool, &reference.to_string(), SHOWN).await?)
    }

    /// Everything that is broken.
    pub(crate) async fn problems(&self, _who: &Credentials) -> Result<Vec<Problem>, CatalogError> {
        Ok(store::problems(&self.inner.pool, None).await?)
    }

    /// Whether an entity could come from a location (`type:target`).
    pub(crate) async fn validate(&self, entity: Value, location: &str) -> Result<(), Vec<ValidationError>> {
        let wrong = |message: String| vec![ValidationError::new("TypeError", message)];
        let Some(location) = LocationRef::parse(location) else {
            return Err(wrong(format!("Unable to parse location ref '{location}', expected '<type>:<target>', e.g. 'url:https://host/path'")));
        };
        if !location.is_url() {
            return Err(wrong(format!("Invalid location ref {location}, only 'url:<target>' is supported, e.g. url:https://host/path")));
        }
        let entity = entity::check_envelope(entity).map_err(|error| vec![error])?;
        walk::validate(self.reader(), entity, &location).await.map_err(|error| vec![error])
    }

    /// Stores a location and its source; gives the one that is there already.
    async fn store_location(
        &self,
        who: &Credentials,
        location: &Location,
        how: Registration,
    ) -> Result<Option<Location>, CatalogError> {
        let now = Utc::now();
        let mut transaction = self.inner.pool.begin().await?;
        store::lock(&mut *transaction).await?;
        let is_new = store::add_location(&mut *transaction, location, &name_of(who), now).await?;
        if !is_new && how == Registration::New {
            return Err(CatalogError::Conflict(format!("Location {} already exists", location.reference())));
        }
        store::add_source(&mut *transaction, &location.location(), false, now).await?;
        let existing = store::location_of(&mut *transaction, &location.reference()).await?;
        transaction.commit().await?;
        Ok(existing.filter(|_| !is_new))
    }

    /// What a location would declare.
    async fn try_location(&self, location: Location) -> Result<Registered, CatalogError> {
        let walk = walk::walk(self.reader(), &self.inner.config, &location.location()).await;
        if let Some(trouble) = walk.troubles.first() {
            return Err(CatalogError::Invalid(trouble.error.to_string()));
        }
        let existed = store::location_of(&self.inner.pool, &location.reference()).await?.is_some();
        let entities = walk.declared.into_iter().map(|declared| declared.entity).collect();
        Ok(Registered { location, entities, existed, problems: Vec::new() })
    }

    /// Takes over the configured locations, and removes those that are configured no more.
    async fn configure(&self) -> Result<(), CatalogError> {
        let now = Utc::now();
        let configured: Vec<LocationRef> = self.inner.config.locations.iter().map(ConfiguredLocation::reference).collect();
        let references: Vec<String> = configured.iter().map(LocationRef::to_string).collect();
        let mut transaction = self.inner.pool.begin().await?;
        store::lock(&mut *transaction).await?;
        for location in &configured {
            store::add_source(&mut *transaction, location, true, now).await?;
        }
        for abandoned in store::abandoned(&mut *transaction, &references).await? {
            ingest::remove(&mut transaction, &abandoned, now).await?;
        }
        transaction.commit().await?;
        Ok(())
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
        let _advancing = self.inner.advancing.lock().await;
        let current = self.inner.index.load_full();
        let (sequence, changes) = store::changed_since(&self.inner.pool, current.sequence).await?;
        if changes.is_empty() {
            return Ok(());
        }
        let mut index = (*current).clone();
        index.apply(changes);
        index.sequence = sequence;
        self.inner.index.store(Arc::new(index));
        self.inner.advanced.send_replace(sequence);
        Ok(())
    }
}

fn no_location(id: Uuid) -> CatalogError {
    CatalogError::NotFound(format!("Found no location with ID {id}"))
}

/// Who registered something.
fn name_of(who: &Credentials) -> String {
    match who.principal() {
        Principal::User { user, .. } => user.to_string(),
        Principal::Service { subject } => format!("service:{subject}"),
        Principal::Anonymous => "anonymous".to_owned(),
    }
}

#[cfg(test)]
mod tests;
