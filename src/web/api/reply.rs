//! The forms of a JSON answer: built as one value, with an `ETag`, or stored documents passed through, without.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;

use crate::web::error::Error;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// Long answers are compressed for those who can read that.
const VARY: HeaderValue = HeaderValue::from_static("accept-encoding");

/// An answer built as one value. `envelope::face` turns it into 304 where the client has it already.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => tagged(status, body.into()),
        Err(error) => Error::internal(error).into_response(),
    }
}

/// `200` with [`json`].
pub(super) fn ok(value: &impl Serialize) -> Response {
    json(StatusCode::OK, value)
}

/// An answer whose parts were serialised before.
pub(super) fn passed_through(body: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, JSON), (header::VARY, VARY)], body.into()).into_response()
}

/// An answer whose parts were serialised before, with a tag of its own.
pub(super) fn with_tag(body: impl Into<Bytes>, tag: HeaderValue) -> Response {
    tag_with(passed_through(body), tag)
}

/// Puts a tag on an answer.
pub(super) fn tag_with(mut response: Response, tag: HeaderValue) -> Response {
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// `304`: the client has the answer with this tag.
pub(super) fn not_modified(tag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), (header::VARY, VARY)]).into_response()
}

/// A long answer whose parts were serialised before; `length` is that of all of them.
pub(super) fn streamed(
    length: usize,
    pieces: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    let headers =
        [(header::CONTENT_TYPE, JSON), (header::VARY, VARY), (header::CONTENT_LENGTH, HeaderValue::from(length))];
    (headers, Body::from_stream(pieces)).into_response()
}

/// An answer serialised before, with a tag.
pub(super) fn tagged(status: StatusCode, body: Bytes) -> Response {
    let etag = HeaderValue::try_from(weak_tag(&body)).expect("a tag is hexadecimal and base64 digits");
    (status, [(header::CONTENT_TYPE, JSON), (header::VARY, VARY), (header::ETAG, etag)], body).into_response()
}

/// The tag that Express gives the same bytes, so that a client's copy stays good across a move.
fn weak_tag(body: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, body);
    let hash = base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash);
    format!("W/\"{:x}-{hash}\"", body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_of_express() {
        assert_eq!(weak_tag(br#"{"status":"ok"}"#), "W/\"f-VaSQ4oDUiZblZNAEkkN+sX+q3Sg\"");
    }
}
