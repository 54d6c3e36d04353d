//! `/repositories`: the local forge's repositories, their files and their history.

mod blob;
mod changes;
mod commit;
mod pull;
mod raw;
mod show;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde::Deserialize;

pub(super) use self::raw::{SANDBOX, image_type, text_of};

use super::shown::Moment;
use crate::forge::{
    Branch, Commit, FileLocation, Forge as _, LocalForge, LocationKind, LogQuery, Repository, RepositoryId, Visibility,
};
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::{AppState, Site, url as link};

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/repositories", get(index))
        .route("/repositories/{owner}/{repository}", get(show::root))
        .route("/repositories/{owner}/{repository}/tree/{revision}", get(show::tree))
        .route("/repositories/{owner}/{repository}/tree/{revision}/{*path}", get(show::tree))
        .route("/repositories/{owner}/{repository}/blob/{revision}/{*path}", get(blob::show))
        .route("/repositories/{owner}/{repository}/raw/{revision}/{*path}", get(raw::show))
        .route("/repositories/{owner}/{repository}/commits/{revision}", get(commit::list))
        .route("/repositories/{owner}/{repository}/commit/{id}", get(commit::show))
        .route("/repositories/{owner}/{repository}/pulls", get(pull::list))
        .route("/repositories/{owner}/{repository}/pulls/{number}", get(pull::show))
        .route("/repositories/{owner}/{repository}/pulls/{number}/merge", post(pull::merge))
        .route("/repositories/{owner}/{repository}/pulls/{number}/close", post(pull::close))
        .route("/repositories/{owner}/{repository}/pulls/{number}/ready", post(pull::ready))
}

/// The list.
#[derive(Template)]
#[template(path = "repository/index.html")]
struct IndexPage {
    chrome: Chrome,
    q: String,
    total: usize,
    repositories: Vec<Row>,
}

struct Row {
    link: String,
    name: String,
    about: String,
    visibility: &'static str,
    created: Option<Moment>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
}

async fn index(State(forge): State<LocalForge>, viewer: Viewer, Query(asked): Query<Asked>) -> PageResult<IndexPage> {
    let all = forge.list(None).await?;
    let words = asked.q.to_lowercase();
    let fits = |repository: &&Repository| {
        let text = format!("{} {}", repository.id, repository.description).to_lowercase();
        words.split_whitespace().all(|word| text.contains(word))
    };
    let repositories = all.iter().filter(fits).map(Row::from).collect();
    Ok(Page(IndexPage {
        chrome: viewer.chrome(Area::Repositories, "Repositories"),
        q: asked.q,
        total: all.len(),
        repositories,
    }))
}

impl From<&Repository> for Row {
    fn from(repository: &Repository) -> Self {
        Self {
            link: link::repository(repository.id.owner(), repository.id.name()),
            name: repository.id.to_string(),
            about: repository.description.clone(),
            visibility: repository.visibility.as_str(),
            created: repository.created_at.map(Moment),
        }
    }
}

/// Which repository, at which revision, and which file or folder: the parts of an address.
#[derive(Deserialize)]
struct Place {
    owner: String,
    repository: String,
    #[serde(default)]
    revision: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    id: String,
    /// Of a pull request.
    #[serde(default)]
    number: u64,
}

impl Place {
    fn repository(&self) -> Result<RepositoryId, Error> {
        RepositoryId::new(self.owner.as_str(), self.repository.as_str())
            .map_err(|error| Error::NotFound(error.to_string()))
    }
}

/// What stands at the top of every page of a repository.
struct Head {
    id: RepositoryId,
    about: String,
    revision: String,
    default_branch: String,
    branches: Vec<Branch>,
    clone_url: String,
    visibility: Visibility,
}

impl Head {
    async fn load(forge: &LocalForge, site: &Site, id: RepositoryId, revision: Option<&str>) -> Result<Self, Error> {
        let repository = forge.find(&id).await?;
        let branches = forge.branches(&id).await?;
        Ok(Self {
            clone_url: site.absolute(&link::git(id.owner(), id.name())),
            about: repository.description,
            revision: revision.filter(|revision| !revision.is_empty()).unwrap_or(&repository.default_branch).to_owned(),
            default_branch: repository.default_branch,
            visibility: repository.visibility,
            branches,
            id: repository.id,
        })
    }

