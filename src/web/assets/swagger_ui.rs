//! Swagger UI, out of the archive that its crate brings; `build.rs` takes the two files out of it that a page needs.
//!
//! The archive's members are deflated already, which is what gzip wraps: a browser gets them as they lie there, and
//! nothing is compressed or taken apart.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use zip::{CompressionMethod, ZipArchive};

use super::CachePolicy;

/// The files that are served, with what they are.
const SERVED: [(&str, &str); 2] =
    [("swagger-ui.css", "text/css; charset=utf-8"), ("swagger-ui-bundle.js", "text/javascript; charset=utf-8")];

static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.zip"));

/// One file.
struct Member {
    kind: &'static str,
    gzip: Option<Bytes>,
    plain: Bytes,
}

static MEMBERS: LazyLock<HashMap<&'static str, Member>> = LazyLock::new(members);

/// Changes with the archive.
static VERSION: LazyLock<String> = LazyLock::new(|| hex::encode(&Sha256::digest(ARCHIVE)[..8]));

/// The URL of a file of Swagger UI.
pub(crate) fn swagger_ui(name: &str) -> String {
    format!("/assets/swagger-ui/{}/{name}", VERSION.as_str())
}

/// `GET /assets/swagger-ui/{version}/{name}`
pub(super) async fn serve(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(member) = MEMBERS.get(name.as_str()) else { return StatusCode::NOT_FOUND.into_response() };
    let policy = if version == *VERSION { CachePolicy::Forever } else { CachePolicy::Revalidate };
    let common = [
        (header::CACHE_CONTROL, policy.header()),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
        (header::CONTENT_TYPE, HeaderValue::from_static(member.kind)),
    ];
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match member.gzip.as_ref().filter(|_| accepted.contains("gzip")) {
        Some(gzip) => (common, [(header::CONTENT_ENCODING, "gzip")], gzip.clone()).into_response(),
        None => (common, member.plain.clone()).into_response(),
    }
}

fn members() -> HashMap<&'static str, Member> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(ARCHIVE)) else { return HashMap::new() };
    let mut members = HashMap::new();
    for (name, kind) in SERVED {
        if let Some(member) = member(&mut archive, name, kind) {
            members.insert(name, member);
        }
    }
    members
}

fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, path: &str, kind: &'static str) -> Option<Member> {
    let mut plain = Vec::new();
    let (crc, size, is_deflated, index) = {
        let index = archive.index_for_name(path)?;
        let mut file = archive.by_index(index).ok()?;
        file.read_to_end(&mut plain).ok()?;
        (file.crc32(), file.size(), file.compression() == CompressionMethod::Deflated, index)
    };
    let mut raw = Vec::new();
    archive.by_index_raw(index).ok()?.read_to_end(&mut raw).ok()?;
    let gzip = is_deflated.then(|| {
        let mut gzip = Vec::with_capacity(raw.len() + 18);
        // Magic, deflate, no flags, no time, no extra flags, unknown system: RFC 1952.
        gzip.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        gzip.extend_from_slice(&raw);
        gzip.extend_from_slice(&crc.to_le_bytes());
        let [first, second, third, fourth, ..] = size.to_le_bytes();
        gzip.extend_from_slice(&[first, second, third, fourth]);
        gzip.into()
    });
    Some(Member { kind, gzip, plain: plain.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_has_what_is_served_and_gzip_gives_it_back() {
        for (name, _) in SERVED {
            let member = &MEMBERS[name];
            assert!(member.plain.len() > 10_000, "{name}");
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&member.gzip.clone().unwrap()[..]).read_to_end(&mut back).unwrap();
            assert_eq!(member.plain, back, "{name}");
        }
        assert!(swagger_ui("swagger-ui.css").starts_with("/assets/swagger-ui/"));
    }
}
