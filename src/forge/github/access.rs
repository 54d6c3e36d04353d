//! Who to be: the App's installation on an owner, else the token, as Backstage chooses; to read, nobody where there is
//! neither.
//!
//! Installation tokens live an hour; octocrab keeps and renews them. Which owners an App is installed on is asked once
//! and again after a while, when an owner is missing, or when a webhook says that it changed.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::EncodingKey;
use lru::LruCache;
use octocrab::AuthState;
use octocrab::auth::AppAuth;
use octocrab::models::{AppId, InstallationId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::client::{Call, Client};
use super::config::{AppConfig, Endpoints, GitHubConfig};
use super::error::Failure;
use super::pace::{Budget, Tempo};
use super::wire::Wire;

/// How long the list of installations is taken for true, and for how long at least where an owner is not in it.
const FRESH: Duration = Duration::from_mins(10);
const MISSED: Duration = Duration::from_secs(20);
/// Clients of people's own tokens that are kept.
const PEOPLE: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// Whose requests those without credentials are.
const NOBODY: &str = "without credentials";

/// The credentials of one host.
#[derive(Debug)]
pub(super) struct Access {
    endpoints: Endpoints,
    http: reqwest::Client,
    tempo: Tempo,
    token: Option<Client>,
    /// GitHub counts its requests by the portal's address.
    nobody: Client,
    apps: Vec<App>,
    people: Mutex<LruCache<[u8; 32], Client>>,
}

/// A GitHub App.
#[derive(Debug)]
struct App {
    config: AppConfig,
    auth: AppAuth,
    client: Client,
    /// Where its page is, once asked.
    page: OnceCell<String>,
    installations: tokio::sync::Mutex<Option<(Instant, Vec<Installation>)>>,
    clients: Mutex<HashMap<u64, Client>>,
}

/// Where an App is installed.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Installation {
    /// Its number.
    pub(crate) id: u64,
    /// On whom.
    pub(crate) account: Account,
    /// Set while it is suspended.
    #[serde(default)]
    pub(crate) suspended_at: Option<String>,
}

/// An organisation or a person.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Account {
    /// The name in addresses.
    pub(crate) login: String,
    /// `Organization` or `User`.
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
}

impl Installation {
    /// Whether it is on an organisation, not on a person, and at work.
    pub(super) fn is_on_organization(&self) -> bool {
        self.account.kind == "Organization" && self.suspended_at.is_none()
    }
}

/// What is left to one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// `acme (app 17)` or `token`.
    pub(crate) who: String,
    /// What is left of what, `core` or `graphql`; nothing before the first request.
    pub(crate) budgets: Vec<(String, Budget)>,
}

impl Access {
    /// The credentials of one entry of the configuration.
    pub(super) fn new(
        config: &GitHubConfig,
        endpoints: Endpoints,
        http: reqwest::Client,
        tempo: Tempo,
    ) -> Result<Self, String> {
        let wire = |who: String| Wire::new(http.clone(), endpoints.clone(), who, tempo);
        let nobody = Client::with_auth(wire(NOBODY.to_owned()), AuthState::None);
        // `${GITHUB_TOKEN:-}` of an environment without it is empty.
        let token = config
            .token
            .clone()
            .filter(|token| !token.expose_secret().trim().is_empty())
            .map(|token| Client::with_auth(wire("token".to_owned()), AuthState::AccessToken { token }));
        let app = |config: &AppConfig| -> Result<App, String> {
            // An environment variable has it in one line, often.
            let pem = config.private_key.expose_secret().replace("\\n", "\n");
            let key = EncodingKey::from_rsa_pem(pem.trim().as_bytes()).map_err(|error| {
                format!(
                    "`privateKey` of the App {} for {} is not a PEM private key ({error}); give it as GitHub made it, beginning with `-----BEGIN RSA PRIVATE KEY-----`",
                    config.app_id.0, endpoints.host
                )
            })?;
            let auth = AppAuth { app_id: AppId(config.app_id.0), key };
            let client = Client::with_auth(wire(format!("app {}", config.app_id.0)), AuthState::App(auth.clone()));
            Ok(App {
                config: config.clone(),
                auth,
                client,
                page: OnceCell::new(),
                installations: tokio::sync::Mutex::default(),
                clients: Mutex::default(),
            })
        };
        let apps = config.apps.iter().map(app).collect::<Result<_, _>>()?;
        Ok(Self { endpoints, http, tempo, token, nobody, apps, people: Mutex::new(LruCache::new(PEOPLE)) })
    }

    /// The client for what belongs to an owner.
    pub(super) async fn of_owner(&self, owner: &str) -> Result<Client, Failure> {
        match self.credential(owner).await? {
            Some(client) => Ok(client),
            None => Err(Failure::Credentials(self.nobody(owner).await)),
        }
    }

    /// The client for reading what belongs to an owner: without credentials what is public.
    pub(super) async fn reader(&self, owner: &str) -> Result<Client, Failure> {
        match self.credential(owner).await? {
            Some(client) => Ok(client),
            None => Ok(self.nobody.of_nobody(self.nobody(owner).await)),
        }
    }

    async fn credential(&self, owner: &str) -> Result<Option<Client>, Failure> {
        match self.installed(owner).await? {
            Some((app, installation)) => self.client_of(app, &installation).map(Some),
            None => Ok(self.token.clone()),
        }
    }

    /// The App's installation on an owner; none where no App is.
    pub(super) async fn installation(&self, owner: &str) -> Result<Option<Installation>, Failure> {
        Ok(self.installed(owner).await?.map(|(_, installation)| installation))
    }

