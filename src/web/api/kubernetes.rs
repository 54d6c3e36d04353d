//! `/api/kubernetes`: what Backstage's Kubernetes plugin asks: the clusters, and a service's objects as the API servers
//! tell them.
//!
//! Shapes are those of `@backstage/plugin-kubernetes-common`. Each cluster is asked on its own; what one refuses or does
//! not answer is among its `errors`, and the others answer. Objects are told of namespaces that are known to be the
//! service's own (see [`crate::delivery::Trust`]); credentials that a caller sends along are not used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::body::Body;
use super::{Caller, reply};
use crate::catalog::Catalog;
use crate::cluster::{Amount, Cluster, ClusterError, CustomResource, Usage};
use crate::delivery::{Delivery, ObjectsWanted, Service, Trust};
use crate::entity::{EntityRef, RefDefaults};
use crate::forge::Forges;
use crate::permission::Credentials;
use crate::web::AppState;
use crate::web::error::Error;

/// Group, version, plural, and Backstage's word for it.
const WORKLOADS: [(&str, &str, &str); 13] = [
    ("", "v1", "pods"),
    ("", "v1", "services"),
    ("", "v1", "configmaps"),
    ("", "v1", "limitranges"),
    ("", "v1", "resourcequotas"),
    ("apps", "v1", "deployments"),
    ("apps", "v1", "replicasets"),
    ("autoscaling", "v2", "horizontalpodautoscalers"),
    ("batch", "v1", "jobs"),
    ("batch", "v1", "cronjobs"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("apps", "v1", "statefulsets"),
    ("apps", "v1", "daemonsets"),
];
/// Backstage's word for kinds of other groups.
const CUSTOM: &str = "customresources";
/// Kinds that one request may ask for besides.
const MOST_KINDS: usize = 20;

/// Routes of the plugin `kubernetes`.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/clusters", get(clusters))
        .route("/services/{id}", post(service))
        .route("/resources/workloads/query", post(workloads))
        .route("/resources/custom/query", post(custom))
}

/// `GET /clusters`
async fn clusters(State(delivery): State<Delivery>, Caller(_): Caller) -> Response {
    let item = |cluster: &Cluster| {
        let facts = cluster.facts();
        let mut item = json!({"name": facts.name, "authProvider": facts.auth_provider});
        if let Some(title) = &facts.title {
            item["title"] = json!(title);
        }
        if let Some(dashboard) = &facts.dashboard {
            item["dashboardUrl"] = json!(dashboard);
        }
        item
    };
    let items: Vec<Value> = delivery.clusters().all().iter().map(item).collect();
    reply::ok(&json!({"items": items}))
}

/// `POST /services/{id}`: the entity stands in the body.
async fn service(
    State(catalog): State<Catalog>,
    State(delivery): State<Delivery>,
    State(forges): State<Forges>,
    Caller(who): Caller,
    Path(_): Path<String>,
    body: Body,
) -> Result<Response, Error> {
    let body = Value::Object(body.0);
    let entity = &body["entity"];
    let part = |pointer: &str| entity.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, namespace, name) = (part("/kind"), part("/metadata/namespace"), part("/metadata/name"));
    if kind.is_empty() || name.is_empty() {
        return Err(Error::Input("the body has no `entity`".to_owned()));
    }
    let namespace = if namespace.is_empty() { "default" } else { namespace };
    let reference = EntityRef::new(kind, namespace, name);
    answer(&catalog, &delivery, &forges, &who, &reference, &workload_kinds()).await
}

/// `POST /resources/workloads/query`
async fn workloads(
    State(catalog): State<Catalog>,
    State(delivery): State<Delivery>,
    State(forges): State<Forges>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    let reference = reference(&Value::Object(body.0))?;
    answer(&catalog, &delivery, &forges, &who, &reference, &workload_kinds()).await
}

