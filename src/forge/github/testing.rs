//! The model of GitHub for tests: one program for the whole test run, and a world in it for each test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{GitHub, GitHubConfig, Tempo};

/// The program; it ends with this process, whose end of the pipe it reads from.
struct Program {
    control: Url,
    _child: Child,
}

/// Where the model answers; none where its packages are not installed.
fn program() -> Option<&'static Program> {
    static PROGRAM: OnceLock<Option<Program>> = OnceLock::new();
    PROGRAM.get_or_init(start).as_ref()
}

fn start() -> Option<Program> {
    if std::env::var_os("GREENROOM_NODE_MODULES").is_none() {
        println!("skipped: GREENROOM_NODE_MODULES names no folder with the packages of the model of GitHub");
        return None;
    }
    let mut child = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/github/serve.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let control = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("the model said {line:?}"));
    Some(Program { control: Url::parse(control).unwrap(), _child: child })
}

/// A GitHub of its own for one test.
pub(crate) struct World {
    http: reqwest::Client,
    here: Url,
    told: Value,
}

impl World {
    /// With what the model is to have in it; none where the model is not installed.
    pub(crate) async fn new(wanted: Value) -> Option<Self> {
        let program = program()?;
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        let answer = http.post(program.control.join("worlds").unwrap()).json(&wanted).send().await.unwrap();
        let status = answer.status();
        let told: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{told}");
        let here = program.control.join(&format!("worlds/{}/", told["id"].as_str().unwrap())).unwrap();
        Some(Self { http, here, told })
    }

    /// The organisation `acme` with a team and three people, and an App that may do everything in it.
    pub(crate) async fn acme() -> Option<Self> {
        Self::new(acme()).await
    }

    /// The host in a `repoUrl`.
    pub(crate) fn host(&self) -> String {
        let url = Url::parse(self.told["url"].as_str().unwrap()).unwrap();
        format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())
    }

    /// One entry of `integrations.github` that uses the App.
    pub(crate) fn with_app(&self) -> Value {
        let app = &self.told["app"];
        json!({
            "host": self.host(), "apiBaseUrl": self.told["apiUrl"],
            "apps": [{"appId": app["id"], "privateKey": app["privateKey"], "webhookSecret": app["webhookSecret"]}],
        })
    }

    /// One entry of `integrations.github` that uses a token.
    pub(crate) fn with_token(&self, token: &str) -> Value {
        json!({"host": self.host(), "apiBaseUrl": self.told["apiUrl"], "token": token})
    }

    /// The client that an entry of the configuration makes.
    pub(crate) fn github(config: &Value) -> GitHub {
        let config: GitHubConfig = serde_json::from_value(config.clone()).unwrap();
        // Backoff and limits pass as quickly as the model's clock, where that is quicker.
        GitHub::with_tempo(&config, Tempo::default()).unwrap()
    }

    /// Everything there is, secrets opened.
    pub(crate) async fn state(&self) -> Value {
        self.get("").await
    }

    /// A repository there is.
    pub(crate) async fn repository(&self, full_name: &str) -> Value {
        let state = self.state().await;
        let all = state["repositories"].as_array().cloned().unwrap_or_default();
        all.into_iter()
            .find(|repository| {
                repository["full_name"].as_str().or_else(|| repository["fullName"].as_str()) == Some(full_name)
            })
            .unwrap_or(Value::Null)
    }

    /// What was asked since the last time, as `METHOD path status`.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let log = self.get("requests").await;
        let line = |entry: &Value| {
            let part = |key: &str| entry[key].as_str().map_or_else(|| entry[key].to_string(), str::to_owned);
            format!("{} {} {}", part("method"), part("path"), part("status"))
        };
        let lines = log.as_array().unwrap().iter().map(line).collect();
        self.http.delete(self.here.join("requests").unwrap()).send().await.unwrap();
        lines
    }

    /// The log of requests as the model keeps it.
    pub(crate) async fn request_log(&self) -> Vec<Value> {
        self.get("requests").await.as_array().cloned().unwrap_or_default()
    }

    /// Makes the next fitting requests go wrong.
    pub(crate) async fn fault(&self, fault: Value) {
        let answer = self.http.post(self.here.join("faults").unwrap()).json(&json!([fault])).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Nothing goes wrong any more.
    pub(crate) async fn no_faults(&self) {
        self.http.delete(self.here.join("faults").unwrap()).send().await.unwrap();
    }

    /// Does something as a person on GitHub would.
    pub(crate) async fn event(&self, event: Value) -> Value {
        let answer = self.http.post(self.here.join("events").unwrap()).json(&event).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    /// Every request and answer was as GitHub describes them.
    pub(crate) async fn assert_lawful(&self) {
        let violations = self.get("violations").await;
        assert_eq!(violations, json!([]), "{violations:#}");
    }

    async fn get(&self, what: &str) -> Value {
        self.http.get(self.here.join(what).unwrap()).send().await.unwrap().json().await.unwrap()
    }
}

/// What [`World::acme`] has in it.
pub(crate) fn acme() -> Value {
    json!({
        "users": [
            {"login": "ada", "name": "Ada", "email": "ada@acme.example"},
            {"login": "bob", "name": "Bob", "email": "bob@acme.example"},
            {"login": "eve", "name": "Eve", "email": "eve@other.example"},
        ],
        "organizations": [{
            "login": "acme",
            "members": [{"login": "ada", "role": "admin"}, {"login": "bob", "role": "member"}],
            "teams": [{"slug": "platform", "name": "Platform", "members": ["ada", "bob"]}],
        }],
        "tokens": [
            {"token": "ghp_ada", "user": "ada", "scopes": ["repo", "workflow", "admin:org", "delete_repo"]},
            {"token": "ghp_weak", "user": "bob", "scopes": ["read:user"]},
        ],
        "app": {"slug": "greenroom", "webhookSecret": "hook secret", "installations": [{"account": "acme", "repositories": "all"}]},
    })
}
