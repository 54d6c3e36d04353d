//! Asking GitHub as somebody: requests by verb, pages, GraphQL, and answers as values.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use octocrab::{AuthState, Octocrab};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::error::Failure;
use super::pace::Budget;
use super::wire::{Exhausted, Repeatable, Wire};

/// GitHub's version of the REST API.
const API_VERSION: &str = "2022-11-28";
const JSON: &str = "application/vnd.github+json";
/// Entries of one page of a list; the most there are.
pub(super) const PAGE: usize = 100;
/// How often a moved thing is followed.
const MOVES: usize = 3;
/// Pages of one list that are read.
const PAGES: usize = 200;

/// GitHub, as somebody. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Client {
    inner: Arc<Inner>,
    /// Of one without credentials: why there are none, and what to do about that.
    nobody: Option<Arc<str>>,
}

#[derive(Debug)]
struct Inner {
    octocrab: Octocrab,
    wire: Wire,
    /// Of an App's installation: held while it gets a token, so that of many requests one asks for it.
    token: Option<Mutex<()>>,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    /// Path and query below the API's root.
    path: String,
    accept: &'static str,
    body: Option<Value>,
    repeatable: bool,
}

/// An answer that is no error.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The path of these segments, each encoded by itself.
pub(super) fn path<'a>(segments: impl IntoIterator<Item = &'a str>) -> String {
    let Ok(mut url) = Url::parse("https://api.github.com") else { return String::new() };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url.path().to_owned()
}

impl Call {
    /// A request to the path of these segments.
    pub(super) fn new<'a>(method: Method, segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self { method, path: path(segments), accept: JSON, body: None, repeatable: false }
    }

    pub(super) fn get<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Method::GET, segments)
    }

    pub(super) fn post<'a>(segments: impl IntoIterator<Item = &'a str>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, segments) }
    }

    pub(super) fn put<'a>(segments: impl IntoIterator<Item = &'a str>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PUT, segments) }
    }

    /// Says what a thing is to be; said twice it is the same.
    pub(super) fn patch<'a>(segments: impl IntoIterator<Item = &'a str>, body: Value) -> Self {
        Self { body: Some(body), repeatable: true, ..Self::new(Method::PATCH, segments) }
    }

    pub(super) fn delete<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Method::DELETE, segments)
    }

    /// A request that was put together before.
    pub(super) fn raw(method: &str, path: &str, body: Option<Value>) -> Self {
        let method = method.parse().unwrap_or(Method::DELETE);
        let repeatable = method == Method::PATCH;
        Self { method, path: path.to_owned(), accept: JSON, body, repeatable }
    }

    /// Path and query below the API's root.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// With these parameters.
    pub(super) fn query<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        if !query.is_empty() {
            self.path = format!("{}{}{query}", self.path, if self.path.contains('?') { '&' } else { '?' });
        }
        self
    }

    /// Sent twice it does no harm.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Sent twice it does something twice.
    pub(super) fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// With another media type for the answer.
    pub(super) fn accept(mut self, media: &'static str) -> Self {
        self.accept = media;
        self
    }
}

impl Client {
    /// Asks over a wire as an App's installation.
    pub(super) fn of_installation(octocrab: Octocrab, wire: Wire) -> Self {
        Self { inner: Arc::new(Inner { octocrab, wire, token: Some(Mutex::default()) }), nobody: None }
    }

    /// Asks over a wire with a token, or as nobody.
    pub(super) fn with_auth(wire: Wire, auth: AuthState) -> Self {
        let Ok(octocrab) = octocrab::OctocrabBuilder::new_empty().with_service(wire.clone()).with_auth(auth).build();
        Self { inner: Arc::new(Inner { octocrab, wire, token: None }), nobody: None }
    }

    /// The same without credentials, with the sentence that says why there are none.
    pub(super) fn of_nobody(&self, why: String) -> Self {
        Self { nobody: Some(why.into()), ..self.clone() }
    }

    /// The client beneath, for what octocrab does itself.
    pub(super) fn octocrab(&self) -> &Octocrab {
        &self.inner.octocrab
    }

    /// Whose requests these are.
    pub(super) fn who(&self) -> &str {
        self.inner.wire.who()
    }

