//! `kubernetes:namespace`, `kubernetes:secret`, and `kubernetes:create-namespace` as templates in the wild call it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::super::Delivery;
use super::objects::Wanted;
use super::{Asked, name_of, objects_schema, place, schema, text};
use crate::cluster::Manifest;
use crate::scaffolder::{ActionContext, ActionDescription, ActionError, Example, Outputs};

/// `kubernetes:namespace`
pub(super) fn namespace() -> ActionDescription {
    ActionDescription {
        id: "kubernetes:namespace",
        description: "Makes a namespace with labels, a quota, limits and a network policy that denies what no other allows.",
        input: schema(
            &["name"],
            json!({
                "name": {"type": "string", "title": "Name", "minLength": 1, "maxLength": 63},
                "labels": {"type": "object", "title": "Labels", "additionalProperties": {"type": "string"}},
                "annotations": {"type": "object", "title": "Annotations", "additionalProperties": {"type": "string"}},
                "podSecurity": {"type": "string", "title": "Pod security", "enum": ["restricted", "baseline", "privileged"], "default": "restricted", "description": "The standard that pods are held to"},
                "quota": {"type": "object", "title": "Quota", "description": "Hard limits of a ResourceQuota, as in requests.cpu: 4"},
                "limits": {"type": "object", "title": "Limits", "description": "What a container gets that asks for nothing: default and defaultRequest of a LimitRange"},
                "networkPolicy": {"type": "string", "title": "Network policy", "enum": ["default-deny", "deny-ingress", "none"], "default": "default-deny", "description": "default-deny leaves name resolution open"},
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "The namespace of a service in every environment",
            example: "steps:\n  - id: namespace\n    each: ${{ steps.environments.output.environments }}\n    action: kubernetes:namespace\n    input:\n      environment: ${{ each.value.name }}\n      name: ${{ each.value.namespace }}\n      quota:\n        requests.cpu: 4\n        requests.memory: 8Gi\n",
        }],
    }
}

/// `kubernetes:create-namespace`
pub(super) fn create_namespace() -> ActionDescription {
    ActionDescription {
        id: "kubernetes:create-namespace",
        description: "Makes a namespace; an older name of kubernetes:namespace.",
        input: schema(
            &["namespace"],
            json!({
                "namespace": {"type": "string", "title": "Namespace name"},
                "clusterRef": {"type": "string", "title": "Cluster entity reference", "description": "A Resource whose name is that of the cluster"},
                "url": {"type": "string", "title": "Url", "description": "The API server of a configured cluster"},
                "token": {"type": "string", "title": "Token", "description": "Not used: the portal signs in as configured"},
                "skipTLSVerify": {"type": "boolean", "title": "Skip TLS verification", "description": "Not used: as the cluster is configured"},
                "caData": {"type": "string", "title": "CA data", "description": "Not used: as the cluster is configured"},
                "labels": {"type": ["string", "object"], "title": "Labels", "description": "key=value pairs with semicolons between"},
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "A namespace on a cluster of the catalog",
            example: "steps:\n  - id: namespace\n    action: kubernetes:create-namespace\n    input:\n      namespace: payments-dev\n      clusterRef: resource:default/east\n      labels: team=payments;tier=backend\n",
        }],
    }
}

/// `kubernetes:secret`
pub(super) fn secret() -> ActionDescription {
    ActionDescription {
        id: "kubernetes:secret",
        description: "Makes a secret: the pull secret of a registry, or keys and values.",
        input: schema(
            &["name", "namespace"],
            json!({
                "name": {"type": "string", "title": "Name", "minLength": 1, "maxLength": 253},
                "namespace": {"type": "string", "title": "Namespace"},
                "registry": {"type": "string", "title": "Registry", "description": "Host of a registry: makes a pull secret with username and password"},
                "username": {"type": "string", "title": "User"},
                "password": {"type": "string", "title": "Password"},
                "data": {"type": "object", "title": "Data", "additionalProperties": {"type": "string"}, "description": "Keys and values of an opaque secret"},
                "labels": {"type": "object", "title": "Labels", "additionalProperties": {"type": "string"}},
            }),
        ),
        output: Some(objects_schema()),
        examples: vec![Example {
            description: "A pull secret",
            example: "steps:\n  - id: pull\n    action: kubernetes:secret\n    input:\n      environment: dev\n      namespace: payments-dev\n      name: registry\n      registry: registry.acme.example\n      username: ${{ secrets.REGISTRY_USER }}\n      password: ${{ secrets.REGISTRY_PASSWORD }}\n",
        }],
    }
}

/// What the input of either namespace action asks for.
pub(super) fn wanted(delivery: &Delivery, _: &ActionContext, input: &Outputs) -> Result<Asked, ActionError> {
    let older = text(input, "namespace");
    let (name, is_older) = if older.is_empty() { (text(input, "name"), false) } else { (older, true) };
    let input = &located(delivery, input)?;
    let cluster = place(delivery, input)?;
    let labels = labels(input)?;
    let manifests = if is_older { vec![bare(name, &labels)] } else { guarded(name, labels, input) };
    let outputs = Outputs::from_iter([("namespace".to_owned(), json!(name))]);
    let wanted = cluster.map(|cluster| Wanted { cluster, manifests, namespace: None, force: false });
    Ok(Asked { wanted, outputs })
}

/// The input with `cluster`, where `clusterRef` or `url` say it.
fn located(delivery: &Delivery, input: &Outputs) -> Result<Outputs, ActionError> {
    let mut input = input.clone();
    let (reference, url) =
        (text(&input, "clusterRef").to_owned(), text(&input, "url").trim_end_matches('/').to_owned());
    if !reference.is_empty() {
        input.insert("cluster".to_owned(), json!(name_of(&reference, "resource")?));
    } else if !url.is_empty() {
        let clusters = delivery.clusters().all();
        let found = clusters.iter().find(|cluster| cluster.facts().url == url);
        let found =
            found.ok_or_else(|| ActionError::input(format!("no configured cluster has the API server {url}")))?;
        input.insert("cluster".to_owned(), json!(found.name()));
    }
    Ok(input)
}

/// Labels as a map, or as `key=value;key=value`.
fn labels(input: &Outputs) -> Result<Map<String, Value>, ActionError> {
    match input.get("labels") {
        Some(Value::Object(labels)) => Ok(labels.clone()),
        Some(Value::String(pairs)) => pairs
            .split(';')
            .filter(|pair| !pair.trim().is_empty())
            .map(|pair| {
                let (key, value) = pair
                    .split_once('=')
                    .ok_or_else(|| ActionError::input(format!("`labels`: `{pair}` is not `key=value`")))?;
                Ok((key.trim().to_owned(), json!(value.trim())))
            })
            .collect(),
        _ => Ok(Map::new()),
    }
}

fn bare(name: &str, labels: &Map<String, Value>) -> Manifest {
    Manifest::made(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))
}

/// The namespace with what guards it.
fn guarded(name: &str, mut labels: Map<String, Value>, input: &Outputs) -> Vec<Manifest> {
    let standard = match text(input, "podSecurity") {
        "" => "restricted",
        given => given,
    };
    for mode in ["enforce", "warn"] {
        labels.entry(format!("pod-security.kubernetes.io/{mode}")).or_insert_with(|| json!(standard));
    }
    let mut namespace = bare(name, &labels);
    if let Some(annotations) = input.get("annotations").filter(|annotations| annotations.is_object()) {
        namespace.object["metadata"]["annotations"] = annotations.clone();
    }
    let metadata = json!({"name": "default", "namespace": name});
    let mut all = vec![namespace];
    if let Some(Value::Object(quota)) = input.get("quota")
        && !quota.is_empty()
    {
        let hard: Map<String, Value> = quota.iter().map(|(key, value)| (key.clone(), json!(plain(value)))).collect();
        all.push(Manifest::made(
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}),
        ));
    }
    if let Some(Value::Object(limits)) = input.get("limits")
        && !limits.is_empty()
    {
        let mut limit = limits.clone();
        limit.insert("type".to_owned(), json!("Container"));
        all.push(Manifest::made(
            json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [limit]}}),
        ));
    }
    let policy = text(input, "networkPolicy");
    if policy != "none" {
        let spec = if policy == "deny-ingress" {
            json!({"podSelector": {}, "policyTypes": ["Ingress"]})
        } else {
            let dns = json!([{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]);
            let to = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]);
            json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{"to": to, "ports": dns}]})
        };
        let metadata = json!({"name": "default-deny", "namespace": name});
        all.push(Manifest::made(
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}),
        ));
    }
    all
}

