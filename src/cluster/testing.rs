//! Real control planes for tests: one for the whole test run, and others for tests that are hard on theirs.

use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::{Clusters, KubernetesConfig};

/// A control plane; it ends with this process, whose end of the pipe it reads from.
pub(crate) struct Plane {
    told: Value,
    http: reqwest::Client,
    _child: Child,
    _folder: tempfile::TempDir,
}

/// The one that tests share, each in namespaces of its own; none where the programs are not built.
pub(crate) fn shared() -> Option<&'static Plane> {
    static SHARED: OnceLock<Option<Plane>> = OnceLock::new();
    SHARED.get_or_init(|| Plane::start("east")).as_ref()
}

impl Plane {
    /// A control plane of its own; none where the programs are not built.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let root = env!("CARGO_MANIFEST_DIR");
        let is_built = std::path::Path::new(root).join("build/cluster/bin/plane").exists();
        let has_packages = std::env::var_os("GREENROOM_NODE_MODULES").is_some();
        if !has_packages || (!is_built && std::env::var_os("KUBEBUILDER_ASSETS").is_none()) {
            println!("skipped: no control plane is built in build/cluster (`.ci/setup test` does that)");
            return None;
        }
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("cluster.json");
        let mut child = Command::new("node")
            .arg(format!("{root}/tests/cluster/cluster.mjs"))
            .args(["start", "--name", name, "--argo", "--with-input", "--out"])
            .arg(&out)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let told = loop {
            if let Ok(text) = std::fs::read_to_string(&out) {
                break serde_json::from_str(&text).unwrap();
            }
            assert!(child.try_wait().unwrap().is_none(), "the control plane did not start");
            std::thread::sleep(Duration::from_millis(50));
        };
        // A connection ends with the runtime of the test that made it, so none is kept for the next.
        let http =
            reqwest::Client::builder().timeout(Duration::from_mins(1)).pool_max_idle_per_host(0).build().unwrap();
        Some(Self { told, http, _child: child, _folder: folder })
    }

    /// One entry of `clusters`.
    pub(crate) fn entry(&self, name: &str) -> Value {
        self.entry_with(name, self.told["token"].as_str().unwrap())
    }

    /// The same with another token.
    pub(crate) fn entry_with(&self, name: &str, token: &str) -> Value {
        let ca = BASE64.encode(self.told["ca"].as_str().unwrap());
        json!({"name": name, "url": self.told["url"], "authProvider": "serviceAccount", "serviceAccountToken": token, "caData": ca})
    }

    /// The address of the API server.
    pub(crate) fn url(&self) -> String {
        self.told["url"].as_str().unwrap().to_owned()
    }

    /// The token of an account with these rights: the name of a `ClusterRole`, or `{rules, namespaces}`.
    pub(crate) async fn token(&self, account: &str, namespace: &str, rights: Value, seconds: u32) -> String {
        let wanted = json!({"account": account, "namespace": namespace, "rbac": rights, "seconds": seconds});
        self.order("token", wanted).await["token"].as_str().unwrap().to_owned()
    }

    /// Does something to the control plane: `server/kill`, `server/start`, `compact`.
    pub(crate) async fn order(&self, what: &str, body: Value) -> Value {
        let url = format!("{}/{what}", self.told["control"].as_str().unwrap());
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let (is_well, told) = (answer.status().is_success(), answer.json::<Value>().await.unwrap());
        assert!(is_well, "{what}: {told}");
        told
    }
}

/// Clusters of these entries, which nobody follows.
pub(crate) async fn clusters(entries: &[Value]) -> Clusters {
    let section = json!({"clusterLocatorMethods": [{"type": "config", "clusters": entries}]});
    let config: KubernetesConfig = serde_json::from_value(section).unwrap();
    Clusters::open(&config).await
}

/// Follows all clusters as long as the guard lives.
pub(crate) fn follow(clusters: &Clusters) -> DropGuard {
    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    for cluster in clusters.all() {
        cluster.watch(&tasks, &shutdown);
    }
    shutdown.drop_guard()
}

/// Waits until something holds of what the watches saw.
pub(crate) async fn until<T>(clusters: &Clusters, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut changes: Vec<_> = clusters.all().iter().map(|cluster| cluster.picture().changed()).collect();
    let end = tokio::time::Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = look() {
            return found;
        }
        let waits = changes.iter_mut().map(|change| Box::pin(change.changed()));
        let waited = tokio::time::timeout_at(end, futures_util::future::select_all(waits)).await;
        assert!(waited.is_ok(), "within a minute it was not so: {what}");
    }
}
