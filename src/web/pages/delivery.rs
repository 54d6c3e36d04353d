//! `/delivery`: what runs where, and how it gets there.
//!
//! The matrix has a row for each service and a column for each environment. It is read from memory and Postgres alone;
//! `/delivery/events` tells open pages that something changed, and they fetch what they show again.

mod promotion;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use axum::routing::{get, post};
use futures_util::stream;
use serde::Deserialize;

pub(in crate::web::pages) use self::promotion::words as promotion_words;
use crate::catalog::Catalog;
use crate::cluster::Clusters;
use crate::delivery::{self, Cell, Delivery, Environment, Promotion, PromotionState, Row, Standing};
use crate::entity::{EntityRef, RefDefaults};
use crate::forge::Forges;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::sse::Follower;
use crate::web::url as link;

/// How long changes are collected before an open page is told.
const SETTLING: Duration = Duration::from_millis(100);
/// How often an open page looks where nothing is told.
const ANYWAY: Duration = Duration::from_secs(20);
/// Rows of one page.
const ROWS: usize = 200;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/delivery", get(show))
        .route("/delivery/events", get(events))
        .route("/delivery/promotions/new", get(promotion::preview).post(promotion::propose))
        .route("/delivery/promotions/{id}", get(promotion::show))
        .route("/delivery/promotions/{id}/approval", post(promotion::approve))
        .route("/delivery/promotions/{id}/merge", post(promotion::merge))
        .route("/delivery/promotions/{id}/close", post(promotion::close))
}

/// The matrix.
#[derive(Template)]
#[template(path = "delivery/index.html")]
struct MatrixPage {
    chrome: Chrome,
    environments: Vec<Column>,
    rows: Vec<Line>,
    /// Services that are not shown.
    more: usize,
    /// This page again, for what changes.
    now: String,
    q: String,
    owner: String,
    system: String,
    filtered: bool,
    clusters: Vec<ClusterLine>,
    /// How many cells stand in which way, worst first.
    sums: Vec<(&'static str, &'static str, usize)>,
}

/// A cluster that cannot be followed.
struct ClusterLine {
    name: String,
    reason: String,
    since: Moment,
}

struct Column {
    title: String,
    hue: String,
    cluster: String,
    rule: &'static str,
}

struct Line {
    service: EntityLink,
    owner: Option<EntityLink>,
    environments: String,
    cells: Vec<CellView>,
}

/// One service in one environment, as pages show it.
pub(in crate::web::pages) struct CellView {
    pub(in crate::web::pages) word: &'static str,
    pub(in crate::web::pages) hue: &'static str,
    pub(in crate::web::pages) icon: &'static str,
    pub(in crate::web::pages) is_empty: bool,
    pub(in crate::web::pages) version: Option<String>,
    pub(in crate::web::pages) image: String,
    /// Short commit, its page, and its age.
    pub(in crate::web::pages) commit: Option<(String, Option<String>, Option<Moment>)>,
    pub(in crate::web::pages) deployed: Option<Moment>,
    pub(in crate::web::pages) message: String,
    /// Label and page of a promotion that is not over.
    pub(in crate::web::pages) promotion: Option<(String, String)>,
    /// Why nothing new is seen.
    pub(in crate::web::pages) away: Option<String>,
    /// The application in Argo CD's own pages.
    pub(in crate::web::pages) argocd: Option<String>,
}

