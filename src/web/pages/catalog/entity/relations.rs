//! The relations of an entity, grouped and named for people.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::entity::Entity;
use crate::web::pages::shown::{self, EntityLink};
use crate::web::session::Viewer;

/// Entities beyond this are counted, not listed.
const LISTED: usize = 60;

/// One group of relations.
pub(super) struct RelationGroup {
    pub(super) title: String,
    pub(super) links: Vec<EntityLink>,
    pub(super) total: usize,
}

impl RelationGroup {
    /// How many are not listed.
    pub(super) fn more(&self) -> usize {
        self.total - self.links.len()
    }
}

/// Relations in the order people ask for them; what stands in the About card is left out, and parts and possessions
/// are told apart by kind.
pub(super) fn grouped(catalog: &Catalog, viewer: &Viewer, entity: &Entity) -> Vec<RelationGroup> {
    let mut groups: BTreeMap<(usize, String), Vec<EntityLink>> = BTreeMap::new();
    for relation in entity.relations() {
        if matches!(relation.kind.as_str(), "ownedBy" | "partOf" | "childOf") {
            continue;
        }
        let Some(link) = EntityLink::read(catalog, viewer, &relation.target) else { continue };
        let (rank, mut title) = named(&relation.kind);
        if matches!(relation.kind.as_str(), "hasPart" | "ownerOf") {
            title = format!("{title} {}", lower_plural(&link.kind));
        }
        groups.entry((rank, title)).or_default().push(link);
    }
    groups
        .into_iter()
        .map(|((_, title), mut links)| {
            links.sort();
            links.dedup();
            let total = links.len();
            links.truncate(LISTED);
            RelationGroup { title, links, total }
        })
        .collect()
}

fn lower_plural(kind: &str) -> String {
    if kind == "api" { "APIs".to_owned() } else { shown::kind_plural(kind).to_lowercase() }
}

/// What a relation is called.
pub(super) fn words(kind: &str) -> String {
    named(kind).1
}

fn named(kind: &str) -> (usize, String) {
    const NAMES: [(&str, &str); 13] = [
        ("hasPart", "Has"),
        ("hasMember", "Members"),
        ("parentOf", "Sub-groups"),
        ("memberOf", "Member of"),
        ("providesApi", "Provides"),
        ("consumesApi", "Consumes"),
        ("apiProvidedBy", "Provided by"),
        ("apiConsumedBy", "Consumed by"),
        ("dependsOn", "Depends on"),
        ("dependencyOf", "Needed by"),
        ("ownerOf", "Owns"),
        ("partOf", "Part of"),
        ("hasAnnotation", "Annotated by"),
    ];
    let known = NAMES.iter().position(|(name, _)| *name == kind);
    known.map_or_else(|| (NAMES.len(), kind.to_owned()), |rank| (rank, NAMES[rank].1.to_owned()))
}
