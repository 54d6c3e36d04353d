//! What somebody owns: by themselves, and through the groups below them (of a group) or around them (of a person).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::{Catalog, Direction, EntityFilter, EntityQuery, Order, Record, STATUS_LEVEL};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// Groups of a tree that are looked at.
const MOST_GROUPS: usize = 2_000;
/// Entities without an owner that are looked at for being neighbours.
const MOST_UNOWNED: usize = 1_000;
/// Neighbours that are told of.
const MOST_NEIGHBOURS: usize = 50;
const OWNED_BY: &str = "relations.ownedby";

/// What somebody owns.
#[derive(Debug)]
pub(crate) struct Estate {
    /// The owner, then those it owns through; the nearest first.
    pub(crate) through: Vec<EntityRef>,
    /// By kind.
    pub(crate) kinds: Vec<KindCount>,
    /// What nobody owns, or somebody who is gone, though it hangs together with what is owned here.
    pub(crate) neighbours: Vec<Neighbour>,
}

/// How much of a kind is owned, and in which state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KindCount {
    /// Lower case.
    pub(crate) kind: String,
    /// By the owner alone.
    pub(crate) directly: usize,
    /// By the owner and those it owns through.
    pub(crate) in_all: usize,
    /// Of all: those with `spec.lifecycle: deprecated`.
    pub(crate) deprecated: usize,
    /// Of all: those with errors.
    pub(crate) broken: usize,
}

/// Something that nobody owns, and why it is told of here.
#[derive(Debug, Clone)]
pub(crate) struct Neighbour {
    /// The entity.
    pub(crate) record: Arc<Record>,
    /// The relation of the owned one to it.
    pub(crate) relation: String,
    /// The owned one.
    pub(crate) of: EntityRef,
}

impl Estate {
    pub(super) fn of(catalog: &Catalog, who: &Credentials, owner: &Record) -> Self {
        let through = under(catalog, who, &owner.reference);
        let directly = owned_by(std::slice::from_ref(&owner.reference));
        let all = owned_by(&through);
        let counts = catalog.counts(who, "");
        let mut kinds: BTreeMap<String, KindCount> = BTreeMap::new();
        let mut count = |filter: EntityFilter, place: fn(&mut KindCount) -> &mut usize| {
            for (kind, number) in counts.values(&filter, "kind") {
                let kind = kind.to_lowercase();
                let entry = kinds.entry(kind.clone()).or_insert_with(|| KindCount { kind, ..KindCount::default() });
                *place(entry) += number;
            }
        };
        count(directly, |entry| &mut entry.directly);
        count(all.clone(), |entry| &mut entry.in_all);
        let deprecated = EntityFilter::is("spec.lifecycle", "deprecated");
        count(all.clone().and(deprecated), |entry| &mut entry.deprecated);
        count(all.and(EntityFilter::Exists(STATUS_LEVEL.to_owned())), |entry| &mut entry.broken);
        Self { neighbours: neighbours(catalog, who, &through), kinds: kinds.into_values().collect(), through }
    }
}

/// The owner and those it owns through: the groups below a group, the groups of a person.
pub(super) fn under(catalog: &Catalog, who: &Credentials, owner: &EntityRef) -> Vec<EntityRef> {
    let relation = if owner.kind() == "user" { "memberOf" } else { "parentOf" };
    let mut found = vec![owner.clone()];
    let mut seen: BTreeSet<EntityRef> = BTreeSet::from([owner.clone()]);
    let mut next = 0;
    // A person's groups are their own; a group's are those at any depth.
    let end = |found: &[EntityRef]| if owner.kind() == "user" { 1 } else { found.len() };
    while next < end(&found) && found.len() < MOST_GROUPS {
        let relations = catalog.entity(who, &found[next]).map(|record| record.relations()).unwrap_or_default();
        next += 1;
        for target in relations.into_iter().filter(|one| one.kind == relation).map(|one| one.target) {
            if let Ok(group) = target.parse::<EntityRef>()
                && seen.insert(group.clone())
            {
                found.push(group);
            }
        }
    }
    found
}

fn owned_by(owners: &[EntityRef]) -> EntityFilter {
    EntityFilter::In(OWNED_BY.to_owned(), owners.iter().map(ToString::to_string).collect())
}

/// What nobody owns, or an owner that is gone, and is related to what is owned by some.
fn neighbours(catalog: &Catalog, who: &Credentials, owners: &[EntityRef]) -> Vec<Neighbour> {
    let kinds = ["component", "api", "resource", "system", "domain"].map(str::to_owned).into();
    let query = EntityQuery {
        filter: EntityFilter::All(vec![
            EntityFilter::In("kind".to_owned(), kinds),
            EntityFilter::Any(vec![
                EntityFilter::Not(Box::new(EntityFilter::Exists(OWNED_BY.to_owned()))),
                EntityFilter::In(OWNED_BY.to_owned(), catalog.lost_owners(who)),
            ]),
        ]),
        order: vec![Order { field: "metadata.name".to_owned(), order: Direction::Asc }],
        keep_missing: true,
        limit: Some(MOST_UNOWNED),
        ..EntityQuery::default()
    };
    let owners: BTreeSet<&str> = owners.iter().map(EntityRef::as_str).collect();
    let is_owned = |record: &Record| {
        record.relations().iter().any(|relation| relation.kind == "ownedBy" && owners.contains(&*relation.target))
    };
    let neighbour = |record: Arc<Record>| {
        let (relation, of) = record.relations().into_iter().find_map(|relation| {
            let target = catalog.entity(who, &relation.target.parse().ok()?)?;
            is_owned(&target).then(|| (relation.kind.clone(), target.reference.clone()))
        })?;
        Some(Neighbour { record, relation, of })
    };
    let unowned = catalog.query(who, &query).items;
    unowned.into_iter().filter_map(neighbour).take(MOST_NEIGHBOURS).collect()
}
