//! `publish:repository`: the workspace becomes a repository on the forge that the `repoUrl` names.
//!
//! The repository is created first, which is where of two runs exactly one wins; then one commit holds all files. Both
//! are noted before and after, and the commit's message ends with the run's id, so a retry of a run that was cut off
//! anywhere takes what it made itself, and refuses what somebody else made.

mod author;
mod commit;
mod create;
mod differences;
mod github;
mod pull_request;
mod setup;

pub(crate) use self::author::Author;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use self::author::{is_of_run, newest, signed, trailer};
use super::super::workspace;
use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Inverse, Made,
    Outputs, outputs, text, texts,
};
use crate::forge::{
    Contents, FileLocation, Forge, ForgeError, Forges, LogQuery, NewCommit, NewFile, Parent, RepoUrl, RepositoryId,
};
use crate::permission::Credentials;

/// The branch where none is named.
const DEFAULT_BRANCH: &str = "main";

/// The actions that write to repositories.
pub(super) fn actions(forges: &Forges, author: &Author) -> Vec<Arc<dyn Action>> {
    let plain = PublishRepository { forges: forges.clone(), author: author.clone() };
    let github = |part| Arc::new(github::PublishGithub { plain: plain.clone(), part }) as Arc<dyn Action>;
    let [both, create, push] = [Part::Both, Part::Create, Part::Push].map(github);
    let commit = Arc::new(commit::CommitFiles(plain.clone()));
    vec![both, create, push, commit, Arc::new(pull_request::OpenPullRequest(plain.clone())), Arc::new(plain)]
}

/// Which part of publishing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Both,
    /// The repository stays empty.
    Create,
    /// The repository is there.
    Push,
}

/// The action.
#[derive(Clone)]
struct PublishRepository {
    forges: Forges,
    author: Author,
}

/// A step's input, understood.
struct Request {
    forge: Arc<dyn Forge>,
    id: RepositoryId,
    branch: String,
    folder: String,
    message: String,
}

impl PublishRepository {
    fn request(&self, input: &Outputs) -> Result<Request, ActionError> {
        let (forge, id) = addressed(&self.forges, input)?;
        let given = |key: &str| given(input, key);
        let message = given("gitCommitMessage").or(self.author.message.as_deref()).unwrap_or("Initial commit");
        Ok(Request {
            forge,
            id,
            branch: given("defaultBranch").unwrap_or(DEFAULT_BRANCH).to_owned(),
            folder: workspace::normal(given("sourcePath").unwrap_or("."))?,
            message: message.trim_end().to_owned(),
        })
    }

    /// The repository that a run noted.
    fn of_made(&self, made: &Made) -> Result<(&dyn Forge, RepositoryId), ActionError> {
        #[derive(Deserialize)]
        struct Noted {
            host: String,
            repository: RepositoryId,
        }
        let noted = serde_json::from_value(made.value.clone());
        let Noted { host, repository } =
            noted.map_err(|error| ActionError::failed(format!("what the run noted cannot be read: {error}")))?;
        Ok((self.forges.by_host(&host)?.as_ref(), repository))
    }

    /// `fitted` says whether the input may ask for what only GitHub has, and protection is what goes without saying.
    async fn publish(
        &self,
        ctx: &mut ActionContext,
        input: &Outputs,
        part: Part,
        fitted: bool,
    ) -> Result<Outputs, ActionError> {
        let request = self.request(input)?;
        if part == Part::Create {
            let repository = self.create(ctx, &request, input, fitted).await?;
            return Ok(published(&request, &repository.id, None));
        }
        let files = wanted(ctx, &request.folder, input)?;
        let count = files.len();
        let (id, commit) = if part == Part::Push {
            (request.id.clone(), self.push(ctx, &request, input, files).await?)
        } else {
            let repository = self.create(ctx, &request, input, fitted).await?;
            (repository.id, self.commit(ctx, &request, input, Parent::Root, files).await?)
        };
        if let Some(github) = request.forge.github().filter(|_| fitted) {
            setup::protect(github, ctx, &id, &request.branch, input).await?;
        }
        let short = commit.get(..7).unwrap_or(&commit);
        ctx.log.info(format!("Pushed {} to {} as {short}", counted(count), request.branch));
        let outputs = published(&request, &id, Some(&commit));
        let contents = text(&outputs, "repoContentsUrl").unwrap_or_default();
        ctx.remember_published(contents, &request.folder);
        Ok(outputs)
    }

