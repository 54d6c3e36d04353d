//! Links to an entity: its page, its tabs, what is done with it, and the graph around it.

use super::{EntityParts, catalog, catalog_where, entity_parts, query, segment};
use crate::entity::EntityRef;

/// The log of a container of an entity's pod.
pub(crate) fn entity_log(reference: &EntityRef, cluster: &str, namespace: &str, pod: &str, container: &str) -> String {
    let place = [cluster, namespace, pod].map(segment).join("/");
    format!("{}/kubernetes/logs/{place}?container={}", entity(reference), query(container))
}

/// Where restarting or scaling a workload of an entity posts to.
pub(crate) fn entity_workload(
    reference: &EntityRef,
    cluster: &str,
    namespace: &str,
    kind: &str,
    name: &str,
    act: &str,
) -> String {
    let place = [cluster, namespace, kind, name, act].map(segment).join("/");
    format!("{}/kubernetes/workloads/{place}", entity(reference))
}

/// One entity.
pub(crate) fn entity(reference: &EntityRef) -> String {
    let EntityParts { namespace, kind, name } = entity_parts(reference);
    format!("/catalog/{namespace}/{kind}/{name}")
}

/// A tab of an entity's page: `api`, `history`, `environments`.
pub(crate) fn entity_tab(reference: &EntityRef, tab: &str) -> String {
    format!("{}/{}", entity(reference), segment(tab))
}

/// Where the form that reads an entity's source again posts to.
pub(crate) fn entity_refresh(reference: &EntityRef) -> String {
    entity_tab(reference, "refresh")
}

/// Where the form that stars an entity posts to.
pub(crate) fn entity_star(reference: &EntityRef) -> String {
    entity_tab(reference, "star")
}

/// The pipelines of an entity, of a branch or of all; `now` waits for them.
pub(crate) fn entity_ci(reference: &EntityRef, branch: Option<&str>, now: bool) -> String {
    let branch = branch.map(|branch| format!("branch={}", query(branch)));
    let asked: Vec<String> = branch.into_iter().chain(now.then(|| "now=yes".to_owned())).collect();
    let mark = if asked.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", entity_tab(reference, "ci"), asked.join("&"))
}

/// The newest pipelines of an entity.
pub(crate) fn entity_ci_latest(reference: &EntityRef) -> String {
    format!("{}/latest", entity_tab(reference, "ci"))
}

/// One run of an entity's pipelines; `now` waits for it.
pub(crate) fn entity_run(reference: &EntityRef, run: u64, now: bool) -> String {
    format!("{}/runs/{run}{}", entity_tab(reference, "ci"), if now { "?now=yes" } else { "" })
}

/// Where the form that repeats a run posts to.
pub(crate) fn entity_run_attempts(reference: &EntityRef, run: u64) -> String {
    format!("{}/attempts", entity_run(reference, run, false))
}

/// Where the form that stops a run posts to.
pub(crate) fn entity_run_cancellation(reference: &EntityRef, run: u64) -> String {
    format!("{}/cancellation", entity_run(reference, run, false))
}

/// Who is related to whom.
pub(crate) fn graph_page() -> String {
    "/catalog-graph".to_owned()
}

/// The graph around an entity.
pub(crate) fn graph(reference: &EntityRef) -> String {
    graph_where(&[("root", reference.to_string())])
}

/// The graph with these parameters.
pub(crate) fn graph_where(pairs: &[(&str, String)]) -> String {
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
    catalog_where(&pairs).replacen(&catalog(), &graph_page(), 1)
}

/// A part of the page of an API's definition: `q`, `group`, `view`, `from`, `to`.
pub(crate) fn definition(reference: &EntityRef, pairs: &[(&str, &str)]) -> String {
    catalog_where(pairs).replacen(&catalog(), &entity_tab(reference, "api"), 1)
}

/// An API's definition as its file says it.
pub(crate) fn definition_file(reference: &EntityRef, download: bool) -> String {
    format!("{}/file{}", entity_tab(reference, "api"), if download { "?download=yes" } else { "" })
}

/// An API's definition as JSON, for tools in the browser.
pub(crate) fn definition_json(reference: &EntityRef) -> String {
    format!("{}/openapi.json", entity_tab(reference, "api"))
}

/// Where an API can be called from the browser.
pub(crate) fn definition_trial(reference: &EntityRef) -> String {
    format!("{}/try", entity_tab(reference, "api"))
}
