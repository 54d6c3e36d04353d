//! Pipelines: what runs in the repository of an entity, on the GitHub that has it.
//!
//! Which repository that is, `github.com/project-slug` says, else the place of the entity's file ([`Pipelines::place`]).
//! What GitHub told is taken for true for some seconds, and a repository is asked one thing at a time: however many
//! people look at a page, GitHub sees one request (`recent`).
//!
//! Everybody who sees an entity sees its pipelines. Repeating and stopping them is done in the portal's name, so it is
//! for owners, and only where nobody can claim a repository of others by writing its name into a file of their own
//! ([`Pipelines::may_order`]).

mod recent;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use url::Url;

use self::recent::Recent;
use crate::catalog::{Catalog, LocationRef, Record};
use crate::entity::{Entity, SOURCE_LOCATION};
use crate::forge::{ForgeError, Forges, GitHub, Job, RepositoryId, Run, RunOrder};
use crate::permission::Credentials;

/// The repository of an entity on a GitHub: `owner/name`.
pub(crate) const PROJECT_SLUG: &str = "github.com/project-slug";
/// The host that a slug means where the entity's own place is on none.
const DOT_COM: &str = "github.com";
/// Runs of one list.
const LISTED: usize = 30;

/// A repository whose pipelines can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The host of the GitHub.
    pub(crate) host: String,
    /// The repository there.
    pub(crate) repository: RepositoryId,
}

/// A run with its jobs.
#[derive(Debug)]
pub(crate) struct RunDetails {
    /// The run.
    pub(crate) run: Run,
    /// Its jobs, as GitHub orders them.
    pub(crate) jobs: Vec<Job>,
}

/// What GitHub told, or why it did not.
pub(crate) type Told<T> = Result<Arc<T>, Arc<ForgeError>>;

/// The pipelines of all entities. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pipelines {
    forges: Forges,
    recent: Arc<Recent>,
}

impl Pipelines {
    /// Those of these forges.
    pub(crate) fn new(forges: Forges) -> Self {
        Self { forges, recent: Arc::default() }
    }

    /// The repository whose pipelines are an entity's; none where no GitHub has it.
    pub(crate) fn place(&self, record: &Record) -> Option<Place> {
        self.place_of(&record.outline(), &record.location)
    }

    fn place_of(&self, entity: &Entity, location: &str) -> Option<Place> {
        // Where the entity's own source is, if that is on a GitHub.
        let mut written = entity.annotation(SOURCE_LOCATION).into_iter().chain([location]);
        let home = written.find_map(|location| self.on_github(location));
        let Some(slug) = entity.annotation(PROJECT_SLUG) else { return home };
        let repository: RepositoryId = slug.trim().parse().ok()?;
        if repository.name().contains('/') {
            return None;
        }
        let host = match home {
            Some(home) => home.host,
            None => self.host_of_slugs()?,
        };
        Some(Place { host, repository })
    }

    fn on_github(&self, location: &str) -> Option<Place> {
        let location = LocationRef::parse(location).filter(LocationRef::is_url)?;
        let url = Url::parse(&location.target).ok()?;
        let (forge, file) = self.forges.locate(&url)?;
        forge.github()?;
        Some(Place { host: forge.host().to_owned(), repository: file.repository })
    }

    /// The GitHub that a slug alone means: github.com, or the only one there is.
    fn host_of_slugs(&self) -> Option<String> {
        let hosts: Vec<&str> =
            self.forges.iter().filter(|forge| forge.github().is_some()).map(|forge| forge.host()).collect();
        match hosts[..] {
            [only] => Some(only.to_owned()),
            _ => hosts.contains(&DOT_COM).then(|| DOT_COM.to_owned()),
        }
    }

    /// Whether a host runs pipelines.
    pub(crate) fn is_on(&self, host: &str) -> bool {
        self.forges.by_host(host).is_ok_and(|forge| forge.github().is_some())
    }

    /// The newest runs, of every branch or of one.
    pub(crate) async fn runs(&self, place: &Place, branch: Option<&str>) -> Told<Vec<Run>> {
        let asked = self.recent.of(place);
        asked.runs(branch, async { self.github(place)?.runs(&place.repository, branch, LISTED).await }).await
    }

    /// One run with its jobs.
    pub(crate) async fn run(&self, place: &Place, id: u64) -> Told<RunDetails> {
        let asked = self.recent.of(place);
        let ask = async {
            let github = self.github(place)?;
            let run = github.run(&place.repository, id).await?;
            Ok(RunDetails { run, jobs: github.jobs(&place.repository, id).await? })
        };
        asked.details(id, ask).await
    }

    /// Repeats or stops a run; what is known of the repository is asked for anew.
    pub(crate) async fn order(&self, place: &Place, id: u64, order: RunOrder) -> Result<(), ForgeError> {
        let done = self.github(place)?.order(&place.repository, id, order).await;
        self.recent.forget(place);
        done
    }

    /// Whether somebody may repeat and stop the runs of an entity: its owners may, if the entity's file is in that very
    /// repository, or in a location that configuration names. Where it has no owner, everybody who is signed in may.
    pub(crate) fn may_order(&self, catalog: &Catalog, who: &Credentials, record: &Record) -> bool {
        let trusted = catalog.is_configured(&record.source)
            || (self.place(record).is_some() && self.place(record) == self.on_github(&record.location));
        trusted && record.is_owned_by(who)
    }

    /// The page of a commit.
    pub(crate) fn commit_url(&self, place: &Place, commit: &str) -> Option<String> {
        let repository = self.forges.by_host(&place.host).ok()?.repository_url(&place.repository);
        Some(format!("{repository}/commit/{commit}"))
    }

    /// The page of a person or App.
    pub(crate) fn person_url(&self, place: &Place, login: &str) -> Option<String> {
        let page = self.forges.by_host(&place.host).ok()?.repository_url(&place.repository);
        // An App acts as `name[bot]`, which has no page of that address.
        (!login.ends_with(']')).then(|| page.join(&format!("/{login}")).ok().map(String::from)).flatten()
    }

    fn github(&self, place: &Place) -> Result<&GitHub, ForgeError> {
        let forge = self.forges.by_host(&place.host)?;
        forge.github().ok_or_else(|| {
            ForgeError::Refused(format!("{} is no GitHub, and only GitHub's pipelines are shown", place.host))
        })
    }
}
