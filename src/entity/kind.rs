//! The kinds of entities, as data: which versions, which fields of `spec`, which of them are relations to what.
//!
//! The tables are Backstage's model (`@backstage/catalog-model` 1.10). A new kind is a new row; nothing else in
//! Greenroom knows the kinds by name but pages that show one in its own way.

mod table;

use serde_json::Value;

use super::{Entity, EntityRef, Relation, ValidationError};
use table::KINDS;

/// One kind, with everything that validation and relations need.
#[derive(Debug)]
pub(crate) struct Kind {
    /// `Component`, …; matched with its case.
    pub(crate) name: &'static str,
    /// The `apiVersion`s it is accepted with.
    pub(super) versions: &'static [&'static str],
    /// When the table is only for one `spec.type`.
    pub(super) spec_type: Option<&'static str>,
    /// Who reports its errors, as Backstage names it.
    pub(super) processor: &'static str,
    /// Fields of `spec` whose form is checked.
    pub(super) fields: &'static [Field],
    /// Fields of `spec` that are references to other entities.
    pub(super) relations: &'static [RelationField],
}

/// A checked field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// What a field's value must look like.
#[derive(Debug)]
pub(super) enum Shape {
    /// A text that is not empty.
    Text,
    /// A text, maybe empty.
    AnyText,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// Text or boolean: a condition.
    Condition,
    /// A list of what follows.
    List(&'static Shape),
    /// An object with these fields, and others.
    Object(&'static [Field]),
    /// An object or a list of objects.
    ObjectOrList,
}

/// A field of `spec` that refers to other entities.
#[derive(Debug)]
pub(super) struct RelationField {
    pub(super) field: &'static str,
    /// Kind of a reference that names none.
    pub(super) default_kind: Option<&'static str>,
    pub(super) forward: &'static str,
    pub(super) reverse: &'static str,
}

pub(super) const fn needs(name: &'static str, shape: Shape) -> Field {
    Field { name, required: true, shape }
}

pub(super) const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, required: false, shape }
}

const fn relation(
    field: &'static str,
    default_kind: Option<&'static str>,
    (forward, reverse): (&'static str, &'static str),
) -> RelationField {
    RelationField { field, default_kind, forward, reverse }
}

/// Lists that are kept in order, so that rewriting them in another order changes nothing.
const SORTED: &[&str] =
    &["providesApis", "consumesApis", "dependsOn", "dependencyOf", "memberOf", "children", "members"];

/// One directed relation that an entity's own text states: of itself, or of the other end towards it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Edge {
    /// Canonical reference of the entity that shows the relation.
    pub(crate) source: String,
    /// What it shows.
    pub(crate) relation: Relation,
}

impl Kind {
    /// The kind of an entity, if it is known with that `apiVersion`.
    pub(crate) fn of(entity: &Entity) -> Option<&'static Self> {
        let version = entity.text(&["apiVersion"])?;
        let spec_type = entity.text(&["spec", "type"]);
        KINDS.iter().find(|kind| {
            let fits_type = kind.spec_type.is_none() || kind.spec_type == spec_type;
            kind.name == entity.kind() && kind.versions.contains(&version) && fits_type
        })
    }

    /// The whole table.
    pub(super) fn all() -> &'static [Self] {
        KINDS
    }

    /// Whether the table has a kind, with one version or with any.
    pub(super) fn is_built_in(name: &str, version: Option<&str>) -> bool {
        KINDS.iter().any(|kind| kind.name == name && version.is_none_or(|version| kind.versions.contains(&version)))
    }

    /// What an entity of this kind states about itself and others, in the order of the table.
    pub(super) fn edges(&self, entity: &Entity) -> Result<Vec<Edge>, ValidationError> {
        let own = entity.reference().to_string();
        let mut edges = Vec::new();
        for field in self.relations {
            for target in references(entity, field)? {
                let edge = |source: &str, kind: &str, target: &str| Edge {
                    source: source.to_owned(),
                    relation: Relation { kind: kind.to_owned(), target: target.to_owned() },
                };
                edges.push(edge(&own, field.forward, &target));
                edges.push(edge(&target, field.reverse, &own));
            }
        }
        Ok(edges)
    }

    /// The names of all kinds, once each.
    #[cfg(test)]
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        let is_first =
            |(at, kind): &(usize, &Kind)| KINDS.iter().position(|other| other.name == kind.name) == Some(*at);
        KINDS.iter().enumerate().filter(is_first).map(|(_, kind)| kind.name)
    }
}

/// The canonical references in one field.
fn references(entity: &Entity, field: &RelationField) -> Result<Vec<String>, ValidationError> {
    let one = |value: &Value| {
        let Some(text) = value.as_str() else {
            return Err(format!("Entity reference {value} must be a string"));
        };
        target(text, field.default_kind, entity.namespace())
    };
    let found: Result<Vec<String>, String> = match entity.at(&["spec", field.field]) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(one).collect(),
        Some(value) => one(value).map(|reference| vec![reference]),
    };
    found.map_err(|message| ValidationError::new("Error", message).at(format!("/spec/{}", field.field)))
}

