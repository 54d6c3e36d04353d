//! Reads files and folders from wherever a location points: this machine's disk, a forge, the web.
//!
//! - `file`: a path. What configuration names is trusted; nothing read from elsewhere can point here.
//! - `url` of a forge: read through the forge; the version is the commit. Within one reading of a root a branch stays
//!   where it was first seen (see [`tips`]).
//! - any other `url`: HTTP, only to hosts that configuration allows, conditional on the last `ETag` (see [`web`]).
//!
//! Invariants: every read has a size limit and a time limit; a relative reference never leaves its repository; symbolic
//! links are handed on as what they are and never followed in a tree.

mod disk;
mod searches;
mod tips;
mod web;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use url::Url;

use self::searches::Searches;
use self::tips::Tips;
use super::config::ReadingRules;
use super::location::LocationRef;
use crate::forge::{
    FileLocation, FileMode, Forge, ForgeError, Forges, LocationKind, NewFile, RepositoryId, SnapshotLimits,
};

/// Largest single file that is read.
const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;
/// Most that one tree may hold.
const MAX_TREE_BYTES: usize = 100 * 1024 * 1024;
const MAX_TREE_FILES: usize = 10_000;

/// How an error says that a file was not read because it is in another repository than the one that is looked at.
pub(crate) const ELSEWHERE: &str = "is outside of the repository that is looked at";

/// Reads by location. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    forges: Forges,
    web: Arc<web::Web>,
    searches: Arc<Searches>,
    /// Set for one reading.
    tips: Option<Tips>,
    /// Set where nothing but one repository may be read.
    only: Option<Arc<(String, RepositoryId)>>,
}

/// What was read.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    /// The content.
    pub(crate) bytes: Bytes,
    /// Commit or content hash: equal versions mean equal content.
    pub(crate) version: String,
    /// What [`Reader::changed`] takes to tell cheaply whether the file is still the same; none if nothing would tell.
    pub(crate) stamp: Option<String>,
}

/// A folder's files.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// Every file, sorted by path.
    pub(crate) files: Vec<TreeFile>,
    /// Commit id of a repository, content hash of a folder on disk.
    pub(crate) version: String,
}

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeFile {
    /// Path below the tree's root, with `/`.
    pub(crate) path: String,
    /// Regular, executable, or a symbolic link whose bytes are its target.
    pub(crate) mode: FileMode,
    /// The content.
    pub(crate) bytes: Bytes,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Nothing is there.
    #[error("could not read {0}, 404 Not Found")]
    NotFound(String),
    /// Configuration does not allow the host.
    #[error(
        "Reading from '{0}' is not allowed. You may need to configure an integration for the target host, or add it to the configured list of allowed hosts at 'backend.reading.allow'"
    )]
    NotAllowed(String),
    /// Only one repository is read, and this is not in it.
    #[error("{0} {ELSEWHERE}")]
    Elsewhere(String),
    /// The name leads into a private network.
    #[error(
        "Reading from '{url}' is not allowed: {host} is the private address {address}. Set `privateAddresses: true` for the host at 'backend.reading.allow' if that is meant"
    )]
    PrivateAddress {
        /// What was to be read.
        url: String,
        /// Its host.
        host: String,
        /// Where the host is.
        address: std::net::IpAddr,
    },
    /// More than is read.
    #[error("{what} is too large, at most {limit} are read")]
    TooLarge {
        /// What.
        what: String,
        /// The limit with its unit.
        limit: String,
    },
    /// Not a location that can be read.
    #[error("{0}")]
    Unsupported(String),
    /// The server answered with something else.
    #[error("could not read {url}, {status}")]
    Status {
        /// What was to be read.
        url: String,
        /// The status line.
        status: String,
    },
    /// The network failed.
    #[error("could not read {url}: {reason}")]
    Network {
        /// What was to be read.
        url: String,
        /// Why.
        reason: String,
    },
    /// The disk failed.
    #[error("could not read {path}: {source}")]
    Disk {
        /// The file or folder.
        path: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The forge failed.
    #[error(transparent)]
    Forge(ForgeError),
}

impl ReadError {
    /// Whether it is certain that nothing is there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// The error class that Backstage would name.
    pub(crate) fn name(&self) -> &'static str {
        if self.is_not_found() { "NotFoundError" } else { "Error" }
    }
}

