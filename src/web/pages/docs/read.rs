//! One page of an entity's documentation, with the site's navigation, or what was searched for within the site.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::file;
use super::lines::{self, Line};
use crate::catalog::Catalog;
use crate::entity::EntityRef;
use crate::markdown::Heading;
use crate::techdocs::path;
use crate::techdocs::{Docs, DocsError, Found, TechDocs};
use crate::web::error::Error;
use crate::web::extract::{Answer, EntityPath, Path, Query};
use crate::web::page::{Area, Chrome, Page};
use crate::web::pages::shown::{self, EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// What is asked for besides a page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    show: String,
}

/// What stands around every page of a site.
struct Frame {
    title: String,
    entity: EntityLink,
    site: String,
    home: String,
    q: String,
    lines: Vec<Line>,
    changed: Option<Moment>,
    /// Since when the source cannot be read, and why.
    stale: Option<(Option<Moment>, String)>,
    /// How much is wrong, for who owns it.
    problems: Option<(String, String)>,
}

/// A page.
#[derive(Template)]
#[template(path = "docs/page.html")]
struct ReadPage {
    chrome: Chrome,
    frame: Frame,
    title: String,
    has_title: bool,
    html: String,
    crumbs: Vec<String>,
    contents: Vec<Place>,
    previous: Option<(String, String)>,
    next: Option<(String, String)>,
    edit: Option<String>,
}

/// A heading of the page.
struct Place {
    anchor: String,
    text: String,
    deeper: bool,
}

impl From<&Heading> for Place {
    fn from(heading: &Heading) -> Self {
        Self { anchor: heading.anchor.clone(), text: heading.text.clone(), deeper: heading.level > 2 }
    }
}

/// What was found within a site.
#[derive(Template)]
#[template(path = "docs/search.html")]
struct SearchPage {
    chrome: Chrome,
    frame: Frame,
    found: Vec<Hit>,
}

struct Hit {
    link: String,
    title: String,
    heading: String,
    above: String,
    excerpt: Vec<String>,
}

/// What is wrong with a site.
#[derive(Template)]
#[template(path = "docs/problems.html")]
struct ProblemsPage {
    chrome: Chrome,
    frame: Frame,
    problems: Vec<(String, Vec<String>)>,
}

/// An entity without documentation, or with none that can be read.
#[derive(Template)]
#[template(path = "docs/missing.html")]
struct MissingPage {
    chrome: Chrome,
    entity: EntityLink,
    /// Why, where there should be some.
    reason: Option<String>,
}

/// `GET /docs/{namespace}/{kind}/{name}`
pub(super) async fn first(EntityPath(reference): EntityPath) -> Redirect {
    Redirect::permanent(&link::docs_page(&reference, ""))
}

/// `GET /docs/{namespace}/{kind}/{name}/{page}`
pub(super) async fn show(
    State(catalog): State<Catalog>,
    State(techdocs): State<TechDocs>,
    viewer: Viewer,
    EntityPath(reference): EntityPath,
    Path(place): Path<HashMap<String, String>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    let address = place.get("page").map_or("", String::as_str);
    let docs = match techdocs.open(&viewer.credentials, &reference).await {
        Ok(docs) => docs,
        Err(DocsError::Borrowed(_, other, first)) => {
            let page = if address.is_empty() { first } else { address.to_owned() };
            return Ok(Redirect::temporary(&link::docs_page(&other, &page)).into_response());
        }
        Err(error) => return missing(&catalog, &viewer, &reference, error),
    };
    if !asked.q.trim().is_empty() {
        let frame = Frame::new(&catalog, &viewer, &reference, &docs, None, &asked.q);
        let chrome = frame.chrome(&viewer);
        let found = techdocs.find(&docs, &asked.q).await?.into_iter().map(|found| Hit::new(&docs, found)).collect();
        return Ok(Page(SearchPage { chrome, frame, found }).into_response());
    }
    if asked.show == "problems" {
        let frame = Frame::new(&catalog, &viewer, &reference, &docs, None, "");
        let chrome = frame.chrome(&viewer);
        return Ok(Page(ProblemsPage { chrome, problems: by_file(&docs.problems), frame }).into_response());
    }
    let Some(page) = docs.site.page_at(address) else {
        return asset(&docs, address, &headers)
            .ok_or_else(|| Error::NotFound(format!("the documentation of {reference} has no page `{address}`")));
    };
    let url = &docs.site.pages[page].url;
    let is_first = address.is_empty() && docs.site.first() == Some(page);
    if url != address && (!is_first || !url.is_empty()) {
        return Ok(Redirect::permanent(&link::docs_page(&reference, url)).into_response());
    }
    let site = docs.site.clone();
    let content = tokio::task::spawn_blocking(move || site.content(page)).await.map_err(Error::internal)?;
    let site = &docs.site;
    let neighbour = |page: usize| {
        let other = &site.pages[page];
        (other.title.clone(), path::relative(url, &other.url))
    };
    let (previous, next) = site.neighbours(page);
    let headings = content.headings.iter().filter(|heading| (2..=3).contains(&heading.level));
    let frame = Frame::new(&catalog, &viewer, &reference, &docs, Some(page), "");
    Ok(Page(ReadPage {
        chrome: frame.chrome(&viewer),
        title: site.pages[page].title.clone(),
        has_title: content.has_title,
        html: content.html.clone(),
        crumbs: site.above(page).into_iter().map(str::to_owned).collect(),
        contents: headings.map(Place::from).collect(),
        previous: previous.map(neighbour),
        next: next.map(neighbour),
        edit: site.edit_url(page),
        frame,
    })
    .into_response())
}

