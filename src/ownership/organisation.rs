//! The tree of groups: who is below whom, with how many members and possessions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::catalog::{Catalog, EntityFilter, EntityQuery, Record};
use crate::permission::Credentials;

/// Groups that are shown.
const MOST: usize = 3_000;

/// All groups of the catalog.
#[derive(Debug)]
pub(crate) struct Organisation {
    /// Every group under its parent: an order in which the tree can be written line by line.
    pub(crate) groups: Vec<GroupNode>,
    /// How many groups are left out.
    pub(crate) more: usize,
    /// People that are in no group.
    pub(crate) loose: usize,
    /// Components, APIs, resources, systems and domains that nobody owns.
    pub(crate) unowned: usize,
    /// Entities whose owner is not in the catalog.
    pub(crate) lost: usize,
}

/// A group in the tree.
#[derive(Debug, Clone)]
pub(crate) struct GroupNode {
    /// The group.
    pub(crate) record: Arc<Record>,
    /// How many groups are above it.
    pub(crate) depth: usize,
    /// People in it.
    pub(crate) members: usize,
    /// What it owns by itself.
    pub(crate) owned: usize,
    /// What is owned below it, itself included.
    pub(crate) owned_in_all: usize,
}

impl Organisation {
    pub(super) fn of(catalog: &Catalog, who: &Credentials) -> Self {
        let is = |kind: &str| EntityFilter::is("kind", kind);
        let query = EntityQuery { filter: is("group"), ..EntityQuery::default() };
        let mut found = catalog.query(who, &query).items;
        found.sort_by(|a, b| a.title.cmp(&b.title).then_with(|| a.reference.cmp(&b.reference)));
        let counts = catalog.counts(who, "");
        let by_value = |filter: &EntityFilter, field: &str| -> HashMap<String, usize> {
            counts.values(filter, field).into_iter().collect()
        };
        let owned = by_value(&EntityFilter::default(), "relations.ownedby");
        let members = by_value(&is("user"), "relations.memberof");
        let memberless = is("user").and(EntityFilter::Not(Box::new(EntityFilter::Exists("relations.memberof".into()))));
        let kinds = ["component", "api", "resource", "system", "domain"].map(str::to_owned).into();
        let unowned = EntityFilter::In("kind".to_owned(), kinds)
            .and(EntityFilter::Not(Box::new(EntityFilter::Exists("relations.ownedby".into()))));
        let lost = EntityFilter::In("relations.ownedby".to_owned(), catalog.lost_owners(who));
        let tree = Tree { owned: &owned, members: &members, below: below(&found), by_ref: by_ref(&found) };
        let mut groups = tree.lines(&found);
        let more = groups.len().saturating_sub(MOST);
        groups.truncate(MOST);
        Self {
            groups,
            more,
            loose: counts.total(&memberless),
            unowned: counts.total(&unowned),
            lost: counts.total(&lost),
        }
    }
}

fn by_ref(found: &[Arc<Record>]) -> HashMap<&str, &Arc<Record>> {
    found.iter().map(|record| (record.reference.as_str(), record)).collect()
}

/// The groups below each group, by reference.
fn below(found: &[Arc<Record>]) -> BTreeMap<String, Vec<String>> {
    let mut below: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in found {
        for relation in record.relations().into_iter().filter(|relation| relation.kind == "childOf") {
            below.entry(relation.target.clone()).or_default().push(record.reference.to_string());
        }
    }
    below
}

struct Tree<'a> {
    owned: &'a HashMap<String, usize>,
    members: &'a HashMap<String, usize>,
    below: BTreeMap<String, Vec<String>>,
    by_ref: HashMap<&'a str, &'a Arc<Record>>,
}

impl Tree<'_> {
    /// From the roots down. Groups in a circle have no root: the first of them by name stands for one.
    fn lines(&self, found: &[Arc<Record>]) -> Vec<GroupNode> {
        let children: BTreeSet<&str> = self
            .below
            .iter()
            .filter(|(parent, _)| self.by_ref.contains_key(parent.as_str()))
            .flat_map(|(_, all)| all.iter().map(String::as_str))
            .collect();
        let (roots, others): (Vec<&Arc<Record>>, Vec<_>) =
            found.iter().partition(|record| !children.contains(record.reference.as_str()));
        let mut lines = Vec::with_capacity(found.len());
        let mut seen = BTreeSet::new();
        for root in roots.into_iter().chain(others) {
            self.add(root, 0, &mut lines, &mut seen);
        }
        lines
    }

    /// Adds a group and what is below it; gives what they own.
    fn add(
        &self,
        record: &Arc<Record>,
        depth: usize,
        lines: &mut Vec<GroupNode>,
        seen: &mut BTreeSet<String>,
    ) -> usize {
        let reference = record.reference.as_str();
        if depth > 100 || !seen.insert(reference.to_owned()) {
            return 0;
        }
        let owned = self.owned.get(reference).copied().unwrap_or_default();
        let place = lines.len();
        let members = self.members.get(reference).copied().unwrap_or_default();
        lines.push(GroupNode { record: Arc::clone(record), depth, members, owned, owned_in_all: owned });
        let children =
            self.below.get(reference).into_iter().flatten().filter_map(|child| self.by_ref.get(child.as_str()));
        let below: usize = children.map(|child| self.add(child, depth + 1, lines, seen)).sum();
        lines[place].owned_in_all = owned + below;
        owned + below
    }
}
