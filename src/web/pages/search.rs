//! `/search`: everything, found by its words; and the first hits as a part of a page, for the palette.

mod address;
mod quick;
mod row;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use self::address::{Asked, PAGE};
use self::row::Row;
use super::shown::{self, EntityLink, grouped};
use crate::catalog::Catalog;
use crate::search::{Counts, Facet, Fit, Found, Query, Search, Sort};
use crate::web::AppState;
use crate::web::extract;
use crate::web::page::{Area, Chrome, Page, PageResult};
use crate::web::session::Viewer;
use crate::web::url as link;

/// The routes.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/search", get(show)).route("/search/quick", get(quick::show))
}

/// Values of a facet that are shown before it is unfolded.
const MOST_VALUES: usize = 12;

/// What was found.
#[derive(Template)]
#[template(path = "search/index.html")]
pub(crate) struct SearchPage {
    chrome: Chrome,
    asked: Asked,
    tabs: Vec<Tab>,
    facets: Vec<FacetList>,
    /// Filters that are set: label, and the search without.
    chosen: Vec<(String, String)>,
    rows: Vec<Row>,
    /// `1–20 of 130 results`
    range: String,
    newer: Option<String>,
    older: Option<String>,
    /// What was searched instead of words that nothing has: those words, and the search.
    meant: Option<(String, String)>,
    is_partial: bool,
    is_early: bool,
    /// Filters that are typed; each with what it does.
    examples: Vec<(&'static str, &'static str, String)>,
}

/// One sort of results.
struct Tab {
    label: &'static str,
    link: String,
    count: String,
    current: bool,
}

/// One facet with its values.
struct FacetList {
    title: &'static str,
    items: Vec<FacetItem>,
    open: bool,
}

struct FacetItem {
    label: String,
    link: String,
    count: String,
    current: bool,
}

async fn show(
    State(search): State<Search>,
    State(catalog): State<Catalog>,
    viewer: Viewer,
    extract::Query(asked): extract::Query<Asked>,
) -> PageResult<SearchPage> {
    let found = if asked.is_empty() { None } else { Some(search.find(&viewer.credentials, asked.wanted()).await) };
    let title = if asked.q.is_empty() { "Search".to_owned() } else { format!("{} · Search", asked.q) };
    let mut page = SearchPage {
        chrome: viewer.chrome(Area::Elsewhere, title),
        tabs: Vec::new(),
        facets: Vec::new(),
        chosen: asked.chosen(&catalog, &viewer),
        rows: Vec::new(),
        range: String::new(),
        newer: None,
        older: None,
        meant: None,
        is_partial: false,
        is_early: false,
        examples: examples(),
        asked,
    };
    if let Some(found) = found {
        page.take(&catalog, &viewer, &found);
    }
    Ok(Page(page))
}

impl SearchPage {
    fn take(&mut self, catalog: &Catalog, viewer: &Viewer, found: &Found) {
        let asked = &self.asked;
        self.tabs = tabs(asked, &found.counts);
        self.facets = facets(asked, catalog, viewer, &found.counts);
        self.rows = found.items.iter().map(|item| Row::new(catalog, viewer, item, &found.marker)).collect();
        let first = asked.offset() + 1;
        let last = asked.offset() + self.rows.len();
        self.range = format!("{first}–{last} of {}", shown::count(found.total, "result", "results"));
        self.newer = asked.turned(-1);
        self.older = asked.turned(1).filter(|_| last < found.total && self.rows.len() == PAGE);
        self.is_partial = found.fit == Fit::Some;
        self.is_early = found.is_early;
        if found.fit == Fit::Near && !found.corrected.is_empty() {
            self.meant = Some(corrected(asked, &found.corrected));
        }
    }

    /// Everything without the filters.
    fn cleared(&self) -> String {
        link::search_where(&[("q", &self.asked.q)])
    }

    /// Sorts of results that are there, apart from the one that is looked at.
    fn elsewhere(&self) -> impl Iterator<Item = &Tab> {
        self.tabs.iter().filter(|tab| !tab.current && tab.count != "0")
    }
}

/// The words that were taken for others, and the search for those.
fn corrected(asked: &Asked, words: &[(String, String)]) -> (String, String) {
    let text = Query::read(&asked.q).text;
    let better: Vec<&str> = text
        .split_whitespace()
        .map(|word| {
            let known = words.iter().find(|(written, _)| word.to_lowercase() == *written);
            known.map_or(word, |(_, meant)| meant)
        })
        .collect();
    let better = better.join(" ");
    let other = Asked { q: better.clone(), page: 0, ..asked.clone() };
    (better, other.link())
}

/// What a sort of results is called.
fn label(sort: Sort) -> &'static str {
    match sort {
        Sort::Entity => "Catalog",
        Sort::Api => "APIs",
        Sort::Docs => "Docs",
        Sort::Template => "Templates",
        Sort::Run => "Runs",
    }
}

fn tabs(asked: &Asked, counts: &Counts) -> Vec<Tab> {
    let all: usize = counts.sorts.iter().map(|(_, count)| count).sum();
    let tab = |label, sort: Option<Sort>, count| Tab {
        label,
        link: asked.with_sort(sort).link(),
        count: grouped(count),
        current: asked.sort() == sort,
    };
    let sorts = counts.sorts.iter().map(|(sort, count)| tab(label(*sort), Some(*sort), *count));
    std::iter::once(tab("Everything", None, all)).chain(sorts).collect()
}

fn facets(asked: &Asked, catalog: &Catalog, viewer: &Viewer, counts: &Counts) -> Vec<FacetList> {
    let list = |(facet, values): &(Facet, Vec<(String, usize)>)| {
        let current = asked.value(*facet);
        let item = |(value, count): &(String, usize)| {
            let is_current = value.eq_ignore_ascii_case(current);
            let other = if is_current { "" } else { value };
            FacetItem {
                label: value_label(*facet, value, catalog, viewer),
                link: asked.with(*facet, other).link(),
                count: grouped(*count),
                current: is_current,
            }
        };
        let mut items: Vec<FacetItem> = values.iter().take(MOST_VALUES).map(item).collect();
        let rest = values.iter().skip(MOST_VALUES).find(|(value, _)| value.eq_ignore_ascii_case(current));
        items.extend(rest.map(item));
        FacetList { title: address::title(*facet), open: !current.is_empty() || *facet <= Facet::Owner, items }
    };
    // One value that everything has narrows nothing.
    let lists = counts.facets.iter().map(list);
    lists.filter(|list| list.items.len() > 1 || list.items.iter().any(|item| item.current)).collect()
}

/// How a value of a facet is shown: an entity by its title.
fn value_label(facet: Facet, value: &str, catalog: &Catalog, viewer: &Viewer) -> String {
    match (facet, value) {
        (Facet::Owner, "me") => "me and my groups".to_owned(),
        (Facet::Owner | Facet::System, value) => {
            EntityLink::read(catalog, viewer, value).map_or_else(|| value.to_owned(), |link| link.name)
        }
        _ => value.to_owned(),
    }
}

fn examples() -> Vec<(&'static str, &'static str, String)> {
    let example = |typed, does| (typed, does, link::search_where(&[("q", typed)]));
    vec![
        example("kind:api", "of one kind; kind:api,resource for two"),
        example("owner:me", "what you and your groups own; owner:payments for others"),
        example("is:template", "also is:docs, is:run, is:mine"),
        example("lifecycle:production", "and system:, type:, tag:, namespace:"),
        example("-kind:location", "a minus leaves out"),
        example("\"change freeze\"", "words that follow each other"),
    ]
}
