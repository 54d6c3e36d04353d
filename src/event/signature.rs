//! Who signed a webhook: one of a forge's Apps, or whoever has the general secret.

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::EventError;
use crate::forge::{Forges, is_signed};

/// Where secrets for webhooks stand.
const PLACES: &str = "integrations.github[].apps[].webhookSecret` or `events.modules.github.webhookSecret";

/// The forges that may have sent something, by host; there is at least one.
#[derive(Debug)]
pub(super) struct Signers(Vec<String>);

impl Signers {
    /// The one that something came from, which has addresses of a host in it.
    pub(super) fn of(self, host: Option<&str>) -> String {
        let named = host.and_then(|host| self.0.iter().find(|known| known.eq_ignore_ascii_case(host)).cloned());
        named.or_else(|| self.0.into_iter().next()).unwrap_or_default()
    }
}

/// The forges whose secrets fit a signature.
pub(super) fn signers(
    forges: &Forges,
    secret: Option<&SecretString>,
    body: &[u8],
    signature: Option<&str>,
) -> Result<Signers, EventError> {
    let mut has_secret = secret.is_some();
    let fits_all = secret.is_some_and(|secret| is_signed(secret, body, signature.unwrap_or_default()));
    let mut signers = Vec::new();
    for github in forges.iter().filter_map(|forge| Some((forge.host().to_owned(), forge.github()?))) {
        let (host, github) = github;
        let by_app = github.signed(body, signature.unwrap_or_default());
        has_secret |= by_app.is_some();
        if fits_all || by_app == Some(true) {
            signers.push(host);
        }
    }
    match signature {
        _ if !has_secret => Err(EventError::NoSecret(PLACES)),
        None => Err(EventError::Unsigned(PLACES)),
        Some(_) if signers.is_empty() => Err(EventError::WrongSignature(PLACES)),
        Some(_) => Ok(Signers(signers)),
    }
}

/// What tells one payload from every other.
pub(super) fn digest(payload: &[u8]) -> String {
    hex::encode(Sha256::digest(payload))
}
