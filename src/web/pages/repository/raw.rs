//! A file's bytes. What a repository holds was written by anybody, so no browser may run it: pictures keep their type
//! (an SVG's scripts are stopped by the sandbox), text is plain text, anything else is a download.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;

use super::Place;
use crate::forge::{FileMode, Forge as _, LocalForge};
use crate::web::assets::CachePolicy;
use crate::web::extract::{Answer, Path};
use crate::web::session::Viewer;

/// What keeps a file from running anything.
pub(in crate::web::pages) const SANDBOX: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

/// `GET /repositories/{owner}/{repository}/raw/{revision}/{path}`
pub(super) async fn show(State(forge): State<LocalForge>, _: Viewer, Path(place): Path<Place>) -> Answer {
    let file = forge.read(&place.repository()?, &place.revision, place.path.trim_matches('/')).await?;
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let text = text_of(&file.bytes).is_some() || file.mode == FileMode::Symlink;
    let (kind, disposition) = match image_type(name) {
        Some(kind) => (kind, "inline"),
        None if text => ("text/plain; charset=utf-8", "inline"),
        None => ("application/octet-stream", "attachment"),
    };
    let quoted: String =
        name.chars().map(|it| if it.is_ascii_alphanumeric() || ".-_ ".contains(it) { it } else { '_' }).collect();
    let disposition = HeaderValue::try_from(format!("{disposition}; filename=\"{quoted}\""))
        .unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, SANDBOX),
        (header::CACHE_CONTROL, CachePolicy::Private.header()),
    ];
    Ok((headers, file.bytes).into_response())
}

/// The type of a picture that browsers show.
pub(in crate::web::pages) fn image_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

/// The bytes as text, if they are one.
pub(in crate::web::pages) fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}
