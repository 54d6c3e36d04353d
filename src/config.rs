//! Configuration: Backstage's `app-config.yaml`, read once at start.
//!
//! Flow: files → `$include`, `$file`, `$env`, `${VAR}` resolved in each (`substitute.rs`) → merged, later files
//! over earlier ones (`load.rs`) → `APP_CONFIG_…` variables over all → typed sections. Every context defines its
//! own section; this module is only their sum. Invariants: the process environment is read here and nowhere
//! else; a key that no section knows is a warning that names its path; a wrong value is an error that names it.

mod load;
mod redact;
mod sections;
mod substitute;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use redact::redacted;
pub(crate) use sections::{
    AppSection, AuthSection, BackendSection, Connection, IntegrationsSection, OrganizationSection, parse_host,
};

use crate::catalog::CatalogConfig;
use crate::cluster::KubernetesConfig;
use crate::delivery::{ArgoConfig, DeliveryConfig, Environment};
use crate::event::EventsConfig;
use crate::registry::RegistryConfig;
use crate::scaffolder::ScaffolderConfig;

/// Names of files read from the working folder when no `--config` is given; the last wins.
pub(crate) const DEFAULT_FILES: [&str; 2] = ["app-config.yaml", "app-config.local.yaml"];

/// The typed configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Config {
    /// Title of the portal.
    pub(crate) app: AppSection,
    /// The organisation it serves.
    pub(crate) organization: OrganizationSection,
    /// Address, database, CORS, authentication of API calls.
    pub(crate) backend: BackendSection,
    /// Sign-in.
    pub(crate) auth: AuthSection,
    /// Where repositories are, beside the local forge.
    pub(crate) integrations: IntegrationsSection,
    /// Sources of the catalog and their rules.
    pub(crate) catalog: CatalogConfig,
    /// What forges tell by webhooks.
    pub(crate) events: EventsConfig,
    /// Defaults and limits of runs.
    pub(crate) scaffolder: ScaffolderConfig,
    /// Where services run, in the order of promotion.
    pub(crate) environments: Environments,
    /// The clusters they run on.
    pub(crate) kubernetes: KubernetesConfig,
    /// Where images and charts are kept.
    pub(crate) registries: Vec<RegistryConfig>,
    /// What deploys them.
    pub(crate) argocd: ArgoConfig,
    /// How versions are brought from one environment to the next.
    pub(crate) delivery: DeliveryConfig,
}

/// The environments section; three of them where configuration names none.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Environments(pub(crate) Vec<Environment>);

impl Default for Environments {
    fn default() -> Self {
        Self(Environment::defaults())
    }
}

/// What was read, from where, and what looked wrong about it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The typed sections.
    pub(crate) config: Config,
    /// The merged document, for `greenroom config`; not redacted.
    pub(crate) document: Value,
    /// Files read, in order.
    pub(crate) files: Vec<PathBuf>,
    /// Keys that nothing reads, and values that were left undefined.
    pub(crate) warnings: Vec<String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read configuration file {}: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A file is not YAML.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// 1-based line.
        line: u32,
        /// 1-based column.
        column: u32,
        /// What the parser said.
        message: String,
    },
    /// `$include`, `$file`, `$env` or `${…}` cannot be resolved.
    #[error("{}: `{key}`: {message}", path.display())]
    Substitution {
        /// Which file.
        path: PathBuf,
        /// Dotted path of the value.
        key: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A value has the wrong shape.
    #[error("configuration `{key}`: {message}")]
    Value {
        /// Dotted path of the value.
        key: String,
        /// What was expected.
        message: String,
    },
}

/// Reads `files` (or the default ones that exist in the working folder) with this process's environment.
pub(crate) fn load(files: &[PathBuf]) -> Result<Loaded, ConfigError> {
    load_in(Path::new("."), files, &process_environment())
}

/// Reads with a given working folder and environment.
pub(crate) fn load_in(
    folder: &Path,
    files: &[PathBuf],
    environment: &std::collections::BTreeMap<String, String>,
) -> Result<Loaded, ConfigError> {
    let files = if files.is_empty() {
        DEFAULT_FILES.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect()
    } else {
        files.to_vec()
    };
    let mut warnings = Vec::new();
    let mut document = Value::Object(Map::new());
    for file in &files {
        let read = load::file(file, environment, &mut warnings)?;
        load::merge(&mut document, read);
    }
    load::merge(&mut document, load::from_variables(environment)?);
    let config = typed(&document, &mut warnings)?;
    Ok(Loaded { config, document, files, warnings })
}

/// The environment of this process. Variables that are not Unicode are left out.
pub(crate) fn process_environment() -> std::collections::BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn typed(document: &Value, warnings: &mut Vec<String>) -> Result<Config, ConfigError> {
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(document, &mut track);
    let config = serde_ignored::deserialize(deserializer, &mut note);
    let config =
        config.map_err(|error| ConfigError::Value { key: track.path().to_string(), message: error.to_string() })?;
    warnings.extend(
        unknown
            .into_iter()
            .filter(|key| !sections::is_known_elsewhere(key))
            .map(|key| format!("configuration `{key}` is not a key that Greenroom reads; is it misspelt?")),
    );
    Ok(config)
}

#[cfg(test)]
mod tests;
