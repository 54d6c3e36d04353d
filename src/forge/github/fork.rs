//! A person's fork of a repository, to propose changes from where they may not write.

use serde::Deserialize;
use serde_json::json;

use super::client::Call;
use super::error::Failure;
use super::{GitHub, model};
use crate::forge::{ForgeError, RepositoryId};

/// How often it is looked whether a fork is there; GitHub makes it in the background.
const LOOKS: u32 = 120;

/// A repository as whoever asks sees it.
#[derive(Debug, Deserialize)]
struct Seen {
    full_name: String,
    #[serde(default)]
    fork: bool,
    #[serde(default)]
    parent: Option<Parent>,
    #[serde(default)]
    permissions: Option<Permissions>,
}

#[derive(Debug, Deserialize)]
struct Parent {
    full_name: String,
}

#[derive(Debug, Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
}

impl GitHub {
    /// Whether branches can be made in a repository. Of an App it is taken for granted: it says itself what it lacks.
    pub(crate) async fn may_push(&self, id: &RepositoryId) -> Result<bool, ForgeError> {
        if self.person.is_none() {
            return Ok(true);
        }
        let seen = self.seen(id, "find out who may push to").await?;
        Ok(seen.and_then(|seen| seen.permissions).is_none_or(|permissions| permissions.push))
    }

    async fn seen(&self, id: &RepositoryId, doing: &str) -> Result<Option<Seen>, ForgeError> {
        let doing = format!("{doing} {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        match client.ask(Call::get(["repos", id.owner(), id.name()])).await {
            Ok(seen) => Ok(Some(seen)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failed(failure)),
        }
    }

    /// What the fork of a repository is called for whoever asks; whether it is there is another question.
    pub(crate) async fn fork_name(&self, id: &RepositoryId) -> Result<RepositoryId, ForgeError> {
        let doing = format!("find out whose fork of {id} to use");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let me: model::User = client.ask(Call::get(["user"])).await.map_err(|failure| {
            if failure.says("by integration") {
                return failed(Failure::Credentials(
                    "a GitHub App has no forks; give the step the `token` of a person".to_owned(),
                ));
            }
            failed(failure)
        })?;
        let fork = RepositoryId::new(me.login, id.name())?;
        let is_other = |seen: &Seen| {
            let parent = seen.parent.as_ref().map(|parent| parent.full_name.as_str());
            !seen.fork || parent.is_none_or(|parent| !parent.eq_ignore_ascii_case(&id.to_string()))
        };
        match self.seen(&fork, "look for the fork").await?.filter(is_other) {
            Some(other) => Err(ForgeError::Refused(format!(
                "{} is there and is no fork of {id}; rename it, so that the fork can have its name",
                other.full_name
            ))),
            None => Ok(fork),
        }
    }

    /// Makes the fork, or takes the one that is there; gives it once it can be written to.
    pub(crate) async fn fork(&self, id: &RepositoryId) -> Result<RepositoryId, ForgeError> {
        let doing = format!("fork {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        // Asked for again, GitHub gives the one that is there.
        let call = Call::post(["repos", id.owner(), id.name(), "forks"], json!({})).repeatable();
        let made: model::Repository = client.ask(call).await.map_err(&failed)?;
        let fork = made.full_name.parse().unwrap_or_else(|_| id.clone());
        for _ in 0..LOOKS {
            match self.commit_id(&fork, "HEAD").await {
                Err(ForgeError::NotFound(_)) => tokio::time::sleep(client.second()).await,
                other => return other.map(|_| fork),
            }
        }
        Err(failed(Failure::Unreachable(format!("{fork} is not there after {LOOKS} s; try again later"))))
    }
}
