//! The composition root: builds every context from configuration, and owns what runs in the background.
//!
//! Order of a start: database, and beside it the local forge with what it ships with → catalog (index from Postgres), and
//! beside it the first key → delivery → scaffolder with every action → auth → web. Order of a stop: no new requests, steps under way finish, catalog and workers end,
//! then the database.

mod data;
pub(crate) mod database;
mod seed;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

pub(crate) use data::{DEFAULT as DEFAULT_DATA_DIR, DataDir, RunningServer, Taken};
pub(crate) use database::Opened;

use crate::announcement::Announcements;
use crate::auth::{self, Auth, AuthConfig};
use crate::catalog::{Catalog, CatalogConfig, ConfiguredLocation, Early, ForgeEvent};
use crate::cluster::Clusters;
use crate::config::{Config, Loaded};
use crate::db::Reach;
use crate::delivery::action::{Decommission, Runs};
use crate::delivery::{self, Delivery, Environment};
use crate::event::{Events, Follower};
use crate::forge::{Forge, Forges, GitHub, LocalForge};
use crate::import::Imports;
use crate::notification::Notifications;
use crate::ownership::Ownership;
use crate::pipeline::Pipelines;
use crate::preference::Preferences;
use crate::registry::Registries;
use crate::review::{Review, Subjects};
use crate::scaffolder::{Action, ActionRegistry, Author, Portal, Scaffolder, portal_request, send_notification};
use crate::search::Search;
use crate::techdocs::TechDocs;
use crate::web::{self, AppState, OwnApi, Parts, Site, WebConfig};

/// How long background work may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(30);
/// How long the question whether a server runs may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the figures of requests are summed up, and free memory is given back.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(10);
/// How often expired sessions and drafts are removed.
const SWEEP_INTERVAL: Duration = Duration::from_mins(10);

/// All contexts of a running portal.
pub(crate) struct App {
    /// What handlers see.
    pub(crate) state: AppState,
    web: WebConfig,
    own_api: Arc<OwnApi>,
    runs: Runs,
    pool: PgPool,
    background: TaskTracker,
}

/// Where people and clients reach a portal.
#[derive(Debug, Clone)]
pub(crate) struct Reached {
    /// The address.
    pub(crate) base_url: Url,
    /// Whether it listens on loopback only.
    pub(crate) loopback: bool,
}

/// What needs no database.
struct Ground {
    forge: LocalForge,
    forges: Forges,
    catalog: CatalogConfig,
    early: Early,
    announcements: Option<String>,
}

/// What an [`App`] is told besides its configuration.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// Where people and clients reach the portal.
    pub(crate) base_url: Url,
    /// Whether it listens on loopback only.
    pub(crate) loopback: bool,
    /// Which database it is, in words.
    pub(crate) database: String,
    /// Whether no other server can be at work on that database.
    pub(crate) alone: bool,
}

impl App {
    /// Opens the database and builds every context. Nothing runs yet; what is shipped is in the forge.
    pub(crate) async fn open(loaded: &Loaded, data: &DataDir, reached: Reached) -> anyhow::Result<(Self, Opened)> {
        // What is asked of forges while everything opens counts, too.
        crate::telemetry::metrics();
        // Large futures, each needed once.
        let opening = Box::pin(database::open(&loaded.config.backend, data));
        let (opened, ground) = tokio::join!(opening, Ground::new(loaded, data, &reached.base_url));
        let opened = opened?;
        let surroundings = Surroundings {
            base_url: reached.base_url,
            loopback: reached.loopback,
            database: opened.description.clone(),
            alone: opened.embedded.is_some(),
        };
        let app = match ground {
            Ok(ground) => Box::pin(Self::on(ground, loaded, opened.database.pool(), data, surroundings)).await,
            Err(error) => Err(error),
        };
        match app {
            Ok(app) => Ok((app, opened)),
            Err(error) => {
                opened.close().await;
                Err(error)
            }
        }
    }