    fn chrome(&self, viewer: &Viewer, title: &str) -> Chrome {
        let title = if title.is_empty() { self.id.to_string() } else { format!("{title} · {}", self.id) };
        viewer.chrome(Area::Repositories, title)
    }

    fn link(&self) -> String {
        link::repository(self.id.owner(), self.id.name())
    }

    fn tree(&self, path: &str) -> String {
        if path.is_empty() && self.revision == self.default_branch {
            return self.link();
        }
        link::tree(self.id.owner(), self.id.name(), &self.revision, path)
    }

    fn blob(&self, path: &str) -> String {
        link::blob(self.id.owner(), self.id.name(), &self.revision, path)
    }

    fn raw(&self, path: &str) -> String {
        link::raw(self.id.owner(), self.id.name(), &self.revision, path)
    }

    fn commits(&self) -> String {
        link::commits(self.id.owner(), self.id.name(), &self.revision)
    }

    fn commit(&self, id: &str) -> String {
        link::commit(self.id.owner(), self.id.name(), id)
    }

    fn pulls(&self) -> String {
        link::pulls(self.id.owner(), self.id.name())
    }

    fn pull(&self, number: u64) -> String {
        link::pull(self.id.owner(), self.id.name(), number)
    }

    /// The branches with their links to the same folder; the one shown is marked.
    fn branch_links(&self, path: &str) -> Vec<(String, String, bool)> {
        let of = |branch: &Branch| {
            let link = link::tree(self.id.owner(), self.id.name(), &branch.name, path);
            (branch.name.clone(), link, branch.name == self.revision)
        };
        self.branches.iter().map(of).collect()
    }

    /// The way from the list to a path: label and link of each folder above it.
    fn crumbs(&self, path: &str) -> Vec<(String, String)> {
        let mut crumbs = vec![("Repositories".to_owned(), link::repositories())];
        let mut above = String::new();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        if !segments.is_empty() {
            crumbs.push((self.id.to_string(), self.tree("")));
        }
        for segment in segments.iter().take(segments.len().saturating_sub(1)) {
            if !above.is_empty() {
                above.push('/');
            }
            above.push_str(segment);
            crumbs.push(((*segment).to_owned(), self.tree(&above)));
        }
        crumbs
    }

    /// A Markdown file's HTML, its relative links leading into the repository.
    fn markdown(&self, path: &str, source: &str) -> String {
        let here = FileLocation::blob(self.id.clone(), self.revision.as_str(), path);
        super::markdown::document(source, &|target, purpose| {
            let cut = target.find(['?', '#']).unwrap_or(target.len());
            let (file, rest) = target.split_at(cut);
            if file.is_empty() || file.contains(':') || file.starts_with("//") {
                return None;
            }
            let location = here.join(file, LocationKind::Blob).ok()?;
            let link = match (purpose, location.kind) {
                (super::markdown::Target::Image, _) => self.raw(&location.path),
                (super::markdown::Target::Link, LocationKind::Tree) => self.tree(&location.path),
                (super::markdown::Target::Link, LocationKind::Blob) => self.blob(&location.path),
            };
            Some(format!("{link}{rest}"))
        })
    }
}

/// One commit in a list.
struct CommitLine {
    id: String,
    short: String,
    title: String,
    author: String,
    at: Moment,
    link: String,
}

impl CommitLine {
    fn new(head: &Head, commit: &Commit) -> Self {
        Self {
            id: commit.id.clone(),
            short: commit.short_id().to_owned(),
            title: commit.title().to_owned(),
            author: commit.author.name.clone(),
            at: Moment(commit.author.time.to_utc()),
            link: head.commit(&commit.id),
        }
    }
}

/// The newest commit of a revision that touched a path.
async fn last_commit(forge: &LocalForge, head: &Head, path: &str) -> Result<Option<CommitLine>, Error> {
    let path = (!path.is_empty()).then(|| path.to_owned());
    let query = LogQuery { revision: head.revision.clone(), path, skip: 0, limit: 1 };
    Ok(forge.log(&head.id, query).await?.first().map(|commit| CommitLine::new(head, commit)))
}
