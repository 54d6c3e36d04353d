//! `GET /create/tasks`: runs, newest first.

use axum::extract::State as From;
use serde::Deserialize;

use super::{Choice, RunRow, RunsPage, State};
use crate::catalog::Catalog;
use crate::scaffolder::{Scaffolder, Task, TaskQuery};
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Area, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

const PAGE: usize = 50;

/// The parameters of the list's address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// `mine` for the viewer's own.
    #[serde(default)]
    whose: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    page: usize,
}

impl Asked {
    fn link(&self) -> String {
        let page = if self.page == 0 { String::new() } else { self.page.to_string() };
        let pairs = [("whose", &self.whose), ("status", &self.status), ("page", &page)];
        let set = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = set.map(|(name, value)| format!("{name}={}", link::query(value))).collect();
        if query.is_empty() { link::tasks() } else { format!("{}?{}", link::tasks(), query.join("&")) }
    }

    fn choice(label: &str, current: bool, other: Self) -> Choice {
        Choice { label: label.to_owned(), link: Self { page: 0, ..other }.link(), current }
    }
}

/// Shows the runs that the address asks for.
pub(super) async fn show(
    From(catalog): From<Catalog>,
    From(scaffolder): From<Scaffolder>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<RunsPage> {
    let status = if asked.status == "running" {
        vec!["open".to_owned(), "processing".to_owned()]
    } else {
        vec![asked.status.clone()]
    };
    let page = asked.page.min(100_000);
    let query = TaskQuery {
        created_by: if asked.whose == "mine" { vec![viewer.user().to_string()] } else { Vec::new() },
        status: status.into_iter().filter(|status| !status.is_empty()).collect(),
        template: None,
        limit: Some(PAGE),
        offset: page * PAGE,
    };
    let (tasks, total) = scaffolder.tasks(&viewer.credentials, query).await?;
    let total = usize::try_from(total).unwrap_or_default();
    let turned = |page| Asked { page, ..asked.clone() }.link();
    let first = (page * PAGE + 1).min(total);
    let last = page * PAGE + tasks.len();
    let by_status = |label: &str, status: &str| {
        Asked::choice(label, asked.status == status, Asked { status: status.to_owned(), ..asked.clone() })
    };
    let by_person = |label: &str, whose: &str| {
        Asked::choice(label, asked.whose == whose, Asked { whose: whose.to_owned(), ..asked.clone() })
    };
    Ok(Page(RunsPage {
        chrome: viewer.chrome(Area::Runs, "Runs"),
        whose: vec![by_person("Everybody's", ""), by_person("Mine", "mine")],
        states: vec![
            by_status("Any", ""),
            by_status("Running", "running"),
            by_status("Done", "completed"),
            by_status("Failed", "failed"),
            by_status("Cancelled", "cancelled"),
        ],
        waiting: super::waiting_count(&scaffolder, &viewer).await?,
        filtered: !asked.whose.is_empty() || !asked.status.is_empty(),
        runs: tasks.iter().map(|task| RunRow::new(&catalog, &viewer, task)).collect(),
        shown: format!("{first}–{last} of {}", shown::count(total, "run", "runs")),
        newer: page.checked_sub(1).map(turned),
        older: (last < total).then(|| turned(page + 1)),
    }))
}

/// The viewer's newest runs.
pub(crate) async fn newest_of(
    catalog: &Catalog,
    scaffolder: &Scaffolder,
    viewer: &Viewer,
    limit: usize,
) -> Result<Vec<RunRow>, Error> {
    let query = TaskQuery { created_by: vec![viewer.user().to_string()], limit: Some(limit), ..TaskQuery::default() };
    listed(catalog, scaffolder, viewer, query).await
}

/// The runs that a query finds, for a short list.
pub(crate) async fn listed(
    catalog: &Catalog,
    scaffolder: &Scaffolder,
    viewer: &Viewer,
    query: TaskQuery,
) -> Result<Vec<RunRow>, Error> {
    let (tasks, _) = scaffolder.tasks(&viewer.credentials, query).await?;
    Ok(tasks.iter().map(|task| RunRow::new(catalog, viewer, task)).collect())
}

impl RunRow {
    fn new(catalog: &Catalog, viewer: &Viewer, task: &Task) -> Self {
        Self {
            link: link::task(task.id),
            title: task.subject(),
            template: task.template().map(|template| EntityLink::find(catalog, viewer, &template)),
            template_title: task.template_title(),
            state: State::of(task),
            by: task.created_by.as_deref().and_then(|by| EntityLink::read(catalog, viewer, by)),
            created: Moment(task.created_at),
            took: took(task),
        }
    }
}

/// How long a run took; empty while it is under way.
pub(super) fn took(task: &Task) -> String {
    task.finished_at
        .map(|finished| shown::duration((finished - task.created_at).num_milliseconds()))
        .unwrap_or_default()
}