impl Reader {
    /// A reader of these forges and of the hosts that are allowed.
    pub(crate) fn new(forges: Forges, rules: ReadingRules) -> Self {
        Self { forges, web: Arc::new(web::Web::new(rules)), searches: Arc::default(), tips: None, only: None }
    }

    /// The same reader for one repository of a forge: what somebody proposes there must not bring in what only the portal
    /// may see.
    pub(crate) fn only(&self, host: &str, repository: &RepositoryId) -> Self {
        Self { only: Some(Arc::new((host.to_owned(), repository.clone()))), ..self.clone() }
    }

    /// The same reader with a person's own token, where the forge of a location knows such a thing.
    pub(crate) fn with_token(&self, token: &SecretString) -> Self {
        Self { forges: self.forges.with_token(token), searches: Arc::default(), tips: None, ..self.clone() }
    }

    fn may_read(&self, location: &LocationRef) -> bool {
        let Some(only) = &self.only else { return true };
        let found = Url::parse(&location.target).ok().filter(|_| location.is_url());
        found
            .and_then(|url| self.forges.locate(&url))
            .is_some_and(|(forge, file)| (forge.host(), &file.repository) == (&*only.0, &only.1))
    }

    /// For one reading of a root: every branch is asked for once, that of the root not at all if its commit is known.
    pub(crate) fn once(&self, root: &LocationRef, commit: Option<&str>) -> Self {
        let tips = Tips::default();
        let url = Url::parse(&root.target).ok().filter(|_| root.is_url());
        if let (Some(commit), Some((forge, file))) = (commit, url.and_then(|url| self.forges.locate(&url))) {
            tips.note(forge.host(), &file, commit);
        }
        Self { tips: Some(tips), ..self.clone() }
    }

    /// The commit of a location, and the location as its forge understands it.
    async fn located(&self, forge: &Arc<dyn Forge>, file: FileLocation) -> Result<(FileLocation, String), ForgeError> {
        match &self.tips {
            Some(tips) => tips.locate(forge, file).await,
            None => tips::located(forge, file).await,
        }
    }

    /// The forges that are read.
    pub(crate) fn forges(&self) -> &Forges {
        &self.forges
    }

    /// Reads one file.
    pub(crate) async fn read(&self, location: &LocationRef) -> Result<Fetched, ReadError> {
        let fetched = self.changed(location, None).await?;
        fetched.ok_or_else(|| ReadError::Unsupported(format!("{location} was not handed out")))
    }

    /// Reads one file unless it is still what the stamp was made for.
    pub(crate) async fn changed(
        &self,
        location: &LocationRef,
        stamp: Option<&str>,
    ) -> Result<Option<Fetched>, ReadError> {
        if !self.may_read(location) {
            return Err(ReadError::Elsewhere(location.to_string()));
        }
        match location.kind.as_str() {
            "file" => disk::read(location.target.clone(), stamp.map(str::to_owned)).await,
            "url" => {
                let url = parse_url(&location.target)?;
                match self.forges.locate(&url) {
                    Some((forge, file)) => self.read_forge(forge, file, &location.target, stamp).await,
                    None => self.web.read(&url, stamp).await,
                }
            }
            other => Err(ReadError::Unsupported(format!(
                "No processor was able to handle reading of {other}:{}",
                location.target
            ))),
        }
    }

    /// Reads every file of a folder: `relative` (`./skeleton`, or an absolute URL) seen from the file at `base`
    /// (`type:target`).
    pub(crate) async fn read_tree(&self, base: &str, relative: &str) -> Result<Tree, ReadError> {
        let base = LocationRef::parse(base).ok_or_else(|| {
            ReadError::Unsupported(format!("\"{base}\" is not a location of the form <type>:<target>"))
        })?;
        let folder = self.resolve(&base, relative, LocationKind::Tree)?;
        if !self.may_read(&folder) {
            return Err(ReadError::Elsewhere(folder.to_string()));
        }
        if folder.is_file() {
            return disk::tree(folder.target).await;
        }
        let url = parse_url(&folder.target)?;
        match self.forges.locate(&url) {
            Some((forge, file)) => forge_tree(forge, file, &folder.target).await,
            None => Err(no_folder(&folder.target)),
        }
    }

