//! The scaffolder as a whole: a real database, the local forge, a catalog read from files.

mod committed;
mod durable;
mod github;
mod golden;
mod golden_path;
mod goodbye;
pub(super) mod killed;
mod proposed;
mod runs;
mod slips;
mod undone;
mod waits;

use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use uuid::Uuid;

use super::log::{EventKind, NewEvent};
use super::*;
use crate::catalog::{CatalogConfig, ConfiguredLocation, Interval};
use crate::db::testing::{TestDatabase, database};
use crate::forge::{Forge, LocalForge, RepositoryId};

/// A portal's scaffolder with everything it needs.
struct World {
    scaffolder: Scaffolder,
    catalog: Catalog,
    forge: Arc<LocalForge>,
    who: Credentials,
    database: TestDatabase,
    folder: TempDir,
    /// Ends the workers with the test.
    running: DropGuard,
}

const ORGANISATION: &str = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: guest\nspec:\n  memberOf: [payments]\n---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: payments\nspec:\n  type: team\n  children: []\n---\napiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: checkout\nspec:\n  owner: payments\n---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: checkout-api\nspec:\n  type: service\n  lifecycle: production\n  owner: payments\n";

impl World {
    /// With the descriptor files `name → text`, and workers running.
    async fn new(files: &[(&str, &str)]) -> Self {
        let world = Self::at_rest(files, Limits::default()).await;
        world.start();
        world
    }

    /// Nothing runs yet.
    async fn at_rest(files: &[(&str, &str)], limits: Limits) -> Self {
        let (folder, config) = Self::laid_out(files);
        Self::of(folder, config, limits).await
    }

    fn laid_out(files: &[(&str, &str)]) -> (TempDir, CatalogConfig) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "organisation.yaml", ORGANISATION);
        let mut config =
            CatalogConfig { locations: vec![location(folder.path(), "organisation.yaml")], ..CatalogConfig::default() };
        for (name, text) in files {
            write(folder.path(), name, text);
            if name.ends_with("template.yaml") {
                config.locations.push(location(folder.path(), name));
            }
        }
        (folder, config)
    }

    async fn of(folder: TempDir, config: CatalogConfig, limits: Limits) -> Self {
        Self::beside(folder, config, limits, Vec::new()).await
    }

    /// With other forges beside the local one.
    async fn beside(folder: TempDir, config: CatalogConfig, limits: Limits, others: Vec<Arc<dyn Forge>>) -> Self {
        let database = database().await;
        let base = Url::parse("http://localhost:7007").unwrap();
        let forge = Arc::new(LocalForge::open(folder.path().join("repositories"), base).unwrap());
        let forges = Forges::new([forge.clone() as Arc<dyn Forge>].into_iter().chain(others));
        let catalog = Catalog::open(database.pool().clone(), forges.clone(), config).await.unwrap();
        catalog.read_due().await.unwrap();
        let scaffolder = scaffolder(&database, &catalog, &forges, limits);
        let who =
            Credentials::user("user:default/guest".parse().unwrap(), vec!["group:default/payments".parse().unwrap()]);
        Self { scaffolder, catalog, forge, who, database, folder, running: CancellationToken::new().drop_guard() }
    }

    fn start(&self) {
        let stopped = self.running.token().child_token();
        tokio::spawn(self.scaffolder.clone().work(stopped));
    }

    async fn begin(&self, template: &str, values: Value, secrets: Value) -> Uuid {
        self.try_begin(template, values, secrets).await.unwrap()
    }

    async fn try_begin(&self, template: &str, values: Value, secrets: Value) -> Result<Uuid, ScaffolderError> {
        let template = EntityRef::new("template", "default", template);
        self.scaffolder.start(&self.who, StartRun { template, values: map(values), secrets: map(secrets) }).await
    }

    /// Waits for the end; the status and every event's body.
    async fn end(&self, id: Uuid) -> (String, Vec<Value>) {
        let events: Vec<Event> = self.scaffolder.follow(&self.who, id, None).collect().await;
        let status = self.scaffolder.task(&self.who, id).await.unwrap().status;
        (status, events.into_iter().map(|event| event.body).collect())
    }

    async fn run(&self, template: &str, values: Value) -> (String, Vec<Value>) {
        let id = self.begin(template, values, json!({})).await;
        self.end(id).await
    }

    async fn plan(&self, template: &str, values: Value) -> Result<Plan, ScaffolderError> {
        self.scaffolder.plan(&self.who, &EntityRef::new("template", "default", template), map(values), Map::new()).await
    }

    /// The files of a repository's branch, as `path → text`.
    async fn files(&self, repository: &str) -> Vec<(String, String)> {
        let id: RepositoryId = repository.parse().unwrap();
        let mut files = Vec::new();
        for entry in self.forge.walk(&id, "main", "").await.unwrap() {
            let bytes = self.forge.blob(&id, &entry.object_id).await.unwrap();
            files.push((entry.path, String::from_utf8(bytes.to_vec()).unwrap()));
        }
        files
    }
}

fn scaffolder(database: &TestDatabase, catalog: &Catalog, forges: &Forges, limits: Limits) -> Scaffolder {
    let mut registry = ActionRegistry::builtin(catalog, forges, &Author::default());
    let notifications = crate::notification::Notifications::new(database.pool().clone());
    registry.register(send_notification(&notifications, catalog));
    for action in golden_path::stand_ins() {
        registry.register(action);
    }
    let config = ScaffolderConfig::default();
    let mut scaffolder =
        Scaffolder::new(database.pool().clone(), catalog.clone(), forges.clone(), registry, config, json!([]));
    Arc::get_mut(&mut scaffolder.inner).unwrap().limits = limits;
    scaffolder
}

fn location(folder: &Path, name: &str) -> ConfiguredLocation {
    file(folder.join(name).to_str().unwrap())
}

fn file(target: &str) -> ConfiguredLocation {
    let kinds = ["User", "Group", "System", "Component", "Template"];
    serde_json::from_value(json!({"type": "file", "target": target, "rules": [{"allow": kinds}]})).unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// The message of every event, without colours and with `ID` for the run's id.
fn messages(bodies: &[Value]) -> Vec<String> {
    let plain = |text: &str| {
        ["\u{1b}[32m", "\u{1b}[33m", "\u{1b}[39m"].iter().fold(text.to_owned(), |text, code| text.replace(code, ""))
    };
    bodies.iter().map(|body| without_ids(&plain(body["message"].as_str().unwrap()))).collect()
}

/// A text with `ID` for the run's id in paths of the workspace.
fn without_ids(text: &str) -> String {
    const ID: usize = 36;
    let mut parts = text.split("workspace/");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, rest| match rest.get(ID..) {
        Some(rest_of_path) if rest[..ID].parse::<Uuid>().is_ok() => format!("{text}workspace/ID{rest_of_path}"),
        _ => format!("{text}workspace/{rest}"),
    })
}

/// A template of these steps.
fn template(name: &str, rest: &str) -> String {
    format!(
        "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata:\n  name: {name}\nspec:\n  type: service\n  owner: payments\n{rest}"
    )
}
