//! Pull requests: the list, one of them with what it changes, and what can be done with it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::changes::Changed;
use super::{CommitLine, Head, Place};
use crate::catalog::Catalog;
use crate::delivery::Delivery;
use crate::forge::{Comparison, Forge as _, ForgeError, LocalForge, MergeMethod, NewMerge, PullRequest, Signature};
use crate::web::Site;
use crate::web::error::Error;
use crate::web::extract::{Answer, Form, Path, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Commits that are listed.
const COMMITS: usize = 100;
/// Pull requests on one page of the list.
const LISTED: usize = 200;

/// The list.
#[derive(Template)]
#[template(path = "repository/pulls.html")]
pub(super) struct PullsPage {
    chrome: Chrome,
    head: Head,
    /// Label, link, whether it is the one shown.
    states: [(String, String, bool); 2],
    pulls: Vec<Line>,
}

struct Line {
    link: String,
    title: String,
    number: u64,
    state: Condition,
    at: Moment,
    branches: String,
}

/// A pull request's state as it is shown.
struct Condition {
    word: &'static str,
    hue: &'static str,
}

impl Condition {
    fn of(pull: &PullRequest) -> Self {
        let (word, hue) = match pull {
            pull if pull.is_merged() => ("merged", "violet"),
            pull if !pull.is_open() => ("closed", "red"),
            PullRequest { draft: true, .. } => ("draft", "blue"),
            _ => ("open", "green"),
        };
        Self { word, hue }
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    state: String,
}

/// `GET /repositories/{owner}/{repository}/pulls`
pub(super) async fn list(
    State(forge): State<LocalForge>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(place): Path<Place>,
    Query(asked): Query<Asked>,
) -> PageResult<PullsPage> {
    let head = Head::load(&forge, &site, place.repository()?, None).await?;
    let all = forge.pull_requests(&head.id).await?;
    let wants_open = asked.state != "closed";
    let open = all.iter().filter(|pull| pull.is_open()).count();
    let line = |pull: &PullRequest| Line {
        link: head.pull(pull.number),
        title: pull.title.clone(),
        number: pull.number,
        state: Condition::of(pull),
        at: Moment(pull.created_at),
        branches: format!("{} → {}", pull.head, pull.base),
    };
    Ok(Page(PullsPage {
        chrome: head.chrome(&viewer, "Pull requests"),
        states: [
            (format!("{open} open"), head.pulls(), wants_open),
            (format!("{} closed", all.len() - open), format!("{}?state=closed", head.pulls()), !wants_open),
        ],
        pulls: all.iter().filter(|pull| pull.is_open() == wants_open).take(LISTED).map(line).collect(),
        head,
    }))
}

/// One pull request.
#[derive(Template)]
#[template(path = "repository/pull.html")]
pub(super) struct PullPage {
    chrome: Chrome,
    head: Head,
    pull: PullRequest,
    state: Condition,
    opened: Moment,
    author: Option<EntityLink>,
    /// HTML of the description.
    body: String,
    /// Why it cannot be shown or merged; a sentence.
    problem: Option<String>,
    conflicts: Vec<String>,
    commits: Vec<CommitLine>,
    counted: String,
    changed: Option<Changed>,
    /// The commit that is looked at.
    seen: String,
    ended: Option<Ended>,
    /// The page itself, below which the forms post.
    link: String,
}

struct Ended {
    at: Moment,
    by: Option<EntityLink>,
    /// Short id and page of the commit that brought it in.
    commit: Option<(String, String)>,
}

/// `GET /repositories/{owner}/{repository}/pulls/{number}`
pub(super) async fn show(
    State(forge): State<LocalForge>,
    State(catalog): State<Catalog>,
    State(site): State<Arc<Site>>,
    viewer: Viewer,
    Path(place): Path<Place>,
) -> PageResult<PullPage> {
    let head = Head::load(&forge, &site, place.repository()?, None).await?;
    let pull = forge.pull_request(&head.id, place.number).await?;
    let person = |who: Option<&str>| who.and_then(|who| EntityLink::read(&catalog, &viewer, who));
    let (compared, problem) = match compare(&forge, &head, &pull).await {
        Ok(compared) => (compared, None),
        Err(ForgeError::NotFound(missing)) => {
            (None, Some(format!("Its changes cannot be shown: {missing} not found.")))
        }
        Err(error) => return Err(error.into()),
    };
    let commits: Vec<_> =
        compared.iter().flat_map(|(it, _)| &it.commits).map(|commit| CommitLine::new(&head, commit)).collect();
    let mut changed = None;
    let (mut seen, mut conflicts) = (String::new(), Vec::new());
    if let Some((comparison, tip)) = compared {
        changed = Some(Changed::load(&forge, &head, &tip, &comparison.changes).await?);
        conflicts = comparison.conflicts;
        seen = tip;
    }
    let ended = pull.end.as_ref().map(|end| Ended {
        at: Moment(end.at),
        by: person(end.by.as_deref()),
        commit: end.merged.as_ref().map(|id| (id.chars().take(7).collect(), head.commit(id))),
    });
    Ok(Page(PullPage {
        chrome: head.chrome(&viewer, &format!("{} · #{}", pull.title, pull.number)),
        state: Condition::of(&pull),
        opened: Moment(pull.created_at),
        author: person(pull.created_by.as_deref()),
        body: head.markdown("README.md", &pull.body),
        problem,
        conflicts,
        counted: shown::count(commits.len(), "commit", "commits"),
        commits,
        changed,
        seen,
        ended,
        link: head.pull(pull.number),
        pull,
        head,
    }))
}

/// What it proposes, or proposed when it ended, with the commit at the tip.
async fn compare(
    forge: &LocalForge,
    head: &Head,
    pull: &PullRequest,
) -> Result<Option<(Comparison, String)>, ForgeError> {
    let (base, tip) = match &pull.end {
        Some(end) => match end.between.clone() {
            Some(between) => between,
            None => return Ok(None),
        },
        None => {
            (format!("refs/heads/{}", pull.base), forge.resolve(&head.id, &format!("refs/heads/{}", pull.head)).await?)
        }
    };
    Ok(Some((forge.compare(&head.id, &base, &tip, COMMITS).await?, tip)))
}

#[derive(Deserialize)]
pub(super) struct Merging {
    #[serde(default)]
    method: MergeMethod,
    /// The commit that was looked at.
    seen: String,
    /// Of a checkbox.
    delete: Option<String>,
}

/// `POST /repositories/{owner}/{repository}/pulls/{number}/merge`
pub(super) async fn merge(
    State(forge): State<LocalForge>,
    State(delivery): State<Delivery>,
    viewer: Viewer,
    Path(place): Path<Place>,
    Form(merging): Form<Merging>,
) -> Answer {
    let id = place.repository()?;
    let full = format!("{}/{id}", forge.host());
    if let Some(promotion) = delivery.promotion_of(&full, place.number).await.map_err(Error::internal)? {
        // It has gates, which are looked at there.
        return Ok(Redirect::to(&link::promotion(promotion.id)).into_response());
    }
    let who = Signature {
        name: viewer.name().to_owned(),
        email: format!("{}@localhost", viewer.user().name()),
        time: Utc::now().fixed_offset(),
    };
    let merge = NewMerge {
        method: merging.method,
        who,
        by: Some(viewer.user().to_string()),
        seen: Some(merging.seen),
        delete_branch: merging.delete.is_some(),
    };
    forge.merge(&id, place.number, merge).await?;
    Ok(back(&place))
}

#[derive(Deserialize)]
pub(super) struct Plain {}

/// `POST /repositories/{owner}/{repository}/pulls/{number}/close`
pub(super) async fn close(
    State(forge): State<LocalForge>,
    viewer: Viewer,
    Path(place): Path<Place>,
    _: Form<Plain>,
) -> Answer {
    forge.close(&place.repository()?, place.number, Some(&viewer.user().to_string())).await?;
    Ok(back(&place))
}

/// `POST /repositories/{owner}/{repository}/pulls/{number}/ready`
pub(super) async fn ready(
    State(forge): State<LocalForge>,
    _: Viewer,
    Path(place): Path<Place>,
    _: Form<Plain>,
) -> Answer {
    forge.ready(&place.repository()?, place.number).await?;
    Ok(back(&place))
}

fn back(place: &Place) -> Response {
    let page = link::pull(&place.owner, &place.repository, place.number);
    Redirect::to(&page).into_response()
}
