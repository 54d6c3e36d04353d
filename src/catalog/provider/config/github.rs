//! `catalog.providers.github`, `githubOrg` and `githubMultiOrg`, as Backstage has them: one of each without an id, or
//! several.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{CatalogPath, Pattern, ScheduleConfig};

/// The id of the only one.
const ONLY: &str = "default";

/// `catalog.providers.github`, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct GitHubProviders {
    /// The providers.
    pub(crate) all: BTreeMap<String, GitHubProviderConfig>,
    /// Keys that nothing reads, below the section.
    pub(crate) unknown: Vec<String>,
}

/// Where to look for descriptors on a GitHub.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GitHubProviderConfig {
    /// The host in `integrations.github`.
    #[serde(default = "dot_com")]
    pub(crate) host: String,
    /// Whose repositories.
    #[serde(default)]
    pub(crate) organization: Option<String>,
    /// Those of every organisation on which the App with this number is installed.
    #[serde(default)]
    pub(crate) app: Option<u64>,
    /// The file in each repository.
    #[serde(default)]
    pub(crate) catalog_path: CatalogPath,
    /// Which repositories.
    #[serde(default)]
    pub(crate) filters: RepositoryFilters,
    /// Whether an empty file counts as none.
    #[serde(default)]
    pub(crate) validate_locations_exist: bool,
    /// When it looks.
    #[serde(default)]
    pub(crate) schedule: ScheduleConfig,
    /// How much is asked for at once.
    #[serde(default)]
    pub(crate) page_sizes: RepositoryPages,
}

/// Which repositories of an organisation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RepositoryFilters {
    /// The branch to read; the default one without.
    pub(crate) branch: Option<String>,
    /// What the whole name must be, without its owner.
    pub(crate) repository: Option<Pattern>,
    /// By their topics.
    pub(crate) topic: TopicFilter,
    /// Whether copies of other repositories count; they do without.
    pub(crate) allow_forks: Option<bool>,
    /// `public`, `internal`, `private`; all of them without.
    pub(crate) visibility: Vec<String>,
    /// Whether repositories that are read-only count.
    pub(crate) allow_archived: bool,
}

/// Topics that a repository must and must not have.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TopicFilter {
    /// One of these, if there are any.
    include: Vec<String>,
    /// None of these.
    exclude: Vec<String>,
}

impl TopicFilter {
    /// Whether a repository with these topics is meant.
    pub(crate) fn fits(&self, topics: &[String]) -> bool {
        let has = |wanted: &[String]| topics.iter().any(|topic| wanted.contains(topic));
        !has(&self.exclude) && (self.include.is_empty() || has(&self.include))
    }
}

/// `pageSizes` of discovery.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RepositoryPages {
    /// Repositories of one page.
    pub(crate) repositories: Option<usize>,
}

/// `catalog.providers.githubOrg` or `githubMultiOrg`.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrganizationProviders {
    /// The providers.
    pub(crate) all: Vec<OrganizationProviderConfig>,
    /// Keys that nothing reads, below the section.
    pub(crate) unknown: Vec<String>,
}

/// Whose people and teams to take over from a GitHub.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationProviderConfig {
    /// Under which they are kept.
    #[serde(default = "only")]
    pub(crate) id: String,
    /// `https://github.com`, or the address of a GitHub Enterprise Server.
    #[serde(default = "dot_com_url")]
    pub(crate) github_url: url::Url,
    /// The organisations; all on which an App is installed without.
    #[serde(default)]
    pub(crate) orgs: Vec<String>,
    /// When it looks.
    #[serde(default = "hourly")]
    pub(crate) schedule: ScheduleConfig,
    /// How much is asked for at once.
    #[serde(default)]
    pub(crate) page_sizes: PeoplePages,
    /// Whether people who may not sign in are left out.
    #[serde(default)]
    pub(crate) exclude_suspended_users: bool,
    /// How users are made of people.
    #[serde(default)]
    pub(crate) default_user_transformer: UserTransformer,
}

/// `pageSizes` of people and teams.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PeoplePages {
    /// Teams of one page.
    pub(crate) teams: Option<usize>,
    /// Members that come with a team.
    pub(crate) team_members: Option<usize>,
    /// People of one page.
    pub(crate) organization_members: Option<usize>,
}

/// `defaultUserTransformer`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UserTransformer {
    /// Whether the address of a user is the one that the organisation verified.
    pub(crate) use_verified_emails: bool,
}

fn dot_com() -> String {
    "github.com".to_owned()
}

#[expect(clippy::unwrap_used, reason = "a constant")]
fn dot_com_url() -> url::Url {
    url::Url::parse("https://github.com").unwrap()
}

fn only() -> String {
    ONLY.to_owned()
}

fn hourly() -> ScheduleConfig {
    ScheduleConfig::minutes(60, 15)
}

impl<'de> Deserialize<'de> for GitHubProviders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Map::deserialize(deserializer)?;
        let is_one = written.contains_key("organization") || written.contains_key("app");
        let written = if is_one {
            BTreeMap::from([(ONLY.to_owned(), Value::Object(written))])
        } else {
            written.into_iter().collect()
        };
        let (mut all, mut unknown) = (BTreeMap::new(), Vec::new());
        for (id, one) in written {
            let place = if is_one { String::new() } else { format!("{id}.") };
            let config: GitHubProviderConfig = part(&one, &place, &mut unknown).map_err(D::Error::custom)?;
            config.check().map_err(|wrong| D::Error::custom(format!("`{place}{wrong}")))?;
            all.insert(id, config);
        }
        Ok(Self { all, unknown })
    }
}

