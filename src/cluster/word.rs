//! Words that thousands of objects say alike: labels, images, names of containers and nodes. Each is kept once.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Words from which on those are looked for that nobody uses any more.
const FEW: usize = 4096;

/// Each word there is, and how many there may be before it is tidied up.
static WORDS: LazyLock<Mutex<(HashSet<Arc<str>>, usize)>> = LazyLock::new(|| Mutex::new((HashSet::new(), FEW)));

/// The one copy of a word.
pub(super) fn word(text: &str) -> Arc<str> {
    let mut kept = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    let (words, limit) = &mut *kept;
    if let Some(word) = words.get(text) {
        return Arc::clone(word);
    }
    if words.len() >= *limit {
        words.retain(|word| Arc::strong_count(word) > 1);
        // Looking through all of them again is worth it once there are twice as many.
        *limit = (words.len() * 2).max(FEW);
    }
    let word: Arc<str> = text.into();
    words.insert(Arc::clone(&word));
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_once_and_not_for_ever() {
        let first = word("word-test-app");
        assert!(Arc::ptr_eq(&first, &word("word-test-app")));
        for number in 0..FEW * 4 {
            drop(word(&format!("word-test-{number}")));
        }
        assert!(Arc::ptr_eq(&first, &word("word-test-app")));
        let (words, _) = &*WORDS.lock().unwrap();
        assert!(words.len() < FEW * 3, "{}", words.len());
    }
}
