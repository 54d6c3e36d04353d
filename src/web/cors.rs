//! Cross-origin access to the API, as `backend.cors` says. Without it no other origin is let in.
//!
//! An origin that is not listed gets no header, not an error: the browser refuses by itself.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;

/// `backend.cors`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CorsConfig {
    /// Origins that may read answers: exact, or `*` for part of a name.
    pub(crate) origin: OneOrMany,
    /// Methods a preflight allows.
    pub(crate) methods: OneOrMany,
    /// Whether cookies and authorisation may be sent along.
    pub(crate) credentials: bool,
}

/// A text or a list of texts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    /// Not set.
    #[default]
    Nothing,
    /// `origin: http://localhost:3000`
    One(String),
    /// `methods: [GET, POST]`
    Many(Vec<String>),
}

impl OneOrMany {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::Nothing => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many.as_slice(),
        };
        all.iter().map(String::as_str)
    }
}

/// Marks requests of listed origins, which may also change things.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed;

/// What a preflight asks for; none if the request is no preflight.
#[derive(Debug)]
pub(super) struct Preflight {
    headers: Option<HeaderValue>,
}

impl Preflight {
    pub(super) fn of(request: &Request) -> Option<Self> {
        let headers = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        (request.method() == Method::OPTIONS).then_some(Self { headers })
    }
}

/// The origin of a request to the API, if it is one that may read the answer.
pub(super) fn listed_origin(config: &CorsConfig, request: &Request) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let is_api = request.uri().path().starts_with("/api/") || request.uri().path().starts_with("/.backstage/");
    (is_api && is_listed(config, origin)).then(|| origin.clone())
}

/// Adds the headers for a listed origin.
pub(super) fn allow(config: &CorsConfig, origin: HeaderValue, preflight: Option<Preflight>, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if config.credentials {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    if let Some(Preflight { headers: asked }) = preflight {
        headers.append(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods(config));
        if let Some(asked) = asked {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
    }
}

fn methods(config: &CorsConfig) -> HeaderValue {
    let joined = config.methods.iter().collect::<Vec<_>>().join(",");
    let listed = HeaderValue::try_from(joined).ok().filter(|methods| !methods.is_empty());
    listed.unwrap_or(HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE"))
}

fn is_listed(config: &CorsConfig, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    config.origin.iter().any(|pattern| match pattern.split_once('*') {
        // A star stands for one or more labels or characters, never for a port or a path.
        Some((start, end)) => origin
            .strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(end))
            .is_some_and(|middle| !middle.is_empty() && !middle.contains([':', '/'])),
        None => pattern == origin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_whole_or_by_star() {
        let config: CorsConfig =
            serde_yaml::from_str("origin: ['http://localhost:3000', 'https://*.acme.example']").unwrap();
        for (origin, expected) in [
            ("http://localhost:3000", true),
            ("http://localhost:30001", false),
            ("https://portal.acme.example", true),
            ("https://.acme.example", false),
            ("https://acme.example", false),
            ("https://evil.example/.acme.example", false),
            ("https://evil.example:1.acme.example", false),
        ] {
            assert_eq!(is_listed(&config, &HeaderValue::from_static(origin)), expected, "{origin}");
        }
    }
}
