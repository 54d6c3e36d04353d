//! The way of every request to GitHub: under octocrab, over the process's HTTP client.
//!
//! A request takes its place in the [`Pace`], waits for a free line, goes out, and is sent again where that is safe: a
//! reading request or one that says the same thing twice after a broken connection or a 5xx, any request after an
//! answer that says GitHub did not act (a secondary limit, an exhausted budget). A reading request carries the `ETag` of
//! the answer that is remembered, and a 304 gives that one.
//!
//! Nothing waits longer than its patience: what would is refused with the time at which it can be asked again.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use octocrab::OctoBody;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower::Service;
use url::Url;

use super::config::Endpoints;
use super::memory::{Kept, Memory};
use super::pace::{Budget, Pace, Tempo};

type BoxError = Box<dyn Error + Send + Sync>;

/// Requests of one credential that are under way at once. GitHub allows a hundred, and asks for few.
const READS: usize = 12;
const WRITES: usize = 4;
/// How often one request is sent.
const TRIES: u32 = 4;
/// The first wait before another try is a second by so much, doubled each time.
const BACKOFF: u32 = 5;
/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request waits for its turn: a reader has a schedule of its own, a writer is in the middle of something.
const READ_PATIENCE: u32 = 30;
const WRITE_PATIENCE: u32 = 65 * 60;
/// GitHub's names of its budgets.
const CORE: &str = "core";
const GRAPHQL: &str = "graphql";
/// The largest answer that is read.
const MOST: usize = 64 * 1024 * 1024;

/// Marks a request that may be sent twice although its method does not say so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repeatable;

/// GitHub takes nothing for so long.
#[derive(Debug, thiserror::Error)]
#[error("GitHub takes no more requests of {who} for {} s", wait.as_secs())]
pub(super) struct Exhausted {
    pub(super) who: String,
    pub(super) wait: Duration,
}

/// One credential's way to GitHub. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Wire(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    endpoints: Endpoints,
    /// Whose requests these are, for people and metrics.
    who: String,
    pace: Pace,
    memory: Memory,
    reads: Semaphore,
    writes: Semaphore,
}

/// A request that can be sent again.
struct Ready {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    content: bool,
    repeatable: bool,
    graphql: bool,
}

impl Ready {
    /// The budget that it is counted in.
    fn resource(&self) -> &'static str {
        if self.graphql { GRAPHQL } else { CORE }
    }
}

impl Wire {
    pub(super) fn new(http: reqwest::Client, endpoints: Endpoints, who: String, tempo: Tempo) -> Self {
        Self(Arc::new(Inner {
            http,
            endpoints,
            who,
            pace: Pace::new(tempo),
            memory: Memory::new(),
            reads: Semaphore::new(READS),
            writes: Semaphore::new(WRITES),
        }))
    }

    /// Whose requests these are.
    pub(super) fn who(&self) -> &str {
        &self.0.who
    }

    /// What GitHub calls a second.
    pub(super) fn second(&self) -> Duration {
        self.0.pace.tempo().second
    }

    /// What the last answers said is left, by resource.
    pub(super) fn budgets(&self) -> Vec<(String, Budget)> {
        self.0.pace.budgets()
    }
}

impl Service<Request<OctoBody>> for Wire {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let wire = Arc::clone(&self.0);
        Box::pin(async move {
            let ready = wire.ready(request).await?;
            let lines = if ready.content { &wire.writes } else { &wire.reads };
            let _line = lines.acquire().await?;
            Ok(wire.answered(&ready).await?.map(Full::new))
        })
    }
}

