//! `/api/techdocs`: documentation for Backstage's reader: metadata, looking at the source, and the site as MkDocs writes it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::Event;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use chrono::{Duration, SecondsFormat, Utc};
use futures_util::stream;
use serde_json::{Value, json};

use super::{APP_COOKIE, Caller, bearer, reply};
use crate::catalog::Catalog;
use crate::entity::{EntityRef, TECHDOCS_REF};
use crate::permission::Credentials;
use crate::techdocs::index::{file_of, search_documents, write_search_index};
use crate::techdocs::{Docs, DocsError, TechDocs, Where};
use crate::web::assets::CachePolicy;
use crate::web::error::Error;
use crate::web::extract::{EntityPath, Path};
use crate::web::pages;
use crate::web::sse::Follower;
use crate::web::{AppState, Site};

/// How long a browser may ask for pictures before the app renews it.
const COOKIE_LASTS: Duration = Duration::hours(1);

/// Routes of the plugin `techdocs`.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/metadata/techdocs/{namespace}/{kind}/{name}", get(metadata))
        .route("/metadata/entity/{namespace}/{kind}/{name}", get(entity_metadata))
        .route("/sync/{namespace}/{kind}/{name}", get(sync))
        .route("/static/docs/{namespace}/{kind}/{name}", get(static_file))
        .route("/static/docs/{namespace}/{kind}/{name}/{*path}", get(static_file))
        .route("/cookie", get(cookie))
        .route("/.backstage/auth/v1/cookie", get(cookie).delete(no_cookie))
}

fn no_metadata(entity: &EntityRef) -> Error {
    Error::NotFound(format!("Unable to get metadata for '{entity}'"))
}

/// The documentation of an entity, of another one if it is borrowed.
async fn open(techdocs: &TechDocs, who: &Credentials, entity: &EntityRef) -> Result<Docs, DocsError> {
    match techdocs.open(who, entity).await {
        Err(DocsError::Borrowed(_, other, _)) => techdocs.open(who, &other).await,
        opened => opened,
    }
}

/// The error of a database stays what it is; anything else says that there is nothing.
fn or_nothing(error: DocsError, nothing: Error) -> Error {
    match error {
        DocsError::Store(_) => error.into(),
        _ => nothing,
    }
}

/// `GET /metadata/techdocs/{namespace}/{kind}/{name}`
async fn metadata(
    State(catalog): State<Catalog>,
    State(techdocs): State<TechDocs>,
    Caller(who): Caller,
    EntityPath(entity): EntityPath,
) -> Result<Response, Error> {
    let docs = open(&techdocs, &who, &entity).await.map_err(|error| or_nothing(error, no_metadata(&entity)))?;
    Ok(reply::ok(&written(&docs, &title(&catalog, &who, &entity))))
}

/// `techdocs_metadata.json`
fn written(docs: &Docs, name: &str) -> Value {
    let built = docs.read_at.map_or(0, |at| at.timestamp_millis());
    json!({
        "site_name": docs.site.name().unwrap_or(name),
        "site_description": docs.site.config.description.as_deref().unwrap_or_default(),
        "etag": docs.site.version,
        "build_timestamp": built,
        "files": docs.site.written_files(),
    })
}

fn title(catalog: &Catalog, who: &Credentials, entity: &EntityRef) -> String {
    catalog.entity(who, entity).map_or_else(|| entity.name().to_owned(), |record| record.title.to_string())
}

/// `GET /metadata/entity/{namespace}/{kind}/{name}`
async fn entity_metadata(
    State(catalog): State<Catalog>,
    State(techdocs): State<TechDocs>,
    Caller(who): Caller,
    EntityPath(entity): EntityPath,
) -> Result<Response, Error> {
    let record = catalog.entity(&who, &entity).ok_or_else(|| no_metadata(&entity))?;
    let mut shown = serde_json::to_value(record.entity()).map_err(Error::internal)?;
    let Ok(Where::Own(source)) = techdocs.place(&who, &entity) else { return Err(no_metadata(&entity)) };
    let known = record.entity();
    let is_relative = known.annotation(TECHDOCS_REF).is_some_and(|reference| reference.starts_with("dir:"));
    let kind = if is_relative && source.is_file() { "dir" } else { &source.kind };
    shown["locationMetadata"] = json!({"type": kind, "target": source.target});
    Ok(reply::ok(&shown))
}

