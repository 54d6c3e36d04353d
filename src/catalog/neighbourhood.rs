//! Who is around an entity: relations followed step by step, the nearest first, within limits.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{Catalog, Index, Record};
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
        Walker { index: &self.index(), walk, numbers: HashMap::new(), found: Neighbourhood::default() }.from(starts)
    }
}

struct Walker<'a> {
    index: &'a Index,
    walk: &'a Walk,
    numbers: HashMap<EntityRef, usize>,
    found: Neighbourhood,
}

impl Walker<'_> {
    fn from(mut self, starts: &[EntityRef]) -> Neighbourhood {
        let mut next = VecDeque::new();
        for start in starts {
            if let Some(number) = self.meet(start.clone(), 0, None) {
                next.push_back(number);
            }
        }
        while let Some(number) = next.pop_front() {
            let Neighbour { distance, record, .. } = &self.found.met[number];
            let (distance, Some(record)) = (*distance, record.clone()) else { continue };
            for (relation, target) in self.shown(&record) {
                let known = self.numbers.get(&target).copied();
                let to = match known {
                    Some(to) => to,
                    None if distance >= self.walk.depth || !self.is_wanted(&target) => continue,
                    None => match self.meet(target, distance + 1, Some(number)) {
                        Some(to) => {
                            next.push_back(to);
                            to
                        }
                        None => continue,
                    },
                };
                if self.found.links.len() < LINKS {
                    self.found.links.push(Link { from: number, to, relation });
                } else {
                    self.found.is_cut = true;
                }
            }
        }
        self.found
    }

    /// Gives somebody a number; none where the limit is reached.
    fn meet(&mut self, reference: EntityRef, distance: usize, through: Option<usize>) -> Option<usize> {
        if let Some(known) = self.numbers.get(&reference) {
            return Some(*known);
        }
        if self.found.met.len() >= self.walk.limit {
            self.found.is_cut = true;
            return None;
        }
        let record = self.index.get(&reference).cloned();
        self.numbers.insert(reference.clone(), self.found.met.len());
        self.found.met.push(Neighbour { reference, record, distance, through });
        Some(self.found.met.len() - 1)
    }

    fn is_wanted(&self, reference: &EntityRef) -> bool {
        self.walk.kinds.is_empty() || self.walk.kinds.iter().any(|kind| kind == reference.kind())
    }

    /// The relations of an entity that are followed. Those to the last ones met are told, too: a link to somebody who is
    /// met later is found from there.
    fn shown(&self, record: &Record) -> Vec<(Arc<str>, EntityRef)> {
        let relations = record.relations().into_iter();
        let wanted =
            relations.filter(|relation| self.walk.relations.is_empty() || self.walk.relations.contains(&relation.kind));
        wanted.filter_map(|relation| Some((relation.kind.into(), relation.target.parse().ok()?))).collect()
    }
}
