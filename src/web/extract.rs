//! What handlers take from a request, with the rejections our errors have.
//!
//! Plain `axum` extractors answer rejections as text; these answer an [`Error`], which the layer around the
//! handler turns into a page or Backstage's JSON.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use axum::{RequestExt as _, body::Body};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use super::error::Error;
use super::session::Viewer;
use crate::entity::EntityRef;

/// A posted form of the signed-in person; its hidden field `csrf` must be the session's.
///
/// Take `Form<Vec<(String, String)>>` for the raw pairs (the `csrf` pair is left in).
#[derive(Debug, Clone)]
pub(crate) struct Form<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Error;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Error> {
        let viewer = request.extract_parts::<Viewer>().await?;
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
            .await
            .map_err(|_| Error::Input("the form is too large".to_owned()))?;
        let sent = url::form_urlencoded::parse(&bytes).find(|(key, _)| key == "csrf").map(|(_, value)| value);
        let sent = sent.unwrap_or_default();
        if !bool::from(sent.as_bytes().ct_eq(viewer.csrf().as_bytes())) {
            return Err(Error::NotAllowed(
                "this form belongs to another session; go back, reload the page and send it again".to_owned(),
            ));
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        match axum_extra::extract::Form::from_request(request, state).await {
            Ok(axum_extra::extract::Form(value)) => Ok(Self(value)),
            Err(rejection) => Err(Error::Input(format!("the form cannot be read: {rejection}"))),
        }
    }
}

/// Path parameters.
#[derive(Debug, Clone)]
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            // A path that does not parse names nothing.
            Err(_) => Err(Error::NotFound("there is no such page".to_owned())),
        }
    }
}

/// Query parameters; a repeated one is read into a `Vec`.
#[derive(Debug, Clone)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match axum_extra::extract::Query::from_request_parts(parts, state).await {
            Ok(axum_extra::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Error::Input(format!("the address cannot be read: {rejection}"))),
        }
    }
}

/// An entity from `{namespace}/{kind}/{name}` of a page's path.
#[derive(Debug, Clone)]
pub(crate) struct EntityPath(pub(crate) EntityRef);

#[derive(serde::Deserialize)]
struct EntityParameters {
    namespace: String,
    kind: String,
    name: String,
}

impl<S: Send + Sync> FromRequestParts<S> for EntityPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(EntityParameters { namespace, kind, name }) = Path::from_request_parts(parts, state).await?;
        Ok(Self(EntityRef::new(&kind, &namespace, &name)))
    }
}

/// The whole answer of a handler that may redirect instead of showing a page.
pub(crate) type Answer = Result<Response, Error>;
