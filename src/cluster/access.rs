//! From a way to find clusters to clients of their API servers.
//!
//! Everything goes through a kubeconfig, written or made: so tokens, files, certificate authorities and exec plugins
//! (`aws`, `gke-gcloud-auth-plugin`) behave as they do for `kubectl`.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{
    AuthInfo, Cluster as KubeCluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use kube::{Client, Config};

use super::config::{ClusterConfig, CustomResource, Locator};
use super::{ClusterError, ClusterFacts};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// The token of the pod the portal runs in.
const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// Where `kubectl proxy` listens.
const PROXY_URL: &str = "http://localhost:8001";

/// Where a cluster was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In the configuration.
    Configuration,
    /// By an entity.
    Catalog,
}

/// A cluster that was found, and its client or why there is none.
pub(super) struct Found {
    pub(super) facts: ClusterFacts,
    pub(super) client: Result<Client, ClusterError>,
    pub(super) custom: Vec<CustomResource>,
}

/// What one of `clusterLocatorMethods` finds.
pub(super) async fn located(locator: &Locator) -> Vec<Found> {
    match locator {
        Locator::Config { clusters } => {
            let mut found = Vec::new();
            for cluster in clusters {
                found.push(written(cluster, Origin::Configuration).await);
            }
            found
        }
        Locator::Kubeconfig { file, contexts } => from_kubeconfig(file.as_ref(), contexts).await,
        Locator::InCluster { name } => vec![in_cluster(name)],
        Locator::LocalKubectlProxy {} => {
            let proxy = ClusterConfig {
                name: "local".to_owned(),
                url: PROXY_URL.to_owned(),
                auth_provider: "localKubectlProxy".to_owned(),
                ..ClusterConfig::default()
            };
            vec![written(&proxy, Origin::Configuration).await]
        }
        Locator::Catalog {} => Vec::new(),
        Locator::Gke {} => {
            tracing::warn!(
                "`kubernetes.clusterLocatorMethods` of type `gke` finds nothing here: make a kubeconfig with `gcloud container clusters get-credentials` and use type `kubeconfig`"
            );
            Vec::new()
        }
    }
}

/// A cluster that is written out.
pub(super) async fn written(cluster: &ClusterConfig, origin: Origin) -> Found {
    let facts = ClusterFacts {
        name: cluster.name.clone(),
        title: cluster.title.clone(),
        url: cluster.url.trim_end_matches('/').to_owned(),
        dashboard: cluster.dashboard_url.clone(),
        auth_provider: cluster.auth_provider.clone(),
        skip_metrics: cluster.skip_metrics_lookup,
        origin,
    };
    let client = match user(cluster) {
        Ok(user) => client(&cluster.name, kubeconfig(cluster, user), None).await,
        Err(reason) => Err(ClusterError::Configuration { cluster: cluster.name.clone(), reason }),
    };
    Found { facts, client, custom: cluster.custom_resources.clone() }
}

/// How the portal signs in.
fn user(cluster: &ClusterConfig) -> Result<AuthInfo, String> {
    let nobody = AuthInfo::default();
    match cluster.auth_provider.as_str() {
        "localKubectlProxy" | "anonymous" => Ok(nobody),
        "serviceAccount" => {
            let token_file = cluster.service_account_token_file.as_ref().map(|file| file.display().to_string());
            if let Some(token) = &cluster.service_account_token {
                return Ok(AuthInfo { token: Some(token.clone()), ..nobody });
            }
            if token_file.is_some() {
                return Ok(AuthInfo { token_file, ..nobody });
            }
            // As Backstage does: the account of the pod the portal runs in.
            if PathBuf::from(MOUNTED).exists() {
                return Ok(AuthInfo { token_file: Some(MOUNTED.to_owned()), ..nobody });
            }
            Err("it has no `serviceAccountToken`; make one with `kubectl create token`, or a Secret of type kubernetes.io/service-account-token".to_owned())
        }
        other => Err(format!(
            "auth provider `{other}` is not spoken here; let a kubeconfig sign in with its exec plugin, and use `type: kubeconfig`"
        )),
    }
}

