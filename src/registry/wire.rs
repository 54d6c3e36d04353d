//! Requests to one registry: signing in, time limits, sizes, and errors that say what to do.
//!
//! A registry that wants to know who asks says how in its 401: with a password (`Basic`), or with a token of a token
//! service (`Bearer`) that is given for a scope. How it wants it is remembered, and so are tokens until they expire, so
//! that a refusal comes once and not before every request.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use lru::LruCache;
use reqwest::{RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::error::{Refusal, away};
use super::{ImageName, Login, RegistryError};

/// How long connecting and a whole answer may take.
const CONNECT: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(15);
/// How long sending a blob may take.
const UPLOAD: Duration = Duration::from_mins(2);
/// Largest answer that is read.
const LARGEST: usize = 4 << 20;
/// Largest answer of a token service.
const LARGEST_TOKEN: usize = 64 << 10;
/// Tokens that are kept.
const TOKENS: usize = 256;
/// How long a token lasts that does not say so (the distribution specification's 60 s), and how much earlier it is let go.
const TOKEN_SECONDS: u64 = 60;
const EARLIER: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("greenroom/", env!("CARGO_PKG_VERSION"));

/// One registry.
pub(super) struct Wire {
    name: String,
    base: Url,
    login: Option<Login>,
    http: reqwest::Client,
    /// Whether the registry is known to take the password itself.
    basic: AtomicBool,
    tokens: Mutex<LruCache<String, (SecretString, Instant)>>,
}

/// One request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What is meant to be done, for errors: "push to acme/web".
    pub(super) doing: &'a str,
    /// What is missing if it is not there: "image acme/web".
    pub(super) what: &'a str,
    /// What a token must allow: `repository:acme/web:pull`; empty for nothing.
    pub(super) scope: String,
    pub(super) headers: Vec<(header::HeaderName, String)>,
    pub(super) body: Option<Bytes>,
}

/// An answer that is no error.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Where it came from, after redirects.
    pub(super) url: Url,
}

/// How a registry wants to know who asks.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: Option<SecretString>,
    #[serde(default)]
    access_token: Option<SecretString>,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// What one attempt is sent with.
enum Proof {
    None,
    Password,
    Token(SecretString),
}

impl<'a> Ask<'a> {
    /// A request without a body.
    pub(super) fn new(method: Method, url: Url, doing: &'a str, what: &'a str) -> Self {
        Self { method, url, doing, what, scope: String::new(), headers: Vec::new(), body: None }
    }

    /// With what a token must allow on an image.
    pub(super) fn scope(mut self, image: &ImageName, actions: &str) -> Self {
        self.scope = format!("repository:{image}:{actions}");
        self
    }

