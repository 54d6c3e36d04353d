//! Who is around an entity: relations followed step by step, the nearest first, within limits.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::graph::Graph;
use super::{Catalog, Record};
use crate::entity::EntityRef;
use crate::permission::Credentials;

/// Relations that are given, however many there are.
const LINKS: usize = 4000;

/// How far to go, and along what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Walk {
    /// Steps from the nearest start.
    pub(crate) depth: usize,
    /// Entities that are met at most; the starts count.
    pub(crate) limit: usize,
    /// Kinds that are met, in lower case; all where there are none. Starts are always there.
    pub(crate) kinds: Vec<String>,
    /// Relations that are followed, as the entity behind shows them; all where there are none.
    pub(crate) relations: Vec<String>,
}

/// What a walk met.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbourhood {
    /// The starts, then whoever was met, the nearest first.
    pub(crate) met: Vec<Neighbour>,
    /// Relations between them, each as the first of the two shows it.
    pub(crate) links: Vec<Link>,
    /// Whether there is more within the given steps.
    pub(crate) is_cut: bool,
}

/// One entity, or the name of one that does not exist.
#[derive(Debug, Clone)]
pub(crate) struct Neighbour {
    /// Its canonical reference.
    pub(crate) reference: EntityRef,
    /// None where something refers to what the catalog does not have.
    pub(crate) record: Option<Arc<Record>>,
    /// Steps from the nearest start.
    pub(crate) distance: usize,
    /// The one it was met from; none of a start.
    pub(crate) through: Option<usize>,
}

/// A relation between two that were met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Who shows it, by number.
    pub(crate) from: usize,
    /// The other end, by number.
    pub(crate) to: usize,
    /// What it is called there.
    pub(crate) relation: Arc<str>,
}

impl Catalog {
    /// Walks from some entities along their relations. What the catalog does not have is met, and not walked from.
    pub(crate) fn neighbourhood(&self, _who: &Credentials, starts: &[EntityRef], walk: &Walk) -> Neighbourhood {
        let index = self.index();
        let walker = Walker { graph: index.graph(), walk, numbers: HashMap::new(), found: Neighbourhood::default() };
        walker.from(starts)
    }
}

struct Walker<'a> {
    graph: &'a Graph,
    walk: &'a Walk,
    /// The numbers here of nodes of the graph.
    numbers: HashMap<u32, usize>,
    found: Neighbourhood,
}

impl Walker<'_> {
    fn from(mut self, starts: &[EntityRef]) -> Neighbourhood {
        let mut next = VecDeque::new();
        for start in starts {
            match self.graph.find(start.as_str()) {
                Some(node) if self.numbers.contains_key(&node) => {}
                Some(node) => next.extend(self.meet(node, start.clone(), 0, None).map(|number| (node, number))),
                None if self.found.met.iter().any(|met| met.reference == *start) => {}
                // Nobody refers to it either.
                None => _ = self.push(start.clone(), None, 0, None),
            }
        }
        while let Some((node, number)) = next.pop_front() {
            let Neighbour { distance, record, .. } = &self.found.met[number];
            let (distance, true) = (*distance, record.is_some()) else { continue };
            for (relation, target) in self.graph.ends(node) {
                if !self.is_followed(relation) {
                    continue;
                }
                let to = if let Some(to) = self.numbers.get(&target) {
                    *to
                } else {
                    let Ok(reference) = self.graph.node(target).reference.parse::<EntityRef>() else { continue };
                    if distance >= self.walk.depth || !self.is_wanted(&reference) {
                        continue;
                    }
                    let Some(to) = self.meet(target, reference, distance + 1, Some(number)) else { continue };
                    next.push_back((target, to));
                    to
                };
                if self.found.links.len() < LINKS {
                    self.found.links.push(Link { from: number, to, relation: Arc::clone(relation) });
                } else {
                    self.found.is_cut = true;
                }
            }
        }
        self.found
    }

    /// Gives a node of the graph that was not met yet a number; none where the limit is reached.
    fn meet(&mut self, node: u32, reference: EntityRef, distance: usize, through: Option<usize>) -> Option<usize> {
        let record = self.graph.record(node).cloned();
        let number = self.push(reference, record, distance, through)?;
        self.numbers.insert(node, number);
        Some(number)
    }

    fn push(
        &mut self,
        reference: EntityRef,
        record: Option<Arc<Record>>,
        distance: usize,
        through: Option<usize>,
    ) -> Option<usize> {
        if self.found.met.len() >= self.walk.limit {
            self.found.is_cut = true;
            return None;
        }
        self.found.met.push(Neighbour { reference, record, distance, through });
        Some(self.found.met.len() - 1)
    }

    fn is_wanted(&self, reference: &EntityRef) -> bool {
        self.walk.kinds.is_empty() || self.walk.kinds.iter().any(|kind| kind == reference.kind())
    }

    /// Whether a relation is followed. One to the last ones met is told, too: a link to somebody who is met later is
    /// found from there.
    fn is_followed(&self, relation: &str) -> bool {
        self.walk.relations.is_empty() || self.walk.relations.iter().any(|wanted| wanted == relation)
    }
}