    async fn on(
        ground: Ground,
        loaded: &Loaded,
        pool: &PgPool,
        data: &DataDir,
        surroundings: Surroundings,
    ) -> anyhow::Result<Self> {
        let config = &loaded.config;
        let Ground { forge, forges, catalog, early, announcements } = ground;
        let opening = Catalog::open_after(early, pool.clone(), forges.clone(), catalog);
        let (catalog, key, clusters) =
            tokio::join!(opening, auth::make_first_key(pool), Clusters::open(&config.kubernetes));
        let catalog = catalog?;
        key?;
        let delivery = delivery_on(config, pool, clusters)?;
        let own_api = Arc::new(OwnApi::default());
        let notifications = Notifications::new(pool.clone());
        let preferences = Preferences::new(pool.clone());
        let announcements = Announcements::new(catalog.reader().clone(), announcements.as_deref());
        let ownership = Ownership::new(catalog.clone(), forges.clone());
        let mut registry = registry(&catalog, &forges, &delivery, &config.scaffolder.author());
        let runs = Runs::default();
        registry.register(decommission(&catalog, &forges, &delivery, &runs));
        registry.register(portal_request(Arc::clone(&own_api) as Arc<dyn Portal>));
        registry.register(send_notification(&notifications, &catalog));
        let review = review(loaded, &catalog, &forges, &registry)?;
        let imports = Imports::new(pool.clone(), catalog.clone(), forges.clone(), config.scaffolder.author());
        let techdocs = TechDocs::new(pool.clone(), catalog.clone());
        let followers = followers(review, &imports, &techdocs);
        let events = Events::new(pool.clone(), forges.clone(), catalog.clone(), &config.events, followers);
        let scaffolder = scaffolder(config, pool, &surroundings, &catalog, &forges, &delivery, registry);
        runs.open(scaffolder.clone());
        if catalog.index().is_empty() {
            // Nobody should find an empty portal at a first start.
            catalog.read_due().await?;
        }
        if surroundings.alone {
            scaffolder.take_over().await?;
        }
        let reach = Reach::default();
        let auth = Auth::open(pool.clone(), people(config, &surroundings), catalog.clone(), reach.clone()).await?;
        let web =
            WebConfig { cors: config.backend.cors.clone(), loopback: surroundings.loopback, ..WebConfig::default() };
        let site = site(config, data, surroundings, reach);
        let parts = Parts {
            search: Search::new(catalog.clone(), scaffolder.clone(), techdocs.clone()),
            pipelines: Pipelines::new(forges.clone()),
            techdocs,
            imports,
            catalog,
            scaffolder,
            ownership,
            notifications,
            preferences,
            announcements,
            events,
            delivery,
            forges,
            forge,
            auth,
            site: Arc::new(site),
            metrics: crate::telemetry::metrics().clone(),
        };
        let state = AppState::from(parts);
        own_api.open(web::router(state.clone(), web.clone()), state.clone());
        Ok(Self { state, web, own_api, runs, pool: pool.clone(), background: TaskTracker::new() })
    }

    /// Starts reading sources, running tasks and sweeping, until `shutdown`.
    pub(crate) fn start(&self, shutdown: &CancellationToken) {
        let (auth, scaffolder) = (self.state.auth.clone(), self.state.scaffolder.clone());
        let (notifications, events) = (self.state.notifications.clone(), self.state.events.clone());
        self.background.spawn(events.clone().run(shutdown.clone()));
        self.background.spawn(self.state.catalog.clone().run(shutdown.clone()));
        self.background.spawn(scaffolder.clone().work(shutdown.clone()));
        self.background.spawn(self.state.search.clone().work(shutdown.clone()));
        self.background.spawn(self.state.imports.clone().work(shutdown.clone()));
        self.background.spawn(self.state.techdocs.clone().work(shutdown.clone()));
        let (catalog, forges) = (self.state.catalog.clone(), self.state.forges.clone());
        self.background.spawn(self.state.delivery.clone().work(catalog, forges, shutdown.clone()));
        self.background.spawn(self.state.announcements.clone().work(shutdown.clone()));
        let reach = self.state.site.reach.clone();
        self.background.spawn(reach.watch(self.pool.clone(), shutdown.clone()));
        self.background.spawn(keep_figures(self.state.metrics.clone(), shutdown.clone()));
        let stopped = shutdown.clone();
        self.background.spawn(async move {
            let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = stopped.cancelled() => break,
                }
                if let Err(error) = auth.sweep().await {
                    tracing::warn!(%error, "cannot remove expired sessions");
                }
                if let Err(error) = scaffolder.sweep().await {
                    tracing::warn!(%error, "cannot remove expired drafts");
                }
                if let Err(error) = events.sweep().await {
                    tracing::warn!(%error, "cannot forget old webhooks");
                }
                if let Err(error) = notifications.sweep().await {
                    tracing::warn!(%error, "cannot remove old notifications");
                }
            }
        });
    }

    /// Everything that answers HTTP.
    pub(crate) fn router(&self) -> web::Entrance {
        web::router(self.state.clone(), self.web.clone())
    }

    /// Waits for what [`App::start`] started; a step that takes too long is begun again at the next start.
    pub(crate) async fn finish(&self) {
        self.background.close();
        if tokio::time::timeout(GRACE, self.background.wait()).await.is_err() {
            tracing::warn!("background work did not end within {} s", GRACE.as_secs());
        }
        self.own_api.close();
        self.runs.close();
    }
}

