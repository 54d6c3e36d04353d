//! What `app-config.yaml` says about providers: `catalog.providers`.

mod github;

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;
use serde::Deserialize;

pub(crate) use self::github::{
    GitHubProviderConfig, GitHubProviders, OrganizationProviderConfig, OrganizationProviders, RepositoryFilters,
};
use super::schedule::ScheduleConfig;

/// The section `catalog.providers`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProvidersConfig {
    /// Repositories of the local forge, by an id of one's own.
    pub(crate) local: BTreeMap<String, LocalProviderConfig>,
    /// Repositories on GitHub.
    pub(crate) github: GitHubProviders,
    /// People and teams of organisations on GitHub.
    pub(crate) github_org: OrganizationProviders,
    /// The same, with the teams of each organisation in a namespace of their own.
    pub(crate) github_multi_org: OrganizationProviders,
}

/// One of `catalog.providers.local`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LocalProviderConfig {
    /// Only repositories of this owner.
    pub(crate) organization: Option<String>,
    /// The file in each repository.
    pub(crate) catalog_path: CatalogPath,
    /// Which repositories.
    pub(crate) filters: Filters,
    /// When it looks.
    pub(crate) schedule: ScheduleConfig,
}

/// The path of a file, or of several with `*` and `**`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CatalogPath {
    /// Without a slash at the start.
    path: String,
    /// Of a path with wildcards.
    matcher: Option<GlobMatcher>,
}

impl Default for CatalogPath {
    fn default() -> Self {
        Self { path: "catalog-info.yaml".to_owned(), matcher: None }
    }
}

impl CatalogPath {
    /// As it stands in an address.
    pub(crate) fn as_str(&self) -> &str {
        &self.path
    }

    /// The folder that holds the file; none if that can be several.
    pub(crate) fn folder(&self) -> Option<&str> {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.matcher.is_none().then_some(folder)
    }

    /// Whether a file is meant.
    pub(crate) fn fits(&self, file: &str) -> bool {
        self.matcher.as_ref().map_or(file == self.path, |matcher| matcher.is_match(file))
    }
}

impl TryFrom<String> for CatalogPath {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let path = written.trim_start_matches('/').to_owned();
        if path.is_empty() {
            return Err(format!("\"{written}\" names no file; write it as `/catalog-info.yaml`"));
        }
        if !path.contains(['*', '?', '[', '{']) {
            return Ok(Self { path, matcher: None });
        }
        let glob = GlobBuilder::new(&path).literal_separator(true).build();
        let glob = glob.map_err(|error| format!("\"{written}\" is not a glob: {error}"))?;
        Ok(Self { matcher: Some(glob.compile_matcher()), path })
    }
}

/// Which repositories a provider looks at.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filters {
    /// What the whole name must be, without its owner.
    pub(crate) repository: Option<Pattern>,
}

/// A regular expression for a whole text.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Whether a text fits as a whole.
    pub(crate) fn fits(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let whole = Regex::new(&format!("^(?:{written})$"));
        whole.map(Self).map_err(|error| format!("\"{written}\" is not a regular expression: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(local: &Value) -> Result<LocalProviderConfig, String> {
        serde_json::from_value(local.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_backstage_where_it_has_some() {
        let config = read(&json!({})).unwrap();
        assert_eq!(config.catalog_path.as_str(), "catalog-info.yaml");
    }

    #[test]
    fn a_pattern_is_for_the_whole_name() {
        let config = read(&json!({ "filters": { "repository": "pay|shop-.*" } })).unwrap();
        let pattern = config.filters.repository.unwrap();
        let cases = [("pay", true), ("payments", false), ("shop-web", true), ("my-shop-web", false)];
        for (name, fits) in cases {
            assert_eq!(pattern.fits(name), fits, "{name}");
        }
    }

    #[test]
    fn a_path_names_a_file_or_several() {
        let cases = [
            ("/catalog-info.yaml", "catalog-info.yaml", Some(""), true),
            ("docs/info.yaml", "docs/info.yaml", Some("docs"), true),
            ("docs/info.yaml", "info.yaml", Some("docs"), false),
            ("/*/info.yaml", "pay/info.yaml", None, true),
            ("/*/info.yaml", "pay/deep/info.yaml", None, false),
            ("/**/info.yaml", "info.yaml", None, true),
        ];
        for (written, file, folder, fits) in cases {
            let path = CatalogPath::try_from(written.to_owned()).unwrap();
            assert_eq!((path.folder(), path.fits(file)), (folder, fits), "{written}: {file}");
        }
    }

    #[test]
    fn what_is_written_wrongly_is_told() {
        let cases = [
            (json!({ "filters": { "repository": "(" } }), "\"(\" is not a regular expression"),
            (json!({ "catalogPath": "/" }), "names no file; write it as `/catalog-info.yaml`"),
            (json!({ "catalogPath": "/[" }), "is not a glob"),
        ];
        for (written, expected) in cases {
            let error = read(&written).unwrap_err();
            assert!(error.contains(expected), "{written}: {error}");
        }
    }
}
