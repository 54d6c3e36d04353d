//! Tags of answers that are not built as one value, and what spares an answer that the client has.
//!
//! One entity has its own etag. A list has the number of the index's last change, with everything else that the answer
//! depends on: what was asked, who asks, and the program. So the tag is known before the list is.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::catalog::Catalog;
use crate::permission::{Credentials, Principal};
use crate::web::api::{envelope, reply};

/// What the client has: `If-None-Match`.
#[derive(Default)]
pub(super) struct Known(Option<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(header::IF_NONE_MATCH).cloned()))
    }
}

impl Known {
    /// The answer for a client that has this already.
    pub(super) fn unchanged(&self, tag: &HeaderValue) -> Option<Response> {
        let known = self.0.as_ref()?.to_str().ok()?;
        envelope::is_among(tag.to_str().ok()?, known).then(|| reply::not_modified(tag.clone()))
    }
}

/// The tag of one entity.
pub(super) fn of_entity(etag: &str) -> Option<HeaderValue> {
    // A file can bring its own etag, which need not be fit for a header.
    let is_fit = !etag.is_empty() && etag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    is_fit.then(|| HeaderValue::try_from(format!("W/\"{etag}\"")).ok())?
}

/// The tag of a list, as it is now. To be made before the list: a list may be newer than its tag, never older.
pub(super) fn of_list(catalog: &Catalog, who: &Credentials, query: Option<&str>) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    query.hash(&mut hasher);
    match who.principal() {
        Principal::User { user, ownership } => {
            user.as_str().hash(&mut hasher);
            for owner in ownership {
                owner.as_str().hash(&mut hasher);
            }
        }
        Principal::Service { subject } => subject.hash(&mut hasher),
        Principal::Anonymous => {}
    }
    std::mem::discriminant(who.principal()).hash(&mut hasher);
    let tag = format!("W/\"{:x}-{:016x}\"", catalog.version(), hasher.finish());
    HeaderValue::try_from(tag).expect("a tag is hexadecimal digits")
}
