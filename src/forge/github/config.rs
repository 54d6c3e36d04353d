//! `integrations.github`, as Backstage has it, and the addresses that follow from it.

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// The host that needs no addresses of its own.
pub(super) const DOT_COM: &str = "github.com";

fn dot_com() -> String {
    DOT_COM.to_owned()
}

/// One entry of `integrations.github`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GitHubConfig {
    /// `github.com`, or the host of a GitHub Enterprise Server, with its port if it has one.
    #[serde(default = "dot_com")]
    pub(crate) host: String,
    /// The REST API; `https://api.github.com`, and `https://<host>/api/v3` of any other host.
    #[serde(default)]
    pub(crate) api_base_url: Option<Url>,
    /// Accepted as Backstage's; files are read through the API.
    #[serde(default, rename = "rawBaseUrl")]
    pub(crate) _raw_base_url: Option<Url>,
    /// A personal access token, used for owners on which no App is installed.
    #[serde(default)]
    pub(crate) token: Option<SecretString>,
    /// GitHub Apps, asked in this order.
    #[serde(default)]
    pub(crate) apps: Vec<AppConfig>,
}

/// One of `apps`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppConfig {
    /// The App's id.
    pub(crate) app_id: AppNumber,
    /// Its private key, PEM.
    pub(crate) private_key: SecretString,
    /// What its webhooks are signed with.
    #[serde(default)]
    pub(crate) webhook_secret: Option<SecretString>,
    /// For signing people in.
    #[serde(default, rename = "clientId")]
    pub(crate) _client_id: Option<String>,
    /// For signing people in.
    #[serde(default, rename = "clientSecret")]
    pub(crate) _client_secret: Option<SecretString>,
    /// The owners it is used for; all on which it is installed where none is named.
    #[serde(default)]
    pub(crate) allowed_installation_owners: Option<Vec<String>>,
}

/// A number that may be written as a text, as `${GITHUB_APP_ID}` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct AppNumber(pub(crate) u64);

impl TryFrom<serde_json::Value> for AppNumber {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        number
            .map(Self)
            .ok_or_else(|| format!("{value} is not the number of a GitHub App; it stands on the App's page"))
    }
}

impl GitHubConfig {
    /// The addresses of this host.
    pub(super) fn endpoints(&self) -> Result<Endpoints, url::ParseError> {
        let host = self.host.to_ascii_lowercase();
        let api = match &self.api_base_url {
            Some(given) => given.clone(),
            None if host == DOT_COM => Url::parse("https://api.github.com")?,
            // Enterprise Cloud with data residency.
            None if host.ends_with(".ghe.com") => Url::parse(&format!("https://api.{host}"))?,
            None => Url::parse(&format!("https://{host}/api/v3"))?,
        };
        let mut graphql = api.clone();
        let path = api.path().trim_end_matches('/');
        // GitHub Enterprise Server has `/api/v3` for REST and `/api/graphql` beside it.
        graphql.set_path(&format!("{}/graphql", path.strip_suffix("/v3").unwrap_or(path)));
        let web = Url::parse(&format!("{}://{host}", api.scheme()))?;
        Ok(Endpoints { host, web, api, graphql })
    }
}

/// Where a GitHub is.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    /// The name in a `repoUrl`.
    pub(super) host: String,
    /// Its pages and clone URLs.
    pub(super) web: Url,
    /// REST.
    pub(super) api: Url,
    /// GraphQL.
    pub(super) graphql: Url,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_follow_from_the_host() {
        let cases = [
            (json!({"host": "github.com"}), "https://api.github.com/", "https://api.github.com/graphql"),
            (
                json!({"host": "ghe.acme.example"}),
                "https://ghe.acme.example/api/v3",
                "https://ghe.acme.example/api/graphql",
            ),
            (json!({"host": "acme.ghe.com"}), "https://api.acme.ghe.com/", "https://api.acme.ghe.com/graphql"),
            (
                json!({"host": "127.0.0.1:9", "apiBaseUrl": "http://127.0.0.1:9/api/v3"}),
                "http://127.0.0.1:9/api/v3",
                "http://127.0.0.1:9/api/graphql",
            ),
        ];
        for (config, api, graphql) in cases {
            let config: GitHubConfig = serde_json::from_value(config).unwrap();
            let endpoints = config.endpoints().unwrap();
            assert_eq!((endpoints.api.as_str(), endpoints.graphql.as_str()), (api, graphql));
        }
    }

    #[test]
    fn an_app_may_be_given_as_the_environment_has_it_and_is_never_shown() {
        let config: GitHubConfig = serde_json::from_value(json!({
            "host": "github.com", "token": "ghp_very_secret",
            "apps": [{"appId": "17", "privateKey": "pem very secret", "webhookSecret": "very secret", "clientId": "x", "clientSecret": "very secret"}],
        }))
        .unwrap();
        assert_eq!(config.apps[0].app_id, AppNumber(17));
        let shown = format!("{config:?}");
        assert!(!shown.contains("very"), "{shown}");
        let wrong: Result<AppConfig, _> = serde_json::from_value(json!({"appId": "mine", "privateKey": "x"}));
        assert!(wrong.unwrap_err().to_string().contains("not the number of a GitHub App"));
    }
}
