//! The whole catalog on a real database, with files on disk and repositories of a local forge.

mod ahead;
mod bundle;
mod feed;
mod files;
mod forge;
mod github;
mod hostile;
mod incremental;
mod leases;
mod neighbourhood;
mod processes;
mod providers;
mod versions;

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use url::Url;

use super::registration::Registered;
use super::*;
use crate::db::testing::{TestDatabase, database};
use crate::entity::{Entity, EntityRef};
use crate::forge::testing::{new_commit, new_repository, tree};
use crate::forge::{Forge, LocalForge, Parent, RepositoryId};

/// A catalog with everything around it.
struct Fixture {
    database: TestDatabase,
    folder: TempDir,
    forge: Arc<LocalForge>,
    catalog: Catalog,
    who: Credentials,
}

impl Fixture {
    /// A catalog that is configured to read `*.yaml` of a folder with these files, and has done so.
    async fn with_files(files: &[(&str, &str)]) -> Self {
        Self::with_config(files, json!({})).await
    }

    async fn with_config(files: &[(&str, &str)], config: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            write(&folder.path().join(name), content);
        }
        let database = database().await;
        let base = Url::parse("http://portal.example:7007").unwrap();
        let forge = Arc::new(LocalForge::open(folder.path().join("repositories"), base).unwrap());
        let catalog = open(&database, &forge, folder.path(), config).await;
        catalog.read_due().await.unwrap();
        Self { database, folder, forge, catalog, who: Credentials::service("test") }
    }

    /// The same catalog in another process.
    async fn reopen(&self) -> Catalog {
        open(&self.database, &self.forge, self.folder.path(), json!({})).await
    }

    fn write(&self, name: &str, content: &str) {
        write(&self.folder.path().join(name), content);
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).unwrap();
    }

    /// Reads the configured location again, whenever it is due.
    async fn reread(&self) {
        let source = self.source();
        self.catalog.read_source(&source).await.unwrap();
    }

    fn source(&self) -> String {
        format!("file:{}/*.yaml", self.folder.path().display())
    }

    fn entity(&self, reference: &str) -> Option<Arc<Record>> {
        self.catalog.entity(&self.who, &reference.parse().unwrap())
    }

    /// All references but those of locations, sorted.
    fn references(&self) -> Vec<String> {
        references(&self.catalog)
    }

    async fn problems(&self) -> Vec<Problem> {
        self.catalog.problems(&self.who).await.unwrap()
    }

    async fn operations(&self, reference: &str) -> Vec<Operation> {
        let revisions = self.catalog.revisions(&self.who, &reference.parse().unwrap(), None, 100).await.unwrap();
        revisions.into_iter().map(|revision| revision.change.operation).collect()
    }

    /// Creates a repository with one commit, or adds a commit that replaces everything; gives the commit.
    async fn commit(&self, repository: &str, files: &[(&str, &str)]) -> String {
        let id: RepositoryId = repository.parse().unwrap();
        if self.forge.find(&id).await.is_err() {
            self.forge.create(new_repository(&id)).await.unwrap();
        }
        let parent = match self.forge.resolve(&id, "main").await {
            Ok(tip) => Parent::Tip(tip),
            Err(_) => Parent::Root,
        };
        let new = new_commit("main", parent, tree(files), "Change");
        self.forge.commit(&id, new).await.unwrap().id
    }

    async fn register(&self, target: &str) -> Result<Registered, CatalogError> {
        self.catalog.register(&self.who, "url", target, Registration::New).await
    }
}

async fn open(database: &TestDatabase, forge: &Arc<LocalForge>, folder: &Path, config: Value) -> Catalog {
    let mut config = config;
    let reading = config.as_object_mut().unwrap().remove("reading");
    let mut config: CatalogConfig = serde_json::from_value(config).unwrap();
    config.reading = reading.map_or_else(ReadingRules::default, |rules| serde_json::from_value(rules).unwrap());
    let location = json!({"type": "file", "target": format!("{}/*.yaml", folder.display())});
    config.locations = vec![serde_json::from_value(location).unwrap()];
    let forges = Forges::new([Arc::clone(forge) as Arc<dyn Forge>]);
    Catalog::open(database.pool().clone(), forges, config).await.unwrap()
}

fn write(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn references(catalog: &Catalog) -> Vec<String> {
    let index = catalog.index();
    let shown = index.records().map(|record| record.reference.to_string());
    let mut references: Vec<String> = shown.filter(|reference| !reference.starts_with("location:")).collect();
    references.sort();
    references
}

/// A valid component.
fn component(name: &str, more: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: service\n  lifecycle: production\n  owner: team\n{more}---\n"
    )
}

/// A location entity with these targets.
fn location(name: &str, targets: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: {name}\nspec:\n  targets: {targets}\n---\n"
    )
}
