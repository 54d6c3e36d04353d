//! Promotions: what one would change, and how one goes.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use chrono::Utc;
use serde::Deserialize;
use uuid::Uuid;

use crate::catalog::Catalog;
use crate::delivery::{
    Delivery, Gate, GateStanding, NewPromotion, Promotion, PromotionError, PromotionState, Proposal, Row, Service,
    Version,
};
use crate::entity::EntityRef;
use crate::forge::{Forges, Signature};
use crate::pipeline::Pipelines;
use crate::web::error::Error;
use crate::web::extract::{Answer, Form, Path, Query};
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::diff::Diff;
use crate::web::pages::shown::{self, EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// What is asked for.
#[derive(Deserialize)]
pub(super) struct Wanted {
    /// The service.
    entity: String,
    /// Where it goes.
    to: String,
    /// Where it is taken from.
    #[serde(default)]
    from: String,
    /// An earlier commit to go back to.
    #[serde(default)]
    revision: String,
}

impl Wanted {
    fn what(&self) -> Result<NewPromotion, Error> {
        match (self.from.as_str(), self.revision.as_str()) {
            ("", "") => Err(Error::Input("say `from` which environment, or to which `revision` back".to_owned())),
            (from, "") => Ok(NewPromotion::From(from.to_owned())),
            ("", revision) => Ok(NewPromotion::Back(revision.to_owned())),
            _ => Err(Error::Input("`from` and `revision` cannot both be given".to_owned())),
        }
    }
}

/// What a promotion would change.
#[derive(Template)]
#[template(path = "delivery/preview.html")]
pub(super) struct PreviewPage {
    chrome: Chrome,
    crumbs: Vec<(String, String)>,
    service: EntityLink,
    title: String,
    wanted: Wanted,
    proposal: Proposal,
    values: Diff,
    manifests: Result<Diff, String>,
    gates: Vec<GateLine>,
    post: String,
    back: String,
}

struct GateLine {
    name: &'static str,
    hue: &'static str,
    icon: &'static str,
    sentence: String,
}

impl GateLine {
    fn new(gate: &Gate) -> Self {
        let (hue, icon) = match gate.standing {
            GateStanding::Open => ("green", "done"),
            GateStanding::Waiting => ("amber", "waiting"),
            GateStanding::Closed => ("red", "failed"),
        };
        Self { name: gate.name, hue, icon, sentence: shown::capital(&gate.sentence) }
    }
}

/// The row of a service that whoever looks may see.
async fn row(
    delivery: &Delivery,
    catalog: &Catalog,
    forges: &Forges,
    viewer: &Viewer,
    reference: &EntityRef,
) -> Result<Row, Error> {
    let record = catalog
        .entity(&viewer.credentials, reference)
        .ok_or_else(|| Error::NotFound(format!("the catalog has no {reference}")))?;
    delivery.row(Arc::new(Service::of(forges, &record))).await.map_err(Error::internal)
}

fn reference(text: &str) -> Result<EntityRef, Error> {
    text.parse().map_err(|error| Error::Input(format!("`entity`: {error}")))
}

fn told(error: PromotionError) -> Error {
    match error {
        PromotionError::Refused(sentence) => Error::Conflict(sentence),
        PromotionError::NotFound => Error::NotFound("there is no such promotion".to_owned()),
        PromotionError::Forbidden(sentence) => Error::NotAllowed(sentence),
        PromotionError::Forge(error) => error.into(),
        PromotionError::Database(error) => Error::internal(error),
    }
}

fn signature(viewer: &Viewer) -> Signature {
    Signature {
        name: viewer.name().to_owned(),
        email: format!("{}@localhost", viewer.user().name()),
        time: Utc::now().fixed_offset(),
    }
}

fn crumbs(reference: &EntityRef, title: &str) -> Vec<(String, String)> {
    vec![("Delivery".to_owned(), link::delivery()), (title.to_owned(), link::entity_tab(reference, "environments"))]
}

/// `GET /delivery/promotions/new`
pub(super) async fn preview(
    State(delivery): State<Delivery>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    State(pipelines): State<Pipelines>,
    viewer: Viewer,
    Query(wanted): Query<Wanted>,
) -> PageResult<PreviewPage> {
    let reference = reference(&wanted.entity)?;
    let row = row(&delivery, &catalog, &forges, &viewer, &reference).await?;
    let proposal = proposal(&delivery, &forges, &pipelines, &row, &wanted).await?;
    let name = &row.service.title;
    let title = match &proposal.from {
        Some(from) => format!("Promote {} from {from} to {}", proposal.after.label(), proposal.environment),
        None => format!("Roll back to {} in {}", proposal.after.label(), proposal.environment),
    };
    Ok(Page(PreviewPage {
        chrome: viewer.chrome(Area::Delivery, title.clone()),
        crumbs: crumbs(&reference, name),
        service: EntityLink::titled(&reference, name.clone()),
        title,
        values: Diff::unified(proposal.path.clone(), &proposal.values),
        manifests: proposal.manifests.clone().map(|text| Diff::unified("Manifests", &text)),
        gates: proposal.gates.iter().map(GateLine::new).collect(),
        post: link::promotion_new(),
        back: link::entity_tab(&reference, "environments"),
        wanted,
        proposal,
    }))
}

async fn proposal(
    delivery: &Delivery,
    forges: &Forges,
    pipelines: &Pipelines,
    row: &Row,
    wanted: &Wanted,
) -> Result<Proposal, Error> {
    let environment = delivery
        .environment(&wanted.to)
        .ok_or_else(|| Error::NotFound(format!("environment `{}` is not configured", wanted.to)))?;
    delivery.proposal(forges, pipelines, row, environment, &wanted.what()?).await.map_err(told)
}

/// `POST /delivery/promotions/new`
pub(super) async fn propose(
    State(delivery): State<Delivery>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    State(pipelines): State<Pipelines>,
    viewer: Viewer,
    Form(wanted): Form<Wanted>,
) -> Answer {
    let row = row(&delivery, &catalog, &forges, &viewer, &reference(&wanted.entity)?).await?;
    let proposal = proposal(&delivery, &forges, &pipelines, &row, &wanted).await?;
    let promotion =
        delivery.propose(&forges, &viewer.credentials, &row, &proposal, signature(&viewer)).await.map_err(told)?;
    Ok(Redirect::to(&link::promotion(promotion.id)).into_response())
}

/// How a promotion goes.
#[derive(Template)]
#[template(path = "delivery/promotion.html")]
pub(super) struct PromotionPage {
    chrome: Chrome,
    crumbs: Vec<(String, String)>,
    service: EntityLink,
    title: String,
    promotion: Promotion,
    word: &'static str,
    hue: &'static str,
    pull: String,
    gates: Vec<GateLine>,
    /// Whether every gate is open.
    is_ready: bool,
    /// Whether somebody's agreement is wanted.
    wants_approval: bool,
    created: Moment,
    approved: Option<(String, Moment)>,
    merged: Option<Moment>,
    settled: Option<Moment>,
    before: String,
    after: String,
    now: String,
    approve: String,
    merge: String,
    close: String,
}

/// `GET /delivery/promotions/{id}`
pub(super) async fn show(
    State(delivery): State<Delivery>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    State(pipelines): State<Pipelines>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
) -> PageResult<PromotionPage> {
    let promotion = delivery.promotion(id).await.map_err(told)?;
    let reference = reference(&promotion.entity)?;
    let row = row(&delivery, &catalog, &forges, &viewer, &reference).await?;
    let gates = match promotion.state {
        PromotionState::Open => delivery.gates(&pipelines, &row, &promotion).await,
        _ => Vec::new(),
    };
    let (word, hue) = words(promotion.state);
    let title = match &promotion.from_environment {
        Some(from) => format!("{} from {from} to {}", promotion.after.label(), promotion.environment),
        None => format!("Back to {} in {}", promotion.after.label(), promotion.environment),
    };
    Ok(Page(PromotionPage {
        chrome: viewer.chrome(Area::Delivery, title.clone()),
        crumbs: crumbs(&reference, &row.service.title),
        service: EntityLink::titled(&reference, row.service.title.clone()),
        title,
        word,
        hue,
        pull: pull_page(&forges, &promotion),
        is_ready: gates.iter().all(|gate| gate.standing == GateStanding::Open),
        wants_approval: gates.iter().any(|gate| gate.wants_approval),
        gates: gates.iter().map(GateLine::new).collect(),
        created: Moment(promotion.created_at),
        approved: promotion.approved_by.clone().zip(promotion.approved_at.map(Moment)),
        merged: promotion.merged_at.map(Moment),
        settled: promotion.settled_at.map(Moment),
        before: exact(&promotion.before),
        after: exact(&promotion.after),
        now: link::promotion(id),
        approve: format!("{}/approval", link::promotion(id)),
        merge: format!("{}/merge", link::promotion(id)),
        close: format!("{}/close", link::promotion(id)),
        promotion,
    }))
}

/// Word and hue of a state.
pub(in crate::web::pages) fn words(state: PromotionState) -> (&'static str, &'static str) {
    match state {
        PromotionState::Open => ("open", "blue"),
        PromotionState::Merged => ("deploying", "blue"),
        PromotionState::Healthy => ("healthy", "green"),
        PromotionState::Failed => ("failed", "red"),
        PromotionState::Closed => ("closed", "grey"),
    }
}

fn exact(version: &Version) -> String {
    let parts: Vec<&str> =
        [version.tag.as_str(), version.digest.as_str()].into_iter().filter(|it| !it.is_empty()).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" · ") }
}

