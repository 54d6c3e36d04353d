//! The composition root: builds every context from configuration, and owns what runs in the background.
//!
//! Order of a start: local forge and what it ships with → catalog (index from Postgres) → delivery → scaffolder with
//! every action → auth → web. Order of a stop: no new requests, steps under way finish, catalog and workers end,
//! then the database.

mod data;
pub(crate) mod database;
mod seed;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

pub(crate) use data::{DEFAULT as DEFAULT_DATA_DIR, DataDir, RunningServer};
pub(crate) use database::Opened;

use crate::auth::{Auth, AuthConfig};
use crate::catalog::{Catalog, CatalogConfig};
use crate::config::{Config, Loaded};
use crate::db::Database;
use crate::delivery::{self, Delivery};
use crate::forge::{Forge, Forges, LocalForge};
use crate::scaffolder::Scaffolder;
use crate::web::{self, AppState, Site, WebConfig};

/// How long background work may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(30);
/// How often expired sessions and drafts are removed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(600);

/// All contexts of a running portal.
pub(crate) struct App {
    /// What handlers see.
    pub(crate) state: AppState,
    web: WebConfig,
    background: TaskTracker,
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
}
