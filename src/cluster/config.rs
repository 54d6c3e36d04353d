//! `kubernetes`, as Backstage has it: which clusters there are and how to reach them.
//!
//! `clusterLocatorMethods` is a list of ways to find clusters: written out (`config`), from the contexts of a kubeconfig
//! (`kubeconfig`), the cluster the portal runs in (`inCluster`), `kubectl proxy` on this machine
//! (`localKubectlProxy`), or Resource entities of the catalog (`catalog`).

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

/// The section.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct KubernetesConfig {
    /// How clusters are found, in order; a name that comes twice is the first one's.
    pub(crate) cluster_locator_methods: Vec<Locator>,
    /// Accepted as Backstage's: every cluster is asked for every service unless an annotation names one.
    #[serde(rename = "serviceLocatorMethod")]
    pub(crate) _service_locator_method: Option<serde_json::Value>,
    /// Kinds of other groups that are shown on every cluster.
    pub(crate) custom_resources: Vec<CustomResource>,
}

/// One of `clusterLocatorMethods`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Locator {
    /// Written out.
    Config {
        /// The clusters.
        #[serde(default)]
        clusters: Vec<ClusterConfig>,
    },
    /// Contexts of a kubeconfig.
    Kubeconfig {
        /// The file; `$KUBECONFIG` or `~/.kube/config` without it.
        #[serde(default)]
        file: Option<PathBuf>,
        /// Names of contexts; all without it. A cluster is called as its context.
        #[serde(default)]
        contexts: Vec<String>,
    },
    /// The cluster the portal runs in, with the service account of its pod.
    InCluster {
        /// What it is called.
        #[serde(default = "in_cluster_name")]
        name: String,
    },
    /// `kubectl proxy` on this machine.
    LocalKubectlProxy {},
    /// Resource entities of type `kubernetes-cluster`.
    Catalog {},
    /// Google's list of clusters, which Backstage reads; here a kubeconfig says the same.
    Gke {},
}

fn in_cluster_name() -> String {
    "in-cluster".to_owned()
}

/// One cluster that is written out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterConfig {
    /// What environments, annotations and pages call it.
    pub(crate) name: String,
    /// What people read.
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// The address of its API server.
    pub(crate) url: String,
    /// `serviceAccount`, or `localKubectlProxy` and `anonymous`, which send nothing.
    #[serde(default = "service_account")]
    pub(crate) auth_provider: String,
    /// The token of a service account.
    #[serde(default)]
    pub(crate) service_account_token: Option<SecretString>,
    /// A file with the token, read again when it changes.
    #[serde(default)]
    pub(crate) service_account_token_file: Option<PathBuf>,
    /// The certificate authority of the API server: base64 of PEM.
    #[serde(default)]
    pub(crate) ca_data: Option<String>,
    /// The same in a file.
    #[serde(default)]
    pub(crate) ca_file: Option<PathBuf>,
    /// Takes any certificate.
    #[serde(default, rename = "skipTLSVerify")]
    pub(crate) skip_tls_verify: bool,
    /// Whether what pods use is not asked for.
    #[serde(default, rename = "skipMetricsLookup")]
    pub(crate) skip_metrics_lookup: bool,
    /// A dashboard of the cluster, linked from pages.
    #[serde(default)]
    pub(crate) dashboard_url: Option<String>,
    /// Kinds of other groups that are shown on this cluster.
    #[serde(default)]
    pub(crate) custom_resources: Vec<CustomResource>,
}

fn service_account() -> String {
    "serviceAccount".to_owned()
}

/// A kind of another group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomResource {
    /// `argoproj.io`
    pub(crate) group: String,
    /// `v1alpha1`
    pub(crate) api_version: String,
    /// `rollouts`
    pub(crate) plural: String,
}
