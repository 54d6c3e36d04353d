//! `greenroom catalog …`: look entities up and register locations.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::portal::{Portal, Target};
use super::{Common, print};

/// `greenroom catalog`
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List entities, one reference a line.
    List {
        /// Backstage filter, e.g. kind=component,spec.type=service; repeated filters are alternatives.
        #[arg(long, short)]
        filter: Vec<String>,
        /// Print the entities as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print one entity.
    Get {
        /// kind:namespace/name
        reference: crate::entity::EntityRef,
    },
    /// Register the location of a catalog-info.yaml.
    Register {
        /// URL of the descriptor.
        url: String,
        /// Only say what it would add.
        #[arg(long)]
        dry_run: bool,
    },
    /// Read an entity's source again now.
    Refresh {
        /// kind:namespace/name
        reference: crate::entity::EntityRef,
    },
}

/// Runs one of them.
pub(super) async fn run(common: &Common, options: Options) -> anyhow::Result<ExitCode> {
    let portal = Portal::open(common, &options.target).await?;
    let outcome = answer(&portal, options.command).await;
    portal.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn answer(portal: &Portal, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { filter, json } => list(portal, &filter, json).await,
        Command::Get { reference } => {
            let (kind, namespace, name) = (reference.kind(), reference.namespace(), reference.name());
            let entity = portal.get(&format!("/api/catalog/entities/by-name/{kind}/{namespace}/{name}")).await?;
            print::line(serde_yaml::to_string(&entity)?.trim_end());
            Ok(())
        }
        Command::Register { url, dry_run } => {
            let path = if dry_run { "/api/catalog/locations?dryRun=true" } else { "/api/catalog/locations" };
            let answer = portal.post(path, &json!({"type": "url", "target": url})).await?;
            let done = if dry_run { "would register" } else { "registered" };
            print::line(format_args!("{done} {url}"));
            for reference in references(answer.get("entities")) {
                print::line(format_args!("  {reference}"));
            }
            Ok(())
        }
        Command::Refresh { reference } => {
            portal.post("/api/catalog/refresh", &json!({"entityRef": reference})).await?;
            print::line(format_args!("refreshed {reference}"));
            Ok(())
        }
    }
}

async fn list(portal: &Portal, filters: &[String], json: bool) -> anyhow::Result<()> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for filter in filters {
        query.append_pair("filter", filter);
    }
    query.append_pair("order", "asc:kind").append_pair("order", "asc:metadata.name");
    let entities = portal.get(&format!("/api/catalog/entities?{}", query.finish())).await?;
    if json {
        print::line(serde_json::to_string_pretty(&entities)?);
        return Ok(());
    }
    for reference in references(Some(&entities)) {
        print::line(reference);
    }
    Ok(())
}

fn references(entities: Option<&Value>) -> Vec<crate::entity::EntityRef> {
    let entities = entities.and_then(Value::as_array).into_iter().flatten();
    entities.filter_map(|entity| Some(crate::entity::Entity(entity.as_object()?.clone()).reference())).collect()
}
