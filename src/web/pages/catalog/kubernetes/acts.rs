//! Restarting and scaling, for owners.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use serde::Deserialize;

use super::Asker;
use crate::catalog::Catalog;
use crate::cluster::{ClusterError, ObjectId, ThingKind};
use crate::delivery::{Delivery, on_clusters};
use crate::forge::Forges;
use crate::web::error::Error;
use crate::web::extract::{Answer, EntityPath, Form, Path};
use crate::web::pages::catalog::entity::record;
use crate::web::session::Viewer;
use crate::web::url as link;

/// Most pods that can be asked for from here.
const MOST: u32 = 100;

#[derive(Deserialize)]
pub(super) struct Place {
    cluster: String,
    space: String,
    /// `Deployment`
    sort: String,
    workload: String,
    act: String,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    replicas: Option<u32>,
}

/// `POST …/kubernetes/workloads/{cluster}/{space}/{sort}/{workload}/{act}`
pub(super) async fn order(
    State(catalog): State<Catalog>,
    State(delivery): State<Delivery>,
    State(forges): State<Forges>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Path(place): Path<Place>,
    Form(wanted): Form<Wanted>,
) -> Answer {
    let record = record(&catalog, &viewer, &reference)?;
    let asker = Asker::new(&catalog, &delivery, &forges, &viewer, &record).await?;
    let kinds = [ThingKind::Deployment, ThingKind::StatefulSet, ThingKind::DaemonSet];
    let kind = kinds.into_iter().find(|kind| kind.name() == place.sort);
    let kind = kind.ok_or_else(|| Error::NotFound(format!("there is no workload of kind {}", place.sort)))?;
    let objects = match &asker.service.objects {
        Some(Ok(wanted)) => on_clusters(delivery.clusters(), wanted),
        _ => Vec::new(),
    };
    let on = objects.iter().find(|one| one.cluster.name() == place.cluster);
    let is_there = on.is_some_and(|on| {
        on.workloads.iter().any(|tree| {
            let workload = &tree.workload;
            workload.kind == kind && *workload.namespace == *place.space && *workload.name == *place.workload
        })
    });
    let (Some(on), true) = (on, is_there) else {
        return Err(Error::NotFound(format!("{reference} has no {} {}/{}", place.sort, place.space, place.workload)));
    };
    if !asker.may_change(&place.space) {
        return Err(Error::NotAllowed(format!(
            "only the owners of {reference} can change what runs of it, and only where the portal deployed it"
        )));
    }
    let id = ObjectId {
        api_version: kind.api_version(),
        kind: place.sort,
        namespace: Some(place.space),
        name: place.workload,
    };
    let done = match (place.act.as_str(), wanted.replicas) {
        ("restart", _) => on.cluster.restart(&id).await,
        ("scale", Some(replicas)) if replicas <= MOST && kind != ThingKind::DaemonSet => {
            on.cluster.scale(&id, replicas).await
        }
        ("scale", _) => return Err(Error::Input(format!("`replicas` must be a number from 0 to {MOST}"))),
        _ => return Err(Error::NotFound("there is nothing of that name to do".to_owned())),
    };
    done.map_err(|error| told(&error))?;
    tracing::info!(workload = %id, cluster = on.cluster.name(), act = place.act, by = %viewer.user(), "a workload was changed");
    Ok(Redirect::to(&link::entity_tab(&reference, "kubernetes")).into_response())
}

/// A cluster's refusal as that of a page.
pub(super) fn told(error: &ClusterError) -> Error {
    match error {
        ClusterError::Away { .. } | ClusterError::Failed { .. } => Error::Unavailable(error.to_string()),
        ClusterError::NotFound { .. } | ClusterError::Unknown { .. } => Error::NotFound(error.to_string()),
        ClusterError::Conflict { .. } | ClusterError::Held { .. } => Error::Conflict(error.to_string()),
        ClusterError::Forbidden { .. } | ClusterError::Unauthorized { .. } | ClusterError::Quota { .. } => {
            Error::NotAllowed(error.to_string())
        }
        _ => Error::Input(error.to_string()),
    }
}
