//! `/events`: every change of the catalog as it becomes visible, as server-sent events.
//!
//! A change is an event without a name: its id is the number of the change, its data the change as JSON. Two named
//! events end the stream: `reload`, when the log does not reach back to where the reader was (its id is the place to
//! follow from after everything was read anew), and `slow`, when the reader did not take what was there.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::response::sse::Event;
use axum::routing::get;
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::catalog::{Catalog, EntityFilter, FeedEvent, Following};
use crate::web::AppState;
use crate::web::api::Caller;
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::error::Error;
use crate::web::sse::Follower;

/// Readers that may follow at once.
const MAX_READERS: usize = 500;

/// The route.
pub(super) fn router() -> Router<AppState> {
    let places = Arc::new(Semaphore::new(MAX_READERS));
    Router::new().route(
        "/events",
        get(move |state: State<Catalog>, caller: Caller, query: RawQuery, follower: Follower| {
            std::future::ready(follow(&places, state, caller, query, follower))
        }),
    )
}

/// `GET /events?filter=…&after=…`: from `Last-Event-ID`, else from `after`, else from now.
fn follow(
    places: &Arc<Semaphore>,
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
    follower: Follower,
) -> Result<Response, Error> {
    let parameters = Parameters::read(query.as_deref(), &[Parameter::texts("filter"), Parameter::natural("after")])?;
    let filter = EntityFilter::parse(&parameters.texts("filter"))?;
    let after = follower.last_seen().or_else(|| parameters.integer("after"));
    let place = Arc::clone(places).try_acquire_owned().map_err(|_| {
        Error::Unavailable(format!("{MAX_READERS} readers follow the catalog already; try again in a moment"))
    })?;
    let events = catalog.feed(&who, Following { after, filter }).map(move |event| {
        // Free again when the stream ends.
        let _ = &place;
        written(&event)
    });
    Ok(follower.follow(events))
}

fn written(event: &FeedEvent) -> Event {
    match event {
        FeedEvent::Change(change) => {
            // Changes have text keys and always serialise.
            let data = serde_json::to_string(change).unwrap_or_default();
            Event::default().id(change.sequence.to_string()).data(data)
        }
        FeedEvent::Reload(sequence) => {
            let message = "changes since then are not known any more; read what you need anew, then follow from here";
            let data = json!({ "sequence": sequence, "message": message });
            Event::default().event("reload").id(sequence.to_string()).data(data.to_string())
        }
        FeedEvent::Slow(sequence) => {
            let message = "events were not taken for too long; follow on from the last one";
            let data = json!({ "sequence": sequence, "message": message });
            Event::default().event("slow").data(data.to_string())
        }
    }
}
