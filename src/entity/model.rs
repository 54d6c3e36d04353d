//! The model as a value: the built-in kinds, and those that `catalog.model` of the configuration adds.
//!
//! A declared kind has `apiVersion`s, a JSON Schema for its `spec`, and fields that are relations. Fields may also be
//! declared for a built-in kind, whose own rules stay as they are. Declarations are checked when the configuration is
//! read, so that a wrong one stops the start and not the reading of files.

use std::sync::Arc;

use jsonschema::{Draft, Validator};
use serde::Deserialize;
use serde_json::Value;

use super::kind::{Edge, Kind, target};
use super::{Entity, Relation, ValidationError};

/// Who reports errors of declared kinds.
const PROCESSOR: &str = "ModelProcessor";

/// The section `catalog.model`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Model {
    kinds: Vec<Arc<DeclaredKind>>,
}

/// One of `catalog.model.kinds`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "WrittenKind")]
struct DeclaredKind {
    kind: String,
    /// Empty when this only adds fields to a built-in kind.
    versions: Vec<String>,
    schema: Option<Validator>,
    /// The schema as it was written.
    written: Option<Value>,
    fields: Vec<DeclaredField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenKind {
    kind: String,
    #[serde(default)]
    api_versions: Vec<String>,
    schema: Option<Value>,
    #[serde(default)]
    relation_fields: Vec<DeclaredField>,
}

/// One of `relationFields`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeclaredField {
    /// `spec.owner`; lists on the way are gone through.
    path: FieldPath,
    /// What the entity shows: `ownedBy`.
    relation: String,
    /// What the other end shows: `ownerOf`.
    reverse: String,
    default_kind: Option<String>,
    /// The entity's own namespace without.
    default_namespace: Option<String>,
    /// Any kind without.
    allowed_kinds: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct FieldPath(Vec<String>);

impl TryFrom<String> for FieldPath {
    type Error = String;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        let steps: Vec<String> = written.split('.').map(str::to_owned).collect();
        let is_whole = steps.len() > 1 && steps[0] == "spec" && steps.iter().all(|step| !step.is_empty());
        is_whole.then_some(Self(steps)).ok_or_else(|| format!("\"{written}\" is no field of spec; write `spec.owner`"))
    }
}

impl TryFrom<WrittenKind> for DeclaredKind {
    type Error = String;

    fn try_from(written: WrittenKind) -> Result<Self, Self::Error> {
        let WrittenKind { kind, api_versions: versions, schema, relation_fields: fields } = written;
        let is_name = kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.len() <= 63
            && kind.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_name {
            return Err(format!("kind: \"{kind}\" is no kind; use at most 63 letters and digits, a letter first"));
        }
        if versions.is_empty() && !Kind::is_built_in(&kind, None) {
            return Err(format!("apiVersions: {kind} is no built-in kind, say which versions it is written with"));
        }
        if let Some(version) = versions.iter().find(|version| Kind::is_built_in(&kind, Some(version))) {
            return Err(format!("apiVersions: {kind} is built in with {version}; leave the version out to add fields"));
        }
        if versions.is_empty() && schema.is_some() {
            return Err(format!("schema: {kind} is a built-in kind, whose fields are checked already"));
        }
        let build = |schema: &Value| jsonschema::options().with_draft(Draft::Draft7).build(schema);
        let validator = schema.as_ref().map(build).transpose().map_err(|error| format!("schema: {error}"))?;
        Ok(Self { kind, versions, schema: validator, written: schema, fields })
    }
}

impl Model {
    /// The declared kind of an entity that no built-in kind fits.
    fn declared(&self, entity: &Entity) -> Option<&DeclaredKind> {
        let version = entity.text(&["apiVersion"])?;
        let fits = |kind: &&Arc<DeclaredKind>| {
            kind.kind == entity.kind() && kind.versions.iter().any(|known| known == version)
        };
        self.kinds.iter().find(fits).map(AsRef::as_ref)
    }

