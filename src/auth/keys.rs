//! The keys that sign API tokens: ES256, kept in Postgres, shared by all replicas.
//!
//! A key signs for a week; it is published and verifies for as long after as a token lives. Each process keeps
//! the keys it has seen; an unknown key id makes it look once more, since another replica may have made it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sqlx::PgPool;
use uuid::Uuid;

use super::{AuthError, store, tokens};
use crate::db;

const SIGNS_FOR: Duration = Duration::days(7);

/// One key, ready for use.
pub(super) struct Key {
    /// The `kid` of tokens.
    pub(super) id: Uuid,
    /// Signs.
    pub(super) private: EncodingKey,
    /// Verifies.
    pub(super) public: DecodingKey,
    jwk: Jwk,
    retires: DateTime<Utc>,
}

/// The keys this process has seen, the one that signs first.
#[derive(Default)]
pub(super) struct Keys(ArcSwap<Vec<Arc<Key>>>);

impl Key {
    fn from_stored(stored: &store::StoredKey) -> Result<Self, AuthError> {
        let private = EncodingKey::from_ec_der(&stored.private);
        let mut jwk = Jwk::from_encoding_key(&private, Algorithm::ES256)?;
        jwk.common.key_id = Some(stored.id.to_string());
        let public = DecodingKey::from_jwk(&jwk)?;
        Ok(Self { id: stored.id, private, public, jwk, retires: stored.retires })
    }

    /// The public half as the key set shows it.
    pub(super) fn public(&self) -> Result<serde_json::Value, AuthError> {
        serde_json::to_value(&self.jwk).map_err(|error| AuthError::Signing(error.into()))
    }
}

impl Keys {
    /// The key that signs now; made if there is none.
    pub(super) async fn current(&self, pool: &PgPool) -> Result<Arc<Key>, AuthError> {
        let now = Utc::now();
        let signing = |keys: &[Arc<Key>]| keys.first().filter(|key| key.retires > now).cloned();
        if let Some(key) = signing(&self.0.load()) {
            return Ok(key);
        }
        if let Some(key) = signing(&self.reload(pool).await?) {
            return Ok(key);
        }
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| AuthError::Random)?;
        let key = store::StoredKey { id: Uuid::now_v7(), private: made.as_ref().to_vec(), retires: now + SIGNS_FOR };
        store::insert_key(pool, &key, now).await?;
        signing(&self.reload(pool).await?).ok_or(AuthError::Database(sqlx::Error::RowNotFound))
    }

    /// The key of a token.
    pub(super) async fn find(&self, pool: &PgPool, id: Uuid) -> Result<Option<Arc<Key>>, AuthError> {
        let find = |keys: &[Arc<Key>]| keys.iter().find(|key| key.id == id && is_published(key)).cloned();
        match find(&self.0.load()) {
            Some(key) => Ok(Some(key)),
            None => Ok(find(&self.reload(pool).await?)),
        }
    }

    /// All keys that a token may still be signed with.
    pub(super) async fn published(&self, pool: &PgPool) -> Result<Arc<Vec<Arc<Key>>>, AuthError> {
        match self.reload(pool).await {
            // Those that this process has seen.
            Err(AuthError::Database(error)) if db::is_away(&error) && !self.0.load().is_empty() => {
                Ok(self.0.load_full())
            }
            other => other,
        }
    }

    async fn reload(&self, pool: &PgPool) -> Result<Arc<Vec<Arc<Key>>>, AuthError> {
        let stored = store::keys_since(pool, Utc::now() - tokens::LIFETIME).await?;
        let keys = stored.iter().map(|key| Key::from_stored(key).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        let keys = Arc::new(keys);
        self.0.store(Arc::clone(&keys));
        Ok(keys)
    }
}

fn is_published(key: &Key) -> bool {
    key.retires + tokens::LIFETIME > Utc::now()
}
