//! Names of images, as the distribution API allows them: `acme/web`, in lower case, without host and tag.

use std::fmt;

/// Longest name together with a host, as most registries have it.
const LONGEST: usize = 200;
/// Longest tag.
const LONGEST_TAG: usize = 128;

/// The path of an image within its registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct ImageName(String);

impl ImageName {
    /// Checks a path; `Err`: what is wrong with it.
    pub(crate) fn parse(path: &str) -> Result<Self, String> {
        let path = path.trim_matches('/');
        let part = |part: &str| {
            let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
            part.starts_with(is_plain)
                && part.ends_with(is_plain)
                && part.chars().all(|letter| is_plain(letter) || matches!(letter, '.' | '_' | '-'))
                && !part.contains("..")
        };
        if path.is_empty() || path.len() > LONGEST || !path.split('/').all(part) {
            return Err(format!(
                "`{path}` is no name of an image: parts of lower-case letters, digits and single . _ - inside, with / between, up to {LONGEST} in all"
            ));
        }
        Ok(Self(path.to_owned()))
    }

    /// `acme/web`
    pub(crate) fn path(&self) -> &str {
        &self.0
    }

    /// `acme`, where there is more than one part.
    pub(crate) fn project(&self) -> Option<&str> {
        self.0.split_once('/').map(|(project, _)| project)
    }

    /// `web`: all after the first part.
    pub(crate) fn within(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(_, rest)| rest)
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text can be a tag.
pub(super) fn is_tag(text: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.len() <= LONGEST_TAG
        && text.starts_with(is_word)
        && text.chars().all(|letter| is_word(letter) || matches!(letter, '.' | '-'))
}

/// Whether a text can be a digest of the only algorithm that is in use.
pub(super) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The host and the path of an image as manifests write it: `harbor.acme.example/acme/web:1.0`. None where it names no
/// host: that is one of Docker's own hub.
pub(crate) fn split(image: &str) -> Option<(&str, ImageName)> {
    let (host, rest) = image.split_once('/')?;
    if !host.contains(['.', ':']) && host != "localhost" {
        return None;
    }
    let rest = rest.split('@').next().unwrap_or(rest);
    let path = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => path,
        _ => rest,
    };
    Some((host, ImageName::parse(path).ok()?))
}
