//! Reading a local repository: revisions, files, folders.

use bytes::Bytes;
use gix::{
    ObjectId,
    bstr::ByteSlice,
    objs::{
        Kind,
        tree::{EntryKind as GitKind, EntryMode},
    },
    refs::FullName,
};

use super::{MAX_FILE_BYTES, MAX_FILES};
use crate::forge::{
    Branch, EntryKind, File, FileMode, ForgeError, Limit, Missing, NewFile, RepositoryId, Snapshot, SnapshotLimits,
    TreeEntry, error::Doing,
};

/// Fewest digits of an abbreviated commit id.
const MIN_ABBREVIATION: usize = 7;

/// A repository opened for reading, with its name for messages.
pub(super) struct Reader<'a> {
    pub(super) git: &'a gix::Repository,
    pub(super) id: &'a RepositoryId,
}

impl Reader<'_> {
    /// The commit of a revision, or an error that names it.
    pub(super) fn commit_id(&self, revision: &str) -> Result<ObjectId, ForgeError> {
        self.find_commit_id(revision)?.ok_or_else(|| {
            ForgeError::NotFound(Missing::Revision { repository: self.id.clone(), revision: revision.to_owned() })
        })
    }

    /// The commit of a revision: branch before tag before full reference name before commit id.
    pub(super) fn find_commit_id(&self, revision: &str) -> Result<Option<ObjectId>, ForgeError> {
        let mut names = vec![format!("refs/heads/{revision}"), format!("refs/tags/{revision}")];
        if revision == "HEAD" || revision.starts_with("refs/") {
            names.insert(0, revision.to_owned());
        }
        for name in names {
            if let Some(found) = self.reference(&name)? {
                return Ok(Some(found));
            }
        }
        self.abbreviated(revision)
    }

    /// The commit a full reference name leads to.
    pub(super) fn reference(&self, name: &str) -> Result<Option<ObjectId>, ForgeError> {
        let Ok(name) = FullName::try_from(name) else {
            return Ok(None);
        };
        let doing = || format!("read reference {name} of {}", self.id);
        let Some(mut found) = self.git.try_find_reference(name.as_ref()).doing(doing())? else {
            return Ok(None);
        };
        match found.follow() {
            // `HEAD` of a repository without commits names a branch that is not there.
            Some(Err(_)) => Ok(None),
            _ => found.peel_to_commit().map(|commit| Some(commit.id)).doing(doing()),
        }
    }

    fn abbreviated(&self, revision: &str) -> Result<Option<ObjectId>, ForgeError> {
        if !(MIN_ABBREVIATION..=40).contains(&revision.len()) {
            return Ok(None);
        }
        let Ok(prefix) = gix::hash::Prefix::from_hex(revision) else {
            return Ok(None);
        };
        let found = self.git.objects.lookup_prefix(prefix, None).doing(format_args!("look up {revision}"))?;
        let Some(Ok(id)) = found else { return Ok(None) };
        let header = self.git.find_header(id).doing(format_args!("look up {revision}"))?;
        Ok((header.kind() == Kind::Commit).then_some(id))
    }

    /// The tree of a commit.
    pub(super) fn root(&self, commit: ObjectId) -> Result<gix::Tree<'_>, ForgeError> {
        let doing = format!("read the tree of commit {commit} of {}", self.id);
        self.git.find_commit(commit).and_then(|commit| commit.tree()).doing(doing)
    }

    /// What is at `path` in a tree; the root is a folder.
    pub(super) fn entry(&self, root: &gix::Tree<'_>, path: &str) -> Result<Option<(EntryMode, ObjectId)>, ForgeError> {
        let segments = path.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>();
        if segments.is_empty() {
            return Ok(Some((GitKind::Tree.into(), root.id)));
        }
        let found = root.lookup_entry(segments).doing(format_args!("look up {path} in {}", self.id))?;
        Ok(found.map(|entry| (entry.mode(), entry.object_id())))
    }

    /// Reads a file.
    pub(super) fn file(&self, revision: &str, path: &str) -> Result<File, ForgeError> {
        let commit = self.commit_id(revision)?;
        let root = self.root(commit)?;
        let found = self.entry(&root, path)?.map(|(mode, id)| (entry_kind(mode), id));
        let Some((EntryKind::File(mode), id)) = found else {
            return Err(self.missing("file", revision, path));
        };
        let bytes = self.blob(id, path)?;
        Ok(File { path: path.to_owned(), mode, bytes, object_id: id.to_string(), commit: commit.to_string() })
    }

    /// Reads a blob; `name` is for the message.
    pub(super) fn blob(&self, id: ObjectId, name: &str) -> Result<Bytes, ForgeError> {
        let doing = format!("read {name} of {}", self.id);
        let missing = || ForgeError::NotFound(Missing::Object { repository: self.id.clone(), object: name.to_owned() });
        let header = self.git.try_find_header(id).doing(&doing)?.ok_or_else(missing)?;
        if header.kind() != Kind::Blob {
            return Err(missing());
        }
        if header.size() > MAX_FILE_BYTES {
            return Err(ForgeError::TooLarge { what: format!("`{name}`"), limit: Limit::Bytes(MAX_FILE_BYTES) });
        }
        let mut blob = self.git.find_blob(id).doing(&doing)?;
        Ok(blob.take_data().into())
    }

    /// The entries of a folder: folders first, then by name.
    pub(super) fn folder(&self, revision: &str, path: &str) -> Result<Vec<TreeEntry>, ForgeError> {
        let path = path.trim_matches('/');
        let tree = self.folder_tree(revision, path)?;
        let mut entries = self.entries(&tree, path)?;
        entries.sort_by(|a, b| (a.kind != EntryKind::Folder, &a.path).cmp(&(b.kind != EntryKind::Folder, &b.path)));
        Ok(entries)
    }

    /// Every file below a folder, sorted by path.
    pub(super) fn walk(&self, revision: &str, path: &str) -> Result<Vec<TreeEntry>, ForgeError> {
        let path = path.trim_matches('/');
        let mut folders = vec![(self.folder_tree(revision, path)?, path.to_owned())];
        let mut files = Vec::new();
        while let Some((tree, path)) = folders.pop() {
            for entry in self.entries(&tree, &path)? {
                if entry.kind == EntryKind::Folder {
                    let id = entry.object_id.parse::<ObjectId>().doing("parse an object id")?;
                    let doing = format!("read folder {} of {}", entry.path, self.id);
                    folders.push((self.git.find_tree(id).doing(doing)?, entry.path));
                } else {
                    files.push(entry);
                }
            }
            if files.len() > MAX_FILES {
                let what = format!("the tree of {} at {revision}", self.id);
                return Err(ForgeError::TooLarge { what, limit: Limit::Files(MAX_FILES) });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Every file below a folder with its bytes, sorted by path.
    pub(super) fn snapshot(&self, commit: &str, folder: &str, limits: SnapshotLimits) -> Result<Snapshot, ForgeError> {
        let entries = self.walk(commit, folder)?;
        let total = entries.iter().filter_map(|entry| entry.size).sum::<u64>();
        let limit = match (entries.len() > limits.files, total > limits.bytes as u64) {
            (true, _) => Some(Limit::Files(limits.files)),
            (_, true) => Some(Limit::Bytes(limits.bytes as u64)),
            _ => None,
        };
        if let Some(limit) = limit {
            return Err(ForgeError::TooLarge { what: format!("folder `{folder}` of {}", self.id), limit });
        }
        let mut files = Vec::with_capacity(entries.len());
        for entry in entries {
            let EntryKind::File(mode) = entry.kind else { continue };
            let bytes = self.blob(object_id(&entry.object_id)?, &entry.object_id)?;
            let path = entry.path.strip_prefix(folder).unwrap_or(&entry.path).trim_start_matches('/').to_owned();
            files.push(NewFile { path, mode, bytes });
        }
        Ok(Snapshot { files, commit: commit.to_owned() })
    }

    fn folder_tree(&self, revision: &str, path: &str) -> Result<gix::Tree<'_>, ForgeError> {
        let root = self.root(self.commit_id(revision)?)?;
        match self.entry(&root, path)? {
            Some((mode, id)) if mode.is_tree() => {
                self.git.find_tree(id).doing(format_args!("read folder {path} of {}", self.id))
            }
            _ => Err(self.missing("folder", revision, path)),
        }
    }

    fn entries(&self, tree: &gix::Tree<'_>, folder: &str) -> Result<Vec<TreeEntry>, ForgeError> {
        let doing = || format!("read folder {folder} of {}", self.id);
        let mut entries = Vec::new();
        for entry in tree.iter() {
            let entry = entry.doing(doing())?;
            let kind = entry_kind(entry.mode());
            let size = match kind {
                EntryKind::File(_) => Some(self.git.find_header(entry.object_id()).doing(doing())?.size()),
                EntryKind::Folder | EntryKind::Submodule => None,
            };
            let path = join(folder, &entry.filename().to_str_lossy());
            entries.push(TreeEntry { path, kind, size, object_id: entry.object_id().to_string() });
        }
        Ok(entries)
    }

    /// Splits `revision/path` (with the revision's own slashes) by looking which revision exists, shortest first.
    pub(super) fn split_revision(&self, text: &str) -> Result<(String, String), ForgeError> {
        let ends = text.match_indices('/').map(|(at, _)| at).chain([text.len()]);
        for end in ends {
            let (revision, path) = text.split_at(end);
            if self.find_commit_id(revision)?.is_some() {
                return Ok((revision.to_owned(), path.trim_start_matches('/').to_owned()));
            }
        }
        let revision = text.split('/').next().unwrap_or_default().to_owned();
        Err(ForgeError::NotFound(Missing::Revision { repository: self.id.clone(), revision }))
    }

    fn missing(&self, expected: &'static str, revision: &str, path: &str) -> ForgeError {
        let (repository, revision, path) = (self.id.clone(), revision.to_owned(), path.to_owned());
        ForgeError::NotFound(Missing::Path { expected, repository, revision, path })
    }
}

/// All branches, sorted by name. One whose reference is damaged is left out and logged.
pub(super) fn branches(reader: &Reader<'_>) -> Result<Vec<Branch>, ForgeError> {
    let doing = format!("list the branches of {}", reader.id);
    let references = reader.git.references().doing(&doing)?;
    let mut branches = Vec::new();
    for reference in references.local_branches().doing(&doing)? {
        let found = reference.and_then(|mut reference| {
            let commit = reference.peel_to_commit()?.id.to_string();
            Ok(Branch { name: reference.name().shorten().to_str_lossy().into_owned(), commit })
        });
        match found {
            Ok(branch) => branches.push(branch),
            Err(error) => tracing::warn!(%error, repository = %reader.id, "branch left out of the list"),
        }
    }
    branches.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(branches)
}

fn object_id(text: &str) -> Result<ObjectId, ForgeError> {
    ObjectId::from_hex(text.as_bytes()).doing(format_args!("read object {text}"))
}

/// `name` in `folder`, where the root is the empty string.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// What a tree entry's mode means.
pub(super) fn entry_kind(mode: EntryMode) -> EntryKind {
    match mode.kind() {
        GitKind::Tree => EntryKind::Folder,
        GitKind::Blob => EntryKind::File(FileMode::Regular),
        GitKind::BlobExecutable => EntryKind::File(FileMode::Executable),
        GitKind::Link => EntryKind::File(FileMode::Symlink),
        GitKind::Commit => EntryKind::Submodule,
    }
}
