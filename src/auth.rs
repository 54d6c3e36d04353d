//! Who is asking: sessions of browsers, tokens of API clients, the guest.
//!
//! A browser holds an opaque cookie; the session is a row in Postgres and ends when it is deleted. An API client
//! holds a JSON web token as Backstage issues it (ES256, one hour), signed with a key that all replicas share
//! through Postgres, a personal token that somebody made for a program, or a static token from the configuration. Both lead to [`Credentials`]: what somebody owns
//! is read from the catalog's `memberOf` relations at each use, so a change of teams needs no new sign-in.
//! While the database is away, sessions and keys that this process has seen stay good.
//!
//! The guest provider lets anybody in as one configured user. It is offered only where the portal listens on
//! loopback, or where the configuration says so in so many words.

mod config;
mod keys;
mod personal;
mod remembered;
mod sessions;
mod store;
mod tokens;
mod verified;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use subtle::ConstantTimeEq as _;

pub(crate) use config::{AuthConfig, BackendAuth, ExternalAccess, Guest, Providers};
pub(crate) use personal::{NewToken, PersonalToken};
pub(crate) use sessions::{Session, SignedIn};
pub(crate) use tokens::{Identity, Issued};

use crate::catalog::Catalog;
use crate::db::Reach;
use crate::entity::{EntityRef, RefDefaults, Relation};
use crate::permission::Credentials;

/// Where people are looked up: the catalog. Auth works without: then everybody owns only by themselves.
pub(crate) trait Directory: Send + Sync {
    /// What to call somebody, if there is such a User entity.
    fn title(&self, user: &EntityRef) -> Option<String>;

    /// The relations of the User entity, in their order; none if there is no such entity.
    fn relations(&self, user: &EntityRef) -> Vec<Relation>;
}

impl Directory for Catalog {
    fn title(&self, user: &EntityRef) -> Option<String> {
        self.index().get(user).map(|record| record.title.to_string())
    }

    fn relations(&self, user: &EntityRef) -> Vec<Relation> {
        self.index().get(user).map(|record| record.relations()).unwrap_or_default()
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Auth(Arc<Inner>);

struct Inner {
    pool: PgPool,
    config: AuthConfig,
    directory: Box<dyn Directory>,
    keys: keys::Keys,
    verified: verified::VerifiedTokens,
    remembered: remembered::Remembered,
    reach: Reach,
}

/// Why somebody is not let in. The messages are Backstage's where its API answers them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// The token is malformed, expired, or signed by nobody known.
    #[error("Illegal token")]
    IllegalToken,
    /// There is none where one is needed.
    #[error("No token provided")]
    MissingToken,
    /// The guest is not offered here.
    #[error(
        "entering as guest is only offered while the portal listens on loopback, or where auth.providers.guest.dangerouslyAllowOutsideDevelopment is true"
    )]
    GuestNotOffered,
    /// No such way to sign in.
    #[error("Unknown auth provider '{0}'")]
    UnknownProvider(String),
    /// A personal token cannot be made as asked for.
    #[error("{0}")]
    BadToken(String),
    /// Postgres.
    #[error("the sessions and keys cannot be reached")]
    Database(#[from] sqlx::Error),
    /// A key cannot be used.
    #[error("a token cannot be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
    /// The system gives no random numbers.
    #[error("the system's random numbers cannot be read")]
    Random,
}

/// Makes the first signing key if there is none, which opening the room would do: that can be waited for earlier.
pub(crate) async fn make_first_key(pool: &PgPool) -> Result<(), AuthError> {
    keys::Keys::default().current(pool).await.map(drop)
}

impl Auth {
    /// Opens the room; makes the first signing key if there is none.
    pub(crate) async fn open(
        pool: PgPool,
        config: AuthConfig,
        directory: impl Directory + 'static,
        reach: Reach,
    ) -> Result<Self, AuthError> {
        let inner = Inner {
            pool,
            config,
            directory: Box::new(directory),
            keys: keys::Keys::default(),
            verified: verified::VerifiedTokens::default(),
            remembered: remembered::Remembered::default(),
            reach,
        };
        let auth = Self(Arc::new(inner));
        auth.0.keys.current(&auth.0.pool).await?;
        Ok(auth)
    }

    /// Whether anybody may enter as guest.
    pub(crate) fn guest_offered(&self) -> bool {
        self.guest().is_ok()
    }

    /// Whether the API answers callers without credentials (`dangerouslyDisableDefaultAuthPolicy`).
    pub(crate) fn is_open(&self) -> bool {
        self.0.config.backend.dangerously_disable_default_auth_policy
    }

    /// Whether the portal is for this machine alone.
    pub(crate) fn is_local(&self) -> bool {
        self.0.config.loopback
    }

    /// The provider `guest`: its user.
    pub(crate) fn guest(&self) -> Result<&Guest, AuthError> {
        let providers = self.0.config.providers.as_ref();
        let guest = match providers {
            None => Some(Guest::default_ref()),
            Some(providers) => providers.guest.as_ref(),
        };
        let guest = guest.ok_or_else(|| AuthError::UnknownProvider("guest".to_owned()))?;
        if self.0.config.loopback || guest.dangerously_allow_outside_development {
            Ok(guest)
        } else {
            Err(AuthError::GuestNotOffered)
        }
    }

    /// Starts a session for the guest.
    pub(crate) async fn sign_in_guest(&self) -> Result<SignedIn, AuthError> {
        let user = self.guest()?.user();
        sessions::start(self, &user, "guest").await
    }

