//! What the address of the list asks for, and the addresses of lists that ask for a little more or less.

use serde::Deserialize;

use crate::catalog::{Direction, EntityFilter, Order, STATUS_LEVEL};
use crate::entity::EntityRef;
use crate::web::url as link;

/// The parameters of the list's address. Everything empty is the list of components.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Asked {
    /// Lower case; `all` for every kind.
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) q: String,
    #[serde(default, rename = "type")]
    pub(super) kind_of: String,
    /// A reference, `me` for what the viewer owns, `none` for what nobody owns, `under:` and a reference for what is owned
    /// through it too.
    #[serde(default)]
    pub(super) owner: String,
    #[serde(default)]
    pub(super) lifecycle: String,
    #[serde(default)]
    pub(super) tag: String,
    #[serde(default)]
    pub(super) namespace: String,
    /// `errors`, `orphan`, `starred` or `lost`: with an owner that is not in the catalog.
    #[serde(default)]
    pub(super) state: String,
    /// The columns beside the name; the usual ones without.
    #[serde(default, rename = "column")]
    pub(super) columns: Vec<String>,
    /// A column, with a minus for the other direction.
    #[serde(default)]
    pub(super) sort: String,
    #[serde(default)]
    pub(super) cursor: String,
}

/// What stands before an owner whose groups are meant too.
const UNDER: &str = "under:";

/// A dimension that can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Facet {
    Kind,
    Type,
    Owner,
    Lifecycle,
    Tag,
    Namespace,
    State,
}

/// What a filter needs to know of whoever looks, and of the catalog.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// What they own by.
    pub(super) ownership: Vec<EntityRef>,
    /// What they starred.
    pub(super) starred: Vec<EntityRef>,
    /// Owners that the catalog does not have.
    pub(super) lost: Vec<String>,
    /// For `owner=under:…`: the owner and those it owns through.
    pub(super) under: Vec<EntityRef>,
}

impl Facet {
    /// Those that stand beside the list; kinds stand above it.
    pub(super) const BESIDE: [Self; 6] =
        [Self::Type, Self::Owner, Self::Lifecycle, Self::State, Self::Tag, Self::Namespace];

    /// The parameter's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Type => "type",
            Self::Owner => "owner",
            Self::Lifecycle => "lifecycle",
            Self::Tag => "tag",
            Self::Namespace => "namespace",
            Self::State => "state",
        }
    }

    /// What it is called.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Kind => "Kind",
            Self::Type => "Type",
            Self::Owner => "Owner",
            Self::Lifecycle => "Lifecycle",
            Self::Tag => "Tag",
            Self::Namespace => "Namespace",
            Self::State => "State",
        }
    }

    /// The path of the field; of a state that is the one for errors.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Type => "spec.type",
            Self::Owner => "relations.ownedby",
            Self::Lifecycle => "spec.lifecycle",
            Self::Tag => "metadata.tags",
            Self::Namespace => "metadata.namespace",
            Self::State => STATUS_LEVEL,
        }
    }
}

impl Asked {
    /// The kind whose list this is; none for every kind. A search looks everywhere unless told otherwise.
    pub(super) fn kind(&self) -> Option<&str> {
        match self.kind.as_str() {
            "" if [&self.q, &self.owner, &self.tag, &self.state].iter().all(|text| text.is_empty()) => {
                Some("component")
            }
            "" | "all" => None,
            kind => Some(kind),
        }
    }

    /// The value of a filter; empty for none.
    pub(super) fn value(&self, facet: Facet) -> &str {
        match facet {
            Facet::Kind => &self.kind,
            Facet::Type => &self.kind_of,
            Facet::Owner => &self.owner,
            Facet::Lifecycle => &self.lifecycle,
            Facet::Tag => &self.tag,
            Facet::Namespace => &self.namespace,
            Facet::State => &self.state,
        }
    }

    /// The same with one filter set, or taken away with an empty value; from the first page on.
    pub(super) fn with(&self, facet: Facet, value: &str) -> Self {
        let mut other = Self { cursor: String::new(), ..self.clone() };
        let place = match facet {
            Facet::Kind => &mut other.kind,
            Facet::Type => &mut other.kind_of,
            Facet::Owner => &mut other.owner,
            Facet::Lifecycle => &mut other.lifecycle,
            Facet::Tag => &mut other.tag,
            Facet::Namespace => &mut other.namespace,
            Facet::State => &mut other.state,
        };
        value.clone_into(place);
        if facet == Facet::Kind {
            // A type or lifecycle of one kind means nothing to another.
            other.kind_of.clear();
            other.lifecycle.clear();
        }
        other
    }

