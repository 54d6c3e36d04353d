//! `/api/search/query`: Backstage's search, answered from ours.
//!
//! As there, all words of a term must be in the document, each as the start of a word, filters are exact, and entities
//! and documentation are searched; who wants more (misspellings, runs, filters in the text) asks the portal's own page.

mod answer;
mod parameters;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use self::answer::document;
use self::parameters::Wanted;
use super::{Caller, reply};
use crate::search::{Asked, Facet, Field, Fields, Filter, Query, Search, Sort};
use crate::web::AppState;
use crate::web::error::Error;

/// Routes of the plugin `search`.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/query", get(query))
}

/// What stands around marked words, the same as long as the process lives.
static TAG: LazyLock<Uuid> = LazyLock::new(Uuid::new_v4);

/// Documents that are looked through for a filter that the index does not know.
const LOOKED_THROUGH: usize = 10_000;

/// `GET /query`
async fn query(
    State(search): State<Search>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let wanted = Wanted::read(query.as_deref()).map_err(Error::Input)?;
    let Some(offset) = wanted.page.checked_mul(wanted.limit).filter(|offset| *offset < LOOKED_THROUGH * 100) else {
        return Ok(reply::ok(&answered(&wanted, 0, Vec::new())));
    };
    let (known, other): (Vec<_>, Vec<_>) = wanted.filters.iter().partition(|(key, _)| facet(key).is_some());
    let mut query = Query::plain(&searched(&wanted.term)).and(Filter::sorts(&wanted.sorts()));
    for (key, values) in known {
        let facet = facet(key).unwrap_or(Facet::Kind);
        let is_of_docs =
            facet == Facet::Kind && values.iter().all(|kind| !kind.bytes().any(|byte| byte.is_ascii_uppercase()));
        query = match (facet, is_of_docs) {
            // Documents of documentation have the kind of their entity in lower case, those of entities as it is written.
            (Facet::Kind, true) => query.and(Filter::sorts(&[Sort::Docs])).and(Filter::any(facet, values.clone())),
            (Facet::Kind, false) => query
                .and(Filter::sorts(&[Sort::Entity, Sort::Api, Sort::Template]))
                .and(Filter::exactly(facet, values.clone())),
            _ => query.and(Filter::exactly(facet, values.clone())),
        };
    }
    let is_plain = other.is_empty();
    let (offset_asked, limit) = if is_plain { (offset, wanted.limit) } else { (0, LOOKED_THROUGH) };
    let asked = Asked {
        query,
        offset: offset_asked,
        limit,
        fields: Fields::only(&[Field::Name, Field::Title, Field::Lead, Field::Text]),
        are_starts: true,
        is_forgiving: false,
        is_counted: true,
    };
    let found = search.find(&who, asked).await;
    let fits = |document: &Value| {
        other.iter().all(|(key, values)| {
            let value = document.get(key).and_then(Value::as_str);
            value.is_some_and(|value| values.iter().any(|wanted| wanted == value))
        })
    };
    let documents = found.items.iter().filter_map(document).filter(|(_, document)| fits(document));
    let (total, documents): (usize, Vec<_>) = if is_plain {
        (found.total, documents.collect())
    } else {
        let all: Vec<_> = documents.collect();
        (all.len(), all.into_iter().skip(offset).take(wanted.limit).collect())
    };
    let marked = |text: &str| answer::marked(&found.marker, text, &TAG.to_string());
    let results = documents.into_iter().zip(offset + 1..).map(|((kind, document), rank)| {
        let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
        let fields = if wanted.term.trim().is_empty() {
            json!({})
        } else {
            json!({
                "text": marked(text("text")), "title": marked(text("title")), "location": text("location"), "path": text("path"),
            })
        };
        let highlight = json!({"preTag": format!("<{}>", *TAG), "postTag": format!("</{}>", *TAG), "fields": fields});
        json!({"type": kind, "document": document, "rank": rank, "highlight": highlight})
    });
    Ok(reply::ok(&answered(&wanted, total, results.collect())))
}

/// A term without what means something to Backstage's Postgres engine, which leaves it out.
fn searched(term: &str) -> String {
    term.chars().filter(|letter| !"\0()|&:*!".contains(*letter)).collect()
}

/// The facet of the index that has the values of a document's key.
fn facet(key: &str) -> Option<Facet> {
    Some(match key {
        "kind" => Facet::Kind,
        "type" | "componentType" => Facet::Type,
        "lifecycle" => Facet::Lifecycle,
        "namespace" => Facet::Namespace,
        _ => return None,
    })
}

fn answered(wanted: &Wanted, total: usize, results: Vec<Value>) -> Value {
    let mut answer = json!({"numberOfResults": if results.is_empty() { 0 } else { total }});
    let cursor = |page: usize| json!(STANDARD.encode(page.to_string()));
    if !results.is_empty() && (wanted.page + 1).saturating_mul(wanted.limit) < total {
        answer["nextPageCursor"] = cursor(wanted.page + 1);
    }
    if let Some(before) = wanted.page.checked_sub(1).filter(|_| !wanted.is_nowhere) {
        answer["previousPageCursor"] = cursor(before);
    }
    answer["results"] = Value::Array(results);
    answer
}

impl Wanted {
    /// The sorts of the types that are asked for; of Backstage's types both if none is.
    fn sorts(&self) -> Vec<Sort> {
        let has = |name: &str| self.types.is_empty() || self.types.iter().any(|known| known == name);
        let mut sorts = Vec::new();
        if has(parameters::CATALOG) {
            sorts.extend([Sort::Entity, Sort::Api, Sort::Template]);
        }
        if has(parameters::TECHDOCS) {
            sorts.push(Sort::Docs);
        }
        sorts
    }
}

/// The type of an item and its document; none for what Backstage does not know.
type Known = Option<(&'static str, Value)>;
