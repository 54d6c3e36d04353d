//! What every answer says to browsers, and which requests are refused before anything looks at them.
//!
//! - The content security policy allows what this portal serves and nothing inline, so a stored
//!   `<script>` or `style=` in a description is inert even if an escape were forgotten.
//! - A state-changing request that a browser sends on behalf of another site is refused by its
//!   `Sec-Fetch-Site` or `Origin` header. Clients that are no browsers send neither.
//! - A portal that listens on loopback answers to its own names only: otherwise a site that resolves its name
//!   to 127.0.0.1 (DNS rebinding) would be same-origin and could enter as guest.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use super::error::Error;
use super::page::Site;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// As Node's HTTP server, which Backstage's clients are used to.
const LONGEST_ADDRESS: usize = 16 * 1024;
const LARGEST_HEADERS: usize = 32 * 1024;

/// Adds the security headers to an answer that does not say otherwise.
pub(super) fn headers(site: &Site, headers: &mut HeaderMap) {
    const FIXED: [(HeaderName, HeaderValue); 7] = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ),
    ];
    headers.reserve(FIXED.len() + 2);
    for (name, value) in FIXED {
        headers.entry(name).or_insert(value);
    }
    if site.is_https() {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
    }
}

/// Refuses addresses and headers beyond any honest size, and, where the portal answers to its own names only, others.
pub(super) fn refusal(request: &Parts, own: Option<&Site>) -> Option<Response> {
    let address = request.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if address > LONGEST_ADDRESS {
        return Some(StatusCode::URI_TOO_LONG.into_response());
    }
    let size: usize = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > LARGEST_HEADERS {
        return Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response());
    }
    let named = request.uri.host().or_else(|| host_of(&request.headers));
    let is_other = |site: &&Site| !named.is_none_or(|host| is_loopback(host) || site.base_url.host_str() == Some(host));
    own.filter(is_other).map(|_| {
        let text = "this portal answers to its own name only; set backend.baseUrl to the one you use\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    })
}

/// Refuses state-changing requests that a browser sends for another site.
pub(crate) async fn refuse_cross_site(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || !is_cross_site(request.headers(), &site.base_url) {
        return next.run(request).await;
    }
    Error::NotAllowed("this request was sent by another site, so it is refused".to_owned()).into_response()
}

/// Whether a browser says that the request comes from another site.
pub(crate) fn is_cross_site(headers: &HeaderMap, base_url: &Url) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let Ok(origin) = Url::parse(origin.to_str().unwrap_or_default()) else {
        return true;
    };
    let authority = |url: &Url| url.host_str().map(|host| (host.to_owned(), url.port_or_known_default()));
    if authority(&origin) == authority(base_url) {
        return false;
    }
    // The name the browser used, where it is not the configured one (127.0.0.1 instead of localhost).
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let asked = asked.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    asked.is_none_or(|asked| authority(&origin) != authority(&asked))
}

/// The host of the `Host` header, without its port.
fn host_of(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let end = match host.rfind(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    host.get(..end)
}

/// Whether a host's name or address means this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sites_are_told_apart() {
        let cases: &[(&[(&str, &str)], bool)] = &[
            (&[], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:7007")], true),
            (&[("origin", "http://localhost:7007")], false),
            (&[("origin", "http://localhost:7008"), ("host", "localhost:7007")], true),
            (&[("origin", "http://127.0.0.1:7007"), ("host", "127.0.0.1:7007")], false),
            (&[("origin", "https://evil.example"), ("host", "localhost:7007")], true),
            (&[("origin", "null"), ("host", "localhost:7007")], true),
        ];
        let base = Url::parse("http://localhost:7007").unwrap();
        for (sent, expected) in cases {
            let headers =
                sent.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(is_cross_site(&headers.collect(), &base), *expected, "{sent:?}");
        }
    }

    #[test]
    fn hosts_are_read_without_their_port() {
        for (sent, host, loopback) in [
            ("localhost:7007", "localhost", true),
            ("[::1]:7007", "[::1]", true),
            ("127.1.2.3", "127.1.2.3", true),
            ("evil.example:7007", "evil.example", false),
            ("127.0.0.1.evil.example", "127.0.0.1.evil.example", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(sent))]);
            assert_eq!(host_of(&headers), Some(host));
            assert_eq!(is_loopback(host), loopback, "{host}");
        }
    }
}
