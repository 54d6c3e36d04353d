//! `publish:github:pull-request`: files of the workspace become a branch and a pull request, on the forge that the
//! `repoUrl` names.
//!
//! The branch is committed first, then proposed. Both are noted, and the commit's message ends with the run's id, so a
//! run that was cut off anywhere finds what it made itself, and opens nothing twice.

mod request;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::request::{Request, shown};
use super::super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Inverse, Made,
    Outputs, flag, outputs, texts,
};
use super::author::signed;
use super::differences::Differences;
use super::github::left_out;
use super::setup::skipped;
use super::{PublishRepository, addressed, given, resumed};
use crate::forge::{Contents, Forge, ForgeError, NewCommit, NewPullRequest, Parent, RepositoryId};
use crate::permission::Credentials;

/// What the local forge has nothing like, with the type of the input.
const MORE: [(&str, &str); 6] = [
    ("reviewers", "array"),
    ("teamReviewers", "array"),
    ("assignees", "array"),
    ("forceFork", "boolean"),
    ("forceEmptyGitAuthor", "boolean"),
    ("token", "string"),
];

/// The action.
pub(super) struct OpenPullRequest(pub(super) PublishRepository);

/// What a run notes of the pull request that it opened.
#[derive(Serialize, Deserialize)]
struct Opened {
    host: String,
    repository: RepositoryId,
    number: u64,
    branch: String,
    /// The commit at the branch's tip.
    commit: String,
    /// Whether the branch came to be with it.
    new_branch: bool,
    /// The fork that the branch is in, if it is in one.
    #[serde(default)]
    from: Option<RepositoryId>,
}

impl OpenPullRequest {
    /// The commit at the tip of the branch, made now or before.
    async fn commit(
        &self,
        ctx: &ActionContext,
        input: &Outputs,
        request: &Request,
        differences: Differences,
    ) -> Result<String, ActionError> {
        let parent = match &request.tip {
            Some((id, _)) => Parent::Tip(id.clone()),
            None => Parent::Fork(request.forge.resolve(request.id(), &format!("refs/heads/{}", request.base)).await?),
        };
        let author = &self.0.author;
        let new = NewCommit {
            branch: request.head.clone(),
            parent,
            contents: Contents::Change { write: differences.write, delete: differences.delete },
            message: signed(given(input, "commitMessage").unwrap_or(&request.title), ctx.task),
            author: author.signature(given(input, "gitAuthorName"), given(input, "gitAuthorEmail")),
            committer: author.signature(None, None),
            any_author: author.is_anybody(given(input, "gitAuthorName"), given(input, "gitAuthorEmail")),
        };
        if let Some(github) = request.forge.github().filter(|_| request.is_forked()) {
            github.fork(request.id()).await?;
        }
        let commit = request.forge.commit(&request.from, new).await?.id;
        ctx.note("pushed", json!(commit)).await?;
        Ok(commit)
    }

