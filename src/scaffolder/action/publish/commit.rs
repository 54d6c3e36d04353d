//! `publish:commit`: files of the workspace are committed to a repository that is there, beside what it holds.
//!
//! Others commit there, too: where somebody was quicker, the files are compared again and the commit goes on top of
//! theirs. What it is going to add is noted before, so undoing deletes that and nothing else.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Inverse, Made,
    Outputs, outputs,
};
use super::author::{newest, signed};
use super::differences::{Differences, Ground};
use super::{PublishRepository, addressed, given, resumed};
use crate::forge::{Contents, Forge, ForgeError, NewCommit, Parent, RepositoryId};
use crate::permission::Credentials;

/// How often the commit is made again because somebody else's came before it.
const TRIES: usize = 5;
/// The action.
pub(super) struct CommitFiles(pub(super) PublishRepository);

/// Where a commit goes.
struct Place {
    forge: Arc<dyn Forge>,
    repository: RepositoryId,
    branch: String,
}

/// What a run notes of its commit.
#[derive(Serialize, Deserialize)]
struct Committed {
    host: String,
    repository: RepositoryId,
    branch: String,
    commit: String,
    /// Files that were not there before.
    added: Vec<String>,
}

impl Place {
    fn ground(&self, tip: Option<&(String, String)>) -> Ground<'_> {
        let revision = tip.map(|(id, _)| id.clone());
        Ground { forge: self.forge.as_ref(), repository: &self.repository, revision }
    }

    async fn tip(&self) -> Result<Option<(String, String)>, ActionError> {
        newest(self.forge.as_ref(), &self.repository, &format!("refs/heads/{}", self.branch)).await
    }

    fn outputs(&self, commit: Option<&str>) -> Outputs {
        let mut outputs = outputs([("remoteUrl", json!(self.forge.clone_url(&self.repository).as_str()))]);
        if let Some(commit) = commit {
            outputs.insert("commitHash".to_owned(), json!(commit));
        }
        outputs
    }
}

impl CommitFiles {
    /// The branch that an input names; a repository that is not there is an error.
    async fn place(&self, input: &Outputs) -> Result<Place, ActionError> {
        let (forge, id) = addressed(&self.0.forges, input)?;
        let repository = forge.find(&id).await?;
        let branch = given(input, "branchName").unwrap_or(&repository.default_branch).to_owned();
        Ok(Place { forge, repository: repository.id, branch })
    }

    fn commit(&self, place: &Place, tip: Option<&(String, String)>, message: String, contents: Contents) -> NewCommit {
        NewCommit {
            branch: place.branch.clone(),
            parent: tip.map_or(Parent::Root, |(id, _)| Parent::Tip(id.clone())),
            contents,
            message,
            author: self.0.author.signature(None, None),
            committer: self.0.author.signature(None, None),
            any_author: self.0.author.is_anybody(None, None),
        }
    }

