//! What a person set for themselves, and where they have been: settings, starred entities, visits.
//!
//! Settings are values by bucket and key, as Backstage's user settings are; the starred entities are one of them
//! (`starredEntities`, `entityRefs`), so that both ways to star something are one. A visit is noted when the page of an
//! entity is shown, aside: nobody waits for it, and it is lost rather than that a page fails.
//!
//! Only people have preferences: a service or an anonymous caller reads nothing and may write nothing.

mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::Utc;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::entity::EntityRef;
use crate::permission::Credentials;

/// Visits of one person that are kept.
const VISITS: i64 = 50;
/// Settings that one person can have.
const MOST_SETTINGS: i64 = 1_000;
/// Longest value, in bytes of JSON.
const LONGEST_VALUE: usize = 256 * 1024;
/// Longest name of a bucket or a key, in bytes.
const LONGEST_NAME: usize = 255;
/// Entities that one person can star.
const MOST_STARS: usize = 2_000;
/// Visits that are being written at a time; others are not noted.
const WRITERS: usize = 4;

/// Bucket and key of the starred entities.
const STARS: (&str, &str) = ("starredEntities", "entityRefs");

/// Why a preference cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreferenceError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Only people have preferences.
    #[error("only a signed-in person has settings")]
    Nobody,
    /// The database failed.
    #[error("the preferences' database failed: {0}")]
    Store(#[from] sqlx::Error),
}

type Result<T> = std::result::Result<T, PreferenceError>;

/// The preferences of everybody. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Preferences {
    pool: PgPool,
    writers: Arc<Semaphore>,
}

impl Preferences {
    /// In this database.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, writers: Arc::new(Semaphore::new(WRITERS)) }
    }

    /// A setting; none if it was never set.
    pub(crate) async fn setting(&self, who: &Credentials, bucket: &str, key: &str) -> Result<Option<Value>> {
        let Some(user) = who.user_ref() else { return Ok(None) };
        Ok(store::setting(&self.pool, user.as_str(), bucket, key).await?)
    }

    /// Keeps a setting in place of the one before.
    pub(crate) async fn set(&self, who: &Credentials, bucket: &str, key: &str, value: &Value) -> Result<()> {
        let user = who.user_ref().ok_or(PreferenceError::Nobody)?;
        for (what, name) in [("bucket", bucket), ("key", key)] {
            if name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0') {
                let rule = format!("the {what} of a setting has 1 to {LONGEST_NAME} bytes, and no NUL");
                return Err(PreferenceError::Invalid(rule));
            }
        }
        let text = value.to_string();
        if text.len() > LONGEST_VALUE || text.contains("\\u0000") {
            let rule = format!("the value of a setting has at most {LONGEST_VALUE} bytes as JSON, and no NUL");
            return Err(PreferenceError::Invalid(rule));
        }
        if !store::set(&self.pool, user.as_str(), bucket, key, value, MOST_SETTINGS).await? {
            let rule = format!("there are {MOST_SETTINGS} settings already, which is the most; delete some");
            return Err(PreferenceError::Invalid(rule));
        }
        Ok(())
    }

    /// Forgets a setting; whether there was one does not matter.
    pub(crate) async fn unset(&self, who: &Credentials, bucket: &str, key: &str) -> Result<()> {
        let user = who.user_ref().ok_or(PreferenceError::Nobody)?;
        Ok(store::unset(&self.pool, user.as_str(), bucket, key).await?)
    }

    /// The entities somebody starred, in the order they did; some may be gone from the catalog.
    pub(crate) async fn starred(&self, who: &Credentials) -> Result<Vec<EntityRef>> {
        let kept = self.setting(who, STARS.0, STARS.1).await?;
        let refs = kept.as_ref().and_then(Value::as_array).into_iter().flatten();
        // What another client wrote there and is no reference is not shown, but kept.
        Ok(refs.filter_map(|reference| reference.as_str()?.parse().ok()).collect())
    }

    /// Stars entities, or takes the stars away.
    pub(crate) async fn star(&self, who: &Credentials, references: &[EntityRef], starred: bool) -> Result<()> {
        let user = who.user_ref().ok_or(PreferenceError::Nobody)?;
        if starred && self.starred(who).await?.len() + references.len() > MOST_STARS {
            return Err(PreferenceError::Invalid(format!("at most {MOST_STARS} entities can be starred")));
        }
        let added = if starred { json!(references) } else { json!([]) };
        Ok(store::exchange(&self.pool, user.as_str(), STARS, &json!(references), &added).await?)
    }

    /// Notes that somebody opened the page of an entity. Nobody waits for it.
    pub(crate) fn visited(&self, who: &Credentials, entity: &EntityRef) {
        let (Some(user), Ok(permit)) = (who.user_ref(), Arc::clone(&self.writers).try_acquire_owned()) else { return };
        let (pool, user, entity) = (self.pool.clone(), user.clone(), entity.clone());
        tokio::spawn(async move {
            let noted = store::visit(&pool, user.as_str(), entity.as_str(), Utc::now(), VISITS).await;
            if let Err(error) = noted {
                tracing::debug!(%error, "a visit is not noted");
            }
            drop(permit);
        });
    }

    /// The entities whose pages somebody opened, newest first.
    pub(crate) async fn recent(&self, who: &Credentials, limit: i64) -> Result<Vec<EntityRef>> {
        let Some(user) = who.user_ref() else { return Ok(Vec::new()) };
        let found = store::visits(&self.pool, user.as_str(), limit).await?;
        Ok(found.iter().filter_map(|reference| reference.parse().ok()).collect())
    }
}
