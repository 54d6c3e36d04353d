//! Where branches are, as one reading sees them: every file of a branch comes from one commit, and the branch is asked
//! for once, or not at all where a provider saw it lately.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::forge::{FileLocation, Forge, ForgeError, RepositoryId};

/// Commits by forge, repository and revision. Cheap to clone; clones share what they know.
#[derive(Clone, Debug, Default)]
pub(super) struct Tips(Arc<Mutex<HashMap<Branch, String>>>);

type Branch = (String, RepositoryId, String);

impl Tips {
    /// Takes a commit for that of a location's revision.
    pub(super) fn note(&self, host: &str, file: &FileLocation, commit: &str) {
        let branch = (host.to_owned(), file.repository.clone(), file.revision.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(branch, commit.to_owned());
    }

    /// The commit of a location, and the location as its forge understands it.
    pub(super) async fn locate(
        &self,
        forge: &Arc<dyn Forge>,
        file: FileLocation,
    ) -> Result<(FileLocation, String), ForgeError> {
        let branch = (forge.host().to_owned(), file.repository.clone(), file.revision.clone());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&branch).cloned();
        if let Some(commit) = known {
            return Ok((file, commit));
        }
        let settled = located(forge, file).await?;
        // Of a branch whose name has slashes the first part alone is not the branch.
        if settled.0.revision == branch.2 {
            self.note(&branch.0, &settled.0, &settled.1);
        }
        Ok(settled)
    }
}

/// The same, asking the forge.
pub(super) async fn located(forge: &Arc<dyn Forge>, file: FileLocation) -> Result<(FileLocation, String), ForgeError> {
    let file = forge.settle(file).await?;
    let commit = forge.resolve(&file.repository, &file.revision).await?;
    Ok((file, commit))
}
