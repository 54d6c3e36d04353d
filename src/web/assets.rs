//! What the browser gets besides pages: the files of `static/`, embedded in the binary.
//!
//! Every file's URL is `/assets/{version}/{path}`, where the version hashes *all* files together. So a file
//! finds its neighbours by relative paths (a module's `import "./events.js"`, a stylesheet's `url(../img/x.svg)`)
//! without an import map or rewriting, which a strict content security policy and honesty about what is served
//! would both forbid, and every URL can be cached for ever. The price is that a new release is fetched whole.
//!
//! Under another version (a page from before an update) the current file is served, but not to be kept.
//! A stylesheet is served with the files it imports in place (`stylesheet`): one request, many source files.
//! Texts are compressed once, when they are first asked for. Debug builds read the folder at each request.

mod stylesheet;
mod swagger_ui;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use async_compression::Level;
use async_compression::tokio::bufread::BrotliEncoder;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::FutureExt as _;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

pub(crate) use self::swagger_ui::swagger_ui;

#[derive(rust_embed::RustEmbed)]
#[folder = "static/"]
struct Files;

/// The text of an asset.
pub(crate) fn text(path: &str) -> Option<String> {
    String::from_utf8(Files::get(path)?.data.into_owned()).ok()
}

/// How long a browser may keep an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CachePolicy {
    /// The URL changes when the content does.
    Forever,
    /// Keep it, but ask each time whether it is still the same.
    Revalidate,
    /// For one person's eyes; not kept by anything in between.
    Private,
}

impl CachePolicy {
    /// The `Cache-Control` header.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Forever => "public, max-age=31536000, immutable",
            Self::Revalidate => "no-cache",
            Self::Private => "private, no-cache",
        })
    }
}

/// The encodings of one file. Texts only; a picture is as small as it gets.
#[derive(Default)]
struct Encoded {
    brotli: OnceLock<Option<Bytes>>,
    gzip: OnceLock<Option<Bytes>>,
}

static ENCODED: LazyLock<HashMap<String, Encoded>> =
    LazyLock::new(|| Files::iter().map(|path| (path.into_owned(), Encoded::default())).collect());

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut paths: Vec<_> = Files::iter().collect();
    paths.sort();
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(Files::get(&path).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    hex::encode(&hash.finalize()[..8])
});

/// The URL of a file of `static/`, e.g. `asset("css/portal.css")`.
pub(crate) fn asset(path: &str) -> String {
    format!("/assets/{}/{path}", VERSION.as_str())
}

/// `GET /assets/{version}/{path}`
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/assets/swagger-ui/{version}/{name}", get(swagger_ui::serve))
        .route("/assets/{version}/{*path}", get(serve))
}

async fn serve(Path((version, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let (data, hash) = if path.rsplit('.').next() == Some("css") {
        stylesheet(&path, &file)
    } else {
        (file.data.clone(), file.metadata.sha256_hash())
    };
    let current = version == *VERSION && !cfg!(debug_assertions);
    let policy = if current { CachePolicy::Forever } else { CachePolicy::Revalidate };
    let etag = format!("W/\"{}\"", hex::encode(&hash[..12]));
    let common = [
        (header::CACHE_CONTROL, policy.header()),
        (header::ETAG, HeaderValue::from_str(&etag).expect("hexadecimal digits make a header")),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let kind = content_type(file.metadata.mimetype());
    let (encoding, body) = encoded(&path, data, &headers);
    let mut response = (common, [(header::CONTENT_TYPE, kind)], body).into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// A stylesheet with what it imports, and the hash of all of it.
fn stylesheet(path: &str, file: &rust_embed::EmbeddedFile) -> (Cow<'static, [u8]>, [u8; 32]) {
    let source = String::from_utf8_lossy(&file.data);
    let whole = stylesheet::assembled(path, &source, |path| Files::get(path).map(|file| file.data));
    let hash = Sha256::digest(whole.as_bytes()).into();
    (Cow::Owned(whole.into_bytes()), hash)
}

fn content_type(mime: &str) -> HeaderValue {
    let text = mime.starts_with("text/") && !mime.contains("charset");
    let full = if text { format!("{mime}; charset=utf-8") } else { mime.to_owned() };
    HeaderValue::try_from(full).expect("a MIME type is a header")
}

/// The best encoding the client takes.
fn encoded(path: &str, data: Cow<'static, [u8]>, headers: &HeaderMap) -> (Option<&'static str>, Bytes) {
    let plain = match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let text = [".css", ".js", ".svg", ".txt", ".json", ".webmanifest"].iter().any(|ending| path.ends_with(ending));
    let Some(cache) = ENCODED.get(path).filter(|_| text && !cfg!(debug_assertions)) else {
        return (None, plain);
    };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes =
        |name: &str| accepted.split(',').any(|part| part.split(';').next().is_some_and(|part| part.trim() == name));
    if takes("br")
        && let Some(body) = cache.brotli.get_or_init(|| brotli(&plain))
    {
        return (Some("br"), body.clone());
    }
    if takes("gzip")
        && let Some(body) = cache.gzip.get_or_init(|| gzip(&plain))
    {
        return (Some("gzip"), body.clone());
    }
    (None, plain)
}

fn brotli(plain: &[u8]) -> Option<Bytes> {
    let mut reader = BrotliEncoder::with_quality(plain, Level::Precise(9));
    let mut packed = Vec::new();
    // There is nothing to wait for in what is there.
    reader.read_to_end(&mut packed).now_or_never()?.ok()?;
    Some(packed.into())
}

fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(plain).ok()?;
    writer.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::bufread::BrotliDecoder;

    use super::*;

    #[tokio::test]
    async fn packed_texts_are_what_they_were() {
        let plain = text("css/portal.css").unwrap().repeat(20);
        let packed = brotli(plain.as_bytes()).unwrap();
        assert!(packed.len() * 10 < plain.len(), "{} of {}", packed.len(), plain.len());
        let mut unpacked = String::new();
        BrotliDecoder::new(&packed[..]).read_to_string(&mut unpacked).await.unwrap();
        assert_eq!(unpacked, plain);
    }
}
