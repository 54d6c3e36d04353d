//! `/entities/by-query` and `/entity-facets`, asked by parameters or by a body.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::conditional::{self, Known};
use super::fields::Fields;
use super::{array, cursor, predicate as query_predicate};
use crate::catalog::{Catalog, Direction, EntityFilter, EntityPage, EntityQuery, FullText, Order};
use crate::permission::Credentials;
use crate::web::api::Caller;
use crate::web::api::body::{Body, Shape};
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::reply;
use crate::web::error::Error;

const COUNTING: &[&str] = &["include", "exclude"];

const BY_QUERY: &[Parameter] = &[
    Parameter::list("fields"),
    Parameter::natural("limit"),
    Parameter::natural("offset"),
    Parameter::texts("orderField"),
    Parameter::text("cursor"),
    Parameter::texts("filter"),
    Parameter::one_of("totalItems", COUNTING),
    Parameter::text("fullTextFilterTerm"),
    Parameter::list("fullTextFilterFields"),
];

const BODY: &[(&str, Shape)] = &[
    ("cursor", Shape::Text),
    ("limit", Shape::Number),
    ("offset", Shape::Number),
    ("orderBy", Shape::Objects),
    ("fullTextFilter", Shape::Object),
    ("fields", Shape::Texts),
    ("totalItems", Shape::OneOf(COUNTING)),
    ("query", Shape::Object),
];

/// How many entities a page has if nobody says.
const DEFAULT_LIMIT: usize = 200;

/// `GET /entities/by-query`
pub(super) async fn get(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
    known: Known,
) -> Result<Response, Error> {
    by_query(&catalog, &who, query.as_deref(), &known)
}

/// The page that parameters ask for.
pub(super) fn by_query(
    catalog: &Catalog,
    who: &Credentials,
    query: Option<&str>,
    known: &Known,
) -> Result<Response, Error> {
    let parameters = Parameters::read(query, BY_QUERY)?;
    let tag = conditional::of_list(catalog, who, query);
    let fields = Fields::read(parameters.list("fields"))?;
    let order = parameters.texts("orderField");
    let order = order.iter().map(|text| order_field(text)).collect::<Result<Vec<_>, _>>()?;
    let term = parameters.text("fullTextFilterTerm").filter(|term| !term.trim().is_empty());
    let text = term.map(|term| FullText {
        term: term.trim().to_owned(),
        fields: parameters.list("fullTextFilterFields").unwrap_or_default(),
    });
    let query = EntityQuery {
        filter: EntityFilter::parse(&parameters.texts("filter"))?,
        text,
        order,
        limit: Some(parameters.natural("limit").unwrap_or(DEFAULT_LIMIT)),
        offset: parameters.natural("offset").unwrap_or_default(),
        cursor: parameters.text("cursor").map(cursor::read).transpose()?,
        ..EntityQuery::default()
    };
    if let Some(unchanged) = known.unchanged(&tag) {
        return Ok(unchanged);
    }
    let answer = answer(catalog, who, &query, fields.as_ref(), parameters.text("totalItems"));
    Ok(reply::tag_with(answer, tag))
}

/// `POST /entities/by-query`
pub(super) async fn post(State(catalog): State<Catalog>, Caller(who): Caller, body: Body) -> Result<Response, Error> {
    body.check(&[], BODY)?;
    if body.text("cursor").is_some_and(str::is_empty) {
        return Err(Error::Input("Cursor cannot be empty".to_owned()));
    }
    let fields = Fields::read(body.texts("fields"))?;
    let number = |name: &str| body.0.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let query = EntityQuery {
        filter: predicate(&body)?,
        text: body.object("fullTextFilter").and_then(full_text),
        order: body.0.get("orderBy").map(order_by).transpose()?.unwrap_or_default(),
        limit: Some(number("limit").unwrap_or(DEFAULT_LIMIT)),
        offset: number("offset").unwrap_or_default(),
        cursor: body.text("cursor").map(cursor::read).transpose()?,
        ..EntityQuery::default()
    };
    Ok(answer(&catalog, &who, &query, fields.as_ref(), body.text("totalItems")))
}