impl CellView {
    /// How a cell is shown.
    pub(in crate::web::pages) fn new(
        delivery: &Delivery,
        forges: &Forges,
        row: &Row,
        cell: &Cell,
        promotions: &[Promotion],
    ) -> Self {
        let standing = cell.standing();
        let (word, hue, icon) = words(standing);
        let seen = cell.seen.as_ref();
        // What the repository wants is not deployed yet where nothing was.
        let revision = seen.and_then(|seen| seen.report.history.last()).map(|last| &last.revision);
        let revision = revision.filter(|revision| !revision.is_empty());
        let commit = revision.map(|revision| {
            let repository = row.service.repository.as_deref();
            let time = repository.and_then(|repository| delivery.commit_time(forges, repository, revision));
            let page = repository.and_then(|repository| commit_page(forges, repository, revision));
            (revision.get(..7).unwrap_or(revision).to_owned(), page, time.map(Moment))
        });
        let application = seen.map(|seen| seen.name.as_str()).or(cell.declared.as_ref().map(|one| one.name.as_str()));
        let promotion = promotions.iter().find(|one| {
            Some(one.application.as_str()) == application
                && one.environment == cell.environment
                && matches!(one.state, PromotionState::Open | PromotionState::Merged)
        });
        let version = cell.version();
        Self {
            word,
            hue,
            icon,
            is_empty: standing == Standing::Absent,
            version: version.map(delivery::Version::label).filter(|label| !label.is_empty()),
            image: version.map(|version| format!("{} {}", version.image, version.digest)).unwrap_or_default(),
            commit,
            deployed: seen.and_then(|seen| seen.report.last_deployed()).map(Moment),
            message: seen.map(|seen| trouble(&seen.report)).unwrap_or_default(),
            promotion: promotion.map(|one| {
                let verb = if one.state == PromotionState::Open { "proposed" } else { "on its way" };
                (format!("{} {verb}", one.after.label()), link::promotion(one.id))
            }),
            away: cell
                .away
                .as_ref()
                .map(|(since, error)| format!("not seen since {}: {error}", Moment(*since).exact())),
            argocd: seen.and_then(|seen| seen.instance.page(&seen.name)),
        }
    }
}

/// Why it is not well, if Argo CD says so.
fn trouble(report: &delivery::Report) -> String {
    if report.is_well() {
        return String::new();
    }
    let phase = matches!(report.phase.as_str(), "Failed" | "Error").then_some(&report.phase_message);
    let told = phase.into_iter().chain([&report.message]).find(|text| !text.is_empty());
    told.cloned().unwrap_or_default()
}

/// Word, hue and symbol of a standing.
pub(in crate::web::pages) fn words(standing: Standing) -> (&'static str, &'static str, &'static str) {
    match standing {
        Standing::Absent => ("not deployed", "grey", "skipped"),
        Standing::Declared => ("declared", "grey", "clock"),
        Standing::Well => ("healthy", "green", "done"),
        Standing::Moving => ("deploying", "blue", "refresh"),
        Standing::Waiting => ("waits for a sync", "amber", "waiting"),
        Standing::Drifted => ("drifted", "amber", "alert"),
        Standing::Broken => ("broken", "red", "failed"),
        Standing::Unknown => ("unknown", "grey", "info"),
    }
}

/// The page of a commit of `host/owner/repository`.
pub(in crate::web::pages) fn commit_page(forges: &Forges, repository: &str, commit: &str) -> Option<String> {
    let (host, path) = repository.split_once('/')?;
    let id: crate::forge::RepositoryId = path.parse().ok()?;
    let forge = forges.by_host(host).ok()?;
    if forge.github().is_some() {
        return Some(format!("{}/commit/{commit}", forge.repository_url(&id)));
    }
    Some(link::commit(id.owner(), id.name(), commit))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    system: String,
}

