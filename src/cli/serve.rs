//! `greenroom serve` and `greenroom migrate`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Common, print};
use crate::app::{App, DataDir, Opened, Reached, database};
use crate::config::{Config, Loaded};
use crate::db::embedded::EmbeddedPostgres;

/// Whoever waits for a page is answered before background work opens its connections.
const BACKGROUND_AFTER: Duration = Duration::from_millis(100);

/// Serves until a signal says stop, then lets everything under way finish.
pub(super) async fn run(common: &Common) -> anyhow::Result<ExitCode> {
    let loaded = common.load()?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let data = data_dir(&loaded.config)?;
    // Before anything is started: a port in use is the commonest mistake.
    let listener = listen(&loaded.config).await?;
    let address = listener.local_addr()?;
    let base_url = base_url(&loaded.config, address)?;
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;

    let taken = data.take()?;
    let reached = Reached { base_url: base_url.clone(), loopback: address.ip().is_loopback() };
    let (app, opened) = App::open(&loaded, &data, reached).await?;
    let lost = opened.embedded.as_ref().map(EmbeddedPostgres::exited);
    let announcement = data.announce(nearby(address)?).context("cannot write to the data directory")?;
    banner(&loaded, &data, &opened, &base_url);

    let serving = crate::web::serve::serve(listener, app.router(), shutdown.clone());
    let starting = async {
        tokio::time::sleep(BACKGROUND_AFTER).await;
        app.start(&shutdown);
        std::future::pending::<()>().await;
    };
    let failure = tokio::select! {
        () = serving => None,
        () = starting => None,
        error = async { match lost { Some(lost) => lost.await, None => std::future::pending().await } } => {
            shutdown.cancel();
            Some(error)
        }
    };
    app.finish().await;
    drop(announcement);
    opened.close().await;
    drop(taken);
    match failure {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(anyhow::Error::new(error).context("the database stopped while the portal was running")),
    }
}

/// Brings the schema up to date.
pub(super) async fn migrate(common: &Common) -> anyhow::Result<ExitCode> {
    let config = common.load()?.config;
    let data = data_dir(&config)?;
    let opened = database::open(&config.backend, &data).await?;
    print::line(format_args!("the schema of {} is up to date", opened.description));
    opened.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The data directory of the configuration, made when missing.
pub(super) fn data_dir(config: &Config) -> anyhow::Result<DataDir> {
    let root = data_root(config);
    DataDir::create(root)
        .with_context(|| format!("cannot make the data directory {}; choose another with --data-dir", root.display()))
}

/// The same if it is there.
pub(super) fn existing_data_dir(config: &Config) -> Option<DataDir> {
    let root = data_root(config);
    if root.is_dir() { DataDir::create(root).ok() } else { None }
}

fn data_root(config: &Config) -> &Path {
    config.backend.data_dir.as_deref().unwrap_or(Path::new(crate::app::DEFAULT_DATA_DIR))
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let listen = config.backend.listen;
    let address = SocketAddr::new(listen.host, listen.port);
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is in use by another program; stop it, or choose a port with --port")
        }
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    })
}

/// Where people reach the portal: what configuration says, or this machine on the port that is bound.
fn base_url(config: &Config, address: SocketAddr) -> anyhow::Result<Url> {
    // Port 0 is for tests and scripts: then the configured address cannot be meant.
    if config.backend.base_url.is_some() && config.backend.listen.port != 0 {
        return configured_base_url(config);
    }
    Url::parse(&format!("http://localhost:{}", address.port())).context("the address gives no URL")
}

/// Where programs on this machine reach the server, whatever address people use.
fn nearby(address: SocketAddr) -> anyhow::Result<Url> {
    let host = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    Ok(Url::parse(&format!("http://{}", SocketAddr::new(host, address.port())))?)
}

/// `backend.baseUrl`, or this machine on the configured port.
pub(super) fn configured_base_url(config: &Config) -> anyhow::Result<Url> {
    match &config.backend.base_url {
        Some(url) => Ok(url.clone()),
        None => {
            Url::parse(&format!("http://localhost:{}", config.backend.listen.port)).context("the port gives no URL")
        }
    }
}

/// The first signal asks everything to finish; the second ends the process at once.
fn stop_on_signals(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked {
                tracing::warn!("stopping at once; runs under way go on at the next start");
                // The embedded database dies with this process and recovers from its log.
                std::process::exit(130);
            }
            asked = true;
            tracing::info!("stopping: steps under way finish first; once more to stop at once");
            shutdown.cancel();
        }
    });
    Ok(())
}

fn banner(loaded: &Loaded, data: &DataDir, opened: &Opened, base_url: &Url) {
    let config = &loaded.config;
    let files = match loaded.files.as_slice() {
        [] => "defaults (no app-config.yaml here)".to_owned(),
        files => files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "),
    };
    let environments = config.environments.0.iter().map(|environment| environment.name.as_str()).collect::<Vec<_>>();
    print::line(format_args!("Greenroom {}", env!("CARGO_PKG_VERSION")));
    print::line(format_args!("  configuration  {files}"));
    print::line(format_args!("  database       {}", opened.description));
    print::line(format_args!("  data           {}", data.root().display()));
    print::line("  forge          local Git repositories, under /git");
    print::line(format_args!("  environments   {}", environments.join(", ")));
    print::line(format_args!("  open           {}", base_url.as_str().trim_end_matches('/')));
}
