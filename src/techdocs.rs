//! Documentation beside the code: sites of `mkdocs.yml`, rendered in the process.
//!
//! Flow: an entity says where its documentation is (`reference`) → the folder is read through the catalog's reader, with
//! limits (`source`) → what was read is kept in Postgres (`store`), with its text by heading for whoever searches
//! (`document`) → a site in memory (`site`, a shelf of those used last) → a page, rendered when it is asked for (`page`).
//! In the background any process looks at each source now and then (`work`).
//!
//! Invariants:
//! - a source that is away, or was broken by its last change, leaves the last good site, which says so;
//! - Postgres is the truth: any process shows the same site, and a start reads nothing again;
//! - bytes, files and time of a reading are limited, as is what sites take in memory;
//! - what is shown went through the sanitiser of `markdown`.

pub(crate) mod config;
mod document;
mod finding;
mod folder;
pub(crate) mod index;
pub(crate) mod nav;
mod page;
pub(crate) mod path;
mod reference;
mod shelf;
mod site;
mod source;
mod store;
mod survey;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::sync::{Notify, watch};

#[allow(unused_imports, reason = "what `documented` gives, by its name")]
pub(crate) use document::Documented;
pub(crate) use finding::Found;
pub(crate) use folder::{Folder, read as read_folder};
pub(crate) use reference::{Where, is_documented};
pub(crate) use site::Site;
pub(crate) use survey::DocumentSection;

use self::document::Entities;
use self::shelf::Shelf;
use self::site::{Place, SiteFiles};
use self::store::SiteRow;
use crate::catalog::{Catalog, LocationRef};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// What sites may take in this process's memory.
const SHELF_BYTES: usize = 48 * 1024 * 1024;

/// Documentation. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TechDocs {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    catalog: Catalog,
    shelf: Shelf,
    /// What has documentation, at a version of the catalog.
    entities: Mutex<(i64, Arc<Entities>)>,
    /// What the database was last told to be referred to, and when.
    wanted: Mutex<Option<(Arc<Entities>, DateTime<Utc>)>>,
    /// Held by whoever reads a source in this process.
    reading: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Wakes the work when something became due.
    due: Notify,
    /// Moves when a site changed, or entities have other sites.
    changed: watch::Sender<i64>,
}

/// The documentation of an entity as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Docs {
    /// The site.
    pub(crate) site: Arc<Site>,
    /// Where it is read from.
    pub(crate) source: String,
    /// When it was read.
    pub(crate) read_at: Option<DateTime<Utc>>,
    /// When it was last changed, if its repository says so.
    pub(crate) changed_at: Option<DateTime<Utc>>,
    /// Why the last look at the source failed: what is shown is older.
    pub(crate) failure: Option<String>,
    /// What is wrong with its files.
    pub(crate) problems: Vec<(String, String)>,
}

/// Why there is no documentation to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocsError {
    /// The catalog has no such entity.
    #[error("the catalog has no {0}")]
    NoEntity(EntityRef),
    /// The entity says nothing about documentation.
    #[error("{0} has no documentation: its descriptor has no annotation backstage.io/techdocs-ref")]
    Undocumented(EntityRef),
    /// Its annotation cannot be understood.
    #[error("{0}")]
    BadReference(String),
    /// The documentation is another entity's.
    #[error("the documentation of {0} is that of {1}")]
    Borrowed(EntityRef, EntityRef, String),
    /// Nothing could be read yet.
    #[error("the documentation cannot be read: {0}")]
    Unread(String),
    /// The database failed.
    #[error("the database of documentation failed: {0}")]
    Store(#[from] sqlx::Error),
}

impl TechDocs {
    /// Documentation of what the catalog has.
    pub(crate) fn new(pool: PgPool, catalog: Catalog) -> Self {
        let inner = Inner {
            pool,
            catalog,
            entities: Mutex::new((-1, Arc::default())),
            shelf: Shelf::new(SHELF_BYTES),
            wanted: Mutex::default(),
            reading: Mutex::default(),
            due: Notify::new(),
            changed: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Where the documentation of an entity is.
    pub(crate) fn place(&self, who: &Credentials, entity: &EntityRef) -> Result<Where, DocsError> {
        let record = self.inner.catalog.entity(who, entity);
        let record = record.ok_or_else(|| DocsError::NoEntity(entity.clone()))?;
        match reference::of(self.inner.catalog.reader(), &record) {
            Some(Ok(place)) => Ok(place),
            Some(Err(reason)) => Err(DocsError::BadReference(reason)),
            None => Err(DocsError::Undocumented(entity.clone())),
        }
    }

    /// The documentation of an entity, read now if it never was.
    pub(crate) async fn open(&self, who: &Credentials, entity: &EntityRef) -> Result<Docs, DocsError> {
        match self.place(who, entity)? {
            Where::Borrowed(other, path) => Err(DocsError::Borrowed(entity.clone(), other, path)),
            Where::Own(source) => self.open_source(&source).await,
        }
    }

    async fn open_source(&self, source: &LocationRef) -> Result<Docs, DocsError> {
        let name = source.to_string();
        let row = match store::site(&self.inner.pool, &name).await {
            Ok(row) => row,
            // What was shown before can still be shown while the database is away.
            Err(error) => return self.inner.shelf.any(&name).ok_or(DocsError::Store(error)),
        };
        let row = match row {
            Some(row) if row.digest.is_some() => {
                self.look_again(source, &row).await;
                row
            }
            Some(row) if row.failure.is_some() && row.asked_at.is_some_and(|asked| Utc::now() - asked < RETRY) => row,
            _ => {
                self.refresh(source).await?;
                store::site(&self.inner.pool, &name).await?.ok_or_else(|| DocsError::Unread(name.clone()))?
            }
        };
        self.docs(&name, row).await
    }

    /// The site of a row, from the shelf or from its files.
    async fn docs(&self, source: &str, row: SiteRow) -> Result<Docs, DocsError> {
        let Some(digest) = row.digest.clone() else {
            return Err(DocsError::Unread(row.failure.unwrap_or_else(|| source.to_owned())));
        };
        let site = if let Some(site) = self.inner.shelf.get(source, &digest) {
            site
        } else {
            let (docs, beside) = store::files(&self.inner.pool, source).await?;
            let files = SiteFiles { config: row.config, docs, beside };
            let place: Place = serde_json::from_value(row.place).unwrap_or_default();
            let made = tokio::task::spawn_blocking(move || Arc::new(Site::new(files, digest, place))).await;
            made.map_err(|error| DocsError::Unread(error.to_string()))?
        };
        let docs = Docs {
            site,
            source: source.to_owned(),
            read_at: row.read_at,
            changed_at: row.changed_at,
            failure: row.failure,
            problems: serde_json::from_value(row.problems).unwrap_or_default(),
        };
        self.inner.shelf.put(source, docs.clone());
        Ok(docs)
    }

    /// Sees that something changed: a site, or which entities have one.
    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.inner.changed.subscribe()
    }

    /// The lock of one source.
    fn reading(&self, source: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.inner.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else can take a lock that only the map knows.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(source.to_owned()).or_default())
    }
}

/// How soon something that could not be read is read again because somebody asks for it.
const RETRY: chrono::Duration = chrono::Duration::seconds(10);
/// How long who looks at a page waits for a look at its source.
const AT_A_LOOK: Duration = Duration::from_secs(1);
