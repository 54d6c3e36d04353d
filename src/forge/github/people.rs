//! The people and teams of an organisation, through GraphQL.
//!
//! A person's address in the organisation's answer needs rights that an App does not have: it is asked for with a token
//! only, as Backstage does. Teams come with their immediate members; those of a large one are paged by themselves.

use serde::Deserialize;
use serde_json::{Value, json};

use super::GitHub;
use super::client::{Client, PAGE};
use super::error::Failure;
use super::organization::{Page, is_too_much};
use crate::forge::ForgeError;

/// Pages of one list that are read.
const PAGES: usize = 1000;
/// A page that GitHub cannot answer in time is asked for in smaller ones, down to this.
const SMALLEST_PAGE: usize = 5;
/// Entries of a page where configuration does not say: of teams, each of which has members in it, fewer.
const TEAMS: usize = 25;

const MEMBERS: &str =
    "query($org: String!, $first: Int!, $after: String, $email: Boolean!, $verified: Boolean!, $suspended: Boolean!) {
  organization(login: $org) {
    membersWithRole(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id login name bio avatarUrl
        email @include(if: $email)
        suspendedAt @include(if: $suspended)
        organizationVerifiedDomainEmails(login: $org) @include(if: $verified)
      }
    }
  }
}";
const TEAMS_OF: &str = "query($org: String!, $first: Int!, $after: String, $members: Int!) {
  organization(login: $org) {
    teams(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        slug combinedSlug name description avatarUrl editTeamUrl
        parentTeam { slug }
        members(first: $members, membership: IMMEDIATE) { pageInfo { hasNextPage endCursor } nodes { login } }
      }
    }
  }
}";
const MEMBERS_OF_TEAM: &str = "query($org: String!, $team: String!, $first: Int!, $after: String) {
  organization(login: $org) {
    team(slug: $team) {
      members(first: $first, after: $after, membership: IMMEDIATE) {
        pageInfo { hasNextPage endCursor }
        nodes { login }
      }
    }
  }
}";

/// How people are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeopleLook {
    /// Whether to ask for the addresses that the organisation verified.
    pub(crate) verified_emails: bool,
    /// Whether to ask who is suspended; only a GitHub Enterprise Server knows.
    pub(crate) suspensions: bool,
    /// People of one page; as many as GitHub allows without.
    pub(crate) members_page: Option<usize>,
    /// Teams of one page.
    pub(crate) teams_page: Option<usize>,
    /// Members of a team that come with it.
    pub(crate) team_members_page: Option<usize>,
}

/// A person in an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    /// The name in addresses.
    pub(crate) login: String,
    /// GitHub's id of the person.
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// The name to show.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// What the person says.
    #[serde(default)]
    pub(crate) bio: Option<String>,
    /// The address that the person shows.
    #[serde(default)]
    pub(crate) email: Option<String>,
    /// A picture.
    #[serde(default)]
    pub(crate) avatar_url: Option<String>,
    /// Addresses in the organisation's domains.
    #[serde(default)]
    pub(crate) organization_verified_domain_emails: Vec<String>,
    /// Since when the person may not sign in.
    #[serde(default)]
    pub(crate) suspended_at: Option<String>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Team {
    /// The name in addresses.
    pub(crate) slug: String,
    /// `organisation/slug`
    pub(crate) combined_slug: String,
    /// The name to show.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// A picture.
    pub(crate) avatar_url: Option<String>,
    /// Where it is edited.
    pub(crate) edit_url: Option<String>,
    /// The slug of the team that it is in.
    pub(crate) parent: Option<String>,
    /// Logins of those who are in this very team.
    pub(crate) members: Vec<String>,
}

impl GitHub {
    /// Everybody in an organisation.
    pub(crate) async fn members(&self, organization: &str, look: &PeopleLook) -> Result<Vec<Member>, ForgeError> {
        let doing = format!("list the people of {organization}");
        let failed = self.failed(&doing);
        let client = self.client(organization).await.map_err(&failed)?;
        let by_token = self.site.access.installation(organization).await.map_err(&failed)?.is_none();
        let variables = json!({
            "org": organization, "email": by_token, "verified": look.verified_emails, "suspended": look.suspensions,
        });
        let size = look.members_page.unwrap_or(PAGE);
        let listed = all(&client, MEMBERS, variables, &["organization", "membersWithRole"], size).await;
        listed.map_err(|failure| self.unseen(failure, organization, &doing))
    }

