//! The Environments tab: what runs where of a component, how it got there, and how the next version gets there.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use super::entity::{Head, located};
use super::tab::Tab;
use crate::delivery::{Application, Cell, Delivery, Environment, Promotion, Row, Service, Sync};
use crate::entity::EntityRef;
use crate::forge::Forges;
use crate::registry::split_image;
use crate::web::error::Error;
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::delivery::{CellView, commit_page, promotion_words};
use crate::web::pages::shown::{self, Moment};
use crate::web::url as link;

/// Deployments of one environment that are listed.
const HISTORY: usize = 10;

/// Where a component runs.
#[derive(Template)]
#[template(path = "catalog/environments.html")]
pub(super) struct EnvironmentsPage {
    chrome: Chrome,
    head: Head,
    environments: Vec<EnvironmentCard>,
    promotions: Vec<PromotionLine>,
    /// Whether anything is declared or seen at all.
    declared: bool,
    /// Whether any cluster is connected.
    connected: bool,
    annotation: String,
    /// The tags of what runs, where a registry of the configuration has it.
    image: Option<String>,
    now: String,
}

struct EnvironmentCard {
    name: String,
    title: String,
    hue: String,
    cluster: String,
    how: &'static str,
    cell: CellView,
    application: Option<ApplicationFacts>,
    /// The environment that the next version comes from, and the page that shows what that would change.
    promote: Option<(String, String)>,
    history: Vec<DeploymentLine>,
}

struct ApplicationFacts {
    name: String,
    namespace: String,
    project: String,
    values: String,
    manifest: Option<(String, String)>,
    task: String,
    declared: Moment,
}

struct DeploymentLine {
    commit: String,
    commit_page: String,
    at: Option<Moment>,
    by: String,
    /// The page that shows what going back to it would change.
    back: Option<String>,
}

struct PromotionLine {
    title: String,
    link: String,
    word: &'static str,
    hue: &'static str,
    at: Moment,
    by: String,
}

/// `GET …/environments`
pub(super) async fn show(
    tab: Tab,
    State(forges): State<Forges>,
    State(delivery): State<Delivery>,
) -> PageResult<EnvironmentsPage> {
    let chrome = tab.chrome();
    let Tab { record, head, .. } = tab;
    let reference = record.reference.clone();
    let place = located(&forges, &record);
    let row = delivery.row(Arc::new(Service::of(&forges, &record))).await.map_err(Error::internal)?;
    let promotions = delivery.promotions(&reference).await.map_err(Error::internal)?;
    let manifest = |application: &Application| {
        let path = application.manifest.clone()?;
        let (_, file) = place.as_ref()?;
        let link = link::blob(file.repository.owner(), file.repository.name(), &file.revision, &path);
        Some((path, link))
    };
    let cards = delivery.environments().iter().zip(&row.cells);
    let card = |(environment, cell): (&Environment, &Cell)| EnvironmentCard {
        name: environment.name.clone(),
        title: environment.title.clone().unwrap_or_else(|| shown::capital(&environment.name)),
        hue: shown::hue(environment.colour.as_deref().unwrap_or_default()).to_owned(),
        cluster: environment.cluster.clone(),
        how: match environment.sync {
            Sync::Automated => "Changes go out by themselves",
            Sync::PullRequest => "Changes go out by pull request",
        },
        cell: CellView::new(&delivery, &forges, &row, cell, &promotions),
        application: cell.declared.as_ref().map(|application| ApplicationFacts {
            name: application.name.clone(),
            namespace: application.namespace.clone(),
            project: application.project.clone(),
            values: application.value_files.join(", "),
            manifest: manifest(application),
            task: link::task(application.task),
            declared: Moment(application.declared_at),
        }),
        promote: delivery
            .comes_from(environment)
            .filter(|_| cell.declared.is_some() || cell.seen.is_some())
            .map(|from| (from.title().to_owned(), link::promotion_from(&reference, &from.name, &environment.name))),
        history: history(&forges, &reference, &row, cell),
    };
    Ok(Page(EnvironmentsPage {
        chrome,
        declared: row.cells.iter().any(|cell| cell.declared.is_some() || cell.seen.is_some()),
        environments: cards.map(card).collect(),
        promotions: promotions.iter().map(PromotionLine::new).collect(),
        connected: !delivery.clusters().is_empty(),
        annotation: format!("argocd/app-name: {}", reference.name()),
        image: image(&delivery, &row).then(|| link::entity_tab(&reference, "image")),
        now: link::entity_tab(&reference, "environments"),
        head,
    }))
}

/// Whether a registry of the configuration has what runs.
fn image(delivery: &Delivery, row: &Row) -> bool {
    let images = row.cells.iter().filter_map(|cell| Some(cell.version()?.image.as_str()));
    images.filter_map(split_image).any(|(host, _)| delivery.registries().by_host(host).is_some())
}

/// Deployments, newest first; all but the newest can be gone back to.
fn history(forges: &Forges, reference: &EntityRef, row: &Row, cell: &Cell) -> Vec<DeploymentLine> {
    let Some(seen) = &cell.seen else { return Vec::new() };
    let repository = row.service.repository.as_deref().unwrap_or_default();
    let newest_first = seen.report.history.iter().rev().take(HISTORY).enumerate();
    newest_first
        .map(|(index, one)| DeploymentLine {
            commit: one.revision.get(..7).unwrap_or(&one.revision).to_owned(),
            commit_page: commit_page(forges, repository, &one.revision).unwrap_or_default(),
            at: one.at.map(Moment),
            by: one.by.clone(),
            back: (index > 0).then(|| link::promotion_back(reference, &cell.environment, &one.values_revision)),
        })
        .collect()
}

impl PromotionLine {
    fn new(promotion: &Promotion) -> Self {
        let (word, hue) = promotion_words(promotion.state);
        let what = promotion.after.label();
        Self {
            title: match &promotion.from_environment {
                Some(from) => format!("{what} from {from} to {}", promotion.environment),
                None => format!("Back to {what} in {}", promotion.environment),
            },
            link: link::promotion(promotion.id),
            word,
            hue,
            at: Moment(promotion.created_at),
            by: promotion.created_by.clone(),
        }
    }
}
