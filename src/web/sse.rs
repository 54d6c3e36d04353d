//! Server-sent events: what a stream of events needs from its request, and the form of the answer.
//!
//! A browser that loses the connection comes back with `Last-Event-ID`; who serves the stream starts after that. A
//! comment every fifteen seconds keeps proxies from closing a quiet stream. Streams end when the server stops, so that
//! stopping need not wait for a run that somebody watches. Format:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::serve::Stopping;

/// Somebody who wants to follow events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Follower {
    last_seen: Option<i64>,
    stopping: CancellationToken,
}

impl<S: Sync> FromRequestParts<S> for Follower {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let last_seen = parts.headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
        // Put there by `serve`; without it (in tests) nothing stops.
        let stopping = parts.extensions.get::<Stopping>().map(|stopping| (*stopping.0).clone()).unwrap_or_default();
        Ok(Self { last_seen, stopping })
    }
}

impl Follower {
    /// The last event that the browser saw before it lost the connection.
    pub(crate) fn last_seen(&self) -> Option<i64> {
        self.last_seen
    }

    /// Streams events until there are no more, or the server stops.
    pub(crate) fn follow(self, events: impl Stream<Item = Event> + Send + 'static) -> Response {
        let events = events.take_until(self.stopping.cancelled_owned()).map(Ok::<_, Infallible>);
        let headers = [
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            // Proxies that collect answers before they pass them on would show nothing until the end.
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        (headers, Sse::new(events).keep_alive(KeepAlive::default())).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::http::Request;
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    async fn follower(request: Request<()>) -> Follower {
        let (mut parts, ()) = request.into_parts();
        let Ok(follower) = Follower::from_request_parts(&mut parts, &()).await;
        follower
    }

    #[tokio::test]
    async fn a_stream_ends_with_the_server() {
        let stopping = CancellationToken::new();
        let request = Request::get("/")
            .header("last-event-id", "42")
            .extension(Stopping(Arc::new(stopping.clone())))
            .body(())
            .unwrap();
        let follower = follower(request).await;
        assert_eq!(follower.last_seen(), Some(42));
        let stopper = stopping.clone();
        let events = stream::iter([Event::default().event("log").data("{}")]).chain(stream::once(async move {
            stopper.cancel();
            std::future::pending().await
        }));
        let response = follower.follow(events);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "event: log\ndata: {}\n\n");
    }
}