/// A quantity as the API server tells it, so that a plan shows no difference where there is none.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the input of `kubernetes:secret` asks for.
pub(super) fn wanted_secret(delivery: &Delivery, _: &ActionContext, input: &Outputs) -> Result<Asked, ActionError> {
    let cluster = place(delivery, input)?;
    let (name, namespace) = (text(input, "name"), text(input, "namespace"));
    let registry = text(input, "registry");
    let (kind, data) = if registry.is_empty() {
        let given = input.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        if given.is_empty() {
            return Err(ActionError::input("a secret needs `data`, or `registry` with `username` and `password`"));
        }
        let encoded = |value: &Value| json!(BASE64.encode(plain(value)));
        ("Opaque", given.iter().map(|(key, value)| (key.clone(), encoded(value))).collect::<Map<_, _>>())
    } else {
        let (user, password) = (text(input, "username"), text(input, "password"));
        if user.is_empty() || password.is_empty() {
            return Err(ActionError::input(format!("the pull secret of {registry} needs `username` and `password`")));
        }
        let config = pull_config(registry, user, password);
        (
            "kubernetes.io/dockerconfigjson",
            Map::from_iter([(".dockerconfigjson".to_owned(), json!(BASE64.encode(config)))]),
        )
    };
    let manifest = Manifest::made(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels(input)?},
        "type": kind,
        "data": data,
    }));
    let outputs = Outputs::from_iter([("name".to_owned(), json!(name)), ("namespace".to_owned(), json!(namespace))]);
    let wanted = cluster.map(|cluster| Wanted { cluster, manifests: vec![manifest], namespace: None, force: false });
    Ok(Asked { wanted, outputs })
}

/// What `docker login` would write.
pub(super) fn pull_config(registry: &str, user: &str, password: &str) -> String {
    let auth = BASE64.encode(format!("{user}:{password}"));
    let entry = json!({"username": user, "password": password, "auth": auth});
    json!({"auths": Map::from_iter([(registry.to_owned(), entry)])}).to_string()
}
