//! Git over smart HTTP: `git clone {base}/git/{owner}/{repository}.git` from the local forge.
//!
//! While the portal is for this machine alone, Git reads what anybody can read in the browser: everything where guests
//! may enter, public repositories where they may not. Everywhere else it needs credentials: a token as the password of
//! Basic authentication (any user name), which is what Git asks for, or as a Bearer token. Pushing is refused:
//! repositories are written by runs, so that every change has one.
//!
//! Answers stream for as long as they take; there is no deadline here.

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use bytes::Bytes;
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;

use super::error::{Error, Failure};
use super::extract::{Path, Query};
use super::{AppState, api, caught};
use crate::auth::Auth;
use crate::forge::{
    Forge as _, GitResponse, LocalForge, ProtocolVersion, RepositoryId, Service, Visibility, decode_body,
};

/// A request names commits, 50 bytes each: room for a hundred thousand of them.
const LARGEST_REQUEST: u64 = 8 * 1024 * 1024;

/// Smart HTTP.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/git/{owner}/{repository}/info/refs", get(advertise))
        .route("/git/{owner}/{repository}/git-upload-pack", post(upload_pack))
        .route("/git/{owner}/{repository}/git-receive-pack", post(refuse_push))
        .layer(DefaultBodyLimit::max(usize::try_from(LARGEST_REQUEST).unwrap_or(usize::MAX)))
        .layer(CatchPanicLayer::custom(caught))
        .layer(from_fn(face))
}

#[derive(Deserialize)]
struct Asked {
    owner: String,
    /// `payments-api.git`
    repository: String,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    service: String,
}

async fn advertise(
    State(forge): State<LocalForge>,
    State(auth): State<Auth>,
    Path(asked): Path<Asked>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let repository = readable(&forge, &auth, &asked, &headers).await?;
    let service: Service = wanted.service.parse()?;
    Ok(streamed(forge.advertise(&repository, service, version(&headers)).await?))
}

async fn upload_pack(
    State(forge): State<LocalForge>,
    State(auth): State<Auth>,
    Path(asked): Path<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let repository = readable(&forge, &auth, &asked, &headers).await?;
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
    let body = decode_body(encoding, body, LARGEST_REQUEST)?;
    Ok(streamed(forge.upload_pack(&repository, version(&headers), body).await?))
}

async fn refuse_push() -> Error {
    Error::NotAllowed("this portal's repositories are written by its runs; pushing is not offered".to_owned())
}

/// The repository, if the caller may read it. Who may not is not told whether it exists.
async fn readable(forge: &LocalForge, auth: &Auth, asked: &Asked, headers: &HeaderMap) -> Result<RepositoryId, Error> {
    let name = asked.repository.strip_suffix(".git").unwrap_or(&asked.repository);
    let id = RepositoryId::new(asked.owner.as_str(), name).map_err(|error| Error::NotFound(error.to_string()))?;
    let known = match token(headers) {
        Some(token) => {
            auth.authenticate(&token, "git").await?;
            true
        }
        None => auth.is_open() || (auth.is_local() && auth.guest_offered()),
    };
    let found = forge.find(&id).await;
    let public = found.as_ref().is_ok_and(|repository| repository.visibility == Visibility::Public);
    if known || (public && auth.is_local()) {
        found?;
        return Ok(id);
    }
    Err(Error::Authentication("this repository needs a token, as the password or as a Bearer token".to_owned()))
}

/// The token of a Bearer header, or the password of a Basic one.
fn token(headers: &HeaderMap) -> Option<String> {
    if let Some(token) = api::bearer(headers) {
        return Some(token.to_owned());
    }
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let pair = String::from_utf8(decoded).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (_, password) = pair.split_once(':')?;
    Some(password.to_owned())
}

fn version(headers: &HeaderMap) -> ProtocolVersion {
    ProtocolVersion::from_header(headers.get("git-protocol").and_then(|version| version.to_str().ok()))
}

fn streamed(answer: GitResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0, must-revalidate")),
    ];
    (headers, Body::from_stream(answer.body)).into_response()
}

/// An error as the text that Git shows after `remote:`.
async fn face(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else {
        return response;
    };
    let mut response = failure.mark((failure.error.status(), format!("{}\n", failure.message())).into_response());
    if response.status() == StatusCode::UNAUTHORIZED {
        let ask = HeaderValue::from_static("Basic realm=\"Greenroom: any user name, a token as password\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
    }
    response
}
