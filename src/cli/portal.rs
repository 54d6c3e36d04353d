//! A portal to talk to: a running one, or one of our own for as long as the command takes.
//!
//! Commands that need the catalog or make a run use the REST API either way, so a run from the command line is the
//! same run as one from a browser or a client. Order: `--server`, the server announced in the data directory, and
//! else a server in this process on a free loopback port.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Common, serve};
use crate::app::{App, Opened, Reached, Taken, running_server};

/// How long one call may take; event streams have no limit.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which portal to talk to.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// Portal to use [default: the one running on the data directory, or one started for this command]
    #[arg(long, value_name = "URL")]
    server: Option<Url>,
    /// Token to use [default: a guest's, where guests may enter]
    #[arg(long, value_name = "TOKEN", env = "GREENROOM_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A portal that answers.
pub(super) struct Portal {
    url: Url,
    client: reqwest::Client,
    token: Option<String>,
    own: Option<Own>,
}

/// The portal of this process.
struct Own {
    app: App,
    opened: Opened,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    /// Dropped last: nobody else may write before everything here has ended.
    _taken: Taken,
}

impl Portal {
    /// Finds or starts a portal and gets a token for it.
    pub(super) async fn open(common: &Common, target: &Target) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).build()?;
        let (url, own) = match &target.server {
            Some(url) => (url.clone(), None),
            None => Self::find_or_start(common).await?,
        };
        let mut portal = Self { url, client, token: target.token.clone(), own };
        if portal.token.is_none()
            && let Err(error) = portal.enter_as_guest().await
        {
            portal.close().await;
            return Err(error);
        }
        Ok(portal)
    }

    /// The portal that is named, or that runs on the data directory; none is started, and no directory is made.
    pub(super) async fn running(common: &Common, target: &Target) -> anyhow::Result<Option<Self>> {
        let is_running = match &target.server {
            Some(_) => true,
            None => match serve::existing_data_dir(&common.load()?.config) {
                Some(data) => running_server(&data).await.is_some(),
                None => false,
            },
        };
        if is_running { Self::open(common, target).await.map(Some) } else { Ok(None) }
    }

    async fn find_or_start(common: &Common) -> anyhow::Result<(Url, Option<Own>)> {
        let loaded = common.load()?;
        let data = serve::data_dir(&loaded.config)?;
        if let Some(server) = running_server(&data).await {
            return Ok((server.url, None));
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let taken = data.take()?;
        // What a run writes must not depend on the port of the moment.
        let reached = Reached { base_url: serve::configured_base_url(&loaded.config)?, loopback: true };
        let (app, opened) = App::open(&loaded, &data, reached).await?;
        let shutdown = CancellationToken::new();
        app.start(&shutdown);
        let serving = tokio::spawn(crate::web::serve::serve(listener, app.router(), shutdown.clone()));
        let url = Url::parse(&format!("http://127.0.0.1:{}", address.port()))?;
        Ok((url, Some(Own { app, opened, shutdown, serving, _taken: taken })))
    }

    async fn enter_as_guest(&mut self) -> anyhow::Result<()> {
        let answer = self.call(Method::POST, "/api/auth/guest/refresh", None).await.map_err(|error| {
            if error.chain().any(<dyn std::error::Error>::is::<reqwest::Error>) {
                return error;
            }
            error.context("this portal lets no guest in; give a token with --token or GREENROOM_TOKEN")
        })?;
        let token = answer.pointer("/backstageIdentity/token").and_then(Value::as_str);
        self.token = Some(token.context("the portal gave no token")?.to_owned());
        Ok(())
    }

    /// Where it is, for links.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// `GET`s JSON.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// `POST`s JSON.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Opens a stream of events.
    pub(super) async fn stream(&self, path: &str) -> anyhow::Result<Response> {
        let response =
            self.request(Method::GET, path)?.send().await.with_context(|| format!("cannot reach {}", self.url))?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.request(method, path)?.timeout(CALL_TIMEOUT);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("cannot reach the portal on {}", self.url))?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let bytes = response.bytes().await?;
        if bytes.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(&bytes).context("the portal answered something else than JSON")
        }
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<reqwest::RequestBuilder> {
        let request = self.client.request(method, self.url.join(path)?);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// Stops what was started for this command.
    pub(super) async fn close(self) {
        let Some(Own { app, opened, shutdown, serving, _taken }) = self.own else { return };
        shutdown.cancel();
        if serving.await.is_err() {
            tracing::warn!("the server of this command did not end cleanly");
        }
        app.finish().await;
        opened.close().await;
    }
}

/// The words of an error answer: Backstage's envelope, or its list of validation errors.
async fn refusal(response: Response) -> anyhow::Error {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    if let Some(errors) = body.get("errors").and_then(Value::as_array) {
        let lines = errors.iter().filter_map(|error| {
            error
                .get("stack")
                .or_else(|| error.get("message"))
                .and_then(Value::as_str)
                .map(|text| format!("\n  {text}"))
        });
        return anyhow::anyhow!("the answers are not valid:{}", lines.collect::<String>());
    }
    match body.pointer("/error/message").and_then(Value::as_str) {
        Some(message) => anyhow::anyhow!("{message}"),
        None => anyhow::anyhow!("the portal answered {status}"),
    }
}

/// Values from YAML or JSON files and `key=value` pairs, the later over the earlier.
pub(super) fn values(files: &[std::path::PathBuf], pairs: &[String]) -> anyhow::Result<serde_json::Map<String, Value>> {
    let mut values = serde_json::Map::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let document = crate::yaml::documents(&text).into_iter().next();
        match document {
            None => {}
            Some(Ok(document)) => match document.value {
                Value::Object(map) => values.extend(map),
                Value::Null => {}
                _ => bail!("{}: values are a map of names", file.display()),
            },
            Some(Err(error)) => {
                bail!("{}:{}:{}: {}", file.display(), error.position.line, error.position.column, error.message)
            }
        }
    }
    for pair in pairs {
        let (name, text) = pair.split_once('=').with_context(|| format!("`{pair}` is not name=value"))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}
