//! Personal tokens: what somebody gives a program so that it may do what they may.
//!
//! `grn_` and 256 random bits; the database keeps their SHA-256, the last four characters and when the token was used
//! last (to the minute). A token ends by itself after at most a year, or when its owner revokes it: it is looked up at
//! each use, so that is at once, in every process.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::{Auth, AuthError, sessions, store};
use crate::entity::EntityRef;
use crate::permission::Credentials;

const PREFIX: &str = "grn_";
/// Days that a token can last.
const LONGEST_DAYS: i64 = 366;
/// Tokens that one person can have.
const MOST: usize = 50;
/// Longest name, in characters.
const LONGEST_NAME: usize = 100;
/// How exactly it is known when a token was used.
const USE_NOTED: Duration = Duration::minutes(1);

/// A token to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewToken {
    /// What it is for.
    pub(crate) name: String,
    /// After how many days it ends.
    pub(crate) days: i64,
}

/// A token as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct PersonalToken {
    /// Names it.
    pub(crate) id: Uuid,
    /// What it is for.
    pub(crate) name: String,
    /// Its last characters.
    pub(crate) hint: String,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it ends.
    pub(crate) expires_at: DateTime<Utc>,
    /// When it was used last.
    pub(crate) last_used_at: Option<DateTime<Utc>>,
}

/// Whether a bearer token looks like one.
pub(super) fn is_one(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

/// Makes one; it is told only here.
pub(super) async fn make(auth: &Auth, who: &Credentials, wanted: &NewToken) -> Result<String, AuthError> {
    let (user, now) = (owner(who)?, Utc::now());
    let name = wanted.name.trim();
    let wrong = |message: String| Err(AuthError::BadToken(message));
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return wrong(format!("name the token, in at most {LONGEST_NAME} characters"));
    }
    if !(1..=LONGEST_DAYS).contains(&wanted.days) {
        return wrong(format!("a token lasts 1 to {LONGEST_DAYS} days"));
    }
    if store::personal_tokens(&auth.0.pool, user.as_str(), now).await?.len() >= MOST {
        return wrong(format!("you have {MOST} tokens, which is the most; revoke one that is not needed"));
    }
    let mut bits = [0; 32];
    aws_lc_rs::rand::fill(&mut bits).map_err(|_| AuthError::Random)?;
    let token = format!("{PREFIX}{}", hex::encode(bits));
    let kept = PersonalToken {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        hint: token[token.len() - 4..].to_owned(),
        created_at: now,
        expires_at: now + Duration::days(wanted.days),
        last_used_at: None,
    };
    store::insert_personal_token(&auth.0.pool, &sessions::hash(&token), user.as_str(), &kept).await?;
    Ok(token)
}

/// Those of somebody that have not run out, newest first.
pub(super) async fn list(auth: &Auth, who: &Credentials) -> Result<Vec<PersonalToken>, AuthError> {
    Ok(store::personal_tokens(&auth.0.pool, owner(who)?.as_str(), Utc::now()).await?)
}

/// Ends one of somebody's; one that is not theirs stays.
pub(super) async fn revoke(auth: &Auth, who: &Credentials, id: Uuid) -> Result<(), AuthError> {
    Ok(store::delete_personal_token(&auth.0.pool, owner(who)?.as_str(), id).await?)
}

/// Whose it is, if it is good.
pub(super) async fn find(auth: &Auth, token: &str) -> Result<Option<EntityRef>, AuthError> {
    let now = Utc::now();
    let user = store::use_personal_token(&auth.0.pool, &sessions::hash(token), now, now - USE_NOTED).await?;
    Ok(user.and_then(|user| user.parse().ok()))
}

fn owner(who: &Credentials) -> Result<&EntityRef, AuthError> {
    who.user_ref().ok_or_else(|| AuthError::BadToken("only a signed-in person has tokens".to_owned()))
}
