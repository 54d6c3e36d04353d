//! Argo CD: where it runs, what it is told, and what it says.
//!
//! The portal speaks to Argo CD through the API server that holds its objects, so what it may do is what RBAC of that
//! cluster lets it. Shapes are those of `argoproj.io/v1alpha1`
//! (<https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/>).

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::{Detail, Thing};

/// Group and version of Argo CD's kinds.
pub(crate) const API_VERSION: &str = "argoproj.io/v1alpha1";
/// Where Argo CD is installed unless somebody says otherwise.
const NAMESPACE: &str = "argocd";
/// What values files of another repository than the chart's begin with, after the `$`.
const VALUES_REF: &str = "values";

fn namespace() -> String {
    NAMESPACE.to_owned()
}

/// `argocd`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ArgoConfig {
    /// The installations there are.
    pub(crate) instances: Vec<Instance>,
}

/// One installation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instance {
    /// What environments and templates call it.
    pub(crate) name: String,
    /// The cluster that holds its objects.
    pub(crate) cluster: String,
    /// The namespace that holds its objects.
    #[serde(default = "namespace")]
    pub(crate) namespace: String,
    /// Its own pages, linked from the portal's.
    #[serde(default)]
    pub(crate) url: Option<String>,
}

impl Instance {
    /// The one that runs on a cluster itself.
    pub(super) fn on(cluster: &str) -> Self {
        Self { name: cluster.to_owned(), cluster: cluster.to_owned(), namespace: namespace(), url: None }
    }

    /// The page of an application.
    pub(crate) fn page(&self, application: &str) -> Option<String> {
        let url = self.url.as_deref()?.trim_end_matches('/');
        Some(format!("{url}/applications/{}/{application}", self.namespace))
    }
}

/// What is to be deployed from where to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewApplication<'a> {
    pub(crate) name: &'a str,
    pub(crate) project: &'a str,
    pub(crate) repo_url: &'a str,
    pub(crate) path: &'a str,
    pub(crate) revision: &'a str,
    pub(crate) release: Option<&'a str>,
    pub(crate) value_files: &'a [String],
    /// The repository of the values files that begin with `$values/`.
    pub(crate) values_url: Option<&'a str>,
    pub(crate) server: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) automated: bool,
    pub(crate) labels: Value,
}

/// The manifest of an application.
pub(crate) fn application(new: &NewApplication<'_>, control: &str) -> Value {
    let mut source = json!({"repoURL": new.repo_url, "targetRevision": new.revision, "path": new.path});
    if !new.value_files.is_empty() || new.release.is_some() {
        let mut helm = json!({"valueFiles": new.value_files});
        if let Some(release) = new.release {
            helm["releaseName"] = json!(release);
        }
        source["helm"] = helm;
    }
    let mut policy = json!({
        "syncOptions": ["CreateNamespace=true", "ServerSideApply=true", "ApplyOutOfSyncOnly=true", "PruneLast=true"],
        "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
    });
    if new.automated {
        policy["automated"] = json!({"prune": true, "selfHeal": true});
    }
    let mut manifest = json!({
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": {
            "name": new.name,
            "namespace": control,
            "labels": new.labels,
            // Deleting the application deletes what it deployed.
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "project": new.project,
            "destination": {"server": new.server, "namespace": new.namespace},
            "syncPolicy": policy,
            "revisionHistoryLimit": 10,
        },
    });
    match new.values_url {
        Some(url) => {
            let values = json!({"repoURL": url, "targetRevision": "HEAD", "ref": VALUES_REF});
            manifest["spec"]["sources"] = json!([source, values]);
        }
        None => manifest["spec"]["source"] = source,
    }
    manifest
}

/// The manifest of a project: which repositories may go where.
pub(crate) fn project(
    name: &str,
    control: &str,
    description: &str,
    repositories: &[String],
    destinations: &[(String, String)],
) -> Value {
    let destinations: Vec<Value> =
        destinations.iter().map(|(server, namespace)| json!({"server": server, "namespace": namespace})).collect();
    let mut project = json!({
        "apiVersion": API_VERSION,
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": control},
        "spec": {
            "sourceRepos": repositories,
            "destinations": destinations,
            // For `CreateNamespace`; the namespaces are the destinations above.
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
        },
    });
    if !description.is_empty() {
        project["spec"]["description"] = json!(description);
    }
    project
}

