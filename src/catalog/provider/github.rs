//! Repositories on GitHub that hold a descriptor: a location for each, and the commit its branch is at.
//!
//! A hundred repositories are one request, which tells what each is, whether the file is there, what is in it, and where
//! the branch is. As long as that is believed (until the answer after this one is due) the catalog reads the locations
//! without asking anything more. What a webhook tells is a reason to look at that repository: only where GitHub's answer
//! is older than the push, the push is believed.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::config::{CatalogPath, GitHubProviderConfig, RepositoryFilters};
use super::gathering::Gathering;
use super::{Connection, Gone, Mutation, Provided, Provider, ProviderError, Schedule, Tip};
use crate::catalog::{ForgeEvent, LocationRef};
use crate::forge::{
    Discovered, FileLocation, Forge, ForgeError, Forges, GitHub, LocationKind, Look, Push, RepositoryId, Told,
};

/// Looks for descriptors in the repositories of an organisation, or of all on which an App is installed.
#[derive(Debug)]
pub(super) struct GitHubProvider {
    name: String,
    forge: Arc<dyn Forge>,
    organization: Option<String>,
    app: Option<u64>,
    path: CatalogPath,
    filters: RepositoryFilters,
    /// Whether an empty file counts as none.
    is_strict: bool,
    look: Look,
    /// The repositories of which a webhook told.
    told: Gathering,
    schedule: Schedule,
}

impl GitHubProvider {
    pub(super) fn new(id: &str, config: &GitHubProviderConfig, forges: &Forges) -> Result<Self, ForgeError> {
        let path = config.catalog_path.clone();
        let look = Look {
            branch: config.filters.branch.clone(),
            file: path.folder().map(|_| path.as_str().to_owned()),
            page: config.page_sizes.repositories,
        };
        Ok(Self {
            name: format!("github-provider:{id}"),
            forge: Arc::clone(forges.by_host(&config.host)?),
            organization: config.organization.clone(),
            app: config.app,
            path,
            filters: config.filters.clone(),
            is_strict: config.validate_locations_exist,
            look,
            told: Gathering::default(),
            schedule: config.schedule.clone().into(),
        })
    }

    fn github(&self) -> Result<&GitHub, ProviderError> {
        self.forge.github().ok_or_else(|| no_github(&self.name, self.forge.host()))
    }

    async fn owners(&self) -> Result<Vec<String>, ProviderError> {
        match &self.organization {
            Some(organization) => Ok(vec![organization.clone()]),
            None => Ok(self.github()?.organizations(self.app).await?),
        }
    }

    /// Whether the repositories of an owner are meant.
    async fn is_ours(&self, owner: &str) -> Result<bool, ProviderError> {
        Ok(self.owners().await?.iter().any(|ours| ours.eq_ignore_ascii_case(owner)))
    }

    fn fits(&self, found: &Discovered) -> bool {
        let Discovered { is_archived, is_fork, visibility, topics, .. } = found;
        let Self { filters, .. } = self;
        let has_file = match (&self.look.file, found.file) {
            (None, _) => true,
            (Some(_), bytes) => bytes.is_some_and(|bytes| bytes > 0 || !self.is_strict),
        };
        has_file
            && found.branch.is_some()
            && (!is_archived || filters.allow_archived)
            && (!is_fork || filters.allow_forks.unwrap_or(true))
            && filters.repository.as_ref().is_none_or(|pattern| pattern.fits(found.id.name()))
            && filters.topic.fits(topics)
            && (filters.visibility.is_empty()
                || filters.visibility.iter().any(|wanted| wanted.eq_ignore_ascii_case(visibility)))
    }

    /// The location of a repository, if it is one that is meant.
    fn provided(&self, found: &Discovered) -> Option<Provided> {
        let (branch, commit) = found.branch.as_ref().filter(|_| self.fits(found))?;
        let file = FileLocation {
            repository: found.id.clone(),
            revision: branch.clone(),
            path: self.path.as_str().to_owned(),
            kind: LocationKind::Blob,
        };
        let location = LocationRef::new("url", self.forge.canonical_url(&file)).optional(self.look.file.is_none());
        let tip = Tip {
            commit: commit.clone(),
            seen_at: found.seen_at,
            until: found.seen_at + self.schedule.belief(found.seen_at),
        };
        Some(Provided::LocationAt(location, tip))
    }

