//! The repository comes to be: of two runs exactly one makes it, and a run that was cut off finds its own.

use serde_json::json;

use super::super::{ActionContext, ActionError, Outputs, text};
use super::author::trailer;
use super::{PublishRepository, Request, setup};
use crate::forge::{ForgeError, NewRepository, Repository, RepositoryId, Visibility};

impl PublishRepository {
    /// Creates the repository, or takes the one that this run created before it was cut off, and sets it up.
    pub(super) async fn create(
        &self,
        ctx: &ActionContext,
        request: &Request,
        input: &Outputs,
        fitted: bool,
    ) -> Result<Repository, ActionError> {
        let repository = self.created(ctx, request, input).await?;
        match request.forge.github() {
            Some(github) if fitted => setup::set_up(github, ctx, &repository.id, input).await?,
            Some(github) => {
                let common = ["description", "topics"];
                let common = input.iter().filter(|(key, _)| common.contains(&key.as_str()));
                let common = common.map(|(key, value)| (key.clone(), value.clone())).collect();
                setup::set_up(github, ctx, &repository.id, &common).await?;
            }
            None => request.forge.describe(&repository.id, text(input, "description").unwrap_or_default()).await?,
        }
        Ok(repository)
    }

    async fn created(
        &self,
        ctx: &ActionContext,
        request: &Request,
        input: &Outputs,
    ) -> Result<Repository, ActionError> {
        if ctx.noted("created").await?.is_some() {
            ctx.log.info(format!("Repository {} was created by this run before", request.id));
            return Ok(request.forge.find(&request.id).await?);
        }
        let visibility =
            text(input, "repoVisibility").map_or(Ok(Visibility::default()), str::parse).map_err(ForgeError::from)?;
        let new = NewRepository {
            id: request.id.clone(),
            description: text(input, "description").unwrap_or_default().to_owned(),
            default_branch: request.branch.clone(),
            visibility,
            created_by: ctx.user.as_ref().map(ToString::to_string),
            mark: Some(format!("{} {}", trailer(ctx.task), ctx.step.key)),
        };
        let repository = match request.forge.create(new).await {
            Ok(repository) => repository,
            Err(ForgeError::AlreadyExists(id)) => return Err(exists(&id)),
            Err(error) => return Err(error.into()),
        };
        let sentence = format!("repository {}", repository.id);
        ctx.made("created", &sentence, json!({"host": request.forge.host(), "repository": repository.id})).await?;
        ctx.log.info(format!("Created repository {}", repository.id));
        Ok(repository)
    }
}

fn exists(id: &RepositoryId) -> ActionError {
    ActionError::conflict(format!("repository {id} already exists; choose another name, or delete it first"))
}
