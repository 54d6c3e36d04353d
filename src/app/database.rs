//! Which database: the one configuration names, or the embedded one.

use anyhow::Context as _;
use url::Url;

use super::data::DataDir;
use crate::config::{BackendSection, Connection};
use crate::db::Database;
use crate::db::embedded::{self, Durability, EmbeddedOptions, EmbeddedPostgres, EmbeddedSummary};

/// Connections of the pool; the embedded server allows forty.
const POOL_SIZE: u32 = 16;

/// A connected, migrated database, and the server behind it if it is ours.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The pool.
    pub(crate) database: Database,
    /// Set when Greenroom runs Postgres itself.
    pub(crate) embedded: Option<EmbeddedPostgres>,
    /// For people: which database this is; no password.
    pub(crate) description: String,
}

/// Whether [`open`] will make a new embedded database.
pub(crate) fn is_to_be_made(backend: &BackendSection, data: &DataDir) -> bool {
    backend.database.connection.is_none() && !embedded::is_there(data.root())
}

/// Connects to what `backend.database` names, or starts the embedded server, and migrates.
pub(crate) async fn open(backend: &BackendSection, data: &DataDir) -> anyhow::Result<Opened> {
    if let Some(client) = backend.database.client.as_deref().filter(|client| *client != "pg") {
        anyhow::bail!("configuration `backend.database.client` is `{client}`; Greenroom runs on Postgres, `pg`");
    }
    let opened = match &backend.database.connection {
        Some(connection) => external(connection).await?,
        None => own(backend, data).await?,
    };
    if let Err(error) = opened.database.migrate().await {
        opened.close().await;
        return Err(error.into());
    }
    Ok(opened)
}

async fn external(connection: &Connection) -> anyhow::Result<Opened> {
    let url = match connection {
        Connection::Url(url) => url.clone(),
        Connection::Parts(parts) => parts.url().context("configuration `backend.database.connection`")?.to_string(),
    };
    let database = Database::connect(Database::options(&url)?, POOL_SIZE).await?;
    let description = Url::parse(&url).map_or_else(
        |_| "configured".to_owned(),
        |mut url| {
            // A URL without a host cannot have a password either.
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string()
        },
    );
    Ok(Opened { database, embedded: None, description })
}

async fn own(backend: &BackendSection, data: &DataDir) -> anyhow::Result<Opened> {
    let options = EmbeddedOptions {
        data_dir: data.root().to_path_buf(),
        bin_dir: backend.database.bin_dir.clone(),
        durability: Durability::Full,
    };
    let postgres = EmbeddedPostgres::start(options).await?;
    let description = described(postgres.summary());
    let database = Database::known(postgres.connect_options(), POOL_SIZE);
    Ok(Opened { database, embedded: Some(postgres), description })
}

/// For people; and for `psql --host=… --username=greenroom greenroom`.
fn described(summary: &EmbeddedSummary) -> String {
    if summary.first_start {
        tracing::info!("made a new database cluster");
    }
    let version = summary.version.split_whitespace().next().unwrap_or_default();
    let user = summary.user.as_ref().map_or_else(String::new, |user| format!(" as {user}"));
    format!("embedded Postgres {version} (process {}{user}, socket in {})", summary.pid, summary.socket_dir.display())
}

impl Opened {
    /// Closes the pool and stops the server if it is ours.
    pub(crate) async fn close(self) {
        self.database.close().await;
        if let Some(postgres) = self.embedded {
            postgres.stop().await;
        }
    }
}
