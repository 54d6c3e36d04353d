//! Manifests: YAML documents as objects, in the order in which they can be applied.
//!
//! A `List` counts as its items. What others need comes first: namespaces, definitions of kinds, accounts and rights,
//! configuration, storage, then what runs; the order is Helm's
//! (<https://github.com/helm/helm/blob/main/pkg/release/v1/util/kind_sorter.go>). Within a kind the written order stays.

use serde_json::Value;

use crate::yaml::{self, Position};

/// Objects of one call.
pub(crate) const MAX_OBJECTS: usize = 1_000;

/// One object as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    /// `chart/namespace.yaml`
    pub(crate) file: String,
    /// Where the document begins.
    pub(crate) line: u32,
    /// The whole object.
    pub(crate) object: Value,
}

/// Why a manifest is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {message}", position.line, position.column)]
pub(crate) struct ManifestError {
    /// The file.
    pub(crate) file: String,
    /// Where in it.
    pub(crate) position: Position,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

/// What comes before what; a kind that is not here comes last, before none.
const ORDER: [&str; 35] = [
    "PriorityClass",
    "Namespace",
    "CustomResourceDefinition",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "AppProject",
    "Application",
    "ApplicationSet",
];

impl Manifest {
    /// `apps/v1`
    pub(crate) fn api_version(&self) -> &str {
        self.object.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
    }

    /// `Deployment`
    pub(crate) fn kind(&self) -> &str {
        self.object.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The namespace that is written.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.object.pointer("/metadata/namespace").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// An object that was not read from a file.
    pub(crate) fn made(object: Value) -> Self {
        Self { file: String::new(), line: 0, object }
    }

    /// Its class in the order of applying.
    pub(super) fn class(&self) -> usize {
        ORDER.iter().position(|kind| *kind == self.kind()).unwrap_or(ORDER.len())
    }
}

/// The objects of a file. Empty documents are none.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let wrong = |position, message: String| ManifestError { file: file.to_owned(), position, message };
    let mut manifests = Vec::new();
    for document in yaml::documents(text) {
        let document = document.map_err(|error| wrong(error.position, error.message))?;
        if document.value.is_null() {
            continue;
        }
        let start = document.positions.value("").unwrap_or(Position::START);
        let is_list = document.value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        let objects = match document.value.get("items") {
            Some(Value::Array(items)) if is_list => items.clone(),
            _ => vec![document.value],
        };
        for object in objects {
            let manifest = Manifest { file: file.to_owned(), line: start.line, object };
            let missing = [
                ("apiVersion", manifest.api_version().is_empty()),
                ("kind", manifest.kind().is_empty()),
                ("metadata.name", manifest.name().is_empty()),
            ];
            if let Some((key, _)) = missing.iter().find(|(_, missing)| *missing) {
                let message = if *key == "metadata.name" && manifest.object.pointer("/metadata/generateName").is_some()
                {
                    "an object with `generateName` would be made anew each time; give it a `name`".to_owned()
                } else {
                    format!("the document is no Kubernetes object: `{key}` is missing")
                };
                return Err(wrong(start, message));
            }
            manifests.push(manifest);
            if manifests.len() > MAX_OBJECTS {
                return Err(wrong(start, format!("more than {MAX_OBJECTS} objects; split them over several steps")));
            }
        }
    }
    Ok(manifests)
}

/// Sorts into the order of applying.
pub(crate) fn sort(manifests: &mut [Manifest]) {
    manifests.sort_by_key(Manifest::class);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_lists_and_order() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Namespace, metadata: {name: pay}}\n  - {apiVersion: v1, kind: Secret, metadata: {name: s, namespace: pay}}\n";
        let mut manifests = read("all.yaml", text).unwrap();
        sort(&mut manifests);
        let kinds: Vec<&str> = manifests.iter().map(Manifest::kind).collect();
        assert_eq!(kinds, ["Namespace", "Secret", "Deployment"]);
        assert_eq!(manifests[1].namespace(), Some("pay"));
    }

    #[test]
    fn what_is_no_object_is_told_with_its_place() {
        for (text, told) in [
            (
                "kind: A\nmetadata: {name: a}\n",
                "f.yaml:1:1: the document is no Kubernetes object: `apiVersion` is missing",
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n",
                "f.yaml:1:1: an object with `generateName` would be made anew each time; give it a `name`",
            ),
            ("just text", "f.yaml:1:1: the document is no Kubernetes object: `apiVersion` is missing"),
        ] {
            assert_eq!(read("f.yaml", text).unwrap_err().to_string(), told);
        }
        assert!(read("f.yaml", "a: [").unwrap_err().to_string().starts_with("f.yaml:"));
    }
}