/// The page of its pull request.
fn pull_page(forges: &Forges, promotion: &Promotion) -> String {
    let number = u64::try_from(promotion.pull_request).unwrap_or_default();
    let found = promotion.repository.split_once('/').and_then(|(host, path)| {
        let id: crate::forge::RepositoryId = path.parse().ok()?;
        let forge = forges.by_host(host).ok()?;
        if forge.github().is_some() {
            return Some(format!("{}/pull/{number}", forge.repository_url(&id)));
        }
        Some(link::pull(id.owner(), id.name(), number))
    });
    found.unwrap_or_default()
}

#[derive(Deserialize)]
pub(super) struct Plain {}

/// `POST /delivery/promotions/{id}/approval`
pub(super) async fn approve(
    State(delivery): State<Delivery>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    _: Form<Plain>,
) -> Answer {
    let promotion = delivery.promotion(id).await.map_err(told)?;
    delivery.approve(&viewer.credentials, &promotion).await.map_err(told)?;
    Ok(Redirect::to(&link::promotion(id)).into_response())
}

/// `POST /delivery/promotions/{id}/merge`
pub(super) async fn merge(
    State(delivery): State<Delivery>,
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    State(pipelines): State<Pipelines>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    _: Form<Plain>,
) -> Answer {
    let promotion = delivery.promotion(id).await.map_err(told)?;
    let row = row(&delivery, &catalog, &forges, &viewer, &reference(&promotion.entity)?).await?;
    let gates = delivery.gates(&pipelines, &row, &promotion).await;
    delivery.merge(&forges, &viewer.credentials, &promotion, &gates, signature(&viewer)).await.map_err(told)?;
    Ok(Redirect::to(&link::promotion(id)).into_response())
}

/// `POST /delivery/promotions/{id}/close`
pub(super) async fn close(
    State(delivery): State<Delivery>,
    State(forges): State<Forges>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    _: Form<Plain>,
) -> Answer {
    let promotion = delivery.promotion(id).await.map_err(told)?;
    delivery.close(&forges, &viewer.credentials, &promotion).await.map_err(told)?;
    Ok(Redirect::to(&link::promotion(id)).into_response())
}
