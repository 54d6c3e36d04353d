//! Providers: what finds out by itself what belongs into the catalog, as Backstage's entity providers do.
//!
//! A provider is a source that is not read but asked ([`Provider::read`]), on a schedule of its own. It is claimed, put
//! off after failures and shown as every source. Its answer is a *full* mutation: the complete set. What it learns in
//! between it tells its [`Connection`], mostly as a *delta*.
//!
//! What is provided is either a location, which becomes a source of its own with everything that belongs to one, or a
//! finished entity, which belongs to the provider itself. A location goes when nobody asks for it any more: no provider,
//! nobody who registered it, no configuration. A provider that could not answer leaves everything as it was.

mod config;
mod gathering;
mod github;
mod local;
mod mutation;
mod organization;
mod schedule;
mod state;

use std::fmt;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

pub(crate) use self::config::ProvidersConfig;
pub(super) use self::mutation::Found;
pub(crate) use self::mutation::{Connection, Mutation};
#[cfg(test)]
pub(crate) use self::schedule::Frequency;
pub(crate) use self::schedule::Schedule;
pub(super) use self::schedule::{Due, NEVER};
pub(crate) use self::state::ProviderState;
use super::{ForgeEvent, LocationRef};
use crate::entity::{Entity, EntityRef, ValidationError};
use crate::forge::{ForgeError, Forges};

/// Finds out what belongs into the catalog.
pub(crate) trait Provider: fmt::Debug + Send + Sync {
    /// `kind-provider:id`, the same at every start and in every process: what is provided is kept under this name.
    fn name(&self) -> &str;

    /// When it is asked.
    fn schedule(&self) -> Schedule;

    /// Everything that there is now.
    fn read(&self) -> BoxFuture<'_, Result<Vec<Provided>, ProviderError>>;

    /// Hears what a forge told this process of itself. What other processes must know, the connection brings there.
    fn hear<'a>(&'a self, _event: &'a ForgeEvent, _connection: &'a Connection) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(future::ready(Ok(())))
    }

    /// Tells of changes as they happen, in every process, until it is dropped. A provider that hears of none waits.
    fn follow(&self, _connection: Connection) -> BoxFuture<'_, ()> {
        Box::pin(future::pending())
    }
}

/// Something that a provider found.
#[derive(Debug, Clone)]
pub(crate) enum Provided {
    /// A location, for which a `Location` entity stands as for a registered one. It is read on its own schedule.
    Location(LocationRef),
    /// The same, and where its branch is: as long as that is believed, reading it asks nobody where the branch is.
    LocationAt(LocationRef, Tip),
    /// An entity with the annotations `managed-by-location` and `managed-by-origin-location`.
    Entity(Box<Entity>),
}

/// Where the branch of a location was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tip {
    /// The id of the commit.
    pub(crate) commit: String,
    /// When it was there, at the latest.
    pub(crate) seen_at: DateTime<Utc>,
    /// How long that is taken for true.
    pub(crate) until: DateTime<Utc>,
}

/// Something that is not there any more.
#[derive(Debug, Clone)]
pub(crate) enum Gone {
    /// A location, with everything that it declared.
    Location(LocationRef),
    /// An entity.
    #[cfg_attr(not(test), expect(dead_code, reason = "no provider tells of single entities yet"))]
    Entity(EntityRef),
}

/// Why a provider has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    /// The forge failed.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// It is configured in a way that gives no answer.
    #[error("{0}")]
    Configuration(String),
    /// The configured time was not enough.
    #[error("no answer within {0:?}; `schedule.timeout` of the provider sets the limit")]
    TimedOut(Duration),
}

impl ProviderError {
    /// As a problem of the provider's source.
    pub(super) fn validation(&self) -> ValidationError {
        ValidationError::new("ProviderError", self.to_string())
    }
}

/// The providers that configuration names.
pub(super) fn configured(config: &ProvidersConfig, forges: &Forges) -> Result<Vec<Arc<dyn Provider>>, ForgeError> {
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    for (id, config) in &config.local {
        providers.push(Arc::new(local::LocalProvider::new(id, config, forges)?));
    }
    let sections = [
        ("github", &config.github.unknown),
        ("githubOrg", &config.github_org.unknown),
        ("githubMultiOrg", &config.github_multi_org.unknown),
    ];
    for (section, key) in sections.iter().flat_map(|(section, keys)| keys.iter().map(move |key| (section, key))) {
        tracing::warn!(
            "configuration `catalog.providers.{section}.{key}` is not a key that Greenroom reads; is it misspelt?"
        );
    }
    for (id, config) in &config.github.all {
        providers.push(Arc::new(github::GitHubProvider::new(id, config, forges)?));
    }
    // The teams of the only organisation need no namespace to be told apart.
    let is_only = config.github_org.all.len() == 1 && config.github_org.all[0].orgs.len() == 1;
    for config in &config.github_org.all {
        let kind = "github-org-provider";
        providers.push(Arc::new(organization::OrganizationProvider::new(kind, config, !is_only, forges)?));
    }
    for config in &config.github_multi_org.all {
        let kind = "github-multi-org-provider";
        providers.push(Arc::new(organization::OrganizationProvider::new(kind, config, true, forges)?));
    }
    Ok(providers)
}

/// The answer of a provider, or that it took too long.
pub(super) async fn ask(provider: &dyn Provider) -> Result<Vec<Provided>, ProviderError> {
    let limit = provider.schedule().timeout;
    tokio::time::timeout(limit, provider.read()).await.unwrap_or(Err(ProviderError::TimedOut(limit)))
}
