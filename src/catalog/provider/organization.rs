//! People and teams of organisations on GitHub: a user for each person, a group for each team, as Backstage's default
//! transformers make them.
//!
//! A person is one user, whatever organisations it is in. Teams of several organisations have their organisation as
//! namespace. There is one answer, the whole one: what a webhook tells is a reason to ask for it, once for all that was
//! told meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::config::OrganizationProviderConfig;
use super::github::no_github;
use super::{Connection, Provided, Provider, ProviderError, Schedule};
use crate::catalog::ForgeEvent;
use crate::entity::{Entity, MANAGED_BY_LOCATION, MANAGED_BY_ORIGIN_LOCATION};
use crate::forge::{Forge, ForgeError, Forges, GitHub, Member, Missing, PeopleLook, Team, Told};

/// Takes over people and teams.
#[derive(Debug)]
pub(super) struct OrganizationProvider {
    name: String,
    forge: Arc<dyn Forge>,
    /// The address of the GitHub, without a slash at its end.
    url: String,
    organizations: Vec<String>,
    /// Whether the teams of each organisation are in a namespace of their own.
    is_spaced: bool,
    verified_emails: bool,
    look: PeopleLook,
    schedule: Schedule,
}

impl OrganizationProvider {
    pub(super) fn new(
        kind: &str,
        config: &OrganizationProviderConfig,
        is_spaced: bool,
        forges: &Forges,
    ) -> Result<Self, ForgeError> {
        let url = config.github_url.origin().ascii_serialization();
        let host = url.split_once("://").map_or("", |(_, host)| host).to_owned();
        let forge = forges.iter().find(|forge| forge.host() == host).ok_or_else(|| {
            let known = forges.hosts().collect::<Vec<_>>().join(", ");
            ForgeError::NotFound(Missing::Forge { host: host.clone(), known })
        })?;
        let verified_emails = config.default_user_transformer.use_verified_emails;
        Ok(Self {
            name: format!("{kind}:{}", config.id),
            forge: Arc::clone(forge),
            url,
            organizations: config.orgs.clone(),
            is_spaced,
            verified_emails,
            look: PeopleLook {
                verified_emails,
                suspensions: config.exclude_suspended_users,
                members_page: config.page_sizes.organization_members,
                teams_page: config.page_sizes.teams,
                team_members_page: config.page_sizes.team_members,
            },
            schedule: config.schedule.clone().into(),
        })
    }

    fn github(&self) -> Result<&GitHub, ProviderError> {
        self.forge.github().ok_or_else(|| no_github(&self.name, self.forge.host()))
    }

    async fn organizations(&self) -> Result<Vec<String>, ProviderError> {
        if self.organizations.is_empty() {
            return Ok(self.github()?.organizations(None).await?);
        }
        Ok(self.organizations.clone())
    }

    async fn everybody(&self) -> Result<Vec<Provided>, ProviderError> {
        let github = self.github()?;
        let (mut users, mut groups) = (Users::default(), Vec::new());
        for organization in self.organizations().await? {
            let members = github.members(&organization, &self.look).await?;
            for member in members.iter().filter(|member| member.suspended_at.is_none()) {
                users.add(self.user(member));
            }
            let teams = github.teams(&organization, &self.look).await?;
            for team in &teams {
                users.join(&team.members, &self.group_name(&organization, &team.slug));
                groups.push(self.group(&organization, team, &teams));
            }
        }
        let all = users.all.into_iter().chain(groups);
        Ok(all.map(|entity| Provided::Entity(Box::new(entity))).collect())
    }

