//! The log of a container: the last lines as a page, and new ones as they come.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use chrono::DateTime;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;

use super::{Asker, acts};
use crate::cluster::{Cluster, Detail, LogLine, LogLines, LogWanted, Thing, ThingKind};
use crate::delivery::{Delivery, on_clusters};
use crate::entity::EntityRef;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::{EntityPath, Path, Query};
use crate::web::page::{Chrome, Page, PageResult};
use crate::web::pages::catalog::entity::{Head, record};
use crate::web::pages::catalog::tab::Tab;
use crate::web::session::Viewer;
use crate::web::sse::Follower;
use crate::web::url as link;

/// Lines of the page.
const LINES: u32 = 500;

#[derive(Deserialize)]
pub(super) struct Place {
    cluster: String,
    space: String,
    pod: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    container: String,
    /// `yes`: that of the container before the last restart.
    #[serde(default)]
    previous: String,
    /// For new lines: after when, in nanoseconds since 1970.
    #[serde(default)]
    after: i64,
}

/// A log.
#[derive(Template)]
#[template(path = "catalog/kubernetes/log.html")]
pub(super) struct LogPage {
    chrome: Chrome,
    head: Head,
    pod: String,
    container: String,
    back: String,
    /// The other containers, and the log before the last restart.
    others: Vec<(String, String)>,
    lines: Result<Vec<String>, String>,
    /// New lines; none of a container that is over.
    follow: Option<String>,
}

/// `GET …/kubernetes/logs/{cluster}/{space}/{pod}`
pub(super) async fn show(
    tab: Tab,
    State(state): State<AppState>,
    Path(place): Path<Place>,
    Query(asked): Query<Asked>,
) -> PageResult<LogPage> {
    let chrome = tab.chrome();
    let Tab { viewer, record, head, .. } = tab;
    let reference = record.reference.clone();
    let asker = Asker::new(&state.catalog, &state.delivery, &state.forges, &viewer, &record).await?;
    let (cluster, pod) = pod(&asker, &state.delivery, &reference, &place)?;
    let previous = asked.previous == "yes";
    let names = containers(&pod);
    let container = names.iter().find(|name| **name == asked.container).or_else(|| names.last()).cloned();
    let container = container.unwrap_or_default();
    let wanted = wanted(&place, &container, previous, LogLines::Last(LINES));
    let lines: Result<Vec<LogLine>, _> = match cluster.log(wanted).await {
        Ok(lines) => lines.try_collect().await,
        Err(error) => Err(error),
    };
    let lines = lines.map_err(|error| error.to_string());
    let page = |name: &str| link::entity_log(&reference, &place.cluster, &place.space, &place.pod, name);
    let mut others: Vec<(String, String)> =
        names.iter().filter(|name| **name != container).map(|name| (name.clone(), page(name))).collect();
    if !previous {
        others.push(("Before the last restart".to_owned(), format!("{}&previous=yes", page(&container))));
    }
    // No clock but the node's: nothing that is written meanwhile is left out.
    let follow = lines.as_ref().ok().filter(|_| !previous).map(|lines| {
        let page = page(&container).replacen("?container=", "/lines?container=", 1);
        format!("{page}&after={}", lines.iter().rev().find_map(nanoseconds).unwrap_or_default())
    });
    let lines = lines.map(|lines| lines.into_iter().map(|line| line.text).collect());
    Ok(Page(LogPage {
        chrome,
        pod: place.pod,
        container,
        back: link::entity_tab(&reference, "kubernetes"),
        others,
        lines,
        follow,
        head,
    }))
}

/// `GET …/kubernetes/logs/{cluster}/{space}/{pod}/lines`
pub(super) async fn follow(
    State(state): State<AppState>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Path(place): Path<Place>,
    Query(asked): Query<Asked>,
    follower: Follower,
) -> Result<Response, Error> {
    let record = record(&state.catalog, &viewer, &reference)?;
    let asker = Asker::new(&state.catalog, &state.delivery, &state.forges, &viewer, &record).await?;
    let (cluster, _) = pod(&asker, &state.delivery, &reference, &place)?;
    let after = DateTime::from_timestamp_nanos(follower.last_seen().unwrap_or(asked.after));
    let wanted = wanted(&place, &asked.container, false, LogLines::After(after));
    let lines = cluster.log(wanted).await.map_err(|error| acts::told(&error))?;
    let lines = lines.map(|line| match line {
        Ok(line) => {
            let event = Event::default().event("line");
            let event = match nanoseconds(&line) {
                Some(at) => event.id(at.to_string()),
                None => event,
            };
            event.data(line.text)
        }
        Err(error) => Event::default().event("end").data(error.to_string()),
    });
    let end = futures_util::stream::once(async { Event::default().event("end").data("") });
    Ok(follower.follow(lines.chain(end)))
}

fn nanoseconds(line: &LogLine) -> Option<i64> {
    line.at?.timestamp_nanos_opt()
}

fn wanted(place: &Place, container: &str, previous: bool, lines: LogLines) -> LogWanted {
    LogWanted {
        namespace: place.space.clone(),
        pod: place.pod.clone(),
        container: Some(container.to_owned()).filter(|name| !name.is_empty()),
        previous,
        lines,
    }
}

/// The pod, if it is the component's and may be looked into.
fn pod(
    asker: &Asker,
    delivery: &Delivery,
    reference: &EntityRef,
    place: &Place,
) -> Result<(Cluster, std::sync::Arc<Thing>), Error> {
    let Some(Ok(wanted)) = &asker.service.objects else {
        return Err(Error::NotFound(format!("nothing on a cluster is known to be {reference}'s")));
    };
    let found = on_clusters(delivery.clusters(), wanted).into_iter().find_map(|on| {
        let mut pods = on.workloads.iter().flat_map(|tree| &tree.pods);
        let pod = pods.find(|pod| *pod.namespace == *place.space && *pod.name == *place.pod)?;
        (on.cluster.name() == place.cluster).then(|| (on.cluster.clone(), std::sync::Arc::clone(pod)))
    });
    let found =
        found.ok_or_else(|| Error::NotFound(format!("{reference} has no pod {}; it may be gone", place.pod)))?;
    if !asker.is_trusted(&place.space) {
        return Err(Error::NotAllowed(format!(
            "logs are shown where the portal deployed {reference}, or where its file is in a configured location"
        )));
    }
    debug_assert_eq!(found.1.kind, ThingKind::Pod);
    Ok(found)
}

fn containers(pod: &Thing) -> Vec<String> {
    match &pod.detail {
        Detail::Pod(pod) => pod.containers.iter().map(|one| one.name.to_string()).collect(),
        _ => Vec::new(),
    }
}
