//! The catalog's model, pure: references, entities, kinds, relations, validation.
//!
//! An [`Entity`] is a JSON object with Backstage's envelope (`apiVersion kind metadata spec relations status`)
//! that keeps every key it was given; the accessors name the parts that Greenroom reads. Nothing here does
//! I/O, knows SQL or HTTP.

mod format;
mod kind;
mod model;
mod reference;
mod schema;
mod validation;

pub(crate) use kind::{Edge, sort_references};
pub(crate) use model::Model;
pub(crate) use reference::{EntityRef, RefDefaults};
pub(crate) use schema::{kind_names, schema};
pub(crate) use validation::{ValidationError, check, check_envelope, edges};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where an entity was read from: `type:target`, as Backstage writes it.
pub(crate) const MANAGED_BY_LOCATION: &str = "backstage.io/managed-by-location";
/// The registered location that led to the entity.
pub(crate) const MANAGED_BY_ORIGIN_LOCATION: &str = "backstage.io/managed-by-origin-location";
/// The folder of the entity's source: `url:…/tree/main/`.
pub(crate) const SOURCE_LOCATION: &str = "backstage.io/source-location";
/// Where a person sees the descriptor.
pub(crate) const VIEW_URL: &str = "backstage.io/view-url";
/// The template an entity was made from, as an entity ref.
pub(crate) const SOURCE_TEMPLATE: &str = "backstage.io/source-template";
/// The version (commit or content hash) of that template.
pub(crate) const TEMPLATE_VERSION: &str = "backstage.io/template-version";
/// Where the documentation is: `dir:.` or `url:…`.
pub(crate) const TECHDOCS_REF: &str = "backstage.io/techdocs-ref";

/// One catalog entity: a JSON object that keeps all its keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Entity(pub(crate) Map<String, Value>);

/// One link of `metadata.links`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Link {
    /// Absolute URL.
    pub(crate) url: String,
    /// What to show instead of the URL.
    pub(crate) title: Option<String>,
    /// Icon name, as Backstage's apps define them.
    pub(crate) icon: Option<String>,
}

/// One relation as Backstage serialises it: `{type, targetRef}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Relation {
    /// `ownedBy`, `hasPart`, …
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Whole, lower-case reference of the other end.
    #[serde(rename = "targetRef")]
    pub(crate) target: String,
}

impl Entity {
    /// The string at a path of keys, e.g. `["spec", "type"]`.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path).and_then(Value::as_str)
    }

    /// The value at a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, key| value.get(key))
    }

    /// `kind` as written.
    pub(crate) fn kind(&self) -> &str {
        self.text(&["kind"]).unwrap_or_default()
    }

    /// `metadata.name` as written.
    pub(crate) fn name(&self) -> &str {
        self.text(&["metadata", "name"]).unwrap_or_default()
    }

    /// `metadata.namespace`, or `default`.
    pub(crate) fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"]).unwrap_or("default")
    }

    /// What to call it on a page: title, a profile's display name, or the name.
    pub(crate) fn title(&self) -> &str {
        self.text(&["metadata", "title"])
            .or_else(|| self.text(&["spec", "profile", "displayName"]))
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| self.name())
    }

    /// `metadata.description`.
    pub(crate) fn description(&self) -> Option<&str> {
        self.text(&["metadata", "description"])
    }

    /// One of `metadata.annotations`.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.text(&["metadata", "annotations", key])
    }

    /// `metadata.tags`.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.at(&["metadata", "tags"]).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// `metadata.links`; malformed ones are left out.
    pub(crate) fn links(&self) -> Vec<Link> {
        let links = self.at(&["metadata", "links"]).and_then(Value::as_array);
        links.into_iter().flatten().filter_map(|link| Link::deserialize(link).ok()).collect()
    }

    /// `relations`, in their order.
    pub(crate) fn relations(&self) -> Vec<Relation> {
        let relations = self.at(&["relations"]).and_then(Value::as_array);
        relations.into_iter().flatten().filter_map(|relation| Relation::deserialize(relation).ok()).collect()
    }

    /// The canonical reference.
    pub(crate) fn reference(&self) -> EntityRef {
        EntityRef::new(self.kind(), self.namespace(), self.name())
    }
}
