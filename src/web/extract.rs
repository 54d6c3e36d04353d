//! What handlers take from a request, with the rejections our errors have.
//!
//! Plain `axum` extractors answer rejections as text; these answer an [`Error`], which the layer around the
//! handler turns into a page or Backstage's JSON.

use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::header;
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
        if !is_own(&viewer, &sent) {
            return Err(foreign());
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        match axum_extra::extract::Form::from_request(request, state).await {
            Ok(axum_extra::extract::Form(value)) => Ok(Self(value)),
            Err(rejection) => Err(Error::Input(format!("the form cannot be read: {rejection}"))),
        }
    }
}

/// A posted form that may carry files, with the same hidden field `csrf`.
#[derive(Debug, Default)]
pub(crate) struct MixedForm {
    /// Everything but files, in its order.
    pub(crate) pairs: Vec<(String, String)>,
    /// The files that were chosen.
    pub(crate) uploads: Vec<Upload>,
}

/// One file of a form.
#[derive(Debug)]
pub(crate) struct Upload {
    /// Its name as the browser says it; of a chosen folder with the path.
    pub(crate) name: String,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
}

impl<S: Send + Sync> FromRequest<S> for MixedForm {
    type Rejection = Error;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Error> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            let Form(pairs) = Form::from_request(request, state).await?;
            return Ok(Self { pairs, uploads: Vec::new() });
        }
        let viewer = request.extract_parts::<Viewer>().await?;
        let unreadable = |error: &dyn std::fmt::Display| Error::Input(format!("the form cannot be read: {error}"));
        let multipart = Multipart::from_request(request, state).await;
        let mut multipart = multipart.map_err(|rejection| unreadable(&rejection.body_text()))?;
        let mut form = Self::default();
        while let Some(field) = multipart.next_field().await.map_err(|error| unreadable(&error.body_text()))? {
            let (name, file) = (field.name().unwrap_or_default().to_owned(), field.file_name().map(str::to_owned));
            let bytes = field.bytes().await.map_err(|error| unreadable(&error.body_text()))?;
            match file {
                // A file field without a choice is sent without a name.
                Some(file) if file.is_empty() => {}
                Some(file) => form.uploads.push(Upload { name: file, bytes: bytes.to_vec() }),
                None => form.pairs.push((name, String::from_utf8_lossy(&bytes).into_owned())),
            }
        }
        let sent = form.pairs.iter().find(|(name, _)| name == "csrf").map_or("", |(_, value)| value);
        if !is_own(&viewer, sent) {
            return Err(foreign());
        }
        Ok(form)
    }
}

fn is_own(viewer: &Viewer, sent: &str) -> bool {
    sent.as_bytes().ct_eq(viewer.csrf().as_bytes()).into()
}

fn foreign() -> Error {
    Error::NotAllowed("this form belongs to another session; go back, reload the page and send it again".to_owned())
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
