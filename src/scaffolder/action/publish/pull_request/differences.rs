//! What of the workspace is not in the repository as it is.

use std::collections::BTreeMap;

use super::super::super::super::workspace;
use super::super::super::{ActionContext, ActionError, Outputs, texts};
use super::super::{files, given};
use super::request::Request;
use crate::forge::{EntryKind, NewFile, TreeEntry};

/// What the branch gets.
#[derive(Default)]
pub(super) struct Differences {
    pub(super) write: Vec<NewFile>,
    pub(super) delete: Vec<String>,
    added: usize,
}

impl Differences {
    /// What of the workspace is not in the repository as it is.
    pub(super) async fn of(ctx: &ActionContext, input: &Outputs, request: &Request) -> Result<Self, ActionError> {
        let folder = workspace::normal(given(input, "sourcePath").unwrap_or("."))?;
        let target = workspace::normal(given(input, "targetPath").unwrap_or("."))?;
        let gone = texts(input, "filesToDelete");
        let files = if gone.is_empty() { files(ctx, &folder)? } else { files(ctx, &folder).unwrap_or_default() };
        let there = request.forge.walk(request.grounds(), &request.ground(), "").await?;
        let there: BTreeMap<&str, &TreeEntry> = there.iter().map(|entry| (entry.path.as_str(), entry)).collect();
        let mut differences = Self::default();
        for file in files {
            let path = if target.is_empty() { file.path.clone() } else { format!("{target}/{}", file.path) };
            match there.get(path.as_str()) {
                Some(entry) if is_same(request, entry, &file).await? => continue,
                Some(_) => {}
                None => differences.added += 1,
            }
            differences.write.push(NewFile { path, ..file });
        }
        for path in gone {
            let path = workspace::normal(&path)?;
            let below = format!("{path}/");
            let is_there = there.contains_key(path.as_str())
                || there.range(below.as_str()..).next().is_some_and(|(known, _)| known.starts_with(&below));
            if is_there {
                differences.delete.push(path);
            } else {
                ctx.log.warn(format!("`{path}` is to be deleted, but is not in {}", request.id()));
            }
        }
        Ok(differences)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.write.is_empty() && self.delete.is_empty()
    }

    /// `2 files added, 1 changed, 1 deleted`
    pub(super) fn sentence(&self) -> String {
        let changed = self.write.len() - self.added;
        let parts = [(self.added, "added"), (changed, "changed"), (self.delete.len(), "deleted")];
        let told: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if told.is_empty() { "no changes".to_owned() } else { format!("files: {}", told.join(", ")) }
    }
}

/// Whether the repository's file is the same; one of another size is not read.
async fn is_same(request: &Request, entry: &TreeEntry, file: &NewFile) -> Result<bool, ActionError> {
    if entry.kind != EntryKind::File(file.mode) || entry.size != Some(file.bytes.len() as u64) {
        return Ok(false);
    }
    Ok(request.forge.blob(request.grounds(), &entry.object_id).await? == file.bytes)
}
