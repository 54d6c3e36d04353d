//! User tokens as Backstage's backends issue and check them.
//!
//! Header `typ: vnd.backstage.user`, payload `iss sub aud iat exp uip`; one hour. `uip` is the bare signature of a
//! second token, `typ: vnd.backstage.limited-user` with payload `sub iat exp`, from which a bearer can make a
//! token that only identifies. Groups are not in the token but in `/v1/userinfo`.

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::AuthError;
use super::keys::Key;
use crate::entity::EntityRef;

/// How long a token is good.
pub(super) const LIFETIME: Duration = Duration::hours(1);

const AUDIENCE: &str = "backstage";
const USER: &str = "vnd.backstage.user";
const LIMITED_USER: &str = "vnd.backstage.limited-user";

/// A token and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    /// The token.
    pub(crate) token: String,
    /// Whom it stands for.
    pub(crate) identity: Identity,
    /// How long it is good.
    pub(crate) expires_in: Duration,
}

/// A person, and everything they own by.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The User entity.
    pub(crate) user: EntityRef,
    /// The user and the groups.
    pub(crate) ownership: Vec<EntityRef>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    uip: String,
}

/// The order of the keys is part of what is signed.
#[derive(Serialize)]
struct LimitedClaims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
}

/// Signs a token.
pub(super) fn issue(key: &Key, issuer: &str, identity: Identity) -> Result<Issued, AuthError> {
    let (sub, iat) = (identity.user.to_string(), Utc::now().timestamp());
    let exp = iat + LIFETIME.num_seconds();
    let limited = encode(&header(key, LIMITED_USER), &LimitedClaims { sub: &sub, iat, exp }, &key.private)?;
    let uip = limited.rsplit('.').next().unwrap_or_default().to_owned();
    let claims = Claims { iss: issuer.to_owned(), sub, aud: AUDIENCE.to_owned(), iat, exp, uip };
    let token = encode(&header(key, USER), &claims, &key.private)?;
    Ok(Issued { token, identity, expires_in: LIFETIME })
}

/// The key a token names.
pub(super) fn key_id(token: &str) -> Result<Uuid, AuthError> {
    let header = decode_header(token).map_err(|_| AuthError::IllegalToken)?;
    let right = header.alg == Algorithm::ES256 && header.typ.as_deref() == Some(USER);
    let id = header.kid.filter(|_| right).and_then(|id| id.parse().ok());
    id.ok_or(AuthError::IllegalToken)
}

/// What a good token says.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    /// Whom it stands for.
    pub(super) user: EntityRef,
    /// Until when.
    pub(super) expires: DateTime<Utc>,
}

/// What a token says, if it is ours, meant for us and not expired.
pub(super) fn verify(key: &Key, issuer: &str, token: &str) -> Result<Verified, AuthError> {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.leeway = 0;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let token = decode::<Claims>(token, &key.public, &validation).map_err(|_| AuthError::IllegalToken)?;
    let user = token.claims.sub.parse().map_err(|_| AuthError::IllegalToken)?;
    let expires = DateTime::from_timestamp(token.claims.exp, 0).ok_or(AuthError::IllegalToken)?;
    Ok(Verified { user, expires })
}

fn header(key: &Key, typ: &str) -> Header {
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some(typ.to_owned());
    header.kid = Some(key.id.to_string());
    header
}
