//! Root locations: registered by people and services, or named by configuration; providers find more.
//!
//! A location becomes a source and is read before the verb returns. One that several of them name is one source; it goes
//! when none does.

use std::sync::Arc;

use chrono::Utc;
use serde::Serialize;
use sqlx::{Connection as _, FromRow, PgConnection};
use url::Url;
use uuid::Uuid;

use super::walk::Before;
use super::{Catalog, CatalogError, ConfiguredLocation, LocationRef, Problem, ingest, store, walk};
use crate::entity::{Entity, EntityRef};
use crate::permission::{Credentials, Principal};

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
    /// What its entity is called, if it had another target before.
    #[serde(skip)]
    pub(crate) entity_name: Option<String>,
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

    pub(super) fn location(&self) -> LocationRef {
        LocationRef::new(self.kind.clone(), self.target.clone()).named(self.entity_name.clone())
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

impl Catalog {
    /// Registers a location and reads it; what it declares is visible when this returns.
    pub(crate) async fn register(
        &self,
        who: &Credentials,
        kind: &str,
        target: &str,
        how: Registration,
    ) -> Result<Registered, CatalogError> {
        check(kind, target)?;
        let target = self.reader().stored_target(kind, target);
        let location = Location { id: Uuid::now_v7(), kind: kind.to_owned(), target, entity_name: None };
        if how == Registration::DryRun {
            return self.try_location(location).await;
        }
        let existing = self.store_location(who, &location, how).await?;
        let existed = existing.is_some();
        let location = existing.unwrap_or(location);
        let reference = location.reference();
        self.read_source_anew(&reference).await?;
        let index = self.inner.index.load();
        let entities =
            index.records().filter(|record| *record.source == *reference).map(|record| record.entity()).collect();
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
        if !store::is_fixed(&mut *transaction, &location.reference()).await? {
            ingest::remove(&mut transaction, &location.reference(), Utc::now()).await?;
        }
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
    pub(crate) async fn location_by_entity(
        &self,
        who: &Credentials,
        reference: &EntityRef,
    ) -> Result<Location, CatalogError> {
        let missing = || CatalogError::NotFound(format!("found no entity for ref {reference}"));
        let source = Arc::clone(&self.entity(who, reference).ok_or_else(missing)?.source);
        let found = store::location_of(&self.inner.pool, &source).await?;
        found.ok_or_else(|| {
            let (kind, target) = source.split_once(':').unwrap_or_default();
            CatalogError::NotFound(format!("Found no location with type {kind} and target {target}"))
        })
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
        let walk = walk::walk(self.reader(), &self.inner.config, &location.location(), &Before::default()).await;
        if let Some(trouble) = walk.troubles.iter().chain(&walk.claims).next() {
            return Err(CatalogError::Invalid(trouble.error.to_string()));
        }
        let existed = store::location_of(&self.inner.pool, &location.reference()).await?.is_some();
        let documents = walk.declared.iter().filter_map(|declared| declared.written.as_ref());
        // They were serialised from entities a moment ago.
        let entities = documents.filter_map(|written| serde_json::from_str(&written.document).ok()).collect();
        Ok(Registered { location, entities, existed, problems: Vec::new() })
    }

    /// Whether this process's configuration names a root location (`type:target`).
    pub(crate) fn is_configured(&self, reference: &str) -> bool {
        self.inner.config.locations.iter().any(|location| location.reference().to_string() == reference)
    }

    /// Takes over the configured locations, and removes those that are configured no more.
    pub(super) async fn configure(&self, db: &mut PgConnection) -> Result<(), CatalogError> {
        let now = Utc::now();
        let configured: Vec<LocationRef> =
            self.inner.config.locations.iter().map(ConfiguredLocation::reference).collect();
        let references: Vec<String> = configured.iter().map(LocationRef::to_string).collect();
        let mut transaction = db.begin().await?;
        store::lock(&mut *transaction).await?;
        for location in &configured {
            store::add_source(&mut *transaction, location, true, now).await?;
        }
        self.configure_providers(&mut transaction, now).await?;
        for abandoned in store::abandoned(&mut transaction, &references).await? {
            ingest::remove(&mut transaction, &abandoned, now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// What can be registered: URLs.
pub(super) fn check(kind: &str, target: &str) -> Result<(), CatalogError> {
    if kind != "url" {
        return Err(CatalogError::Invalid("Registered locations must be of an allowed type [\"url\"]".to_owned()));
    }
    if target.contains('\0') {
        return Err(CatalogError::Invalid("The target holds the character U+0000, which no address has".to_owned()));
    }
    let parsed = Url::parse(target);
    parsed.map(drop).map_err(|error| CatalogError::Invalid(format!("\"{target}\" is not a URL: {error}")))
}

pub(super) fn no_location(id: Uuid) -> CatalogError {
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