impl Frame {
    fn new(
        catalog: &Catalog,
        viewer: &Viewer,
        reference: &EntityRef,
        docs: &Docs,
        page: Option<usize>,
        q: &str,
    ) -> Self {
        let entity = EntityLink::find(catalog, viewer, reference);
        let site = docs.site.name().map_or_else(|| entity.name.clone(), str::to_owned);
        let title = match page {
            Some(page) => format!("{} · {site}", docs.site.pages[page].title),
            None => site.clone(),
        };
        let owned = catalog.entity(&viewer.credentials, reference).is_some_and(|record| {
            let relations = record.relations();
            let mut owners = relations.iter().filter(|relation| relation.kind == "ownedBy");
            owners.any(|owner| viewer.credentials.ownership().iter().any(|own| own.as_str() == &*owner.target))
        });
        let problems = docs.problems.len();
        Self {
            title,
            site,
            home: link::docs_page(reference, ""),
            q: q.to_owned(),
            lines: lines::of(&docs.site, page),
            changed: docs.changed_at.map(Moment),
            stale: docs.failure.clone().map(|failure| (docs.read_at.map(Moment), failure)),
            problems: (owned && problems > 0)
                .then(|| (shown::count(problems, "problem", "problems"), link::docs_problems(reference))),
            entity,
        }
    }

    fn chrome(&self, viewer: &Viewer) -> Chrome {
        viewer.chrome(Area::Docs, self.title.clone())
    }
}

impl Hit {
    fn new(docs: &Docs, found: Found) -> Self {
        let page = &docs.site.pages[found.page];
        let anchor = if found.anchor.is_empty() { String::new() } else { format!("#{}", found.anchor) };
        Self {
            link: format!("{}{anchor}", path::relative("", &page.url)),
            title: page.title.clone(),
            heading: found.heading,
            above: docs.site.above(found.page).join(" / "),
            excerpt: found.excerpt,
        }
    }
}

/// A file of the site.
fn asset(docs: &Docs, address: &str, headers: &HeaderMap) -> Option<Response> {
    let bytes = docs.site.file(address)?.clone();
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if known == Some(&*format!("\"{}\"", docs.site.version)) {
        return Some(StatusCode::NOT_MODIFIED.into_response());
    }
    Some(file::answer(address, bytes, &docs.site.version))
}

fn missing(catalog: &Catalog, viewer: &Viewer, reference: &EntityRef, error: DocsError) -> Answer {
    let reason = match error {
        DocsError::Undocumented(_) => None,
        DocsError::BadReference(reason) | DocsError::Unread(reason) => Some(reason),
        other => return Err(other.into()),
    };
    let entity = EntityLink::find(catalog, viewer, reference);
    let chrome = viewer.chrome(Area::Docs, format!("Docs of {}", entity.name));
    Ok((StatusCode::NOT_FOUND, Page(MissingPage { chrome, entity, reason })).into_response())
}

fn by_file(problems: &[(String, String)]) -> Vec<(String, Vec<String>)> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for (file, problem) in problems {
        match files.iter_mut().find(|(name, _)| name == file) {
            Some((_, known)) => known.push(problem.clone()),
            None => files.push((file.clone(), vec![problem.clone()])),
        }
    }
    files
}