    /// The session of a cookie; none if it ended or never was.
    pub(crate) async fn session(&self, token: &str) -> Result<Option<Session>, AuthError> {
        sessions::find(self, token).await
    }

    /// Ends a session.
    pub(crate) async fn sign_out(&self, token: &str) -> Result<(), AuthError> {
        sessions::end(self, token).await
    }

    /// Deletes what has run out; called now and then.
    pub(crate) async fn sweep(&self) -> Result<(), AuthError> {
        store::delete_expired(&self.0.pool, chrono::Utc::now()).await?;
        sessions::tell_ended(self).await
    }

    /// A token for the guest.
    pub(crate) async fn issue_guest(&self) -> Result<Issued, AuthError> {
        let user = self.guest()?.user();
        self.issue(&user).await
    }

    /// A token for a signed-in person.
    pub(crate) async fn issue(&self, user: &EntityRef) -> Result<Issued, AuthError> {
        let key = self.0.keys.current(&self.0.pool).await?;
        let identity = Identity { user: user.clone(), ownership: self.ownership_of(user) };
        tokens::issue(&key, &self.0.config.issuer, identity)
    }

    /// Who a bearer token belongs to. `plugin` is the part of the API it is shown to.
    pub(crate) async fn authenticate(&self, bearer: &str, plugin: &str) -> Result<Credentials, AuthError> {
        if let Some(known) = self.known(bearer, plugin) {
            return known;
        }
        if personal::is_one(bearer) {
            let user = personal::find(self, bearer).await?.ok_or(AuthError::IllegalToken)?;
            return Ok(self.credentials_of(&user));
        }
        let key_id = tokens::key_id(bearer)?;
        let key = self.0.keys.find(&self.0.pool, key_id).await?.ok_or(AuthError::IllegalToken)?;
        let verified = tokens::verify(&key, &self.0.config.issuer, bearer)?;
        let user = verified.user.clone();
        self.0.verified.keep(bearer, verified, chrono::Utc::now());
        Ok(self.credentials_of(&user))
    }

    /// Makes a token for programs that act for somebody.
    pub(crate) async fn make_token(&self, who: &Credentials, wanted: &NewToken) -> Result<String, AuthError> {
        personal::make(self, who, wanted).await
    }

    /// The tokens somebody made, newest first.
    pub(crate) async fn tokens_of(&self, who: &Credentials) -> Result<Vec<PersonalToken>, AuthError> {
        personal::list(self, who).await
    }

    /// Ends one of the tokens somebody made.
    pub(crate) async fn revoke_token(&self, who: &Credentials, id: uuid::Uuid) -> Result<(), AuthError> {
        personal::revoke(self, who, id).await
    }

    /// The same for a token that is known without asking anybody: a configured one, or one that was verified before.
    pub(crate) fn known(&self, bearer: &str, plugin: &str) -> Option<Result<Credentials, AuthError>> {
        if let Some(external) = self.external(bearer) {
            let credentials = || Credentials::service(format!("external:{}", external.subject()));
            return Some(if external.may_access(plugin) { Ok(credentials()) } else { Err(AuthError::IllegalToken) });
        }
        let user = self.0.verified.find(bearer, chrono::Utc::now())?;
        Some(Ok(self.credentials_of(&user)))
    }

    /// The public keys, as a JSON web key set.
    pub(crate) async fn key_set(&self) -> Result<serde_json::Value, AuthError> {
        let keys = self.0.keys.published(&self.0.pool).await?;
        let keys = keys.iter().map(|key| key.public()).collect::<Result<Vec<_>, _>>()?;
        Ok(serde_json::json!({ "keys": keys }))
    }

    /// The address that tokens name as their issuer.
    pub(crate) fn issuer(&self) -> &str {
        &self.0.config.issuer
    }

    /// Somebody's credentials, with what they own by at this moment.
    pub(crate) fn credentials_of(&self, user: &EntityRef) -> Credentials {
        Credentials::user(user.clone(), self.ownership_of(user))
    }

    /// Who it is for the catalog: themselves, then their groups in the order of the relations.
    fn ownership_of(&self, user: &EntityRef) -> Vec<EntityRef> {
        let groups = self.0.directory.relations(user).into_iter().filter(|relation| relation.kind == "memberOf");
        let groups = groups.filter_map(|relation| EntityRef::parse(&relation.target, RefDefaults::default()).ok());
        let mut ownership = vec![user.clone()];
        let guest = self.guest().ok().filter(|guest| guest.user() == *user);
        for owner in groups.chain(guest.into_iter().flat_map(Guest::ownership)) {
            if !ownership.contains(&owner) {
                ownership.push(owner);
            }
        }
        ownership
    }

    fn display_name(&self, user: &EntityRef) -> String {
        self.0.directory.title(user).unwrap_or_else(|| user.name().to_owned())
    }

    /// Compares hashes, so that the time it takes says nothing about the tokens.
    fn external(&self, bearer: &str) -> Option<&ExternalAccess> {
        let accesses = &self.0.config.backend.external_access;
        if accesses.is_empty() {
            return None;
        }
        let sent = Sha256::digest(bearer.as_bytes());
        accesses.iter().find(|access| bool::from(Sha256::digest(access.token().as_bytes()).ct_eq(&sent)))
    }
}

#[cfg(test)]
mod tests;
