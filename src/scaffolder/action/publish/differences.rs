//! What of the workspace is not in the repository as it is.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::super::super::workspace;
use super::super::{ActionContext, ActionError, Outputs, texts};
use super::{files, given};
use crate::forge::{EntryKind, Forge, ForgeError, Missing, NewFile, RepositoryId, TreeEntry};

/// Folders that are listed at once.
const AT_ONCE: usize = 8;

/// What the workspace is compared with.
pub(super) struct Ground<'a> {
    pub(super) forge: &'a dyn Forge,
    pub(super) repository: &'a RepositoryId,
    /// None where the repository has no commit yet.
    pub(super) revision: Option<String>,
}

/// What the branch gets.
#[derive(Default)]
pub(super) struct Differences {
    pub(super) write: Vec<NewFile>,
    pub(super) delete: Vec<String>,
    /// The paths among those to write that are new.
    pub(super) added: Vec<String>,
}

impl Differences {
    /// What of the workspace is not in the repository as it is.
    pub(super) async fn of(ctx: &ActionContext, input: &Outputs, ground: &Ground<'_>) -> Result<Self, ActionError> {
        let folder = workspace::normal(given(input, "sourcePath").unwrap_or("."))?;
        let target = workspace::normal(given(input, "targetPath").unwrap_or("."))?;
        let gone = texts(input, "filesToDelete");
        let files = if gone.is_empty() { files(ctx, &folder)? } else { files(ctx, &folder).unwrap_or_default() };
        let files: Vec<NewFile> = files
            .into_iter()
            .map(|file| match target.as_str() {
                "" => file,
                target => NewFile { path: format!("{target}/{}", file.path), ..file },
            })
            .collect();
        let gone = gone.iter().map(|path| workspace::normal(path)).collect::<Result<Vec<_>, _>>()?;
        let there = match &ground.revision {
            None => Vec::new(),
            Some(revision) => match ground.forge.walk(ground.repository, revision, "").await {
                Err(ForgeError::TooLarge { .. }) => concerned(ground, revision, &files, &gone).await?,
                there => there?,
            },
        };
        let there: BTreeMap<&str, &TreeEntry> = there.iter().map(|entry| (entry.path.as_str(), entry)).collect();
        let mut differences = Self::default();
        for file in files {
            match there.get(file.path.as_str()) {
                Some(entry) if is_same(ground, entry, &file).await? => continue,
                Some(_) => {}
                None => differences.added.push(file.path.clone()),
            }
            differences.write.push(file);
        }
        for path in gone {
            let below = format!("{path}/");
            let is_there = there.contains_key(path.as_str())
                || there.range(below.as_str()..).next().is_some_and(|(known, _)| known.starts_with(&below));
            if is_there {
                differences.delete.push(path);
            } else {
                ctx.log.warn(format!("`{path}` is to be deleted, but is not in {}", ground.repository));
            }
        }
        Ok(differences)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.write.is_empty() && self.delete.is_empty()
    }

    /// `2 files added, 1 changed, 1 deleted`
    pub(super) fn sentence(&self) -> String {
        let changed = self.write.len() - self.added.len();
        let parts = [(self.added.len(), "added"), (changed, "changed"), (self.delete.len(), "deleted")];
        let told: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if told.is_empty() { "no changes".to_owned() } else { format!("files: {}", told.join(", ")) }
    }
}

/// What is in the folders that the change is about: of a repository that is too large to be listed.
async fn concerned(
    ground: &Ground<'_>,
    revision: &str,
    files: &[NewFile],
    gone: &[String],
) -> Result<Vec<TreeEntry>, ActionError> {
    let commit = &ground.forge.resolve(ground.repository, revision).await?;
    let paths = files.iter().map(|file| file.path.as_str()).chain(gone.iter().map(String::as_str));
    let folders: BTreeSet<&str> = paths.map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
    let asked: Vec<_> = folders.into_iter().map(|folder| listed(ground, commit, folder)).collect();
    let listed: Vec<Vec<TreeEntry>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    // A folder is of interest only where it goes as a whole.
    let is_asked = |entry: &TreeEntry| entry.kind != EntryKind::Folder || gone.contains(&entry.path);
    Ok(listed.into_iter().flatten().filter(is_asked).collect())
}

/// The entries of a folder; none if there is no such folder.
async fn listed(ground: &Ground<'_>, commit: &str, folder: &str) -> Result<Vec<TreeEntry>, ActionError> {
    match ground.forge.tree(ground.repository, commit, folder).await {
        Err(ForgeError::NotFound(Missing::Path { .. })) => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

/// Whether the repository's file is the same; one of another size is not read.
async fn is_same(ground: &Ground<'_>, entry: &TreeEntry, file: &NewFile) -> Result<bool, ActionError> {
    if entry.kind != EntryKind::File(file.mode) || entry.size != Some(file.bytes.len() as u64) {
        return Ok(false);
    }
    Ok(ground.forge.blob(ground.repository, &entry.object_id).await? == file.bytes)
}
