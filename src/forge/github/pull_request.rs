//! Pull requests.

use http::StatusCode;
use serde_json::{Value, json};

use super::client::{Call, Client};
use super::error::Failure;
use super::{GitHub, model};
use crate::forge::{ForgeError, MergeMethod, Missing, NewMerge, NewPullRequest, PullRequest, RepositoryId};

/// Takes the draft's mark off; REST cannot.
const READY: &str =
    "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }";

impl GitHub {
    pub(super) async fn open_pull_request(
        &self,
        id: &RepositoryId,
        new: NewPullRequest,
    ) -> Result<PullRequest, ForgeError> {
        let doing = format!("open a pull request in {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let body = json!({
            "title": new.title, "body": new.body, "head": new.head, "base": new.base, "draft": new.draft,
        });
        match client.ask::<model::PullRequest>(Call::post(pulls(id, &[]), body)).await {
            Ok(made) => Ok(made.read()),
            Err(failure) if failure.says("already exists") => Err(ForgeError::Refused(format!(
                "a pull request from `{}` into `{}` is open already in {id}",
                new.head, new.base
            ))),
            Err(failure) if failure.says("no commits between") => {
                Err(ForgeError::Refused(format!("`{}` has nothing that `{}` has not, in {id}", new.head, new.base)))
            }
            Err(failure) if failure.is_uncertain() => {
                // Perhaps it was opened: of one branch into one other there is one at most.
                let found = open_between(&client, id, &new.head, &new.base).await.ok().flatten();
                found.map(model::PullRequest::read).ok_or_else(|| failed(failure))
            }
            Err(failure) => Err(failed(failure)),
        }
    }

    /// The open pull request from a branch (`branch`, or `owner:branch` of a fork) into another.
    pub(crate) async fn proposed(
        &self,
        id: &RepositoryId,
        head: &str,
        base: &str,
    ) -> Result<Option<PullRequest>, ForgeError> {
        let doing = format!("find the pull request from {head} in {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let found = open_between(&client, id, head, base).await;
        let found = found.map_err(|failure| super::repository::absent(failure, id, &failed))?;
        Ok(found.map(model::PullRequest::read))
    }

    pub(super) async fn list_pull_requests(&self, id: &RepositoryId) -> Result<Vec<PullRequest>, ForgeError> {
        let doing = format!("list the pull requests of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let call = Call::get(pulls(id, &[])).query([("state", "all"), ("sort", "created"), ("direction", "desc")]);
        let listed = client.all::<model::PullRequest>(call, None).await;
        let listed = listed.map_err(|failure| super::repository::absent(failure, id, &failed))?;
        Ok(listed.into_iter().map(model::PullRequest::read).collect())
    }

    pub(super) async fn find_pull_request(&self, id: &RepositoryId, number: u64) -> Result<PullRequest, ForgeError> {
        self.raw_pull_request(id, number).await.map(model::PullRequest::read)
    }

    async fn raw_pull_request(&self, id: &RepositoryId, number: u64) -> Result<model::PullRequest, ForgeError> {
        let doing = format!("read pull request #{number} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        client.ask(Call::get(pulls(id, &[&number.to_string()]))).await.map_err(|failure| {
            if failure.is_not_found() {
                return ForgeError::NotFound(Missing::PullRequest { repository: id.clone(), number });
            }
            failed(failure)
        })
    }

    pub(super) async fn mark_ready(&self, id: &RepositoryId, number: u64) -> Result<PullRequest, ForgeError> {
        let doing = format!("mark pull request #{number} of {id} as ready");
        let failed = self.failed(&doing);
        let pull = self.raw_pull_request(id, number).await?;
        if pull.draft != Some(true) {
            return Ok(pull.read());
        }
        let client = self.client(id.owner()).await.map_err(&failed)?;
        client.graphql::<Value>(READY, json!({"id": pull.node_id})).await.map_err(&failed)?;
        Ok(PullRequest { draft: false, ..pull.read() })
    }

    pub(super) async fn merge_pull_request(
        &self,
        id: &RepositoryId,
        number: u64,
        merge: NewMerge,
    ) -> Result<PullRequest, ForgeError> {
        let doing = format!("merge pull request #{number} of {id}");
        let failed = self.failed(&doing);
        let before = self.find_pull_request(id, number).await?;
        if before.is_merged() {
            return Ok(before);
        }
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let method = match merge.method {
            MergeMethod::Merge => "merge",
            MergeMethod::Squash => "squash",
        };
        let mut body = json!({"merge_method": method});
        if let Some(seen) = &merge.seen {
            body["sha"] = json!(seen);
        }
        match client.tell(Call::put(pulls(id, &[&number.to_string(), "merge"]), body)).await {
            Ok(()) => {}
            Err(failure) if failure.is(StatusCode::METHOD_NOT_ALLOWED) || failure.is(StatusCode::CONFLICT) => {
                // The first of two tries may have done it.
                let now = self.find_pull_request(id, number).await?;
                if !now.is_merged() {
                    let told = failed(failure).to_string();
                    return Err(ForgeError::Refused(told));
                }
            }
            Err(failure) => return Err(failed(failure)),
        }
        let merged = self.raw_pull_request(id, number).await?;
        if merge.delete_branch {
            match self.remove_branch(id, &merged.head.branch, &merged.head.sha).await {
                // GitHub may delete it by itself.
                Ok(()) | Err(ForgeError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(merged.read())
    }

    pub(super) async fn close_pull_request(&self, id: &RepositoryId, number: u64) -> Result<PullRequest, ForgeError> {
        let before = self.find_pull_request(id, number).await?;
        if !before.is_open() {
            return Ok(before);
        }
        let doing = format!("close pull request #{number} of {id}");
        let failed = self.failed(&doing);
        let client = self.client(id.owner()).await.map_err(&failed)?;
        let call = Call::patch(pulls(id, &[&number.to_string()]), json!({"state": "closed"}));
        let closed: model::PullRequest = client.ask(call).await.map_err(&failed)?;
        Ok(closed.read())
    }
}

fn pulls<'a>(id: &'a RepositoryId, rest: &[&'a str]) -> Vec<&'a str> {
    ["repos", id.owner(), id.name(), "pulls"].into_iter().chain(rest.iter().copied()).collect()
}

/// The open pull request of a branch into another.
async fn open_between(
    client: &Client,
    id: &RepositoryId,
    head: &str,
    base: &str,
) -> Result<Option<model::PullRequest>, Failure> {
    let head = if head.contains(':') { head.to_owned() } else { format!("{}:{head}", id.owner()) };
    let call = Call::get(pulls(id, &[])).query([("state", "open"), ("head", head.as_str()), ("base", base)]);
    let found: Vec<model::PullRequest> = client.ask(call).await?;
    Ok(found.into_iter().next())
}