/// `GET /delivery`
async fn show(
    State(delivery): State<Delivery>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> PageResult<MatrixPage> {
    let wanted = [("owner", "ownedBy", "group", &asked.owner), ("system", "partOf", "system", &asked.system)];
    let mut relations = Vec::new();
    for (key, relation, kind, text) in wanted {
        if !text.trim().is_empty() {
            let defaults = RefDefaults { kind: Some(kind), namespace: Some("default") };
            let target =
                EntityRef::parse(text.trim(), defaults).map_err(|error| Error::Input(format!("`{key}`: {error}")))?;
            relations.push((relation, target));
        }
    }
    let mut rows = delivery.board(&catalog, &forges).await.map_err(Error::internal)?;
    let needle = asked.q.trim().to_lowercase();
    rows.retain(|row| {
        let named = row.service.title.to_lowercase().contains(&needle)
            || row.service.reference.name().to_lowercase().contains(&needle);
        named
            && catalog.entity(&viewer.credentials, &row.service.reference).is_some()
            && relations.iter().all(|(relation, target)| delivery::belongs(&catalog, &row.service, relation, target))
    });
    let promotions = delivery.open_promotions().await.map_err(Error::internal)?;
    let more = rows.len().saturating_sub(ROWS);
    let sums = sums(&rows);
    rows.truncate(ROWS);
    let pairs = [("q", asked.q.as_str()), ("owner", asked.owner.as_str()), ("system", asked.system.as_str())];
    Ok(Page(MatrixPage {
        chrome: viewer.chrome(Area::Delivery, "Delivery"),
        environments: delivery.environments().iter().map(Column::new).collect(),
        rows: rows.iter().map(|row| Line::new(&delivery, &catalog, &forges, &viewer, row, &promotions)).collect(),
        more,
        now: link::delivery_where(&pairs),
        filtered: pairs.iter().any(|(_, value)| !value.trim().is_empty()),
        q: asked.q,
        owner: asked.owner,
        system: asked.system,
        clusters: lost(delivery.clusters()),
        sums,
    }))
}

impl Column {
    fn new(environment: &Environment) -> Self {
        Self {
            title: environment.title().to_owned(),
            hue: shown::hue(environment.colour.as_deref().unwrap_or_default()).to_owned(),
            cluster: environment.cluster.clone(),
            rule: match environment.sync {
                delivery::Sync::Automated => "by itself",
                delivery::Sync::PullRequest => "by pull request",
            },
        }
    }
}

impl Line {
    fn new(
        delivery: &Delivery,
        catalog: &Catalog,
        forges: &Forges,
        viewer: &Viewer,
        row: &Row,
        promotions: &[Promotion],
    ) -> Self {
        let service = &row.service;
        let owner = catalog
            .entity(&viewer.credentials, &service.reference)
            .and_then(|record| shown::owner(catalog, viewer, &record.entity()));
        Self {
            service: EntityLink::titled(&service.reference, service.title.clone()),
            owner,
            environments: link::entity_tab(&service.reference, "environments"),
            cells: row.cells.iter().map(|cell| CellView::new(delivery, forges, row, cell, promotions)).collect(),
        }
    }
}

fn sums(rows: &[Row]) -> Vec<(&'static str, &'static str, usize)> {
    let order = [
        Standing::Broken,
        Standing::Drifted,
        Standing::Moving,
        Standing::Waiting,
        Standing::Well,
        Standing::Unknown,
        Standing::Declared,
    ];
    let cells: Vec<Standing> = rows.iter().flat_map(|row| row.cells.iter().map(Cell::standing)).collect();
    let sum = |standing: Standing| {
        let (word, hue, _) = words(standing);
        (word, hue, cells.iter().filter(|one| **one == standing).count())
    };
    order.into_iter().map(sum).filter(|(_, _, count)| *count > 0).collect()
}

/// The clusters of which nothing new is seen.
fn lost(clusters: &Clusters) -> Vec<ClusterLine> {
    let line = |cluster: crate::cluster::Cluster| {
        let (error, since) = cluster.picture().trouble()?;
        Some(ClusterLine { name: cluster.title().to_owned(), reason: error.to_string(), since: Moment(since) })
    };
    clusters.all().into_iter().filter_map(line).collect()
}

/// `GET /delivery/events`: one event each time that something changed on a cluster or of a promotion. What another process
/// does to a promotion is told by none, so now and then there is one anyway.
async fn events(State(delivery): State<Delivery>, _: Viewer, follower: Follower) -> Response {
    let changes = delivery.changes();
    let changes = stream::unfold((changes, Arc::new(delivery)), |(mut changes, delivery)| async move {
        let waits = changes.iter_mut().map(|change| Box::pin(change.changed()));
        let _ = tokio::time::timeout(ANYWAY, futures_util::future::select_all(waits)).await;
        tokio::time::sleep(SETTLING).await;
        for change in &mut changes {
            change.mark_unchanged();
        }
        let event = Event::default().event("changed").data(delivery.clusters().revision().to_string());
        Some((event, (changes, delivery)))
    });
    follower.follow(changes)
}
