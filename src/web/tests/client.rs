//! A portal in memory, and clients for it.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt as _;
use url::Url;

use crate::announcement::Announcements;
use crate::auth::{Auth, AuthConfig, BackendAuth, Directory, Providers};
use crate::catalog::{Catalog, CatalogConfig};
use crate::db::Reach;
use crate::db::testing::{TestDatabase, database};
use crate::delivery::Delivery;
use crate::entity::{EntityRef, Model, Relation};
use crate::event::{Events, EventsConfig, Follower};
use crate::forge::{Forge, Forges, GitHub, LocalForge};
use crate::import::Imports;
use crate::notification::Notifications;
use crate::ownership::Ownership;
use crate::pipeline::Pipelines;
use crate::preference::Preferences;
use crate::registry::Registries;
use crate::review::{Review, Subjects};
use crate::scaffolder::{ActionRegistry, Author, Scaffolder, ScaffolderConfig};
use crate::search::Search;
use crate::techdocs::TechDocs;
use crate::web::{AppState, CorsConfig, Entrance, Parts, Site, WebConfig, router};

/// The folder of the local forge.
const REPOSITORIES: &str = "repositories";

/// The router on a database of its own.
pub(crate) struct TestApp {
    pub(crate) router: Entrance,
    pub(crate) state: AppState,
    /// Ends the workers.
    _stop: DropGuard,
    _database: Option<TestDatabase>,
    folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// How a portal under test differs from the default one.
pub(crate) struct Options {
    pub(crate) backend: BackendAuth,
    pub(crate) base_url: &'static str,
    pub(crate) catalog: CatalogConfig,
    /// `auth.providers`
    pub(crate) providers: Option<Providers>,
    /// Other forges beside the local one.
    pub(crate) github: Vec<GitHub>,
    /// `events`
    pub(crate) events: EventsConfig,
    /// The registries that pages ask.
    pub(crate) registries: Registries,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backend: BackendAuth::default(),
            base_url: "http://localhost:7007",
            catalog: CatalogConfig::default(),
            providers: None,
            github: Vec::new(),
            events: EventsConfig::default(),
            registries: Registries::default(),
        }
    }
}

/// The catalog; where it has no guest, one in the team `platform`, as in the golden recordings.
struct People(Catalog);

impl Directory for People {
    fn title(&self, user: &EntityRef) -> Option<String> {
        self.0.title(user).or_else(|| Some("guest".to_owned()))
    }

    fn relations(&self, user: &EntityRef) -> Vec<Relation> {
        if self.0.title(user).is_some() {
            return self.0.relations(user);
        }
        vec![Relation { kind: "memberOf".to_owned(), target: "group:default/platform".to_owned() }]
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Where the local forge keeps its repositories.
    pub(crate) fn repositories(&self) -> PathBuf {
        self.folder.path().join(REPOSITORIES)
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let database = database().await;
        let pool = database.pool().clone();
        Self { _database: Some(database), ..Self::on(pool, options).await }
    }

    /// On a database that somebody else keeps.
    pub(crate) async fn on(pool: PgPool, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let reach = Reach::default();
        let site = site(&options, folder.path(), &reach);
        let config = auth_config(&site, options.providers, options.backend);
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
        let forge = LocalForge::open(folder.path().join(REPOSITORIES), site.base_url.clone()).unwrap();
        let local = Arc::new(forge.clone()) as Arc<dyn Forge>;
        let github = options.github.into_iter().map(|github| Arc::new(github) as Arc<dyn Forge>);
        let forges = Forges::new(std::iter::once(local).chain(github));
        let catalog = Catalog::open(pool.clone(), forges.clone(), options.catalog).await.unwrap();
        let auth = Auth::open(pool.clone(), config, People(catalog.clone()), reach).await.unwrap();
        let delivery = Delivery::new(pool.clone(), Vec::new()).unwrap().with(options.registries.clone());
        let config = ScaffolderConfig::default();
        let registry = ActionRegistry::builtin(&catalog, &forges, &config.author());
        let environments = serde_json::json!([]);
        let actions = registry.clone();
        let scaffolder = Scaffolder::new(pool.clone(), catalog.clone(), forges.clone(), registry, config, environments);
        let stop = CancellationToken::new();
        tokio::spawn(scaffolder.clone().work(stop.clone()));
        let notifications = Notifications::new(pool.clone());
        let preferences = Preferences::new(pool.clone());
        let announcements = Announcements::new(catalog.reader().clone(), None);
        let ownership = Ownership::new(catalog.clone(), forges.clone());
        let imports = Imports::new(pool.clone(), catalog.clone(), forges.clone(), Author::default());
        let pipelines = Pipelines::new(forges.clone());
        let (reader, subjects) = (catalog.reader().clone(), Subjects::new([]).unwrap());
        let review = Review::new(forges.clone(), reader, actions, Model::default(), subjects);
        let followers: Vec<Arc<dyn Follower>> = vec![Arc::new(review), Arc::new(imports.clone())];
        let techdocs = TechDocs::new(pool.clone(), catalog.clone());
        let events = Events::new(pool, forges.clone(), catalog.clone(), &options.events, followers);
        tokio::spawn(events.clone().run(stop.clone()));
        let search = Search::new(catalog.clone(), scaffolder.clone(), techdocs.clone());
        tokio::spawn(search.clone().work(stop.clone()));
        let parts = Parts {
            catalog,
            scaffolder,
            search,
            techdocs,
            pipelines,
            imports,
            ownership,
            notifications,
            announcements,
            preferences,
            events,
            delivery,
            forges,
            forge,
            auth,
            site,
            metrics,
        };
        let state = AppState::from(parts);
        let cors: CorsConfig = serde_yaml::from_str("{ origin: 'http://localhost:3000', credentials: true }").unwrap();
        let router = router(state.clone(), WebConfig { cors, ..WebConfig::default() });
        Self { router, state, _stop: stop.drop_guard(), _database: None, folder }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let request = headers
            .iter()
            .fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(*name, *value));
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], Body::empty()).await
    }

    pub(crate) async fn post_json(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.request("POST", path, &headers, body.to_string()).await
    }

    /// Enters as guest and gives the cookie and the CSRF token.
    pub(crate) async fn enter(&self) -> (String, String) {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.request("POST", "/sign-in/guest", &form, "next=%2Fcreate").await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/create"), "{}", answer.text);
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let token = cookie.split_once('=').unwrap().1;
        let session = self.state.auth.session(token).await.unwrap().unwrap();
        (cookie, session.csrf)
    }

    /// A bearer token of the guest, as a header.
    pub(crate) async fn bearer(&self) -> String {
        format!("Bearer {}", self.state.auth.issue_guest().await.unwrap().token)
    }
}

fn auth_config(site: &Site, providers: Option<Providers>, backend: BackendAuth) -> AuthConfig {
    let issuer = site.absolute("/api/auth");
    AuthConfig { providers, backend, issuer, loopback: true, session_duration: None }
}

fn site(options: &Options, folder: &Path, reach: &Reach) -> Arc<Site> {
    Arc::new(Site {
        title: "Greenroom".to_owned(),
        organization: "Acme".to_owned(),
        base_url: Url::parse(options.base_url).unwrap(),
        version: "0.0.0".to_owned(),
        database: "a test database".to_owned(),
        data_dir: folder.to_owned(),
        reach: reach.clone(),
    })
}
