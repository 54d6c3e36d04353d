//! Sessions of browsers: 256 random bits in a cookie, their SHA-256 in Postgres.
//!
//! Somebody who reads the database cannot use a session, and the CSRF token, which is a second hash of the
//! cookie, need not be stored. A session lasts a week from its last use (or as
//! long as `auth.sessionDuration` says), and never longer than thirty days.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest as _, Sha256};

use super::store::StoredSession;
use super::{Auth, AuthError, store};
use crate::db;
use crate::entity::EntityRef;
use crate::permission::Credentials;

const DEFAULT_UNUSED: Duration = Duration::days(7);
const LONGEST: Duration = Duration::days(30);

/// Somebody signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Their User entity.
    pub(crate) user: EntityRef,
    /// What to call them.
    pub(crate) name: String,
    /// What they may use and own by.
    pub(crate) credentials: Credentials,
    /// The token that forms of this session carry.
    pub(crate) csrf: String,
}

/// A new session, to be given to the browser.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// The cookie's value.
    pub(crate) token: String,
    /// How long the browser is to keep it.
    pub(crate) max_age: Duration,
}

/// Starts a session.
pub(super) async fn start(auth: &Auth, user: &EntityRef, provider: &str) -> Result<SignedIn, AuthError> {
    let mut bits = [0; 32];
    aws_lc_rs::rand::fill(&mut bits).map_err(|_| AuthError::Random)?;
    let token = hex::encode(bits);
    let now = Utc::now();
    store::insert_session(&auth.0.pool, &hash(&token), &user.to_string(), provider, now, now + unused(auth)).await?;
    Ok(SignedIn { token, max_age: LONGEST })
}

/// The session of a cookie, made to last on.
pub(super) async fn find(auth: &Auth, token: &str) -> Result<Option<Session>, AuthError> {
    let (hash, now) = (hash(token), Utc::now());
    let Some((stored, is_fresh)) = look_up(auth, &hash, now).await? else {
        return Ok(None);
    };
    let Ok(user) = stored.user.parse::<EntityRef>() else {
        return Ok(None);
    };
    if let Some(expires) = extension(stored.created, stored.expires, now, unused(auth)).filter(|_| is_fresh) {
        store::extend_session(&auth.0.pool, &hash, expires).await?;
    }
    let credentials = auth.credentials_of(&user);
    Ok(Some(Session { name: auth.display_name(&user), credentials, csrf: csrf(token), user }))
}

/// The session as the database knows it, and while that is away as it was seen last; and whether it is the former.
async fn look_up(auth: &Auth, hash: &[u8; 32], now: DateTime<Utc>) -> Result<Option<(StoredSession, bool)>, AuthError> {
    let remembered = &auth.0.remembered;
    if remembered.is_ended(hash) {
        return Ok(None);
    }
    let seen = || remembered.find(hash, now).map(|session| (session, false));
    if auth.0.reach.lost_since().is_some()
        && let Some(seen) = seen()
    {
        // Nobody should wait for what is known to be away.
        return Ok(Some(seen));
    }
    match store::find_session(&auth.0.pool, hash, now).await {
        Ok(Some(session)) => {
            remembered.keep(*hash, &session, now);
            Ok(Some((session, true)))
        }
        Ok(None) => {
            remembered.forget(hash);
            Ok(None)
        }
        Err(error) if db::is_away(&error) => seen().map(Some).ok_or(AuthError::Database(error)),
        Err(error) => Err(error.into()),
    }
}

/// Ends a session: here at once, in the database as soon as that can be told.
pub(super) async fn end(auth: &Auth, token: &str) -> Result<(), AuthError> {
    let hash = hash(token);
    auth.0.remembered.end(hash, Utc::now() + LONGEST);
    match store::delete_session(&auth.0.pool, &hash).await {
        Ok(()) => auth.0.remembered.told(&hash),
        Err(error) if db::is_away(&error) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Tells the database of sessions that ended while it was away.
pub(super) async fn tell_ended(auth: &Auth) -> Result<(), AuthError> {
    for hash in auth.0.remembered.ended(Utc::now()) {
        store::delete_session(&auth.0.pool, &hash).await?;
        auth.0.remembered.told(&hash);
    }
    Ok(())
}

/// How long a session lasts without use.
fn unused(auth: &Auth) -> Duration {
    let configured = auth.0.config.session_duration.and_then(|duration| Duration::from_std(duration).ok());
    configured.unwrap_or(DEFAULT_UNUSED).min(LONGEST)
}

/// The new end of a session in use; written only when a seventh of its time has passed.
fn extension(
    created: DateTime<Utc>,
    expires: DateTime<Utc>,
    now: DateTime<Utc>,
    unused: Duration,
) -> Option<DateTime<Utc>> {
    let wanted = (now + unused).min(created + LONGEST);
    (wanted > expires && wanted - expires >= unused / 7).then_some(wanted)
}

/// What is stored of a cookie.
pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The CSRF token of a session; from it the cookie cannot be found.
fn csrf(token: &str) -> String {
    hex::encode(&Sha256::new().chain_update(b"greenroom form token\0").chain_update(token.as_bytes()).finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_in_use_lasts_on_but_not_for_ever() {
        let start = DateTime::UNIX_EPOCH;
        let day = Duration::days;
        let cases = [
            (start + day(7), Duration::hours(1), None),
            (start + day(7), day(2), Some(start + day(9))),
            (start + day(28), day(27), Some(start + day(30))),
            (start + day(30), day(29), None),
        ];
        for (expires, age, expected) in cases {
            assert_eq!(extension(start, expires, start + age, DEFAULT_UNUSED), expected, "{age}");
        }
    }
}
