//! `/catalog-graph`: who is related to whom, as a drawing and as a list.
//!
//! The address is Backstage's, and so are its parameters; ours are shorter ([`Asked`]). The catalog walks
//! ([`Catalog::neighbourhood`]), [`picture`] puts what was met in its places, and the template writes the drawing. It is
//! whole without a script: nodes are links in reading order, and everything it shows stands in a list below.

mod asked;
pub(super) mod picture;
pub(super) mod strands;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use self::asked::Asked;
use self::picture::Picture;
use self::strands::{MOST, PAIRS, Strands};
use crate::catalog::{Catalog, Direction, EntityFilter, EntityQuery, Neighbour, Neighbourhood, Order, Record, Walk};
use crate::entity::EntityRef;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Kinds that can be chosen.
const KINDS: [&str; 9] = ["component", "api", "resource", "system", "domain", "group", "user", "template", "location"];

/// Domains, and systems, that are offered if nobody says where to start.
const OFFERED: usize = 60;

/// Entities of the small drawing on an entity's page.
const SMALL: usize = 30;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/catalog-graph", get(show))
}

/// The graph.
#[derive(Template)]
#[template(path = "graph/show.html")]
pub(super) struct GraphPage {
    chrome: Chrome,
    asked: Asked,
    /// Those it starts from.
    roots: Vec<EntityLink>,
    picture: Option<Picture>,
    lines: Vec<ListLine>,
    /// Entities to start from.
    offered: Vec<EntityLink>,
    kinds: Vec<Choice>,
    relations: Vec<Choice>,
    is_cut: bool,
    limit: usize,
}

/// Something that can be ticked.
struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

/// One entity of the list, with its relations to others of the graph.
struct ListLine {
    entity: EntityLink,
    distance: usize,
    relations: Vec<(String, Vec<EntityLink>)>,
}

impl ListLine {
    /// `2 steps`
    fn steps(&self) -> String {
        asked::steps(self.distance)
    }
}

/// `GET /catalog-graph`
async fn show(
    State(catalog): State<Catalog>,
    viewer: Viewer,
    Query(pairs): Query<Vec<(String, String)>>,
) -> PageResult<GraphPage> {
    let asked = Asked::read(&pairs).map_err(Error::Input)?;
    let found = catalog.neighbourhood(&viewer.credentials, &asked.roots, &asked.walk());
    let strands = Strands::of(&found, asked.merges, asked.is_forward);
    let again = |reference: &EntityRef| asked.from(reference);
    let picture = (!found.met.is_empty()).then(|| Picture::draw(&found, &strands, asked.direction, &again));
    let title = match &found.met[..] {
        [first, ..] if asked.roots.len() == 1 => {
            format!("Graph of {}", name_of(first.record.as_deref(), &first.reference))
        }
        _ => "Graph".to_owned(),
    };
    let chosen = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
    let kinds = KINDS.iter().map(|kind| Choice {
        value: (*kind).to_owned(),
        label: shown::kind_plural(kind),
        is_chosen: chosen(&asked.kinds, kind),
    });
    let relations = PAIRS.iter().map(|(one, other)| Choice {
        value: (*one).to_owned(),
        label: format!("{one} / {other}"),
        is_chosen: asked.relations.is_empty()
            || [one, other].iter().any(|name| asked.relations.iter().any(|own| own == *name)),
    });
    Ok(Page(GraphPage {
        chrome: viewer.chrome(Area::Catalog, title),
        roots: found.met.iter().filter(|met| met.distance == 0).map(entity_link).collect(),
        lines: lines(&found, &strands),
        offered: if asked.roots.is_empty() { offered(&catalog, &viewer) } else { Vec::new() },
        kinds: kinds.collect(),
        relations: relations.collect(),
        is_cut: found.is_cut || strands.0.len() >= MOST,
        limit: asked.limit,
        picture,
        asked,
    }))
}

fn name_of(record: Option<&Record>, reference: &EntityRef) -> String {
    record.map_or_else(|| reference.name().to_owned(), |record| record.title.to_string())
}

/// A link to somebody who was met.
pub(super) fn entity_link(met: &Neighbour) -> EntityLink {
    match &met.record {
        Some(record) => EntityLink::titled(&met.reference, &*record.title),
        None => EntityLink::missing(&met.reference),
    }
}

/// The small drawing of an entity's neighbours; none where it has none.
pub(super) fn small(catalog: &Catalog, viewer: &Viewer, reference: &EntityRef) -> Option<Picture> {
    let walk = Walk { depth: 1, limit: SMALL, ..Walk::default() };
    let found = catalog.neighbourhood(&viewer.credentials, std::slice::from_ref(reference), &walk);
    let strands = Strands::of(&found, true, true);
    let draw = || Picture::draw(&found, &strands, picture::Towards::Right, &link::entity).plain();
    (found.met.len() > 1).then(draw)
}

/// The first owner of an entity.
pub(super) fn owner_of(catalog: &Catalog, viewer: &Viewer, record: &Record) -> Option<EntityLink> {
    let relation = record.relations().into_iter().find(|relation| relation.kind == "ownedBy")?;
    EntityLink::read(catalog, viewer, &relation.target)
}

/// The graph as a list: each entity with what it is related to, in the order of the walk.
fn lines(found: &Neighbourhood, strands: &Strands) -> Vec<ListLine> {
    let line = |(number, met): (usize, &Neighbour)| {
        let mut relations: Vec<(String, Vec<EntityLink>)> = Vec::new();
        for strand in strands.0.iter().filter(|strand| strand.from == number) {
            let target = entity_link(&found.met[strand.to]);
            match relations.iter_mut().find(|(name, _)| *name == strand.label) {
                Some((_, targets)) => targets.push(target),
                None => relations.push((strand.label.clone(), vec![target])),
            }
        }
        ListLine { entity: entity_link(met), distance: met.distance, relations }
    };
    found.met.iter().enumerate().map(line).collect()
}

/// Domains and systems.
fn offered(catalog: &Catalog, viewer: &Viewer) -> Vec<EntityLink> {
    let of_kind = |kind: &str| {
        let by_name = Order { field: "metadata.name".to_owned(), order: Direction::Asc };
        let query = EntityQuery {
            filter: EntityFilter::is("kind", kind),
            order: vec![by_name],
            keep_missing: true,
            limit: Some(OFFERED),
            ..EntityQuery::default()
        };
        catalog.query(&viewer.credentials, &query).items
    };
    let found = of_kind("domain").into_iter().chain(of_kind("system"));
    let start = |record: &Record| EntityLink {
        link: link::graph(&record.reference),
        ..EntityLink::titled(&record.reference, &*record.title)
    };
    found.map(|record| start(&record)).collect()
}
