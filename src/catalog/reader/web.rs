//! HTTP reads of descriptors: only to allowed hosts, never into a private network by accident.
//!
//! The rules are asked for the URL, for every redirect, and for the addresses that the name has when the connection is
//! made: the resolver itself refuses, so a name cannot change its meaning in between. A host that is allowed as
//! `localhost` or as a written address may be private; another name only with `privateAddresses: true`.
//! What was read has a stamp, its `ETag` or `Last-Modified`: asked for again with it, a server that has nothing new
//! answers 304 and sends no body.

mod guard;

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::BytesMut;
use reqwest::{Client, Response, StatusCode, header, redirect};
use url::{Host, Url};

use self::guard::{Guard, Refused, is_private};
use super::{Fetched, ReadError, content_version, within_file_limit};
use crate::catalog::config::{AllowedHost, ReadingRules};

const MAX_REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// What a stamp starts with.
const ETAG: &str = "etag";
const MODIFIED: &str = "modified";

/// The reader of URLs that no forge knows.
#[derive(Debug)]
pub(super) struct Web {
    rules: ReadingRules,
    /// Made on first use: loading the system's certificates takes longer than everything else at the start.
    client: OnceLock<Client>,
}

impl Web {
    pub(super) fn new(rules: ReadingRules) -> Self {
        Self { rules, client: OnceLock::new() }
    }

    /// Reads a URL; none if it is still what the stamp was made for. The deadline is for everything, redirects too.
    pub(super) async fn read(&self, url: &Url, stamp: Option<&str>) -> Result<Option<Fetched>, ReadError> {
        let reading = tokio::time::timeout(self.rules.timeout.0, self.follow(url.clone(), stamp));
        reading.await.unwrap_or_else(|_| {
            let limit = self.rules.timeout.0.as_secs_f64();
            let reason =
                format!("it took longer than {limit} seconds, which is the limit at 'backend.reading.timeout'");
            Err(ReadError::Network { url: url.as_str().to_owned(), reason })
        })
    }

    async fn follow(&self, mut url: Url, stamp: Option<&str>) -> Result<Option<Fetched>, ReadError> {
        for _ in 0..=MAX_REDIRECTS {
            self.permit(&url)?;
            let response = self.get(&url, stamp).await?;
            let status = response.status();
            match status {
                StatusCode::NOT_MODIFIED if stamp.is_some() => return Ok(None),
                StatusCode::NOT_FOUND | StatusCode::GONE => return Err(ReadError::NotFound(url.into())),
                _ if status.is_redirection() => url = redirect_target(&url, &response)?,
                _ if status.is_success() => return take(&url, response).await.map(Some),
                _ => {
                    return Err(ReadError::Status { url: url.into(), status: status.to_string() });
                }
            }
        }
        Err(ReadError::Network { url: url.into(), reason: format!("more than {MAX_REDIRECTS} redirects") })
    }

    /// Refuses a URL that the rules do not allow, or whose written address is private.
    fn permit(&self, url: &Url) -> Result<(), ReadError> {
        let refused = || ReadError::NotAllowed(url.as_str().to_owned());
        let rule = self.rules.allow.iter().find(|rule| allows(rule, url)).ok_or_else(refused)?;
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        // A written address is allowed by the same address in the rule, never by a wildcard.
        if is_private(address) && rule.host.starts_with("*.") { Err(refused()) } else { Ok(()) }
    }

    async fn get(&self, url: &Url, stamp: Option<&str>) -> Result<Response, ReadError> {
        let mut request = self.client()?.get(url.clone());
        match stamp.and_then(|stamp| stamp.split_once(' ')) {
            Some((ETAG, etag)) => request = request.header(header::IF_NONE_MATCH, etag),
            Some((MODIFIED, time)) => request = request.header(header::IF_MODIFIED_SINCE, time),
            _ => {}
        }
        request.send().await.map_err(|error| network(url, &error))
    }

    fn client(&self) -> Result<&Client, ReadError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let built = Client::builder()
            .user_agent(concat!("greenroom/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .no_proxy()
            .dns_resolver(Guard { rules: self.rules.clone() })
            .build()
            .map_err(|error| ReadError::Unsupported(format!("cannot set up HTTP: {}", Sources(&error))))?;
        Ok(self.client.get_or_init(|| built))
    }
}

/// Reads a body up to the limit.
async fn take(url: &Url, mut response: Response) -> Result<Fetched, ReadError> {
    if let Some(length) = response.content_length() {
        within_file_limit(usize::try_from(length).unwrap_or(usize::MAX), url.as_str())?;
    }
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let etag = text(header::ETAG);
    let modified = text(header::LAST_MODIFIED);
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| network(url, &error))? {
        within_file_limit(body.len() + chunk.len(), url.as_str())?;
        body.extend_from_slice(&chunk);
    }
    let bytes = body.freeze();
    let stamp = etag.map(|etag| format!("{ETAG} {etag}"));
    let stamp = stamp.or_else(|| modified.map(|time| format!("{MODIFIED} {time}")));
    // The content tells more than a tag: servers behind one name may tag the same file differently.
    Ok(Fetched { version: content_version(&bytes), bytes, stamp })
}

fn redirect_target(from: &Url, response: &Response) -> Result<Url, ReadError> {
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    location.and_then(|location| from.join(location).ok()).ok_or_else(|| ReadError::Status {
        url: from.as_str().to_owned(),
        status: format!("{} without a usable Location header", response.status()),
    })
}

fn network(url: &Url, error: &reqwest::Error) -> ReadError {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = source {
        if let Some(Refused { host, address }) = inner.downcast_ref() {
            return ReadError::PrivateAddress { url: url.as_str().to_owned(), host: host.clone(), address: *address };
        }
        source = inner.source();
    }
    ReadError::Network { url: url.as_str().to_owned(), reason: Sources(error).to_string() }
}

/// An error with everything that caused it, in one line.
struct Sources<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Sources<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(inner) = source {
            write!(formatter, ": {inner}")?;
            source = inner.source();
        }
        Ok(())
    }
}

/// Whether a rule allows a URL: host with port, wildcard, path.
fn allows(rule: &AllowedHost, url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let fits_host = match rule.host.strip_prefix('*') {
        Some(suffix) => with_port.ends_with(suffix) && with_port.len() > suffix.len() && suffix.starts_with('.'),
        None => rule.host.eq_ignore_ascii_case(&with_port),
    };
    let fits_path = |prefix: &String| url.path().starts_with(prefix.as_str());
    fits_host && rule.paths.as_ref().is_none_or(|paths| paths.iter().any(fits_path))
}

#[cfg(test)]
mod tests;
