//! Trees: what is in the folders of a commit.
//!
//! GitHub lists the whole tree of a commit with one request, and of a very large one only a part. There it is gone down
//! folder by folder: one request for each, and nothing is left out.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::client::Call;
use super::read::unknown;
use super::{GitHub, model};
use crate::forge::{EntryKind, FileMode, ForgeError, Limit, Missing, RepositoryId, TreeEntry};

/// What GitHub lists of one tree at most.
const MOST_ENTRIES: usize = 100_000;
/// Very large repositories that are kept in mind.
const MOST_HUGE: usize = 1_000;

/// What GitHub told of a tree.
struct Listing {
    entries: Vec<TreeEntry>,
    /// Whether that is all of it.
    is_whole: bool,
}

impl GitHub {
    /// Every entry of a commit's tree, as GitHub lists them.
    pub(super) async fn entries(&self, id: &RepositoryId, commit: &str) -> Result<Vec<TreeEntry>, ForgeError> {
        let listing = self.listing(id, commit, true).await?;
        if listing.is_whole { Ok(listing.entries) } else { Err(too_large(id)) }
    }

    /// The entry at a path.
    pub(super) async fn entry(
        &self,
        id: &RepositoryId,
        commit: &str,
        path: &str,
    ) -> Result<Option<TreeEntry>, ForgeError> {
        if let Some(entries) = self.whole(id, commit).await? {
            return Ok(entries.into_iter().find(|entry| entry.path == path));
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(tree) = self.folder(id, commit, folder).await? else { return Ok(None) };
        let listing = self.listing(id, &tree, false).await?;
        let found = listing.entries.into_iter().find(|entry| entry.path == name);
        Ok(found.map(|entry| TreeEntry { path: path.to_owned(), ..entry }))
    }

    pub(super) async fn list_folder(
        &self,
        id: &RepositoryId,
        revision: &str,
        folder: &str,
    ) -> Result<Vec<TreeEntry>, ForgeError> {
        let commit = self.commit_of(id, revision).await?;
        let mut entries: Vec<TreeEntry> = match self.whole(id, &commit).await? {
            Some(all) => all
                .into_iter()
                .filter(|entry| below(&entry.path, folder).is_some_and(|rest| !rest.contains('/')))
                .collect(),
            None => match self.folder(id, &commit, folder).await? {
                Some(tree) => within(folder, self.listing(id, &tree, false).await?.entries),
                None => Vec::new(),
            },
        };
        if entries.is_empty() && !folder.is_empty() {
            return Err(no_folder(id, revision, folder));
        }
        entries.sort_by(|one, other| {
            let is_file = |entry: &TreeEntry| entry.kind != EntryKind::Folder;
            (is_file(one), &one.path).cmp(&(is_file(other), &other.path))
        });
        Ok(entries)
    }

    pub(super) async fn walk_folder(
        &self,
        id: &RepositoryId,
        revision: &str,
        folder: &str,
    ) -> Result<Vec<TreeEntry>, ForgeError> {
        let commit = self.commit_of(id, revision).await?;
        let all = match self.whole(id, &commit).await? {
            Some(all) => all,
            None if folder.is_empty() => return Err(too_large(id)),
            None => match self.folder(id, &commit, folder).await? {
                Some(tree) => within(folder, self.entries(id, &tree).await?),
                None => Vec::new(),
            },
        };
        let mut there = folder.is_empty();
        let mut files = Vec::new();
        for entry in all {
            if below(&entry.path, folder).is_some() {
                there = true;
                if entry.kind != EntryKind::Folder {
                    files.push(entry);
                }
            }
        }
        if !there {
            return Err(no_folder(id, revision, folder));
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }

    /// What is at a path, and everything in it if that is a folder.
    pub(super) async fn below(
        &self,
        id: &RepositoryId,
        commit: &str,
        path: &str,
    ) -> Result<Vec<TreeEntry>, ForgeError> {
        match self.entry(id, commit, path).await? {
            Some(folder) if folder.kind == EntryKind::Folder => {
                Ok(within(path, self.entries(id, &folder.object_id).await?))
            }
            found => Ok(found.into_iter().collect()),
        }
    }

    /// Every entry of a commit's tree; none where GitHub does not list them all.
    pub(super) async fn whole(&self, id: &RepositoryId, commit: &str) -> Result<Option<Vec<TreeEntry>>, ForgeError> {
        if self.site.huge.knows(id) {
            return Ok(None);
        }
        let listing = self.listing(id, commit, true).await?;
        if !listing.is_whole {
            self.site.huge.note(id);
        }
        Ok(listing.is_whole.then_some(listing.entries))
    }

    /// The id of a folder's tree; none if there is no such folder.
    async fn folder(&self, id: &RepositoryId, commit: &str, folder: &str) -> Result<Option<String>, ForgeError> {
        let mut tree = commit.to_owned();
        for name in folder.split('/').filter(|name| !name.is_empty()) {
            let listing = self.listing(id, &tree, false).await?;
            let found = listing.entries.into_iter().find(|entry| entry.path == name && entry.kind == EntryKind::Folder);
            match found {
                Some(entry) => tree = entry.object_id,
                None => return Ok(None),
            }
        }
        Ok(Some(tree))
    }

    async fn listing(&self, id: &RepositoryId, object: &str, recursive: bool) -> Result<Listing, ForgeError> {
        let doing = format!("list the files of {id}");
        let failed = self.failed(&doing);
        let client = self.reader(id.owner()).await.map_err(&failed)?;
        let mut call = Call::get(["repos", id.owner(), id.name(), "git", "trees", object]);
        if recursive {
            call = call.query([("recursive", "1")]);
        }
        let tree: model::Tree = client.ask(call).await.map_err(|failure| unknown(failure, id, object, &failed))?;
        Ok(Listing { is_whole: !tree.truncated, entries: tree.tree.into_iter().map(read_entry).collect() })
    }
}

/// The same entries with paths from the root.
fn within(folder: &str, entries: Vec<TreeEntry>) -> Vec<TreeEntry> {
    if folder.is_empty() {
        return entries;
    }
    entries.into_iter().map(|entry| TreeEntry { path: format!("{folder}/{}", entry.path), ..entry }).collect()
}

fn too_large(id: &RepositoryId) -> ForgeError {
    ForgeError::TooLarge { what: format!("the list of files of {id}"), limit: Limit::Files(MOST_ENTRIES) }
}

fn no_folder(id: &RepositoryId, revision: &str, folder: &str) -> ForgeError {
    ForgeError::NotFound(Missing::Path {
        expected: "folder",
        repository: id.clone(),
        revision: revision.to_owned(),
        path: folder.to_owned(),
    })
}

/// The path below a folder; all of it below the root.
pub(super) fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}

fn read_entry(entry: model::Entry) -> TreeEntry {
    let kind = match entry.mode.as_str() {
        "040000" => EntryKind::Folder,
        "160000" => EntryKind::Submodule,
        "100755" => EntryKind::File(FileMode::Executable),
        "120000" => EntryKind::File(FileMode::Symlink),
        _ => EntryKind::File(FileMode::Regular),
    };
    TreeEntry { path: entry.path, kind, size: entry.size, object_id: entry.sha }
}

/// Repositories that are too large to be listed at once, as far as that was seen.
#[derive(Debug, Default)]
pub(super) struct Huge(Mutex<HashSet<RepositoryId>>);

impl Huge {
    fn knows(&self, id: &RepositoryId) -> bool {
        self.lock().contains(id)
    }

    fn note(&self, id: &RepositoryId) {
        let mut known = self.lock();
        if known.len() >= MOST_HUGE {
            known.clear();
        }
        known.insert(id.clone());
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<RepositoryId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
