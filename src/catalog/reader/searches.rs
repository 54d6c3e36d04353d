//! Which files of a repository a path with `*` stands for, remembered by commit: what a commit has never changes, so a
//! repository in which nothing happened is not listed again.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use globset::GlobBuilder;
use lru::LruCache;

use super::{ReadError, forge_error};
use crate::forge::{EntryKind, FileLocation, Forge};

/// Searches that are remembered.
const MOST: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
/// Those that found more are done again.
const LARGEST: usize = 100;

/// The searches that were done.
#[derive(Debug)]
pub(super) struct Searches(Mutex<LruCache<Search, Vec<String>>>);

/// The forge, the path with its wildcards, and the commit.
type Search = (String, FileLocation, String);

impl Default for Searches {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl Searches {
    /// The paths that fit, sorted.
    pub(super) async fn find(
        &self,
        forge: &Arc<dyn Forge>,
        file: &FileLocation,
        commit: &str,
        target: &str,
    ) -> Result<Vec<String>, ReadError> {
        let search = (forge.host().to_owned(), file.clone(), commit.to_owned());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&search).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let invalid = |error: globset::Error| ReadError::Unsupported(format!("{target} has no valid glob: {error}"));
        let matcher = GlobBuilder::new(&file.path).literal_separator(true).build().map_err(invalid)?.compile_matcher();
        let entries =
            forge.walk(&file.repository, commit, "").await.map_err(|error| forge_error(error, target))?.into_iter();
        let fitting = entries.filter(|entry| matches!(entry.kind, EntryKind::File(_)) && matcher.is_match(&entry.path));
        let found: Vec<String> = fitting.map(|entry| entry.path).collect();
        if found.len() <= LARGEST {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(search, found.clone());
        }
        Ok(found)
    }
}