    /// Whether a location is where folders can be read at all.
    pub(crate) fn has_folders(&self, location: &LocationRef) -> Result<(), ReadError> {
        let on_forge = || self.forges.locate(&parse_url(&location.target).ok()?).map(|_| ());
        if location.is_file() || on_forge().is_some() { Ok(()) } else { Err(no_folder(&location.target)) }
    }

    /// What a reference found in the file at `base` means: relative to it, or absolute.
    pub(crate) fn resolve(
        &self,
        base: &LocationRef,
        target: &str,
        kind: LocationKind,
    ) -> Result<LocationRef, ReadError> {
        if let Ok(url) = Url::parse(target)
            && matches!(url.scheme(), "http" | "https")
        {
            return Ok(LocationRef::new("url", self.canonical(&url)));
        }
        if base.is_file() {
            let folder = Path::new(&base.target).parent().unwrap_or(Path::new("/"));
            return Ok(LocationRef::new("file", disk::normal(&folder.join(target)).to_string_lossy()));
        }
        let url = parse_url(&base.target)?;
        let Some((forge, file)) = self.forges.locate(&url) else {
            let joined = url.join(target).map_err(|error| ReadError::Unsupported(format!("{target}: {error}")))?;
            return Ok(LocationRef::new("url", joined));
        };
        let joined = file.join(target, kind).map_err(|error| ReadError::Forge(error.into()))?;
        Ok(LocationRef::new("url", forge.canonical_url(&joined)))
    }

    /// The form of a location's target that is stored; what no forge knows stays as it was written. A location is a
    /// file, also where its address was made from a folder's: what it refers to stands beside it.
    pub(crate) fn stored_target(&self, kind: &str, target: &str) -> String {
        let url = Url::parse(target).ok().filter(|_| kind == "url");
        match url.and_then(|url| self.forges.locate(&url)) {
            Some((forge, file)) => forge.canonical_url(&FileLocation { kind: LocationKind::Blob, ..file }).into(),
            None => target.to_owned(),
        }
    }

    /// The form of a URL that is stored: a forge's own files do not depend on where the portal is reached.
    pub(crate) fn canonical(&self, url: &Url) -> String {
        match self.forges.locate(url) {
            Some((forge, file)) => forge.canonical_url(&file).into(),
            None => url.as_str().to_owned(),
        }
    }

    /// The forge that an address belongs to, and what it names there: a file or folder, else a whole repository by its
    /// page or as it is cloned, at `HEAD`.
    pub(crate) fn locate(&self, url: &Url) -> Option<(&Arc<dyn Forge>, FileLocation)> {
        if let Some(found) = self.forges.locate(url) {
            return Some(found);
        }
        let mut page = url.clone();
        page.set_path(&format!("{}/tree/HEAD", url.path().trim_end_matches('/').trim_end_matches(".git")));
        self.forges.locate(&page).or_else(|| {
            let mut segments = url.path_segments()?.rev();
            let (name, owner) = (segments.next()?, segments.next()?);
            let repository = RepositoryId::new(owner, name.trim_end_matches(".git")).ok()?;
            let forge = self.forges.iter().find(|forge| forge.clone_url(&repository) == *url)?;
            Some((forge, FileLocation::tree(repository, "HEAD", "")))
        })
    }

    /// Where a person sees a location, and the folder it is in, if that is known.
    pub(crate) fn browse(&self, location: &LocationRef) -> Option<(String, Option<String>)> {
        let url = Url::parse(&location.target).ok().filter(|_| location.is_url())?;
        let Some((forge, file)) = self.forges.locate(&url) else {
            return Some((location.target.clone(), None));
        };
        let folder = FileLocation::tree(file.repository.clone(), file.revision.clone(), file.folder());
        let mut folder: String = forge.browse_url(&folder).into();
        if !folder.ends_with('/') {
            folder.push('/');
        }
        Some((forge.browse_url(&file).into(), Some(folder)))
    }

