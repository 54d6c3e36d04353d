//! `registries`: a list of registries, with what the portal signs in with and what it may give on.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::Login;

/// What a registry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// GitHub's container registry: images come to be with their first push.
    Ghcr,
    /// Harbor: projects, quotas, robot accounts.
    Harbor,
    /// Amazon's, or one that is like it: repositories are made with its own tools.
    Ecr,
    /// Any other.
    Oci,
}

/// One of `registries`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegistryConfig {
    /// What templates call it.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its address: `https://harbor.acme.example`.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// The same without `https://`, as images have it.
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// The project (Harbor), owner (GHCR) or first part of the path of images that name none.
    #[serde(default, alias = "owner")]
    pub(crate) project: Option<String>,
    /// Who the portal is there.
    #[serde(default)]
    username: Option<String>,
    /// The password.
    #[serde(default)]
    password: Option<SecretString>,
    /// What stands for both.
    #[serde(default)]
    token: Option<SecretString>,
    /// What clusters are given, where the registry makes no accounts of its own.
    #[serde(default)]
    pub(crate) pull: Option<Credentials>,
    /// What pipelines are given, likewise.
    #[serde(default)]
    pub(crate) push: Option<Credentials>,
}

/// A name with a password, or a token.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Credentials {
    /// Who.
    #[serde(default)]
    username: Option<String>,
    /// The password.
    #[serde(default)]
    password: Option<SecretString>,
    /// What stands for both.
    #[serde(default)]
    token: Option<SecretString>,
}

impl Kind {
    /// The name that goes with a token.
    fn token_user(self) -> &'static str {
        match self {
            // Amazon's tokens are passwords of this user.
            Self::Ecr => "AWS",
            // GitHub looks at the token alone.
            Self::Ghcr | Self::Harbor | Self::Oci => "token",
        }
    }
}

impl Credentials {
    /// None where nothing is written; `Err`: what is missing.
    pub(super) fn login(&self, kind: Kind) -> Result<Option<Login>, String> {
        let is_given =
            |secret: &Option<SecretString>| secret.as_ref().is_some_and(|one| !one.expose_secret().is_empty());
        let username = self.username.as_deref().map(str::trim).filter(|name| !name.is_empty());
        match (username, &self.password, &self.token) {
            (_, Some(_), Some(_)) if is_given(&self.password) && is_given(&self.token) => {
                Err("has both `password` and `token`; leave one out".to_owned())
            }
            (user, _, Some(token)) if is_given(&self.token) => {
                let username = user.unwrap_or(kind.token_user()).to_owned();
                Ok(Some(Login { username, password: token.clone() }))
            }
            (Some(user), Some(password), _) if is_given(&self.password) => {
                Ok(Some(Login { username: user.to_owned(), password: password.clone() }))
            }
            (Some(user), ..) => Err(format!("has the `username` {user} without a `password`")),
            (None, Some(_), _) if is_given(&self.password) => Err("has a `password` without a `username`".to_owned()),
            (None, ..) => Ok(None),
        }
    }
}

impl RegistryConfig {
    /// What the portal signs in with.
    pub(super) fn login(&self) -> Result<Option<Login>, String> {
        let (username, password, token) = (self.username.clone(), self.password.clone(), self.token.clone());
        Credentials { username, password, token }.login(self.kind)
    }

    /// The address without path, with a slash at the end.
    pub(super) fn address(&self) -> Result<Url, String> {
        if self.name.trim().is_empty() {
            return Err("`name` is empty".to_owned());
        }
        let (key, text) = match (&self.url, &self.host, self.kind) {
            (Some(_), Some(_), _) => return Err("has both `url` and `host`; leave one out".to_owned()),
            (Some(url), None, _) => ("url", url.clone()),
            (None, Some(host), _) => ("host", format!("https://{host}")),
            (None, None, Kind::Ghcr) => ("host", "https://ghcr.io".to_owned()),
            (None, None, _) => return Err("needs a `url`, as in https://registry.acme.example".to_owned()),
        };
        let mut url = Url::parse(&text).map_err(|error| format!("`{key}`: {text} is no address: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{key}`: {text} begins with neither https:// nor http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("`{key}`: a name or password belongs in `username` and `password`"));
        }
        if !url.path().trim_matches('/').is_empty() {
            return Err(format!("`{key}`: {text} has a path; images begin with the host alone, the rest is `project`"));
        }
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        Ok(url)
    }
}
