//! `greenroom schema …`: what editors need to complete and check descriptors while they are written.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Common, print};
use crate::{entity, scaffolder};

/// `greenroom schema`
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// JSON Schema (draft 7) of catalog descriptors, with the kinds of the configuration.
    Entity(EntityOptions),
    /// JSON Schema (draft 7) of software templates, with the inputs of this portal's actions.
    Template,
}

/// `greenroom schema entity`
#[derive(Debug, Args)]
struct EntityOptions {
    /// Only this kind; every kind without.
    kind: Option<String>,
}

/// Prints the schema.
pub(super) fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let schema = match &options.command {
        Command::Entity(EntityOptions { kind }) => entity_schema(common, kind.as_deref())?,
        Command::Template => scaffolder::template_schema(&crate::app::known_actions()?.descriptions()),
    };
    print::line(serde_json::to_string_pretty(&schema)?);
    Ok(ExitCode::SUCCESS)
}

fn entity_schema(common: &Common, kind: Option<&str>) -> anyhow::Result<Value> {
    let model = common.load()?.config.catalog.model;
    entity::schema(&model, kind).with_context(|| {
        let known = entity::kind_names(&model).join(", ");
        format!("there is no kind {}; known are {known}", kind.unwrap_or_default())
    })
}
