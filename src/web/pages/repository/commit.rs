//! The history of a revision, and one commit with what it changed.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::changes::Changed;
use super::{CommitLine, Head, Place};
use crate::forge::{Forge as _, LocalForge, LogQuery};
use crate::web::Site;
use crate::web::extract::{Path, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

const PAGE: usize = 40;

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
    changed: Changed,
    browse: String,
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
    let changed = Changed::load(&forge, &head, &changes.commit.id, &changes.changes).await?;
    let line = CommitLine::new(&head, &changes.commit);
    Ok(Page(CommitPage {
        chrome: head.chrome(&viewer, &line.title),
        body: changes.commit.body().to_owned(),
        parents: changes.commit.parents.iter().map(|id| (id.chars().take(7).collect(), head.commit(id))).collect(),
        browse: link::tree(head.id.owner(), head.id.name(), &changes.commit.id, ""),
        changed,
        commit: line,
        head,
    }))
}
