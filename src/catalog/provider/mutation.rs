//! What a provider says, brought into the store: the same transaction, log and conflicts as for every source.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::schedule::{Due, NEVER};
use super::{Gone, Provided, Provider, ProviderError, Tip, ask};
use crate::catalog::config::OrphanStrategy;
use crate::catalog::walk::{self, Before, Extent, Walk};
use crate::catalog::{Catalog, CatalogError, LocationRef, ingest, store};
use crate::entity::Entity;

/// A change of what a provider provides.
#[derive(Debug)]
pub(crate) enum Mutation {
    /// Everything that there is: the rest goes.
    #[cfg_attr(not(test), expect(dead_code, reason = "the local forge tells of single repositories"))]
    Full(Vec<Provided>),
    /// Only what changed.
    Delta {
        /// New, or other than it was.
        added: Vec<Provided>,
        /// Not there any more.
        removed: Vec<Gone>,
    },
}

/// The way of one provider into the catalog.
#[derive(Clone)]
pub(crate) struct Connection {
    catalog: Catalog,
    provider: String,
}

impl Connection {
    pub(in crate::catalog) fn new(catalog: Catalog, provider: &str) -> Self {
        Self { catalog, provider: provider.to_owned() }
    }

    /// Brings in what changed. Entities are visible when this returns, locations are read soon.
    pub(crate) async fn apply(&self, mutation: Mutation) -> Result<(), CatalogError> {
        let (given, removed) = match mutation {
            Mutation::Full(given) => (given, None),
            Mutation::Delta { added, removed } => (added, Some(removed)),
        };
        let found = self.catalog.sorted_out(&self.provider, given, removed);
        let mut transaction = self.catalog.inner.pool.begin().await?;
        store::lock(&mut *transaction).await?;
        // An answer that was asked for before this is older than this.
        if !store::overtake(&mut *transaction, &self.provider).await? {
            return Err(CatalogError::NotFound(format!("there is no provider {}", self.provider)));
        }
        found.write(&mut transaction, &self.provider, Utc::now()).await?;
        transaction.commit().await?;
        self.catalog.advance().await?;
        self.catalog.inner.due.notify_one();
        Ok(())
    }

    /// Reads a location that was provided; the effect is visible when this returns.
    pub(crate) async fn refresh(&self, location: &LocationRef) -> Result<(), CatalogError> {
        self.catalog.read_source(&location.to_string()).await
    }

    /// Asks the provider for everything now.
    pub(crate) async fn run_now(&self) -> Result<(), CatalogError> {
        self.catalog.read_source(&self.provider).await
    }

    /// Asks the provider for everything, unless it was asked after this, by any process.
    pub(crate) async fn run_since(&self, time: DateTime<Utc>) -> Result<(), CatalogError> {
        self.catalog.read_source_since(&self.provider, time).await
    }

    /// What the provider asks for whose reference begins with this text, which ends with `/`.
    pub(crate) async fn provided_below(&self, prefix: &str) -> Result<Vec<LocationRef>, CatalogError> {
        let references = store::provided_below(&self.catalog.inner.pool, &self.provider, prefix).await?;
        Ok(references.iter().filter_map(|reference| LocationRef::parse(reference)).collect())
    }
}

/// What a provider said, ready to be written.
pub(in crate::catalog) struct Found {
    /// Its entities, as if they had been read.
    pub(in crate::catalog) walk: Walk,
    /// References of its locations.
    locations: Vec<LocationRef>,
    /// Where the branches of some of them are.
    tips: Vec<(String, Tip)>,
    /// Locations that are gone; none if every other one is.
    gone: Option<Vec<String>>,
}

impl Found {
    /// Whether it says where branches are.
    pub(in crate::catalog) fn has_tips(&self) -> bool {
        !self.tips.is_empty()
    }

    /// Writes where branches are; sources of those that moved are read now. Whoever calls has the lock.
    pub(in crate::catalog) async fn renew(
        &self,
        db: &mut PgConnection,
        provider: &str,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        store::set_tips(db, provider, &self.tips, now).await
    }