    /// Brings the catalog up to a repository that changed.
    async fn look_at(&self, id: &RepositoryId, push: Option<&Push>, connection: &Connection) -> anyhow::Result<()> {
        let found = match self.told.look(self.github()?, id, &self.look).await {
            Ok(found) => Some(settled(found, push)),
            Err(ForgeError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let provided = found.as_ref().and_then(|found| self.provided(found));
        let location = match &provided {
            Some(Provided::LocationAt(location, _)) => Some(location.clone()),
            _ => None,
        };
        let known = connection.provided_below(&self.below(id)).await?;
        let gone = known.into_iter().filter(|known| {
            location.as_ref().is_none_or(|location| (&known.kind, &known.target) != (&location.kind, &location.target))
        });
        let removed: Vec<Gone> = gone.map(Gone::Location).collect();
        if removed.is_empty() && provided.is_none() {
            return Ok(());
        }
        connection.apply(Mutation::Delta { added: provided.into_iter().collect(), removed }).await?;
        if let Some(location) = location {
            connection.refresh(&location).await?;
        }
        Ok(())
    }

    /// What the references of everything in a repository begin with.
    fn below(&self, id: &RepositoryId) -> String {
        format!("url:{}/", self.forge.repository_url(id).as_str().trim_end_matches('/'))
    }

    /// Whether a push may have changed the file of a repository, or given it its first branch.
    fn concerns(&self, push: &Push) -> bool {
        let is_branch = self.look.branch.as_ref().map_or(push.is_default, |branch| *branch == push.branch);
        is_branch && push.files.as_ref().is_none_or(|files| files.iter().any(|file| self.path.fits(file)))
    }

    async fn heard(&self, event: &ForgeEvent, connection: &Connection) -> anyhow::Result<()> {
        match &event.told {
            Told::Push(push) if self.concerns(push) && self.is_ours(push.repository.owner()).await? => {
                self.look_at(&push.repository, Some(push), connection).await
            }
            Told::Repository { repository, before } => {
                if let Some(before) = before {
                    let known = connection.provided_below(&self.below(before)).await?;
                    let removed: Vec<Gone> = known.into_iter().map(Gone::Location).collect();
                    if !removed.is_empty() {
                        connection.apply(Mutation::Delta { added: Vec::new(), removed }).await?;
                    }
                }
                if self.is_ours(repository.owner()).await? {
                    self.look_at(repository, None, connection).await?;
                }
                Ok(())
            }
            Told::Installation { owner } => {
                let is_ours = match (owner, &self.organization) {
                    (Some(owner), Some(ours)) => owner.eq_ignore_ascii_case(ours),
                    _ => true,
                };
                if is_ours {
                    connection.run_since(event.received_at).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Provider for GitHubProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<Provided>, ProviderError>> {
        Box::pin(async {
            let github = self.github()?;
            let mut provided = Vec::new();
            for owner in self.owners().await? {
                let found = github.discover(&owner, &self.look).await?;
                provided.extend(found.iter().filter_map(|found| self.provided(found)));
            }
            Ok(provided)
        })
    }

    fn hear<'a>(&'a self, event: &'a ForgeEvent, connection: &'a Connection) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(
            async move { if self.forge.host() == event.host { self.heard(event, connection).await } else { Ok(()) } },
        )
    }
}

/// What was found, where a push told more: GitHub may tell of a push before its API knows it.
fn settled(mut found: Discovered, push: Option<&Push>) -> Discovered {
    if let (Some((branch, commit)), Some(push)) = (&mut found.branch, push)
        && *branch == push.branch
        && push.before.as_ref() == Some(commit)
        && let Some(after) = &push.after
    {
        commit.clone_from(after);
    }
    found
}

/// Why a provider has no GitHub to ask.
pub(super) fn no_github(provider: &str, host: &str) -> ProviderError {
    ProviderError::Configuration(format!(
        "{provider} looks at {host}, which is no GitHub; name the host of an entry of `integrations.github`"
    ))
}