    fn user(&self, member: &Member) -> Entity {
        let mut annotations = self.places(&member.login);
        annotations.insert("github.com/user-login".to_owned(), json!(member.login));
        if let Some(id) = &member.id {
            annotations.insert("github.com/user-id".to_owned(), json!(id));
        }
        let verified = member.organization_verified_domain_emails.first().filter(|_| self.verified_emails);
        let email = verified.map(|address| without_tag(address)).or_else(|| member.email.clone());
        let profile = texts([("displayName", &member.name), ("email", &email), ("picture", &member.avatar_url)]);
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), json!(member.login));
        metadata.insert("annotations".to_owned(), annotations.into());
        metadata.extend(texts([("description", &member.bio)]));
        entity("User", metadata, json!({ "profile": profile, "memberOf": [] }))
    }

    fn group(&self, organization: &str, team: &Team, teams: &[Team]) -> Entity {
        let mut annotations = self.places(&format!("orgs/{organization}/teams/{}", team.slug));
        annotations.insert("github.com/team-slug".to_owned(), json!(team.combined_slug));
        if let Some(url) = &team.edit_url {
            annotations.insert("backstage.io/edit-url".to_owned(), json!(url));
        }
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), json!(team.slug));
        if self.is_spaced {
            metadata.insert("namespace".to_owned(), json!(organization.to_lowercase()));
        }
        metadata.insert("annotations".to_owned(), annotations.into());
        metadata.extend(texts([("description", &team.description)]));
        let name = Some(team.name.clone()).filter(|name| !name.is_empty());
        let within: Vec<&str> = teams
            .iter()
            .filter(|other| other.parent.as_ref() == Some(&team.slug))
            .map(|other| other.slug.as_str())
            .collect();
        let members: Vec<String> = team.members.iter().map(|login| format!("default/{login}")).collect();
        let mut spec = json!({
            "type": "team",
            "profile": texts([("displayName", &name), ("picture", &team.avatar_url)]),
            "children": within,
        });
        if let Some(parent) = &team.parent {
            spec["parent"] = json!(parent);
        }
        spec["members"] = json!(members);
        entity("Group", metadata, spec)
    }

    /// How a user says that it is in a team.
    fn group_name(&self, organization: &str, slug: &str) -> String {
        if self.is_spaced { format!("{}/{slug}", organization.to_lowercase()) } else { slug.to_owned() }
    }

    /// The annotations that say where an entity comes from.
    fn places(&self, path: &str) -> Map<String, Value> {
        let place = json!(format!("url:{}/{path}", self.url));
        [MANAGED_BY_LOCATION, MANAGED_BY_ORIGIN_LOCATION]
            .map(|key| (key.to_owned(), place.clone()))
            .into_iter()
            .collect()
    }

    async fn heard(&self, event: &ForgeEvent, connection: &Connection) -> anyhow::Result<()> {
        let organization = match &event.told {
            Told::People { organization } => Some(organization),
            Told::Installation { owner } => owner.as_ref(),
            _ => return Ok(()),
        };
        let is_ours = self.organizations.is_empty()
            || organization.is_none_or(|told| self.organizations.iter().any(|ours| ours.eq_ignore_ascii_case(told)));
        if is_ours {
            connection.run_since(event.received_at).await?;
        }
        Ok(())
    }
}

impl Provider for OrganizationProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<Provided>, ProviderError>> {
        Box::pin(self.everybody())
    }

    fn hear<'a>(&'a self, event: &'a ForgeEvent, connection: &'a Connection) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(
            async move { if self.forge.host() == event.host { self.heard(event, connection).await } else { Ok(()) } },
        )
    }
}

/// Users, each once, in the order in which they were found.
#[derive(Default)]
struct Users {
    all: Vec<Entity>,
    /// Where each is, by its login without letter case.
    at: HashMap<String, usize>,
}

impl Users {
    fn add(&mut self, user: Entity) {
        let login = user.name().to_ascii_lowercase();
        self.at.entry(login).or_insert_with(|| {
            self.all.push(user);
            self.all.len() - 1
        });
    }

    /// Puts people into a group; those who are not known are not in the organisation.
    fn join(&mut self, logins: &[String], group: &str) {
        for login in logins {
            let user = self.at.get(&login.to_ascii_lowercase()).and_then(|at| self.all.get_mut(*at));
            let groups = user.and_then(|user| user.0.get_mut("spec")?.get_mut("memberOf")?.as_array_mut());
            if let Some(groups) = groups
                && !groups.iter().any(|known| known == group)
            {
                groups.push(json!(group));
            }
        }
    }
}

fn entity(kind: &str, metadata: Map<String, Value>, spec: Value) -> Entity {
    let fields = [
        ("apiVersion", json!("backstage.io/v1alpha1")),
        ("kind", json!(kind)),
        ("metadata", metadata.into()),
        ("spec", spec),
    ];
    Entity(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Those of some texts that say something.
fn texts<const N: usize>(of: [(&str, &Option<String>); N]) -> Map<String, Value> {
    let written = of.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text.as_ref()?))));
    written.filter(|(_, text)| text != "").collect()
}

/// An address without what stands after `+` before the `@`.
fn without_tag(address: &str) -> String {
    match address.split_once('@') {
        Some((name, domain)) => format!("{}@{domain}", name.split('+').next().unwrap_or(name)),
        None => address.to_owned(),
    }
}