/// `GET /sync/{namespace}/{kind}/{name}`: looks at the source now and tells how that went, as events.
async fn sync(
    State(catalog): State<Catalog>,
    State(techdocs): State<TechDocs>,
    Caller(who): Caller,
    EntityPath(entity): EntityPath,
    follower: Follower,
) -> Result<Response, Error> {
    if catalog.entity(&who, &entity).is_none() {
        return Err(Error::NotFound("Entity metadata UID missing".to_owned()));
    }
    let events = stream::once(async move {
        let place = match techdocs.place(&who, &entity) {
            Ok(Where::Borrowed(other, _)) => other,
            _ => entity,
        };
        let log = |text: String| event("log", &json!(text));
        match techdocs.sync(&who, &place).await {
            Ok(updated) => {
                // A source that cannot be read is only an error where nothing was read before.
                let failure = match techdocs.open(&who, &place).await {
                    Ok(docs) => docs.failure.map(|reason| log(format!("warn: the source cannot be read: {reason}"))),
                    Err(error) => {
                        return vec![log(format!("error: {error}")), event("error", &json!(error.to_string()))];
                    }
                };
                let mut events: Vec<Event> = failure.into_iter().collect();
                if updated {
                    events.push(log(format!("info: the documentation of {place} was read and is up to date")));
                }
                events.push(event("finish", &json!({"updated": updated})));
                events
            }
            Err(error) => vec![log(format!("error: {error}")), event("error", &json!(error.to_string()))],
        }
    });
    Ok(follower.follow(futures_util::StreamExt::flat_map(events, stream::iter)))
}

fn event(kind: &str, data: &Value) -> Event {
    Event::default().event(kind).data(data.to_string())
}

/// `GET /static/docs/{namespace}/{kind}/{name}/{path}`: the files that MkDocs would have written.
async fn static_file(
    State(catalog): State<Catalog>,
    State(techdocs): State<TechDocs>,
    Caller(who): Caller,
    EntityPath(entity): EntityPath,
    Path(place): Path<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let nothing = || Error::NotFound("File Not Found".to_owned());
    let path = place.get("path").map_or("", String::as_str).to_owned();
    let docs = open(&techdocs, &who, &entity).await.map_err(|error| or_nothing(error, nothing()))?;
    let tag = format!("\"{}\"", docs.site.version);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let name = title(&catalog, &who, &entity);
    let site = docs.site.clone();
    let mut response = match path.as_str() {
        "techdocs_metadata.json" => reply::ok(&written(&docs, &name)),
        "search/search_index.json" => {
            let said = techdocs.said(&docs).await?;
            let pages = said.chunk_by(|one, other| one.path == other.path);
            let documents: Vec<String> = pages.filter_map(search_documents).collect();
            let mut index = Vec::new();
            write_search_index(&documents, &mut index).map_err(Error::internal)?;
            reply::passed_through(index)
        }
        _ => {
            let wanted = file_of(&path);
            if let Some(page) =
                site.pages.iter().position(|page| file_of(&page.url) == wanted).or_else(|| first(&docs, &wanted))
            {
                let html = tokio::task::spawn_blocking(move || pages::whole_docs_page(&site, page, &name, None)).await;
                Html(html.map_err(Error::internal)?.map_err(Error::internal)?).into_response()
            } else {
                let bytes = site.file(&path).ok_or_else(nothing)?.clone();
                return Ok(pages::docs_file(&path, bytes, &docs.site.version));
            }
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, CachePolicy::Private.header());
    response.headers_mut().extend(HeaderValue::try_from(tag).map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// A site without a first page begins with its first one.
fn first(docs: &Docs, wanted: &str) -> Option<usize> {
    (wanted == "index.html").then(|| docs.site.first()).flatten()
}

/// `GET /cookie`: for the pictures of a page, which a browser asks for without the app's token. Whoever is signed in here
/// needs none.
async fn cookie(State(site): State<Arc<Site>>, Caller(_): Caller, headers: HeaderMap) -> (CookieJar, Response) {
    let expires = (Utc::now() + COOKIE_LASTS).to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut jar = CookieJar::new();
    if let Some(token) = bearer(&headers) {
        jar = jar.add(app_cookie(&site, token.to_owned(), COOKIE_LASTS));
    }
    (jar, reply::ok(&json!({"expiresAt": expires})))
}

/// `DELETE /.backstage/auth/v1/cookie`
async fn no_cookie(State(site): State<Arc<Site>>, Caller(_): Caller) -> (CookieJar, StatusCode) {
    (CookieJar::new().add(app_cookie(&site, String::new(), Duration::zero())), StatusCode::NO_CONTENT)
}

fn app_cookie(site: &Site, token: String, lasts: Duration) -> Cookie<'static> {
    let mut cookie = Cookie::new(APP_COOKIE, token);
    cookie.set_http_only(true);
    cookie.set_secure(site.is_https());
    // An app elsewhere shows pictures from here, which browsers allow encrypted cookies alone.
    cookie.set_same_site(if site.is_https() { SameSite::None } else { SameSite::Lax });
    cookie.set_path("/api/techdocs");
    cookie.set_max_age(Some(lasts.to_std().unwrap_or_default().try_into().unwrap_or_default()));
    cookie
}
