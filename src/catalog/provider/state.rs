//! How providers are doing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::NEVER;
use crate::catalog::{Catalog, CatalogError, store};
use crate::permission::Credentials;

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderState {
    /// `local-provider:default`
    pub(crate) name: String,
    /// Whether configuration names it; one that is not stays as it was last.
    pub(crate) is_configured: bool,
    /// When it was last asked.
    pub(crate) last_run: Option<DateTime<Utc>>,
    /// When it is asked next; none if somebody has to ask for that.
    pub(crate) next_run: Option<DateTime<Utc>>,
    /// Why it has no answer, and since when.
    pub(crate) error: Option<(String, DateTime<Utc>)>,
    /// Locations that it asks for.
    pub(crate) locations: usize,
    /// Entities in the catalog because of it.
    pub(crate) entities: usize,
}

impl Catalog {
    /// Every provider, by name.
    pub(crate) async fn providers(&self, who: &Credentials) -> Result<Vec<ProviderState>, CatalogError> {
        let known = store::providers(&self.inner.pool).await?;
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let provided = self.provided(who).await?;
        let mut entities: HashMap<&str, usize> = HashMap::new();
        let index = self.index();
        for record in index.records() {
            let providers = provided.get(&*record.source).into_iter().flatten().map(String::as_str);
            let own = known.iter().map(|row| row.reference.as_str()).find(|name| *name == &*record.source);
            for provider in providers.chain(own) {
                *entities.entry(provider).or_default() += 1;
            }
        }
        let mut errors: HashMap<String, (String, DateTime<Utc>)> = HashMap::new();
        for problem in self.problems(who).await?.into_iter().filter(|problem| problem.entity.is_none()) {
            errors.insert(problem.source, (problem.message, problem.since));
        }
        let state = |row: &store::ProviderRow| ProviderState {
            name: row.reference.clone(),
            is_configured: self.provider(&row.reference).is_some(),
            last_run: row.last_read_at,
            next_run: Some(row.next_read_at).filter(|next| *next < NEVER),
            error: errors.get(&row.reference).cloned(),
            locations: provided.values().filter(|providers| providers.contains(&row.reference)).count(),
            entities: entities.get(row.reference.as_str()).copied().unwrap_or_default(),
        };
        Ok(known.iter().map(state).collect())
    }

    /// Has a provider asked soon, whatever its schedule says.
    pub(crate) async fn run_provider(&self, _who: &Credentials, name: &str) -> Result<(), CatalogError> {
        if !store::hasten_provider(&self.inner.pool, name, Utc::now()).await? {
            return Err(CatalogError::NotFound(format!("there is no provider {name}")));
        }
        self.inner.due.notify_one();
        Ok(())
    }

    /// Which providers ask for a source, by its reference.
    pub(crate) async fn provided(&self, _who: &Credentials) -> Result<HashMap<String, Vec<String>>, CatalogError> {
        let mut provided: HashMap<String, Vec<String>> = HashMap::new();
        for (source, provider) in store::provided(&self.inner.pool).await? {
            provided.entry(source).or_default().push(provider);
        }
        Ok(provided)
    }
}