    /// The files that a path with `*` stands for, sorted; the path itself without. Of URLs only those of a forge are
    /// searched.
    pub(crate) async fn expand(&self, location: &LocationRef) -> Result<Vec<LocationRef>, ReadError> {
        const WILD: [char; 4] = ['*', '?', '[', '{'];
        if location.is_file() && location.target.contains(WILD) {
            let paths = disk::glob(location.target.clone()).await?;
            return Ok(paths.into_iter().map(|path| LocationRef::new("file", path)).collect());
        }
        if location.is_url()
            && let Some((forge, file)) = self.forges.locate(&parse_url(&location.target)?)
            && file.path.contains(WILD)
        {
            return self.search_forge(forge, file, &location.target).await;
        }
        Ok(vec![location.clone()])
    }

    async fn read_forge(
        &self,
        forge: &Arc<dyn Forge>,
        file: FileLocation,
        target: &str,
        stamp: Option<&str>,
    ) -> Result<Option<Fetched>, ReadError> {
        let wrong = |error| forge_error(error, target);
        let (file, commit) = self.located(forge, file).await.map_err(wrong)?;
        if stamp == Some(&*commit) {
            return Ok(None);
        }
        let found = forge.read(&file.repository, &commit, &file.path).await.map_err(wrong)?;
        within_file_limit(found.bytes.len(), target)?;
        Ok(Some(Fetched { bytes: found.bytes, version: found.commit, stamp: Some(commit) }))
    }

    /// The files of a repository whose paths fit; `*` stays within a folder, `**` does not.
    async fn search_forge(
        &self,
        forge: &Arc<dyn Forge>,
        file: FileLocation,
        target: &str,
    ) -> Result<Vec<LocationRef>, ReadError> {
        let (file, commit) = self.located(forge, file).await.map_err(|error| forge_error(error, target))?;
        let paths = self.searches.find(forge, &file, &commit, target).await?;
        within_tree_limits(paths.len(), 0, target)?;
        let found = |path| LocationRef::new("url", forge.canonical_url(&FileLocation { path, ..file.clone() }));
        Ok(paths.into_iter().map(found).collect())
    }
}

fn parse_url(target: &str) -> Result<Url, ReadError> {
    Url::parse(target).map_err(|error| ReadError::Unsupported(format!("\"{target}\" is not a URL: {error}")))
}

fn no_folder(target: &str) -> ReadError {
    ReadError::Unsupported(format!(
        "{target} cannot be read as a folder: only folders on disk and in repositories of a configured forge can"
    ))
}

async fn forge_tree(forge: &Arc<dyn Forge>, folder: FileLocation, target: &str) -> Result<Tree, ReadError> {
    let wrong = |error| forge_error(error, target);
    let folder = forge.settle(folder).await.map_err(wrong)?;
    // One commit for the whole tree, whatever is pushed meanwhile.
    let commit = forge.resolve(&folder.repository, &folder.revision).await.map_err(wrong)?;
    let limits = SnapshotLimits { files: MAX_TREE_FILES, bytes: MAX_TREE_BYTES };
    let snapshot =
        forge.snapshot(&folder.repository, &commit, &folder.path, limits).await.map_err(|error| match error {
            ForgeError::TooLarge { limit, .. } => {
                ReadError::TooLarge { what: target.to_owned(), limit: limit.to_string() }
            }
            other => wrong(other),
        })?;
    let file = |file: NewFile| TreeFile { path: file.path, mode: file.mode, bytes: file.bytes };
    Ok(Tree { files: snapshot.files.into_iter().map(file).collect(), version: commit })
}

fn forge_error(error: ForgeError, target: &str) -> ReadError {
    match error {
        ForgeError::NotFound(_) => ReadError::NotFound(target.to_owned()),
        other => ReadError::Forge(other),
    }
}

fn within_file_limit(bytes: usize, what: &str) -> Result<(), ReadError> {
    if bytes <= MAX_FILE_BYTES {
        return Ok(());
    }
    Err(ReadError::TooLarge { what: what.to_owned(), limit: format!("{} MiB", MAX_FILE_BYTES / 1024 / 1024) })
}

fn within_tree_limits(files: usize, bytes: usize, what: &str) -> Result<(), ReadError> {
    let limit = match (files > MAX_TREE_FILES, bytes > MAX_TREE_BYTES) {
        (true, _) => format!("{MAX_TREE_FILES} files"),
        (_, true) => format!("{} MiB", MAX_TREE_BYTES / 1024 / 1024),
        _ => return Ok(()),
    };
    Err(ReadError::TooLarge { what: what.to_owned(), limit })
}

/// The version of content that has no other: its hash.
fn content_version(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