    /// What GitHub calls a second.
    pub(super) fn second(&self) -> std::time::Duration {
        self.inner.wire.second()
    }

    /// What is left of the hour, by resource.
    pub(super) fn budgets(&self) -> Vec<(String, Budget)> {
        self.inner.wire.budgets()
    }

    /// Sends a request; an answer of 400 or more is a [`Failure`]. Follows where a renamed repository went.
    pub(super) async fn send(&self, mut call: Call) -> Result<Answered, Failure> {
        for _ in 0..MOVES {
            let answer = self.once(call.clone()).await.map_err(|failure| self.explained(failure))?;
            match moved(&answer) {
                Some(path) => call.path = path,
                None => return Ok(answer),
            }
        }
        Err(Failure::Unreadable(format!("{} moved more than {MOVES} times", call.path)))
    }

    /// What is refused to nobody says what to configure.
    fn explained(&self, failure: Failure) -> Failure {
        let Some(why) = &self.nobody else { return failure };
        match failure {
            Failure::Exhausted { who, wait, .. } => Failure::Exhausted { who, wait, advice: Some(why.to_string()) },
            failure if failure.is_not_found() || failure.is(StatusCode::UNAUTHORIZED) => {
                Failure::Credentials(format!("it is not public or not there, and {why}"))
            }
            failure => failure,
        }
    }

    async fn once(&self, call: Call) -> Result<Answered, Failure> {
        let builder = Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header(header::ACCEPT, call.accept)
            .header("x-github-api-version", HeaderValue::from_static(API_VERSION));
        let body = match call.body {
            Some(body) => serde_json::to_string(&body).map_err(|error| Failure::Unreadable(error.to_string()))?,
            None => String::new(),
        };
        let builder = if body.is_empty() { builder } else { builder.header(header::CONTENT_TYPE, "application/json") };
        let mut request = builder.body(body).map_err(|error| Failure::Unreadable(error.to_string()))?;
        if call.repeatable {
            request.extensions_mut().insert(Repeatable);
        }
        if let Some(token) = &self.inner.token {
            let _one = token.lock().await;
            self.inner.octocrab.installation_token().await.map_err(Failure::from)?;
        }
        let answer = self.inner.octocrab.execute(request).await.map_err(Failure::from)?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(Failure::from)?.to_bytes();
        if parts.status.is_client_error() || parts.status.is_server_error() {
            return Err(Failure::answered(parts.status, &parts.headers, &body));
        }
        Ok(Answered { status: parts.status, headers: parts.headers, body })
    }

    /// Sends a request and reads the answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        let answer = self.send(call).await?;
        answer.read()
    }

    /// Sends a request whose answer does not matter.
    pub(super) async fn tell(&self, call: Call) -> Result<(), Failure> {
        self.send(call).await.map(drop)
    }

    /// Every entry of a list that comes in pages; `under` is the key of the entries where they are not the answer itself.
    pub(super) async fn all<T: DeserializeOwned>(&self, call: Call, under: Option<&str>) -> Result<Vec<T>, Failure> {
        let mut call = call.query([("per_page", PAGE.to_string().as_str())]);
        let mut entries = Vec::new();
        for _ in 0..PAGES {
            let answer = self.send(call.clone()).await?;
            match under {
                None => entries.extend(answer.read::<Vec<T>>()?),
                Some(key) => {
                    let mut page: Value = answer.read()?;
                    let list = page.get_mut(key).map(Value::take).unwrap_or_default();
                    let list: Vec<T> =
                        serde_json::from_value(list).map_err(|error| Failure::Unreadable(error.to_string()))?;
                    entries.extend(list);
                }
            }
            match next_page(&answer.headers) {
                Some(next) => call.path = next,
                None => return Ok(entries),
            }
        }
        Err(Failure::Unreadable(format!("the list has more than {} entries", PAGE * PAGES)))
    }

    /// Asks GraphQL; the answer is what stands under `data`.
    pub(super) async fn graphql<T: DeserializeOwned>(&self, query: &str, variables: Value) -> Result<T, Failure> {
        self.graphql_unless(query, variables, |_| true).await
    }

    /// The same for many things of which some may not be there.
    pub(super) async fn graphql_of_some<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: Value,
    ) -> Result<T, Failure> {
        let is_missing = |error: &Value| error.get("type").and_then(Value::as_str) == Some("NOT_FOUND");
        self.graphql_unless(query, variables, |error| !is_missing(error)).await
    }

    /// Asks GraphQL; an error that counts is a failure.
    async fn graphql_unless<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: Value,
        counts: impl Fn(&Value) -> bool + Send,
    ) -> Result<T, Failure> {
        let call = Call::post(["graphql"], json!({"query": query, "variables": variables}));
        // What is changed through GraphQL here says the same thing twice without harm.
        let mut answer: Value = self.ask(call.repeatable()).await?;
        let errors = answer.get("errors").and_then(Value::as_array);
        if let Some(errors) = errors.filter(|errors| errors.iter().any(counts)) {
            return Err(Failure::graphql(errors));
        }
        let data = answer.get_mut("data").map(Value::take).unwrap_or_default();
        serde_json::from_value(data).map_err(|error| Failure::Unreadable(error.to_string()))
    }
}