    /// Commits the files to a repository that is there, or takes the commit that this step made before it was cut off.
    async fn push(
        &self,
        ctx: &ActionContext,
        request: &Request,
        input: &Outputs,
        files: Vec<NewFile>,
    ) -> Result<String, ActionError> {
        let tip = newest(request.forge.as_ref(), &request.id, &request.branch).await?;
        if let Some(commit) = resumed(ctx, tip.as_ref()).await? {
            return Ok(commit);
        }
        let parent = tip.map_or(Parent::Root, |(id, _)| Parent::Tip(id));
        let commit = self.commit(ctx, request, input, parent, files).await?;
        let sentence = format!("commit {} on {} of {}", &commit[..7], request.branch, request.id);
        ctx.made("pushed", &sentence, json!(commit)).await?;
        Ok(commit)
    }

    async fn foresee(
        &self,
        ctx: &ActionContext,
        input: &Outputs,
        part: Part,
        fitted: bool,
    ) -> Result<Inspection, ActionError> {
        let request = self.request(input)?;
        let mut effects = Vec::new();
        if part != Part::Push {
            let conflict = match request.forge.find(&request.id).await {
                Ok(there) => Some(format!("repository {} already exists", there.id)),
                Err(ForgeError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            effects.push(ctx.effect(EffectKind::Repository, format!("create repository {}", request.id), conflict));
        }
        if part == Part::Create {
            return Ok(Inspection { effects, outputs: published(&request, &request.id, None), warnings: Vec::new() });
        }
        let count = wanted(ctx, &request.folder, input)?.len();
        effects.push(ctx.effect(EffectKind::Push, format!("push {} to {}", counted(count), request.branch), None));
        if request.forge.github().is_some() && fitted {
            let told = setup::foreseen(&request.id, &request.branch, input)?;
            effects.extend(told.into_iter().map(|sentence| ctx.effect(EffectKind::Other, sentence, None)));
        }
        let outputs = published(&request, &request.id, Some(&"0".repeat(40)));
        ctx.remember_published(text(&outputs, "repoContentsUrl").unwrap_or_default(), &request.folder);
        Ok(Inspection { effects, outputs, warnings: Vec::new() })
    }

    /// Commits the files, or takes the commit that this run made before it was cut off.
    async fn commit(
        &self,
        ctx: &ActionContext,
        request: &Request,
        input: &Outputs,
        parent: Parent,
        files: Vec<NewFile>,
    ) -> Result<String, ActionError> {
        let new = NewCommit {
            branch: request.branch.clone(),
            parent,
            contents: Contents::Tree(files),
            message: signed(&request.message, ctx.task),
            author: self.author.signature(given(input, "gitAuthorName"), given(input, "gitAuthorEmail")),
            committer: self.author.signature(None, None),
            any_author: self.author.is_anybody(given(input, "gitAuthorName"), given(input, "gitAuthorEmail")),
        };
        match request.forge.commit(&request.id, new).await {
            Ok(commit) => Ok(commit.id),
            Err(error @ ForgeError::Conflict { .. }) => {
                match newest(request.forge.as_ref(), &request.id, &request.branch).await? {
                    Some((id, message)) if is_of_run(&message, ctx) => Ok(id),
                    _ => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The commit that an earlier attempt of this step put on a branch whose newest one this is. Called before anything is
/// committed: it notes where the branch was.
async fn resumed(ctx: &ActionContext, tip: Option<&(String, String)>) -> Result<Option<String>, ActionError> {
    if let Some(Value::String(done)) = ctx.noted("pushed").await? {
        return Ok(Some(done));
    }
    let at = tip.map_or("", |(id, _)| id);
    let Some(before) = ctx.noted("pushing").await? else {
        ctx.note("pushing", json!(at)).await?;
        return Ok(None);
    };
    let moved = before.as_str() != Some(at);
    Ok(tip.filter(|(_, message)| moved && is_of_run(message, ctx)).map(|(id, _)| id.clone()))
}

/// The files of a folder of the workspace; none is a mistake.
fn files(ctx: &ActionContext, folder: &str) -> Result<Vec<NewFile>, ActionError> {
    let file = |(path, file): (&str, &workspace::WorkspaceFile)| NewFile {
        path: path.to_owned(),
        mode: file.mode,
        bytes: file.bytes.clone(),
    };
    let files: Vec<NewFile> = ctx.workspace.below(folder).map(file).collect();
    if files.is_empty() {
        let place = if folder.is_empty() { "the workspace".to_owned() } else { format!("`{folder}`") };
        return Err(ActionError::input(format!("there are no files in {place} to publish")));
    }
    Ok(files)
}

/// The same without what the input leaves out.
fn wanted(ctx: &ActionContext, folder: &str, input: &Outputs) -> Result<Vec<NewFile>, ActionError> {
    let mut files = files(ctx, folder)?;
    for path in texts(input, "exclude") {
        let path = workspace::normal(&path)?;
        let below = format!("{path}/");
        files.retain(|file| file.path != path && !file.path.starts_with(&below));
    }
    Ok(files)
}

/// `1 file`, `2 files`
fn counted(files: usize) -> String {
    format!("{files} {}", if files == 1 { "file" } else { "files" })
}

/// The forge and the repository that a `repoUrl` names; with the token of the input.
pub(super) fn addressed(forges: &Forges, input: &Outputs) -> Result<(Arc<dyn Forge>, RepositoryId), ActionError> {
    let url: RepoUrl =
        text(input, "repoUrl").unwrap_or_default().parse().map_err(|error| ActionError::input(format!("{error}")))?;
    let forge = forges.by_repo_url(&url)?;
    // A person's own token, where the step has one and the forge knows such a thing.
    let own = given(input, "token").and_then(|token| forge.with_token(&token.to_owned().into()));
    let id = url.repository().map_err(|error| ActionError::input(error.to_string()))?;
    Ok((own.unwrap_or_else(|| Arc::clone(forge)), id))
}

/// The text at a key, if there is more than space in it.
fn given<'a>(input: &'a Outputs, key: &str) -> Option<&'a str> {
    text(input, key).filter(|text| !text.trim().is_empty())
}

fn published(request: &Request, id: &RepositoryId, commit: Option<&str>) -> Outputs {
    let root = FileLocation::tree(id.clone(), request.branch.clone(), "");
    let contents: String = request.forge.browse_url(&root).into();
    let mut outputs = outputs([
        ("remoteUrl", json!(request.forge.clone_url(id).as_str())),
        ("repoContentsUrl", json!(contents.trim_end_matches('/'))),
    ]);
    if let Some(commit) = commit {
        outputs.insert("commitHash".to_owned(), json!(commit));
    }
    outputs
}

impl Action for PublishRepository {
    fn description(&self) -> ActionDescription {
        let string = |description: &str| json!({"type": "string", "description": description});
        ActionDescription {
            id: "publish:repository",
            description: "Creates a repository on the forge that the repoUrl names, with the files of the workspace as its first commit.",
            input: json!({"type": "object", "required": ["repoUrl"], "additionalProperties": false, "properties": {
                "repoUrl": string("Accepts the format 'host?owner=owner&repo=name'"),
                "description": string("Repository description"),
                "defaultBranch": string("Sets the default branch on the repository. The default value is 'main'"),
                "repoVisibility": {"type": "string", "enum": ["private", "public", "internal"], "description": "Who may see it. The default value is 'private'"},
                "gitCommitMessage": string("Sets the commit message on the repository"),
                "gitAuthorName": string("Sets the author name for the commit"),
                "gitAuthorEmail": string("Sets the author email for the commit"),
                "sourcePath": string("Path within the workspace that will be used as the repository root. If omitted, the entire workspace will be published"),
                "exclude": {"type": "array", "items": {"type": "string"}, "description": "Files and folders of what would be published that are not"},
                "topics": {"type": "array", "items": {"type": "string"}, "description": "Topics of the repository, where the forge has them"},
            }}),
            output: Some(json!({"type": "object", "properties": {
                "remoteUrl": string("A URL to the repository with the provider"),
                "repoContentsUrl": string("A URL to the root of the repository"),
                "commitHash": string("The git commit hash of the initial commit"),
            }})),
            examples: vec![Example {
                description: "Publishes the workspace.",
                example: "steps:\n  - id: publish\n    action: publish:repository\n    input:\n      repoUrl: ${{ parameters.repoUrl }}\n      defaultBranch: main\n",
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
        Box::pin(async move { self.publish(ctx, &input, Part::Both, false).await })
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(async move {
            if made.key == "pushed" {
                return Ok(Inverse::impossible(&made.sentence));
            }
            let (forge, id) = self.of_made(made)?;
            let sentence = format!("delete repository {id}");
            let query = LogQuery { revision: "HEAD".to_owned(), path: None, skip: 0, limit: 2 };
            let obstacle = match forge.log(&id, query).await {
                Ok(commits) => commits
                    .iter()
                    .find(|commit| !commit.message.trim_end().ends_with(&trailer(made.task)))
                    .map(|commit| {
                        let subject = commit.message.lines().next().unwrap_or_default();
                        format!("there are later commits in it (\"{subject}\"); delete it by hand if nobody needs them")
                    }),
                // Gone, or empty.
                Err(ForgeError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            Ok(Inverse { sentence, obstacle })
        })
    }

    fn undo<'a>(&'a self, _: &'a Credentials, made: &'a Made) -> BoxFuture<'a, Result<(), ActionError>> {
        Box::pin(async move {
            let (forge, id) = self.of_made(made)?;
            match forge.delete(&id).await {
                Ok(()) | Err(ForgeError::NotFound(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn inspect<'a>(
        &'a self,
        ctx: &'a ActionContext,
        input: &'a Outputs,
    ) -> BoxFuture<'a, Result<Inspection, ActionError>> {
        Box::pin(self.foresee(ctx, input, Part::Both, false))
    }
}