    async fn publish(&self, ctx: &mut ActionContext, input: &Outputs) -> Result<Outputs, ActionError> {
        let request = Request::of(&self.0.forges, input).await?;
        if let Some(warning) = warning(&request, input) {
            ctx.log.warn(warning);
        }
        let update = flag(input, "update");
        let resumed = resumed(ctx, request.tip.as_ref()).await?;
        // Where the branch was before this step began.
        let new_branch = ctx.noted("pushing").await?.is_some_and(|at| at == "");
        let commit = match resumed {
            Some(commit) => commit,
            None if request.tip.is_some() && !update => return Err(ActionError::conflict(request.taken())),
            None => {
                let differences = Differences::of(ctx, input, &request.ground()).await?;
                let told = differences.sentence();
                if differences.is_empty() && input.get("createWhenEmpty") == Some(&Value::Bool(false)) {
                    ctx.log.info(format!("{} has all of this already, so no pull request is opened", request.id()));
                    return Ok(outputs([("targetBranchName", json!(request.base))]));
                }
                let commit = self.commit(ctx, input, &request, differences).await?;
                ctx.log.info(format!("Committed to {} of {}, {told}", request.head, request.from));
                commit
            }
        };
        let pull = if let Some(open) = request.open().await? {
            open
        } else {
            let new = NewPullRequest {
                title: request.title.clone(),
                body: given(input, "description").unwrap_or_default().to_owned(),
                head: request.proposed(),
                base: request.base.clone(),
                draft: flag(input, "draft"),
                created_by: ctx.user.as_ref().map(ToString::to_string),
            };
            request.forge.propose(request.id(), new).await?
        };
        let opened = Opened {
            host: request.forge.host().to_owned(),
            repository: request.id().clone(),
            number: pull.number,
            branch: request.head.clone(),
            commit,
            new_branch,
            from: request.is_forked().then(|| request.from.clone()),
        };
        let sentence = format!("pull request #{} of {}", pull.number, request.id());
        ctx.made("opened", &sentence, json!(opened)).await?;
        if let Some(github) = request.forge.github() {
            let asked = |key: &str| texts(input, key);
            let (reviewers, teams, assignees) = (asked("reviewers"), asked("teamReviewers"), asked("assignees"));
            let reviews = github.ask_for_review(request.id(), pull.number, &reviewers, &teams).await;
            skipped(ctx, "the reviewers", reviews)?;
            let assigned = github.assign(request.id(), pull.number, &assignees).await;
            skipped(ctx, "the assignees", assigned)?;
        }
        ctx.log.info(format!("Opened {sentence}: {}", request.forge.pull_request_url(request.id(), pull.number)));
        Ok(request.outputs(pull.number))
    }

    async fn foresee(&self, ctx: &ActionContext, input: &Outputs) -> Result<Inspection, ActionError> {
        let (forge, id) = addressed(&self.0.forges, input)?;
        if let Err(ForgeError::NotFound(_)) = forge.find(&id).await {
            // An earlier step may be to create it.
            let branch = given(input, "branchName").unwrap_or_default();
            let sentence = format!("open a pull request in {id} from {branch}");
            let warning = format!("{id} is not there yet, so what {branch} changes in it is not known");
            let effects = vec![ctx.effect(EffectKind::PullRequest, sentence, None)];
            let base = given(input, "targetBranchName").unwrap_or(super::DEFAULT_BRANCH);
            let outputs = shown(forge.as_ref(), &id, base, 1);
            return Ok(Inspection { effects, outputs, warnings: vec![warning] });
        }
        let request = Request::of(&self.0.forges, input).await?;
        let differences = Differences::of(ctx, input, &request.ground()).await?;
        let open = request.open().await?;
        let conflict = (request.tip.is_some() && !flag(input, "update")).then(|| request.taken());
        let verb = if open.is_some() { "update" } else { "open" };
        let sentence = format!(
            "{verb} a pull request in {} from {} into {} ({})",
            request.id(),
            request.proposed(),
            request.base,
            differences.sentence()
        );
        Ok(Inspection {
            effects: vec![ctx.effect(EffectKind::PullRequest, sentence, conflict)],
            outputs: request.outputs(open.map_or(1, |pull| pull.number)),
            warnings: warning(&request, input).into_iter().collect(),
        })
    }

    fn of_made(&self, made: &Made) -> Result<(&dyn Forge, Opened), ActionError> {
        let opened: Opened = serde_json::from_value(made.value.clone())
            .map_err(|error| ActionError::failed(format!("what the run noted cannot be read: {error}")))?;
        Ok((self.0.forges.by_host(&opened.host)?.as_ref(), opened))
    }
}

fn warning(request: &Request, input: &Outputs) -> Option<String> {
    if request.forge.github().is_some() {
        return None;
    }
    let asked = MORE.iter().map(|(name, _)| *name).filter(|name| input.get(*name).is_some_and(super::github::is_asked));
    left_out(request.forge.host(), &asked.collect::<Vec<_>>())
}

