//! GitHub: github.com and GitHub Enterprise Server, through their REST and GraphQL API.
//!
//! Flow of a request: who to be for an owner (`access`) → the call (`client`) → its turn, its `ETag`, its retries
//! (`wire`, `pace`, `memory`) → an answer or a sentence that says what to change and where (`error`). On that stand
//! reading (`read`, `tree`, `archive`), writing (`write`), pull requests (`pull_request`), what a repository is set up with
//! (`setup`), what runs in it (`pipeline`), what is said of its commits (`check`), whole organisations (`organization`,
//! `people`) and what GitHub tells by itself (`webhook`).
//!
//! Invariants:
//! - no request is sent that GitHub said it would refuse, and none more often than its documented limits allow;
//! - what cannot be sent twice is looked for after an uncertain answer, and adopted where it carries the caller's mark;
//! - a credential goes to the API's host only;
//! - without one nothing is asked but to read what is public.

mod access;
mod archive;
mod check;
mod client;
mod config;
mod error;
mod fixture;
mod fork;
mod memory;
mod model;
mod organization;
mod pace;
mod people;
mod pipeline;
mod pull_request;
mod read;
mod repository;
mod secret;
mod setup;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod texts;
mod tree;
mod webhook;
mod wire;
mod write;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use url::Url;

use self::access::Access;
pub(crate) use self::access::{Allowance, Installation};
pub(crate) use self::check::{Annotation, Conclusion, NewCheck};
use self::client::Client;
pub(crate) use self::config::GitHubConfig;
use self::config::{DOT_COM, Endpoints};
use self::error::Failure;
pub(crate) use self::fixture::{Fitted, Fixture, Removal};
pub(crate) use self::organization::{Discovered, Look};
pub(crate) use self::pace::{Budget, Tempo};
pub(crate) use self::people::{Member, PeopleLook, Team};
pub(crate) use self::pipeline::{Job, Run, RunOrder};
pub(crate) use self::secret::Scope;
pub(crate) use self::setup::Collaborator;
use self::texts::Texts;
use self::tree::Huge;
pub(crate) use self::webhook::{Pulled, Push, Told, Webhook, is_signed};
use super::{
    Answer, Branch, Commit, CommitChanges, Comparison, File, FileLocation, Forge, ForgeError, LogQuery, NewCommit,
    NewMerge, NewPullRequest, NewRepository, PullRequest, Repository, RepositoryId, Snapshot, TreeEntry,
    location::url_below,
};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A GitHub. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct GitHub {
    site: Arc<Site>,
    /// Set where one person's own token is used for everything.
    person: Option<Client>,
}

#[derive(Debug)]
struct Site {
    endpoints: Endpoints,
    access: Access,
    http: reqwest::Client,
    texts: Texts,
    huge: Huge,
}

impl GitHub {
    /// The GitHub of one entry of `integrations.github`; the error says what is wrong with it.
    pub(crate) fn new(config: &GitHubConfig) -> Result<Self, String> {
        Self::with_tempo(config, Tempo::default())
    }

