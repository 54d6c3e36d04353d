//! The local forge: bare Git repositories in the data directory, written and served by this process.
//!
//! - `name`: what may be called how. `directory`: where repositories are, their creation, deletion and metadata.
//! - `read`, `history`: files, folders, log, changes. `write`, `object`, `pack`, `durable`: making a commit.
//! - `merge`: comparing and merging branches. `pull_request`: proposals and how they end.
//! - `transport`: the server's side of clone and fetch.
//!
//! Real Git can clone, fetch and check what is written here, and what it does to a repository in place (`git gc`) is
//! understood. All disk work runs on tokio's blocking threads. Each call opens its repository anew, which costs less
//! than a millisecond and leaves no cache that could be stale.
//!
//! URLs: `https://local/{owner}/{repo}/{tree|blob}/…` is stored, `{base}/repositories/{owner}/{repo}/{tree|blob}/…` is
//! browsed, `{base}/git/{owner}/{repo}.git` is cloned.

mod directory;
mod durable;
mod history;
mod merge;
mod name;
mod object;
mod pack;
mod pull_request;
mod read;
mod transport;

mod write;

#[cfg(test)]
mod tests;

use std::{fmt::Display, path::PathBuf, sync::Arc};

use bytes::Bytes;
use chrono::Utc;
use futures_util::{FutureExt as _, TryFutureExt as _};
use gix::ObjectId;
use tokio::sync::broadcast;
use url::{Host, Url};

pub(crate) use self::transport::{GitResponse, ProtocolVersion, Service, decode_body};
use self::{directory::Directory, read::Reader};
use super::{
    Answer, Branch, Commit, CommitChanges, Comparison, File, FileLocation, Forge, ForgeError, LogQuery, Missing,
    NewCommit, NewMerge, NewPullRequest, NewRepository, PullRequest, Repository, RepositoryId, Snapshot,
    SnapshotLimits, TreeEntry,
    location::{LocationError, url_below},
};

/// Largest file that can be written or read.
pub(crate) const MAX_FILE_BYTES: u64 = 50 * 1024 * 1024;
/// Most files in one tree.
pub(crate) const MAX_FILES: usize = 20_000;

/// Changes that a listener may be behind before it misses some.
const CHANGES: usize = 256;

/// What browsable URLs have after the base.
const BROWSE: &str = "repositories";
/// What clone URLs have after the base.
const CLONE: &str = "git";

/// A forge of bare repositories in one folder. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct LocalForge {
    directory: Arc<Directory>,
    base: Url,
    canonical: Url,
    changed: broadcast::Sender<RepositoryId>,
}

impl LocalForge {
    /// The local forge's host.
    pub(crate) const HOST: &str = "local";

    /// Opens the forge in the folder `root`, created if needed. `base` is where the portal is reached.
    ///
    /// One process at a time may have it open: what another left unfinished is removed. Blocks for a few disk accesses.
    pub(crate) fn open(root: impl Into<PathBuf>, base: Url) -> Result<Self, ForgeError> {
        let canonical = Url::parse(&format!("https://{}/", Self::HOST)).expect("a constant URL");
        if base.cannot_be_a_base() {
            return Err(LocationError::NotAPath(base.into()).into());
        }
        let directory = Arc::new(Directory::open(root.into())?);
        Ok(Self { directory, base, canonical, changed: broadcast::Sender::new(CHANGES) })
    }

