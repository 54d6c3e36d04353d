//! Sessions that this process has seen, for the time in which the database is away.
//!
//! The database decides whenever it can be asked. While it cannot, a session seen before is still good until its own
//! end; one that was ended here meanwhile is not, and is deleted when the database is back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::store::StoredSession;

/// Sessions that are kept; more than that have to wait for the database.
const MOST: usize = 10_000;

type Hash = [u8; 32];

/// The sessions.
#[derive(Default)]
pub(super) struct Remembered(Mutex<Sessions>);

#[derive(Default)]
struct Sessions {
    seen: HashMap<Hash, StoredSession>,
    /// Ended while the database was away, and when they would have ended by themselves at the latest.
    ended: HashMap<Hash, DateTime<Utc>>,
}

impl Remembered {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a session that the database knows.
    pub(super) fn keep(&self, hash: Hash, session: &StoredSession, now: DateTime<Utc>) {
        let mut sessions = self.sessions();
        if sessions.seen.len() >= MOST && !sessions.seen.contains_key(&hash) {
            sessions.seen.retain(|_, session| session.expires > now);
            if sessions.seen.len() >= MOST {
                return;
            }
        }
        sessions.seen.insert(hash, session.clone());
    }

    /// Forgets a session that the database does not know any more.
    pub(super) fn forget(&self, hash: &Hash) {
        self.sessions().seen.remove(hash);
    }

    /// A session as it was seen last.
    pub(super) fn find(&self, hash: &Hash, now: DateTime<Utc>) -> Option<StoredSession> {
        let sessions = self.sessions();
        sessions.seen.get(hash).filter(|session| session.expires > now).cloned()
    }

    /// Ends a session that the database could not be told of.
    pub(super) fn end(&self, hash: Hash, until: DateTime<Utc>) {
        let mut sessions = self.sessions();
        sessions.seen.remove(&hash);
        sessions.ended.insert(hash, until);
    }

    /// Whether a session was ended here.
    pub(super) fn is_ended(&self, hash: &Hash) -> bool {
        let sessions = self.sessions();
        !sessions.ended.is_empty() && sessions.ended.contains_key(hash)
    }

    /// The sessions that the database is still to be told of.
    pub(super) fn ended(&self, now: DateTime<Utc>) -> Vec<Hash> {
        let mut sessions = self.sessions();
        sessions.ended.retain(|_, until| *until > now);
        sessions.ended.keys().copied().collect()
    }

    /// The database knows of the end.
    pub(super) fn told(&self, hash: &Hash) {
        self.sessions().ended.remove(hash);
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn a_session_is_good_until_its_end_or_until_it_is_ended() {
        let (remembered, now) = (Remembered::default(), DateTime::UNIX_EPOCH);
        let hour = Duration::hours(1);
        let session = StoredSession { user: "user:default/a".to_owned(), created: now, expires: now + hour };
        remembered.keep([1; 32], &session, now);
        assert!(remembered.find(&[1; 32], now).is_some());
        assert!(remembered.find(&[1; 32], now + hour).is_none());
        assert!(remembered.find(&[2; 32], now).is_none());
        remembered.end([1; 32], now + hour);
        assert!(remembered.find(&[1; 32], now).is_none() && remembered.is_ended(&[1; 32]));
        assert_eq!(remembered.ended(now), [[1; 32]]);
        remembered.told(&[1; 32]);
        assert!(!remembered.is_ended(&[1; 32]));
        remembered.end([1; 32], now + hour);
        assert!(remembered.ended(now + hour).is_empty());
    }

    #[test]
    fn only_so_many_are_kept() {
        let (remembered, now) = (Remembered::default(), DateTime::UNIX_EPOCH);
        let session = |hours| StoredSession {
            user: "user:default/a".to_owned(),
            created: now,
            expires: now + Duration::hours(hours),
        };
        let hash = |number: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            hash
        };
        for number in 0..MOST {
            remembered.keep(hash(number), &session(1), now);
        }
        remembered.keep(hash(MOST), &session(5), now);
        assert!(remembered.find(&hash(MOST), now).is_none());
        remembered.keep(hash(MOST), &session(5), now + Duration::hours(2));
        assert!(remembered.find(&hash(MOST), now + Duration::hours(2)).is_some());
    }
}
