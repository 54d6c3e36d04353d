//! The command line.
//!
//! `greenroom` alone serves. Every other command is a file in `cli/`, builds only what it needs and prints to
//! standard output what was asked for, to standard error what went wrong. Exit codes: 0 done, 1 it failed,
//! 2 it was called wrongly or, asked for a verdict, could not judge.

mod catalog;
mod config;
mod doctor;
mod finding;
mod portal;
mod print;
mod schema;
mod serve;
mod techdocs;
mod template;
mod validate;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::telemetry::LogFormat;

/// The internal developer portal: service catalog, scaffolder and delivery in one program.
#[derive(Debug, Parser)]
#[command(name = "greenroom", version, about, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Configuration file; may be repeated, the last wins. Without it: app-config.yaml and app-config.local.yaml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Folder for the embedded database, repositories and workspaces [default: .greenroom]
    #[arg(long, global = true, value_name = "DIR", env = "GREENROOM_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Postgres to use instead of the embedded one.
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Address to listen on [default: loopback]
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 takes a free one [default: 7007]
    #[arg(long, global = true, value_name = "PORT")]
    port: Option<u16>,
    /// How logs are written.
    #[arg(long, global = true, value_enum, default_value = "auto")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the portal (the default).
    Serve,
    /// Bring the database's schema up to date and exit.
    Migrate,
    /// Print the effective configuration, secrets masked.
    Config(config::Options),
    /// Check database, folders, forge and configuration, and say what to do about what is wrong.
    Doctor,
    /// Check catalog descriptors and templates in files.
    Validate(validate::Options),
    /// Print JSON Schemas, for editors.
    Schema(schema::Options),
    /// Lint, render and run software templates.
    Template(template::Options),
    /// Build and check documentation sites.
    Techdocs(techdocs::Options),
    /// Look things up in the catalog.
    Catalog(catalog::Options),
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    if let Some(launched) = crate::db::embedded::launcher::run_if_asked(std::env::args_os()) {
        return launched;
    }
    start(std::env::args_os())
}

/// Runs the program with these arguments, of which the first is its own name.
pub(crate) fn start(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    small_pages();
    // Two TLS providers could be compiled in by a dependency; this one is meant.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider is installed already");
    }
    match run(Arguments::parse_from(arguments)) {
        Ok(code) => code,
        Err(error) => {
            print::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Keeps the allocator from asking for huge pages: a portal of 35 MB would then take 80, for no gain that is measured.
fn small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages cannot be switched off");
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { common, command } = arguments;
    let serving = matches!(command, None | Some(Command::Serve));
    crate::telemetry::start_logging(common.log_format, !serving);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(async move {
        match command.unwrap_or(Command::Serve) {
            Command::Serve => serve::run(&common).await,
            Command::Migrate => serve::migrate(&common).await,
            Command::Config(options) => config::run(&common, &options),
            Command::Doctor => doctor::run(&common).await,
            Command::Validate(options) => validate::run(&common, &options).await,
            Command::Schema(options) => schema::run(&common, &options),
            Command::Template(options) => Box::pin(template::run(&common, options)).await,
            Command::Techdocs(options) => techdocs::run(&options),
            Command::Catalog(options) => catalog::run(&common, options).await,
        }
    });
    // Work on blocking threads (a file being read) must not hold the process up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code
}

impl Common {
    /// Configuration with what the command line says put over it.
    fn load(&self) -> anyhow::Result<crate::config::Loaded> {
        let mut loaded = crate::config::load(&self.config)?;
        if let Some(host) = &self.host {
            loaded.config.backend.listen.host = address(host)?;
        }
        if let Some(port) = self.port {
            loaded.config.backend.listen.port = port;
        }
        if let Some(folder) = &self.data_dir {
            loaded.config.backend.data_dir = Some(folder.clone());
        }
        if let Some(url) = &self.database_url {
            loaded.config.backend.database.connection = Some(crate::config::Connection::Url(url.clone()));
        }
        Ok(loaded)
    }
}

fn address(host: &str) -> anyhow::Result<IpAddr> {
    crate::config::parse_host(host).map_err(|message| anyhow::anyhow!("--host: {message}"))
}