/// `POST /resources/custom/query`
async fn custom(
    State(catalog): State<Catalog>,
    State(delivery): State<Delivery>,
    State(forges): State<Forges>,
    Caller(who): Caller,
    body: Body,
) -> Result<Response, Error> {
    let body = Value::Object(body.0);
    let reference = reference(&body)?;
    let Some(kinds) = body["customResources"].as_array() else {
        return Err(Error::Input("customResources is a required field".to_owned()));
    };
    if kinds.is_empty() || kinds.len() > MOST_KINDS {
        return Err(Error::Input(format!("at least 1 and at most {MOST_KINDS} customResources are required")));
    }
    let kind = |one: &Value| serde_json::from_value::<CustomResource>(one.clone());
    let kinds: Vec<CustomResource> = kinds
        .iter()
        .map(kind)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::Input(format!("customResources: {error}")))?;
    let secret = kinds.iter().find(|kind| kind.group.is_empty() && kind.plural.eq_ignore_ascii_case("secrets"));
    if secret.is_some() {
        return Err(Error::NotAllowed("secrets are not told".to_owned()));
    }
    let kinds: Vec<_> = kinds.into_iter().map(|kind| (CUSTOM, kind)).collect();
    answer(&catalog, &delivery, &forges, &who, &reference, &kinds).await
}

fn reference(body: &Value) -> Result<EntityRef, Error> {
    let written = match &body["entityRef"] {
        Value::String(written) => written.clone(),
        Value::Object(parts) => {
            let part = |key: &str| parts.get(key).and_then(Value::as_str).unwrap_or_default();
            format!("{}:{}/{}", part("kind"), part("namespace"), part("name"))
        }
        _ => return Err(Error::Input("entity is a required field".to_owned())),
    };
    let defaults = RefDefaults { kind: None, namespace: Some("default") };
    EntityRef::parse(&written, defaults).map_err(|error| Error::Input(format!("Invalid entity ref, {error}")))
}

fn workload_kinds() -> Vec<(&'static str, CustomResource)> {
    let kind = |(group, version, plural): (&str, &str, &'static str)| {
        let kind =
            CustomResource { group: group.to_owned(), api_version: version.to_owned(), plural: plural.to_owned() };
        (plural, kind)
    };
    WORKLOADS.into_iter().map(kind).collect()
}

