//! `publish:repository`: the workspace becomes a repository on the forge that the `repoUrl` names.
//!
//! The repository is created first, which is where of two runs exactly one wins; then one commit holds all files. Both
//! are noted before and after, and the commit's message ends with the run's id, so a retry of a run that was cut off
//! anywhere takes what it made itself, and refuses what somebody else made.

mod github;

pub(super) use self::github::PublishGithub;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::super::workspace;
use super::{
    Action, ActionContext, ActionDescription, ActionError, EffectClass, EffectKind, Example, Inspection, Inverse, Made,
    Outputs, outputs, text,
};
use crate::forge::{
    Contents, FileLocation, Forge, ForgeError, Forges, LogQuery, NewCommit, NewFile, NewRepository, Parent, RepoUrl,
    Repository, RepositoryId, Signature, Visibility,
};
use crate::permission::Credentials;

/// The branch where none is named.
const DEFAULT_BRANCH: &str = "main";
/// The last line of a first commit's message.
const TRAILER: &str = "Greenroom-Run";

/// Who commits where the template does not say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Author {
    /// A name.
    pub(crate) name: String,
    /// An e-mail address.
    pub(crate) email: String,
    /// The message of a first commit.
    #[serde(skip)]
    pub(crate) message: Option<String>,
}

impl Default for Author {
    fn default() -> Self {
        Self { name: "Greenroom".to_owned(), email: "greenroom@localhost".to_owned(), message: None }
    }
}

/// The action.
#[derive(Clone)]
pub(super) struct PublishRepository {
    forges: Forges,
    author: Author,
}

/// A step's input, understood.
struct Request<'a> {
    forge: &'a dyn Forge,
    id: RepositoryId,
    branch: String,
    folder: String,
    message: String,
}

impl PublishRepository {
    /// Publishes at these forges.
    pub(super) fn new(forges: Forges, author: Author) -> Self {
        Self { forges, author }
    }

    fn request<'a>(&'a self, input: &Outputs) -> Result<Request<'a>, ActionError> {
        let url: RepoUrl = text(input, "repoUrl")
            .unwrap_or_default()
            .parse()
            .map_err(|error| ActionError::input(format!("{error}")))?;
        let forge = self.forges.by_repo_url(&url)?.as_ref();
        let id = url.repository().map_err(|error| ActionError::input(error.to_string()))?;
        let given = |key: &str| text(input, key).filter(|text| !text.trim().is_empty());
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

    async fn publish(&self, ctx: &mut ActionContext, input: &Outputs) -> Result<Outputs, ActionError> {
        let request = self.request(input)?;
        let files = files(ctx, &request)?;
        let count = files.len();
        let repository = self.create(ctx, &request, input).await?;
        let commit = self.commit(ctx, &request, input, files).await?;
        ctx.log.info(format!("Pushed {count} files to {} as {}", request.branch, commit.get(..7).unwrap_or(&commit)));
        let outputs = published(&request, &repository.id, Some(&commit));
        let contents = text(&outputs, "repoContentsUrl").unwrap_or_default();
        ctx.remember_published(contents, &request.folder);
        Ok(outputs)
    }

    /// Creates the repository, or takes the one that this run created before it was cut off.
    async fn create(
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
        if let Some(first) = first_commit(request).await? {
            return Ok(is_of_run(&first, ctx).then_some(repository));
        }
        let same_person = repository.created_by == ctx.user.as_ref().map(ToString::to_string);
        let since = repository.created_at.is_some_and(|created| created >= began);
        Ok((same_person && since).then_some(repository))
    }

    /// Commits the files, or takes the commit that this run made before it was cut off.
    async fn commit(
        &self,
        ctx: &ActionContext,
        request: &Request<'_>,
        input: &Outputs,
        files: Vec<NewFile>,
    ) -> Result<String, ActionError> {
        let signature = |name: Option<&str>, email: Option<&str>| Signature {
            name: name.unwrap_or(&self.author.name).to_owned(),
            email: email.unwrap_or(&self.author.email).to_owned(),
            time: Utc::now().fixed_offset(),
        };
        let new = NewCommit {
            branch: request.branch.clone(),
            parent: Parent::Root,
            contents: Contents::Tree(files),
            message: format!("{}\n\n{}", request.message, trailer(ctx.task)),
            author: signature(text(input, "gitAuthorName"), text(input, "gitAuthorEmail")),
            committer: signature(None, None),
        };
        match request.forge.commit(&request.id, new).await {
            Ok(commit) => Ok(commit.id),
            Err(error @ ForgeError::Conflict { .. }) => match first_commit(request).await? {
                Some(first) if is_of_run(&first, ctx) => Ok(first.0),
                _ => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }
}

fn exists(id: &RepositoryId) -> ActionError {
    ActionError::conflict(format!("repository {id} already exists; choose another name, or delete it first"))
}

/// Id and message of the branch's newest commit.
async fn first_commit(request: &Request<'_>) -> Result<Option<(String, String)>, ActionError> {
    let query = LogQuery { revision: request.branch.clone(), path: None, skip: 0, limit: 1 };
    match request.forge.log(&request.id, query).await {
        Ok(commits) => Ok(commits.into_iter().next().map(|commit| (commit.id, commit.message))),
        Err(ForgeError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_of_run((_, message): &(String, String), ctx: &ActionContext) -> bool {
    message.trim_end().ends_with(&trailer(ctx.task))
}

/// How the message of a run's commit ends.
fn trailer(run: Uuid) -> String {
    format!("{TRAILER}: {run}")
}

/// The files to publish; none is a mistake.
fn files(ctx: &ActionContext, request: &Request<'_>) -> Result<Vec<NewFile>, ActionError> {
    let file = |(path, file): (&str, &workspace::WorkspaceFile)| NewFile {
        path: path.to_owned(),
        mode: file.mode,
        bytes: file.bytes.clone(),
    };
    let files: Vec<NewFile> = ctx.workspace.below(&request.folder).map(file).collect();
    if files.is_empty() {
        let place =
            if request.folder.is_empty() { "the workspace".to_owned() } else { format!("`{}`", request.folder) };
        return Err(ActionError::input(format!("there are no files in {place} to publish")));
    }
    Ok(files)
}

fn published(request: &Request<'_>, id: &RepositoryId, commit: Option<&str>) -> Outputs {
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
        Box::pin(async move { self.publish(ctx, &input).await })
    }

    fn inverse<'a>(&'a self, made: &'a Made) -> BoxFuture<'a, Result<Inverse, ActionError>> {
        Box::pin(async move {
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
        Box::pin(async move {
            let request = self.request(input)?;
            let count = files(ctx, &request)?.len();
            let conflict = match request.forge.find(&request.id).await {
                Ok(there) => Some(format!("repository {} already exists", there.id)),
                Err(ForgeError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            let outputs = published(&request, &request.id, Some(&"0".repeat(40)));
            ctx.remember_published(text(&outputs, "repoContentsUrl").unwrap_or_default(), &request.folder);
            let plural = if count == 1 { "file" } else { "files" };
            Ok(Inspection {
                effects: vec![
                    ctx.effect(EffectKind::Repository, format!("create repository {}", request.id), conflict),
                    ctx.effect(EffectKind::Push, format!("push {count} {plural} to {}", request.branch), None),
                ],
                outputs,
                warnings: Vec::new(),
            })
        })
    }
}
