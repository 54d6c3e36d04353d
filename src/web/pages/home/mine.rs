//! What the viewer and their groups own, with how it stands: errors, what runs where, the newest pipeline.
//!
//! What runs where is known here; pipelines are asked for at GitHub, so the page comes without them and fetches itself
//! with `now=yes` (`late-part.js`).

use std::sync::Arc;

use crate::catalog::Record;
use crate::delivery::{Cell, Delivery, Row, Service};
use crate::forge::Forges;
use crate::pipeline::Pipelines;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::pages::catalog::{PipelineGlance, lifecycle_of, newest_pipeline};
use crate::web::pages::delivery::words;
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;
use crate::web::url as link;

/// One entity of the viewer's.
pub(crate) struct OwnedRow {
    pub(crate) entity: EntityLink,
    pub(crate) kind_of: String,
    pub(crate) lifecycle: Option<String>,
    pub(crate) owner: Option<EntityLink>,
    pub(crate) about: String,
    pub(crate) broken: bool,
    /// Its environments, and the page with all of it.
    pub(crate) runs: Vec<EnvironmentGlance>,
    pub(crate) environments: String,
    pub(crate) pipeline: Option<PipelineGlance>,
}

/// One environment.
pub(crate) struct EnvironmentGlance {
    pub(crate) name: String,
    pub(crate) word: &'static str,
    pub(crate) hue: &'static str,
    pub(crate) version: String,
}

/// Rows for some entities, and whether pipelines could be asked for.
pub(super) async fn rows(
    state: &AppState,
    viewer: &Viewer,
    records: &[Arc<Record>],
    with_pipelines: bool,
) -> Result<(Vec<OwnedRow>, bool), Error> {
    let mut rows = Vec::with_capacity(records.len());
    let delivered = delivered(&state.delivery, &state.forges, records).await?;
    for (record, delivered) in records.iter().zip(delivered) {
        rows.push(OwnedRow::new(state, viewer, record, &delivered));
    }
    let has_pipelines = records.iter().any(|record| state.pipelines.place(record).is_some());
    if with_pipelines {
        let asked = records.iter().map(|record| pipeline(&state.pipelines, record));
        for (row, pipeline) in rows.iter_mut().zip(futures_util::future::join_all(asked).await) {
            row.pipeline = pipeline;
        }
    }
    Ok((rows, has_pipelines))
}

async fn delivered(delivery: &Delivery, forges: &Forges, records: &[Arc<Record>]) -> Result<Vec<Row>, Error> {
    let services = records.iter().map(|record| Arc::new(Service::of(forges, record))).collect();
    delivery.rows(services).await.map_err(Error::from)
}

async fn pipeline(pipelines: &Pipelines, record: &Record) -> Option<PipelineGlance> {
    newest_pipeline(pipelines, record).await
}

impl OwnedRow {
    fn new(state: &AppState, viewer: &Viewer, record: &Record, delivered: &Row) -> Self {
        let entity = &record.entity();
        let deployed = delivered.cells.iter().filter(|cell| cell.declared.is_some() || cell.seen.is_some());
        Self {
            entity: EntityLink::titled(&record.reference, entity.title()),
            kind_of: entity.text(&["spec", "type"]).unwrap_or(record.reference.kind()).to_owned(),
            lifecycle: lifecycle_of(entity),
            owner: shown::owner(&state.catalog, viewer, entity),
            about: entity.description().unwrap_or_default().to_owned(),
            broken: record.is_broken(),
            runs: deployed.map(EnvironmentGlance::new).collect(),
            environments: link::entity_tab(&record.reference, "environments"),
            pipeline: None,
        }
    }
}

impl EnvironmentGlance {
    fn new(cell: &Cell) -> Self {
        let (word, hue, _) = words(cell.standing());
        let version = cell.version().map(crate::delivery::Version::label).unwrap_or_default();
        Self { name: cell.environment.clone(), word, hue, version }
    }
}