/// What Argo CD says about an application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Report {
    /// `Synced`, `OutOfSync`, `Unknown`
    pub(crate) sync: String,
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing`, `Unknown`
    pub(crate) health: String,
    /// Why it is not healthy, or why it cannot be compared.
    pub(crate) message: String,
    /// The commit that is compared with the cluster.
    pub(crate) revision: String,
    /// The images of what is deployed.
    pub(crate) images: Vec<String>,
    /// How the last sync went: `Running`, `Succeeded`, `Failed`, `Error`.
    pub(crate) phase: String,
    /// What was said about the last sync.
    pub(crate) phase_message: String,
    /// When the health last changed.
    pub(crate) health_since: Option<DateTime<Utc>>,
    /// Deployments, oldest first.
    pub(crate) history: Vec<Deployment>,
    /// Repository, folder and values files that it deploys.
    pub(crate) source: Source,
    /// The cluster and the namespace it deploys to.
    pub(crate) destination: (String, String),
    /// Whether a sync is under way or asked for.
    pub(crate) busy: bool,
}

/// What an application deploys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Source {
    /// The clone URL.
    pub(crate) repo_url: String,
    /// The folder.
    pub(crate) path: String,
    /// Values files, the later win. One that begins with `$` is in another repository.
    pub(crate) value_files: Vec<String>,
    /// The clone URL of that one, for the last of the files.
    pub(crate) values_url: Option<String>,
}

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    /// Counted by Argo CD.
    pub(crate) id: u64,
    /// The commit.
    pub(crate) revision: String,
    /// The commit of the repository that holds the values.
    pub(crate) values_revision: String,
    /// When it was done.
    pub(crate) at: Option<DateTime<Utc>>,
    /// Who asked for it; empty where Argo CD did it by itself.
    pub(crate) by: String,
}

impl Report {
    /// What is said by an application that the watches saw; none of anything else.
    pub(crate) fn of(thing: &Thing) -> Option<Self> {
        let Detail::Application(object) = &thing.detail else { return None };
        Some(Self::read(object))
    }

    /// What is said by an application as its API server tells it.
    pub(crate) fn read(object: &Value) -> Self {
        let (spec, status) = (&object["spec"], &object["status"]);
        let sources = Sources::of(spec);
        let source = sources.chart;
        let operation = &status["operationState"];
        let conditions = status["conditions"].as_array();
        let complaint = conditions.into_iter().flatten().map(|one| text(&one["message"])).find(|one| !one.is_empty());
        let history = status["history"].as_array();
        Self {
            sync: or_unknown(&status["sync"]["status"]),
            health: or_unknown(&status["health"]["status"]),
            message: complaint.unwrap_or_else(|| text(&status["health"]["message"])),
            revision: sources.revision(&status["sync"], sources.chart_at),
            images: texts(&status["summary"]["images"]),
            phase: text(&operation["phase"]),
            phase_message: text(&operation["message"]),
            health_since: time(&status["health"]["lastTransitionTime"]),
            history: history
                .into_iter()
                .flatten()
                .map(|one| Deployment {
                    id: one["id"].as_u64().unwrap_or(0),
                    revision: sources.revision(one, sources.chart_at),
                    values_revision: sources.revision(one, sources.values_at),
                    at: time(&one["deployedAt"]),
                    by: text(&one["initiatedBy"]["username"]),
                })
                .collect(),
            source: Source {
                repo_url: text(&source["repoURL"]),
                path: text(&source["path"]),
                value_files: texts(&source["helm"]["valueFiles"]),
                values_url: sources.values_url(),
            },
            destination: (text(&spec["destination"]["server"]), text(&spec["destination"]["namespace"])),
            busy: object["operation"].is_object() || operation["phase"] == "Running",
        }
    }

    /// Whether what is wanted runs, and well.
    pub(crate) fn is_well(&self) -> bool {
        self.sync == "Synced" && self.health == "Healthy"
    }

    /// When the newest deployment was done.
    pub(crate) fn last_deployed(&self) -> Option<DateTime<Utc>> {
        self.history.last().and_then(|deployment| deployment.at)
    }
}

/// Where an application's chart is, and where its values are: one source, or several by their places in the list.
struct Sources<'a> {
    all: &'a [Value],
    chart: &'a Value,
    chart_at: usize,
    values_at: usize,
}

impl<'a> Sources<'a> {
    fn of(spec: &'a Value) -> Self {
        let all = spec["sources"].as_array().map(Vec::as_slice).unwrap_or_default();
        if all.is_empty() {
            return Self { all, chart: &spec["source"], chart_at: 0, values_at: 0 };
        }
        // One with a `ref` is there for the values of others.
        let chart_at = all.iter().position(|one| !one["ref"].is_string()).unwrap_or_default();
        let chart = &all[chart_at];
        let last = chart.pointer("/helm/valueFiles").and_then(Value::as_array).and_then(|files| files.last()?.as_str());
        let named = last.and_then(|file| file.strip_prefix('$')?.split('/').next());
        let values_at = named.and_then(|name| all.iter().position(|one| one["ref"] == name)).unwrap_or(chart_at);
        Self { all, chart, chart_at, values_at }
    }

    /// The commit of a source, of what has one commit or one for each source.
    fn revision(&self, told: &Value, at: usize) -> String {
        let several = told["revisions"].get(at).filter(|_| !self.all.is_empty());
        text(several.unwrap_or(&told["revision"]))
    }

    fn values_url(&self) -> Option<String> {
        (self.values_at != self.chart_at).then(|| text(&self.all[self.values_at]["repoURL"]))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn or_unknown(value: &Value) -> String {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or("Unknown").to_owned()
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|time| time.to_utc())
}