    /// Every installation of every App.
    pub(super) async fn installations(&self) -> Result<Vec<Installation>, Failure> {
        self.installations_of(None).await
    }

    /// Every installation of every App, or of the one with this number.
    pub(super) async fn installations_of(&self, number: Option<u64>) -> Result<Vec<Installation>, Failure> {
        let mut all = Vec::new();
        for app in self.apps.iter().filter(|app| number.is_none_or(|number| app.config.app_id.0 == number)) {
            let known = app.installations(FRESH).await?;
            all.extend(known.into_iter().filter(|installation| app.may_serve(&installation.account.login)));
        }
        Ok(all)
    }

    /// A client with a person's own token.
    pub(super) fn of_person(&self, token: &SecretString) -> Client {
        let key: [u8; 32] = Sha256::digest(token.expose_secret()).into();
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let wire = Wire::new(self.http.clone(), self.endpoints.clone(), "a user's token".to_owned(), self.tempo);
            Client::with_auth(wire, AuthState::AccessToken { token: token.clone() })
        };
        people.get_or_insert(key, make).clone()
    }

    /// What webhooks of this host may be signed with.
    pub(super) fn webhook_secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.apps.iter().filter_map(|app| app.config.webhook_secret.as_ref())
    }

    /// Asks anew where the Apps are installed.
    pub(super) async fn forget_installations(&self) {
        for app in &self.apps {
            *app.installations.lock().await = None;
        }
    }

    /// What is left to each credential that was used.
    pub(super) fn allowances(&self) -> Vec<Allowance> {
        let of_apps = self.apps.iter().flat_map(|app| {
            let clients = app.clients.lock().unwrap_or_else(PoisonError::into_inner);
            clients.values().cloned().collect::<Vec<_>>()
        });
        let nobody = Some(&self.nobody).filter(|nobody| !nobody.budgets().is_empty());
        let clients = self.token.iter().chain(nobody).cloned().chain(of_apps);
        let mut all: Vec<Allowance> =
            clients.map(|client| Allowance { who: client.who().to_owned(), budgets: client.budgets() }).collect();
        all.sort_by(|one, other| one.who.cmp(&other.who));
        all
    }

    async fn installed(&self, owner: &str) -> Result<Option<(&App, Installation)>, Failure> {
        for app in self.apps.iter().filter(|app| app.may_serve(owner)) {
            let on_owner = |known: Vec<Installation>| {
                known.into_iter().find(|installation| installation.account.login.eq_ignore_ascii_case(owner))
            };
            let mut found = on_owner(app.installations(FRESH).await?);
            if found.is_none() {
                found = on_owner(app.installations(MISSED).await?);
            }
            if let Some(installation) = found {
                return Ok(Some((app, installation)));
            }
        }
        Ok(None)
    }

    fn client_of(&self, app: &App, installation: &Installation) -> Result<Client, Failure> {
        let account = &installation.account.login;
        if installation.suspended_at.is_some() {
            return Err(Failure::Credentials(format!(
                "the installation of the GitHub App {} on {account} is suspended; an owner of {account} can lift that in its settings, GitHub Apps",
                app.config.app_id.0
            )));
        }
        let mut clients = app.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&installation.id) {
            return Ok(client.clone());
        }
        let who = format!("{account} (app {})", app.config.app_id.0);
        let wire = Wire::new(self.http.clone(), self.endpoints.clone(), who, self.tempo);
        let as_app = Client::with_auth(wire.clone(), AuthState::App(app.auth.clone()));
        let octocrab = as_app.octocrab().installation(InstallationId(installation.id))?;
        let client = Client::of_installation(octocrab, wire);
        clients.insert(installation.id, client.clone());
        Ok(client)
    }

    /// Why there is nobody to be for an owner.
    async fn nobody(&self, owner: &str) -> String {
        let host = &self.endpoints.host;
        let Some(app) = self.apps.iter().find(|app| app.may_serve(owner)) else {
            return if self.apps.is_empty() {
                format!(
                    "there are no credentials for {host}; add a `token` or `apps` to its entry in `integrations.github`"
                )
            } else {
                format!(
                    "no App of {host} may be used for {owner}; add it to `allowedInstallationOwners` in `integrations.github`"
                )
            };
        };
        let place =
            app.page().await.map_or_else(|_| "from its page".to_owned(), |page| format!("at {page}/installations/new"));
        format!("the GitHub App {} is not installed on {owner}; install it {place}", app.config.app_id.0)
    }
}

/// The App's own page.
#[derive(Deserialize)]
struct Page {
    html_url: String,
}

impl App {
    fn may_serve(&self, owner: &str) -> bool {
        let allowed = self.config.allowed_installation_owners.as_ref();
        allowed.is_none_or(|allowed| allowed.iter().any(|name| name.eq_ignore_ascii_case(owner)))
    }

    async fn page(&self) -> Result<&str, Failure> {
        let asked = async || Ok::<_, Failure>(self.client.ask::<Page>(Call::get(["app"])).await?.html_url);
        self.page.get_or_try_init(asked).await.map(String::as_str)
    }

    async fn installations(&self, fresh: Duration) -> Result<Vec<Installation>, Failure> {
        let mut known = self.installations.lock().await;
        if let Some((read, installations)) = &*known
            && read.elapsed() < fresh
        {
            return Ok(installations.clone());
        }
        let installations: Vec<Installation> = self.client.all(Call::get(["app", "installations"]), None).await?;
        *known = Some((Instant::now(), installations.clone()));
        Ok(installations)
    }
}
