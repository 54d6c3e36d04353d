//! `GET /catalog/problems`: everything that is broken.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use url::Url;

use super::claim::{Place, Places};
use crate::catalog::{Catalog, LocationRef, Problem, Record};
use crate::forge::Forges;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink, Moment};
use crate::web::session::Viewer;
use crate::web::url as link;

/// The list.
#[derive(Template)]
#[template(path = "catalog/problems.html")]
pub(super) struct ProblemsPage {
    chrome: Chrome,
    problems: Vec<Line>,
}

/// One problem.
pub(super) struct Line {
    pub(super) message: String,
    /// What it is about: the entity, or the name in the text.
    pub(super) subject: String,
    pub(super) entity: Option<EntityLink>,
    /// Who is to mend it.
    pub(super) owner: Option<EntityLink>,
    /// `acme/payments: catalog-info.yaml:12:3`
    pub(super) spot: String,
    pub(super) link: Option<String>,
    pub(super) since: Moment,
    /// Who has the name, of a claim to one.
    pub(super) holder: Option<Place>,
}

/// Shows everything that is broken.
pub(super) async fn show(
    State(catalog): State<Catalog>,
    State(forges): State<Forges>,
    viewer: Viewer,
) -> PageResult<ProblemsPage> {
    let mut problems = catalog.problems(&viewer.credentials).await?;
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.since));
    let places = Places::load(&catalog, &forges, &viewer).await?;
    let problems = problems.iter().map(|problem| Line::new(&catalog, &places, &viewer, problem)).collect();
    Ok(Page(ProblemsPage { chrome: viewer.chrome(Area::Catalog, "Problems"), problems }))
}

impl Line {
    pub(super) fn new(catalog: &Catalog, places: &Places<'_>, viewer: &Viewer, problem: &Problem) -> Self {
        let name = problem.name.clone().unwrap_or_default();
        let kind = problem.kind.clone().unwrap_or_default();
        let (spot, page) = spot(places.forges, problem);
        Self {
            message: plain(&problem.message).to_owned(),
            subject: if name.is_empty() {
                kind
            } else {
                format!("{} {name}", if kind.is_empty() { "entity" } else { &kind })
            },
            entity: problem
                .entity
                .as_deref()
                .and_then(|reference| EntityLink::read(catalog, viewer, reference))
                .filter(|link| link.known),
            owner: owner_of(catalog, viewer, problem),
            spot,
            link: page,
            since: Moment(problem.since),
            holder: places.holder(problem),
        }
    }
}

/// The owner of the entity, else of the others in the file, else of what the source declares.
fn owner_of(catalog: &Catalog, viewer: &Viewer, problem: &Problem) -> Option<EntityLink> {
    let index = catalog.index();
    let conflicts = problem.is_claim();
    // A claim to a name that another has is for those to mend who made it.
    let entity = problem.entity.as_deref().filter(|_| !conflicts).and_then(|reference| index.get_exact(reference));
    let of = |record: &Arc<Record>| shown::owner(catalog, viewer, &record.entity());
    let in_file = || index.records().filter(|record| *record.location == *problem.location).find_map(of);
    let in_source = || index.records().filter(|record| *record.source == *problem.source).find_map(of);
    entity.and_then(of).or_else(in_file).or_else(in_source)
}

/// File, line and column, the document where a file has several, and the page that shows them.
fn spot(forges: &Forges, problem: &Problem) -> (String, Option<String>) {
    let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
    let column =
        problem.column.filter(|_| problem.line.is_some()).map(|column| format!(":{column}")).unwrap_or_default();
    let document = problem.document.filter(|document| *document > 1);
    let column = document.map_or_else(|| column.clone(), |document| format!("{column} (document {document})"));
    let location = LocationRef::parse(&problem.location).filter(|location| location.is_file() || location.is_url());
    // A provider has a name and no place.
    let target = location.map_or_else(|| problem.location.clone(), |location| location.target);
    match Url::parse(&target).ok().and_then(|url| forges.locate(&url)) {
        Some((_, file)) => {
            let anchor = problem.line.map(|line| format!("?view=source#L{line}")).unwrap_or_default();
            let page = link::blob(file.repository.owner(), file.repository.name(), &file.revision, &file.path);
            (format!("{}: {}{line}{column}", file.repository, file.path), Some(format!("{page}{anchor}")))
        }
        None => (format!("{target}{line}{column}"), None),
    }
}

/// What is wrong, without the names of the programs that found it, which the API's clients expect around it.
pub(super) fn plain(message: &str) -> &str {
    let cause = message.rsplit_once("caused by ").map_or(message, |(_, cause)| cause);
    ["TypeError: ", "InputError: ", "Error: "].iter().find_map(|name| cause.strip_prefix(name)).unwrap_or(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_plainly() {
        let wrapped = "Processor X threw an error while validating the entity a:b/c; caused by TypeError: /spec must be an object";
        assert_eq!(plain(wrapped), "/spec must be an object");
        assert_eq!(plain("the file is not there"), "the file is not there");
    }
}
