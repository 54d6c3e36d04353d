//! A file of a site that is no page: a picture, or something to download. Written by anybody, so no browser may run it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use crate::web::assets::CachePolicy;
use crate::web::pages::repository;

/// The bytes with the type they may have.
pub(in crate::web) fn answer(path: &str, bytes: Bytes, version: &str) -> Response {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (kind, disposition) = match (repository::image_type(name), plain_type(name)) {
        (Some(kind), _) | (None, Some(kind)) => (kind, "inline"),
        (None, None) if repository::text_of(&bytes).is_some() => ("text/plain; charset=utf-8", "inline"),
        (None, None) => ("application/octet-stream", "attachment"),
    };
    let quoted: String =
        name.chars().map(|it| if it.is_ascii_alphanumeric() || ".-_ ".contains(it) { it } else { '_' }).collect();
    let disposition = HeaderValue::try_from(format!("{disposition}; filename=\"{quoted}\""));
    let tag = HeaderValue::try_from(format!("\"{version}\""));
    let mut response = (
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
            (header::CONTENT_SECURITY_POLICY, repository::SANDBOX),
            (header::CACHE_CONTROL, CachePolicy::Private.header()),
        ],
        bytes,
    )
        .into_response();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    response
}

/// Types that browsers show in their own viewers, and none of which runs anything within this site.
fn plain_type(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "ico" => "image/x-icon",
        "json" => "application/json",
        _ => return None,
    })
}