/// Completes a reference as Backstage's `parseEntityRef` does, which takes more than [`EntityRef::parse`]: in
/// `a:b:c` the name is `b:c`.
pub(super) fn target(text: &str, default_kind: Option<&str>, default_namespace: &str) -> Result<String, String> {
    let slash = text.find('/');
    let colon = text.find(':').filter(|colon| slash.is_none_or(|slash| *colon < slash));
    let kind = colon.map(|colon| &text[..colon]).or(default_kind).unwrap_or_default();
    let after_kind = colon.map_or(0, |colon| colon + 1);
    let namespace = slash.map_or(default_namespace, |slash| &text[after_kind..slash]);
    let name = &text[slash.map_or(after_kind, |slash| slash + 1)..];
    let missing =
        |part: &str, hint: &str| Err(format!("Entity reference \"{text}\" had missing or empty {part} {hint}"));
    if kind.is_empty() {
        return missing("kind", "(e.g. did not start with \"component:\" or similar)");
    }
    if namespace.is_empty() {
        return missing("namespace", "(e.g. did not contain \"/\" or similar)");
    }
    if name.is_empty() {
        return missing("name", "(e.g. was empty or ended with \"/\")");
    }
    Ok(EntityRef::new(kind, namespace, name).to_string())
}

/// Puts the lists whose order means nothing into one order, as Backstage stores them.
pub(crate) fn sort_references(entity: &mut Entity) {
    let Some(Value::Object(spec)) = entity.0.get_mut("spec") else {
        return;
    };
    for field in SORTED {
        if let Some(Value::Array(items)) = spec.get_mut(*field)
            && items.iter().all(Value::is_string)
        {
            // UTF-16 code units in JavaScript; they differ from this only beyond the basic plane.
            items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entity(value: Value) -> Entity {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn relations_come_in_pairs_with_defaults() {
        let component = entity(json!({
            "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "A", "namespace": "Web"},
            "spec": {"type": "t", "lifecycle": "l", "owner": "team", "system": "default/s", "providesApis": ["x"],
                     "dependsOn": ["resource:db"], "dependencyOf": "Component:other/B", "subcomponentOf": "big"}
        }));
        let edges = Kind::of(&component).unwrap().edges(&component).unwrap();
        let shown: Vec<String> = edges
            .iter()
            .map(|edge| format!("{} {} {}", edge.source, edge.relation.kind, edge.relation.target))
            .collect();
        assert_eq!(
            shown,
            [
                "component:web/a ownedBy group:web/team",
                "group:web/team ownerOf component:web/a",
                "component:web/a partOf component:web/big",
                "component:web/big hasPart component:web/a",
                "component:web/a providesApi api:web/x",
                "api:web/x apiProvidedBy component:web/a",
                "component:web/a dependsOn resource:web/db",
                "resource:web/db dependencyOf component:web/a",
                "component:web/a dependencyOf component:other/b",
                "component:other/b dependsOn component:web/a",
                "component:web/a partOf system:default/s",
                "system:default/s hasPart component:web/a",
            ]
        );
    }

    #[test]
    fn references_are_completed_as_backstage_completes_them() {
        let cases = [
            ("noKind", None, Err("missing or empty kind")),
            ("a:b:c", Some("Group"), Ok("a:ns/b:c")),
            ("a/b:c", Some("Group"), Ok("group:a/b:c")),
            ("User:X", Some("Group"), Ok("user:ns/x")),
            (":x", Some("Group"), Err("missing or empty kind")),
            ("k:/x", Some("Group"), Err("missing or empty namespace")),
            ("k:n/", None, Err("missing or empty name")),
        ];
        for (text, kind, expected) in cases {
            match (target(text, kind, "ns"), expected) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted),
                (Err(found), Err(part)) => assert!(found.contains(part), "{text}: {found}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn kinds_are_found_by_version_and_type() {
        let check = |version: &str, kind: &str, spec_type: &str| {
            let value =
                json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": {"type": spec_type}});
            Kind::of(&entity(value)).map(|kind| (kind.name, kind.spec_type))
        };
        assert_eq!(check("backstage.io/v1beta1", "Component", "x"), Some(("Component", None)));
        assert_eq!(check("backstage.io/v1alpha1", "component", "x"), None);
        assert_eq!(check("example.com/v1", "Component", "x"), None);
        assert_eq!(check("backstage.io/v1alpha1", "API", "mcp-server"), Some(("API", Some("mcp-server"))));
        assert_eq!(check("backstage.io/v1alpha1", "AiResource", "other"), Some(("AiResource", None)));
        assert_eq!(Kind::names().filter(|name| *name == "API").count(), 1);
    }

    #[test]
    fn lists_of_references_are_sorted() {
        let mut group = entity(json!({"spec": {"children": ["b", "B", "a"], "members": ["b", 1], "tags": ["z", "y"]}}));
        sort_references(&mut group);
        assert_eq!(
            group,
            entity(json!({"spec": {"children": ["B", "a", "b"], "members": ["b", 1], "tags": ["z", "y"]}}))
        );
    }
}
