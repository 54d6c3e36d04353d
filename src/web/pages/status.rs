//! `GET /status`: what the people who run the portal want to know at a glance.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chrono::DateTime;

use super::catalog::named;
use super::shown::{self, Moment};
use crate::catalog::{Catalog, Problem};
use crate::cluster::{Cluster, ThingKind, WatchState};
use crate::delivery::Sync;
use crate::event::Figures;
use crate::forge::{Allowance, Budget, Forge as _, Forges};
use crate::scaffolder::Queue;
use crate::web::error::Error;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::{AppState, Site};

/// Sources that are listed.
const LISTED: usize = 10;
/// Less than one of so many requests left is little.
const LOW: u64 = 10;

/// The route.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/status", get(show))
}

#[derive(Template)]
#[template(path = "status.html")]
pub(super) struct StatusPage {
    chrome: Chrome,
    facts: Vec<(&'static str, String)>,
    counts: Vec<(String, usize)>,
    sources: Vec<Source>,
    /// Sources that are not listed: nothing is wrong with them.
    more: usize,
    problems: usize,
    environments: Vec<EnvironmentRow>,
    allowances: Vec<AllowanceRow>,
    told: Option<Told>,
    runs: Runs,
    clusters: Vec<ClusterRow>,
}

/// A cluster, and whether it is followed.
struct ClusterRow {
    title: String,
    url: String,
    pods: usize,
    applications: usize,
    trouble: Option<(String, Moment)>,
    is_connecting: bool,
}

/// What the workers have before them, and how the runs of the last day ended.
struct Runs {
    open: usize,
    oldest: Option<Moment>,
    processing: usize,
    waiting: usize,
    ended: usize,
    failed: usize,
}

/// How the webhooks of the last days stand.
struct Told {
    newest: Option<Moment>,
    waiting: usize,
    lost: usize,
    error: Option<String>,
}

/// What is left to a credential of a GitHub.
struct AllowanceRow {
    host: String,
    who: String,
    /// REST or GraphQL.
    api: &'static str,
    /// Left, of how many, and when all are there again; none before the first request.
    budget: Option<(String, String, Moment)>,
    /// Little is left.
    is_low: bool,
}

struct Source {
    name: String,
    link: Option<String>,
    entities: usize,
    problem: Option<(String, Moment)>,
}

struct EnvironmentRow {
    title: String,
    name: String,
    hue: String,
    cluster: String,
    namespace: String,
    how: &'static str,
}

async fn show(State(state): State<AppState>, viewer: Viewer) -> PageResult<StatusPage> {
    let (catalog, forges, site, delivery) = (&state.catalog, &state.forges, &state.site, &state.delivery);
    let problems = site.at_hand(catalog.problems(&viewer.credentials)).await?;
    let has_github = forges.iter().any(|forge| forge.github().is_some());
    let told = if has_github {
        Some(Told::new(site.at_hand(state.events.figures()).await.map_err(Error::store)?))
    } else {
        None
    };
    let mut sources = sources(catalog, forges, &problems);
    let more = sources.split_off(sources.len().min(LISTED));
    let repositories = state.forge.list(None).await?.len();
    let environment = |environment: &crate::delivery::Environment| EnvironmentRow {
        title: environment.title.clone().unwrap_or_else(|| shown::capital(&environment.name)),
        name: environment.name.clone(),
        hue: shown::hue(environment.colour.as_deref().unwrap_or_default()).to_owned(),
        cluster: environment.cluster.clone(),
        namespace: environment.namespace.clone(),
        how: match environment.sync {
            Sync::Automated => "automatic",
            Sync::PullRequest => "by pull request",
        },
    };
    Ok(Page(StatusPage {
        chrome: viewer.chrome(Area::Status, "Status"),
        facts: facts(site, forges, repositories, state.search.size()),
        counts: counts(catalog, &viewer),
        more: more.len(),
        sources,
        problems: problems.len(),
        environments: delivery.environments().iter().map(environment).collect(),
        allowances: allowances(forges),
        told,
        runs: Runs::new(&site.at_hand(state.scaffolder.queue(&viewer.credentials)).await?),
        clusters: delivery.clusters().all().iter().map(ClusterRow::new).collect(),
    }))
}

fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

impl Runs {
    fn new(queue: &Queue) -> Self {
        Self {
            open: count(queue.open),
            oldest: queue.oldest.map(Moment),
            processing: count(queue.processing),
            waiting: count(queue.waiting),
            ended: count(queue.ended),
            failed: count(queue.failed),
        }
    }
}

impl Told {
    fn new(figures: Figures) -> Self {
        Self {
            newest: figures.newest.map(Moment),
            waiting: count(figures.waiting),
            lost: count(figures.lost),
            error: figures.error,
        }
    }
}

impl ClusterRow {
    fn new(cluster: &Cluster) -> Self {
        let picture = cluster.picture();
        Self {
            title: cluster.title().to_owned(),
            url: cluster.facts().url.clone(),
            pods: picture.count(ThingKind::Pod),
            applications: picture.count(ThingKind::Application),
            trouble: picture.trouble().map(|(error, since)| (error.to_string(), Moment(since))),
            is_connecting: picture.state(ThingKind::Pod) == WatchState::Connecting,
        }
    }
}

fn facts(
    site: &Site,
    forges: &Forges,
    repositories: usize,
    (documents, bytes): (usize, usize),
) -> Vec<(&'static str, String)> {
    let hosts: Vec<&str> = forges.hosts().collect();
    vec![
        ("Version", site.version.clone()),
        ("Address", site.base_url.to_string()),
        ("Database", site.database.clone()),
        ("Data folder", site.data_dir.display().to_string()),
        (
            "Search",
            format!(
                "{} in {} of memory",
                shown::count(documents, "document", "documents"),
                shown::size(u64::try_from(bytes).unwrap_or(u64::MAX))
            ),
        ),
        (
            "Forges",
            format!(
                "{} ({} in the local one)",
                hosts.join(", "),
                shown::count(repositories, "repository", "repositories")
            ),
        ),
    ]
}

fn allowances(forges: &Forges) -> Vec<AllowanceRow> {
    let githubs = forges.iter().filter_map(|forge| forge.github());
    let rows = githubs.flat_map(|github| {
        let row = |who: &str, api: &'static str, budget: Option<Budget>| {
            let told = budget.map(|Budget { limit, remaining, reset }| {
                let grouped = |number| shown::grouped(usize::try_from(number).unwrap_or(usize::MAX));
                let reset = DateTime::from_timestamp(reset, 0).unwrap_or_default();
                (grouped(remaining), grouped(limit), Moment(reset))
            });
            let is_low = budget.is_some_and(|budget| budget.remaining * LOW < budget.limit);
            AllowanceRow { host: github.host().to_owned(), who: who.to_owned(), api, budget: told, is_low }
        };
        let rows = |Allowance { who, budgets }: Allowance| {
            let api = |resource: &str| match resource {
                "core" => Some("REST"),
                "graphql" => Some("GraphQL"),
                // Nothing here uses the others.
                _ => None,
            };
            let known: Vec<AllowanceRow> = budgets
                .into_iter()
                .filter_map(|(resource, budget)| Some(row(&who, api(&resource)?, Some(budget))))
                .collect();
            if known.is_empty() { vec![row(&who, "", None)] } else { known }
        };
        github.allowances().into_iter().flat_map(rows).collect::<Vec<_>>()
    });
    rows.collect()
}

fn counts(catalog: &Catalog, viewer: &Viewer) -> Vec<(String, usize)> {
    let counted = shown::kind_counts(catalog, viewer);
    let mut counts: Vec<_> = counted.into_iter().map(|(kind, count)| (shown::kind_plural(&kind), count)).collect();
    counts.sort();
    counts
}

/// Every root location with what it declares and its newest problem, those with one first.
fn sources(catalog: &Catalog, forges: &Forges, problems: &[Problem]) -> Vec<Source> {
    let index = catalog.index();
    let mut counts: HashMap<&str, usize> = problems.iter().map(|problem| (&*problem.source, 0)).collect();
    for record in index.records() {
        *counts.entry(&record.source).or_default() += 1;
    }
    let source = |(reference, entities): (&str, usize)| {
        let (name, link) = named(forges, reference, None);
        let newest = problems.iter().filter(|problem| problem.source == reference).max_by_key(|problem| problem.since);
        Source { name, link, entities, problem: newest.map(|problem| (problem.message.clone(), Moment(problem.since))) }
    };
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_unstable();
    let mut sources: Vec<Source> = counts.into_iter().map(source).collect();
    sources.sort_by_key(|source| source.problem.is_none());
    sources
}
