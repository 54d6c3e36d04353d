//! Repositories of the local forge that hold a descriptor: a location for each.
//!
//! What is committed to the forge of this process is told at once; what other processes' forges hold is not this provider's
//! to know.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;

use super::config::{CatalogPath, LocalProviderConfig, Pattern};
use super::{Connection, Gone, Mutation, Provided, Provider, ProviderError, Schedule};
use crate::catalog::LocationRef;
use crate::forge::{
    EntryKind, FileLocation, Forge, ForgeError, Forges, LocalForge, LocationKind, Repository, RepositoryId,
};

/// Looks for descriptors in the repositories of the local forge.
#[derive(Debug)]
pub(super) struct LocalProvider {
    name: String,
    forge: Arc<dyn Forge>,
    organization: Option<String>,
    repository: Option<Pattern>,
    path: CatalogPath,
    schedule: Schedule,
}

impl LocalProvider {
    pub(super) fn new(id: &str, config: &LocalProviderConfig, forges: &Forges) -> Result<Self, ForgeError> {
        Ok(Self {
            name: format!("local-provider:{id}"),
            forge: Arc::clone(forges.by_host(LocalForge::HOST)?),
            organization: config.organization.clone(),
            repository: config.filters.repository.clone(),
            path: config.catalog_path.clone(),
            schedule: config.schedule.clone().into(),
        })
    }

    fn is_meant(&self, repository: &RepositoryId) -> bool {
        self.organization.as_ref().is_none_or(|owner| owner == repository.owner())
            && self.repository.as_ref().is_none_or(|pattern| pattern.fits(repository.name()))
    }

    /// The location of a repository, whether it has the file or not.
    fn location(&self, repository: &Repository) -> LocationRef {
        let file = FileLocation {
            repository: repository.id.clone(),
            revision: repository.default_branch.clone(),
            path: self.path.as_str().to_owned(),
            kind: LocationKind::Blob,
        };
        LocationRef::new("url", self.forge.canonical_url(&file))
    }

    /// Whether a repository has the file.
    async fn has_file(&self, repository: &Repository) -> Result<bool, ForgeError> {
        let (id, branch) = (&repository.id, &repository.default_branch);
        let entries = match self.path.folder() {
            Some(folder) => self.forge.tree(id, branch, folder).await,
            None => self.forge.walk(id, branch, "").await,
        };
        match entries {
            Ok(entries) => {
                Ok(entries.iter().any(|entry| matches!(entry.kind, EntryKind::File(_)) && self.path.fits(&entry.path)))
            }
            // Empty, without that branch or folder, or deleted a moment ago.
            Err(ForgeError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Brings the catalog up to a repository that changed.
    async fn look_at(&self, id: &RepositoryId, connection: &Connection) -> anyhow::Result<()> {
        let repository = match self.forge.find(id).await {
            Ok(repository) => repository,
            // Deleted: which branch it had nobody knows any more.
            Err(ForgeError::NotFound(_)) => return Ok(connection.run_now().await?),
            Err(error) => return Err(error.into()),
        };
        let location = self.location(&repository);
        if self.has_file(&repository).await? {
            let added = vec![Provided::Location(location.clone())];
            connection.apply(Mutation::Delta { added, removed: Vec::new() }).await?;
            return Ok(connection.refresh(&location).await?);
        }
        let removed = vec![Gone::Location(location)];
        Ok(connection.apply(Mutation::Delta { added: Vec::new(), removed }).await?)
    }
}

impl Provider for LocalProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<Provided>, ProviderError>> {
        Box::pin(async {
            let mut found = Vec::new();
            for repository in self.forge.list(self.organization.as_deref()).await? {
                if self.is_meant(&repository.id) && self.has_file(&repository).await? {
                    found.push(Provided::Location(self.location(&repository)));
                }
            }
            Ok(found)
        })
    }

    fn follow(&self, connection: Connection) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(mut changes) = self.forge.follow() else {
                return std::future::pending().await;
            };
            loop {
                let told = match changes.recv().await {
                    Ok(repository) if self.is_meant(&repository) => self.look_at(&repository, &connection).await,
                    Ok(_) => Ok(()),
                    Err(RecvError::Lagged(_)) => connection.run_now().await.map_err(Into::into),
                    Err(RecvError::Closed) => return std::future::pending().await,
                };
                if let Err(error) = told {
                    // The next answer to the schedule says the same, where everybody sees it.
                    tracing::warn!(%error, provider = self.name, "cannot follow a change of the local forge");
                }
            }
        })
    }
}
