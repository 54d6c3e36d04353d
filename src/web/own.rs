//! The portal's own API, for steps of a run that ask it: no connection is made, the request enters where all others do.
//!
//! It carries a fresh token of whoever started the run, so that it may what that person may.

use std::sync::{Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, header};
use futures_util::future::BoxFuture;

use super::AppState;
use super::entrance::Entrance;
use crate::permission::{Credentials, Principal};
use crate::scaffolder::{Portal, PortalAnswer, PortalError, PortalRequest};

/// The longest answer that a step can take.
const LARGEST_ANSWER: usize = 10 * 1024 * 1024;
/// Headers that are not a step's to say.
const OURS: [&str; 4] = ["host", "content-length", "transfer-encoding", "accept-encoding"];

/// The API from inside. It answers from [`OwnApi::open`] until [`OwnApi::close`]: what it enters holds the scaffolder,
/// which holds this.
#[derive(Default)]
pub(crate) struct OwnApi(Mutex<Option<(Entrance, AppState)>>);

impl OwnApi {
    /// Lets requests in.
    pub(crate) fn open(&self, entrance: Entrance, state: AppState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((entrance, state));
    }

    /// Lets none in any more.
    pub(crate) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn inside(&self) -> Result<(Entrance, AppState), PortalError> {
        let inside = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        inside.ok_or_else(|| PortalError::NotSent("the portal does not answer requests now".to_owned()))
    }
}

impl Portal for OwnApi {
    fn answer<'a>(
        &'a self,
        who: &'a Credentials,
        request: PortalRequest,
    ) -> BoxFuture<'a, Result<PortalAnswer, PortalError>> {
        Box::pin(async move {
            let (entrance, state) = self.inside()?;
            let token = token(&state, who).await?;
            let request = built(&state, request, token)?;
            let (parts, body) = entrance.enter(request).await.into_parts();
            let body = to_bytes(body, LARGEST_ANSWER).await.map_err(|error| {
                let limit = LARGEST_ANSWER / 1024 / 1024;
                PortalError::Unreadable(format!("{error}; answers of up to {limit} MiB are taken"))
            })?;
            let headers = parts.headers.iter().map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
            Ok(PortalAnswer {
                status: parts.status.as_u16(),
                headers: headers.collect(),
                body: String::from_utf8_lossy(&body).into_owned(),
            })
        })
    }
}

/// A token with the caller's rights; nobody in particular has none.
async fn token(state: &AppState, who: &Credentials) -> Result<Option<String>, PortalError> {
    match who.principal() {
        Principal::User { user, .. } => {
            let issued = state.auth.issue(user).await;
            Ok(Some(issued.map_err(|error| PortalError::NotSent(error.to_string()))?.token))
        }
        Principal::Anonymous => Ok(None),
        Principal::Service { subject } => Err(PortalError::NotSent(format!(
            "the run belongs to the service {subject}, which has no token of its own; let a person start it"
        ))),
    }
}

fn built(state: &AppState, request: PortalRequest, token: Option<String>) -> Result<Request, PortalError> {
    let wrong = |error: &dyn std::fmt::Display| PortalError::NotSent(error.to_string());
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| wrong(&error))?;
    let mut builder = Request::builder().method(method).uri(request.target);
    builder = builder.header(header::HOST, state.site.base_url.authority());
    let mut is_said = false;
    for (name, value) in request.headers.iter().filter(|(name, _)| !OURS.contains(&name.as_str())) {
        is_said |= name == "authorization";
        builder = builder.header(name, value);
    }
    // A step that brings its own authorization is asked for nothing else, as with Backstage.
    if let Some(token) = token.filter(|_| !is_said) {
        builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    builder.body(request.body.map_or_else(Body::empty, Body::from)).map_err(|error| wrong(&error))
}
