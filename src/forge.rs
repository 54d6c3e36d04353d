//! Forges: where Git repositories live.
//!
//! [`Forge`] is what the rest of the portal knows of a place that holds repositories: create, commit, read, list,
//! delete, propose and merge changes, and turn a file into a URL and back. [`LocalForge`] keeps bare repositories in the data directory; other
//! hosts implement the same trait. [`Forges`] is the set of configured forges, found by the host in a [`RepoUrl`].
//!
//! Invariants every implementation keeps:
//! - of two concurrent creations of one repository exactly one succeeds;
//! - a commit names the state it was made for ([`Parent`]), so no writer overwrites another's work;
//! - what a method returned as done is stored; what failed left nothing that looks done.

mod commit;
mod error;
pub(crate) mod github;
mod local;
mod location;
mod pull_request;
mod repo_url;
mod repository;
#[cfg(test)]
pub(crate) mod testing;
mod tree;

use std::{collections::BTreeMap, fmt, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::broadcast;
use url::Url;

pub(crate) use self::{
    commit::{
        Branch, Change, ChangeSide, Commit, CommitChanges, Contents, LogQuery, NewCommit, NewFile, Parent, Signature,
    },
    error::{ForgeError, Limit, Missing, NameError},
    github::{
        Allowance, Annotation, Budget, Collaborator, Conclusion, Discovered, Fitted, Fixture, GitHub, GitHubConfig,
        Job, Look, Member, NewCheck, PeopleLook, Pulled, Push, Removal, Run, RunOrder, Scope, Team, Told, Webhook,
        is_signed,
    },
    local::{GitResponse, LocalForge, ProtocolVersion, Service, decode_body},
    location::{FileLocation, LocationKind},
    pull_request::{Comparison, Ending, MergeMethod, NewMerge, NewPullRequest, PullRequest},
    repo_url::RepoUrl,
    repository::{NewRepository, Repository, RepositoryId, Visibility},
    tree::{EntryKind, File, FileMode, Snapshot, SnapshotLimits, TreeEntry},
};

/// What a forge answers, some time later.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, ForgeError>>;

/// A place that holds Git repositories.
///
/// A `revision` is a branch, a tag, `HEAD`, a full reference name or a commit id (full, or its first 7 or more digits).
/// Paths are relative to the repository's root, separated by `/`; the root itself is the empty string.
pub(crate) trait Forge: fmt::Debug + Send + Sync {
    /// The host that names this forge in a [`RepoUrl`] and in canonical URLs.
    fn host(&self) -> &str;

    /// What only GitHub has, if this is one.
    fn github(&self) -> Option<&GitHub> {
        None
    }

    /// The same forge with a person's own token; none if it has no such thing.
    fn with_token(&self, _: &SecretString) -> Option<Arc<dyn Forge>> {
        None
    }

    /// Creates a repository without files; `ForgeError::AlreadyExists` if there is one of that name that does not carry
    /// the same mark.
    fn create(&self, new: NewRepository) -> Answer<'_, Repository>;

    /// Gives a repository its description, and takes the mark off if that stood in its place.
    fn describe<'a>(&'a self, _: &'a RepositoryId, _: &'a str) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// What is known of a repository; `ForgeError::NotFound` if there is none.
    fn find<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Repository>;

    /// All repositories, or those of one owner, sorted by name.
    fn list<'a>(&'a self, owner: Option<&'a str>) -> Answer<'a, Vec<Repository>>;

    /// Removes a repository and everything in it.
    fn delete<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, ()>;

    /// Adds one commit to a branch; `ForgeError::Conflict` if the branch is not where [`Parent`] expects it.
    fn commit<'a>(&'a self, repository: &'a RepositoryId, new: NewCommit) -> Answer<'a, Commit>;

    /// Reads one file. A symlink is not followed: its content is its target.
    fn read<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str, path: &'a str) -> Answer<'a, File>;

    /// The content of a blob by its object id, as listed by [`Forge::tree`] and [`Forge::changes`].
    fn blob<'a>(&'a self, repository: &'a RepositoryId, object_id: &'a str) -> Answer<'a, Bytes>;

    /// The entries of one folder: folders first, then by name.
    fn tree<'a>(
        &'a self,
        repository: &'a RepositoryId,
        revision: &'a str,
        folder: &'a str,
    ) -> Answer<'a, Vec<TreeEntry>>;

    /// Every file below a folder, sorted by path.
    fn walk<'a>(
        &'a self,
        repository: &'a RepositoryId,
        revision: &'a str,
        folder: &'a str,
    ) -> Answer<'a, Vec<TreeEntry>>;

    /// Every file below a folder with its bytes, at a commit, sorted by path; paths are below the folder.
    fn snapshot<'a>(
        &'a self,
        repository: &'a RepositoryId,
        commit: &'a str,
        folder: &'a str,
        limits: SnapshotLimits,
    ) -> Answer<'a, Snapshot>;

    /// The newest commits of a revision, newest first.
    fn log<'a>(&'a self, repository: &'a RepositoryId, query: LogQuery) -> Answer<'a, Vec<Commit>>;

    /// One commit and the paths it changed against its first parent.
    fn changes<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str) -> Answer<'a, CommitChanges>;

    /// All branches, sorted by name.
    fn branches<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Vec<Branch>>;

    /// The commit id of a revision.
    fn resolve<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str) -> Answer<'a, String>;

    /// Removes a branch that is at this commit; `ForgeError::Conflict` if it is elsewhere.
    fn delete_branch<'a>(&'a self, repository: &'a RepositoryId, branch: &'a str, tip: &'a str) -> Answer<'a, ()>;

    /// What `head` has that `base` has not, both revisions, with at most `commits` commits.
    fn compare<'a>(
        &'a self,
        repository: &'a RepositoryId,
        base: &'a str,
        head: &'a str,
        commits: usize,
    ) -> Answer<'a, Comparison>;

    /// Opens a pull request; `ForgeError::Refused` if one is open from the same branch into the same.
    fn propose<'a>(&'a self, repository: &'a RepositoryId, new: NewPullRequest) -> Answer<'a, PullRequest>;

    /// All pull requests, newest first.
    fn pull_requests<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Vec<PullRequest>>;

    /// One pull request.
    fn pull_request<'a>(&'a self, repository: &'a RepositoryId, number: u64) -> Answer<'a, PullRequest>;

    /// Takes the draft's mark off.
    fn ready<'a>(&'a self, repository: &'a RepositoryId, number: u64) -> Answer<'a, PullRequest>;

    /// Brings the changes into the base; `ForgeError::Refused` says why that cannot be. One that is merged already
    /// stays as it is.
    fn merge<'a>(&'a self, repository: &'a RepositoryId, number: u64, merge: NewMerge) -> Answer<'a, PullRequest>;

    /// Ends a pull request without its changes; one that is over stays as it is.
    fn close<'a>(&'a self, repository: &'a RepositoryId, number: u64, by: Option<&'a str>) -> Answer<'a, PullRequest>;

    /// The file or folder a URL of this forge names, without looking whether it exists: the revision is the first
    /// segment after `tree/` or `blob/` (a branch name's own slashes are written `%2F`; see [`Forge::settle`]).
    fn locate(&self, url: &Url) -> Option<FileLocation>;

    /// Corrects a located URL whose branch name has unescaped slashes, by looking which revision exists.
    fn settle(&self, location: FileLocation) -> Answer<'_, FileLocation>;

    /// The URL that is stored: independent of where the portal is reached.
    fn canonical_url(&self, location: &FileLocation) -> Url;

    /// The URL a person opens.
    fn browse_url(&self, location: &FileLocation) -> Url;

    /// The page of the repository itself.
    fn repository_url(&self, repository: &RepositoryId) -> Url;

    /// The page of a pull request.
    fn pull_request_url(&self, repository: &RepositoryId, number: u64) -> Url;

    /// Names repositories when they are created, written or deleted by this process; none if the forge cannot tell.
    fn follow(&self) -> Option<broadcast::Receiver<RepositoryId>> {
        None
    }

    /// The URL to give to `git clone`.
    fn clone_url(&self, repository: &RepositoryId) -> Url;
}