fn answer(
    catalog: &Catalog,
    who: &Credentials,
    query: &EntityQuery,
    fields: Option<&Fields>,
    counting: Option<&str>,
) -> Response {
    let EntityPage { items, total, next, previous } = catalog.query(who, query);
    let mut page_info = Map::new();
    page_info.extend(next.map(|cursor| ("nextCursor".to_owned(), json!(cursor.encode()))));
    page_info.extend(previous.map(|cursor| ("prevCursor".to_owned(), json!(cursor.encode()))));
    let total = if counting == Some("exclude") { 0 } else { total };
    // Room for what follows the items, too: the cursors.
    let mut json = Vec::with_capacity(super::array_length(&items) + 2048);
    json.extend_from_slice(b"{\"items\":");
    array(&mut json, &items, fields);
    let rest = json!({ "totalItems": total, "pageInfo": page_info }).to_string();
    json.push(b',');
    json.extend_from_slice(&rest.as_bytes()[1..]);
    reply::passed_through(json)
}

/// `metadata.name,asc`; the direction may be left out.
fn order_field(text: &str) -> Result<Order, Error> {
    let (field, direction) = text.split_once(',').unwrap_or((text, "asc"));
    let order = direction_of(direction.trim())?;
    Ok(Order { field: field.trim().to_owned(), order })
}

fn order_by(list: &Value) -> Result<Vec<Order>, Error> {
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let parse = |(index, entry): (usize, &Value)| {
        let text = |name: &str| {
            let fault = || Error::Input(format!("request/body/orderBy/{index} must have required property '{name}'"));
            entry.get(name).and_then(Value::as_str).ok_or_else(fault)
        };
        let (field, direction) = (text("field")?, text("order")?);
        let order = direction_of(direction).map_err(|_| {
            let place = format!("request/body/orderBy/{index}/order");
            Error::Input(format!("{place} must be equal to one of the allowed values: asc, desc"))
        })?;
        Ok(Order { field: field.to_owned(), order })
    };
    entries.iter().enumerate().map(parse).collect()
}

fn direction_of(text: &str) -> Result<Direction, Error> {
    match text {
        "asc" => Ok(Direction::Asc),
        "desc" => Ok(Direction::Desc),
        _ => Err(Error::Input("Invalid order field order, must be asc or desc".to_owned())),
    }
}

fn full_text(object: &Map<String, Value>) -> Option<FullText> {
    let term = object.get("term")?.as_str()?.trim();
    let fields = object.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let fields = fields.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    (!term.is_empty()).then(|| FullText { term: term.to_owned(), fields })
}

fn predicate(body: &Body) -> Result<EntityFilter, Error> {
    match body.0.get("query") {
        // An empty object means everything.
        Some(Value::Object(query)) if !query.is_empty() => query_predicate::read(&Value::Object(query.clone())),
        _ => Ok(EntityFilter::default()),
    }
}

/// `GET /entity-facets`
pub(super) async fn get_facets(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    facets_of(&catalog, &who, query.as_deref())
}

/// The facets that parameters ask for.
pub(super) fn facets_of(catalog: &Catalog, who: &Credentials, query: Option<&str>) -> Result<Response, Error> {
    let taken = [Parameter::texts("facet").required(), Parameter::texts("filter")];
    let parameters = Parameters::read(query, &taken)?;
    let filter = EntityFilter::parse(&parameters.texts("filter"))?;
    Ok(facets(catalog, who, &filter, &parameters.texts("facet")))
}

/// `POST /entity-facets`
pub(super) async fn post_facets(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    body.check(&["facets"], &[("facets", Shape::Texts), ("query", Shape::Object)])?;
    let asked = body.texts("facets").unwrap_or_default();
    if asked.is_empty() {
        return Err(Error::Input("Missing or empty facets parameter".to_owned()));
    }
    Ok(facets(&catalog, &who, &predicate(&body)?, &asked))
}

fn facets(catalog: &Catalog, who: &Credentials, filter: &EntityFilter, asked: &[String]) -> Response {
    #[derive(Serialize)]
    struct Count<'a> {
        value: &'a str,
        count: usize,
    }
    let found = catalog.facets(who, filter, asked);
    let facets: BTreeMap<&str, Vec<Count<'_>>> = found
        .iter()
        .map(|(facet, values)| {
            (facet.as_str(), values.iter().map(|(value, count)| Count { value, count: *count }).collect())
        })
        .collect();
    reply::ok(&BTreeMap::from([("facets", facets)]))
}