fn kubeconfig(cluster: &ClusterConfig, user: AuthInfo) -> Kubeconfig {
    let server = KubeCluster {
        server: Some(cluster.url.clone()),
        insecure_skip_tls_verify: Some(cluster.skip_tls_verify),
        certificate_authority: cluster.ca_file.as_ref().map(|file| file.display().to_string()),
        certificate_authority_data: cluster.ca_data.clone(),
        ..KubeCluster::default()
    };
    let name = &cluster.name;
    Kubeconfig {
        clusters: vec![NamedCluster { name: name.clone(), cluster: Some(server), ..NamedCluster::default() }],
        auth_infos: vec![NamedAuthInfo { name: name.clone(), auth_info: Some(user), ..NamedAuthInfo::default() }],
        contexts: vec![NamedContext {
            name: name.clone(),
            context: Some(Context { cluster: name.clone(), user: Some(name.clone()), ..Context::default() }),
            ..NamedContext::default()
        }],
        current_context: Some(name.clone()),
        ..Kubeconfig::default()
    }
}

async fn from_kubeconfig(file: Option<&PathBuf>, contexts: &[String]) -> Vec<Found> {
    let read = match file {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match read {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => {
            let place = file.map_or_else(|| "the kubeconfig".to_owned(), |file| file.display().to_string());
            let reason = format!("{place} cannot be read: {error}");
            tracing::warn!(reason, "`kubernetes.clusterLocatorMethods` of type `kubeconfig` finds nothing");
            let broken = |name: &String| Found {
                facts: facts_of(name, ""),
                client: Err(ClusterError::Configuration { cluster: name.clone(), reason: reason.clone() }),
                custom: Vec::new(),
            };
            return contexts.iter().map(broken).collect();
        }
    };
    let names: Vec<String> = match contexts {
        [] => kubeconfig.contexts.iter().map(|context| context.name.clone()).collect(),
        named => named.to_vec(),
    };
    let mut found = Vec::new();
    for name in names {
        let context = kubeconfig.contexts.iter().find(|one| one.name == name).and_then(|one| one.context.as_ref());
        let server = context.and_then(|context| {
            let cluster = kubeconfig.clusters.iter().find(|one| one.name == context.cluster)?;
            cluster.cluster.as_ref()?.server.clone()
        });
        let client = client(&name, kubeconfig.clone(), Some(name.clone())).await;
        found.push(Found { facts: facts_of(&name, &server.unwrap_or_default()), client, custom: Vec::new() });
    }
    found
}

fn in_cluster(name: &str) -> Found {
    let config = Config::incluster();
    let url = config.as_ref().map(|config| config.cluster_url.to_string()).unwrap_or_default();
    let client = config
        .map_err(|error| error.to_string())
        .and_then(|config| Client::try_from(limited(config)).map_err(|error| error.to_string()));
    let client = client.map_err(|reason| ClusterError::Configuration {
        cluster: name.to_owned(),
        reason: format!("the portal does not run in a cluster ({reason})"),
    });
    Found { facts: facts_of(name, &url), client, custom: Vec::new() }
}

fn facts_of(name: &str, url: &str) -> ClusterFacts {
    ClusterFacts {
        name: name.to_owned(),
        title: None,
        url: url.trim_end_matches('/').to_owned(),
        dashboard: None,
        auth_provider: "serviceAccount".to_owned(),
        skip_metrics: true,
        origin: Origin::Configuration,
    }
}

async fn client(name: &str, kubeconfig: Kubeconfig, context: Option<String>) -> Result<Client, ClusterError> {
    let wrong = |reason: String| ClusterError::Configuration { cluster: name.to_owned(), reason };
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| wrong(error.to_string()))?;
    Client::try_from(limited(config)).map_err(|error| wrong(error.to_string()))
}

/// Connecting has a limit of its own; answers are waited for by who asks, since a watch is silent for long.
fn limited(mut config: Config) -> Config {
    config.connect_timeout = Some(CONNECT_LIMIT);
    // What is sent again must be the caller's wish.
    config.default_retry = false;
    config
}