    /// Which entities are meant; `except` leaves one filter out, so that its other values can be counted.
    pub(super) fn filter(&self, except: Option<Facet>, known: &Known) -> EntityFilter {
        let mut parts = Vec::new();
        if let Some(kind) = self.kind().filter(|_| except != Some(Facet::Kind)) {
            parts.push(EntityFilter::is("kind", kind));
        }
        for facet in Facet::BESIDE.into_iter().filter(|facet| except != Some(*facet)) {
            match (facet, self.value(facet)) {
                (_, "") => {}
                (Facet::Owner, "me") => {
                    let owners = known.ownership.iter().map(ToString::to_string).collect();
                    parts.push(EntityFilter::In(facet.field().to_owned(), owners));
                }
                (Facet::Owner, value) if value.starts_with(UNDER) => {
                    let owners = known.under.iter().map(ToString::to_string).collect();
                    parts.push(EntityFilter::In(facet.field().to_owned(), owners));
                }
                (Facet::Owner, "none") => {
                    parts.push(EntityFilter::Not(Box::new(EntityFilter::Exists(facet.field().to_owned()))));
                }
                (Facet::State, state) => parts.push(in_state(state, known)),
                (_, value) => parts.push(EntityFilter::is(facet.field(), value)),
            }
        }
        EntityFilter::All(parts)
    }

    /// The order: by the chosen column, then by name.
    pub(super) fn order(&self) -> Vec<Order> {
        let (column, order) = match self.sort.strip_prefix('-') {
            Some(column) => (column, Direction::Desc),
            None => (self.sort.as_str(), Direction::Asc),
        };
        let by = |field: &str, order| Order { field: field.to_owned(), order };
        match column {
            "type" => vec![by(Facet::Type.field(), order), by("metadata.name", Direction::Asc)],
            "owner" => vec![by(Facet::Owner.field(), order), by("metadata.name", Direction::Asc)],
            "lifecycle" => vec![by(Facet::Lifecycle.field(), order), by("metadata.name", Direction::Asc)],
            "namespace" => vec![by(Facet::Namespace.field(), order), by("metadata.name", Direction::Asc)],
            "system" => vec![by("spec.system", order), by("metadata.name", Direction::Asc)],
            _ => vec![by("metadata.name", order)],
        }
    }

    /// The same list ordered by a column; a second click turns it round.
    pub(super) fn sorted_by(&self, column: &str) -> Self {
        let ascending = self.sort == column || (column == "name" && self.sort.is_empty());
        let sort = if ascending { format!("-{column}") } else { column.to_owned() };
        Self { sort, cursor: String::new(), ..self.clone() }
    }

    /// `ascending` or `descending` for the column that orders the list.
    pub(super) fn direction(&self, column: &str) -> Option<&'static str> {
        if self.sort == column || (column == "name" && self.sort.is_empty()) {
            return Some("ascending");
        }
        (self.sort.strip_prefix('-') == Some(column)).then_some("descending")
    }

    /// The address.
    pub(super) fn link(&self) -> String {
        let pairs = self.pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        link::catalog_where(&pairs)
    }

    /// The parameters that are set.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let filters =
            [Facet::Kind].into_iter().chain(Facet::BESIDE).map(|facet| (facet.name(), self.value(facet).to_owned()));
        let rest = [("q", self.q.clone()), ("sort", self.sort.clone()), ("cursor", self.cursor.clone())];
        let columns = self.columns.iter().map(|column| ("column", column.clone()));
        filters.chain(rest).chain(columns).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The owner whose groups are meant too.
    pub(super) fn under(&self) -> Option<EntityRef> {
        self.owner.strip_prefix(UNDER)?.parse().ok()
    }

    /// The same list without a page of it.
    pub(super) fn whole(&self) -> Self {
        Self { cursor: String::new(), ..self.clone() }
    }
}

/// The entities in a state; of a state that nobody knows there are none.
fn in_state(state: &str, known: &Known) -> EntityFilter {
    match state {
        "errors" => EntityFilter::Exists(STATUS_LEVEL.to_owned()),
        "orphan" => EntityFilter::is("metadata.annotations.backstage.io/orphan", "true"),
        "lost" => EntityFilter::In(Facet::Owner.field().to_owned(), known.lost.clone()),
        "starred" => EntityFilter::Any(known.starred.iter().map(EntityFilter::entity).collect()),
        _ => EntityFilter::Any(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_differs_from_the_plain_list() {
        let plain = Asked::default();
        assert_eq!(plain.link(), "/catalog");
        assert_eq!(plain.kind(), Some("component"));
        let filtered = plain.with(Facet::Type, "service").with(Facet::Owner, "group:default/payments");
        assert_eq!(filtered.link(), "/catalog?type=service&owner=group:default/payments");
        assert_eq!(filtered.with(Facet::Kind, "api").link(), "/catalog?kind=api&owner=group:default/payments");
        assert_eq!(filtered.sorted_by("name").link(), "/catalog?type=service&owner=group:default/payments&sort=-name");
        assert_eq!(filtered.sorted_by("name").sorted_by("name").sort, "name");
        assert_eq!(Asked { q: "pay".to_owned(), ..plain.clone() }.kind(), None);
        let chosen = Asked { columns: vec!["type".to_owned(), "tags".to_owned()], ..plain.clone() };
        assert_eq!(chosen.link(), "/catalog?column=type&column=tags");
        let broken = plain.with(Facet::State, "errors");
        assert_eq!((broken.kind(), broken.link()), (None, "/catalog?state=errors".to_owned()));
    }
}
