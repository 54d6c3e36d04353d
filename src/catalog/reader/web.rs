//! HTTP reads of descriptors: only to allowed hosts, never into a private network by accident.
//!
//! The rules are asked for the URL, for every redirect, and for the addresses that the name has when the connection is
//! made: the resolver itself refuses, so a name cannot change its meaning in between. A host that is allowed as
//! `localhost` or as a written address may be private; another name only with `privateAddresses: true`.
//! A body that the server calls unchanged (`ETag`, 304) comes from a small memory.

mod guard;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Client, Response, StatusCode, header, redirect};
use url::{Host, Url};

use self::guard::{Guard, Refused, is_private};
use super::{Fetched, ReadError, content_version, within_file_limit};
use crate::catalog::config::{AllowedHost, ReadingRules};

const MAX_REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// How much unchanged content is remembered.
const MAX_REMEMBERED_BYTES: usize = 32 * 1024 * 1024;

/// The reader of URLs that no forge knows.
#[derive(Debug)]
pub(super) struct Web {
    rules: ReadingRules,
    /// Made on first use: loading the system's certificates takes longer than everything else at the start.
    client: OnceLock<Client>,
    remembered: Mutex<HashMap<String, Remembered>>,
}

#[derive(Debug, Clone)]
struct Remembered {
    etag: String,
    bytes: Bytes,
}

impl Web {
    pub(super) fn new(rules: ReadingRules) -> Self {
        Self { rules, client: OnceLock::new(), remembered: Mutex::default() }
    }

    pub(super) async fn read(&self, url: &Url) -> Result<Fetched, ReadError> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.permit(&url)?;
            let remembered = self.recall(&url);
            let response = self.get(&url, remembered.as_ref()).await?;
            let status = response.status();
            match (status, remembered) {
                (StatusCode::NOT_MODIFIED, Some(known)) => {
                    return Ok(Fetched { bytes: known.bytes, version: known.etag });
                }
                (StatusCode::NOT_FOUND | StatusCode::GONE, _) => return Err(ReadError::NotFound(url.into())),
                _ if status.is_redirection() => url = redirect_target(&url, &response)?,
                _ if status.is_success() => return self.take(&url, response).await,
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

    async fn get(&self, url: &Url, known: Option<&Remembered>) -> Result<Response, ReadError> {
        let mut request = self.client()?.get(url.clone());
        if let Some(known) = known {
            request = request.header(header::IF_NONE_MATCH, &known.etag);
        }
        request.send().await.map_err(|error| network(url, &error))
    }

    /// Reads a body up to the limit, and remembers it if it has an `ETag`.
    async fn take(&self, url: &Url, mut response: Response) -> Result<Fetched, ReadError> {
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        if let Some(length) = response.content_length() {
            within_file_limit(usize::try_from(length).unwrap_or(usize::MAX), url.as_str())?;
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| network(url, &error))? {
            body.extend_from_slice(&chunk);
            within_file_limit(body.len(), url.as_str())?;
        }
        let bytes = body.freeze();
        let Some(etag) = etag else {
            let version = content_version(&bytes);
            return Ok(Fetched { bytes, version });
        };
        self.remember(url, Remembered { etag: etag.clone(), bytes: bytes.clone() });
        Ok(Fetched { bytes, version: etag })
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
            .timeout(TOTAL_TIMEOUT)
            .no_proxy()
            .dns_resolver(Guard { rules: self.rules.clone() })
            .build()
            .map_err(|error| ReadError::Unsupported(format!("cannot set up HTTP: {}", Sources(&error))))?;
        Ok(self.client.get_or_init(|| built))
    }

    fn recall(&self, url: &Url) -> Option<Remembered> {
        self.remembered.lock().ok()?.get(url.as_str()).cloned()
    }

    fn remember(&self, url: &Url, content: Remembered) {
        let Ok(mut remembered) = self.remembered.lock() else {
            return;
        };
        let total: usize = remembered.values().map(|known| known.bytes.len()).sum();
        if total + content.bytes.len() > MAX_REMEMBERED_BYTES {
            remembered.clear();
        }
        remembered.insert(url.as_str().to_owned(), content);
    }
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
