//! Registries: where images and charts are kept.
//!
//! [`Registries`] knows each one by name, as configuration has them (`config`). Every kind speaks the OCI distribution API
//! (`wire`: requests, tokens and limits; `image`: tags and what is behind them; `artifact`: what is pushed and deleted);
//! a Harbor has an API of its own besides (`harbor`). `chart` packs a chart as Helm does. `shelf` is what a page shows.
//!
//! The models of manifests are those of `oci-client`. Its requests are not used: they have no limit for the size of an
//! answer, cannot delete, and tell errors by address rather than by what to do.
//!
//! Invariants: every call has a time limit and a limit for its answer; a password goes to its registry and to the token
//! service that the registry names, never over plain HTTP where the registry itself is not; it stands in no message.

mod artifact;
mod chart;
mod config;
mod error;
mod harbor;
mod image;
mod name;
mod shelf;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

pub(crate) use self::artifact::Pushed;
pub(crate) use self::chart::Chart;
pub(crate) use self::config::{Kind, RegistryConfig};
pub(crate) use self::error::RegistryError;
pub(crate) use self::harbor::{Harbor, NewProject, NewRobot, Project, Robot, Use};
pub(crate) use self::image::{Content, Facts};
pub(crate) use self::name::{ImageName, split as split_image};
pub(crate) use self::shelf::{Shelf, Tag};

use self::shelf::Shelves;
use self::wire::Wire;

/// Every registry. Cheap to clone.
#[derive(Clone, Default, Debug)]
pub(crate) struct Registries(Arc<Vec<Registry>>);

/// One registry. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Registry(Arc<Inner>);

struct Inner {
    config: RegistryConfig,
    url: Url,
    host: String,
    wire: Wire,
    shelves: Shelves,
}

/// A name and a password, to be given on.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// Who.
    pub(crate) username: String,
    /// With which password.
    pub(crate) password: SecretString,
}

impl Registries {
    /// Whether none is configured.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of the configuration; `Err`: what is wrong with which entry.
    pub(crate) fn open(configs: &[RegistryConfig]) -> Result<Self, String> {
        let mut all: Vec<Registry> = Vec::new();
        for (at, config) in configs.iter().enumerate() {
            let registry = Registry::new(config).map_err(|reason| format!("[{at}]: {reason}"))?;
            if all.iter().any(|one| one.name() == registry.name()) {
                return Err(format!("[{at}]: there are two registries `{}`", registry.name()));
            }
            all.push(registry);
        }
        Ok(Self(Arc::new(all)))
    }

    /// All of them, as configuration orders them.
    pub(crate) fn all(&self) -> &[Registry] {
        &self.0
    }

    /// One by name; the only one where the name is empty.
    pub(crate) fn get(&self, name: &str) -> Result<&Registry, RegistryError> {
        let found = match &self.0[..] {
            [only] if name.is_empty() => Some(only),
            all => all.iter().find(|one| one.name() == name),
        };
        found.ok_or_else(|| {
            let names: Vec<String> = self.0.iter().map(|one| format!("`{}`", one.name())).collect();
            let known =
                if names.is_empty() { "there is none".into() } else { format!("there are {}", names.join(", ")) };
            if name.is_empty() {
                RegistryError::Unsaid { known }
            } else {
                RegistryError::Unknown { name: name.to_owned(), known }
            }
        })
    }

    /// The one that an image of this host is in: `harbor.acme.example`, `127.0.0.1:5000`.
    pub(crate) fn by_host(&self, host: &str) -> Option<&Registry> {
        self.0.iter().find(|one| one.host() == host)
    }
}

impl Registry {
    fn new(config: &RegistryConfig) -> Result<Self, String> {
        let url = config.address()?;
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(format!("`url`: {url} names no host")),
        };
        let wire = Wire::new(&config.name, &url, config.login()?)?;
        Ok(Self(Arc::new(Inner { config: config.clone(), url, host, wire, shelves: Shelves::default() })))
    }

    /// What configuration and templates call it.
    pub(crate) fn name(&self) -> &str {
        &self.0.config.name
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind {
        self.0.config.kind
    }

    /// How images of it begin.
    pub(crate) fn host(&self) -> &str {
        &self.0.host
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &Url {
        &self.0.url
    }

    /// The project or owner that images are in which name none.
    pub(crate) fn project(&self) -> Option<&str> {
        self.0.config.project.as_deref()
    }

    /// What configuration lets be given to clusters, so that they can pull.
    pub(crate) fn pull_login(&self) -> Result<Option<Login>, RegistryError> {
        self.given(self.0.config.pull.as_ref(), "pull")
    }

    /// What configuration lets be given to pipelines, so that they can push.
    pub(crate) fn push_login(&self) -> Result<Option<Login>, RegistryError> {
        self.given(self.0.config.push.as_ref(), "push")
    }

    fn given(&self, written: Option<&config::Credentials>, key: &str) -> Result<Option<Login>, RegistryError> {
        let login = written.map(|written| written.login(self.kind())).transpose();
        let configured = login.map_err(|reason| RegistryError::Configuration {
            registry: self.name().to_owned(),
            reason: format!("`{key}`: {reason}"),
        })?;
        Ok(configured.flatten())
    }

    /// The API of a Harbor; none for the other kinds.
    pub(crate) fn harbor(&self) -> Option<Harbor<'_>> {
        (self.kind() == Kind::Harbor).then_some(Harbor(self))
    }

    /// Whether it answers and takes the credentials that are configured for it.
    pub(crate) async fn check(&self) -> Result<(), RegistryError> {
        self.wire().check().await
    }

    /// The page of an image for people, where the registry has such pages.
    pub(crate) fn page(&self, image: &ImageName) -> Option<String> {
        let path = image.path();
        match self.kind() {
            Kind::Harbor => {
                let (project, rest) = path.split_once('/')?;
                let rest: String = url::form_urlencoded::byte_serialize(rest.as_bytes()).collect();
                Some(format!("{}harbor/projects?name={project}#{rest}", self.url()))
            }
            // The package's own page is below the repository it is linked to, which only GitHub knows.
            Kind::Ghcr => Some(format!("https://{}/{path}", self.host())),
            Kind::Ecr | Kind::Oci => None,
        }
    }

    fn wire(&self) -> &Wire {
        &self.0.wire
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("name", &self.name()).field("kind", &self.kind()).finish_non_exhaustive()
    }
}
