//! Backstage's `repoUrl`: `host?owner=…&repo=…`, with `organization`, `workspace` and `project` for the hosts that have
//! them. Parameters other than these are ignored, as Backstage does.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::{NameError, RepositoryId};

/// A repository on some forge, as a template's `repoUrl` names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RepoUrl {
    /// The forge's host, with its port if it has one.
    pub(crate) host: String,
    /// `owner`: organisation, user or group.
    pub(crate) owner: Option<String>,
    /// `repo`: the repository's name.
    pub(crate) repo: Option<String>,
    /// `organization`, on Azure.
    pub(crate) organization: Option<String>,
    /// `workspace`, on Bitbucket.
    pub(crate) workspace: Option<String>,
    /// `project`, on Azure, Bitbucket and GitLab.
    pub(crate) project: Option<String>,
}

/// Why a text is not a `repoUrl`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RepoUrlError {
    /// Not of the form at all.
    #[error("invalid repoUrl {text:?}: {reason}; write it as `host?owner=…&repo=…`")]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A parameter that the host needs is absent.
    #[error("invalid repoUrl `{url}`: parameter `{parameter}` is missing or empty")]
    Missing {
        /// The URL as understood.
        url: String,
        /// The parameter.
        parameter: &'static str,
    },
    /// A parameter breaks a rule of names.
    #[error("invalid repoUrl: {0}")]
    Name(#[from] NameError),
}

impl RepoUrl {
    /// Owner and name, which most hosts need.
    pub(crate) fn repository(&self) -> Result<RepositoryId, RepoUrlError> {
        let owner = self.required("owner", self.owner.as_deref())?;
        let repo = self.required("repo", self.repo.as_deref())?;
        Ok(RepositoryId::new(owner, repo)?)
    }

    fn required<'a>(&self, parameter: &'static str, value: Option<&'a str>) -> Result<&'a str, RepoUrlError> {
        value.ok_or_else(|| RepoUrlError::Missing { url: self.to_string(), parameter })
    }
}

impl FromStr for RepoUrl {
    type Err = RepoUrlError;

    fn from_str(text: &str) -> Result<Self, RepoUrlError> {
        let error = |reason: &str| RepoUrlError::Syntax { text: text.to_owned(), reason: reason.to_owned() };
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(error("it has white space or control characters"));
        }
        if text.contains("://") {
            return Err(error("it starts with a scheme"));
        }
        let url = Url::parse(&format!("https://{text}")).map_err(|problem| error(&problem.to_string()))?;
        if !matches!(url.path(), "" | "/") || !url.username().is_empty() || url.password().is_some() {
            return Err(error("it has a path or a user beside the host"));
        }
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(error("it has no host")),
        };
        let parameter = |name: &str| {
            let first = url.query_pairs().find(|(key, _)| key == name);
            first.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
        };
        let parsed = Self {
            host,
            owner: parameter("owner"),
            repo: parameter("repo"),
            organization: parameter("organization"),
            workspace: parameter("workspace"),
            project: parameter("project"),
        };
        if parsed.project.is_none() {
            parsed.required("repo", parsed.repo.as_deref())?;
        }
        Ok(parsed)
    }
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = [
            ("owner", &self.owner),
            ("repo", &self.repo),
            ("organization", &self.organization),
            ("workspace", &self.workspace),
            ("project", &self.project),
        ];
        let present = parameters.iter().filter_map(|(key, value)| Some((key, value.as_deref()?)));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(present).finish();
        write!(f, "{}?{query}", self.host)
    }
}

impl TryFrom<String> for RepoUrl {
    type Error = RepoUrlError;

    fn try_from(text: String) -> Result<Self, RepoUrlError> {
        text.parse()
    }
}

impl From<RepoUrl> for String {
    fn from(url: RepoUrl) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_forms_are_understood() {
        let url: RepoUrl = "local?owner=acme&repo=payments-api".parse().unwrap();
        assert_eq!(url.host, "local");
        assert_eq!(url.repository().unwrap(), RepositoryId::new("acme", "payments-api").unwrap());

        let url: RepoUrl = "github.example.com:8443?repo=api&owner=acme&other=1".parse().unwrap();
        assert_eq!(url.host, "github.example.com:8443");
        assert_eq!(url.to_string(), "github.example.com:8443?owner=acme&repo=api");

        let url: RepoUrl = "dev.azure.com?organization=acme&project=pay&repo=api&owner=me".parse().unwrap();
        assert_eq!((url.organization.as_deref(), url.project.as_deref()), (Some("acme"), Some("pay")));

        let url: RepoUrl = "gitlab.com?owner=group%2Fsub&repo=api".parse().unwrap();
        assert_eq!(url.owner.as_deref(), Some("group/sub"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("", "host"),
            ("local", "`repo` is missing"),
            ("local?owner=acme", "`repo` is missing"),
            ("local?owner=acme&repo=", "`repo` is missing"),
            ("https://local?owner=a&repo=b", "starts with a scheme"),
            ("local/x?owner=a&repo=b", "has a path"),
            ("me:secret@local?owner=a&repo=b", "has a path or a user"),
            ("local?owner=a&repo=b\n", "white space"),
            ("?owner=a&repo=b", "host"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<RepoUrl>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = "local?repo=b".parse::<RepoUrl>().unwrap().repository().unwrap_err();
        assert_eq!(error.to_string(), "invalid repoUrl `local?repo=b`: parameter `owner` is missing or empty");
        let error = "local?owner=..&repo=b".parse::<RepoUrl>().unwrap().repository().unwrap_err();
        assert!(error.to_string().contains("relative path"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(owner in ".{1,20}", repo in "[a-z&=?#%+]{1,10}", project in proptest::option::of("[^\u{0}]{1,5}")) {
            let url = RepoUrl {
                host: "local".to_owned(), owner: Some(owner), repo: Some(repo), organization: None, workspace: None, project,
            };
            prop_assert_eq!(url.to_string().parse::<RepoUrl>().unwrap(), url);
        }
    }
}