    /// Writes it; whoever calls has the lock.
    pub(in crate::catalog) async fn write(
        &self,
        db: &mut PgConnection,
        provider: &str,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        // What a provider no longer provides is gone: orphans are what files let go.
        ingest::apply(&mut *db, provider, &Before::default(), &self.walk, (OrphanStrategy::Delete, None), now).await?;
        store::provide(&mut *db, provider, &self.locations, now).await?;
        self.renew(db, provider, now).await?;
        let gone = match &self.gone {
            None if matches!(self.walk.extent, Extent::Unknown) => Vec::new(),
            None => {
                let stay: Vec<String> = self.locations.iter().map(ToString::to_string).collect();
                store::provided_beside(&mut *db, provider, &stay).await?
            }
            Some(gone) => gone.clone(),
        };
        Ok(withdraw(db, provider, &gone, now).await?)
    }
}

/// Forgets that a provider asks for sources; those that nobody else asks for go.
pub(in crate::catalog) async fn withdraw(
    db: &mut PgConnection,
    provider: &str,
    gone: &[String],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    for source in store::withdraw(&mut *db, provider, gone).await? {
        ingest::remove(&mut *db, &source, now).await?;
    }
    Ok(())
}

impl Catalog {
    /// The provider of a name, if this process knows it.
    pub(in crate::catalog) fn provider(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.inner.providers.iter().find(|provider| provider.name() == name)
    }

    /// Asks a provider for everything.
    pub(in crate::catalog) async fn found(&self, provider: &dyn Provider) -> Found {
        match ask(provider).await {
            Ok(given) => self.sorted_out(provider.name(), given, None),
            Err(error) => self.unanswered(provider.name(), &error),
        }
    }

    fn sorted_out(&self, provider: &str, given: Vec<Provided>, removed: Option<Vec<Gone>>) -> Found {
        let (mut entities, mut locations): (Vec<Entity>, Vec<LocationRef>) = (Vec::new(), Vec::new());
        let (mut known, mut tips) = (HashSet::new(), Vec::new());
        for provided in given {
            let (location, tip) = match provided {
                Provided::Entity(entity) => {
                    entities.push(*entity);
                    continue;
                }
                Provided::Location(location) => (location, None),
                Provided::LocationAt(location, tip) => (location, Some(tip)),
            };
            let target = self.reader().stored_target(&location.kind, &location.target);
            let location = LocationRef::new(location.kind.clone(), target).optional(location.is_optional());
            if known.insert(location.clone()) {
                tips.extend(tip.map(|tip| (location.to_string(), tip)));
                locations.push(location);
            }
        }
        let (extent, gone) = match removed {
            None => (Extent::Whole, None),
            Some(removed) => {
                let (mut names, mut gone) = (HashSet::new(), Vec::new());
                for one in removed {
                    match one {
                        Gone::Entity(reference) => drop(names.insert(reference.to_string())),
                        Gone::Location(location) => gone.push(location.to_string()),
                    }
                }
                (Extent::Part(names), Some(gone))
            }
        };
        let root = source_of(provider);
        let walk = walk::of_provider(self.reader(), &self.inner.config, &root, entities, extent, &locations);
        Found { walk, locations, tips, gone }
    }

    fn unanswered(&self, provider: &str, error: &ProviderError) -> Found {
        let walk = walk::unanswered(self.reader(), &self.inner.config, &source_of(provider), error.validation());
        Found { walk, locations: Vec::new(), tips: Vec::new(), gone: None }
    }
}

impl Catalog {
    /// Takes over the configured providers; what became of the others is said by `catalog.orphanProviderStrategy`.
    pub(in crate::catalog) async fn configure_providers(
        &self,
        db: &mut PgConnection,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        for provider in &self.inner.providers {
            let schedule = provider.schedule();
            let delay = TimeDelta::from_std(schedule.initial_delay).unwrap_or_default();
            let first = now.checked_add_signed(delay).unwrap_or(now);
            let again = match schedule.next(0, now) {
                Due::After(_) => first,
                Due::At(moment, _) => moment,
                Due::OnDemand => NEVER,
            };
            store::add_provider(&mut *db, &source_of(provider.name()), first, again).await?;
        }
        if self.inner.config.orphan_provider_strategy == OrphanStrategy::Keep {
            return Ok(());
        }
        for known in store::providers(&mut *db).await? {
            if self.provider(&known.reference).is_none() {
                let provided = store::provided_beside(&mut *db, &known.reference, &[]).await?;
                withdraw(&mut *db, &known.reference, &provided, now).await?;
                ingest::remove(&mut *db, &known.reference, now).await?;
            }
        }
        Ok(())
    }
}

/// The reference of a provider's source is its name.
pub(in crate::catalog) fn source_of(provider: &str) -> LocationRef {
    let (kind, id) = provider.split_once(':').unwrap_or((provider, ""));
    LocationRef::new(kind, id)
}
