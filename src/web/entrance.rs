//! What every request passes before its route is looked for and after it was answered: the entrance of the HTTP side.
//!
//! It is a service around the router, not a layer of it, because each layer costs allocations for every request. From
//! the outside in, and why in this order:
//!
//! 1. the request's id, so that whatever is logged can name it;
//! 2. security headers, so that every answer has them, also a refusal;
//! 3. limits of address and headers, and the portal's own names, before anything costly;
//! 4. what the API answers from memory, see [`Quick`];
//! 5. trailing slashes of the API, before routing;
//! 6. CORS, since a preflight carries no credentials;
//! 7. a net that catches the panics of what is inside;
//! 8. compression, outside of whatever writes a body; never for event streams.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{self, Method, StatusCode, Uri, header, uri::PathAndQuery};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use bytes::Bytes;
use futures_util::FutureExt as _;
use tower::Service;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{Compression, CompressionLayer};
use tracing::Instrument as _;

use super::api::Quick;
use super::cors::{CorsConfig, Listed};
use super::observe::{Figures, RequestId, Seen};
use super::page::Site;
use super::serve::Stopping;
use super::{cors, security};

/// The whole HTTP side. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Entrance {
    inside: Arc<Inside>,
    /// Told to those who ask for it.
    stopping: Option<Stopping>,
}

struct Inside {
    quick: Quick,
    router: Router,
    compressing: Compression<Router, WorthIt>,
    edge: Edge,
}

/// What requests are held against.
pub(super) struct Edge {
    pub(super) site: Arc<Site>,
    pub(super) cors: CorsConfig,
    /// Whether the portal answers to its own names only.
    pub(super) own_names: bool,
    pub(super) figures: Figures,
}

impl Entrance {
    pub(super) fn new(quick: Quick, router: Router, edge: Edge) -> Self {
        let layer = CompressionLayer::new().gzip(true).br(true).compress_when(WorthIt);
        let compressing = tower::Layer::layer(&layer, router.clone());
        Self { inside: Arc::new(Inside { quick, router, compressing, edge }), stopping: None }
    }

    /// The same of a server that will stop.
    pub(super) fn until(self, stopping: Stopping) -> Self {
        Self { stopping: Some(stopping), ..self }
    }

    /// Answers a request.
    pub(super) async fn enter<B>(self, request: http::Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let edge = &self.inside.edge;
        let (parts, body) = request.into_parts();
        let id = RequestId::of(&parts);
        let seen = Seen::new(&parts, &id);
        let at_once = AssertUnwindSafe(|| seen.span.in_scope(|| self.at_once(&parts)));
        let answered = match std::panic::catch_unwind(at_once) {
            Ok(Some(response)) => Ok(response),
            Ok(None) => {
                // Large, and seldom needed by those who are in a hurry.
                let admitted = Box::pin(self.admit(Request::from_parts(parts, Body::new(body))));
                AssertUnwindSafe(admitted.instrument(seen.span.clone())).catch_unwind().await
            }
            Err(panic) => Err(panic),
        };
        let mut response = answered.unwrap_or_else(|_| {
            tracing::error!(request.id = id.as_str(), "a layer panicked");
            (StatusCode::INTERNAL_SERVER_ERROR, "the portal could not answer\n").into_response()
        });
        security::headers(&edge.site, response.headers_mut());
        edge.figures.count(&seen, &id, &mut response);
        id.repeat(response.headers_mut());
        response
    }

    /// What needs no more than a look at the request: a refusal, or an answer from memory.
    fn at_once(&self, request: &Parts) -> Option<Response> {
        let Inside { edge, quick, .. } = &*self.inside;
        security::refusal(request, edge.own_names.then_some(&*edge.site)).or_else(|| quick.answer(request))
    }

    async fn admit(&self, mut request: Request) -> Response {
        let Inside { edge, .. } = &*self.inside;
        if let Some(stopping) = &self.stopping {
            request.extensions_mut().insert(stopping.clone());
        }
        let mut request = without_trailing_slash(request);
        let Some(origin) = cors::listed_origin(&edge.cors, &request) else {
            return self.answer(request).await;
        };
        let preflight = cors::Preflight::of(&request);
        request.extensions_mut().insert(Listed);
        let is_preflight = request.method() == Method::OPTIONS;
        let mut response =
            if is_preflight { StatusCode::NO_CONTENT.into_response() } else { self.answer(request).await };
        cors::allow(&edge.cors, origin, preflight, response.headers_mut());
        response
    }

    async fn answer(&self, request: Request) -> Response {
        let answered = if request.headers().contains_key(header::ACCEPT_ENCODING) {
            // It borrows nothing, but its future is large and seldom needed.
            let mut compressing = self.inside.compressing.clone();
            let compressed = Box::pin(async move { compressing.call(request).await });
            compressed.await.map(|response| response.map(Body::new))
        } else {
            self.inside.router.clone().call(request).await
        };
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl Service<Request> for Entrance {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(self.clone().enter(request).map(Ok))
    }
}

/// Which answers are worth compressing: large ones that are not compressed already, and no streams of events.
#[derive(Debug, Clone, Copy)]
struct WorthIt;

impl Predicate for WorthIt {
    fn should_compress<B: HttpBody>(&self, response: &http::Response<B>) -> bool {
        /// What Git sends is compressed already.
        const PACKS: NotForContentType = NotForContentType::const_new("application/x-git");
        SizeAbove::new(1024).should_compress(response)
            && NotForContentType::SSE.should_compress(response)
            && NotForContentType::IMAGES.should_compress(response)
            && PACKS.should_compress(response)
    }
}

/// `/api/catalog/entities/` is `/api/catalog/entities`, as in Backstage. Pages redirect instead, see `pages::nowhere`.
fn without_trailing_slash(mut request: Request) -> Request {
    let uri = request.uri();
    let path = uri.path();
    if path.starts_with("/api/") && path.len() > "/api/".len() && path.ends_with('/') {
        let path = path.strip_suffix('/').unwrap_or(path);
        let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        if let Ok(target) = PathAndQuery::try_from(target) {
            *request.uri_mut() = Uri::from(target);
        }
    }
    request
}
