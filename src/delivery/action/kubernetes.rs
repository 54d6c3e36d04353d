//! `kubernetes:apply`, and `kube:apply` as templates in the wild call it.

use serde_json::{Value, json};

use super::super::Delivery;
use super::objects::Wanted;
use super::{Asked, objects_schema, place, schema, text, texts};
use crate::cluster::{Manifest, manifests};
use crate::scaffolder::{ActionContext, ActionDescription, ActionError, Example, Outputs};

/// `kubernetes:apply`
pub(super) fn apply() -> ActionDescription {
    ActionDescription {
        id: "kubernetes:apply",
        description: "Applies manifests to a cluster by server-side apply; the plan shows the server's own dry run as a diff.",
        input: schema(
            &[],
            json!({
                "manifest": {"type": ["string", "object", "array"], "title": "Manifest", "description": "Objects as YAML, or as they are"},
                "manifestPath": {"type": "string", "title": "Path", "description": "A file of the workspace, or a folder whose .yaml, .yml and .json files are applied"},
                "manifestPaths": {"type": "array", "items": {"type": "string"}, "title": "Paths"},
                "namespace": {"type": "string", "title": "Namespace", "description": "Where objects go that say none; default without it"},
                "force": {"type": "boolean", "title": "Force", "description": "Takes fields over that other managers hold", "default": false},
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "Applies a folder of manifests to the cluster of an environment",
            example: "steps:\n  - id: apply\n    action: kubernetes:apply\n    input:\n      environment: dev\n      manifestPath: deploy/base\n      namespace: payments-dev\n",
        }],
    }
}

/// `kube:apply`
pub(super) fn kube_apply() -> ActionDescription {
    ActionDescription {
        id: "kube:apply",
        description: "Applies a manifest to a cluster; another name of kubernetes:apply.",
        input: schema(
            &["manifest"],
            json!({
                "manifest": {"type": ["string", "object", "array"], "title": "Manifest", "description": "Objects as YAML"},
                "namespaced": {"type": "boolean", "title": "Namespaced", "description": "Not needed: the cluster knows"},
                "clusterName": {"type": "string", "title": "Cluster"},
                "token": {"type": "string", "title": "Token", "description": "Not used: the portal signs in as configured"},
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "Makes a namespace",
            example: "steps:\n  - id: apply\n    action: kube:apply\n    input:\n      namespaced: false\n      clusterName: east\n      manifest: |\n        apiVersion: v1\n        kind: Namespace\n        metadata:\n          name: ${{ parameters.name }}\n",
        }],
    }
}

/// What the input of either asks for.
pub(super) fn wanted(delivery: &Delivery, ctx: &ActionContext, input: &Outputs) -> Result<Asked, ActionError> {
    let cluster = place(delivery, input)?;
    let manifests = read(ctx, input)?;
    let namespace = Some(text(input, "namespace")).filter(|name| !name.is_empty()).map(str::to_owned);
    let force = input.get("force").and_then(Value::as_bool).unwrap_or(false);
    let wanted = cluster.map(|cluster| Wanted { cluster, manifests, namespace, force });
    Ok(Asked { wanted, outputs: Outputs::new() })
}

/// The objects of `manifest`, `manifestPath` and `manifestPaths`, in this order.
pub(super) fn read(ctx: &ActionContext, input: &Outputs) -> Result<Vec<Manifest>, ActionError> {
    let mut all = Vec::new();
    match input.get("manifest") {
        Some(Value::String(text)) if !text.trim().is_empty() => all.extend(parsed("manifest", text)?),
        Some(object @ Value::Object(_)) => all.extend(parsed("manifest", &object.to_string())?),
        Some(Value::Array(objects)) => {
            for object in objects {
                all.extend(parsed("manifest", &object.to_string())?);
            }
        }
        _ => {}
    }
    let one = Some(text(input, "manifestPath").to_owned()).filter(|path| !path.is_empty());
    for path in one.into_iter().chain(texts(input, "manifestPaths")) {
        all.extend(files(ctx, &path)?);
    }
    if all.is_empty() {
        return Err(ActionError::input("there is nothing to apply: give `manifest` or `manifestPath`"));
    }
    Ok(all)
}

/// The objects of a file of the workspace, or of the manifests in a folder of it.
pub(super) fn files(ctx: &ActionContext, path: &str) -> Result<Vec<Manifest>, ActionError> {
    if let Some(file) = ctx.workspace.file(path)? {
        return parsed(path, &String::from_utf8_lossy(&file.bytes));
    }
    let folder = path.trim_start_matches("./").trim_end_matches('/');
    let is_manifest = |name: &str| {
        let extension = std::path::Path::new(name).extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| matches!(extension, "yaml" | "yml" | "json"))
            // Kustomize's own file is no object of a cluster.
            && !name.ends_with("kustomization.yaml")
    };
    let mut all = Vec::new();
    for (name, file) in ctx.workspace.below(folder).filter(|(name, _)| is_manifest(name)) {
        all.extend(parsed(name, &String::from_utf8_lossy(&file.bytes))?);
    }
    if all.is_empty() {
        return Err(ActionError::input(format!("the workspace has no manifests at `{path}`")));
    }
    Ok(all)
}

fn parsed(file: &str, text: &str) -> Result<Vec<Manifest>, ActionError> {
    manifests(file, text).map_err(|error| ActionError::input(error.to_string()))
}
