//! The columns of the list: which are shown, what stands above them and in them.

use crate::catalog::Catalog;
use crate::entity::Entity;
use crate::web::pages::catalog::lifecycle_of;
use crate::web::pages::catalog::query::{Asked, Facet};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;

/// Tags of one entity that are shown.
const TAGS: usize = 3;

/// A column beside the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Kind,
    Type,
    Owner,
    Lifecycle,
    System,
    Namespace,
    Tags,
}

/// What stands above a column.
pub(super) struct Heading {
    pub(super) label: &'static str,
    /// Puts the list in its order, where that can be.
    pub(super) link: Option<String>,
    pub(super) direction: Option<&'static str>,
    /// Whether there is little room for it on a phone.
    pub(super) is_spare: bool,
}

/// What stands in a column of a row.
pub(super) enum Cell {
    Text(String),
    Entity(Option<EntityLink>),
    Lifecycle(Option<String>),
    Tags(Vec<(String, String)>),
}

impl Column {
    pub(super) const ALL: [Self; 7] =
        [Self::Kind, Self::Type, Self::Owner, Self::Lifecycle, Self::System, Self::Namespace, Self::Tags];
    const USUAL: [Self; 4] = [Self::Type, Self::Owner, Self::Lifecycle, Self::Tags];

    /// Those that the address names, in our order; names of none are passed over.
    pub(super) fn chosen(names: &[String]) -> Vec<Self> {
        let chosen: Vec<Self> =
            Self::ALL.into_iter().filter(|column| names.iter().any(|name| name == column.name())).collect();
        if chosen.is_empty() { Self::USUAL.into() } else { chosen }
    }

    /// As addresses name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Type => "type",
            Self::Owner => "owner",
            Self::Lifecycle => "lifecycle",
            Self::System => "system",
            Self::Namespace => "namespace",
            Self::Tags => "tags",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Kind => "Kind",
            Self::Type => "Type",
            Self::Owner => "Owner",
            Self::Lifecycle => "Lifecycle",
            Self::System => "System",
            Self::Namespace => "Namespace",
            Self::Tags => "Tags",
        }
    }
}

impl Heading {
    /// Of the name, then of the columns.
    pub(super) fn of(columns: &[Column], asked: &Asked) -> Vec<Self> {
        let sorted = |name, label| Self {
            label,
            link: Some(asked.sorted_by(name).link()),
            direction: asked.direction(name),
            is_spare: false,
        };
        let heading = |column: &Column| match column {
            Column::Tags => Self { label: column.label(), link: None, direction: None, is_spare: true },
            column => sorted(column.name(), column.label()),
        };
        std::iter::once(sorted("name", "Name")).chain(columns.iter().map(heading)).collect()
    }
}

impl Cell {
    pub(super) fn new(column: Column, catalog: &Catalog, viewer: &Viewer, asked: &Asked, entity: &Entity) -> Self {
        let tag = |tag: &str| (tag.to_owned(), asked.with(Facet::Tag, tag).link());
        match column {
            Column::Kind => Self::Text(shown::kind_name(&entity.kind().to_lowercase())),
            Column::Type => Self::Text(entity.text(&["spec", "type"]).unwrap_or_default().to_owned()),
            Column::Namespace => Self::Text(entity.namespace().to_owned()),
            Column::Owner => Self::Entity(shown::owner(catalog, viewer, entity)),
            Column::System => Self::Entity(shown::system(catalog, viewer, entity)),
            Column::Lifecycle => Self::Lifecycle(lifecycle_of(entity)),
            Column::Tags => Self::Tags(entity.tags().take(TAGS).map(tag).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_the_address_or_the_usual_ones() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(Column::chosen(&[]), Column::USUAL);
        assert_eq!(Column::chosen(&names(&["tags", "kind", "nonsense"])), [Column::Kind, Column::Tags]);
        assert_eq!(Column::chosen(&names(&["nonsense"])), Column::USUAL);
    }
}
