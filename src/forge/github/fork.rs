//! A person's fork of a repository, to propose changes from where they may not write.

use serde_json::json;

use super::client::Call;
use super::error::Failure;
use super::{GitHub, model};
use crate::forge::{ForgeError, RepositoryId};

/// How often it is looked whether a fork is there; GitHub makes it in the background.
const LOOKS: u32 = 120;

impl GitHub {
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
        Ok(RepositoryId::new(me.login, id.name())?)
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