impl Inner {
    async fn ready(&self, request: Request<OctoBody>) -> Result<Ready, BoxError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let graphql = parts.uri.path() == "/graphql";
        let url = if graphql {
            self.endpoints.graphql.clone()
        } else {
            Url::parse(&format!("{}{path}", self.endpoints.api.as_str().trim_end_matches('/')))?
        };
        let token = path.ends_with("/access_tokens");
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        Ok(Ready {
            content: !reads && !token && !graphql,
            graphql,
            repeatable: reads
                || token
                || matches!(parts.method, Method::PUT | Method::DELETE)
                || parts.extensions.get::<Repeatable>().is_some(),
            method: parts.method,
            url,
            headers: parts.headers,
            body: body.collect().await?.to_bytes(),
        })
    }

    async fn answered(&self, ready: &Ready) -> Result<Response<Bytes>, BoxError> {
        let tempo = self.pace.tempo();
        let patience = tempo.seconds(if ready.content { WRITE_PATIENCE } else { READ_PATIENCE });
        let deadline = Instant::now() + patience;
        let mut tries = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let taken = self.pace.take(Instant::now(), ready.resource(), ready.content, left);
            let wait = taken.map_err(|wait| Exhausted { who: self.who.clone(), wait })?;
            if !wait.is_zero() {
                tracing::debug!(who = %self.who, wait_ms = wait.as_millis(), "waiting for GitHub's rate limit");
                tokio::time::sleep(wait).await;
            }
            tries += 1;
            let again = tries < TRIES;
            let answer = match tokio::time::timeout(TIMEOUT, self.sent(ready)).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs()).into()),
            };
            match answer {
                Ok(answer) => {
                    let limited = limited(&answer, ready.graphql, tempo);
                    if let Some(Limited::All(wait)) = limited {
                        self.pace.close(Instant::now(), wait);
                    }
                    if limited.is_some() {
                        // GitHub did not act: anything may be asked again.
                        if again {
                            continue;
                        }
                    } else if answer.status().is_server_error() && ready.repeatable && again {
                        tokio::time::sleep(backoff(tempo, tries)).await;
                        continue;
                    }
                    return Ok(answer);
                }
                Err(error) if ready.repeatable && again => {
                    tracing::debug!(who = %self.who, %error, "asking GitHub again");
                    tokio::time::sleep(backoff(tempo, tries)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a request once and reads the whole answer.
    async fn sent(&self, ready: &Ready) -> Result<Response<Bytes>, BoxError> {
        let key = (ready.method == Method::GET).then(|| {
            let accept = ready.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
            format!("{} {accept}", ready.url)
        });
        let kept = key.as_deref().and_then(|key| self.memory.get(key));
        if let Some(kept) = kept.clone().filter(|_| is_immutable(ready.url.path())) {
            return Ok(response(kept.status, kept.headers, kept.body));
        }
        let mut request = self.http.request(ready.method.clone(), ready.url.clone()).headers(ready.headers.clone());
        if !ready.body.is_empty() {
            request = request.body(ready.body.clone());
        }
        if let Some(kept) = &kept {
            request = request.header(header::IF_NONE_MATCH, kept.etag.clone());
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        self.learn(status, &headers);
        if let (StatusCode::NOT_MODIFIED, Some(kept)) = (status, kept) {
            return Ok(response(kept.status, kept.headers, kept.body));
        }
        let body = whole(answer).await?;
        if let (Some(key), Some(etag), StatusCode::OK) = (key, headers.get(header::ETAG), status) {
            let kept = Kept { etag: etag.clone(), status, headers: headers.clone(), body: body.clone() };
            self.memory.keep(key, kept);
        }
        Ok(response(status, headers, body))
    }

    /// Notes what an answer says of the budget.
    fn learn(&self, status: StatusCode, headers: &HeaderMap) {
        let host = self.endpoints.host.clone();
        metrics::counter!("github_requests_total", "host" => host.clone(), "account" => self.who.clone(), "status" => status.as_str().to_owned())
            .increment(1);
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
        let (limit, remaining, reset) =
            (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"));
        let resource = headers.get("x-ratelimit-resource").and_then(|name| name.to_str().ok()).unwrap_or(CORE);
        if let (Some(limit), Some(remaining), Some(reset)) = (limit, remaining, reset) {
            #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
            metrics::gauge!("github_rate_limit_remaining", "host" => host, "account" => self.who.clone(), "resource" => resource.to_owned())
                .set(remaining as f64);
            let count = |number: i64| u64::try_from(number).unwrap_or_default();
            let budget = Budget { limit: count(limit), remaining: count(remaining), reset };
            let wait = self.pace.tempo().seconds(seconds_until(reset, headers));
            self.pace.learn(Instant::now(), resource, budget, wait);
        }
    }
}

/// How an answer says that it refuses for a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limited {
    /// A secondary limit: nothing at all for so long.
    All(Duration),
    /// The budget of the request is used up, until when its numbers say.
    Budget,
}

/// Whether an answer refuses for a limit. GraphQL says so of its budget in an answer that succeeds.
fn limited(answer: &Response<Bytes>, graphql: bool, tempo: Tempo) -> Option<Limited> {
    let number = |name: HeaderName| answer.headers().get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    let is_used_up = number(HeaderName::from_static("x-ratelimit-remaining")) == Some(0);
    let status = answer.status();
    if graphql && status == StatusCode::OK {
        let refuses = is_used_up && is_rate_limited(answer.body());
        return refuses.then_some(Limited::Budget);
    }
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    if let Some(seconds) = number(header::RETRY_AFTER) {
        return Some(Limited::All(tempo.seconds(seconds.max(1))));
    }
    if is_used_up {
        return Some(Limited::Budget);
    }
    // A secondary limit without a time: GitHub asks for a minute.
    let secondary = status == StatusCode::TOO_MANY_REQUESTS || says_secondary(answer.body());
    secondary.then(|| Limited::All(tempo.seconds(60)))
}

/// Whether the errors of a GraphQL answer are that its budget is used up.
fn is_rate_limited(body: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = |error: &Value| error["type"].as_str().is_some_and(|kind| kind.starts_with("RATE_LIMIT"));
    json["errors"].as_array().is_some_and(|errors| errors.iter().any(kind))
}

/// Whether an answer names a secondary limit in its message only.
fn says_secondary(body: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    json["message"].as_str().is_some_and(|message| message.contains("secondary rate limit"))
}

/// The seconds until a moment of GitHub's clock, as an answer tells that clock; an hour at most.
fn seconds_until(reset: i64, headers: &HeaderMap) -> u32 {
    let now = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let now = now.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok()).map(|date| date.timestamp());
    let now = now.unwrap_or_else(|| chrono::Utc::now().timestamp());
    u32::try_from(reset.saturating_sub(now).clamp(1, 3600)).unwrap_or(1)
}

/// Whether a path names a Git object by its id: what that is never changes.
fn is_immutable(path: &str) -> bool {
    let mut segments = path.rsplit('/');
    let id = segments.next().is_some_and(|id| id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let object = segments.next().is_some_and(|kind| matches!(kind, "trees" | "blobs" | "commits"));
    id && object && segments.next() == Some("git")
}

fn backoff(tempo: Tempo, tries: u32) -> Duration {
    (tempo.second / BACKOFF).saturating_mul(1 << tries.saturating_sub(1).min(6))
}

fn response(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

async fn whole(answer: reqwest::Response) -> Result<Bytes, BoxError> {
    let mut stream = answer.bytes_stream();
    let mut body = Vec::new();
    while let Some(part) = stream.try_next().await? {
        if body.len() + part.len() > MOST {
            return Err(format!("the answer is larger than {} MiB", MOST / 1024 / 1024).into());
        }
        body.extend_from_slice(&part);
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_in_many_ways() {
        let budget = r#"{"data":null,"errors":[{"type":"RATE_LIMIT","message":"API rate limit already exceeded"}]}"#;
        let missing = r#"{"data":{"x":null},"errors":[{"type":"NOT_FOUND","message":"no x"}]}"#;
        let secondary = r#"{"message":"You have exceeded a secondary rate limit. Please wait."}"#;
        let denied = r#"{"message":"Resource not accessible by integration"}"#;
        let minute = Some(Limited::All(Duration::from_mins(1)));
        let cases = [
            (false, 403, "x-ratelimit-remaining", "0", "{}", Some(Limited::Budget)),
            (false, 403, "x-ratelimit-remaining", "7", denied, None),
            (false, 403, "retry-after", "5", "{}", Some(Limited::All(Duration::from_secs(5)))),
            (false, 403, "x-ratelimit-remaining", "7", secondary, minute),
            (false, 429, "x-ratelimit-remaining", "7", "{}", minute),
            (false, 200, "x-ratelimit-remaining", "0", "{}", None),
            (true, 200, "x-ratelimit-remaining", "0", budget, Some(Limited::Budget)),
            (true, 200, "x-ratelimit-remaining", "0", missing, None),
            (true, 200, "x-ratelimit-remaining", "9", missing, None),
        ];
        for (graphql, status, name, value, body, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
            let answer = response(StatusCode::from_u16(status).unwrap(), headers, Bytes::from_static(body.as_bytes()));
            assert_eq!(limited(&answer, graphql, Tempo::default()), expected, "{status} {name}: {value} {body}");
        }
    }
}