    /// The kinds that are not built in, each with its versions and the schema of its `spec`.
    pub(super) fn new_kinds(&self) -> impl Iterator<Item = (&str, &[String], Option<&Value>)> {
        let new = self.kinds.iter().filter(|kind| !kind.versions.is_empty());
        new.map(|kind| (&*kind.kind, &*kind.versions, kind.written.as_ref()))
    }

    /// Checks the `spec` of an entity of a declared kind, and tells its relations; none if the kind is not declared.
    pub(super) fn check_declared(&self, entity: &Entity) -> Option<Result<Vec<Edge>, ValidationError>> {
        let kind = self.declared(entity)?;
        let spec = entity.0.get("spec").unwrap_or(&Value::Null);
        if let Some(error) = kind.schema.as_ref().and_then(|schema| schema.iter_errors(spec).next()) {
            let pointer = format!("/spec{}", error.instance_path());
            let what =
                format!("Processor {PROCESSOR} threw an error while validating the entity {}", entity.reference());
            let error = ValidationError::new("TypeError", format!("{pointer} {error}")).at(pointer);
            return Some(Err(error.during(&what)));
        }
        Some(edges(entity, &kind.fields))
    }

    /// The relations from fields that are declared for the built-in kind of an entity.
    pub(super) fn additional(&self, entity: &Entity) -> Result<Vec<Edge>, ValidationError> {
        let adds = |kind: &&Arc<DeclaredKind>| kind.kind == entity.kind() && kind.versions.is_empty();
        let mut found = Vec::new();
        for kind in self.kinds.iter().filter(adds) {
            found.extend(edges(entity, &kind.fields)?);
        }
        Ok(found)
    }
}

fn edges(entity: &Entity, fields: &[DeclaredField]) -> Result<Vec<Edge>, ValidationError> {
    let own = entity.reference().to_string();
    let mut edges = Vec::new();
    for field in fields {
        let mut values = Vec::new();
        collect(&Value::Object(entity.0.clone()), &field.path.0, String::new(), &mut values);
        for (pointer, value) in values {
            let target = field.target(&value, entity.namespace()).map_err(|message| {
                let what = format!("Processor {PROCESSOR} threw an error while postprocessing");
                ValidationError::new("Error", message).at(pointer).during(&what)
            })?;
            let edge = |source: &str, kind: &str, target: &str| Edge {
                source: source.to_owned(),
                relation: Relation { kind: kind.to_owned(), target: target.to_owned() },
            };
            edges.push(edge(&own, &field.relation, &target));
            edges.push(edge(&target, &field.reverse, &own));
        }
    }
    Ok(edges)
}

impl DeclaredField {
    fn target(&self, value: &Value, namespace: &str) -> Result<String, String> {
        let Some(text) = value.as_str() else {
            return Err(format!("Entity reference {value} must be a string"));
        };
        let namespace = self.default_namespace.as_deref().unwrap_or(namespace);
        let found = target(text, self.default_kind.as_deref(), namespace)?;
        let kind = found.split(':').next().unwrap_or_default();
        match &self.allowed_kinds {
            Some(allowed) if !allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(kind)) => Err(format!(
                "Entity reference \"{text}\" is of kind {kind}, {} takes {}",
                self.path.0.join("."),
                allowed.join(", ")
            )),
            _ => Ok(found),
        }
    }
}

/// The values at a path with their pointers; depth is bounded by what documents may have.
fn collect(value: &Value, path: &[String], pointer: String, found: &mut Vec<(String, Value)>) {
    match (value, path.split_first()) {
        (Value::Array(items), _) => {
            for (at, item) in items.iter().enumerate() {
                collect(item, path, format!("{pointer}/{at}"), found);
            }
        }
        (Value::Null, _) => {}
        (value, None) => found.push((pointer, value.clone())),
        (value, Some((step, rest))) => {
            if let Some(inner) = value.get(step) {
                collect(inner, rest, format!("{pointer}/{}", super::validation::pointer_step(step)), found);
            }
        }
    }
}

#[cfg(test)]
mod tests;
