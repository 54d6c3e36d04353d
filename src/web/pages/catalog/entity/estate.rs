//! What a group or a person owns, for their page.

use crate::catalog::Record;
use crate::ownership::{Estate, KindCount, Neighbour, Ownership};
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;
use crate::web::url as link;

/// The card.
pub(super) struct EstateCard {
    pub(super) rows: Vec<KindRow>,
    /// Whether anything is owned through others.
    pub(super) has_others: bool,
    /// `With 3 groups`, or what it is called for a person.
    pub(super) others: String,
    pub(super) neighbours: Vec<NeighbourLine>,
}

/// What is owned of a kind: how many, and the list of them.
pub(super) struct KindRow {
    pub(super) kind: String,
    pub(super) label: String,
    pub(super) directly: (usize, String),
    pub(super) in_all: (usize, String),
    pub(super) deprecated: (usize, String),
    pub(super) broken: (usize, String),
}

pub(super) struct NeighbourLine {
    pub(super) entity: EntityLink,
    pub(super) relation: String,
    pub(super) of: EntityLink,
}

impl EstateCard {
    /// Of a group or a user; none of anything else.
    pub(super) fn load(ownership: &Ownership, viewer: &Viewer, record: &Record) -> Option<Self> {
        if !matches!(record.reference.kind(), "group" | "user") {
            return None;
        }
        let Estate { through, kinds, neighbours } = ownership.estate(&viewer.credentials, record);
        let others = shown::count(through.len() - 1, "group", "groups");
        Some(Self {
            rows: kinds.iter().map(|count| KindRow::new(record, count)).collect(),
            has_others: through.len() > 1,
            others: if record.reference.kind() == "user" {
                format!("Through {others}")
            } else {
                format!("With {others}")
            },
            neighbours: neighbours.iter().map(NeighbourLine::new).collect(),
        })
    }
}

impl KindRow {
    fn new(record: &Record, count: &KindCount) -> Self {
        let (owner, under) = (record.reference.to_string(), format!("under:{}", record.reference));
        let list = |owner: &str, more: &[(&str, &str)]| {
            let pairs: Vec<(&str, &str)> =
                [("kind", &*count.kind), ("owner", owner)].into_iter().chain(more.iter().copied()).collect();
            link::catalog_where(&pairs)
        };
        Self {
            label: shown::kind_plural(&count.kind),
            directly: (count.directly, list(&owner, &[])),
            in_all: (count.in_all, list(&under, &[])),
            deprecated: (count.deprecated, list(&under, &[("lifecycle", "deprecated")])),
            broken: (count.broken, list(&under, &[("state", "errors")])),
            kind: count.kind.clone(),
        }
    }
}

impl NeighbourLine {
    fn new(neighbour: &Neighbour) -> Self {
        let words = super::relations::words(&neighbour.relation);
        Self {
            entity: EntityLink::titled(&neighbour.record.reference, &*neighbour.record.title),
            relation: words.to_lowercase(),
            of: EntityLink::titled(&neighbour.of, neighbour.of.name()),
        }
    }
}