async fn answer(
    catalog: &Catalog,
    delivery: &Delivery,
    forges: &Forges,
    who: &Credentials,
    reference: &EntityRef,
    kinds: &[(&'static str, CustomResource)],
) -> Result<Response, Error> {
    let record =
        catalog.entity(who, reference).ok_or_else(|| Error::Input(format!("Entity ref missing, {reference}")))?;
    let service = Service::of(forges, &record);
    let trust = delivery.trust(catalog, &service, &record).await.map_err(Error::internal)?;
    let wanted = match service.objects {
        Some(Ok(wanted)) => wanted,
        Some(Err(error)) => return Err(Error::Input(error.to_string())),
        None => return Ok(reply::ok(&json!({"items": []}))),
    };
    let mut clusters = delivery.clusters().all();
    clusters.retain(|cluster| wanted.cluster.as_deref().is_none_or(|name| name == cluster.name()));
    let items = join_all(clusters.iter().map(|cluster| of_cluster(cluster, &wanted, &trust, kinds))).await;
    Ok(reply::ok(&json!({"items": items})))
}

/// What one cluster has.
async fn of_cluster(
    cluster: &Cluster,
    wanted: &ObjectsWanted,
    trust: &Trust,
    kinds: &[(&'static str, CustomResource)],
) -> Value {
    let mut kinds = kinds.to_vec();
    if kinds.iter().all(|(word, _)| *word != CUSTOM) {
        kinds.extend(cluster.custom_resources().iter().map(|kind| (CUSTOM, kind.clone())));
    }
    let selector = wanted.selector.to_string();
    let lists = kinds.iter().map(|(_, kind)| cluster.list(kind, wanted.namespace.as_deref(), &selector));
    let (mut resources, mut errors) = (Vec::new(), Vec::new());
    for ((word, kind), list) in kinds.iter().zip(join_all(lists).await) {
        match list {
            Ok(mut objects) => {
                objects.retain(|object| {
                    trust.holds(object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default())
                });
                resources.push(json!({"type": word, "resources": objects}));
            }
            Err(error) => errors.push(told(kind, &error)),
        }
    }
    let metrics = pod_metrics(cluster, &resources).await;
    let mut facts = json!({"name": cluster.name()});
    if let Some(title) = &cluster.facts().title {
        facts["title"] = json!(title);
    }
    json!({"cluster": facts, "resources": resources, "podMetrics": metrics, "errors": errors})
}

/// What the pods among the answers use, where the cluster tells it; numbers are texts, as Backstage has them.
async fn pod_metrics(cluster: &Cluster, resources: &[Value]) -> Vec<Value> {
    let pods = resources.iter().filter(|one| one["type"] == "pods");
    let pods: Vec<&Value> = pods.filter_map(|one| one["resources"].as_array()).flatten().collect();
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let namespaces: BTreeSet<String> = pods.iter().map(|pod| text(pod, "/metadata/namespace")).collect();
    let asked = namespaces.into_iter().map(async |namespace| {
        let usage = cluster.usage_now(&namespace).await;
        (namespace, usage)
    });
    let usages: BTreeMap<String, Arc<Usage>> = join_all(asked).await.into_iter().collect();
    let status = |pod: &&Value| {
        let name = text(pod, "/metadata/name");
        let usage = usages.get(&text(pod, "/metadata/namespace"))?;
        let of_container = |one: &Value| {
            let used = usage.of(&name, one["name"].as_str()?)?;
            Some((
                one["name"].clone(),
                used,
                Amount::of(&one["resources"]["requests"]),
                Amount::of(&one["resources"]["limits"]),
            ))
        };
        let containers: Vec<_> = pod.pointer("/spec/containers")?.as_array()?.iter().filter_map(of_container).collect();
        let none = Amount::default();
        let sum = containers
            .iter()
            .fold((none, none, none), |(used, requests, limits), one| (used + one.1, requests + one.2, limits + one.3));
        let shown = containers.iter().map(|(name, used, requests, limits)| {
            json!({"container": name, "cpuUsage": cpu(*used, *requests, *limits), "memoryUsage": memory(*used, *requests, *limits)})
        });
        let shown: Vec<Value> = shown.collect();
        Some(json!({
            "pod": pod, "cpu": cpu(sum.0, sum.1, sum.2), "memory": memory(sum.0, sum.1, sum.2), "containers": shown,
        }))
    };
    // A pod that does not run yet has no figures.
    pods.iter()
        .filter_map(status)
        .filter(|one| one["containers"].as_array().is_some_and(|all| !all.is_empty()))
        .collect()
}

fn cpu(used: Amount, requests: Amount, limits: Amount) -> Value {
    let cores = |amount: Amount| {
        let (whole, rest) = (amount.cpu / 1000, amount.cpu % 1000);
        if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() }
    };
    json!({"currentUsage": cores(used), "requestTotal": cores(requests), "limitTotal": cores(limits)})
}

fn memory(used: Amount, requests: Amount, limits: Amount) -> Value {
    let bytes = |amount: Amount| amount.memory.to_string();
    json!({"currentUsage": bytes(used), "requestTotal": bytes(requests), "limitTotal": bytes(limits)})
}

fn told(kind: &CustomResource, error: &ClusterError) -> Value {
    let (word, status) = match error {
        ClusterError::Unauthorized { .. } | ClusterError::Forbidden { .. } => ("UNAUTHORIZED_ERROR", 401),
        ClusterError::NotFound { .. } | ClusterError::UnknownKind { .. } => ("NOT_FOUND", 404),
        ClusterError::Invalid { .. } => ("BAD_REQUEST", 400),
        ClusterError::Away { .. } | ClusterError::Certificate { .. } | ClusterError::Configuration { .. } => {
            return json!({"errorType": "FETCH_ERROR", "message": error.to_string()});
        }
        _ => ("UNKNOWN_ERROR", 500),
    };
    let root = if kind.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", kind.group) };
    let path = format!("{root}/{}/{}", kind.api_version, kind.plural);
    json!({"errorType": word, "statusCode": status, "resourcePath": path})
}
