//! What stands beside and above the list: every filter with how many entities each of its values would leave.
//!
//! A value is counted with every other filter applied, so a number is what a click leads to.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, Counts};
use crate::web::pages::catalog::query::{Asked, Facet, Known};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;

/// Values of one facet that are listed; the chosen one always is.
const VALUES: usize = 12;

/// The states that can be asked for.
const STATES: [(&str, &str); 4] =
    [("starred", "Starred"), ("errors", "Has errors"), ("orphan", "Orphan"), ("lost", "Owner does not exist")];

pub(super) struct KindTab {
    pub(super) label: String,
    pub(super) count: usize,
    pub(super) link: String,
    pub(super) current: bool,
}

pub(super) struct FacetList {
    pub(super) title: &'static str,
    pub(super) items: Vec<FacetItem>,
    /// How many values are not listed.
    pub(super) more: usize,
    pub(super) open: bool,
}

pub(super) struct FacetItem {
    pub(super) label: String,
    pub(super) count: usize,
    pub(super) link: String,
    pub(super) current: bool,
}

/// The filters of one list.
pub(super) struct Facets<'a> {
    catalog: &'a Catalog,
    viewer: &'a Viewer,
    asked: &'a Asked,
    known: &'a Known,
    counts: Counts,
}

impl<'a> Facets<'a> {
    pub(super) fn new(catalog: &'a Catalog, viewer: &'a Viewer, asked: &'a Asked, known: &'a Known) -> Self {
        Self { catalog, viewer, asked, known, counts: catalog.counts(&viewer.credentials, &asked.q) }
    }

    /// How many entities have each value of a facet, with every other filter applied.
    fn values(&self, facet: Facet) -> Vec<(String, usize)> {
        self.counts.values(&self.asked.filter(Some(facet), self.known), facet.field())
    }

    /// How many entities there are with a filter set to a value.
    fn total(&self, facet: Facet, value: &str) -> usize {
        // The kind stays what it is, also where it was not asked for.
        let kind = self.asked.kind().unwrap_or("all").to_owned();
        self.counts.total(&Asked { kind, ..self.asked.with(facet, value) }.filter(None, self.known))
    }

    /// The kinds, in the order people look for them.
    pub(super) fn kinds(&self) -> Vec<KindTab> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (kind, count) in self.values(Facet::Kind) {
            *counts.entry(kind.to_lowercase()).or_default() += count;
        }
        let all = counts.values().sum();
        let current = self.asked.kind();
        if let Some(kind) = current {
            counts.entry(kind.to_owned()).or_default();
        }
        let tab = |(kind, count): (String, usize)| KindTab {
            label: shown::kind_plural(&kind),
            count,
            link: self.asked.with(Facet::Kind, &kind).link(),
            current: current == Some(kind.as_str()),
        };
        let mut kinds: Vec<(String, usize)> = counts.into_iter().collect();
        kinds.sort_by_key(|(kind, _)| rank(kind));
        // Locations have a page of their own; as entities they are only for the curious.
        kinds.retain(|(kind, _)| kind != "location" || current == Some("location"));
        let link = self.asked.with(Facet::Kind, "all").link();
        let everything = KindTab { label: "Everything".to_owned(), count: all, link, current: current.is_none() };
        kinds.into_iter().map(tab).chain([everything]).collect()
    }

    /// One filter; none where there is nothing to choose.
    pub(super) fn list(&self, facet: Facet) -> Option<FacetList> {
        if facet == Facet::State {
            return self.states();
        }
        let current = self.asked.value(facet);
        let mut counts = self.values(facet);
        if facet == Facet::Namespace && counts.len() < 2 && current.is_empty() {
            return None;
        }
        counts.sort_by(|(a_value, a), (b_value, b)| b.cmp(a).then_with(|| a_value.cmp(b_value)));
        let is_current = |value: &str| value.eq_ignore_ascii_case(current);
        let known = counts.len();
        let listed = counts.into_iter().enumerate().filter(|(index, (value, _))| *index < VALUES || is_current(value));
        let mut items: Vec<FacetItem> =
            listed.map(|(_, (value, count))| self.item(facet, &value, count, is_current(&value))).collect();
        let more = known - items.len();
        if facet == Facet::Owner {
            items.insert(0, self.item(facet, "me", self.total(facet, "me"), current == "me"));
            let nobodys = self.total(facet, "none");
            if nobodys > 0 || current == "none" {
                items.push(self.item(facet, "none", nobodys, current == "none"));
            }
        }
        let open = facet != Facet::Namespace || !current.is_empty();
        (!items.is_empty()).then_some(FacetList { title: facet.title(), items, more, open })
    }

    fn states(&self) -> Option<FacetList> {
        let current = &self.asked.state;
        let item = |(state, _): (&str, &str)| {
            let count = self.total(Facet::State, state);
            (count > 0 || current == state).then(|| self.item(Facet::State, state, count, current == state))
        };
        let items: Vec<FacetItem> = STATES.into_iter().filter_map(item).collect();
        (!items.is_empty()).then_some(FacetList { title: Facet::State.title(), items, more: 0, open: true })
    }

    fn item(&self, facet: Facet, value: &str, count: usize, current: bool) -> FacetItem {
        FacetItem {
            label: self.label(facet, value),
            count,
            // A second click takes the filter away.
            link: self.asked.with(facet, if current { "" } else { value }).link(),
            current,
        }
    }

    fn label(&self, facet: Facet, value: &str) -> String {
        let named = || EntityLink::read(self.catalog, self.viewer, value).map(|link| link.name);
        match (facet, value) {
            (Facet::Owner, "me") => "Me and my groups".to_owned(),
            (Facet::Owner, "none") => "Nobody".to_owned(),
            (Facet::Owner, _) if value.starts_with("under:") => {
                let owner = self.asked.under().map(|owner| EntityLink::find(self.catalog, self.viewer, &owner).name);
                owner.map_or_else(|| value.to_owned(), |name| format!("{name} and its groups"))
            }
            (Facet::Owner, value) => named().unwrap_or_else(|| value.to_owned()),
            (Facet::State, value) => STATES
                .iter()
                .find(|(state, _)| *state == value)
                .map_or_else(|| value.to_owned(), |(_, label)| (*label).to_owned()),
            _ => value.to_owned(),
        }
    }

    /// The filters that are set: label, and the address without.
    pub(super) fn chosen(&self) -> Vec<(String, String)> {
        let set = Facet::BESIDE.into_iter().filter(|facet| !self.asked.value(*facet).is_empty());
        let one = |facet: Facet| {
            let label = format!("{}: {}", facet.title(), self.label(facet, self.asked.value(facet)));
            (label, self.asked.with(facet, "").link())
        };
        let without_text = || Asked { q: String::new(), ..self.asked.whole() }.link();
        let text = (!self.asked.q.is_empty()).then(|| (format!("Text: {}", self.asked.q), without_text()));
        set.map(one).chain(text).collect()
    }
}

/// Kinds in the order people look for them.
fn rank(kind: &str) -> (usize, String) {
    const ORDER: [&str; 9] =
        ["component", "api", "resource", "system", "domain", "group", "user", "template", "location"];
    (ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len()), kind.to_owned())
}
