//! The repository comes to be: of two runs exactly one makes it, and a run that was cut off finds its own.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::{ActionContext, ActionError, Outputs, text};
use super::author::{is_of_run, newest};
use super::{PublishRepository, Request};
use crate::forge::{ForgeError, NewRepository, Repository, RepositoryId, Visibility};

impl PublishRepository {
    /// Creates the repository, or takes the one that this run created before it was cut off.
    pub(super) async fn create(
        &self,
        ctx: &ActionContext,
        request: &Request<'_>,
        input: &Outputs,
    ) -> Result<Repository, ActionError> {
        if ctx.noted("created").await?.is_some() {
            ctx.log.info(format!("Repository {} was created by this run before", request.id));
            return Ok(request.forge.find(&request.id).await?);
        }
        let began: Option<DateTime<Utc>> =
            ctx.noted("creating").await?.and_then(|noted| serde_json::from_value(noted).ok());
        if began.is_none() {
            ctx.note("creating", json!(Utc::now())).await?;
        }
        let visibility =
            text(input, "repoVisibility").map_or(Ok(Visibility::default()), str::parse).map_err(ForgeError::from)?;
        let new = NewRepository {
            id: request.id.clone(),
            description: text(input, "description").unwrap_or_default().to_owned(),
            default_branch: request.branch.clone(),
            visibility,
            created_by: ctx.user.as_ref().map(ToString::to_string),
        };
        let repository = match request.forge.create(new).await {
            Ok(repository) => repository,
            Err(ForgeError::AlreadyExists(id)) => self.own(ctx, request, began).await?.ok_or_else(|| exists(&id))?,
            Err(error) => return Err(error.into()),
        };
        let sentence = format!("repository {}", repository.id);
        ctx.made("created", &sentence, json!({"host": request.forge.host(), "repository": repository.id})).await?;
        ctx.log.info(format!("Created repository {}", repository.id));
        Ok(repository)
    }

    /// The repository that is there, if this run's earlier attempt made it.
    async fn own(
        &self,
        ctx: &ActionContext,
        request: &Request<'_>,
        began: Option<DateTime<Utc>>,
    ) -> Result<Option<Repository>, ActionError> {
        let Some(began) = began else { return Ok(None) };
        let repository = request.forge.find(&request.id).await?;
        if let Some(first) = newest(request.forge, &request.id, &request.branch).await? {
            return Ok(is_of_run(&first.1, ctx).then_some(repository));
        }
        let same_person = repository.created_by == ctx.user.as_ref().map(ToString::to_string);
        let since = repository.created_at.is_some_and(|created| created >= began);
        Ok((same_person && since).then_some(repository))
    }
}

fn exists(id: &RepositoryId) -> ActionError {
    ActionError::conflict(format!("repository {id} already exists; choose another name, or delete it first"))
}
