//! What is at an address: of a repository all its descriptors, of an organisation the descriptor of each repository.
//!
//! A long organisation is looked at in parts, so that one page asks no forge for more than it can answer soon.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use url::Url;

use super::{DESCRIPTOR, ImportError, Imports};
use crate::entity;
use crate::forge::{
    Discovered, EntryKind, FileLocation, Forge, ForgeError, LocationKind, Look, Missing, Repository, RepositoryId,
};
use crate::permission::Credentials;
use crate::yaml;

/// Repositories of one part.
const PART: usize = 50;
/// Repositories that are looked at at a time.
const AT_ONCE: usize = 8;
/// Descriptors of one repository.
const MOST: usize = 100;
/// Bytes of a descriptor that is looked at.
const LARGEST: usize = 1024 * 1024;

/// What was found at an address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Survey {
    /// What the address is of: `acme` or `acme/api`.
    pub(crate) name: String,
    /// The repositories of this part, by name.
    pub(crate) repositories: Vec<Surveyed>,
    /// The part, from 1, and how many there are.
    pub(crate) part: (usize, usize),
    /// All repositories.
    pub(crate) total: usize,
}

/// A repository that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Surveyed {
    /// The forge.
    pub(crate) host: String,
    /// The repository.
    pub(crate) repository: Repository,
    /// What is in it.
    pub(crate) found: Found,
}

/// What a repository has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// Descriptors.
    Descriptors(Vec<Descriptor>),
    /// No descriptor.
    Nothing,
    /// Not even a commit: nothing can be proposed yet.
    Empty,
    /// It cannot be read; a sentence.
    Unreadable(String),
}

/// A descriptor that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// Its path.
    pub(crate) path: String,
    /// What is registered.
    pub(crate) target: String,
    /// The references of what it declares.
    pub(crate) entities: Vec<String>,
    /// What is wrong with it.
    pub(crate) problem: Option<String>,
    /// Whether the catalog reads it already.
    pub(crate) is_known: bool,
}

/// What an address is of.
enum Address {
    /// Everything of an organisation or person.
    Owner(Arc<dyn Forge>, String),
    /// One repository, or one file of it.
    Repository(Arc<dyn Forge>, FileLocation),
}

impl Imports {
    /// Looks at an address; of an organisation at one part.
    pub(crate) async fn survey(&self, _who: &Credentials, address: &str, part: usize) -> Result<Survey, ImportError> {
        let known = self.known();
        match self.address(address)? {
            Address::Owner(forge, owner) => {
                let all = forge.list(Some(&owner)).await?;
                let parts = all.len().div_ceil(PART).max(1);
                let part = part.clamp(1, parts);
                let total = all.len();
                let shown: Vec<Repository> = all.into_iter().skip((part - 1) * PART).take(PART).collect();
                let seen = seen(&*forge, &owner, &shown).await;
                let look = |repository: Repository| {
                    let (forge, known) = (&forge, &known);
                    let seen = seen.get(&repository.id);
                    async move { at_root(&**forge, repository, seen, known).await }
                };
                let repositories = stream::iter(shown).map(look).buffered(AT_ONCE).collect().await;
                Ok(Survey { name: owner, repositories, part: (part, parts), total })
            }
            Address::Repository(forge, place) => {
                let repository = forge.find(&place.repository).await?;
                let name = repository.id.to_string();
                let surveyed = everywhere(&*forge, repository, place, &known).await;
                Ok(Survey { name, repositories: vec![surveyed], part: (1, 1), total: 1 })
            }
        }
    }

    /// What the catalog reads already.
    fn known(&self) -> HashSet<String> {
        self.inner.catalog.index().records().map(|record| record.location.to_string()).collect()
    }

    fn address(&self, address: &str) -> Result<Address, ImportError> {
        let url = Url::parse(address.trim()).map_err(|error| {
            ImportError::Invalid(format!(
                "{address:?} is no address ({error}); give that of a repository or organisation, such as https://github.com/acme"
            ))
        })?;
        if let Some((forge, owner)) = self.owner(&url) {
            return Ok(Address::Owner(forge, owner));
        }
        let found = self.inner.catalog.reader().locate(&url);
        found.map(|(forge, place)| Address::Repository(Arc::clone(forge), place)).ok_or_else(|| {
            let hosts: Vec<&str> = self.inner.forges.hosts().collect();
            ImportError::Invalid(format!(
                "{url} is neither a repository nor an organisation of a configured forge ({}); others are named in `integrations`",
                hosts.join(", ")
            ))
        })
    }

    /// The forge and the name of an organisation or person, if the address is of one.
    fn owner(&self, url: &Url) -> Option<(Arc<dyn Forge>, String)> {
        let path = url.path().trim_matches('/');
        // GitHub shows an organisation's repositories at `/orgs/acme/repositories`.
        let path = path.strip_prefix("orgs/").map_or(path, |rest| rest.split('/').next().unwrap_or_default());
        let owner = path.rsplit('/').next().filter(|owner| !owner.is_empty())?;
        let inside = RepositoryId::new(owner, "x").ok()?;
        let mut page = url.clone();
        page.set_path(&format!("{path}/x"));
        page.set_query(None);
        page.set_fragment(None);
        let of = |forge: &&Arc<dyn Forge>| {
            let root = FileLocation::tree(inside.clone(), "x", "");
            let canonical = forge.canonical_url(&root);
            forge.repository_url(&inside) == page || canonical.as_str().starts_with(&format!("{page}/tree/"))
        };
        let forge = self.inner.forges.iter().find(of)?;
        Some((Arc::clone(forge), owner.to_owned()))
    }
}

