//! `greenroom schema …`: what editors need to complete and check descriptors while they are written.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Common, print};
use crate::entity;

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
}

/// `greenroom schema entity`
#[derive(Debug, Args)]
struct EntityOptions {
    /// Only this kind; every kind without.
    kind: Option<String>,
}

/// Prints the schema.
pub(super) fn run(common: &Common, options: &Options) -> anyhow::Result<ExitCode> {
    let Command::Entity(EntityOptions { kind }) = &options.command;
    let model = common.load()?.config.catalog.model;
    let schema = entity::schema(&model, kind.as_deref()).with_context(|| {
        let known = entity::kind_names(&model).join(", ");
        format!("there is no kind {}; known are {known}", kind.as_deref().unwrap_or_default())
    })?;
    print::line(serde_json::to_string_pretty(&schema)?);
    Ok(ExitCode::SUCCESS)
}