    /// Every team of an organisation, with its immediate members.
    pub(crate) async fn teams(&self, organization: &str, look: &PeopleLook) -> Result<Vec<Team>, ForgeError> {
        let doing = format!("list the teams of {organization}");
        let failed = self.failed(&doing);
        let client = self.client(organization).await.map_err(&failed)?;
        let members = look.team_members_page.unwrap_or(PAGE).clamp(1, PAGE);
        let variables = json!({ "org": organization, "members": members });
        let size = look.teams_page.unwrap_or(TEAMS);
        let listed = all(&client, TEAMS_OF, variables, &["organization", "teams"], size).await;
        let listed: Vec<ListedTeam> = listed.map_err(|failure| self.unseen(failure, organization, &doing))?;
        let mut teams = Vec::new();
        for mut team in listed {
            let mut people: Vec<Login> = team.members.nodes.drain(..).flatten().collect();
            if let Some(after) = team.members.page_info.next() {
                let variables = json!({ "org": organization, "team": team.slug, "after": after });
                let under = ["organization", "team", "members"];
                people.extend(all::<Login>(&client, MEMBERS_OF_TEAM, variables, &under, PAGE).await.map_err(&failed)?);
            }
            teams.push(Team {
                members: people.into_iter().map(|person| person.login).collect(),
                slug: team.slug,
                combined_slug: team.combined_slug,
                name: team.name,
                description: team.description,
                avatar_url: team.avatar_url,
                edit_url: team.edit_team_url,
                parent: team.parent_team.map(|parent| parent.slug),
            });
        }
        Ok(teams)
    }

    fn unseen(&self, failure: Failure, organization: &str, doing: &str) -> ForgeError {
        if failure.is_not_found() {
            return ForgeError::Denied(format!(
                "cannot {doing}: {} knows no organisation {organization}, or its credentials may not see it; an App needs the permission `Organization permissions: Members: read-only`",
                self.host_name()
            ));
        }
        failure.at(self.host_name(), doing)
    }
}

/// Every entry of a list that comes in pages, found below `data` at these keys.
async fn all<T: serde::de::DeserializeOwned>(
    client: &Client,
    query: &str,
    mut variables: Value,
    under: &[&str],
    size: usize,
) -> Result<Vec<T>, Failure> {
    let mut size = size.clamp(1, PAGE);
    let mut entries = Vec::new();
    for _ in 0..PAGES {
        variables["first"] = json!(size);
        let mut data: Value = match client.graphql(query, variables.clone()).await {
            Ok(data) => data,
            Err(failure) if is_too_much(&failure) && size > SMALLEST_PAGE => {
                size = (size / 2).max(SMALLEST_PAGE);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let mut list = &mut data;
        for key in under {
            list = &mut list[*key];
        }
        if list.is_null() {
            return Err(Failure::graphql(&[
                json!({ "type": "NOT_FOUND", "message": format!("no {}", under.join(".")) }),
            ]));
        }
        let page: Page<T> =
            serde_json::from_value(list.take()).map_err(|error| Failure::Unreadable(error.to_string()))?;
        entries.extend(page.nodes.into_iter().flatten());
        match page.page_info.next() {
            Some(next) => variables["after"] = json!(next),
            None => return Ok(entries),
        }
    }
    Err(Failure::Unreadable(format!("the list has more than {PAGES} pages")))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedTeam {
    slug: String,
    combined_slug: String,
    name: String,
    description: Option<String>,
    avatar_url: Option<String>,
    edit_team_url: Option<String>,
    parent_team: Option<Slug>,
    members: Page<Login>,
}

#[derive(Debug, Deserialize)]
struct Slug {
    slug: String,
}

#[derive(Debug, Deserialize)]
struct Login {
    login: String,
}