/// What a GitHub tells of all of these at once. Where it does not, each is asked for by itself, and says why.
async fn seen(forge: &dyn Forge, owner: &str, shown: &[Repository]) -> HashMap<RepositoryId, Discovered> {
    let Some(github) = forge.github().filter(|_| !shown.is_empty()) else { return HashMap::new() };
    let names: Vec<&str> = shown.iter().map(|repository| repository.id.name()).collect();
    let look = Look { file: Some(DESCRIPTOR.to_owned()), ..Look::default() };
    let seen = github.discover_some(owner, &names, &look).await.unwrap_or_default();
    seen.into_iter().map(|seen| (seen.id.clone(), seen)).collect()
}

/// Looks for the one descriptor at the root.
async fn at_root(
    forge: &dyn Forge,
    repository: Repository,
    seen: Option<&Discovered>,
    known: &HashSet<String>,
) -> Surveyed {
    let file = FileLocation::blob(repository.id.clone(), repository.default_branch.as_str(), DESCRIPTOR);
    let read = match seen {
        Some(Discovered { branch: None, .. }) => Err(ForgeError::NotFound(Missing::Revision {
            repository: repository.id.clone(),
            revision: repository.default_branch.clone(),
        })),
        Some(Discovered { file: None, is_archived: true, .. }) => {
            Err(ForgeError::Refused("it is archived, so it takes no pull request".to_owned()))
        }
        Some(Discovered { file: None, .. }) => Err(ForgeError::NotFound(Missing::Path {
            expected: "file",
            repository: repository.id.clone(),
            revision: repository.default_branch.clone(),
            path: DESCRIPTOR.to_owned(),
        })),
        Some(Discovered { branch: Some((_, commit)), .. }) => descriptor_at(forge, &file, commit, known).await,
        None => descriptor(forge, &file, known).await,
    };
    let found = match read {
        Ok(descriptor) => Found::Descriptors(vec![descriptor]),
        Err(ForgeError::NotFound(Missing::Path { .. })) => Found::Nothing,
        Err(ForgeError::NotFound(Missing::Revision { .. })) => Found::Empty,
        Err(error) => Found::Unreadable(error.to_string()),
    };
    Surveyed { host: forge.host().to_owned(), repository, found }
}

/// Looks for descriptors in all folders, or at the one file that the address names.
async fn everywhere(
    forge: &dyn Forge,
    repository: Repository,
    place: FileLocation,
    known: &HashSet<String>,
) -> Surveyed {
    let found = match descriptors(forge, &repository, place, known).await {
        Ok(found) if found.is_empty() => Found::Nothing,
        Ok(found) => Found::Descriptors(found),
        Err(ForgeError::NotFound(Missing::Revision { .. })) => Found::Empty,
        Err(error) => Found::Unreadable(error.to_string()),
    };
    Surveyed { host: forge.host().to_owned(), repository, found }
}

async fn descriptors(
    forge: &dyn Forge,
    repository: &Repository,
    place: FileLocation,
    known: &HashSet<String>,
) -> Result<Vec<Descriptor>, ForgeError> {
    let mut place = match place.revision.as_str() {
        "HEAD" => place,
        _ => forge.settle(place).await?,
    };
    if place.revision == "HEAD" {
        place.revision.clone_from(&repository.default_branch);
    }
    if place.kind == LocationKind::Blob {
        return Ok(vec![descriptor(forge, &place, known).await?]);
    }
    let files = forge.walk(&place.repository, &place.revision, &place.path).await?;
    let names = |name: &str| name == DESCRIPTOR || name == "catalog-info.yml";
    let files = files.into_iter().filter(|file| matches!(file.kind, EntryKind::File(_)) && names(file.name()));
    let files =
        files.take(MOST).map(|file| FileLocation::blob(repository.id.clone(), place.revision.as_str(), file.path));
    let read = stream::iter(files).map(|file| async move { descriptor(forge, &file, known).await });
    let read: Vec<Result<Descriptor, ForgeError>> = read.buffered(AT_ONCE).collect().await;
    let mut found = read.into_iter().collect::<Result<Vec<_>, _>>()?;
    // What templates fill in is no descriptor yet.
    found.retain(|descriptor| !descriptor.entities.iter().any(|reference| reference.contains("${{")));
    Ok(found)
}

async fn descriptor(forge: &dyn Forge, file: &FileLocation, known: &HashSet<String>) -> Result<Descriptor, ForgeError> {
    descriptor_at(forge, file, &file.revision, known).await
}

/// The same as it is at a commit.
async fn descriptor_at(
    forge: &dyn Forge,
    file: &FileLocation,
    commit: &str,
    known: &HashSet<String>,
) -> Result<Descriptor, ForgeError> {
    let read = forge.read(&file.repository, commit, &file.path).await?;
    let target = String::from(forge.canonical_url(file));
    let is_known = known.contains(&format!("url:{target}"));
    let mut descriptor = Descriptor { path: file.path.clone(), target, entities: Vec::new(), problem: None, is_known };
    if read.bytes.len() > LARGEST {
        descriptor.problem = Some(format!("it has {} bytes, too many for a descriptor", read.bytes.len()));
        return Ok(descriptor);
    }
    for document in yaml::documents(&String::from_utf8_lossy(&read.bytes)) {
        match document.map(|document| document.value) {
            Ok(Value::Null) => {}
            Ok(value) => match entity::check_envelope(value.clone()) {
                Ok(entity) => descriptor.entities.push(entity.reference().to_string()),
                Err(error) => {
                    descriptor
                        .entities
                        .extend(value.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned));
                    descriptor.problem = Some(error.to_string());
                }
            },
            Err(error) => descriptor.problem = Some(format!("line {}: {}", error.position.line, error.message)),
        }
    }
    Ok(descriptor)
}