    /// With a header.
    pub(super) fn header(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body.
    pub(super) fn body(mut self, body: Bytes, kind: &str) -> Self {
        self.body = Some(body);
        self.header(header::CONTENT_TYPE, kind)
    }
}

impl Wire {
    /// To this address as this person.
    pub(super) fn new(name: &str, base: &Url, login: Option<Login>) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT)
            .timeout(LIMIT)
            .redirect(reqwest::redirect::Policy::limited(5))
            .build()
            .map_err(|error| format!("no client can be made: {error}"))?;
        let tokens = Mutex::new(LruCache::new(NonZeroUsize::new(TOKENS).unwrap_or(NonZeroUsize::MIN)));
        Ok(Self { name: name.to_owned(), base: base.clone(), login, http, basic: false.into(), tokens })
    }

    /// The address of segments below the root, each encoded by itself.
    pub(super) fn at<'s>(&self, segments: impl IntoIterator<Item = &'s str>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The address of a part of an image: `/v2/acme/web/tags/list`.
    pub(super) fn of_image(&self, image: &ImageName, rest: &[&str]) -> Url {
        self.at(["v2"].into_iter().chain(image.path().split('/')).chain(rest.iter().copied()))
    }

    /// An address that the registry named, absolute or not.
    pub(super) fn beside(&self, from: &Url, location: &str) -> Result<Url, RegistryError> {
        from.join(location).map_err(|error| RegistryError::Failed {
            registry: self.name.clone(),
            doing: "name a place".to_owned(),
            said: format!("its address cannot be read: {error}"),
        })
    }

    /// Whether the registry answers and takes the credentials.
    pub(super) async fn check(&self) -> Result<(), RegistryError> {
        let ask = Ask::new(Method::GET, self.at(["v2", ""]), "sign in", "distribution API at /v2/");
        self.send(&ask).await.map(drop)
    }

    /// Asks, signing in as the registry wants it; an answer of 400 and above is an error.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Answer, RegistryError> {
        let response = self.attempt(ask, &self.known_proof(ask)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return self.answer(ask, response).await;
        }
        self.forget(ask);
        match challenge(response.headers()) {
            Some(Challenge::Basic) if self.login.is_some() => {
                let response = self.attempt(ask, &Proof::Password).await?;
                self.basic.store(response.status() != StatusCode::UNAUTHORIZED, Ordering::Relaxed);
                self.answer(ask, response).await
            }
            Some(Challenge::Bearer { realm, service, scope }) => {
                // What the registry says it needs may be more than was thought.
                let scope = scope.unwrap_or_else(|| ask.scope.clone());
                let token = self.token(&realm, service.as_deref(), &scope, ask).await?;
                let response = self.attempt(ask, &Proof::Token(token)).await?;
                if response.status() == StatusCode::UNAUTHORIZED && self.login.is_some() {
                    // The token service took the password, so it is this that the account may not.
                    return Err(self.refusal(ask, None).told(StatusCode::FORBIDDEN, b""));
                }
                self.answer(ask, response).await
            }
            _ => self.answer(ask, response).await,
        }
    }

    /// Asks an API that takes nothing but the password.
    pub(super) async fn send_with_password(&self, ask: &Ask<'_>) -> Result<Answer, RegistryError> {
        let proof = if self.login.is_some() { Proof::Password } else { Proof::None };
        let response = self.attempt(ask, &proof).await?;
        self.answer(ask, response).await
    }

    fn known_proof(&self, ask: &Ask<'_>) -> Proof {
        if self.basic.load(Ordering::Relaxed) && self.login.is_some() {
            return Proof::Password;
        }
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.get(&ask.scope) {
            Some((token, until)) if *until > Instant::now() => Proof::Token(token.clone()),
            _ => Proof::None,
        }
    }

    fn forget(&self, ask: &Ask<'_>) {
        self.basic.store(false, Ordering::Relaxed);
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).pop(&ask.scope);
    }

    async fn attempt(&self, ask: &Ask<'_>, proof: &Proof) -> Result<Response, RegistryError> {
        let mut request = self.http.request(ask.method.clone(), ask.url.clone());
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &ask.body {
            request = request.timeout(UPLOAD).body(body.clone());
        }
        // Uploads may be asked for elsewhere, where nobody is to know the password.
        if ask.url.origin() == self.base.origin() {
            request = self.prove(request, proof);
        }
        let answer = request.send().await.map_err(|error| away(&self.name, &error));
        let outcome = match &answer {
            Ok(answer) if answer.status().is_server_error() => "error",
            Ok(_) => "ok",
            Err(_) => "away",
        };
        metrics::counter!("greenroom_registry_requests_total", "registry" => self.name.clone(), "outcome" => outcome)
            .increment(1);
        answer
    }

    fn prove(&self, request: RequestBuilder, proof: &Proof) -> RequestBuilder {
        match (proof, &self.login) {
            (Proof::Password, Some(login)) => request.basic_auth(&login.username, Some(login.password.expose_secret())),
            (Proof::Token(token), _) => request.bearer_auth(token.expose_secret()),
            _ => request,
        }
    }

    async fn answer(&self, ask: &Ask<'_>, response: Response) -> Result<Answer, RegistryError> {
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        let body =
            if ask.method == Method::HEAD { Bytes::new() } else { self.read(response, LARGEST, ask.doing).await? };
        if status.is_client_error() || status.is_server_error() {
            let wait = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            return Err(self.refusal(ask, wait).told(status, &body));
        }
        Ok(Answer { status, headers, body, url })
    }

    /// The body, up to a limit.
    async fn read(&self, mut response: Response, limit: usize, doing: &str) -> Result<Bytes, RegistryError> {
        let too_large =
            || RegistryError::TooLarge { registry: self.name.clone(), what: format!("the answer to {doing}"), limit };
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| away(&self.name, &error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn refusal<'a>(&'a self, ask: &'a Ask<'_>, retry_after: Option<&'a str>) -> Refusal<'a> {
        let who = self.login.as_ref().map(|login| login.username.as_str());
        Refusal { registry: &self.name, who, doing: ask.doing, what: ask.what, retry_after }
    }

    /// A token of the service that the registry named.
    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        ask: &Ask<'_>,
    ) -> Result<SecretString, RegistryError> {
        let failed =
            |said: String| RegistryError::Failed { registry: self.name.clone(), doing: "sign in".to_owned(), said };
        let mut url =
            Url::parse(realm).map_err(|error| failed(format!("its token service {realm} is no address: {error}")))?;
        if url.scheme() != "https" && url.scheme() != self.base.scheme() {
            return Err(failed(format!("its token service {realm} is not on https, so no password is sent there")));
        }
        let wanted = [("service", service.unwrap_or_default()), ("scope", scope)];
        url.query_pairs_mut().extend_pairs(wanted.into_iter().filter(|(_, value)| !value.is_empty()));
        let proof = if self.login.is_some() { Proof::Password } else { Proof::None };
        let asked = self.prove(self.http.get(url), &proof).send().await;
        let response = asked.map_err(|error| away(&self.name, &error))?;
        let status = response.status();
        let body = self.read(response, LARGEST_TOKEN, "sign in").await?;
        if !status.is_success() {
            return Err(self.refusal(ask, None).told(status, &body));
        }
        let token: Token =
            serde_json::from_slice(&body).map_err(|_| failed("its token service answers no token".to_owned()))?;
        let seconds = token.expires_in.unwrap_or(TOKEN_SECONDS);
        let secret = token
            .token
            .or(token.access_token)
            .ok_or_else(|| failed("its token service answers no token".to_owned()))?;
        let until = Instant::now() + Duration::from_secs(seconds.min(3600)).saturating_sub(EARLIER);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.put(ask.scope.clone(), (secret.clone(), until));
        Ok(secret)
    }
}

/// What a registry says in a 401; the last way that is known of several.
fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let mut found = None;
    for value in headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()) {
        for one in http_auth::parse_challenges(value).unwrap_or_default() {
            let param = |name: &str| {
                let found = one.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped()).filter(|value| !value.is_empty())
            };
            if one.scheme.eq_ignore_ascii_case("basic") {
                found = Some(Challenge::Basic);
            } else if one.scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = param("realm")
            {
                found = Some(Challenge::Bearer { realm, service: param("service"), scope: param("scope") });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_says_how_it_wants_to_know_who_asks() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        };
        let cases = [
            ("Basic realm=\"registry\"", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:acme/web:pull,push\"",
                Some(bearer("https://ghcr.io/token", Some("ghcr.io"), Some("repository:acme/web:pull,push"))),
            ),
            ("bearer realm=\"https://t.example\"", Some(bearer("https://t.example", None, None))),
            ("Negotiate", None),
            ("Bearer service=\"x\"", None),
            ("\"", None),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, text.parse().unwrap())]);
            assert_eq!(challenge(&headers), expected, "{text}");
        }
    }
}
