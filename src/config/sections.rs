//! The sections that belong to the whole process rather than to one context.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use crate::auth::{BackendAuth, Providers};
use crate::catalog::ReadingRules;
use crate::forge::GitHubConfig;
use crate::web::CorsConfig;

/// Port that Backstage's backend uses, too.
pub(crate) const DEFAULT_PORT: u16 = 7007;

/// `app`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AppSection {
    /// Name shown in the header; `Greenroom` without one.
    pub(crate) title: Option<String>,
    /// Address of the front end; the backend's where both are one, as here.
    pub(crate) base_url: Option<Url>,
}

/// `organization`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrganizationSection {
    /// Shown beside the title.
    pub(crate) name: Option<String>,
    /// A Markdown file that everybody is told: an address or a path.
    pub(crate) announcements: Option<String>,
}

/// `integrations`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct IntegrationsSection {
    /// github.com and GitHub Enterprise Servers.
    pub(crate) github: Vec<GitHubConfig>,
}

/// `backend`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BackendSection {
    /// The address people and clients use; `http://localhost:<port>` without one.
    pub(crate) base_url: Option<Url>,
    /// Where to listen.
    pub(crate) listen: Listen,
    /// Which database; the embedded one without a connection.
    pub(crate) database: Database,
    /// Folder for the embedded database, repositories and workspaces; `--data-dir` goes before it.
    pub(crate) data_dir: Option<std::path::PathBuf>,
    /// Origins that may call the API from a browser.
    pub(crate) cors: CorsConfig,
    /// Authentication of API calls.
    pub(crate) auth: BackendAuth,
    /// Hosts that descriptors and skeletons may be read from.
    pub(crate) reading: ReadingRules,
}

/// `backend.listen`: `":7007"`, `"0.0.0.0:7007"` or `{host, port}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen {
    /// Address to bind; loopback by default.
    pub(crate) host: IpAddr,
    /// Port to bind.
    pub(crate) port: u16,
}

/// `backend.database`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Database {
    /// `pg`; anything else is refused.
    pub(crate) client: Option<String>,
    /// A URL, or the parts of one.
    pub(crate) connection: Option<Connection>,
    /// Folder of the Postgres programs for the embedded database.
    pub(crate) bin_dir: Option<std::path::PathBuf>,
}

/// `backend.database.connection`
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Connection {
    /// `postgres://user:password@host:5432/database`
    Url(String),
    /// The same in parts.
    Parts(ConnectionParts),
}

/// The parts of a connection, as the `pg` client names them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ConnectionParts {
    /// Host name or address.
    pub(crate) host: String,
    /// 5432 without one.
    pub(crate) port: Option<PortNumber>,
    /// Role.
    pub(crate) user: String,
    /// Its password.
    pub(crate) password: Option<String>,
    /// Database name; `greenroom` without one.
    pub(crate) database: Option<String>,
}

/// A port that may be written as a text, as `${POSTGRES_PORT}` gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PortNumber(pub(crate) u16);

/// `auth`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthSection {
    /// Sign-in providers by name; the guest on loopback without any.
    pub(crate) providers: Option<Providers>,
    /// How long a session lasts without use; a week without it.
    pub(crate) session_duration: Option<HumanDuration>,
}

/// A duration as Backstage writes it: `{hours: 12}`, with days, minutes, seconds and milliseconds besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HumanDuration(pub(crate) Duration);

impl Default for Listen {
    fn default() -> Self {
        Self { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: DEFAULT_PORT }
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Port(u16),
            Address(String),
            Parts { host: Option<String>, port: Option<PortNumber> },
        }
        let written = Written::deserialize(deserializer)
            .map_err(|_| serde::de::Error::custom("expected \":7007\", \"host:port\" or {host, port}"))?;
        let (host, port) = match written {
            Written::Port(port) => (None, Some(port)),
            Written::Parts { host, port } => (host, port.map(|port| port.0)),
            Written::Address(text) => {
                let (host, port) = text.rsplit_once(':').unwrap_or(("", &text));
                let port = port.parse().map_err(|_| serde::de::Error::custom(format!("`{port}` is no port number")))?;
                // Backstage's ":7007" means every address.
                (Some(if host.is_empty() { "0.0.0.0" } else { host }.to_owned()), Some(port))
            }
        };
        let host = host.as_deref().map_or(Ok(Self::default().host), parse_host).map_err(serde::de::Error::custom)?;
        Ok(Self { host, port: port.unwrap_or(DEFAULT_PORT) })
    }
}

/// An address to bind; `localhost` is loopback.
pub(crate) fn parse_host(text: &str) -> Result<IpAddr, String> {
    match text.trim_start_matches('[').trim_end_matches(']') {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        "*" | "" => Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        address => {
            address.parse().map_err(|_| format!("`{text}` is no address to listen on; use an IP address or localhost"))
        }
    }
}

impl<'de> Deserialize<'de> for PortNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let port = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        port.and_then(|port| u16::try_from(port).ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("{value} is no port number")))
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Units {
            days: f64,
            hours: f64,
            minutes: f64,
            seconds: f64,
            milliseconds: f64,
        }
        let units = Units::deserialize(deserializer)?;
        let hours = units.days.mul_add(24.0, units.hours);
        let seconds = hours.mul_add(3600.0, units.minutes.mul_add(60.0, units.seconds)) + units.milliseconds / 1000.0;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(serde::de::Error::custom)
    }
}

impl ConnectionParts {
    /// The same as a URL.
    pub(crate) fn url(&self) -> Result<Url, url::ParseError> {
        let mut url = Url::parse("postgres://localhost")?;
        url.set_host(Some(&self.host))?;
        let written = url.set_port(self.port.map(|port| port.0)).and_then(|()| url.set_username(&self.user));
        written.and_then(|()| url.set_password(self.password.as_deref())).map_err(|()| url::ParseError::EmptyHost)?;
        url.set_path(self.database.as_deref().unwrap_or("greenroom"));
        Ok(url)
    }
}

/// Sections and keys of Backstage's configuration that Greenroom accepts without reading them, so that an existing
/// file gives no noise.
const ACCEPTED: [&str; 23] = [
    "app.analytics",
    "app.extensions",
    "app.packages",
    "app.routes",
    "app.support",
    "auth.environment",
    "auth.session",
    "backend.auth.keys",
    "backend.cache",
    "backend.csp",
    "backend.https",
    "catalog.import",
    "catalog.processors",
    "catalog.providers",
    "events",
    "integrations",
    "kubernetes",
    "notifications",
    "permission",
    "proxy",
    "search",
    "signals",
    "techdocs",
];

/// Parts of accepted sections that Greenroom reads: what it does not know in them is misspelt.
const READ: [&str; 3] = ["catalog.providers.local.", "events.modules.github.", "integrations.github."];

/// Whether a key that no section reads is still one of Backstage's.
pub(super) fn is_known_elsewhere(key: &str) -> bool {
    !READ.iter().any(|read| key.starts_with(read))
        && ACCEPTED
            .iter()
            .any(|known| key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}