    /// With another clock than GitHub's own, for one whose windows pass faster.
    pub(crate) fn with_tempo(config: &GitHubConfig, tempo: Tempo) -> Result<Self, String> {
        let endpoints =
            config.endpoints().map_err(|error| format!("the host {:?} has no address: {error}", config.host))?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // GitHub refuses whoever does not say who it is, also where octocrab asks for a token by itself.
            .user_agent(concat!("greenroom/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let access = Access::new(config, endpoints.clone(), http.clone(), tempo)?;
        Ok(Self {
            site: Arc::new(Site { endpoints, access, http, texts: Texts::default(), huge: Huge::default() }),
            person: None,
        })
    }

    /// The same GitHub with a person's own token.
    pub(crate) fn as_person(&self, token: &SecretString) -> Self {
        Self { site: Arc::clone(&self.site), person: Some(self.site.access.of_person(token)) }
    }

    /// What is left to each credential.
    pub(crate) fn allowances(&self) -> Vec<Allowance> {
        self.site.access.allowances()
    }

    fn host_name(&self) -> &str {
        &self.site.endpoints.host
    }

    /// The client for an owner's things.
    async fn client(&self, owner: &str) -> Result<Client, Failure> {
        match &self.person {
            Some(client) => Ok(client.clone()),
            None => self.site.access.of_owner(owner).await,
        }
    }

    /// The client for reading an owner's things; there, what is public needs no credentials.
    async fn reader(&self, owner: &str) -> Result<Client, Failure> {
        match &self.person {
            Some(client) => Ok(client.clone()),
            None => self.site.access.reader(owner).await,
        }
    }

    /// A failure of `doing` as the forge's error.
    fn failed<'a>(&'a self, doing: &'a str) -> impl Fn(Failure) -> ForgeError + 'a {
        move |failure| {
            if self.person.is_some() && failure.is(http::StatusCode::UNAUTHORIZED) {
                return ForgeError::Denied(format!(
                    "cannot {doing}: {} does not take the `token` of the step, it is wrong or has expired; sign in again, or give the step another",
                    self.host_name()
                ));
            }
            failure.at(self.host_name(), doing)
        }
    }
}

impl Forge for GitHub {
    fn host(&self) -> &str {
        self.host_name()
    }

    fn github(&self) -> Option<&GitHub> {
        Some(self)
    }

    fn with_token(&self, token: &SecretString) -> Option<Arc<dyn Forge>> {
        Some(Arc::new(self.as_person(token)))
    }

    fn create(&self, new: NewRepository) -> Answer<'_, Repository> {
        Box::pin(self.create_repository(new))
    }

    fn describe<'a>(&'a self, repository: &'a RepositoryId, description: &'a str) -> Answer<'a, ()> {
        Box::pin(self.describe_repository(repository, description))
    }

    fn find<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Repository> {
        Box::pin(self.find_repository(repository))
    }

    fn list<'a>(&'a self, owner: Option<&'a str>) -> Answer<'a, Vec<Repository>> {
        Box::pin(self.list_repositories(owner))
    }

    fn delete<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, ()> {
        Box::pin(self.delete_repository(repository))
    }

    fn commit<'a>(&'a self, repository: &'a RepositoryId, new: NewCommit) -> Answer<'a, Commit> {
        Box::pin(self.make_commit(repository, new))
    }

    fn read<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str, path: &'a str) -> Answer<'a, File> {
        Box::pin(self.read_file(repository, revision, path))
    }

    fn blob<'a>(&'a self, repository: &'a RepositoryId, object_id: &'a str) -> Answer<'a, Bytes> {
        Box::pin(self.read_blob(repository, object_id))
    }

    fn tree<'a>(
        &'a self,
        repository: &'a RepositoryId,
        revision: &'a str,
        folder: &'a str,
    ) -> Answer<'a, Vec<TreeEntry>> {
        Box::pin(self.list_folder(repository, revision, folder))
    }

    fn walk<'a>(
        &'a self,
        repository: &'a RepositoryId,
        revision: &'a str,
        folder: &'a str,
    ) -> Answer<'a, Vec<TreeEntry>> {
        Box::pin(self.walk_folder(repository, revision, folder))
    }

    fn snapshot<'a>(
        &'a self,
        repository: &'a RepositoryId,
        commit: &'a str,
        folder: &'a str,
        limits: super::SnapshotLimits,
    ) -> Answer<'a, Snapshot> {
        Box::pin(self.download(repository, commit, folder, limits))
    }

    fn log<'a>(&'a self, repository: &'a RepositoryId, query: LogQuery) -> Answer<'a, Vec<Commit>> {
        Box::pin(self.list_commits(repository, query))
    }

    fn changes<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str) -> Answer<'a, CommitChanges> {
        Box::pin(self.changes_of(repository, revision))
    }

    fn branches<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Vec<Branch>> {
        Box::pin(self.list_branches(repository))
    }

    fn resolve<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str) -> Answer<'a, String> {
        Box::pin(self.commit_id(repository, revision))
    }

    fn delete_branch<'a>(&'a self, repository: &'a RepositoryId, branch: &'a str, tip: &'a str) -> Answer<'a, ()> {
        Box::pin(self.remove_branch(repository, branch, tip))
    }

    fn compare<'a>(
        &'a self,
        repository: &'a RepositoryId,
        base: &'a str,
        head: &'a str,
        commits: usize,
    ) -> Answer<'a, Comparison> {
        Box::pin(self.comparison(repository, base, head, commits))
    }

    fn propose<'a>(&'a self, repository: &'a RepositoryId, new: NewPullRequest) -> Answer<'a, PullRequest> {
        Box::pin(self.open_pull_request(repository, new))
    }

    fn pull_requests<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Vec<PullRequest>> {
        Box::pin(self.list_pull_requests(repository))
    }

    fn pull_request<'a>(&'a self, repository: &'a RepositoryId, number: u64) -> Answer<'a, PullRequest> {
        Box::pin(self.find_pull_request(repository, number))
    }

    fn ready<'a>(&'a self, repository: &'a RepositoryId, number: u64) -> Answer<'a, PullRequest> {
        Box::pin(self.mark_ready(repository, number))
    }

    fn merge<'a>(&'a self, repository: &'a RepositoryId, number: u64, merge: NewMerge) -> Answer<'a, PullRequest> {
        Box::pin(self.merge_pull_request(repository, number, merge))
    }

    fn close<'a>(&'a self, repository: &'a RepositoryId, number: u64, _: Option<&'a str>) -> Answer<'a, PullRequest> {
        Box::pin(self.close_pull_request(repository, number))
    }

    fn locate(&self, url: &Url) -> Option<FileLocation> {
        let raw = self.site.endpoints.host == DOT_COM && url.host_str() == Some("raw.githubusercontent.com");
        if raw {
            let (head, rest) = split_at_segment(url.path(), 2)?;
            return FileLocation::from_segments(format!("{head}/blob/{rest}").split('/'));
        }
        if url.origin() != self.site.endpoints.web.origin() {
            return None;
        }
        let path = url.path().trim_start_matches('/');
        let (head, rest) = split_at_segment(path, 2)?;
        // `raw`, `edit` and `blame` are other views of the same file.
        let rest = ["raw/", "edit/", "blame/"].iter().find_map(|view| rest.strip_prefix(view)).map_or_else(
            || rest.to_owned(),
            |file| format!("blob/{}", file.strip_prefix("refs/heads/").unwrap_or(file)),
        );
        FileLocation::from_segments(format!("{head}/{rest}").split('/'))
    }

    fn settle(&self, location: FileLocation) -> Answer<'_, FileLocation> {
        Box::pin(self.settled(location))
    }

    fn canonical_url(&self, location: &FileLocation) -> Url {
        location.url_below(&self.site.endpoints.web)
    }

    fn browse_url(&self, location: &FileLocation) -> Url {
        location.url_below(&self.site.endpoints.web)
    }

    fn repository_url(&self, repository: &RepositoryId) -> Url {
        url_below(&self.site.endpoints.web, [repository.owner(), repository.name()])
    }

    fn pull_request_url(&self, repository: &RepositoryId, number: u64) -> Url {
        let number = number.to_string();
        url_below(&self.site.endpoints.web, [repository.owner(), repository.name(), "pull", &number])
    }

    fn clone_url(&self, repository: &RepositoryId) -> Url {
        let name = format!("{}.git", repository.name());
        url_below(&self.site.endpoints.web, [repository.owner(), &name])
    }
}

/// A path before and after its first `count` segments.
fn split_at_segment(path: &str, count: usize) -> Option<(&str, &str)> {
    let path = path.trim_start_matches('/');
    let (at, _) = path.match_indices('/').nth(count.checked_sub(1)?)?;
    Some((&path[..at], &path[at + 1..]))
}
