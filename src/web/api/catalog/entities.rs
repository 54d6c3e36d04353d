//! `/entities…`: lists, single entities, their ancestry.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::conditional::{self, Known};
use super::fields::Fields;
use super::{array, document, entity, predicate};
use crate::catalog::{Catalog, Direction, EntityFilter, EntityQuery, Order, Record};
use crate::entity::EntityRef;
use crate::permission::Credentials;
use crate::web::api::Caller;
use crate::web::api::body::{Body, Shape};
use crate::web::api::parameters::{Parameter, Parameters};
use crate::web::api::reply;
use crate::web::error::Error;
use crate::web::extract::Path;
use crate::web::url as link;

const LIST: &[Parameter] = &[
    Parameter::list("fields"),
    Parameter::natural("limit"),
    Parameter::texts("filter"),
    Parameter::natural("offset"),
    Parameter::text("after"),
    Parameter::texts("order"),
];

/// The place in a list that `after` holds.
#[derive(Debug, Serialize)]
struct After {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    offset: usize,
}

/// `{kind}/{namespace}/{name}` of a path.
#[derive(Deserialize)]
pub(super) struct EntityPath {
    kind: String,
    namespace: String,
    name: String,
}

impl EntityPath {
    pub(super) fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(super) fn reference(&self) -> EntityRef {
        EntityRef::new(&self.kind, &self.namespace, &self.name)
    }
}

/// `GET /entities`
pub(super) async fn list(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
    uri: Uri,
    known: Known,
) -> Result<Response, Error> {
    let parameters = Parameters::read(query.as_deref(), LIST)?;
    let tag = conditional::of_list(&catalog, &who, query.as_deref());
    let fields = Fields::read(parameters.list("fields"))?;
    let page = Page::read(&parameters)?;
    let query = EntityQuery {
        filter: EntityFilter::parse(&parameters.texts("filter"))?,
        order: order(&parameters.texts("order"), page.is_some())?,
        keep_missing: page.is_some(),
        limit: page.as_ref().and_then(|page| page.limit),
        offset: page.as_ref().map_or(0, |page| page.offset),
        ..EntityQuery::default()
    };
    if let Some(unchanged) = known.unchanged(&tag) {
        return Ok(unchanged);
    }
    let (limit, offset) = (query.limit, query.offset);
    let found = catalog.query(&who, &query);
    // Built as one value in Backstage, so it has a tag: pages of fields, and lists with nothing in them.
    let is_tagged = (page.is_some() && fields.is_some()) || found.items.is_empty();
    let end = offset + found.items.len();
    let mut response = if is_tagged {
        let mut json = Vec::new();
        array(&mut json, &found.items, fields.as_ref());
        reply::tagged(StatusCode::OK, json.into())
    } else {
        reply::tag_with(super::list(found.items, fields.as_ref()), tag)
    };
    if page.is_some() && end < found.total {
        let link = next_link(&uri, &After { limit, offset: end });
        response.headers_mut().extend(HeaderValue::try_from(link).map(|link| (header::LINK, link)));
    }
    Ok(response)
}

/// Which part of a list is wanted; none means all of it.
struct Page {
    limit: Option<usize>,
    offset: usize,
}

impl Page {
    fn read(parameters: &Parameters) -> Result<Option<Self>, Error> {
        let (limit, offset) = (parameters.natural("limit"), parameters.natural("offset"));
        if limit == Some(0) {
            return Err(Error::Input("Invalid limit, must be greater than zero".to_owned()));
        }
        let page = Self { limit, offset: offset.unwrap_or_default() };
        let Some(after) = parameters.text("after") else {
            return Ok((limit.is_some() || offset.is_some()).then_some(page));
        };
        let malformed = |fault: &str| Error::Input(format!("Malformed after cursor, {fault}"));
        let decoded = STANDARD.decode(after).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        let after = decoded.ok_or_else(|| malformed("could not be parsed"))?;
        let number = |name: &str, otherwise: Option<usize>| match after.get(name) {
            None => Ok(otherwise),
            Some(value) => value.as_u64().and_then(|number| usize::try_from(number).ok()).map(Some).ok_or(()),
        };
        let limit = number("limit", limit).map_err(|()| malformed("limit was not an number"))?;
        let offset = number("offset", offset).map_err(|()| malformed("offset was not a number"))?;
        Ok(Some(Self { limit, offset: offset.unwrap_or_default() }))
    }
}

/// `asc:metadata.name`, repeatable. Pages are ordered by reference where nothing else decides.
fn order(parameters: &[String], paged: bool) -> Result<Vec<Order>, Error> {
    let mut order = parameters.iter().map(|text| order_by(text)).collect::<Result<Vec<_>, _>>()?;
    if paged {
        let reference = ["kind", "metadata.namespace", "metadata.name"];
        order.extend(reference.map(|field| Order { field: field.to_owned(), order: Direction::Asc }));
    }
    Ok(order)
}

fn order_by(text: &str) -> Result<Order, Error> {
    let (direction, field) = text.split_once(':').unwrap_or_default();
    let order = match direction {
        "asc" => Some(Direction::Asc),
        "desc" => Some(Direction::Desc),
        _ => None,
    };
    let malformed =
        || Error::Input(format!("Invalid order parameter \"{text}\", expected \"<asc or desc>:<field name>\""));
    let order = order.filter(|_| !field.is_empty()).ok_or_else(malformed)?;
    Ok(Order { field: field.to_owned(), order })
}