impl Action for OpenPullRequest {
    fn description(&self) -> ActionDescription {
        let string = |description: &str| json!({"type": "string", "description": description});
        let boolean = |description: &str| json!({"type": "boolean", "description": description});
        let mut input = json!({"type": "object", "required": ["repoUrl", "branchName", "title", "description"], "additionalProperties": false, "properties": {
            "repoUrl": string("Accepts the format 'host?owner=owner&repo=name'"),
            "branchName": string("The name of the branch"),
            "targetBranchName": string("The branch that the changes are for. The default value is the repository's default branch"),
            "title": string("The name of the pull request"),
            "description": string("The description of the pull request"),
            "draft": boolean("Opens it as a draft"),
            "sourcePath": string("Path within the workspace that the files come from. If omitted, the entire workspace"),
            "targetPath": string("Path within the repository that the files go to. If omitted, its root"),
            "filesToDelete": {"type": "array", "items": {"type": "string"}, "description": "Files and folders of the repository to delete"},
            "update": boolean("Commits on top of a branch that exists, and keeps its open pull request"),
            "createWhenEmpty": boolean("Whether a pull request without changes is opened. The default value is true"),
            "commitMessage": string("The message of the commit. The default value is the title"),
            "gitAuthorName": string("Sets the author name for the commit"),
            "gitAuthorEmail": string("Sets the author email for the commit"),
        }});
        let words = "As GitHub has it; left out, with a line in the log, where the forge has nothing like it.";
        for (name, kind) in MORE {
            input["properties"][name] = json!({"type": kind, "description": words});
        }
        ActionDescription {
            id: "publish:github:pull-request",
            description: "Opens a pull request with files of the workspace, on the forge that the repoUrl names.",
            input,
            output: Some(json!({"type": "object", "properties": {
                "targetBranchName": string("The branch that the changes are for"),
                "remoteUrl": string("The page of the pull request"),
                "pullRequestNumber": {"type": "number", "description": "The number of the pull request"},
            }})),
            examples: vec![Example {
                description: "Proposes the files of the workspace.",
                example: "steps:\n  - id: propose\n    action: publish:github:pull-request\n    input:\n      repoUrl: github.com?repo=payments-api&owner=acme\n      branchName: add-docs\n      title: Add documentation\n      description: Begins the documentation of the service.\n",
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
            let (forge, opened) = self.of_made(made)?;
            let mut sentence = format!("close {}", made.sentence);
            match &opened.from {
                Some(fork) => sentence = format!("{sentence}; its branch {} stays in the fork {fork}", opened.branch),
                None if opened.new_branch => sentence = format!("{sentence} and delete its branch {}", opened.branch),
                None => {}
            }
            let obstacle = match forge.pull_request(&opened.repository, opened.number).await {
                Ok(pull) if pull.is_merged() => {
                    Some(format!("it is merged; revert that in {}, by another pull request", opened.repository))
                }
                Ok(_) | Err(ForgeError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            Ok(Inverse { sentence, obstacle })
        })
    }

    fn undo<'a>(&'a self, who: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move {
            let (forge, opened) = self.of_made(made)?;
            let by = who.user_ref().map(ToString::to_string);
            match forge.close(&opened.repository, opened.number, by.as_deref()).await {
                Ok(_) | Err(ForgeError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
            // A fork is its owner's, whose token nobody keeps.
            if !opened.new_branch || opened.from.is_some() {
                return Ok(());
            }
            match forge.delete_branch(&opened.repository, &opened.branch, &opened.commit).await {
                // Somebody committed to it since: what they did stays.
                Ok(()) | Err(ForgeError::NotFound(_) | ForgeError::Conflict { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(self.foresee(ctx, input))
    }
}
