//! What the address of a search asks for, and the addresses of searches that ask for a little more or less.

use serde::Deserialize;

use super::value_label;
use crate::catalog::Catalog;
use crate::search::{self, Facet, Filter, Query, Sort};
use crate::web::session::Viewer;
use crate::web::url as link;

/// Results on a page.
pub(super) const PAGE: usize = 20;
/// The last page that is shown: nobody looks so far.
const LAST: usize = 50;

/// The parameters of the address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Asked {
    /// What was typed; filters may be in it.
    #[serde(default)]
    pub(super) q: String,
    /// The sort of results: `catalog`, `api`, `docs`, `template`, `run`.
    #[serde(default, rename = "type")]
    pub(super) sort: String,
    #[serde(default)]
    pub(super) kind: String,
    /// `spec.type`
    #[serde(default)]
    pub(super) spec: String,
    #[serde(default)]
    pub(super) owner: String,
    #[serde(default)]
    pub(super) lifecycle: String,
    #[serde(default)]
    pub(super) system: String,
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) tag: String,
    /// From 1; 0 is the first, too.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) page: usize,
}

/// A page that is no number is the first one.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    Ok(String::deserialize(deserializer)?.parse().unwrap_or_default())
}

/// What a facet is called.
pub(super) fn title(facet: Facet) -> &'static str {
    match facet {
        Facet::Kind => "Kind",
        Facet::Type => "Type",
        Facet::Owner => "Owner",
        Facet::Lifecycle => "Lifecycle",
        Facet::System => "System",
        Facet::Namespace => "Namespace",
        Facet::Tag => "Tag",
    }
}

impl Asked {
    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.q.trim().is_empty() && self.sort.is_empty() && Facet::ALL.iter().all(|facet| self.value(*facet).is_empty())
    }

    /// The sort of results that is looked at; none for all.
    pub(super) fn sort(&self) -> Option<Sort> {
        Sort::named(&self.sort)
    }

    /// The value of a filter; empty for none.
    pub(super) fn value(&self, facet: Facet) -> &str {
        match facet {
            Facet::Kind => &self.kind,
            Facet::Type => &self.spec,
            Facet::Owner => &self.owner,
            Facet::Lifecycle => &self.lifecycle,
            Facet::System => &self.system,
            Facet::Namespace => &self.namespace,
            Facet::Tag => &self.tag,
        }
    }

    /// The same with one filter set, or taken away with an empty value; from the first page on.
    pub(super) fn with(&self, facet: Facet, value: &str) -> Self {
        let mut other = Self { page: 0, ..self.clone() };
        let place = match facet {
            Facet::Kind => &mut other.kind,
            Facet::Type => &mut other.spec,
            Facet::Owner => &mut other.owner,
            Facet::Lifecycle => &mut other.lifecycle,
            Facet::System => &mut other.system,
            Facet::Namespace => &mut other.namespace,
            Facet::Tag => &mut other.tag,
        };
        value.clone_into(place);
        other
    }

    /// The same for another sort of results.
    pub(super) fn with_sort(&self, sort: Option<Sort>) -> Self {
        Self { sort: sort.map_or("", Sort::name).to_owned(), page: 0, ..self.clone() }
    }

    /// What is to be searched for.
    pub(super) fn wanted(&self) -> search::Asked {
        let mut query = Query::read(&self.q);
        for facet in Facet::ALL {
            let value = self.value(facet);
            if !value.is_empty() {
                query = query.and(Filter::any(facet, vec![value.to_owned()]));
            }
        }
        if let Some(sort) = self.sort() {
            query = query.and(Filter::sorts(&[sort]));
        }
        search::Asked { offset: self.offset(), is_counted: true, ..search::Asked::first(query, PAGE) }
    }

    /// Results before the first one of the page.
    pub(super) fn offset(&self) -> usize {
        (self.page.clamp(1, LAST) - 1) * PAGE
    }

    /// Some pages further, if there is such a page.
    pub(super) fn turned(&self, by: isize) -> Option<String> {
        let page = self.page.clamp(1, LAST).checked_add_signed(by).filter(|page| (1..=LAST).contains(page))?;
        Some(Self { page: if page == 1 { 0 } else { page }, ..self.clone() }.link())
    }

    /// The address.
    pub(super) fn link(&self) -> String {
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let mut pairs = vec![("q", self.q.as_str())];
        pairs.extend(self.kept());
        pairs.push(("page", &page));
        link::search_where(&pairs)
    }

    /// The filters, as parameters; some are empty.
    pub(super) fn kept(&self) -> Vec<(&'static str, &str)> {
        let name = |facet: Facet| if facet == Facet::Type { "spec" } else { facet.name() };
        let facets = Facet::ALL.into_iter().map(|facet| (name(facet), self.value(facet)));
        std::iter::once(("type", self.sort.as_str())).chain(facets).collect()
    }

    /// Filters that are set, each with the search without.
    pub(super) fn chosen(&self, catalog: &Catalog, viewer: &Viewer) -> Vec<(String, String)> {
        let chosen = |facet: Facet| {
            let value = Some(self.value(facet)).filter(|value| !value.is_empty())?;
            let label = format!("{}: {}", title(facet), value_label(facet, value, catalog, viewer));
            Some((label, self.with(facet, "").link()))
        };
        Facet::ALL.into_iter().filter_map(chosen).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_is_asked() {
        let asked = Asked { q: "pay ment".to_owned(), page: 3, ..Asked::default() };
        assert_eq!(asked.link(), "/search?q=pay%20ment&page=3");
        assert_eq!((asked.offset(), asked.turned(-1).unwrap().as_str()), (40, "/search?q=pay%20ment&page=2"));
        let narrowed = asked.with(Facet::Kind, "API").with_sort(Some(Sort::Api));
        assert_eq!(narrowed.link(), "/search?q=pay%20ment&type=api&kind=API");
        assert_eq!(narrowed.with(Facet::Kind, "").with_sort(None).link(), "/search?q=pay%20ment");
        assert!(Asked::default().is_empty() && Asked::default().turned(-1).is_none());
        assert_eq!(Asked { page: 9999, ..Asked::default() }.turned(1), None);
    }
}