/// The address of the next page, relative to the plugin as in Backstage: the same query with another `after`.
fn next_link(uri: &Uri, after: &After) -> String {
    let cursor = STANDARD.encode(serde_json::to_vec(after).unwrap_or_default());
    let after = format!("after={}", link::query(&cursor));
    let (mut pairs, mut replaced) = (Vec::new(), false);
    for pair in uri.query().unwrap_or_default().split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        let pair = match name {
            "offset" => continue,
            "after" => {
                replaced = true;
                after.clone()
            }
            _ => pair.to_owned(),
        };
        pairs.push(pair);
    }
    if !replaced {
        pairs.push(after);
    }
    format!("<{}?{}>; rel=\"next\"", uri.path(), pairs.join("&"))
}

/// `GET /entities/by-uid/{uid}`
pub(super) async fn by_uid(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    Parameters::read(query.as_deref(), &[])?;
    let found = uid.parse().ok().and_then(|uid: Uuid| catalog.entity_by_uid(&who, uid));
    match found {
        Some(record) => Ok(entity(&record)),
        None => Err(Error::NotFound(format!("No entity with uid {uid}"))),
    }
}

/// `DELETE /entities/by-uid/{uid}`: also 204 for one that is not there.
pub(super) async fn delete(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(uid): Path<String>,
) -> Result<StatusCode, Error> {
    if let Ok(uid) = uid.parse() {
        catalog.delete(&who, uid).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /entities/by-name/{kind}/{namespace}/{name}`
pub(super) async fn by_name(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(path): Path<EntityPath>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    named(&catalog, &who, path, query.as_deref())
}

/// The entity of a path.
pub(super) fn named(
    catalog: &Catalog,
    who: &Credentials,
    path: EntityPath,
    query: Option<&str>,
) -> Result<Response, Error> {
    Parameters::read(query, &[])?;
    if let Some(record) = catalog.entity(who, &path.reference()) {
        return Ok(entity(&record));
    }
    let EntityPath { kind, namespace, name } = path;
    Err(Error::NotFound(format!("No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'")))
}

/// `GET /entities/by-name/{kind}/{namespace}/{name}/ancestry`: the entity, what led to it, and so on.
pub(super) async fn ancestry(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    Path(path): Path<EntityPath>,
) -> Result<Response, Error> {
    ancestry_of(&catalog, &who, &path)
}

/// The ancestry of the entity of a path.
pub(super) fn ancestry_of(catalog: &Catalog, who: &Credentials, path: &EntityPath) -> Result<Response, Error> {
    let reference = path.reference();
    let chain = catalog.ancestry(who, &reference);
    if chain.is_empty() {
        return Err(Error::NotFound(format!("No such entity {reference}")));
    }
    let mut json = format!("{{\"rootEntityRef\":{},\"items\":", json!(reference)).into_bytes();
    for (index, (record, parents)) in chain.iter().enumerate() {
        json.extend_from_slice(if index == 0 { b"[{\"entity\":" } else { b",{\"entity\":" });
        json.extend_from_slice(&record.json);
        json.extend_from_slice(format!(",\"parentEntityRefs\":{}}}", json!(parents)).as_bytes());
    }
    json.extend_from_slice(b"]}");
    Ok(reply::tagged(StatusCode::OK, json.into()))
}

/// `POST /entities/by-refs`: in the order of the references, `null` for what is not there.
pub(super) async fn by_refs(
    State(catalog): State<Catalog>,
    Caller(who): Caller,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, Error> {
    let parameters = Parameters::read(query.as_deref(), &[Parameter::texts("filter")])?;
    if body.is_absent() {
        return Err(Error::Input(
            "Malformed request body (did you remember to specify an application/json content type?), \
             Validation error: Required at \"entityRefs\""
                .to_owned(),
        ));
    }
    body.check(&["entityRefs"], &[("entityRefs", Shape::Texts), ("fields", Shape::Texts), ("query", Shape::Object)])?;
    let fields = Fields::read(body.texts("fields"))?;
    let mut filter = EntityFilter::parse(&parameters.texts("filter"))?;
    if let Some(query) = body.0.get("query") {
        filter = filter.and(predicate::read(query)?);
    }
    let references = body.texts("entityRefs").unwrap_or_default();
    let found: Vec<_> = references.iter().map(|text| exactly(&catalog, &who, text)).collect();
    let wanted = meant(&catalog, &who, filter, &found);
    let mut json = b"{\"items\":[".to_vec();
    for (index, record) in found.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        match record.as_ref().filter(|record| wanted.as_ref().is_none_or(|wanted| wanted.contains(&record.uid))) {
            Some(record) => document(&mut json, record, fields.as_ref()),
            None => json.extend_from_slice(b"null"),
        }
    }
    json.extend_from_slice(b"]}");
    Ok(reply::passed_through(json))
}

/// The entity of a reference that is whole and written as the catalog writes it.
fn exactly(catalog: &Catalog, who: &Credentials, text: &str) -> Option<Arc<Record>> {
    let reference: EntityRef = text.parse().ok()?;
    if reference.to_string() == text { catalog.entity(who, &reference) } else { None }
}

/// Which of the found entities a filter means; `None` if it means all.
fn meant(
    catalog: &Catalog,
    who: &Credentials,
    filter: EntityFilter,
    found: &[Option<Arc<Record>>],
) -> Option<HashSet<Uuid>> {
    if filter == EntityFilter::default() {
        return None;
    }
    let uids = found.iter().flatten().map(|record| record.uid.to_string()).collect();
    let filter = EntityFilter::In("metadata.uid".to_owned(), uids).and(filter);
    let page = catalog.query(who, &EntityQuery { filter, ..EntityQuery::default() });
    Some(page.items.iter().map(|record| record.uid).collect())
}
