//! `/api/catalog`: Backstage's catalog API.
//!
//! Reading is answered from the index; stored documents are passed through as they were serialised, unless the
//! client asks for some fields only. Paths and parameters:
//! <https://backstage.io/docs/features/software-catalog/software-catalog-api>.

mod conditional;
mod cursor;
mod entities;
mod events;
mod fields;
mod history;
mod location_query;
mod locations;
mod predicate;
mod problems;
mod query;
mod sources;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::stream;

use super::reply;
use crate::catalog::{Catalog, Record};
use crate::permission::Credentials;
use crate::web::AppState;
use conditional::Known;
use entities::EntityPath;
use fields::Fields;

/// Routes of the plugin `catalog`.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/entities", get(entities::list))
        .route("/entities/by-uid/{uid}", get(entities::by_uid).delete(entities::delete))
        .route("/entities/by-name/{kind}/{namespace}/{name}", get(entities::by_name))
        .route("/entities/by-name/{kind}/{namespace}/{name}/ancestry", get(entities::ancestry))
        .route("/entities/by-refs", post(entities::by_refs))
        .route("/entities/by-query", get(query::get).post(query::post))
        .route("/entity-facets", get(query::get_facets).post(query::post_facets))
        .route("/locations", get(locations::list).post(locations::create))
        .route("/locations/by-query", post(location_query::by_query))
        .route("/locations/{id}", get(locations::show).put(locations::update).delete(locations::delete))
        .route("/locations/by-entity/{kind}/{namespace}/{name}", get(locations::by_entity))
        .route("/refresh", post(sources::refresh))
        .route("/validate-entity", post(sources::validate))
        .route("/analyze-location", post(sources::analyze))
        .merge(problems::router())
        .merge(history::router())
        .merge(events::router())
}

/// The answers that need no route, with the route that they would have: what the index knows is there at once. None for
/// other paths, and for whatever is not plainly answered.
pub(super) fn recall(
    catalog: &Catalog,
    who: &Credentials,
    path: &str,
    query: Option<&str>,
) -> Option<(&'static str, Response)> {
    const BY_NAME: &str = "/api/catalog/entities/by-name/{kind}/{namespace}/{name}";
    const ANCESTRY: &str = "/api/catalog/entities/by-name/{kind}/{namespace}/{name}/ancestry";
    const BY_QUERY: &str = "/api/catalog/entities/by-query";
    const FACETS: &str = "/api/catalog/entity-facets";
    let (route, answer) = match path {
        "entities/by-query" => (BY_QUERY, query::by_query(catalog, who, query, &Known::default())),
        "entity-facets" => (FACETS, query::facets_of(catalog, who, query)),
        _ => {
            let name = path.strip_prefix("entities/by-name/").filter(|name| !name.contains('%'))?;
            let mut segments = name.split('/');
            let path = EntityPath::new(segments.next()?, segments.next()?, segments.next()?);
            match (segments.next(), segments.next()) {
                (None, None) => (BY_NAME, entities::named(catalog, who, path, query)),
                (Some("ancestry"), None) => (ANCESTRY, entities::ancestry_of(catalog, who, &path)),
                _ => return None,
            }
        }
    };
    Some((route, answer.ok()?))
}

/// Entities as a JSON array: whole ones as they were serialised.
fn array(json: &mut Vec<u8>, records: &[Arc<Record>], fields: Option<&Fields>) {
    json.push(b'[');
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        document(json, record, fields);
    }
    json.push(b']');
}

/// How long [`array()`] will be, of whole documents.
fn array_length(records: &[Arc<Record>]) -> usize {
    records.iter().map(|record| record.json.len() + 1).sum::<usize>().max(1) + 1
}

/// Pieces of a long list that are written at once.
const PIECE: usize = 256 * 1024;

/// The array as an answer; a long one is written piece by piece, so that it never lies in memory as a whole.
fn list(records: Vec<Arc<Record>>, fields: Option<&Fields>) -> Response {
    let length = array_length(&records);
    if fields.is_some() || length <= PIECE {
        let mut json = Vec::with_capacity(length);
        array(&mut json, &records, fields);
        return reply::passed_through(json);
    }
    let mut next = 0;
    let pieces = stream::iter(std::iter::from_fn(move || {
        let mut json = Vec::with_capacity(PIECE + PIECE / 8);
        while next < records.len() && json.len() < PIECE {
            json.push(if next == 0 { b'[' } else { b',' });
            json.extend_from_slice(&records[next].json);
            next += 1;
            if next == records.len() {
                json.push(b']');
            }
        }
        (!json.is_empty()).then(|| Ok::<_, Infallible>(Bytes::from(json)))
    }));
    reply::streamed(length, pieces)
}

/// One entity, or the asked fields of it.
fn document(json: &mut Vec<u8>, record: &Record, fields: Option<&Fields>) {
    match fields {
        None => json.extend_from_slice(&record.json),
        // Objects with text keys always serialise.
        Some(fields) => json.extend(serde_json::to_vec(&fields.pick(&record.entity().0)).unwrap_or_default()),
    }
}

/// The whole document of one entity.
fn entity(record: &Record) -> Response {
    match conditional::of_entity(record.etag()) {
        Some(tag) => reply::with_tag(record.json.clone(), tag),
        None => reply::passed_through(record.json.clone()),
    }
}
