//! What a repository is: its settings, who may do what, its topics, and numbers of people and teams.
//!
//! Everything here says what a thing is to be, so that it can be said again.

use serde::Deserialize;
use serde_json::{Value, json};

use super::GitHub;
use super::client::Call;
use crate::forge::{ForgeError, RepositoryId};

/// Somebody who may do something in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Collaborator {
    /// A person by login.
    User(String),
    /// A team of the owner by its name in addresses.
    Team(String),
}

/// Somebody who has to agree to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reviewer {
    /// `User` or `Team`.
    kind: &'static str,
    id: u64,
}

impl Reviewer {
    /// As GitHub takes it.
    pub(crate) fn told(&self) -> Value {
        json!({"type": self.kind, "id": self.id})
    }
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

fn of<'a>(id: &'a RepositoryId, rest: &[&'a str]) -> Vec<&'a str> {
    ["repos", id.owner(), id.name()].into_iter().chain(rest.iter().copied()).collect()
}

impl GitHub {
    async fn say(&self, id: &RepositoryId, what: &str, call: Call) -> Result<(), ForgeError> {
        let doing = format!("set {what} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        client.tell(call).await.map_err(failed)
    }

    /// Changes settings, by GitHub's names.
    pub(crate) async fn configure(&self, id: &RepositoryId, settings: Value) -> Result<(), ForgeError> {
        self.say(id, "the settings", Call::patch(of(id, &[]), settings)).await
    }

    /// Exactly these topics, in the letters GitHub takes.
    pub(crate) async fn set_topics(&self, id: &RepositoryId, topics: &[String]) -> Result<(), ForgeError> {
        let names: Vec<String> = topics.iter().map(|topic| topic.to_lowercase()).collect();
        self.say(id, "the topics", Call::put(of(id, &["topics"]), json!({"names": names}))).await
    }

    /// Lets somebody do something: `pull`, `triage`, `push`, `maintain`, `admin`, or a role of the organisation.
    pub(crate) async fn grant(&self, id: &RepositoryId, who: &Collaborator, role: &str) -> Result<(), ForgeError> {
        let body = json!({"permission": role});
        let (what, call) = match who {
            Collaborator::User(login) => {
                (format!("the access of {login}"), Call::put(of(id, &["collaborators", login]), body))
            }
            Collaborator::Team(slug) => {
                let segments = ["orgs", id.owner(), "teams", slug, "repos", id.owner(), id.name()];
                (format!("the access of team {slug}"), Call::put(segments, body))
            }
        };
        self.say(id, &what, call).await
    }

    /// Which claims stand in the subject of the tokens that pipelines sign in with elsewhere.
    pub(crate) async fn customize_oidc(
        &self,
        id: &RepositoryId,
        default: bool,
        claims: &[String],
    ) -> Result<(), ForgeError> {
        let mut body = json!({"use_default": default});
        if !default {
            body["include_claim_keys"] = json!(claims);
        }
        self.say(id, "the OIDC subject", Call::put(of(id, &["actions", "oidc", "customization", "sub"]), body)).await
    }

    /// The properties that the organisation defines.
    pub(crate) async fn set_properties(
        &self,
        id: &RepositoryId,
        properties: &[(String, Value)],
    ) -> Result<(), ForgeError> {
        let list: Vec<Value> =
            properties.iter().map(|(name, value)| json!({"property_name": name, "value": value})).collect();
        let call = Call::patch(of(id, &["properties", "values"]), json!({"properties": list}));
        self.say(id, "the custom properties", call).await
    }

    /// Whoever the credential is hears of everything that happens there.
    pub(crate) async fn subscribe(&self, id: &RepositoryId) -> Result<(), ForgeError> {
        self.say(
            id,
            "the subscription",
            Call::put(of(id, &["subscription"]), json!({"subscribed": true, "ignored": false})),
        )
        .await
    }

    /// Who may use the repository's actions and workflows: `none`, `user`, `organization`.
    pub(crate) async fn share_workflows(&self, id: &RepositoryId, level: &str) -> Result<(), ForgeError> {
        let call = Call::put(of(id, &["actions", "permissions", "access"]), json!({"access_level": level}));
        self.say(id, "the access to workflows", call).await
    }

    /// Adds labels to an issue or pull request; gives those that it had not.
    pub(crate) async fn label(
        &self,
        id: &RepositoryId,
        number: u64,
        labels: &[String],
    ) -> Result<Vec<String>, ForgeError> {
        #[derive(Deserialize)]
        struct Label {
            name: String,
        }
        let doing = format!("label #{number} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let number = number.to_string();
        let place = of(id, &["issues", &number, "labels"]);
        let before: Vec<Label> = client.all(Call::get(place.clone()), None).await.map_err(&failed)?;
        let has = |label: &String| before.iter().any(|there| there.name.eq_ignore_ascii_case(label));
        let added: Vec<String> = labels.iter().filter(|label| !has(label)).cloned().collect();
        client.tell(Call::post(place, json!({"labels": labels})).repeatable()).await.map_err(&failed)?;
        Ok(added)
    }

    /// Asks people and teams to review a pull request.
    pub(crate) async fn ask_for_review(
        &self,
        id: &RepositoryId,
        number: u64,
        reviewers: &[String],
        teams: &[String],
    ) -> Result<(), ForgeError> {
        if reviewers.is_empty() && teams.is_empty() {
            return Ok(());
        }
        let number = number.to_string();
        let body = json!({"reviewers": reviewers, "team_reviewers": teams});
        let call = Call::post(of(id, &["pulls", &number, "requested_reviewers"]), body).repeatable();
        self.say(id, &format!("the reviewers of #{number}"), call).await
    }

    /// Puts a pull request on the desks of people.
    pub(crate) async fn assign(&self, id: &RepositoryId, number: u64, assignees: &[String]) -> Result<(), ForgeError> {
        if assignees.is_empty() {
            return Ok(());
        }
        let number = number.to_string();
        let call = Call::post(of(id, &["issues", &number, "assignees"]), json!({"assignees": assignees})).repeatable();
        self.say(id, &format!("the assignees of #{number}"), call).await
    }

    /// The person or team that may agree to deployments.
    pub(crate) async fn reviewer(&self, id: &RepositoryId, who: &Collaborator) -> Result<Reviewer, ForgeError> {
        let (kind, doing, call) = match who {
            Collaborator::User(login) => ("User", format!("find the user {login}"), Call::get(["users", login])),
            Collaborator::Team(slug) => {
                ("Team", format!("find the team {slug}"), Call::get(["orgs", id.owner(), "teams", slug]))
            }
        };
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let found: Numbered = client.ask(call).await.map_err(&failed)?;
        Ok(Reviewer { kind, id: found.id })
    }
}
