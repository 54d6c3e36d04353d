//! What a graph's address asks for: Backstage's parameters and our short ones.

use super::picture::Towards;
use crate::catalog::Walk;
use crate::entity::{EntityRef, RefDefaults};
use crate::web::pages::shown;
use crate::web::url as link;

/// Entities that are drawn; more is no picture.
const LIMIT: usize = 300;
/// Steps that "all" means.
const ALL: usize = 20;
/// Places to start from.
const STARTS: usize = 20;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) roots: Vec<EntityRef>,
    pub(super) depth: usize,
    /// None chosen means all.
    pub(super) kinds: Vec<String>,
    /// The same.
    pub(super) relations: Vec<String>,
    /// Only away from the start: Backstage's `unidirectional`.
    pub(super) is_forward: bool,
    /// One line for a relation and its way back: Backstage's `mergeRelations`.
    pub(super) merges: bool,
    pub(super) direction: Towards,
    pub(super) limit: usize,
}

impl Asked {
    /// Reads an address. Each parameter has Backstage's name (`selectedKinds[]`) and a short one (`kind`).
    pub(super) fn read(pairs: &[(String, String)]) -> Result<Self, String> {
        let mut asked = Self {
            roots: Vec::new(),
            depth: 1,
            kinds: Vec::new(),
            relations: Vec::new(),
            is_forward: true,
            merges: true,
            direction: Towards::Right,
            limit: LIMIT,
        };
        for (name, value) in pairs.iter().filter(|(_, value)| !value.trim().is_empty()) {
            let value = value.trim();
            match name.split('[').next().unwrap_or_default() {
                "rootEntityRefs" | "root" => asked.add_roots(value)?,
                "maxDepth" | "depth" => asked.depth = value.parse().unwrap_or(ALL).clamp(1, ALL),
                "selectedKinds" | "kind" => asked.kinds.push(value.to_lowercase()),
                "selectedRelations" | "relation" => asked.relations.push(value.to_owned()),
                "unidirectional" => asked.is_forward = value == "true",
                "mergeRelations" | "merge" => asked.merges = value == "true",
                "limit" => asked.limit = value.parse().unwrap_or(LIMIT).clamp(1, LIMIT),
                "direction" => {
                    asked.direction = Towards::read(value)
                        .ok_or_else(|| format!("direction is one of LR, RL, TB and BT, not {value}"))?;
                }
                _ => {}
            }
        }
        Ok(asked)
    }

    /// A box may hold several references.
    fn add_roots(&mut self, value: &str) -> Result<(), String> {
        for text in value.split([',', ' ']).filter(|text| !text.is_empty()) {
            let defaults = RefDefaults { kind: Some("component"), namespace: None };
            let root = EntityRef::parse(text, defaults).map_err(|error| {
                format!("`{text}` is no reference of an entity ({error}); write it as kind:namespace/name")
            })?;
            if !self.roots.contains(&root) && self.roots.len() < STARTS {
                self.roots.push(root);
            }
        }
        Ok(())
    }

    /// How the catalog walks for it. A relation is followed both ways, whichever of its names was chosen.
    pub(super) fn walk(&self) -> Walk {
        let mut relations = self.relations.clone();
        for (one, other) in super::PAIRS {
            if relations.iter().any(|name| name == one || name == other) {
                relations.extend([one.to_owned(), other.to_owned()]);
            }
        }
        Walk { depth: self.depth, limit: self.limit, kinds: self.kinds.clone(), relations }
    }

    /// The same graph around another entity.
    pub(super) fn from(&self, reference: &EntityRef) -> String {
        self.address(std::slice::from_ref(reference), self.depth)
    }

    /// The same graph one step further, or less far.
    pub(super) fn deeper(&self, depth: usize) -> String {
        self.address(&self.roots, depth)
    }

    fn address(&self, roots: &[EntityRef], depth: usize) -> String {
        let mut pairs: Vec<(&str, String)> = roots.iter().map(|root| ("root", root.to_string())).collect();
        pairs.push(("depth", depth.to_string()));
        pairs.extend(self.kinds.iter().map(|kind| ("kind", kind.clone())));
        pairs.extend(self.relations.iter().map(|relation| ("relation", relation.clone())));
        if !self.is_forward {
            pairs.push(("unidirectional", "false".to_owned()));
        }
        if !self.merges {
            pairs.push(("merge", "false".to_owned()));
        }
        if self.direction != Towards::Right {
            pairs.push(("direction", self.direction.name().to_owned()));
        }
        link::graph_where(&pairs)
    }

    /// Whether something is chosen that the form folds away.
    pub(super) fn is_special(&self) -> bool {
        !self.kinds.is_empty() || !self.relations.is_empty() || !self.merges || !self.is_forward
    }

    /// The starts as they stand in the box.
    pub(super) fn roots_text(&self) -> String {
        self.roots.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// `2 steps`
    pub(super) fn steps(&self) -> String {
        steps(self.depth)
    }

    /// Depths to choose from: number and name.
    pub(super) fn depths(&self) -> Vec<(usize, String)> {
        let mut depths: Vec<(usize, String)> = (1..=6).map(|depth| (depth, depth.to_string())).collect();
        if self.depth > 6 && self.depth < ALL {
            depths.push((self.depth, self.depth.to_string()));
        }
        depths.push((ALL, "all".to_owned()));
        depths
    }
}

/// `2 steps`
pub(super) fn steps(count: usize) -> String {
    shown::count(count, "step", "steps")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Asked, String> {
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>();
        Asked::read(&pairs)
    }

    #[test]
    fn backstages_parameters_and_ours_ask_the_same() {
        let theirs = "rootEntityRefs%5B%5D=component:default/a&maxDepth=2&selectedKinds%5B%5D=API&selectedRelations%5B%5D=ownedBy\
                      &unidirectional=false&mergeRelations=false&direction=TB&showFilters=true&curve=curveMonotoneX";
        let ours = "root=component:a&depth=2&kind=api&relation=ownedBy&unidirectional=false&merge=false&direction=TB";
        assert_eq!(read(theirs), read(ours));
        let asked = read(ours).unwrap();
        assert_eq!(asked.walk().relations, ["ownedBy", "ownerOf", "ownedBy"]);
        assert_eq!(read(asked.deeper(2).split('?').nth(1).unwrap()).unwrap(), asked, "an address asks for itself");
        assert_eq!(read("root=a&maxDepth=%E2%88%9E").unwrap().depth, ALL);
        assert_eq!(read("root=a,%20group:b").unwrap().roots_text(), "component:default/a, group:default/b");
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        assert!(read("root=a:b:c").unwrap_err().contains("a:b:c"));
        assert!(read("direction=up").unwrap_err().contains("LR, RL"));
    }
}