    /// The commit and what it added; none if everything was there.
    async fn committed(
        &self,
        ctx: &ActionContext,
        input: &Outputs,
        place: &Place,
    ) -> Result<Option<(String, Vec<String>)>, ActionError> {
        let (name, email) = (given(input, "gitAuthorName"), given(input, "gitAuthorEmail"));
        let message = signed(given(input, "commitMessage").unwrap_or_default(), ctx.task);
        for last in (0..TRIES).map(|attempt| attempt + 1 == TRIES) {
            let tip = place.tip().await?;
            let adding = ctx.noted("adding").await?.and_then(|noted| serde_json::from_value(noted).ok());
            if let Some(commit) = resumed(ctx, tip.as_ref()).await? {
                return Ok(Some((commit, adding.unwrap_or_default())));
            }
            let differences = Differences::of(ctx, input, &place.ground(tip.as_ref())).await?;
            if differences.is_empty() {
                // Of an attempt that was cut off, where others have committed since.
                return Ok(tip.zip(adding).map(|((id, _), added)| (id, added)));
            }
            let (told, added) = (differences.sentence(), differences.added);
            ctx.note("adding", json!(added)).await?;
            let contents = match &tip {
                Some(_) => Contents::Change { write: differences.write, delete: differences.delete },
                None => Contents::Tree(differences.write),
            };
            let mut new = self.commit(place, tip.as_ref(), message.clone(), contents);
            new.author = self.0.author.signature(name, email);
            new.any_author = self.0.author.is_anybody(name, email);
            match place.forge.commit(&place.repository, new).await {
                Ok(commit) => {
                    ctx.note("pushed", json!(commit.id)).await?;
                    ctx.log.info(format!("Committed to {} of {}, {told}", place.branch, place.repository));
                    return Ok(Some((commit.id, added)));
                }
                Err(ForgeError::Conflict { .. }) if !last => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    async fn publish(&self, ctx: &mut ActionContext, input: &Outputs) -> Result<Outputs, ActionError> {
        let place = self.place(input).await?;
        let Some((commit, added)) = self.committed(ctx, input, &place).await? else {
            ctx.log.info(format!("{} has all of this already, so nothing is committed", place.repository));
            return Ok(place.outputs(None));
        };
        let short = commit.get(..7).unwrap_or(&commit);
        let sentence = format!("commit {short} on {} of {}", place.branch, place.repository);
        let noted = Committed {
            host: place.forge.host().to_owned(),
            repository: place.repository.clone(),
            branch: place.branch.clone(),
            commit: commit.clone(),
            added,
        };
        ctx.made("committed", &sentence, json!(noted)).await?;
        Ok(place.outputs(Some(&commit)))
    }

    async fn foresee(&self, ctx: &ActionContext, input: &Outputs) -> Result<Inspection, ActionError> {
        let (forge, id) = addressed(&self.0.forges, input)?;
        if let Err(ForgeError::NotFound(_)) = forge.find(&id).await {
            let conflict = format!("repository {id} is not there; create it first, or choose another");
            let effect = ctx.effect(EffectKind::Push, format!("commit to {id}"), Some(conflict));
            let outputs = outputs([("remoteUrl", json!(forge.clone_url(&id).as_str()))]);
            return Ok(Inspection { effects: vec![effect], outputs, warnings: Vec::new() });
        }
        let place = self.place(input).await?;
        let tip = place.tip().await?;
        let differences = Differences::of(ctx, input, &place.ground(tip.as_ref())).await?;
        let sentence = format!("commit to {} of {} ({})", place.branch, place.repository, differences.sentence());
        Ok(Inspection {
            effects: vec![ctx.effect(EffectKind::Push, sentence, None)],
            outputs: place.outputs(Some(&"0".repeat(40))),
            warnings: Vec::new(),
        })
    }

    fn of_made(&self, made: &Made) -> Result<(Place, Committed), ActionError> {
        let committed: Committed = serde_json::from_value(made.value.clone())
            .map_err(|error| ActionError::failed(format!("what the run noted cannot be read: {error}")))?;
        let forge = Arc::clone(self.0.forges.by_host(&committed.host)?);
        let (repository, branch) = (committed.repository.clone(), committed.branch.clone());
        Ok((Place { forge, repository, branch }, committed))
    }

    /// Deletes what the run added and is still there.
    async fn take_back(&self, made: &Made) -> Result<(), ActionError> {
        let (place, committed) = self.of_made(made)?;
        for last in (0..TRIES).map(|attempt| attempt + 1 == TRIES) {
            let tip = place.tip().await?;
            let Some((id, _)) = &tip else { return Ok(()) };
            let mut delete = Vec::new();
            for path in &committed.added {
                match place.forge.read(&place.repository, id, path).await {
                    Ok(_) => delete.push(path.clone()),
                    Err(ForgeError::NotFound(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if delete.is_empty() {
                return Ok(());
            }
            let message = signed(&format!("Delete {}", named(&delete)), made.task);
            let contents = Contents::Change { write: Vec::new(), delete };
            match place.forge.commit(&place.repository, self.commit(&place, tip.as_ref(), message, contents)).await {
                Ok(_) | Err(ForgeError::NotFound(_)) => return Ok(()),
                Err(ForgeError::Conflict { .. }) if !last => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// `apps/pay/envs/dev/values.yaml and 2 more files`
fn named(paths: &[String]) -> String {
    match paths {
        [one] => one.clone(),
        [first, _] => format!("{first} and another file"),
        [first, more @ ..] => format!("{first} and {} more files", more.len()),
        [] => "nothing".to_owned(),
    }
}

impl Action for CommitFiles {
    fn description(&self) -> ActionDescription {
        let string = |description: &str| json!({"type": "string", "description": description});
        ActionDescription {
            id: "publish:commit",
            description: "Commits files of the workspace to a branch of a repository that is there, beside what it holds, on the forge that the repoUrl names.",
            input: json!({"type": "object", "required": ["repoUrl", "commitMessage"], "additionalProperties": false, "properties": {
                "repoUrl": string("Accepts the format 'host?owner=owner&repo=name'"),
                "branchName": string("The branch that gets the commit. The default value is the repository's default branch"),
                "commitMessage": string("The message of the commit"),
                "sourcePath": string("Path within the workspace that the files come from. If omitted, the entire workspace"),
                "targetPath": string("Path within the repository that the files go to. If omitted, its root"),
                "filesToDelete": {"type": "array", "items": {"type": "string"}, "description": "Files and folders of the repository to delete"},
                "gitAuthorName": string("Sets the author name for the commit"),
                "gitAuthorEmail": string("Sets the author email for the commit"),
                "token": string("A token of the person to commit with, where the forge knows such a thing"),
            }}),
            output: Some(json!({"type": "object", "properties": {
                "remoteUrl": string("A URL to the repository with the provider"),
                "commitHash": string("The git commit hash; none where everything was there already"),
            }})),
            examples: vec![Example {
                description: "Puts the values of a service where all are.",
                example: "steps:\n  - id: values\n    action: publish:commit\n    input:\n      repoUrl: github.com?repo=gitops&owner=acme\n      sourcePath: gitops\n      commitMessage: Add payments-api\n",
            }],
        }
    }

    fn effect(&self) -> EffectClass {
        EffectClass::Outside
    }

    fn adopts(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, ctx: &'a mut ActionContext, input: Outputs) -> BoxFuture<'a, Result<Outputs, ActionError>> {
        Box::pin(async move { self.publish(ctx, &input).await })
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(async move {
            let (place, committed) = self.of_made(made)?;
            if committed.added.is_empty() {
                return Ok(Inverse::impossible(&made.sentence));
            }
            let sentence = format!("delete {} from {}", named(&committed.added), place.repository);
            Ok(Inverse { sentence, obstacle: None })
        })
    }

    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(self.take_back(made))
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(self.foresee(ctx, input))
    }
}