/// The configured forges, by host. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forges {
    by_host: Arc<BTreeMap<String, Arc<dyn Forge>>>,
}

impl Forges {
    /// The set of these forges; of two with one host the last counts.
    pub(crate) fn new(forges: impl IntoIterator<Item = Arc<dyn Forge>>) -> Self {
        let by_host = forges.into_iter().map(|forge| (forge.host().to_ascii_lowercase(), forge)).collect();
        Self { by_host: Arc::new(by_host) }
    }

    /// The same forges with a person's own token, where a forge knows such a thing.
    pub(crate) fn with_token(&self, token: &SecretString) -> Self {
        let with = |forge: &Arc<dyn Forge>| forge.with_token(token).unwrap_or_else(|| Arc::clone(forge));
        Self::new(self.iter().map(with))
    }

    /// The forge of a host.
    pub(crate) fn by_host(&self, host: &str) -> Result<&Arc<dyn Forge>, ForgeError> {
        self.by_host.get(&host.to_ascii_lowercase()).ok_or_else(|| {
            let known = self.hosts().collect::<Vec<_>>().join(", ");
            ForgeError::NotFound(Missing::Forge { host: host.to_owned(), known })
        })
    }

    /// The forge a repository URL names.
    pub(crate) fn by_repo_url(&self, url: &RepoUrl) -> Result<&Arc<dyn Forge>, ForgeError> {
        self.by_host(&url.host)
    }

    /// The forge that a file's URL belongs to, and what the URL names there.
    pub(crate) fn locate(&self, url: &Url) -> Option<(&Arc<dyn Forge>, FileLocation)> {
        self.by_host.values().find_map(|forge| Some((forge, forge.locate(url)?)))
    }

    /// The hosts of all forges.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.by_host.keys().map(String::as_str)
    }

    /// All forges, by host.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Forge>> {
        self.by_host.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn forges_are_found_by_host_and_by_url() {
        let folder = tempfile::tempdir().unwrap();
        let base = Url::parse("http://localhost:7007").unwrap();
        let local: Arc<dyn Forge> = Arc::new(LocalForge::open(folder.path(), base).unwrap());
        let forges = Forges::new([local]);
        assert_eq!(forges.by_host("LOCAL").unwrap().host(), "local");
        let url: RepoUrl = "example.com?owner=a&repo=b".parse().unwrap();
        let error = forges.by_repo_url(&url).unwrap_err();
        assert_eq!(error.to_string(), "forge `example.com` (configured: local) not found");
        let file = Url::parse("https://local/acme/api/blob/main/a.yaml").unwrap();
        let (forge, location) = forges.locate(&file).unwrap();
        assert_eq!(forge.canonical_url(&location), file);
        assert!(forges.locate(&Url::parse("https://example.com/acme/api/blob/main/a.yaml").unwrap()).is_none());
    }
}