impl GitHubProviderConfig {
    /// What is wrong, after the place of the provider.
    fn check(&self) -> Result<(), &'static str> {
        let is_wild = self.catalog_path.folder().is_none();
        match () {
            () if self.organization.is_none() && self.app.is_none() => {
                Err("organization` or `app` is missing; say whose repositories are meant")
            }
            () if is_wild && self.validate_locations_exist => {
                Err("validateLocationsExist` cannot be true with wildcards in `catalogPath`")
            }
            () if self.filters.branch.as_ref().is_some_and(|branch| branch.contains('/')) => {
                Err("filters.branch` has a slash; only branches without one can be discovered")
            }
            () => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for OrganizationProviders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = match Value::deserialize(deserializer)? {
            Value::Array(several) => several,
            one => vec![one],
        };
        let (mut all, mut unknown) = (Vec::<OrganizationProviderConfig>::new(), Vec::new());
        for (at, one) in written.into_iter().enumerate() {
            let place = format!("{at}.");
            let config: OrganizationProviderConfig = part(&one, &place, &mut unknown).map_err(D::Error::custom)?;
            if all.iter().any(|other| other.id == config.id) {
                return Err(D::Error::custom(format!(
                    "two have the id {:?}; what they provide is kept by it, so give each its own",
                    config.id
                )));
            }
            all.push(config);
        }
        Ok(Self { all, unknown })
    }
}

/// Keys of Backstage's that have no meaning here.
const ACCEPTED: [&str; 2] = ["schedule.scope", "experimental_checkForSuspendedUsersWithRest"];

/// A part of the configuration; the error says where in it something is wrong.
fn part<T: DeserializeOwned>(written: &Value, place: &str, unknown: &mut Vec<String>) -> Result<T, String> {
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(written, &mut track);
    let read = serde_ignored::deserialize(deserializer, |path| {
        let key = path.to_string();
        if !ACCEPTED.contains(&key.as_str()) {
            unknown.push(format!("{place}{key}"));
        }
    });
    read.map_err(|error| format!("`{place}{}`: {error}", track.path()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn discovery(written: Value) -> Result<GitHubProviders, String> {
        serde_json::from_value(written).map_err(|error| error.to_string())
    }

    #[test]
    fn one_needs_no_id_and_several_have_theirs() {
        let one = discovery(json!({"organization": "acme"})).unwrap().all;
        let config = &one["default"];
        assert_eq!((config.host.as_str(), config.catalog_path.as_str()), ("github.com", "catalog-info.yaml"));
        assert_eq!(config.filters.allow_forks, None);
        let several = discovery(json!({
            "mine": {"app": 17, "filters": {"topic": {"include": ["portal"], "exclude": ["old"]}, "visibility": ["internal"]}},
            "yours": {"organization": "other", "host": "ghe.acme.example", "schedule": {"frequency": {"minutes": 30}}},
        }));
        let several = several.unwrap().all;
        assert_eq!(several.keys().collect::<Vec<_>>(), ["mine", "yours"]);
        assert_eq!(several["mine"].app, Some(17));
        let topics = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let filter = &several["mine"].filters.topic;
        for (has, fits) in [(vec!["portal"], true), (vec!["portal", "old"], false), (vec![], false), (vec!["x"], false)]
        {
            assert_eq!(filter.fits(&topics(&has)), fits, "{has:?}");
        }
    }

    #[test]
    fn what_nothing_reads_is_known() {
        let written =
            json!({"mine": {"organization": "acme", "schedule": {"scope": "local"}, "filters": {"topics": {}}}});
        assert_eq!(discovery(written).unwrap().unknown, ["mine.filters.topics"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let cases = [
            (json!({"mine": {}}), "`mine.organization` or `app` is missing"),
            (json!({"mine": {"organization": "acme", "filters": {"topic": "x"}}}), "`mine.filters.topic`"),
            (
                json!({"organization": "acme", "catalogPath": "/**/x.yaml", "validateLocationsExist": true}),
                "`validateLocationsExist` cannot be true with wildcards",
            ),
            (json!({"organization": "acme", "filters": {"branch": "a/b"}}), "`filters.branch` has a slash"),
        ];
        for (written, expected) in cases {
            let error = discovery(written).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn organisations_are_one_or_a_list() {
        let read = |written: Value| serde_json::from_value::<OrganizationProviders>(written).map(|read| read.all);
        let one = read(json!({"id": "production", "githubUrl": "https://github.com", "orgs": ["acme"]})).unwrap();
        assert_eq!((one.len(), one[0].id.as_str()), (1, "production"));
        let list = json!([{"id": "a"}, {"id": "b", "pageSizes": {"teamMembers": 10}, "defaultUserTransformer": {"useVerifiedEmails": true}}]);
        let list = read(list).unwrap();
        assert_eq!(list[1].page_sizes.team_members, Some(10));
        assert!(list[1].default_user_transformer.use_verified_emails);
        let error = read(json!([{"id": "a"}, {"id": "a"}])).unwrap_err().to_string();
        assert!(error.contains("two have the id \"a\""), "{error}");
    }
}
