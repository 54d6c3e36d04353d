//! The history of a revision, and one commit with what it changed.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::{CommitLine, Head, Place, raw};
use crate::forge::{Change, ChangeSide, EntryKind, Forge as _, ForgeError, LocalForge, LogQuery};
use crate::web::Site;
use crate::web::error::Error;
use crate::web::extract::{Path, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::diff::Diff;
use crate::web::pages::shown;
use crate::web::session::Viewer;
use crate::web::url as link;

const PAGE: usize = 40;
/// Files whose lines are compared; the others are only named.
const COMPARED: usize = 60;
/// Lines of all files together.
const LINES: usize = 2500;

/// The history.
#[derive(Template)]
#[template(path = "repository/commits.html")]
pub(super) struct CommitsPage {
    chrome: Chrome,
    head: Head,
    commits: Vec<CommitLine>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    page: usize,
}

/// `GET /repositories/{owner}/{repository}/commits/{revision}`
pub(super) async fn list(
    State(forge): State<LocalForge>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(place): Path<Place>,
    Query(asked): Query<Asked>,
) -> PageResult<CommitsPage> {
    let head = Head::load(&forge, &site, place.repository()?, Some(&place.revision)).await?;
    let page = asked.page.min(100_000);
    let query = LogQuery { revision: head.revision.clone(), path: None, skip: page * PAGE, limit: PAGE + 1 };
    let commits = forge.log(&head.id, query).await?;
    let at = |page: usize| format!("{}?page={page}", head.commits());
    Ok(Page(CommitsPage {
        chrome: head.chrome(&viewer, "Commits"),
        newer: page.checked_sub(1).map(at),
        older: (commits.len() > PAGE).then(|| at(page + 1)),
        commits: commits.iter().take(PAGE).map(|commit| CommitLine::new(&head, commit)).collect(),
        head,
    }))
}

/// One commit.
#[derive(Template)]
#[template(path = "repository/commit.html")]
pub(super) struct CommitPage {
    chrome: Chrome,
    head: Head,
    commit: CommitLine,
    body: String,
    parents: Vec<(String, String)>,
    files: Vec<FileChange>,
    summary: String,
    browse: String,
}

struct FileChange {
    path: String,
    /// The file as this commit left it.
    link: Option<String>,
    word: &'static str,
    hue: &'static str,
    diff: Option<Diff>,
    open: bool,
}

/// `GET /repositories/{owner}/{repository}/commit/{id}`
pub(super) async fn show(
    State(forge): State<LocalForge>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(place): Path<Place>,
) -> PageResult<CommitPage> {
    let head = Head::load(&forge, &site, place.repository()?, None).await?;
    let changes = forge.changes(&head.id, &place.id).await?;
    let files = files(&forge, &head, &changes.commit.id, &changes.changes).await?;
    let line = CommitLine::new(&head, &changes.commit);
    let sum = |of: fn(&Diff) -> usize| files.iter().filter_map(|file| file.diff.as_ref()).map(of).sum::<usize>();
    Ok(Page(CommitPage {
        chrome: head.chrome(&viewer, &line.title),
        body: changes.commit.body().to_owned(),
        parents: changes.commit.parents.iter().map(|id| (id.chars().take(7).collect(), head.commit(id))).collect(),
        summary: format!(
            "{}, {} added, {} removed",
            shown::count(files.len(), "file", "files"),
            sum(|it| it.added),
            sum(|it| it.removed)
        ),
        browse: link::tree(head.id.owner(), head.id.name(), &changes.commit.id, ""),
        files,
        commit: line,
        head,
    }))
}

async fn files(forge: &LocalForge, head: &Head, commit: &str, changes: &[Change]) -> Result<Vec<FileChange>, Error> {
    let mut left = LINES;
    let mut files = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let diff = if index < COMPARED { compare(forge, head, change).await? } else { None };
        let lines = diff.as_ref().map_or(0, |diff| diff.lines.len());
        let open = lines <= left;
        left = left.saturating_sub(lines);
        let (word, hue) = match (&change.old, &change.new) {
            (None, _) => ("added", "green"),
            (_, None) => ("deleted", "red"),
            _ => ("changed", "blue"),
        };
        let file = change.new.as_ref().filter(|side| matches!(side.kind, EntryKind::File(_)));
        files.push(FileChange {
            path: change.path.clone(),
            link: file.map(|_| link::blob(head.id.owner(), head.id.name(), commit, &change.path)),
            word,
            hue,
            diff: diff.filter(|_| open),
            open: index < 30,
        });
    }
    Ok(files)
}

/// The line differences of a changed path; none for what is no text, or too large.
async fn compare(forge: &LocalForge, head: &Head, change: &Change) -> Result<Option<Diff>, Error> {
    let (old, new) = (text(forge, head, change.old.as_ref()).await?, text(forge, head, change.new.as_ref()).await?);
    let (Some(old), Some(new)) = (old, new) else { return Ok(None) };
    Ok(Diff::new(change.path.as_str(), &old, &new))
}

async fn text(forge: &LocalForge, head: &Head, side: Option<&ChangeSide>) -> Result<Option<String>, Error> {
    let Some(side) = side else { return Ok(Some(String::new())) };
    if !matches!(side.kind, EntryKind::File(_)) {
        return Ok(None);
    }
    match forge.blob(&head.id, &side.object_id).await {
        Ok(bytes) => Ok(raw::text_of(&bytes).map(str::to_owned)),
        Err(ForgeError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
