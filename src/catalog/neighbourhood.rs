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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{Fixture, component};

    const CHAIN: &str = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team}\nspec: {type: team, children: []}\n---\n";

    async fn chain() -> Fixture {
        let files: String = (0..5)
            .map(|number| component(&format!("c{number}"), &format!("  dependsOn: [component:c{}]\n", number + 1)))
            .collect();
        Fixture::with_files(&[("chain.yaml", &files), ("team.yaml", CHAIN)]).await
    }

    fn names(found: &Neighbourhood) -> Vec<(String, usize)> {
        found.met.iter().map(|met| (met.reference.to_string(), met.distance)).collect()
    }

    #[tokio::test]
    async fn relations_are_followed_nearest_first_and_end_where_nothing_is() {
        let fixture = chain().await;
        let start = ["component:default/c3".parse().unwrap()];
        let walk = |depth, relations: &[&str]| Walk {
            depth,
            limit: 100,
            kinds: Vec::new(),
            relations: relations.iter().map(ToString::to_string).collect(),
        };
        let found = fixture.catalog.neighbourhood(&fixture.who, &start, &walk(9, &["dependsOn"]));
        let expected = [("component:default/c3", 0), ("component:default/c4", 1), ("component:default/c5", 2)];
        assert_eq!(names(&found), expected.map(|(name, distance)| (name.to_owned(), distance)));
        assert!(found.met[2].record.is_none(), "c5 is only referred to");
        assert_eq!(found.met[2].through, Some(1));
        assert_eq!(found.links.len(), 2);
        assert!(!found.is_cut);

        let found = fixture.catalog.neighbourhood(&fixture.who, &start, &walk(1, &["dependencyOf", "dependsOn"]));
        assert_eq!(found.met.len(), 3, "{:?}", names(&found));
        // c4 shows its own relation to c3.
        assert_eq!(found.links.len(), 4);
    }

    #[tokio::test]
    async fn kinds_and_limits_are_kept() {
        let fixture = chain().await;
        let start = ["group:default/team".parse().unwrap()];
        let walk = Walk { depth: 3, limit: 3, ..Walk::default() };
        let found = fixture.catalog.neighbourhood(&fixture.who, &start, &walk);
        assert_eq!(found.met.len(), 3);
        assert!(found.is_cut);
        let walk = Walk { depth: 3, limit: 50, kinds: vec!["group".to_owned()], ..Walk::default() };
        let found = fixture.catalog.neighbourhood(&fixture.who, &start, &walk);
        assert_eq!(names(&found), [("group:default/team".to_owned(), 0)]);
        assert!(!found.is_cut);
        let nobody = fixture.catalog.neighbourhood(&fixture.who, &["api:default/none".parse().unwrap()], &walk);
        assert!(nobody.met[0].record.is_none() && nobody.links.is_empty());
    }
}