    /// Runs `work` on a blocking thread.
    fn run<T: Send + 'static>(
        &self,
        doing: impl Display,
        work: impl FnOnce(&Directory) -> Result<T, ForgeError> + Send + 'static,
    ) -> Answer<'static, T> {
        let directory = Arc::clone(&self.directory);
        let doing = doing.to_string();
        let task = async move {
            let finished = tokio::task::spawn_blocking(move || work(&directory)).await;
            finished.unwrap_or_else(|stopped| Err(ForgeError::Git { doing, source: Box::new(stopped) }))
        };
        task.boxed()
    }

    /// Runs `work` that changes a repository, and tells of it.
    fn writing<T: Send + 'static>(
        &self,
        doing: impl Display,
        id: &RepositoryId,
        work: impl FnOnce(&Directory) -> Result<T, ForgeError> + Send + 'static,
    ) -> Answer<'static, T> {
        let (changed, id) = (self.changed.clone(), id.clone());
        self.run(doing, work)
            .inspect_ok(move |_| {
                // Nobody need listen.
                let _ = changed.send(id);
            })
            .boxed()
    }

    /// Runs `work` on a repository opened for reading.
    fn reading<T: Send + 'static>(
        &self,
        id: &RepositoryId,
        work: impl FnOnce(&Reader<'_>) -> Result<T, ForgeError> + Send + 'static,
    ) -> Answer<'static, T> {
        let id = id.clone();
        let doing = format!("read repository {id}");
        self.run(doing, move |directory| work(&Reader { git: &directory.git(&id)?, id: &id }))
    }

    /// Runs `work` on a repository opened by its one writer, and tells of it.
    fn changing<T: Send + 'static>(
        &self,
        doing: impl Display,
        id: &RepositoryId,
        work: impl FnOnce(&Reader<'_>) -> Result<T, ForgeError> + Send + 'static,
    ) -> Answer<'static, T> {
        let opened = id.clone();
        self.writing(format_args!("{doing} {id}"), id, move |directory| {
            directory.write(&opened, |git| work(&Reader { git, id: &opened }))
        })
    }

    fn browse_base(&self) -> Url {
        url_below(&self.base, [BROWSE])
    }

    /// Whether a URL leads to this portal: the configured address, or any port of this machine.
    fn is_here(&self, url: &Url) -> bool {
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        matches!(url.scheme(), "http" | "https") && (loopback || url.origin() == self.base.origin())
    }
}

impl Forge for LocalForge {
    fn host(&self) -> &str {
        Self::HOST
    }