impl Ground {
    /// Opens the forges; what is shipped is in the local one. Reads configured files if making a database takes longer.
    async fn new(loaded: &Loaded, data: &DataDir, base_url: &Url) -> anyhow::Result<Self> {
        let forge = LocalForge::open(data.repositories(), base_url.clone()).context("cannot open the local forge")?;
        let forges = forges(&loaded.config, &forge)?;
        let catalog = catalog_config(loaded, &forge).await?;
        // The files of a portal that has a database are mostly what they were.
        let is_first = database::is_to_be_made(&loaded.config.backend, data);
        let early = if is_first { Early::read(&forges, &catalog).await } else { Early::default() };
        let announcements = announcements(loaded, &catalog);
        Ok(Self { forge, forges, catalog, early, announcements })
    }
}

/// Who may sign in, and how.
fn people(config: &Config, surroundings: &Surroundings) -> AuthConfig {
    AuthConfig {
        providers: config.auth.providers.clone(),
        backend: config.backend.auth.clone(),
        issuer: format!("{}/api/auth", surroundings.base_url.as_str().trim_end_matches('/')),
        loopback: surroundings.loopback,
        session_duration: config.auth.session_duration.map(|duration| duration.0),
    }
}

/// What looks at pull requests: with the actions of this portal, for descriptors where discovery looks for them.
fn review(loaded: &Loaded, catalog: &Catalog, forges: &Forges, actions: &ActionRegistry) -> anyhow::Result<Review> {
    let subjects = Subjects::new(catalog_paths(&loaded.document))
        .map_err(|reason| anyhow::anyhow!("configuration `catalog.providers.github`: {reason}"))?;
    let (reader, model) = (catalog.reader().clone(), loaded.config.catalog.model.clone());
    Ok(Review::new(forges.clone(), reader, actions.clone(), model, subjects))
}

/// Every `catalogPath` of `catalog.providers.github`, which is one provider or a map of them.
fn catalog_paths(document: &Value) -> impl Iterator<Item = &str> {
    let section = document.pointer("/catalog/providers/github").and_then(Value::as_object);
    let own = section.and_then(|section| section.get("catalogPath"));
    let named = section.into_iter().flat_map(|section| section.values()).filter_map(|one| one.get("catalogPath"));
    own.into_iter().chain(named).filter_map(Value::as_str)
}

/// The local forge, and every GitHub that configuration names.
fn forges(config: &Config, local: &LocalForge) -> anyhow::Result<Forges> {
    let mut all: Vec<Arc<dyn Forge>> = vec![Arc::new(local.clone())];
    for (at, entry) in config.integrations.github.iter().enumerate() {
        let github = GitHub::new(entry)
            .map_err(|reason| anyhow::anyhow!("configuration `integrations.github[{at}]`: {reason}"))?;
        all.push(Arc::new(github));
    }
    Ok(Forges::new(all))
}

/// Sums up what the histograms collect: until then every single value stays in memory.
async fn keep_figures(metrics: PrometheusHandle, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => metrics.run_upkeep(),
            () = shutdown.cancelled() => return,
        }
    }
}

/// The scaffolder with every action. Expressions see where the portal is as `environment.parameters.portalUrl`.
fn scaffolder(
    config: &Config,
    pool: &PgPool,
    surroundings: &Surroundings,
    catalog: &Catalog,
    forges: &Forges,
    delivery: &Delivery,
    registry: ActionRegistry,
) -> Scaffolder {
    let mut section = config.scaffolder.clone();
    let portal_url = surroundings.base_url.as_str().trim_end_matches('/').to_owned();
    section.default_environment.parameters.entry("portalUrl").or_insert(Value::String(portal_url));
    let environments = serde_json::json!(delivery.environments());
    Scaffolder::new(pool.clone(), catalog.clone(), forges.clone(), registry, section, environments)
}

/// The catalog's section, with what is shipped where configuration names no locations.
async fn catalog_config(loaded: &Loaded, forge: &dyn Forge) -> anyhow::Result<CatalogConfig> {
    let mut config = loaded.config.catalog.clone();
    config.reading = loaded.config.backend.reading.clone();
    let templates =
        seed::software_templates(forge).await.context("cannot put the shipped templates into the local forge")?;
    if loaded.document.pointer("/catalog/locations").is_none() {
        let example = seed::example_organisation(forge).await.context("cannot put the example into the local forge")?;
        let own = seed::own_documentation(forge).await.context("cannot put the documentation into the local forge")?;
        config.locations = [example, templates, own].into_iter().map(ConfiguredLocation::url).collect();
    }
    Ok(config)
}

/// Where the announcements are: as configured, else those of the example.
fn announcements(loaded: &Loaded, catalog: &CatalogConfig) -> Option<String> {
    let example = || {
        let is_example = loaded.document.pointer("/catalog/locations").is_none();
        let first = catalog.locations.first().filter(|_| is_example)?;
        Some(Url::parse(&first.target).ok()?.join("announcements.md").ok()?.to_string())
    };
    loaded.config.organization.announcements.clone().or_else(example)
}

