//! `greenroom doctor`: looks at everything a start needs, and says what to do about what is wrong.

use std::process::ExitCode;

use super::{Common, print, serve};
use crate::app::{DataDir, database, running_server};
use crate::config::Loaded;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    outcome: Result<String, String>,
}

/// Looks at everything, prints a line each; fails if one of them would keep the portal from starting.
pub(super) async fn run(common: &Common) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    match common.load() {
        Err(error) => findings.push(Finding { what: "configuration", outcome: Err(format!("{error:#}")) }),
        Ok(loaded) => {
            findings.push(configuration(&loaded));
            look(&loaded, &mut findings).await;
        }
    }
    let mut code = ExitCode::SUCCESS;
    for finding in findings {
        match finding.outcome {
            Ok(text) => print::line(format_args!("ok     {:14} {text}", finding.what)),
            Err(text) => {
                print::line(format_args!("FAIL   {:14} {text}", finding.what));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn configuration(loaded: &Loaded) -> Finding {
    let files = loaded.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
    let read = if files.is_empty() { "defaults".to_owned() } else { files.join(", ") };
    let warnings =
        loaded.warnings.iter().fold(String::new(), |text, warning| format!("{text}\n{:22}warning: {warning}", ""));
    Finding { what: "configuration", outcome: Ok(format!("{read}{warnings}")) }
}

async fn look(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let data = match serve::data_dir(&loaded.config) {
        Ok(data) => data,
        Err(error) => {
            findings.push(Finding { what: "data directory", outcome: Err(format!("{error:#}")) });
            return;
        }
    };
    findings.push(Finding { what: "data directory", outcome: writable(&data) });
    if let Some(server) = running_server(&data).await {
        findings
            .push(Finding { what: "server", outcome: Ok(format!("runs on {} (process {})", server.url, server.pid)) });
        return;
    }
    findings.push(Finding { what: "address", outcome: free_address(loaded).await });
    let opened = match database::open(&loaded.config.backend, &data).await {
        Ok(opened) => opened,
        Err(error) => {
            findings.push(Finding { what: "database", outcome: Err(format!("{error:#}")) });
            return;
        }
    };
    findings.push(Finding { what: "database", outcome: Ok(format!("{}, schema up to date", opened.description)) });
    let environments =
        crate::delivery::Delivery::new(opened.database.pool().clone(), loaded.config.environments.0.clone());
    findings.push(Finding {
        what: "environments",
        outcome: environments
            .map(|delivery| delivery.environments().iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", "))
            .map_err(|error| error.to_string()),
    });
    opened.close().await;
    for cluster in crate::cluster::Clusters::open(&loaded.config.kubernetes).await.all() {
        let version = cluster.version().await.map_err(|error| error.to_string());
        findings.push(Finding { what: "cluster", outcome: version.map(|it| format!("{}: {it}", cluster.name())) });
    }
}

fn writable(data: &DataDir) -> Result<String, String> {
    let root = data.root().display();
    tempfile::NamedTempFile::new_in(data.root())
        .map(|_| format!("{root}"))
        .map_err(|error| format!("{root} cannot be written to: {error}; choose another with --data-dir"))
}

async fn free_address(loaded: &Loaded) -> Result<String, String> {
    let listen = loaded.config.backend.listen;
    match tokio::net::TcpListener::bind((listen.host, listen.port)).await {
        Ok(_) => Ok(format!("{}:{} is free", listen.host, listen.port)),
        Err(error) => {
            Err(format!("cannot listen on {}:{}: {error}; choose a port with --port", listen.host, listen.port))
        }
    }
}