impl Answered {
    /// The body as a value.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let read = &mut serde_json::Deserializer::from_slice(&self.body);
        serde_path_to_error::deserialize(read)
            .map_err(|error| Failure::Unreadable(format!("{} at `{}`", error.inner(), error.path())))
    }
}

/// Path and query below the API's root of where a thing is now; none if it is here, or outside of the API.
fn moved(answer: &Answered) -> Option<String> {
    let permanent = [StatusCode::MOVED_PERMANENTLY, StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT];
    if !permanent.contains(&answer.status) {
        return None;
    }
    Some(below_root(&Url::parse(answer.headers.get(header::LOCATION)?.to_str().ok()?).ok()?))
}

fn below_root(url: &Url) -> String {
    let path = url.path().strip_prefix("/api/v3").unwrap_or(url.path());
    url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// Path and query of the page after this one.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let links = headers.get(header::LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    Some(below_root(&Url::parse(next.trim().strip_prefix('<')?.split_once('>')?.0).ok()?))
}

impl From<octocrab::Error> for Failure {
    fn from(error: octocrab::Error) -> Self {
        if let octocrab::Error::GitHub { source, .. } = error {
            let headers = source.headers.clone().unwrap_or_default();
            let body = json!({"message": source.message, "errors": source.errors}).to_string();
            return Self::answered(source.status_code, &headers, body.as_bytes());
        }
        let mut innermost: &dyn std::error::Error = &error;
        while let Some(source) = innermost.source() {
            if let Some(exhausted) = source.downcast_ref::<Exhausted>() {
                return Self::Exhausted { who: exhausted.who.clone(), wait: exhausted.wait, advice: None };
            }
            innermost = source;
        }
        if matches!(error, octocrab::Error::JWT { .. }) {
            return Self::Credentials(format!(
                "the private key of the GitHub App cannot be used ({innermost}); give it as GitHub made it, a PEM text that begins with `-----BEGIN RSA PRIVATE KEY-----`"
            ));
        }
        Self::Unreachable(innermost.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cannot_leave_their_place() {
        assert_eq!(path(["repos", "acme", "a b", "contents", "x/y?z#"]), "/repos/acme/a%20b/contents/x%2Fy%3Fz%23");
        let call = Call::get(["user"]).query([("q", "a b")]).query([("page", "2")]);
        assert_eq!(call.path, "/user?q=a+b&page=2");
    }

    #[test]
    fn the_next_page_is_found_on_every_host() {
        let of = |link: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LINK, HeaderValue::from_static(link));
            next_page(&headers)
        };
        let link = "<https://api.github.com/user/repos?page=3&per_page=100>; rel=\"next\", <https://api.github.com/user/repos?page=50>; rel=\"last\"";
        assert_eq!(of(link).as_deref(), Some("/user/repos?page=3&per_page=100"));
        assert_eq!(
            of("<https://ghe.acme.example/api/v3/orgs/acme/repos?page=2>; rel=\"next\"").as_deref(),
            Some("/orgs/acme/repos?page=2")
        );
        assert_eq!(of("<https://api.github.com/user/repos?page=1>; rel=\"prev\""), None);
    }
}
