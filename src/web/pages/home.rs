//! `GET /`: search, create, what is mine and how it stands, what is new.

mod mine;

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;

use self::mine::OwnedRow;
use super::announcements::{self, Latest};
use super::shown::{self, EntityLink};
use super::task::{RunRow, newest_of, waiting_count};
use crate::catalog::{Catalog, Direction, EntityFilter, EntityPage, EntityQuery, Order, Record};
use crate::entity::EntityRef;
use crate::web::extract::Query;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::{AppState, url as link};

/// Entities of the viewer's that are listed.
const MINE: usize = 8;
/// Systems that are shown.
const SYSTEMS: usize = 12;

/// Starred entities that are listed.
const LINKS: usize = 10;
/// Entities that were looked at last.
const RECENT: i64 = 8;

/// Runs that are listed.
const RUNS: usize = 5;

/// The route.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/", get(show))
}

#[derive(Deserialize)]
struct Asked {
    /// `yes`: with the pipelines, which GitHub is asked for.
    #[serde(default)]
    now: String,
}

async fn show(State(state): State<AppState>, viewer: Viewer, Query(asked): Query<Asked>) -> PageResult<HomePage> {
    let (catalog, scaffolder, site) = (&state.catalog, &state.scaffolder, &state.site);
    let (notifications, preferences) = (&state.notifications, &state.preferences);
    let who = &viewer.credentials;
    let mine = of_viewer(catalog, &viewer);
    let (rows, has_pipelines) = site.at_hand(mine::rows(&state, &viewer, &mine.items, asked.now == "yes")).await?;
    let systems = named_first(catalog, &viewer, EntityFilter::is("kind", "system"), SYSTEMS);
    let groups = who.ownership().iter().filter(|owner| owner.kind() == "group");
    let links = |refs: Vec<EntityRef>| -> Vec<EntityLink> {
        refs.iter().map(|reference| EntityLink::find(catalog, &viewer, reference)).filter(|link| link.known).collect()
    };
    let starred = links(site.at_hand(preferences.starred(who)).await?);
    Ok(Page(HomePage {
        chrome: viewer.chrome(Area::Home, "Home"),
        news: site.at_hand(announcements::latest(&state.announcements, preferences, &viewer)).await?,
        groups: groups.map(|group| EntityLink::find(catalog, &viewer, group)).collect(),
        mine: rows,
        late: (has_pipelines && asked.now != "yes").then(|| format!("{}?now=yes", link::home())),
        events: link::catalog_changes(None),
        mine_total: mine.total,
        mine_link: link::catalog_where(&[("owner", "me")]),
        more_starred: starred.len().saturating_sub(LINKS),
        starred: starred.into_iter().take(LINKS).collect(),
        recent: links(site.at_hand(preferences.recent(who, RECENT)).await?),
        waiting: site.at_hand(waiting_count(scaffolder, &viewer)).await?,
        unread: site.at_hand(super::notifications::unread(notifications, &viewer)).await?,
        runs: site.at_hand(newest_of(catalog, scaffolder, &viewer, RUNS)).await?,
        systems: systems.items.iter().map(|record| SystemCard::new(catalog, &viewer, record)).collect(),
        kinds: kinds(catalog, &viewer),
    }))
}

/// What the viewer and their groups own.
fn of_viewer(catalog: &Catalog, viewer: &Viewer) -> EntityPage {
    let owners = viewer.credentials.ownership().iter().map(ToString::to_string).collect();
    let kinds = ["component", "api", "resource", "system", "domain"].map(str::to_owned).into();
    let filter = EntityFilter::All(vec![
        EntityFilter::In("kind".to_owned(), kinds),
        EntityFilter::In("relations.ownedby".to_owned(), owners),
    ]);
    named_first(catalog, viewer, filter, MINE)
}

fn named_first(catalog: &Catalog, viewer: &Viewer, filter: EntityFilter, limit: usize) -> EntityPage {
    let by_name = Order { field: "metadata.name".to_owned(), order: Direction::Asc };
    let query =
        EntityQuery { filter, order: vec![by_name], keep_missing: true, limit: Some(limit), ..EntityQuery::default() };
    catalog.query(&viewer.credentials, &query)
}

fn kinds(catalog: &Catalog, viewer: &Viewer) -> Vec<KindCount> {
    let counts = shown::kind_counts(catalog, viewer);
    let shown = ["component", "api", "resource", "system", "domain", "group", "user"];
    let known = shown.into_iter().filter_map(|kind| Some((kind, *counts.get(kind)?)));
    known
        .map(|(kind, count)| KindCount {
            label: shown::kind_plural(kind),
            icon: kind.to_owned(),
            count,
            link: link::catalog_where(&[("kind", kind)]),
        })
        .collect()
}

/// The start page.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) chrome: Chrome,
    /// The groups the viewer owns by.
    pub(crate) groups: Vec<EntityLink>,
    /// What the viewer and their groups own.
    pub(crate) mine: Vec<OwnedRow>,
    /// The page with their pipelines, where that is to come.
    pub(crate) late: Option<String>,
    /// Tells that the catalog changed.
    pub(crate) events: String,
    /// How much that is in all.
    pub(crate) mine_total: usize,
    /// The list of all of it.
    pub(crate) mine_link: String,
    /// How many questions of runs wait for the viewer.
    pub(crate) waiting: usize,
    /// How many notifications the viewer has not read.
    pub(crate) unread: usize,
    /// The newest announcement.
    pub(crate) news: Option<Latest>,
    pub(crate) starred: Vec<EntityLink>,
    /// How many starred entities are not listed.
    pub(crate) more_starred: usize,
    /// The entities whose pages the viewer opened last.
    pub(crate) recent: Vec<EntityLink>,
    /// The viewer's newest runs.
    pub(crate) runs: Vec<RunRow>,
    pub(crate) systems: Vec<SystemCard>,
    /// How many entities there are, by kind.
    pub(crate) kinds: Vec<KindCount>,
}

/// One system of the organisation.
pub(crate) struct SystemCard {
    pub(crate) link: String,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) owner: Option<EntityLink>,
    /// `4 components`, `2 APIs`.
    pub(crate) parts: Vec<String>,
}

/// A kind with its number and its list.
pub(crate) struct KindCount {
    pub(crate) label: String,
    pub(crate) icon: String,
    pub(crate) count: usize,
    pub(crate) link: String,
}

impl HomePage {
    /// The page's heading.
    fn greeting(&self) -> String {
        let name = self.chrome.person.as_ref().map(|person| person.name.as_str()).unwrap_or_default();
        if name.is_empty() { "Welcome".to_owned() } else { format!("Hello, {name}") }
    }
}

impl SystemCard {
    fn new(catalog: &Catalog, viewer: &Viewer, record: &Arc<Record>) -> Self {
        let mut parts: BTreeMap<String, usize> = BTreeMap::new();
        for relation in record.relations().into_iter().filter(|relation| relation.kind == "hasPart") {
            let kind = relation.target.split(':').next().unwrap_or_default().to_owned();
            *parts.entry(kind).or_default() += 1;
        }
        let part = |(kind, number): (String, usize)| {
            let plural = shown::kind_plural(&kind);
            let (one, many) = if kind == "api" { ("API".to_owned(), plural) } else { (kind, plural.to_lowercase()) };
            shown::count(number, &one, &many)
        };
        Self {
            link: link::entity(&record.reference),
            title: record.title.to_string(),
            about: record.entity().description().unwrap_or_default().to_owned(),
            owner: shown::owner(catalog, viewer, &record.entity()),
            parts: parts.into_iter().map(part).collect(),
        }
    }
}
