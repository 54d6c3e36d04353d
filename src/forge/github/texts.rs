//! Files that came with another answer, by repository, commit and path: what a commit has never changes. Bounded in
//! bytes; what was not asked for longest goes first.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use lru::LruCache;

use crate::forge::RepositoryId;

/// Bytes that all of them may take.
const MOST: usize = 16 * 1024 * 1024;
/// Larger ones are not kept.
const LARGEST: usize = 256 * 1024;

/// A file's content.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) object_id: String,
    pub(super) bytes: Bytes,
}

/// The files that are known.
#[derive(Debug, Default)]
pub(super) struct Texts(Mutex<Shelf>);

#[derive(Debug)]
struct Shelf {
    texts: LruCache<(RepositoryId, String, String), Text>,
    bytes: usize,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { texts: LruCache::unbounded(), bytes: 0 }
    }
}

impl Texts {
    pub(super) fn keep(&self, repository: &RepositoryId, commit: &str, path: &str, text: Text) {
        if text.bytes.len() > LARGEST {
            return;
        }
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.bytes += text.bytes.len();
        let key = (repository.clone(), commit.to_owned(), path.to_owned());
        if let Some((_, before)) = shelf.texts.push(key, text) {
            shelf.bytes -= before.bytes.len();
        }
        while shelf.bytes > MOST {
            let Some((_, oldest)) = shelf.texts.pop_lru() else { break };
            shelf.bytes -= oldest.bytes.len();
        }
    }

    pub(super) fn get(&self, repository: &RepositoryId, commit: &str, path: &str) -> Option<Text> {
        let key = (repository.clone(), commit.to_owned(), path.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).texts.get(&key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_counts_once_and_the_oldest_goes_first() {
        let (texts, id) = (Texts::default(), RepositoryId::new("acme", "api").unwrap());
        let text = |bytes: usize| Text { object_id: "0".to_owned(), bytes: vec![0; bytes].into() };
        texts.keep(&id, "c", "a", text(10));
        texts.keep(&id, "c", "a", text(20));
        assert_eq!(texts.0.lock().unwrap().bytes, 20);
        texts.keep(&id, "c", "large", text(LARGEST + 1));
        assert!(texts.get(&id, "c", "large").is_none());
        for number in 0..MOST / LARGEST {
            texts.keep(&id, "c", &number.to_string(), text(LARGEST));
        }
        assert!(texts.get(&id, "c", "a").is_none() && texts.get(&id, "c", "1").is_some());
    }
}