    fn create(&self, new: NewRepository) -> Answer<'_, Repository> {
        let id = new.id.clone();
        self.writing(format_args!("create repository {id}"), &id, move |directory| directory.create(&new, Utc::now()))
    }

    fn find<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Repository> {
        let id = repository.clone();
        self.run(format_args!("find repository {repository}"), move |directory| directory.find(&id))
    }

    fn list<'a>(&'a self, owner: Option<&'a str>) -> Answer<'a, Vec<Repository>> {
        let owner = owner.map(str::to_owned);
        self.run("list the repositories", move |directory| directory.list(owner.as_deref()))
    }

    fn delete<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, ()> {
        let id = repository.clone();
        self.writing(format_args!("delete repository {repository}"), repository, move |directory| directory.delete(&id))
    }

    fn commit<'a>(&'a self, repository: &'a RepositoryId, new: NewCommit) -> Answer<'a, Commit> {
        self.changing("commit to", repository, move |reader| write::commit(reader, &new))
    }

    fn read<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str, path: &'a str) -> Answer<'a, File> {
        let (revision, path) = (revision.to_owned(), path.to_owned());
        self.reading(repository, move |reader| reader.file(&revision, &path))
    }

    fn blob<'a>(&'a self, repository: &'a RepositoryId, object_id: &'a str) -> Answer<'a, Bytes> {
        let object = object_id.to_owned();
        self.reading(repository, move |reader| match object.parse::<ObjectId>() {
            Ok(id) => reader.blob(id, &object),
            Err(_) => Err(ForgeError::NotFound(Missing::Object { repository: reader.id.clone(), object })),
        })
    }

    fn tree<'a>(
        &'a self,
        repository: &'a RepositoryId,
        revision: &'a str,
        folder: &'a str,
    ) -> Answer<'a, Vec<TreeEntry>> {
        let (revision, folder) = (revision.to_owned(), folder.to_owned());
        self.reading(repository, move |reader| reader.folder(&revision, &folder))
    }

    fn snapshot<'a>(
        &'a self,
        repository: &'a RepositoryId,
        commit: &'a str,
        folder: &'a str,
        limits: SnapshotLimits,
    ) -> Answer<'a, Snapshot> {
        let (commit, folder) = (commit.to_owned(), folder.to_owned());
        self.reading(repository, move |reader| reader.snapshot(&commit, &folder, limits))
    }

    fn walk<'a>(
        &'a self,
        repository: &'a RepositoryId,
        revision: &'a str,
        folder: &'a str,
    ) -> Answer<'a, Vec<TreeEntry>> {
        let (revision, folder) = (revision.to_owned(), folder.to_owned());
        self.reading(repository, move |reader| reader.walk(&revision, &folder))
    }

    fn log<'a>(&'a self, repository: &'a RepositoryId, query: LogQuery) -> Answer<'a, Vec<Commit>> {
        self.reading(repository, move |reader| reader.log(&query))
    }

    fn changes<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str) -> Answer<'a, CommitChanges> {
        let revision = revision.to_owned();
        self.reading(repository, move |reader| reader.changes(&revision))
    }

    fn branches<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Vec<Branch>> {
        self.reading(repository, read::branches)
    }

    fn resolve<'a>(&'a self, repository: &'a RepositoryId, revision: &'a str) -> Answer<'a, String> {
        let revision = revision.to_owned();
        self.reading(repository, move |reader| reader.commit_id(&revision).map(|id| id.to_string()))
    }

    fn delete_branch<'a>(&'a self, repository: &'a RepositoryId, branch: &'a str, tip: &'a str) -> Answer<'a, ()> {
        let (branch, tip) = (branch.to_owned(), tip.to_owned());
        self.changing("delete a branch of", repository, move |reader| {
            pull_request::delete_branch(reader, &branch, &tip)
        })
    }

    fn compare<'a>(
        &'a self,
        repository: &'a RepositoryId,
        base: &'a str,
        head: &'a str,
        commits: usize,
    ) -> Answer<'a, Comparison> {
        let (base, head) = (base.to_owned(), head.to_owned());
        self.reading(repository, move |reader| reader.compare(&base, &head, commits))
    }

    fn propose<'a>(&'a self, repository: &'a RepositoryId, new: NewPullRequest) -> Answer<'a, PullRequest> {
        self.changing("open a pull request in", repository, move |reader| {
            pull_request::propose(reader, &new, Utc::now())
        })
    }

    fn pull_requests<'a>(&'a self, repository: &'a RepositoryId) -> Answer<'a, Vec<PullRequest>> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method is of one lifetime, the closure of any"
        )]
        self.reading(repository, |reader| reader.pull_requests())
    }

    fn pull_request<'a>(&'a self, repository: &'a RepositoryId, number: u64) -> Answer<'a, PullRequest> {
        self.reading(repository, move |reader| reader.pull_request(number))
    }

    fn ready<'a>(&'a self, repository: &'a RepositoryId, number: u64) -> Answer<'a, PullRequest> {
        self.changing("change a pull request of", repository, move |reader| pull_request::ready(reader, number))
    }

    fn merge<'a>(&'a self, repository: &'a RepositoryId, number: u64, merge: NewMerge) -> Answer<'a, PullRequest> {
        self.changing("merge a pull request of", repository, move |reader| {
            pull_request::merge(reader, number, &merge, Utc::now())
        })
    }

    fn close<'a>(&'a self, repository: &'a RepositoryId, number: u64, by: Option<&'a str>) -> Answer<'a, PullRequest> {
        let by = by.map(str::to_owned);
        self.changing("close a pull request of", repository, move |reader| {
            pull_request::close(reader, number, by, Utc::now())
        })
    }

    fn locate(&self, url: &Url) -> Option<FileLocation> {
        let mut segments = url.path_segments()?;
        if url.origin() == self.canonical.origin() {
            return FileLocation::from_segments(segments);
        }
        if !self.is_here(url) {
            return None;
        }
        let prefix = url_below(&self.base, [BROWSE]);
        let mut prefix = prefix.path_segments()?;
        prefix.all(|segment| segments.next() == Some(segment)).then(|| FileLocation::from_segments(segments))?
    }

    fn settle(&self, location: FileLocation) -> Answer<'_, FileLocation> {
        let id = location.repository.clone();
        self.reading(&id, move |reader| {
            let (revision, path) = reader.split_revision(&read::join(&location.revision, &location.path))?;
            Ok(FileLocation { revision, path, ..location })
        })
    }

    fn canonical_url(&self, location: &FileLocation) -> Url {
        location.url_below(&self.canonical)
    }

    fn browse_url(&self, location: &FileLocation) -> Url {
        location.url_below(&self.browse_base())
    }

    fn repository_url(&self, repository: &RepositoryId) -> Url {
        url_below(&self.base, [BROWSE, repository.owner(), repository.name()])
    }

    fn pull_request_url(&self, repository: &RepositoryId, number: u64) -> Url {
        url_below(&self.base, [BROWSE, repository.owner(), repository.name(), "pulls", &number.to_string()])
    }

    fn follow(&self) -> Option<broadcast::Receiver<RepositoryId>> {
        Some(self.changed.subscribe())
    }

    fn clone_url(&self, repository: &RepositoryId) -> Url {
        url_below(&self.base, [CLONE, repository.owner(), &format!("{}.git", repository.name())])
    }
}
