//! Registries for tests: a real one with passwords, and the model of Harbor in front of another; each once for the whole
//! test run, with images of their own for every test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Registries, RegistryConfig};

/// A program that ends with this process, whose end of the pipe it reads from.
pub(crate) struct Program {
    told: Value,
    _child: Child,
}

/// A registry that asks for a password, as an entry of `registries`; none where the programs are not there.
pub(crate) fn plain() -> Option<&'static Program> {
    static PLAIN: OnceLock<Option<Program>> = OnceLock::new();
    PLAIN.get_or_init(|| Program::start("tests/cluster/registry-serve.mjs", &[])).as_ref()
}

/// The model of Harbor that tests share, each with projects of its own; none where the programs are not there.
pub(crate) fn harbor() -> Option<&'static Program> {
    static HARBOR: OnceLock<Option<Program>> = OnceLock::new();
    HARBOR.get_or_init(own_harbor).as_ref()
}

/// A Harbor for one test that makes it fail.
pub(crate) fn own_harbor() -> Option<Program> {
    Program::start("tests/harbor/serve.mjs", &["build/harbor/description.json"])
}

impl Program {
    fn start(script: &str, needed: &[&str]) -> Option<Self> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<_> = std::env::split_paths(&folders).collect();
        folders.push(root.join("build/registry/usr/bin"));
        let has_registry =
            folders.iter().any(|folder| ["registry", "docker-registry"].iter().any(|name| folder.join(name).is_file()));
        let has_all = has_registry && needed.iter().all(|file| root.join(file).is_file());
        if !has_all || std::env::var_os("GREENROOM_NODE_MODULES").is_none() {
            println!("skipped: there is no registry in build/ for {script} (`.ci/setup test` fetches it)");
            return None;
        }
        let mut child =
            Command::new("node").arg(root.join(script)).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{script} said {line:?}"));
        Some(Self { told, _child: child })
    }

    /// What it said about itself.
    pub(crate) fn told(&self, key: &str) -> &str {
        self.told[key].as_str().unwrap()
    }

    /// One entry of `registries`, as a person.
    pub(crate) fn entry(&self, kind: &str, username: &str, password: &str) -> Value {
        json!({"name": "acme", "kind": kind, "url": self.told("url"), "username": username, "password": password})
    }

    /// One entry of `registries`, as whoever may do everything.
    pub(crate) fn own_entry(&self, kind: &str) -> Value {
        let admin = &self.told["admin"];
        self.entry(kind, admin["name"].as_str().unwrap(), admin["password"].as_str().unwrap())
    }

    /// Asks the program's control: `violations`, `requests`, or with a body `faults`.
    pub(crate) async fn control(&self, what: &str, body: Option<Value>) -> Value {
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        let url = format!("{}/{what}", self.told("control"));
        let request = match body {
            Some(body) => http.post(url).json(&body),
            None => http.get(url),
        };
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Nobody said anything that Harbor's description does not have.
    pub(crate) async fn assert_described(&self) {
        assert_eq!(self.control("violations", None).await, json!([]));
    }
}

/// Registries of these entries.
pub(crate) fn registries(entries: &[Value]) -> Registries {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let configs: Vec<RegistryConfig> = entries.iter().map(|one| serde_json::from_value(one.clone()).unwrap()).collect();
    Registries::open(&configs).unwrap()
}
