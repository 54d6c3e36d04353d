//! Tokens whose signature this process has verified: checking one costs more than most answers.
//!
//! Only hashes are kept, with whom the token stands for and until when; a token is good for an hour at most, and keys
//! are published for longer than that, so nothing that is kept here outlives its key.

use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Utc};
use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use super::tokens::Verified;
use crate::entity::EntityRef;

/// Tokens that are kept; more than that are verified each time.
const MOST: usize = 10_000;

type Hash = [u8; 32];

/// The tokens.
#[derive(Default)]
pub(super) struct VerifiedTokens(RwLock<HashMap<Hash, Verified>>);

impl VerifiedTokens {
    /// Whom a token stands for, if it was verified and has not run out.
    pub(super) fn find(&self, token: &str, now: DateTime<Utc>) -> Option<EntityRef> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&hash(token)).filter(|verified| verified.expires > now).map(|verified| verified.user.clone())
    }

    /// Keeps a token that was verified.
    pub(super) fn keep(&self, token: &str, verified: Verified, now: DateTime<Utc>) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST {
            tokens.retain(|_, verified| verified.expires > now);
        }
        if tokens.len() < MOST {
            tokens.insert(hash(token), verified);
        }
    }
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn a_token_is_good_until_it_runs_out_and_only_so_many_are_kept() {
        let (tokens, now) = (VerifiedTokens::default(), DateTime::UNIX_EPOCH);
        let until = |expires| Verified { user: EntityRef::new("user", "default", "a"), expires };
        let hour = Duration::hours(1);
        tokens.keep("a", until(now + hour), now);
        assert_eq!(tokens.find("a", now), Some(EntityRef::new("user", "default", "a")));
        assert_eq!(tokens.find("b", now), None);
        assert_eq!(tokens.find("a", now + hour), None);
        for number in 1..MOST {
            tokens.keep(&number.to_string(), until(now + hour * 2), now);
        }
        tokens.keep("one too many", until(now + hour * 2), now);
        assert_eq!(tokens.find("one too many", now), None);
        // By now the first has run out and makes room.
        tokens.keep("late", until(now + hour * 2), now + hour);
        assert!(tokens.find("late", now + hour).is_some());
    }
}