fn site(config: &Config, data: &DataDir, surroundings: Surroundings, reach: Reach) -> Site {
    Site {
        title: config.app.title.clone().unwrap_or_else(|| "Greenroom".to_owned()),
        organization: config.organization.name.clone().unwrap_or_default(),
        base_url: surroundings.base_url,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database: surroundings.database,
        data_dir: data.root().to_path_buf(),
        reach,
    }
}

/// The server that announced itself on a data directory, if it still answers.
pub(crate) async fn running_server(data: &DataDir) -> Option<RunningServer> {
    let server = data.announced()?;
    let client = reqwest::Client::builder().timeout(PROBE_TIMEOUT).build().ok()?;
    let probe = server.url.join("/.backstage/health/v1/readiness").ok()?;
    client.get(probe).send().await.ok().filter(|answer| answer.status().is_success()).map(|_| server)
}

/// Every action of a portal, for looking at templates without one: nothing is connected, so none of them can run.
pub(crate) fn known_actions() -> anyhow::Result<ActionRegistry> {
    let forges = Forges::default();
    let catalog = Catalog::detached(no_database(), forges.clone());
    let delivery = Delivery::detached(Environment::defaults())?;
    Ok(detached_registry(&catalog, &forges, &delivery, &Author::default()))
}

/// A scaffolder for rehearsals of templates: with the actions and environments of a portal, an empty catalog, an empty
/// local forge in a folder of its own, and neither database nor network.
pub(crate) fn rehearsal(config: &Config, folder: &Path) -> anyhow::Result<Scaffolder> {
    let surroundings = Surroundings {
        base_url: Url::parse("http://localhost:7007")?,
        loopback: true,
        database: "none".to_owned(),
        alone: true,
    };
    let forge = LocalForge::open(folder, surroundings.base_url.clone()).context("cannot open a forge")?;
    let forges = Forges::new([Arc::new(forge) as Arc<dyn Forge>]);
    let pool = no_database();
    let catalog = Catalog::detached(pool.clone(), forges.clone());
    let delivery = Delivery::detached(config.environments.0.clone())?;
    let registry = detached_registry(&catalog, &forges, &delivery, &config.scaffolder.author());
    Ok(scaffolder(config, &pool, &surroundings, &catalog, &forges, &delivery, registry))
}

/// Every action, where none of those on the outside is connected to anything.
fn detached_registry(catalog: &Catalog, forges: &Forges, delivery: &Delivery, author: &Author) -> ActionRegistry {
    let mut registry = registry(catalog, forges, delivery, author);
    registry.register(portal_request(Arc::new(OwnApi::default())));
    registry.register(decommission(catalog, forges, delivery, &Runs::default()));
    registry.register(send_notification(&Notifications::new(no_database()), catalog));
    registry
}

/// A pool that cannot reach anything: whoever asks it fails at once.
fn no_database() -> PgPool {
    let nowhere = sqlx::postgres::PgConnectOptions::new_without_pgpass().socket("/dev/null");
    sqlx::postgres::PgPoolOptions::new().acquire_timeout(Duration::from_secs(1)).connect_lazy_with(nowhere)
}

/// Delivery with the clusters, installations and registries of the configuration.
fn delivery_on(config: &Config, pool: &PgPool, clusters: Clusters) -> anyhow::Result<Delivery> {
    let registries = Registries::open(&config.registries)
        .map_err(|reason| anyhow::anyhow!("configuration `registries`: {reason}"))?;
    let delivery = Delivery::new(pool.clone(), config.environments.0.clone())?;
    Ok(delivery.on(clusters, &config.argocd, &config.delivery).with(registries))
}

/// The action that takes a whole service back.
fn decommission(catalog: &Catalog, forges: &Forges, delivery: &Delivery, runs: &Runs) -> Arc<dyn Action> {
    Arc::new(Decommission {
        delivery: delivery.clone(),
        catalog: catalog.clone(),
        forges: forges.clone(),
        runs: runs.clone(),
    })
}

/// The built-in actions and those of the other contexts.
fn registry(catalog: &Catalog, forges: &Forges, delivery: &Delivery, author: &Author) -> ActionRegistry {
    let mut registry = ActionRegistry::builtin(catalog, forges, author);
    for action in delivery::action::all(delivery, forges) {
        registry.register(action);
    }
    registry
}

/// Who follows what forges tell, besides the catalog.
fn followers(review: Review, imports: &Imports, techdocs: &TechDocs) -> Vec<Arc<dyn Follower>> {
    vec![Arc::new(review), Arc::new(imports.clone()), Arc::new(techdocs.clone())]
}

impl Follower for TechDocs {
    fn hear<'a>(&'a self, event: &'a ForgeEvent) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move { Ok(TechDocs::hear(self, event).await?) })
    }
}
