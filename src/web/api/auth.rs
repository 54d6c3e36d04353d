//! `/api/auth`: tokens for the guest, who a token stands for, the public keys.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::{bearer, reply};
use crate::auth::{Auth, AuthError};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::Path;

/// Routes of the plugin `auth`.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/.well-known/jwks.json", get(keys))
        .route("/.well-known/openid-configuration", get(openid))
        .route("/v1/userinfo", get(userinfo))
        .route("/{provider}/start", get(start))
        .route("/{provider}/refresh", get(refresh).post(refresh))
        .route("/{provider}/logout", axum::routing::post(logout))
}

/// The public keys.
pub(super) async fn keys(State(auth): State<Auth>) -> Result<Response, Error> {
    Ok(reply::ok(&auth.key_set().await?))
}

async fn openid(State(auth): State<Auth>) -> Response {
    let issuer = auth.issuer();
    reply::ok(&json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/v1/token"),
        "userinfo_endpoint": format!("{issuer}/v1/userinfo"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported":
            ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"],
        "scopes_supported": ["openid"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "claims_supported": ["sub", "ent"],
        "grant_types_supported": ["authorization_code"],
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "code_challenge_methods_supported": ["S256", "plain"],
    }))
}

/// Only for tokens: the session of a browser is not asked.
async fn userinfo(State(auth): State<Auth>, headers: HeaderMap) -> Result<Response, Error> {
    let token = bearer(&headers).ok_or(AuthError::MissingToken)?;
    let caller = auth.authenticate(token, "auth").await?;
    let user = caller.user_ref().ok_or(AuthError::IllegalToken)?;
    Ok(reply::ok(&json!({ "claims": { "sub": user, "ent": caller.ownership() } })))
}

async fn start(State(auth): State<Auth>, Path(provider): Path<String>) -> Result<Response, Error> {
    known(&auth, &provider)?;
    Err(Error::NotImplemented("Not implemented".to_owned()))
}

async fn refresh(State(auth): State<Auth>, Path(provider): Path<String>) -> Result<Response, Error> {
    known(&auth, &provider)?;
    let issued = auth.issue_guest().await?;
    Ok(reply::ok(&json!({
        "profile": {},
        "backstageIdentity": {
            "token": issued.token,
            "identity": {
                "type": "user",
                "userEntityRef": issued.identity.user,
                "ownershipEntityRefs": issued.identity.ownership,
            },
            "expiresInSeconds": issued.expires_in.num_seconds(),
        },
    })))
}

/// The guest keeps nothing that could be given up, so Backstage has no such route for it.
async fn logout(Path(provider): Path<String>) -> Result<Response, Error> {
    Err(AuthError::UnknownProvider(provider).into())
}

fn known(auth: &Auth, provider: &str) -> Result<(), AuthError> {
    match provider {
        "guest" => auth.guest().map(|_| ()),
        other => Err(AuthError::UnknownProvider(other.to_owned())),
    }
}
