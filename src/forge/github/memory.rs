//! Answers with their `ETag`: asked for again with `If-None-Match`, an unchanged one costs nothing of the rate limit.
//!
//! One memory belongs to one credential, so nobody sees what another may. It is bounded in bytes; the answers that were
//! not asked for longest go first.

use std::sync::Mutex;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use lru::LruCache;

/// Bytes that one credential's answers may take.
const MOST: usize = 32 * 1024 * 1024;
/// Larger answers are not kept.
const LARGEST: usize = 2 * 1024 * 1024;

/// An answer, whole.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) etag: HeaderValue,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The answers of one credential, by address and media type.
#[derive(Debug)]
pub(super) struct Memory {
    kept: Mutex<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    answers: LruCache<String, Kept>,
    bytes: usize,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { kept: Mutex::new(Shelf { answers: LruCache::unbounded(), bytes: 0 }) }
    }

    pub(super) fn get(&self, key: &str) -> Option<Kept> {
        self.lock().answers.get(key).cloned()
    }

    pub(super) fn keep(&self, key: String, answer: Kept) {
        if answer.body.len() > LARGEST {
            return;
        }
        let mut shelf = self.lock();
        shelf.bytes += answer.body.len() + key.len();
        if let Some((key, before)) = shelf.answers.push(key, answer) {
            shelf.bytes -= before.body.len() + key.len();
        }
        while shelf.bytes > MOST {
            let Some((key, oldest)) = shelf.answers.pop_lru() else { break };
            shelf.bytes -= oldest.body.len() + key.len();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize) -> Kept {
        Kept {
            etag: HeaderValue::from_static("\"x\""),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from(vec![0; bytes]),
        }
    }

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let memory = Memory::new();
        for number in 0..16 {
            memory.keep(number.to_string(), answer(LARGEST));
            assert!(memory.get("0").is_some());
        }
        memory.keep("one more".to_owned(), answer(LARGEST));
        assert!(memory.get("0").is_some() && memory.get("one more").is_some());
        assert!(memory.get("1").is_none());
        assert!(memory.lock().bytes <= MOST);
    }

    #[test]
    fn the_same_address_is_kept_once_and_a_large_answer_not_at_all() {
        let memory = Memory::new();
        memory.keep("a".to_owned(), answer(10));
        memory.keep("a".to_owned(), answer(20));
        assert_eq!(memory.lock().bytes, 21);
        memory.keep("b".to_owned(), answer(LARGEST + 1));
        assert!(memory.get("b").is_none());
    }
}
